//! Bursts: several transactions on their way to one client at the same time.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use crate::sim::{Class, simulate};
use causeway_adapter::fakes::FakeFamily;

/// Four transactions on the way there and four back: fake chains take 16 messages in each.
const PACKETS: usize = 60;
const BATCHES: usize = 4;
/// Transactions of different keys have no order: each key brings the update that its own need, once.
const KEYS: usize = 2;

#[test]
fn a_burst_is_simulated_once_and_each_key_updates_the_client_once() {
    for family in FakeFamily::ALL {
        simulate(51, family, family, async |sim| {
            (0..PACKETS).for_each(|_| sim.send(true, Class::Echo));
            sim.run(0, 300).await;
            sim.check().await;
            for recorder in &sim.recorders {
                assert_eq!(recorder.simulated(), PACKETS + BATCHES, "{family:?}: every message once, with an update a batch");
                let sent = recorder.sent();
                assert_eq!(sent.len(), BATCHES, "{family:?}");
                assert_eq!(sent.iter().map(|(_, others)| others).sum::<usize>(), PACKETS, "{family:?}: every packet once");
                assert_eq!(
                    sent.iter().map(|(updates, _)| updates).sum::<usize>(),
                    KEYS,
                    "{family:?}: updates that are on their way already"
                );
            }
        });
    }
}

/// Where transactions have no order, one may be included before the one whose update it needs. It fails, and its packets are built again.
#[test]
fn what_comes_before_the_update_it_needs_is_built_again() {
    for family in [FakeFamily::BlockBound, FakeFamily::Clockless] {
        simulate(52, family, family, async |sim| {
            sim.second().await;
            sim.right.faults(|faults| faults.reorder = true);
            (0..PACKETS).for_each(|_| sim.send(true, Class::Echo));
            sim.try_start().await.unwrap();
            for _ in 0..60 {
                sim.second().await;
            }
            let failed = sim.right.transactions().iter().filter(|(.., results)| !results.iter().all(is_done)).count();
            assert!(failed > 0, "{family:?}: everything was in order");
            sim.run(0, 300).await;
            sim.check().await;
        });
    }
}

fn is_done(result: &causeway_adapter::MessageResult) -> bool {
    use causeway_adapter::MessageResult;
    !matches!(result, MessageResult::Failed(_) | MessageResult::NotExecuted)
}
