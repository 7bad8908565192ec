//! Packets as tables and as JSON.

use crate::client;
use crate::output;
use causeway_proto::admin::v1::Path;
use causeway_proto::relay::v1::{AckKind, Finisher, Location, Packet, Payload, Receipt};
use serde_json::{Value, json};

/// A table of packets, or one object with all of them; and whether there are more.
pub(super) fn list(packets: &[Packet], complete: bool, as_json: bool) {
    if as_json {
        output::json_object(&json!({ "packets": packets.iter().map(object).collect::<Vec<_>>(), "complete": complete }));
        return;
    }
    let rows = packets
        .iter()
        .map(|packet| {
            vec![
                client::show_id(packet.id.as_ref()),
                client::show_direction(packet.direction),
                packet.payloads.first().map_or_else(String::new, |payload| payload.source_port.clone()),
                client::show_state(packet.state),
                packet.attempts.to_string(),
                why(packet),
            ]
        })
        .collect();
    println!("{}", output::table(&["packet", "direction", "port", "state", "attempts", "why"], rows));
    if !complete {
        eprintln!("There are more: {} are shown; --limit shows up to 10000, --state and --path narrow them down", packets.len());
    }
}

/// The chains of a packet: the second is known as long as its path is configured.
#[derive(Debug, Default, Clone)]
pub(super) struct Chains {
    pub(super) source: String,
    pub(super) dest: Option<String>,
}

impl Chains {
    /// A packet's chains, by the paths of the running relayer.
    pub(super) fn of(packet: &Packet, paths: &[Path]) -> Self {
        let source = packet.id.as_ref().map(|id| id.chain.clone()).unwrap_or_default();
        let path = paths.iter().find(|path| path.name == packet.path);
        let dest = path.and_then(|path| path.clients.iter().map(|client| client.chain.clone()).find(|chain| *chain != source));
        Self { source, dest }
    }
}

/// One packet.
pub(super) fn one(packet: &Packet, chains: &Chains, as_json: bool) {
    if as_json {
        output::json_object(&object(packet));
    } else {
        println!("{}", output::facts(facts(packet, chains, causeway_engine::env::system().clock.now_ms() / 1_000)));
    }
}

fn facts(packet: &Packet, chains: &Chains, now_s: u64) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    let mut row = |name: &str, text: String| {
        if !text.is_empty() {
            rows.push(vec![name.to_string(), text]);
        }
    };
    let id = client::show_id(packet.id.as_ref());
    row("packet", id.clone());
    row("path", format!("{} ({})", packet.path, client::show_direction(packet.direction)));
    row("state", client::show_state(packet.state));
    row(if packet.attempts == 0 { "why" } else { "last failure" }, trouble(packet));
    row("attempts", if packet.attempts == 0 { String::new() } else { format!("{} refused", packet.attempts) });
    row("next attempt", next_attempt(packet, &id, now_s));
    let dest = chains.dest.as_deref();
    row("to", if packet.dest_client.is_empty() { String::new() } else { on(dest, &packet.dest_client) });
    row("times out at", timeout(packet, dest, now_s));
    for payload in &packet.payloads {
        row("payload", contents(payload));
    }
    row("sent", place(packet.sent.as_ref(), Some(&chains.source)));
    row("receipt", enum_word::<Receipt>(packet.receipt, "RECEIPT_", Receipt::as_str_name));
    row("acknowledged", place(packet.acknowledged.as_ref(), dest));
    if let Some(ack) = &packet.acknowledgement {
        row("acknowledgement", enum_word::<AckKind>(ack.kind, "ACK_KIND_", AckKind::as_str_name));
    }
    row("finished by", enum_word::<Finisher>(packet.finisher, "FINISHER_", Finisher::as_str_name));
    if let Some(tx) = &packet.transaction {
        row("carried by", format!("{} on {}", tx.ids.join(", "), tx.chain));
    }
    for cost in &packet.costs {
        row("cost", format!("{} on {}: {} gas, fee {} ({})", cost.action, cost.chain, cost.gas, cost.fee, cost.transaction));
    }
    times(packet, now_s).into_iter().for_each(|text| row("time", text));
    rows
}

