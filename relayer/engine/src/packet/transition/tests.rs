//! Refusals are counted, and what is dead of them is looked at again.
#![allow(clippy::unwrap_used, reason = "tests")]
use super::*;
use crate::packet::Direction;
use causeway_types::{ClientId, PacketEnd, PacketKey, Sequence};

fn when(now_ms: u64) -> When {
    When { now_ms, backoff: Backoff { min_ms: 1, max_ms: 1, jitter: 0 } }
}

#[test]
fn what_is_refused_is_dead_after_some_attempts_and_looked_at_again() {
    let end = PacketEnd::Client(ClientId::new("client-0").unwrap());
    let key = PacketKey { chain: ChainId::new("left").unwrap(), end, sequence: Sequence::new(1).unwrap() };
    for action in [Action::Acknowledge, Action::Timeout, Action::TimeoutOnClose, Action::Receive] {
        let mut record = PacketRecord::new(key.clone(), "left-right", Direction::AToB, 0);
        let refused = RejectReason::Refused("paused".into());
        for attempt in 1..ATTEMPTS_MAX {
            record.rejected(action, &refused, when(0));
            assert!(matches!(record.state, PacketState::Parked { .. }), "{action:?} after {attempt}: {:?}", record.state);
            record.unpark();
        }
        record.rejected(action, &refused, when(7));
        assert!(matches!(record.state, PacketState::Dead { .. }), "{action:?}: {:?}", record.state);
        assert_eq!(record.retry_at_ms(), Some(7 + SECOND_LOOK_MS));
        record.unpark();
        assert!(!matches!(record.state, PacketState::Dead { .. }), "{action:?}: no second look");
        record.rejected(action, &refused, when(9));
        assert!(matches!(record.state, PacketState::Dead { .. }), "{action:?}: the second look began anew");
    }
}
