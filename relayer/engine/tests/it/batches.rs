//! Bursts: several transactions on their way to one client at the same time.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use crate::sim::{Class, Recorder, Sim, simulate};
use causeway_adapter::fakes::FakeFamily;
use causeway_engine::{PacketRecord, Stage};
use std::time::Duration;

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

/// What is new costs no look at its host, unless somebody else relays there or it was tried before.
#[test]
fn news_is_looked_at_only_where_others_relay() {
    const SECONDS: u64 = 30;
    // Slotted chains follow each other in transactions of their own, after each of which the client is looked at.
    for family in [FakeFamily::Lagged, FakeFamily::BlockBound, FakeFamily::Clockless] {
        simulate(53, family, family, async |sim| {
            sim.second().await;
            sim.try_start().await.unwrap();
            let of = |recorder: &Recorder| recorder.calls().get("packet_states").copied().unwrap_or_default();
            let looks = |sim: &Sim| sim.recorders.each_ref().map(|recorder| of(recorder));
            let mut seen = Vec::new();
            for rival in [false, true] {
                let before = looks(sim);
                for second in 0..SECONDS {
                    sim.send(true, Class::Echo);
                    if rival && second == 0 {
                        let sequence = sim.sent.last().unwrap().packet.sequence().get();
                        sim.right.faults(|faults| _ = faults.lie_received.insert(sequence));
                    }
                    sim.second().await;
                }
                sim.calm();
                let after = looks(sim);
                seen.push([0, 1].map(|side| after[side] - before[side]));
            }
            let [[left, right], [_, beside]] = seen[..] else { panic!("{seen:?}") };
            assert!(left.max(right) <= SECONDS / 2, "{family:?}: {left} and {right} looks in {SECONDS} s");
            assert!(beside > SECONDS / 2, "{family:?}: {beside} looks in {SECONDS} s beside another relayer");
            sim.run(0, 300).await;
            sim.check().await;
        });
    }
}

/// A few packets that are left over of whole batches travel with those that came a block later, where these are known already. Each waits once.
#[test]
fn a_small_rest_waits_for_what_comes_next() {
    const BLOCKS: usize = 30;
    // A transaction takes fifteen and an update: each block holds one whole batch, and two packets.
    const A_BLOCK: usize = 17;
    // Blocks come before the worker looks for them by itself.
    const BLOCK_MS: u64 = 700;
    simulate(54, FakeFamily::Lagged, FakeFamily::Lagged, async |sim| {
        sim.second().await;
        sim.try_start().await.unwrap();
        for _ in 0..BLOCKS {
            (0..A_BLOCK).for_each(|_| sim.send(true, Class::Echo));
            tokio::time::sleep(Duration::from_millis(BLOCK_MS)).await;
            sim.world.tick(1);
        }
        sim.run(0, 300).await;
        sim.check().await;
        for sent in &sim.sent {
            let waited_ms = waited_ms(&sim.record(sent).await.unwrap());
            // A block for the header that proves it, another for company, and what a relay does in between.
            assert!(waited_ms < 3 * BLOCK_MS, "{} waited for {waited_ms} ms", sent.key);
        }
        let receiving = sim.recorders[1].sent().iter().filter(|(_, others)| *others > 0).count();
        assert!(receiving < BLOCKS * 5 / 3, "{receiving} transactions for {BLOCKS} times {A_BLOCK} packets");
    });
}

fn waited_ms(record: &PacketRecord) -> u64 {
    record.time(Stage::Submitted).unwrap() - record.time(Stage::Observed).unwrap()
}

/// Where batches are to be filled, what fills none waits as long as it may, whatever left before it.
#[test]
fn what_fills_no_batch_waits_until_it_is_old_enough() {
    const AGE_MAX_MS: u64 = 6_000;
    simulate(55, FakeFamily::Lagged, FakeFamily::Lagged, async |sim| {
        sim.config().batching.age_max_ms = AGE_MAX_MS;
        sim.second().await;
        sim.try_start().await.unwrap();
        (0..17).for_each(|_| sim.send(true, Class::Echo));
        for _ in 0..20 {
            sim.second().await;
        }
        let mut waited = Vec::new();
        for sent in &sim.sent {
            waited.push(waited_ms(&sim.record(sent).await.unwrap()));
        }
        assert_eq!(waited.iter().filter(|waited| **waited < AGE_MAX_MS).count(), 15, "{waited:?}");
        sim.run(0, 300).await;
        sim.check().await;
    });
}