/// When it is tried again by itself.
fn next_attempt(packet: &Packet, id: &str, now_s: u64) -> String {
    let Some(at_ms) = packet.retry_at_ms else { return String::new() };
    format!("{}; `causeway packet retry {id}` makes one at once", output::moment(at_ms / 1_000, now_s))
}

/// Only a height, in some packets of IBC classic.
fn timeout(packet: &Packet, dest: Option<&str>, now_s: u64) -> String {
    let time = (packet.timeout_timestamp_s != 0).then(|| output::moment(packet.timeout_timestamp_s, now_s));
    let height = (!packet.timeout_height.is_empty()).then(|| on(dest, &format!("height {}", packet.timeout_height)));
    time.into_iter().chain(height).collect::<Vec<_>>().join(", or at ")
}

/// IBC classic names neither version nor encoding, and what a finished packet carried is no longer kept.
fn contents(payload: &Payload) -> String {
    let size = if payload.value_bytes == 0 { String::new() } else { format!("{} bytes", payload.value_bytes) };
    let parts = [format!("{} to {}", payload.source_port, payload.dest_port), payload.version.clone(), payload.encoding.clone(), size];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(", ")
}

/// The first stage by the clock, the others from there.
fn times(packet: &Packet, now_s: u64) -> Vec<String> {
    let Some(first) = packet.times.first() else { return Vec::new() };
    let later = packet.times.iter().skip(1).map(|time| format!("{} +{} ms", time.stage, time.at_ms.saturating_sub(first.at_ms)));
    std::iter::once(format!("{} {}", first.stage, output::moment(first.at_ms / 1_000, now_s))).chain(later).collect()
}

fn trouble(packet: &Packet) -> String {
    if packet.reason.is_empty() { packet.refused.clone() } else { packet.reason.clone() }
}

/// What is not as its sender wanted it.
fn why(packet: &Packet) -> String {
    let returned = packet.acknowledgement.as_ref().is_some_and(|ack| ack.kind() == AckKind::Error);
    match trouble(packet) {
        none if none.is_empty() && returned => "its receiver answered with an error".to_string(),
        trouble => trouble,
    }
}

/// Something of a chain, where the chain is known.
fn on(chain: Option<&str>, what: &str) -> String {
    chain.map_or_else(|| what.to_string(), |chain| format!("{what} on {chain}"))
}

fn place(location: Option<&Location>, chain: Option<&str>) -> String {
    location.map_or_else(String::new, |at| on(chain, &format!("{} in block {}", at.transaction, at.block)))
}

fn enum_word<E: TryFrom<i32> + Default + PartialEq>(value: i32, prefix: &str, name: fn(&E) -> &'static str) -> String {
    match E::try_from(value) {
        Ok(known) if known != E::default() => client::word(name(&known), prefix),
        _ => String::new(),
    }
}

