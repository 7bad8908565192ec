//! Packets as tables and as JSON.

use crate::client;
use crate::output;
use causeway_proto::relay::v1::{AckKind, Finisher, Location, Packet, Receipt};
use serde_json::{Value, json};

/// A table of packets, or one object with all of them.
pub(super) fn list(packets: &[Packet], as_json: bool) {
    if as_json {
        output::json_object(&json!({ "packets": packets.iter().map(object).collect::<Vec<_>>() }));
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
                trouble(packet),
            ]
        })
        .collect();
    println!("{}", output::table(&["packet", "direction", "port", "state", "attempts", "why"], rows));
}

/// One packet.
pub(super) fn one(packet: &Packet, as_json: bool) {
    if as_json {
        output::json_object(&object(packet));
        return;
    }
    let mut rows = vec![
        vec!["packet".to_string(), client::show_id(packet.id.as_ref())],
        vec!["path".to_string(), format!("{} ({})", packet.path, client::show_direction(packet.direction))],
        vec!["state".to_string(), client::show_state(packet.state)],
    ];
    let mut row = |name: &str, text: String| {
        if !text.is_empty() {
            rows.push(vec![name.to_string(), text]);
        }
    };
    row("why", trouble(packet));
    row("to", packet.dest_client.clone());
    row("times out at", packet.timeout_timestamp_s.to_string());
    for payload in &packet.payloads {
        // IBC classic names neither version nor encoding, and what a finished packet carried is no longer kept.
        let size = if payload.value_bytes == 0 { String::new() } else { format!("{} bytes", payload.value_bytes) };
        let parts = [format!("{} to {}", payload.source_port, payload.dest_port), payload.version.clone(), payload.encoding.clone(), size];
        row("payload", parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(", "));
    }
    row("sent", place(packet.sent.as_ref()));
    row("receipt", enum_word::<Receipt>(packet.receipt, "RECEIPT_", Receipt::as_str_name));
    row("acknowledged", place(packet.acknowledged.as_ref()));
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
    let first = packet.times.first().map_or(0, |time| time.at_ms);
    for time in &packet.times {
        row("time", format!("{} +{} ms", time.stage, time.at_ms.saturating_sub(first)));
    }
    println!("{}", output::table(&["", ""], rows));
}

fn trouble(packet: &Packet) -> String {
    if packet.reason.is_empty() { packet.refused.clone() } else { packet.reason.clone() }
}

fn place(location: Option<&Location>) -> String {
    location.map_or_else(String::new, |at| format!("{} in block {}", at.transaction, at.block))
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
        "payloads": packet.payloads.iter().map(|payload| json!({
            "source_port": payload.source_port,
            "dest_port": payload.dest_port,
            "version": payload.version,
            "encoding": payload.encoding,
            "value_bytes": payload.value_bytes,
        })).collect::<Vec<_>>(),
        "sent": packet.sent.as_ref().map(|at| json!({ "block": at.block, "transaction": at.transaction })),
        "receipt": enum_word::<Receipt>(packet.receipt, "RECEIPT_", Receipt::as_str_name),
        "acknowledgement": packet.acknowledgement.as_ref().map(|ack| enum_word::<AckKind>(ack.kind, "ACK_KIND_", AckKind::as_str_name)),
        "finished_by": enum_word::<Finisher>(packet.finisher, "FINISHER_", Finisher::as_str_name),
        "transaction": packet.transaction.as_ref().map(|tx| json!({ "chain": tx.chain, "ids": tx.ids })),
        "attempts": packet.attempts,
        "times": packet.times.iter().map(|time| json!({ "stage": time.stage, "at_ms": time.at_ms })).collect::<Vec<_>>(),
        "costs": packet.costs.iter().map(|cost| json!({
            "action": cost.action, "chain": cost.chain, "transaction": cost.transaction, "gas": cost.gas, "fee": cost.fee,
        })).collect::<Vec<_>>(),
    })
}
