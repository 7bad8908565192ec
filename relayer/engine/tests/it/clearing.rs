//! A backlog that is cleared beside live packets.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use crate::sim::{Class, simulate};
use causeway_adapter::fakes::FakeFamily;

/// Fifty full transactions: fake chains take 16 messages in each.
const BACKLOG: usize = 800;
const LIVE: usize = 20;

/// refuse.md O5: clearing starves nobody. What is sent while a backlog waits is delivered before most of the backlog is.
#[test]
fn live_packets_go_beside_a_backlog() {
    for family in FakeFamily::ALL {
        simulate(61, family, family, async |sim| {
            sim.config().batching.in_flight_max = 1;
            sim.config().clearing.budget = BACKLOG;
            (0..BACKLOG).for_each(|_| sim.send(true, Class::Echo));
            sim.second().await;
            sim.try_start().await.unwrap();
            while pending(sim, 0..BACKLOG).await > BACKLOG * 9 / 10 {
                sim.second().await;
            }
            (0..LIVE).for_each(|_| sim.send(true, Class::Echo));
            while pending(sim, BACKLOG..BACKLOG + LIVE).await > 0 {
                sim.second().await;
            }
            let left = pending(sim, 0..BACKLOG).await;
            assert!(left > BACKLOG / 2, "{family:?}: {left} of the backlog were left when the live packets had arrived");
            sim.run(0, 1_000).await;
            sim.check().await;
        });
    }
}

/// Those of the packets sent that their destination does not have.
async fn pending(sim: &crate::sim::Sim, range: std::ops::Range<usize>) -> usize {
    sim.sent[range].iter().filter(|sent| !sim.right.has_receipt(&sent.packet)).count()
}
