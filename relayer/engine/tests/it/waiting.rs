//! What a packet waits for is no failure of the packet: an empty wallet, an endpoint that is away or behind.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use crate::sim::{Class, Sim, simulate};
use causeway_adapter::fakes::FakeFamily;
use causeway_adapter::{AdapterError, MessageResult};
use causeway_engine::{Filter, PacketState, StateKind};
use causeway_types::Height;

const SIGNERS: [&str; 2] = ["first", "second"];

fn fund(sim: &Sim, balance: u128) {
    SIGNERS.iter().for_each(|signer| sim.right.fund(signer, balance));
}

fn builds_fail(sim: &Sim, error: &AdapterError) {
    sim.right.faults(|faults| faults.fail_next.extend(std::iter::repeat_n(("build", error.clone()), 8)));
}

/// What the wait is for, and how it begins.
type Case = (&'static str, fn(&Sim));

const CASES: [Case; 3] = [
    ("wallet", |sim| fund(sim, 0)),
    ("unreachable", |sim| builds_fail(sim, &AdapterError::Unreachable { endpoint: "right".into(), detail: "down".into() })),
    ("lagging", |sim| builds_fail(sim, &AdapterError::Lagging { found: Height::new(1), needed: Height::new(2) })),
];

/// How often the chain on the right refused something in a block.
fn refusals(sim: &Sim) -> usize {
    let all = sim.right.transactions();
    all.iter().flat_map(|(.., results)| results).filter(|result| matches!(result, MessageResult::Failed(_))).count()
}

#[test]
fn only_refusals_of_its_destination_make_a_packet_dead() {
    for (name, begin) in CASES {
        simulate(21, FakeFamily::Lagged, FakeFamily::Lagged, async |sim| {
            sim.second().await;
            // What the destination refuses is seen in a block only, each time anew.
            sim.right.faults(|faults| faults.blind_simulation = true);
            begin(sim);
            sim.send(true, Class::Poison);
            sim.try_start().await.unwrap();
            for _ in 0..25 {
                sim.second().await;
            }
            let waited = sim.record(&sim.sent[0]).await.unwrap();
            assert!(matches!(waited.state, PacketState::Parked { .. }), "{name}: {:?}", waited.state);
            assert_eq!((waited.attempts, refusals(sim)), (0, 0), "{name}: a wait was counted");
            assert!(waited.waits >= 5, "{name}: waited {} times only", waited.waits);
            sim.right.faults(|faults| faults.fail_next.clear());
            fund(sim, u128::from(u64::MAX));
            let mut seen = 0;
            for _ in 0..120 {
                sim.second().await;
                let record = sim.record(&sim.sent[0]).await.unwrap();
                seen = seen.max(record.attempts);
                if matches!(record.state, PacketState::Dead { .. }) {
                    break;
                }
            }
            let ended = sim.record(&sim.sent[0]).await.unwrap();
            assert!(matches!(ended.state, PacketState::Dead { .. }), "{name}: {:?}", ended.state);
            assert_eq!((refusals(sim), seen), (6, 5), "{name}: refused in blocks, counted before the last");
            assert_eq!(sim.handle().status().paths[0].oldest_pending_ms, None, "{name}: a dead packet is called pending");
            // What people are told of it outlives a crash.
            sim.crash();
            sim.try_start().await.unwrap();
            assert_eq!(sim.record(&sim.sent[0]).await.unwrap().refusals, 6, "{name}");
        });
    }
}

/// Clearing finds what the path's rules leave to others. It is no dead packet, which somebody must look at, and it does not grow old here.
#[test]
fn what_the_path_leaves_to_others_is_no_dead_packet() {
    simulate(22, FakeFamily::Lagged, FakeFamily::Lagged, async |sim| {
        sim.second().await;
        sim.send(true, Class::Echo);
        sim.config().paths[0].filter = Filter { ports_deny: vec!["*".into()], ..Filter::default() };
        sim.try_start().await.unwrap();
        for _ in 0..60 {
            sim.second().await;
        }
        let record = sim.record(&sim.sent[0]).await.expect("found by clearing");
        assert!(matches!(&record.state, PacketState::Excluded { reason } if reason.contains("port not relayed")), "{:?}", record.state);
        let status = sim.handle().status();
        let of = |state| status.paths[0].packets.iter().filter(|count| count.state == state).map(|count| count.count).sum::<u64>();
        assert_eq!((of(StateKind::Dead), of(StateKind::Excluded), status.paths[0].oldest_pending_ms), (0, 1, None));
        // It is read back as what it was, and rules that take it find it again.
        sim.crash();
        sim.config().paths[0].filter = Filter::default();
        sim.try_start().await.unwrap();
        assert_eq!(sim.record(&sim.sent[0]).await.unwrap().state, record.state);
        sim.handle().retry(&record.key).await.unwrap();
        for _ in 0..60 {
            sim.second().await;
        }
        let ended = sim.record(&sim.sent[0]).await.unwrap();
        assert!(matches!(ended.state, PacketState::Completed { .. }), "{:?}", ended.state);
    });
}
