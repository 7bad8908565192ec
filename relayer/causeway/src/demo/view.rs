//! What a person sees while the demo runs: steps, then chains, clients and packets by state, redrawn in place on a terminal.

use super::stage::{self, Stage};
use crate::relayer::Running;
use alloy::primitives::Bytes;
use alloy::sol_types::SolCall;
use causeway_engine::{StateKind, Status};
use causeway_evm_contracts::abi;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The live view: redrawn on a terminal, steps as lines elsewhere, silent when a program reads the answer.
#[derive(Debug)]
pub(crate) struct View {
    bar: ProgressBar,
    lines: bool,
}

impl View {
    /// A view on standard error; none for programs.
    pub(super) fn new(as_json: bool) -> Self {
        let target = if as_json { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr_with_hz(5) };
        let bar = ProgressBar::with_draw_target(None, target);
        bar.set_style(ProgressStyle::default_spinner());
        let lines = !as_json && bar.is_hidden();
        Self { bar, lines }
    }

    /// A new step.
    pub(super) fn step(&self, text: &str) {
        if self.lines {
            eprintln!("- {text}");
        }
        self.bar.println(format!("- {text}"));
        self.bar.set_message(text.to_string());
        self.bar.tick();
    }

    /// The relayer's state.
    pub(super) fn show(&self, status: &Status) {
        self.bar.set_message(lines(status));
        self.bar.tick();
    }

    /// Clears what is redrawn.
    pub(super) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

fn lines(status: &Status) -> String {
    let mut text = String::from("relaying\n");
    for chain in &status.chains {
        let head = chain.head.map_or_else(|| "-".to_string(), |head| head.height.to_string());
        let verified = chain.verified.map_or_else(|| "-".to_string(), |height| height.to_string());
        text.push_str(&format!("  chain {}: head {head}, verified {verified}\n", chain.chain));
    }
    for path in &status.paths {
        for client in &path.clients {
            let latest = client.latest.map_or_else(|| "-".to_string(), |height| height.to_string());
            text.push_str(&format!("  client {} on {}: height {latest}\n", client.client, client.chain));
        }
        let mut counts: BTreeMap<StateKind, u64> = BTreeMap::new();
        for count in &path.packets {
            *counts.entry(count.state).or_default() += count.count;
        }
        let counts: Vec<_> = counts.iter().map(|(state, count)| format!("{} {count}", state.as_str())).collect();
        text.push_str(&format!("  packets: {}", counts.join(", ")));
    }
    text
}

/// Where everything is while it is left running, for programs.
pub(super) fn addresses(stage: &Stage, running: &Running) -> Value {
    let [a, b] = stage.both();
    json!({
        "config": stage.config_file().display().to_string(),
        "rpc": { a.name.clone(): stage.rpc_url(0), b.name.clone(): stage.rpc_url(1) },
        "grpc": running.grpc_address.to_string(),
        "http": running.http_address.to_string(),
    })
}

/// The same for people, and how to send a packet by hand.
pub(super) fn explain(stage: &Stage, running: &Running) {
    let [a, b] = stage.both();
    println!("\nEverything goes on running. Ctrl-C stops it.");
    for (side, url) in [(a, stage.rpc_url(0)), (b, stage.rpc_url(1))] {
        println!("  chain {}: JSON-RPC {url}, router {}, token {}, echo {}", side.name, side.at.router, side.at.token, side.at.echo);
    }
    println!("  gRPC {}, metrics http://{}/metrics", running.grpc_address, running.http_address);
    let config = stage.config_file().display();
    println!("  configuration {config}");
    let (path, signer, echo) = (stage.path_name(), stage::SIGNER, b.at.echo);
    let data = Bytes::from(abi::Echo::echoCall { data: Bytes::from_static(b"hello") }.abi_encode());
    println!("A packet by hand, and what the relayer makes of it:");
    println!(
        "  causeway --config {config} packet send --path {path} --from {} --signer {signer} message --to {echo} --data {data}",
        a.name
    );
    println!("  causeway --config {config} packet list --endpoint http://{}", running.grpc_address);
}
