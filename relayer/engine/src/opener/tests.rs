//! What is left to do for channels, as a table.

use super::next::{Pair, pairs};
use crate::packet::Direction;
use causeway_adapter::OpenStep;
use causeway_types::classic::HandshakeState::{Closed, Init, Open, TryOpen};
use causeway_types::classic::{ChannelEnd, ChannelEndId, ChannelId, ConnectionId, HandshakeState, Order, PortId};

type Held = (ChannelEndId, ChannelEnd);

fn held(channel: u32, state: HandshakeState, other: Option<u32>) -> Held {
    let id = |number: u32| ChannelId::new(format!("channel-{number}")).unwrap();
    let port = PortId::new("transfer").unwrap();
    let end = ChannelEnd {
        state,
        order: Order::Unordered,
        counterparty_port: port.clone(),
        counterparty: other.map(id),
        connection: ConnectionId::new("connection-0").unwrap(),
        version: "ics20-1".into(),
    };
    (ChannelEndId { port, channel: id(channel) }, end)
}

/// Steps as words: which, proven about which chain's channel; or `open`.
fn left(on_a: &[Held], on_b: &[Held]) -> Vec<String> {
    let word = |pair: Pair| match pair {
        Pair::Open { a, b, .. } => format!("open {} {}", a.channel, b.channel),
        Pair::Unfinished(step) => {
            let of = if step.about_on == Direction::AToB { "a" } else { "b" };
            let kind = match step.kind {
                OpenStep::Init => "init",
                OpenStep::Try => "try",
                OpenStep::Ack => "ack",
                OpenStep::Confirm => "confirm",
            };
            format!("{kind} {of} {}", step.about.0.channel)
        }
    };
    pairs(on_a, on_b).into_iter().map(word).collect()
}

#[test]
fn the_next_step_follows_from_both_states() {
    let cases: [(&[Held], &[Held], &[&str]); 10] = [
        (&[], &[], &[]),
        (&[held(1, Init, None)], &[], &["try a channel-1"]),
        (&[], &[held(1, Init, None)], &["try b channel-1"]),
        (&[held(1, Init, None)], &[held(7, TryOpen, Some(1))], &["ack b channel-7"]),
        (&[held(7, TryOpen, Some(1))], &[held(1, Init, None)], &["ack a channel-7"]),
        (&[held(1, Open, Some(7))], &[held(7, TryOpen, Some(1))], &["confirm a channel-1"]),
        (&[held(1, Open, Some(7))], &[held(7, Open, Some(1))], &["open channel-1 channel-7"]),
        // Answered twice: the first answer that is agreed with counts, the other is left alone.
        (&[held(1, Open, Some(7))], &[held(7, Open, Some(1)), held(8, TryOpen, Some(1))], &["open channel-1 channel-7"]),
        (&[held(1, Closed, Some(7))], &[held(7, TryOpen, Some(1))], &[]),
        (&[held(1, Init, None)], &[held(7, Closed, Some(1))], &[]),
    ];
    for (on_a, on_b, expected) in cases {
        assert_eq!(left(on_a, on_b), expected, "{on_a:?} {on_b:?}");
    }
}