fn object(packet: &Packet) -> Value {
    json!({
        "id": client::show_id(packet.id.as_ref()),
        "path": packet.path,
        "direction": client::show_direction(packet.direction),
        "state": client::show_state(packet.state),
        "reason": trouble(packet),
        "dest_client": packet.dest_client,
        "timeout_timestamp_s": packet.timeout_timestamp_s,
        "timeout_height": packet.timeout_height,
        "payloads": packet.payloads.iter().map(|payload| json!({
            "source_port": payload.source_port,
            "dest_port": payload.dest_port,
            "version": payload.version,
            "encoding": payload.encoding,
            "value_bytes": payload.value_bytes,
        })).collect::<Vec<_>>(),
        "sent": packet.sent.as_ref().map(|at| json!({ "block": at.block, "transaction": at.transaction })),
        "acknowledged": packet.acknowledged.as_ref().map(|at| json!({ "block": at.block, "transaction": at.transaction })),
        "receipt": enum_word::<Receipt>(packet.receipt, "RECEIPT_", Receipt::as_str_name),
        "acknowledgement": packet.acknowledgement.as_ref().map(|ack| enum_word::<AckKind>(ack.kind, "ACK_KIND_", AckKind::as_str_name)),
        "finished_by": enum_word::<Finisher>(packet.finisher, "FINISHER_", Finisher::as_str_name),
        "transaction": packet.transaction.as_ref().map(|tx| json!({ "chain": tx.chain, "ids": tx.ids })),
        "attempts": packet.attempts,
        "retry_at_ms": packet.retry_at_ms,
        "times": packet.times.iter().map(|time| json!({ "stage": time.stage, "at_ms": time.at_ms })).collect::<Vec<_>>(),
        "costs": packet.costs.iter().map(|cost| json!({
            "action": cost.action, "chain": cost.chain, "transaction": cost.transaction, "gas": cost.gas, "fee": cost.fee,
        })).collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use causeway_proto::admin::v1::Client;
    use causeway_proto::relay::v1::{PacketId, StageTime, State};

    const NOW_S: u64 = 1_795_688_432;

    fn packet() -> Packet {
        Packet {
            id: Some(PacketId { chain: "alpha".into(), client: "qbft-0".into(), sequence: 2 }),
            path: "alpha-beta".into(),
            state: State::Dead.into(),
            reason: "no application at port nowhere".into(),
            attempts: 6,
            retry_at_ms: Some((NOW_S + 3_480) * 1_000),
            dest_client: "qbft-1".into(),
            timeout_timestamp_s: NOW_S + 90,
            acknowledged: Some(Location { block: 7, transaction: "0xab".into(), index: 0 }),
            times: vec![StageTime { stage: "observed".into(), at_ms: NOW_S * 1_000 - 5_000 }],
            ..Packet::default()
        }
    }

    fn chains(packet: &Packet) -> Chains {
        let client = |chain: &str| Client { chain: chain.into(), ..Client::default() };
        Chains::of(packet, &[Path { name: "alpha-beta".into(), clients: vec![client("alpha"), client("beta")], ..Path::default() }])
    }

    /// The text of a row; empty where there is none.
    fn fact(packet: &Packet, chains: &Chains, name: &str) -> String {
        let rows = facts(packet, chains, NOW_S);
        rows.into_iter().find(|row| row[0] == name).map(|row| row[1].clone()).unwrap_or_default()
    }

    #[test]
    fn a_dead_packet_tells_how_often_it_was_tried_why_it_failed_and_when_it_is_tried_again() {
        let packet = packet();
        for (name, expected) in [
            ("state", "dead"),
            ("last failure", "no application at port nowhere"),
            ("attempts", "6 refused"),
            ("next attempt", "2026-11-26T11:18:32Z (in 58m); `causeway packet retry alpha/qbft-0/2` makes one at once"),
            ("to", "qbft-1 on beta"),
            ("times out at", "2026-11-26T10:22:02Z (in 90s)"),
            ("acknowledged", "0xab in block 7 on beta"),
            ("time", "observed 2026-11-26T10:20:27Z (5s ago)"),
        ] {
            assert_eq!(fact(&packet, &chains(&packet), name), expected, "{name}");
        }
    }

    #[test]
    fn what_is_not_known_has_no_row_and_a_height_is_a_timeout_too() {
        let mut packet = packet();
        (packet.attempts, packet.retry_at_ms, packet.timeout_timestamp_s) = (0, None, 0);
        for name in ["attempts", "next attempt", "times out at", "last failure"] {
            assert_eq!(fact(&packet, &chains(&packet), name), "", "{name}");
        }
        packet.timeout_height = "1-99".into();
        assert_eq!(fact(&packet, &chains(&packet), "times out at"), "height 1-99 on beta");
        // Its path is no longer configured.
        assert_eq!(fact(&packet, &Chains::default(), "times out at"), "height 1-99");
    }
}
