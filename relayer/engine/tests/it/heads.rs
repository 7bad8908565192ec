//! Heads that endpoints invent: they move no cursor, expire no packet, and what they did move is found again. Blocks that nobody can read.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use crate::sim::{Class, Sim, simulate};
use causeway_adapter::fakes::FakeFamily;
use causeway_store::{Store, Tree, Write};
use prost::Message;
use rand::Rng as _;

/// The row of a cursor.
#[derive(Clone, PartialEq, Message)]
struct Cursor {
    #[prost(uint64, tag = "1")]
    revision: u64,
    #[prost(uint64, tag = "2")]
    number: u64,
}

const CURSOR_LEFT: &[u8] = b"cursor\0left";

async fn cursor(sim: &Sim) -> Option<u64> {
    let row = sim.store.get(Tree::Meta, CURSOR_LEFT).await.unwrap()?;
    Some(Cursor::decode(row.as_slice()).unwrap().number)
}

async fn seconds(sim: &mut Sim, count: u64) {
    for _ in 0..count {
        sim.second().await;
    }
}

fn violations(sim: &Sim, rule: &str) -> u64 {
    sim.handle().status().chains[0].violations.iter().filter(|(name, _)| *name == rule).map(|(_, count)| *count).sum()
}

/// The left chain's endpoint lies for a while, alone or with an honest one beside it, from the first start on or later.
fn lie(seed: u64, family: FakeFamily, above: (u64, u64), rule: &str) {
    simulate(seed, family, family, async |sim| {
        // What is watched must be found by watching.
        sim.config().clearing.interval_ms = 10_000_000;
        sim.second().await;
        let (neighbour, stumbles) = (sim.rng.random(), sim.rng.random());
        let before: u64 = sim.rng.random_range(0..20);
        if before.is_multiple_of(2) {
            sim.try_start().await.unwrap();
            seconds(sim, before).await;
        }
        sim.recorders[0].twist(|twist| {
            (twist.head_above, twist.has_honest_neighbour, twist.stumbles) = (Some(above), neighbour, stumbles);
        });
        if before % 2 == 1 {
            sim.try_start().await.unwrap();
        }
        for right in [true, false] {
            sim.send(right, Class::Echo);
        }
        for _ in 0..60 {
            seconds(sim, 1).await;
            let (cursor, head) = (cursor(sim).await.unwrap_or(0), sim.left.height().number);
            assert!(cursor <= head, "seed {seed} {family:?}: the cursor is at {cursor}, the chain at {head}");
        }
        assert!(violations(sim, rule) > 0, "seed {seed} {family:?}: {:?}", sim.handle().status().chains[0].violations);
        sim.recorders[0].twist(|twist| twist.head_above = None);
        sim.send(true, Class::Echo);
        sim.run(0, 300).await;
        sim.check().await;
    });
}

/// refuse.md O1: an endpoint that tells nobody else's head, alone or beside an honest one, moves nothing.
#[test]
fn a_head_that_nothing_supports_moves_no_cursor_and_expires_no_packet() {
    for seed in 0..6 {
        for family in FakeFamily::ALL {
            lie(seed, family, (1_000_000, 20), "head-support");
        }
    }
}

/// The head is far above what was verified last, and nobody who signed then signs now.
#[test]
fn the_head_is_believed_after_a_long_time_in_which_validators_changed() {
    simulate(5, FakeFamily::Lagged, FakeFamily::Lagged, async |sim| {
        sim.try_start().await.unwrap();
        seconds(sim, 10).await;
        sim.crash();
        for _ in 0..40 {
            sim.left.rotate_validators(1);
            seconds(sim, 30).await;
        }
        sim.try_start().await.unwrap();
        sim.send(true, Class::Echo);
        sim.run(0, 300).await;
        sim.check().await;
        assert_eq!(violations(sim, "head-support"), 0, "an honest head was refused");
    });
}

/// refuse.md O1, H4.
#[test]
fn a_head_of_a_time_to_come_moves_no_cursor_and_expires_no_packet() {
    for seed in 0..6 {
        for family in [FakeFamily::Lagged, FakeFamily::Slotted] {
            lie(seed, family, (2, 100_000), "head-time");
        }
    }
}

/// A network that was made anew, or a cursor that was journaled on a lie: it is above every head for good.
#[test]
fn a_cursor_above_every_head_begins_again_at_the_head() {
    for family in FakeFamily::ALL {
        simulate(5, family, family, async |sim| {
            sim.config().clearing.interval_ms = 10_000_000;
            sim.send(true, Class::Echo);
            sim.run(0, 200).await;
            sim.crash();
            let row = Cursor { revision: family.revision(), number: 1_000_000 }.encode_to_vec();
            sim.store.commit(vec![Write::Put(Tree::Meta, CURSOR_LEFT.to_vec(), row)]).await.unwrap();
            sim.try_start().await.unwrap();
            seconds(sim, 20).await;
            // After the clearing at the start.
            sim.send(true, Class::Echo);
            seconds(sim, 200).await;
            let (cursor, head) = (cursor(sim).await.unwrap(), sim.left.height().number);
            assert!(cursor <= head, "{family:?}: the cursor is at {cursor}, the chain at {head}");
            sim.send(true, Class::Echo);
            sim.run(0, 100).await;
            sim.check().await;
        });
    }
}

/// The one block in which the packet was sent is too large for every endpoint: it is passed over, and state tells of the packet.
#[test]
fn a_block_that_is_too_large_is_passed_over_and_its_packets_are_found_in_state() {
    for family in FakeFamily::ALL {
        simulate(5, family, family, async |sim| {
            sim.config().clearing.interval_ms = 10_000_000;
            sim.second().await;
            sim.try_start().await.unwrap();
            seconds(sim, 20).await;
            let next = sim.left.height().number + 1;
            sim.left.faults(|faults| faults.oversized.extend([next, next + 1]));
            sim.send(true, Class::Echo);
            seconds(sim, 10).await;
            sim.send(true, Class::Echo);
            // `run` ends all faults.
            for _ in 0..100 {
                seconds(sim, 1).await;
                if sim.settled().await {
                    break;
                }
            }
            assert!(cursor(sim).await.unwrap() > next, "{family:?}: stuck before block {next}");
            sim.check().await;
        });
    }
}

/// A relay that was down while the signers changed many times: its head is reached over the headers between, and nobody is accused.
#[test]
fn a_head_far_above_what_is_trusted_is_reached_over_headers() {
    for family in [FakeFamily::Slotted, FakeFamily::Lagged] {
        simulate(7, family, family, async |sim| {
            sim.config().clearing.interval_ms = 10_000_000;
            sim.send(true, Class::Echo);
            sim.run(0, 200).await;
            sim.crash();
            for _ in 0..20 {
                seconds(sim, 100).await;
                if family == FakeFamily::Lagged {
                    sim.left.rotate_validators(1);
                }
            }
            sim.try_start().await.unwrap();
            seconds(sim, 60).await;
            sim.send(true, Class::Echo);
            // A client of slots is brought forward one committee a transaction.
            sim.run(0, 2_000).await;
            sim.check().await;
            assert_eq!(violations(sim, "head-support"), 0, "{family:?}: an honest endpoint is accused");
            let (cursor, head) = (cursor(sim).await.unwrap(), sim.left.height().number);
            assert!(head - cursor < 5, "{family:?}: the cursor is at {cursor}, the chain at {head}");
        });
    }
}
