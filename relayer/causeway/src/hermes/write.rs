//! The new configuration as text with comments, and the commands that finish the move.

use super::chain::{Chain, Channels};
use super::global::Global;
use super::{Fate, Note};

/// The variable that holds the passphrase of the keys.
const PASSPHRASE: &str = "CAUSEWAY_PASSPHRASE";

/// The whole file. It is valid as it is; a test and the command itself check that.
pub(super) fn configuration(global: &Global, chains: &[Chain], notes: &[Note]) -> String {
    let mut out = String::from(
        "# Causeway configuration, taken over from a configuration of Hermes. `causeway config check` validates it; `causeway init` writes\n\
         # a sample in which every key is explained. What stands behind `# Hermes` became of keys that are not here.\n\n[relayer]\nstore = \"causeway-data\"\n",
    );
    // The shortest interval that any chain asks for serves all of them.
    let intervals = chains.iter().map(|chain| chain.clear_interval_s).chain([global.clear_interval_s]).flatten();
    if let Some(seconds) = intervals.min() {
        line(&mut out, "clear_interval_s", &seconds.to_string());
    }
    comments(&mut out, notes, |key| !key.starts_with("chains."));
    out.push_str("\n[api]\ngrpc_listen = \"127.0.0.1:7600\"\n");
    line(&mut out, "http_listen", &quoted(&format!("127.0.0.1:{}", global.http_port.unwrap_or(7601))));
    for each in chains {
        chain(&mut out, each, notes);
    }
    out.push_str("\n# Paths. Each channel that is relayed becomes a [[path]]; these commands find them and write them here:\n");
    for each in chains {
        out.push_str(&format!("#   {}\n", discover(each)));
    }
    out
}

/// Commands that finish the move: keys, paths, and roots of trust from which the clients of those paths can be verified.
pub(super) fn next_steps(chains: &[Chain]) -> Vec<String> {
    let mut next = Vec::new();
    for chain in chains {
        let (name, key) = (&chain.name, &chain.key_name);
        next.push(format!("causeway key add {key} --chain {name} --import-mnemonic {name}.words --passphrase-env {PASSPHRASE}"));
    }
    next.push("causeway health".to_string());
    next.extend(chains.iter().map(discover));
    next.extend(chains.iter().map(|chain| format!("causeway trust show {} --for-clients", chain.name)));
    next.push("causeway start".to_string());
    next
}

fn chain(out: &mut String, chain: &Chain, notes: &[Note]) {
    let key_file = format!("keys/{}/{}.json", chain.name, chain.key_name);
    out.push_str("\n[[chain]]\n");
    line(out, "name", &quoted(&chain.name));
    line(out, "signers", &format!("[{}]", quoted(&chain.key_name)));
    number(out, "trusting_period_s", chain.trusting_period_s);
    number(out, "clock_drift_max_s", chain.clock_drift_max_s);
    let prefix = format!("chains.{}.", chain.name);
    comments(out, notes, |key| key.starts_with(&prefix));
    out.push_str(&format!(
        "# The root of trust: `causeway trust show {} --for-clients` prints what the endpoints say of the block that the clients of your paths\n\
         # need, and the command that sets it.\n",
        chain.name
    ));
    if let Some(percent) = chain.gas_headroom_percent {
        out.push_str("\n[chain.fees]\n");
        line(out, "gas_headroom_percent", &percent.to_string());
    }
    out.push_str("\n[chain.cosmos]\n");
    line(out, "chain_id", &quoted(&chain.chain_id));
    line(out, "rpc", &format!("[{{ url = {} }}]", quoted(&chain.rpc)));
    line(out, "address_prefix", &quoted(&chain.address_prefix));
    line(out, "gas_denom", &quoted(&chain.gas_denom));
    line(out, "gas_price", &chain.gas_price);
    if chain.ethermint {
        line(out, "key_type", &quoted("ethermint"));
    }
    for (key, value) in [("fee_granter", &chain.fee_granter), ("memo", &chain.memo), ("store_name", &chain.store_name)] {
        if let Some(value) = value {
            line(out, key, &quoted(value));
        }
    }
    number(out, "tx_gas_max", chain.tx_gas_max);
    number(out, "messages_max", chain.messages_max);
    number(out, "tx_bytes_max", chain.tx_bytes_max);
    number(out, "request_timeout_ms", chain.request_timeout_ms);
    number(out, "response_bytes_max", chain.response_bytes_max);
    if chain.asks_unbonding_period {
        out.push_str("# unbonding_period_s = 1814400    # of the provider chain; a consumer chain cannot be asked\n");
    }
    out.push_str(&format!("\n[chain.cosmos.keys.{}]\n", bare_or_quoted(&chain.key_name)));
    line(out, "keystore", &quoted(&key_file));
    line(out, "passphrase", &format!("{{ env = {} }}", quoted(PASSPHRASE)));
}

/// Keys that are not in the file, and what became of them.
fn comments(out: &mut String, notes: &[Note], belongs: impl Fn(&str) -> bool) {
    for note in notes.iter().filter(|note| note.fate != Fate::Taken && belongs(&note.key)) {
        out.push_str(&format!("# Hermes {}: {}\n", note.key, note.text));
    }
}

/// The command that finds the channels which Hermes relays of a chain.
fn discover(chain: &Chain) -> String {
    let (option, list): (&str, &[(String, String)]) = match &chain.channels {
        Channels::All => ("", &[]),
        Channels::Only(list) => ("--only", list),
        Channels::AllBut(list) => ("--except", list),
    };
    let patterns: String = list.iter().map(|(port, channel)| format!(" {option} '{port}/{channel}'")).collect();
    format!("causeway path discover {}{patterns} --add", chain.name)
}

fn line(out: &mut String, key: &str, value: &str) {
    out.push_str(&format!("{key} = {value}\n"));
}

fn number(out: &mut String, key: &str, value: Option<u64>) {
    if let Some(value) = value {
        line(out, key, &value.to_string());
    }
}

/// A text as TOML writes it.
fn quoted(text: &str) -> String {
    toml_edit::Value::from(text).to_string()
}

fn bare_or_quoted(text: &str) -> String {
    let bare = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte));
    if bare { text.to_string() } else { quoted(text) }
}
