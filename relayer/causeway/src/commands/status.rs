//! `causeway status`: chains, clients, wallets and packets of the running relayer.

use crate::cli::Global;
use crate::client::{self, EndpointArgs};
use crate::exit::Failure;
use crate::{config, output};
use causeway_proto::admin::v1::{Chain, Endpoint, GetStatusRequest, GetStatusResponse, Height, Path, Wallet};
use serde_json::{Value, json};

/// Show what the running relayer does.
#[derive(Debug, clap::Args)]
pub(crate) struct Command {
    #[command(flatten)]
    endpoint: EndpointArgs,
}

impl Command {
    /// Asks and prints.
    pub(crate) async fn execute(self, global: &Global) -> Result<(), Failure> {
        let mut connection = self.endpoint.connect(|| config::load(&global.config)).await?;
        let answer = connection.admin.get_status(GetStatusRequest {}).await.map_err(|status| client::status_failure(&status))?.into_inner();
        if global.json {
            output::json_object(&as_json(&answer));
        } else {
            print(&answer);
        }
        Ok(())
    }
}

fn height(height: Option<&Height>) -> String {
    height.map_or_else(
        || "-".to_string(),
        |height| if height.revision == 0 { height.number.to_string() } else { format!("{}-{}", height.revision, height.number) },
    )
}

fn print(status: &GetStatusResponse) {
    let chains = status
        .chains
        .iter()
        .map(|chain| {
            let up = chain.endpoints.iter().filter(|endpoint| endpoint.error.is_empty()).count();
            vec![
                chain.chain.clone(),
                format!("{} {}", chain.family, chain.native_chain_id),
                height(chain.head.as_ref()),
                height(chain.verified.as_ref()),
                format!("{up}/{}", chain.endpoints.len()),
                chain_trouble(chain),
            ]
        })
        .collect();
    println!("{}", output::table(&["chain", "what", "head", "verified", "endpoints", "trouble"], chains));
    let wallets = status
        .chains
        .iter()
        .flat_map(|chain| chain.wallets.iter().map(move |wallet| (chain, wallet)))
        .map(|(chain, wallet)| {
            vec![
                chain.chain.clone(),
                wallet.signer.clone(),
                wallet.address.clone(),
                balance(wallet),
                wallet.in_flight.to_string(),
                spending(chain),
                wallet.blocked.clone(),
            ]
        })
        .collect();
    println!("{}", output::table(&["chain", "key", "account", "balance", "in flight", "chain spent today", "trouble"], wallets));
    let clients = status
        .paths
        .iter()
        .flat_map(|path| path.clients.iter().map(move |client| (path, client)))
        .map(|(path, client)| {
            let expiry = match client.expires_in_s {
                _ if client.frozen => "FROZEN".to_string(),
                Some(seconds) if seconds <= 0 => "EXPIRED".to_string(),
                Some(seconds) => output::age(seconds.unsigned_abs()),
                None => "-".to_string(),
            };
            vec![path.name.clone(), client.chain.clone(), client.client.clone(), height(client.latest.as_ref()), expiry]
        })
        .collect();
    println!("{}", output::table(&["path", "host", "client", "height", "expires in"], clients));
    for path in &status.paths {
        println!("{}", packets_line(path));
    }
}

/// Not known before the chain's first answer.
fn balance(wallet: &Wallet) -> String {
    if wallet.balance.is_empty() { "not known yet".to_string() } else { format!("{} {}", wallet.balance, wallet.denom) }
}

fn spending(chain: &Chain) -> String {
    if chain.spend_cap_per_day.is_empty() {
        chain.spent_today.clone()
    } else {
        format!("{} of {}", chain.spent_today, chain.spend_cap_per_day)
    }
}

