//! What endpoints say of packets: what they invent is bounded and soon forgotten, and an end that was not one is found again.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use crate::sim::{Class, START_S, Sim, simulate};
use causeway_adapter::Event;
use causeway_adapter::fakes::FakeFamily;
use causeway_engine::{By, PacketState, StateKind};
use causeway_store::{Store, Tree};
use causeway_types::{Packet, Sequence};

async fn seconds(sim: &mut Sim, count: u64) {
    for _ in 0..count {
        sim.second().await;
    }
}

/// Packets like one that was sent, which nobody sent.
fn invented(like: &Packet, sequences: std::ops::Range<u64>) -> Vec<Packet> {
    let numbered = |sequence: u64| {
        let Packet::V2(mut packet) = like.clone() else { panic!("{like:?}") };
        packet.sequence = Sequence::new(sequence).unwrap();
        Packet::V2(packet)
    };
    sequences.map(numbered).collect()
}

fn count(sim: &Sim, wanted: impl Fn(StateKind) -> bool) -> u64 {
    sim.handle().status().paths[0].packets.iter().filter(|one| wanted(one.state)).map(|one| one.count).sum()
}

#[test]
fn acknowledgements_of_packets_that_nobody_sent_leave_no_record() {
    simulate(41, FakeFamily::Lagged, FakeFamily::Lagged, async |sim| {
        sim.send(true, Class::Echo);
        sim.run(0, 200).await;
        let told = sim.right.events().into_iter().find_map(|located| match located.event {
            Event::Acknowledged { acknowledgement, .. } => Some(acknowledgement),
            _ => None,
        });
        let acknowledgement = told.expect("an acknowledgement");
        let acked = |packet| Event::Acknowledged { packet, acknowledgement: acknowledgement.clone() };
        let events = invented(&sim.sent[0].packet, 1_000..1_500).into_iter().map(acked).collect();
        sim.recorders[1].twist(|twist| twist.invented = events);
        seconds(sim, 60).await;
        assert_eq!((count(sim, StateKind::is_final), count(sim, |state| !state.is_final())), (1, 0), "{:?}", sim.handle().status().paths);
        sim.send(true, Class::Echo);
        sim.run(0, 200).await;
        sim.check().await;
    });
}

/// One that is honest is kept though the packet was not known: its chain waits for it.
#[test]
fn an_acknowledgement_of_a_packet_that_was_not_known_is_kept_if_its_chain_waits_for_it() {
    simulate(42, FakeFamily::Lagged, FakeFamily::Lagged, async |sim| {
        sim.config().clearing.interval_ms = 10_000_000;
        sim.second().await;
        sim.try_start().await.unwrap();
        seconds(sim, 5).await;
        // The sending is not told of, only what another relayer did with it.
        sim.left.faults(|faults| faults.hide_events = true);
        sim.send(true, Class::Competed);
        seconds(sim, 60).await;
        assert!(!sim.left.has_commitment(&sim.sent[0].packet), "nobody acknowledged it");
    });
}

#[test]
fn packets_that_nobody_sent_are_bounded_and_soon_forgotten() {
    simulate(43, FakeFamily::Lagged, FakeFamily::Lagged, async |sim| {
        sim.send(true, Class::Echo);
        sim.run(0, 200).await;
        let events = invented(&sim.sent[0].packet, 1_000..6_000).into_iter().map(|packet| Event::Sent { packet }).collect();
        sim.recorders[0].twist(|twist| twist.invented = events);
        let mut most = 0;
        for _ in 0..90 {
            seconds(sim, 1).await;
            most = most.max(count(sim, |state| !state.is_final()));
        }
        assert!((1..=4_000).contains(&most), "{most} packets were kept by a word");
        sim.send(true, Class::Echo);
        sim.run(0, 300).await;
        sim.check().await;
        // Finished ones age from the first eight bytes of their row on; what was proven ages from its end.
        let rows = sim.store.scan(Tree::Index, b"f\0", None, 10_000).await.unwrap();
        let young = |key: &[u8]| u64::from_be_bytes(key[2..10].try_into().unwrap()) >= START_S * 1_000;
        assert_eq!(rows.iter().filter(|(key, _)| young(key)).count(), 2, "of {} rows", rows.len());
    });
}

/// The decision of docs/adr/0007: what our own transaction is said to have ended is not proven, but looked for in state.
#[test]
fn an_end_of_our_own_that_was_none_is_found_again_in_state() {
    for (class, restart) in [(Class::Echo, false), (Class::Late, false), (Class::Echo, true), (Class::Late, true)] {
        simulate(44, FakeFamily::Lagged, FakeFamily::Lagged, async |sim| {
            sim.second().await;
            sim.try_start().await.unwrap();
            seconds(sim, 5).await;
            // The endpoint takes the transaction, forgets it, and says that it was carried out; and it hides what waits, for a while.
            sim.left.faults(|faults| faults.drop_broadcasts = 1);
            sim.recorders[0].twist(|twist| (twist.applied, twist.hide_commitments) = (1, true));
            sim.send(true, class);
            let mut ended = false;
            for _ in 0..60 {
                seconds(sim, 1).await;
                let state = sim.record(&sim.sent[0]).await.map(|record| record.state);
                let by_us = matches!(state, Some(PacketState::Completed { by: By::Us, .. } | PacketState::TimedOut { by: By::Us }));
                ended |= by_us && sim.left.has_commitment(&sim.sent[0].packet);
            }
            assert!(ended, "{class:?}: the lie was not believed, so that nothing is shown: {:?}", sim.record(&sim.sent[0]).await);
            if restart {
                sim.crash();
                sim.try_start().await.unwrap();
                seconds(sim, 30).await;
            }
            assert!(sim.left.has_commitment(&sim.sent[0].packet));
            sim.recorders[0].twist(|twist| twist.hide_commitments = false);
            seconds(sim, 60).await;
            assert!(!sim.left.has_commitment(&sim.sent[0].packet), "{class:?}: still in escrow");
            sim.check_ends().await;
        });
    }
}
