//! `causeway start`: runs the relayer until it is asked to end.

use crate::cli::Global;
use crate::exit::{Code, Failure};
use crate::relayer::{self, Running};
use crate::{config, output};
use serde_json::json;
use std::time::Duration;

/// Run the relayer.
#[derive(Debug, clap::Args)]
pub(crate) struct Command {
    /// Where no root of trust is configured, believe what the endpoints agree on at the first start.
    #[arg(long)]
    trust_on_first_use: bool,
}

impl Command {
    /// Starts, waits for SIGINT or SIGTERM, drains.
    pub(crate) async fn execute(self, global: &Global) -> Result<(), Failure> {
        let config = config::load(&global.config)?;
        if config.paths.is_empty() {
            return Err(Failure::new(Code::BadConfig, "no path is configured; `causeway path create CHAIN CHAIN` makes one"));
        }
        let running = Running::start(&config, self.trust_on_first_use).await?;
        announce(&running, &config, global.json);
        let stopped = tokio::select! {
            () = relayer::wait_for_signal() => None,
            reason = running.engine.stopped() => Some(reason),
        };
        let drained = running.shutdown(Duration::from_secs(config.relayer.drain_deadline_s)).await;
        match stopped {
            Some(reason) => Err(Failure::new(Code::Store, reason)),
            None => {
                if !drained && !global.json {
                    println!("Stopped before every transaction had its outcome; the journal has them, the next start goes on");
                }
                Ok(())
            }
        }
    }
}

fn announce(running: &Running, config: &config::Config, as_json: bool) {
    if as_json {
        output::json_object(&json!({
            "started": true,
            "grpc": running.grpc_address.to_string(),
            "http": running.http_address.to_string(),
            "paths": config.paths.iter().map(|path| path.name.clone()).collect::<Vec<_>>(),
        }));
        return;
    }
    let paths: Vec<_> = config.paths.iter().map(|path| path.name.as_str()).collect();
    println!("Relaying {}. gRPC on {}, metrics on http://{}/metrics", paths.join(", "), running.grpc_address, running.http_address);
    println!("`causeway status` shows what it does; Ctrl-C drains and stops");
}
