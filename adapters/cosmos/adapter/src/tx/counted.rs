//! What the chain took from here, counted: messages by kind, transactions by what they carry. Labels are bounded.
//!
//! Called by [`super::broadcast`].

use causeway_cosmos_proto::Any;

/// What a message does, by the last part of its type.
fn kind(message: &Any) -> &'static str {
    match message.type_url.rsplit('.').next() {
        Some("MsgUpdateClient") => "update",
        Some("MsgRecvPacket") => "receive",
        Some("MsgAcknowledgement") => "acknowledge",
        Some("MsgTimeout" | "MsgTimeoutOnClose") => "timeout",
        Some("MsgTransfer" | "MsgSendPacket") => "send",
        _ => "other",
    }
}

/// What a transaction carries beside client updates.
fn transaction(messages: &[Any]) -> &'static str {
    let mut carried = messages.iter().map(kind).filter(|kind| *kind != "update");
    match carried.next() {
        None => "update",
        Some(first) if carried.all(|kind| kind == first) => first,
        Some(_) => "mixed",
    }
}

/// Counts a transaction that a node accepted.
pub(crate) fn accepted(messages: &[Any]) {
    metrics::counter!("cosmos_transactions_total", "kind" => transaction(messages)).increment(1);
    for message in messages {
        metrics::counter!("cosmos_messages_total", "kind" => kind(message)).increment(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn messages(names: &[&str]) -> Vec<Any> {
        names.iter().map(|name| Any { type_url: format!("/ibc.core.channel.v2.{name}"), value: Vec::new() }).collect()
    }

    #[test]
    fn a_transaction_is_named_by_what_it_carries() {
        let cases: [(&[&str], &str); 6] = [
            (&["MsgUpdateClient"], "update"),
            (&["MsgUpdateClient", "MsgRecvPacket", "MsgRecvPacket"], "receive"),
            (&["MsgAcknowledgement"], "acknowledge"),
            (&["MsgUpdateClient", "MsgRecvPacket", "MsgAcknowledgement"], "mixed"),
            (&["MsgTimeoutOnClose", "MsgTimeout"], "timeout"),
            (&["MsgCreateClient"], "other"),
        ];
        for (names, expected) in cases {
            assert_eq!(transaction(&messages(names)), expected, "{names:?}");
        }
    }
}
