//! What is configured once for all chains: clearing, and where the relayer can be reached.

use super::reader::Section;
use super::{Fate, Notes};

/// Blocks between two clearings are taken as this many seconds each: about what chains of the Cosmos SDK do.
const BLOCK_S: u64 = 5;

/// Longest time between two clearings that is allowed here, seconds.
const CLEAR_INTERVAL_MAX_S: u64 = 86_400;

/// What the new configuration takes over.
#[derive(Debug, Default)]
pub(super) struct Global {
    /// Seconds between two clearings.
    pub(super) clear_interval_s: Option<u64>,
    /// Port of the metrics.
    pub(super) http_port: Option<u64>,
}

pub(super) fn read(root: &mut Section, notes: &mut Notes) -> Result<Global, String> {
    let mut global = Global::default();
    for name in ["global", "tracing_server", "rest"] {
        if let Some(section) = root.section(name)? {
            section.rest(notes);
        }
    }
    if let Some(section) = root.section("mode")? {
        mode(section, &mut global, notes)?;
    }
    if let Some(mut section) = root.section("telemetry")? {
        let (host, port) = (section.text("host")?, section.whole("port")?);
        let port_key = section.key("port");
        if let Some(host) = host.filter(|host| !matches!(host.as_str(), "127.0.0.1" | "localhost" | "::1")) {
            let text = format!(
                "metrics stay on 127.0.0.1, for they share a process with the commands: to serve {host}, set api.http_listen and \
                 api.allow_remote = true behind a proxy that authenticates"
            );
            notes.add(section.key("host"), Fate::Look, text);
        } else if section.has("enabled") {
            notes.add(section.key("host"), Fate::Taken, "api.http_listen");
        }
        global.http_port = port.map(|port| notes.bounded(port_key, "port of api.http_listen", port, (1, 65_535)));
        section.rest(notes);
    }
    Ok(global)
}

fn mode(mut mode: Section, global: &mut Global, notes: &mut Notes) -> Result<(), String> {
    for name in ["clients", "connections", "channels"] {
        let Some(mut section) = mode.section(name)? else { continue };
        let key = section.key("enabled");
        match (name, section.truth("enabled")?) {
            ("clients", Some(false)) => {
                notes.add(key, Fate::Look, "clients of configured paths are always kept alive; remove paths that are not yours")
            }
            ("connections" | "channels", Some(true)) => {
                notes.add(key, Fate::Look, "handshakes are commands: causeway path create A B --classic")
            }
            (_, Some(_)) => notes.add(key, Fate::NotNeeded, "clients are kept alive by themselves, handshakes are commands"),
            (_, None) => {}
        }
        section.rest(notes);
    }
    if let Some(mut section) = mode.section("packets")? {
        let key = section.key("enabled");
        match section.truth("enabled")? {
            Some(false) => notes.add(key, Fate::Look, "packets are relayed on every configured path; add no paths if none shall be"),
            Some(true) => notes.add(key, Fate::NotNeeded, "packets are relayed on every configured path"),
            None => {}
        }
        let key = section.key("clear_interval");
        global.clear_interval_s = section.whole("clear_interval")?.map(|blocks| clear_interval_s(key, blocks, notes));
        for name in ["ics20_max_memo_size", "ics20_max_receiver_size"] {
            let Some(mut limit) = section.section(name)? else { continue };
            let key = limit.key("size");
            let (enabled, size) = (limit.truth("enabled")?.unwrap_or(true), limit.bytes("size")?);
            if let (true, Some(size)) = (enabled, size) {
                let text = format!("not limited to {size} bytes: the chains' own limits apply, and what breaks them returns to its sender");
                notes.add(key, Fate::Look, text);
            }
            limit.rest(notes);
        }
        section.rest(notes);
    }
    mode.rest(notes);
    Ok(())
}

/// Seconds for an interval in blocks; 0 blocks turns clearing off in Hermes.
pub(super) fn clear_interval_s(key: String, blocks: u64, notes: &mut Notes) -> u64 {
    if blocks == 0 {
        notes.add(key, Fate::Look, format!("clearing cannot be turned off; relayer.clear_interval_s = {CLEAR_INTERVAL_MAX_S}, once a day"));
        return CLEAR_INTERVAL_MAX_S;
    }
    let seconds = blocks.saturating_mul(BLOCK_S).clamp(1, CLEAR_INTERVAL_MAX_S);
    notes.add(key, Fate::Taken, format!("relayer.clear_interval_s = {seconds}: {blocks} blocks of {BLOCK_S} s"));
    seconds
}