fn chain_trouble(chain: &Chain) -> String {
    let mut all: Vec<String> = [&chain.divergence, &chain.watch_error].into_iter().filter(|text| !text.is_empty()).cloned().collect();
    all.extend(chain.violations.iter().map(|violation| format!("{} x {}", violation.rule, violation.count)));
    all.extend(
        chain
            .endpoints
            .iter()
            .filter(|endpoint| !endpoint.error.is_empty())
            .map(|endpoint| format!("{}: {}", endpoint.endpoint, endpoint.error)),
    );
    all.join("; ")
}

fn packets_line(path: &Path) -> String {
    let counts: Vec<_> = path
        .packets
        .iter()
        .map(|count| format!("{} {} {}", client::show_direction(count.direction), client::show_state(count.state), count.count))
        .collect();
    let counts = if counts.is_empty() { "no packets yet".to_string() } else { counts.join(", ") };
    let oldest = path.oldest_pending_ms.map_or_else(String::new, |ms| format!("; oldest pending {}", output::age(ms / 1_000)));
    let halted = if path.halted.is_empty() { String::new() } else { format!("; HALTED: {}", path.halted) };
    format!("{}: {counts}{oldest}{}{halted}", path.name, channel_line(path))
}

/// A channel that is not open at both ends, in words.
fn channel_line(path: &Path) -> String {
    let ends: Vec<String> = path.channels.iter().map(|end| format!("{} on {} is {}", end.channel, end.chain, end.state)).collect();
    if path.channels.iter().all(|end| end.state == "open") {
        return String::new();
    }
    format!("; CLOSED: {}; nothing new is relayed, what is on its way is brought to its end", ends.join(", "))
}

fn as_json(status: &GetStatusResponse) -> Value {
    json!({
        "now_ms": status.now_ms,
        "version": status.version,
        "change": status.change,
        "chains": status.chains.iter().map(chain_json).collect::<Vec<_>>(),
        "paths": status.paths.iter().map(path_json).collect::<Vec<_>>(),
    })
}

fn number(height: Option<&Height>) -> Value {
    height.map_or(Value::Null, |height| json!(height.number))
}

fn chain_json(chain: &Chain) -> Value {
    let endpoint = |endpoint: &Endpoint| json!({ "endpoint": endpoint.endpoint, "head": number(endpoint.head.as_ref()), "syncing": endpoint.syncing, "error": endpoint.error });
    json!({
        "chain": chain.chain,
        "family": chain.family,
        "native_chain_id": chain.native_chain_id,
        "head": number(chain.head.as_ref()),
        "verified": number(chain.verified.as_ref()),
        "cursor": number(chain.cursor.as_ref()),
        "endpoints": chain.endpoints.iter().map(endpoint).collect::<Vec<_>>(),
        "spent_today": chain.spent_today,
        "spend_cap_per_day": chain.spend_cap_per_day,
        "divergence": chain.divergence,
        "watch_error": chain.watch_error,
        "violations": chain.violations.iter().map(|violation| json!({ "rule": violation.rule, "count": violation.count })).collect::<Vec<_>>(),
        "wallets": chain.wallets.iter().map(|wallet| json!({
            "signer": wallet.signer,
            "address": wallet.address,
            "balance": wallet.balance,
            "denom": wallet.denom,
            "in_flight": wallet.in_flight,
            "blocked": wallet.blocked,
        })).collect::<Vec<_>>(),
    })
}

fn path_json(path: &Path) -> Value {
    json!({
        "name": path.name,
        "halted": path.halted,
        "channels": path.channels.iter().map(|end| json!({ "chain": end.chain, "channel": end.channel, "state": end.state })).collect::<Vec<_>>(),
        "oldest_pending_ms": path.oldest_pending_ms,
        "clients": path.clients.iter().map(|client| json!({
            "chain": client.chain,
            "client": client.client,
            "height": number(client.latest.as_ref()),
            "expires_in_s": client.expires_in_s,
            "frozen": client.frozen,
        })).collect::<Vec<_>>(),
        "packets": path.packets.iter().map(|count| json!({
            "direction": client::show_direction(count.direction),
            "state": client::show_state(count.state),
            "count": count.count,
        })).collect::<Vec<_>>(),
    })
}
