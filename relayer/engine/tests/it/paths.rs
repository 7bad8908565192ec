//! Paths that are taken out of the configuration and put back: what was on its way meanwhile is neither forgotten nor waited for in vain.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use crate::sim::{Class, Sim, simulate};
use causeway_adapter::fakes::FakeFamily;
use causeway_engine::StateKind;

/// Seconds that the path is away: its transactions come to their ends.
const AWAY_S: u32 = 30;

/// Runs without the path for a while.
async fn without_the_path(sim: &mut Sim) {
    sim.crash();
    let paths = std::mem::take(&mut sim.config().paths);
    sim.try_start().await.unwrap();
    for _ in 0..AWAY_S {
        sim.second().await;
    }
    sim.crash();
    sim.config().paths = paths;
    sim.try_start().await.unwrap();
}

#[test]
fn what_was_on_its_way_of_a_path_that_went_comes_to_an_end() {
    // Of a receipt or of an acknowledgement, each in a transaction that lands, or in one that never can.
    for (returning, lands) in [(false, true), (false, false), (true, true), (true, false)] {
        simulate(33, FakeFamily::Lagged, FakeFamily::Lagged, async |sim| {
            sim.second().await;
            let slow = if returning { sim.left.clone() } else { sim.right.clone() };
            slow.faults(|faults| faults.inclusion_delay_blocks = 1_000);
            sim.send(true, Class::Echo);
            sim.try_start().await.unwrap();
            for _ in 0..20 {
                sim.second().await;
            }
            let state = sim.record(&sim.sent[0]).await.unwrap().state;
            let carrier = if returning { StateKind::Acking } else { StateKind::Delivering };
            assert_eq!(state.kind(), carrier, "{state:?}");
            sim.calm();
            if !lands {
                slow.clear_pool();
                ["first", "second"].iter().for_each(|signer| slow.steal_slot(signer));
            }
            without_the_path(sim).await;
            sim.run(0, 200).await;
            sim.check().await;
        });
    }
}
