//! The whole engine under faults and crashes, from seeds, on all four fake families.
//!
//! `SIM_SEED=n` runs one seed, `SIM_SEEDS=n` that many. A failure prints its seed.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, reason = "tests")]

use crate::sim::{Class, simulate};
use causeway_adapter::fakes::FakeFamily;
use causeway_types::classic::Order;

fn families(seed: u64) -> (FakeFamily, FakeFamily) {
    let all = FakeFamily::ALL;
    (all[(seed % 4) as usize], all[(seed / 4 % 4) as usize])
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

#[test]
fn a_quiet_world_relays_every_class_on_every_pair() {
    for seed in 0..16 {
        let (left, right) = families(seed);
        simulate(seed, left, right, async |sim| {
            for class in [Class::Echo, Class::Refused, Class::Poison, Class::Late, Class::Competed] {
                for right in [true, false] {
                    sim.send(right, class);
                    sim.send(right, Class::Echo);
                }
            }
            sim.run(0, 600).await;
            println!("{left:?}-{right:?}: {} s", sim.world.now_s() - crate::sim::START_S);
            sim.check().await;
        });
    }
}

fn storm(seed: u64) {
    let (left, right) = families(seed);
    simulate(seed, left, right, async |sim| {
        sim.send_mixed(20);
        sim.run(120, 2_000).await;
        sim.check().await;
    });
}

/// refuse.md O5, O6: among the faults are endpoints that hide events or lag, pools that forget transactions, slots that others take.
#[test]
fn nothing_is_lost_under_faults_and_crashes() {
    if let Some(seed) = number("SIM_SEED") {
        if std::env::var("SIM_LOG").is_ok() {
            tracing_subscriber::fmt().with_max_level(tracing_subscriber::filter::LevelFilter::TRACE).init();
        }
        return storm(seed);
    }
    for seed in 0..number("SIM_SEEDS").unwrap_or(256) {
        if let Err(panic) = std::panic::catch_unwind(|| storm(seed)) {
            println!("failing seed: {seed} on {:?}; repeat it with SIM_SEED={seed}", families(seed));
            std::panic::resume_unwind(panic);
        }
    }
}

/// Families that can prove absence host channels here.
fn channel_families(seed: u64) -> (FakeFamily, FakeFamily) {
    let pairs = [FakeFamily::Lagged, FakeFamily::Slotted].map(|left| [FakeFamily::Lagged, FakeFamily::Slotted].map(|right| (left, right)));
    pairs.as_flattened()[(seed % 4) as usize]
}

fn order(seed: u64) -> Order {
    if (seed / 4).is_multiple_of(2) { Order::Unordered } else { Order::Ordered }
}

#[test]
fn channels_lose_nothing_under_faults_and_crashes() {
    let seeds = number("SIM_SEED").map_or(0..number("SIM_SEEDS").unwrap_or(64), |seed| seed..seed + 1);
    for seed in seeds {
        let (left, right) = channel_families(seed);
        println!("seed {seed}: {left:?}-{right:?} {:?}", order(seed));
        simulate(seed, left, right, async |sim| {
            sim.use_channel(order(seed));
            sim.send_mixed(20);
            sim.run(120, 2_000).await;
            sim.check().await;
        });
    }
}

/// What was received before the channel was closed is acknowledged, what was not comes back, and the other end is closed: at every moment of the
/// closing.
#[test]
fn a_channel_that_its_application_closes_comes_to_its_end() {
    let seeds = number("SIM_SEED").map_or(0..32, |seed| seed..seed + 1);
    if std::env::var("SIM_LOG").is_ok() {
        tracing_subscriber::fmt().with_max_level(tracing_subscriber::filter::LevelFilter::DEBUG).init();
    }
    for seed in seeds {
        let (left, right) = channel_families(seed);
        println!("seed {seed}: {left:?}-{right:?} {:?}", order(seed));
        simulate(seed, left, right, async |sim| {
            sim.use_channel(order(seed));
            for _ in 0..10 {
                sim.send(false, Class::Echo);
            }
            sim.try_start().await.unwrap();
            for _ in 0..seed / 4 {
                sim.second().await;
            }
            sim.send(false, Class::Echo);
            sim.close_left();
            sim.run(0, 600).await;
            sim.check().await;
            assert!(sim.is_closed(), "seed {seed}: an end is open");
        });
    }
}
