//! Transitions that need no chain to be looked at.

use super::transition::{ATTEMPTS_MAX, Backoff, Landed, SECOND_LOOK_MS, When};
use super::{Action, Direction, PacketRecord, PacketState};
use causeway_adapter::{MessageResult, RejectReason};
use causeway_types::{ChainId, ClientId, Height, PacketKey, Sequence, TxId};
use std::collections::BTreeMap;

fn record() -> PacketRecord {
    let end = ClientId::new("client-0").unwrap().into();
    let key = PacketKey { chain: ChainId::new("left").unwrap(), end, sequence: Sequence::new(1).unwrap() };
    PacketRecord::new(key, "path", Direction::AToB, 0)
}

fn when() -> When {
    When { now_ms: 0, backoff: Backoff { min_ms: 1, max_ms: 1, jitter: 0 } }
}

/// A packet may fail for years: its record stays small, and what it cost in all is kept.
#[test]
fn costs_stay_few_and_their_sums_true() {
    let mut record = record();
    let kinds = [(Action::Receive, "right"), (Action::Acknowledge, "left"), (Action::Receive, "left")];
    let mut expected: BTreeMap<(&str, &str), (u64, u128, u8)> = BTreeMap::new();
    for number in 0..200_u8 {
        let (action, chain) = kinds[usize::from(number) % kinds.len()];
        let (gas, fee) = (u64::from(number), u128::from(number) * 7);
        let sum = expected.entry((action.as_str(), chain)).or_default();
        *sum = (sum.0 + gas, sum.1 + fee, number);
        let (chain, tx) = (ChainId::new(chain).unwrap(), TxId::new([number; 32]).unwrap());
        let landed = Landed { chain, tx, height: Height::new(1), index: 0, gas, fee, packets: 1 };
        record.landed(action, &MessageResult::Failed("no".into()), &landed, when());
        assert!(record.costs.len() <= 16, "{} costs", record.costs.len());
    }
    let mut found: BTreeMap<(&str, &str), (u64, u128, u8)> = BTreeMap::new();
    for cost in &record.costs {
        let sum = found.entry((cost.action.as_str(), cost.chain.as_str())).or_default();
        *sum = (sum.0 + cost.gas, sum.1 + cost.fee, cost.tx.as_bytes()[0]);
    }
    assert_eq!(found, expected, "gas, fee and the last transaction of each kind");
}

#[test]
fn what_is_refused_is_dead_after_some_attempts_and_looked_at_again() {
    for action in [Action::Acknowledge, Action::Timeout, Action::TimeoutOnClose, Action::Receive] {
        let mut record = record();
        let refused = RejectReason::Refused("paused".into());
        for attempt in 1..ATTEMPTS_MAX {
            record.rejected(action, &refused, when());
            assert!(matches!(record.state, PacketState::Parked { .. }), "{action:?} after {attempt}: {:?}", record.state);
            record.unpark();
        }
        record.rejected(action, &refused, When { now_ms: 7, ..when() });
        assert!(matches!(record.state, PacketState::Dead { .. }), "{action:?}: {:?}", record.state);
        assert_eq!(record.retry_at_ms(), Some(7 + SECOND_LOOK_MS));
        record.unpark();
        assert!(!matches!(record.state, PacketState::Dead { .. }), "{action:?}: no second look");
        record.rejected(action, &refused, When { now_ms: 9, ..when() });
        assert!(matches!(record.state, PacketState::Dead { .. }), "{action:?}: the second look began anew");
    }
}
