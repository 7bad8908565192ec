//! Evidence outlives the process that found it, and is sent until it had its effect; what endpoints merely say does not halt for good.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use crate::sim::{Class, Sim, simulate};
use causeway_adapter::fakes::FakeFamily;
use causeway_adapter::{AdapterError, ChainAdapter as _, Plan, UpdateStep};
use causeway_engine::StartError;
use causeway_engine::evidence::{self, EvidenceKind};
use causeway_types::Height;

async fn seconds(sim: &mut Sim, count: u64) {
    for _ in 0..count {
        sim.second().await;
    }
}

fn down() -> AdapterError {
    AdapterError::Unreachable { endpoint: "right".into(), detail: "down".into() }
}

/// The left chain signs a second block of a height that was verified, as an update of its first block.
async fn fork(sim: &mut Sim) -> Height {
    // Two updates, so that the newest height was verified from another one than the forged update builds on.
    for _ in 0..2 {
        sim.send(true, Class::Echo);
        sim.run(0, 200).await;
        seconds(sim, 20).await;
    }
    let height = sim.handle().status().chains[0].verified.unwrap();
    let trusted = sim.left.config().family.client_height(0);
    let update = sim.left.fork_update(height, trusted).unwrap();
    let step = UpdateStep { trusted, update, resulting: height, own_transaction: false, not_before_s: None, gas_estimate: 0 };
    sim.recorders[0].twist(|twist| twist.plan = Some(Plan::Steps(vec![step])));
    sim.send(true, Class::Echo);
    height
}

async fn is_frozen(sim: &Sim) -> bool {
    sim.right.adapter().client(&sim.right_client).await.unwrap().frozen
}

fn halted(sim: &Sim) -> String {
    sim.handle().status().paths[0].halted.clone().unwrap_or_default()
}

/// Whatever the process dies of between finding it and sending it.
#[test]
fn evidence_that_was_not_sent_is_sent_after_a_restart() {
    simulate(21, FakeFamily::Lagged, FakeFamily::Lagged, async |sim| {
        let height = fork(sim).await;
        // The host takes nothing, as long as the process lives.
        sim.right.faults(|faults| faults.fail_next.extend(std::iter::repeat_n(("build", down()), 50)));
        seconds(sim, 30).await;
        assert!(!is_frozen(sim).await, "sent already");
        let kept = evidence::list(&sim.store).await.unwrap();
        assert_eq!((kept.len(), kept[0].height, kept[0].kind), (1, height, EvidenceKind::Convicts), "{kept:?}");
        sim.crash();
        sim.right.faults(|faults| faults.fail_next.clear());
        sim.try_start().await.unwrap();
        assert!(halted(sim).contains("two blocks"), "not from the start on: {}", halted(sim));
        seconds(sim, 30).await;
        assert!(is_frozen(sim).await, "the client was not told after the restart");
        assert_eq!(sim.handle().evidence().await.unwrap(), kept);
        // A start with evidence is no refusal because the client is frozen by it, and relays nothing.
        sim.crash();
        sim.try_start().await.unwrap();
        seconds(sim, 30).await;
        assert!(halted(sim).contains("two blocks"), "{}", halted(sim));
        // People vouch for a block anew: the evidence stays to be read, and halts nothing.
        sim.crash();
        causeway_engine::trust::reset(&sim.store, &kept[0].chain, 7).await.unwrap();
        let put_aside = evidence::list(&sim.store).await.unwrap();
        assert_eq!((put_aside[0].closed_ms, &put_aside[0].updates), (Some(7), &kept[0].updates));
        let refused = sim.try_start().await.unwrap_err();
        assert!(matches!(refused, StartError::ClientFrozen { .. }), "its authority has not recovered it: {refused}");
    });
}

#[test]
fn evidence_that_fails_in_its_block_is_sent_again() {
    simulate(22, FakeFamily::Lagged, FakeFamily::Lagged, async |sim| {
        fork(sim).await;
        sim.right.faults(|faults| faults.drop_broadcasts = 3);
        sim.recorders[1].twist(|twist| twist.refused_evidence = 3);
        seconds(sim, 120).await;
        assert!(is_frozen(sim).await, "the client was not told");
    });
}

/// A path is halted by two sealed blocks whether or not they are in the form that clients take, and stays so.
#[test]
fn a_contradiction_halts_though_no_evidence_is_to_be_had() {
    simulate(23, FakeFamily::Lagged, FakeFamily::Lagged, async |sim| {
        sim.recorders[0].twist(|twist| twist.no_update_at = true);
        fork(sim).await;
        seconds(sim, 20).await;
        assert!(halted(sim).contains("two blocks"), "{}", halted(sim));
        assert!(!is_frozen(sim).await, "frozen with what?");
        let kept = evidence::list(&sim.store).await.unwrap();
        assert_eq!(kept.iter().map(|one| one.kind).collect::<Vec<_>>(), [EvidenceKind::Suspected]);
        sim.crash();
        sim.try_start().await.unwrap();
        seconds(sim, 20).await;
        assert!(halted(sim).contains("two blocks"), "{}", halted(sim));
        // Once an endpoint has the header, the client is told.
        sim.recorders[0].twist(|twist| twist.no_update_at = false);
        seconds(sim, 120).await;
        assert!(is_frozen(sim).await, "the client was not told");
        let kept = evidence::list(&sim.store).await.unwrap();
        assert_eq!(kept.iter().map(|one| one.kind).collect::<Vec<_>>(), [EvidenceKind::Convicts]);
    });
}

/// The cursor is past the event, whether or not the forged height is still the client's newest.
#[test]
fn a_forged_update_that_was_not_examined_is_examined_after_a_restart() {
    [true, false].into_iter().for_each(forged_before_a_restart);
}

fn forged_before_a_restart(honest_after: bool) {
    simulate(24, FakeFamily::Lagged, FakeFamily::Lagged, async |sim| {
        sim.send(true, Class::Echo);
        sim.run(0, 200).await;
        seconds(sim, 30).await;
        let client = sim.right.adapter().client(&sim.right_client).await.unwrap();
        let height = sim.left.config().family.client_height(sim.left.height().number - 3);
        sim.right.faults(|faults| faults.fail_next.extend(std::iter::repeat_n(("consensus", down()), 500)));
        let forged = sim.left.fork_update(height, client.latest).unwrap();
        sim.right.submit_update(&sim.right_client, &forged).unwrap();
        let honest = sim.left.adapter().update_at(client.latest, height.plus(1)).await.unwrap();
        if honest_after {
            sim.right.submit_update(&sim.right_client, &honest).unwrap();
        }
        seconds(sim, 10).await;
        assert!(!is_frozen(sim).await, "examined already");
        sim.crash();
        sim.right.faults(|faults| faults.fail_next.clear());
        sim.try_start().await.unwrap();
        seconds(sim, 60).await;
        assert!(is_frozen(sim).await, "the client was not told");
        assert!(halted(sim).contains("two blocks"), "{}", halted(sim));
    });
}

type Lie = (&'static str, fn(&Sim));

/// What one endpoint of the host may say to halt a path.
const LIES: [Lie; 3] = [
    ("frozen", |sim| sim.recorders[1].twist(|twist| twist.view = Some(|view| view.frozen = true))),
    ("holds another", |sim| sim.recorders[1].twist(|twist| twist.consensus = true)),
    ("an event", |sim| {
        let client = sim.right_client.clone();
        sim.recorders[1].twist(|twist| {
            twist.freezes = Some(client);
            twist.view = Some(|view| view.frozen = true);
        });
    }),
];

#[test]
fn the_word_of_one_endpoint_halts_no_path() {
    for (label, lie) in LIES {
        simulate(25, FakeFamily::Lagged, FakeFamily::Lagged, async |sim| {
            sim.second().await;
            sim.try_start().await.unwrap();
            seconds(sim, 5).await;
            sim.recorders[1].twist(|twist| twist.has_honest_neighbour = true);
            lie(sim);
            [true, false].into_iter().for_each(|right| sim.send(right, Class::Echo));
            seconds(sim, 60).await;
            assert_eq!(sim.handle().status().paths[0].halted, None, "{label}");
            sim.run(0, 100).await;
            sim.check().await;
        });
    }
}

#[test]
fn what_endpoints_take_back_halts_no_longer() {
    for (label, lie) in LIES {
        simulate(26, FakeFamily::Lagged, FakeFamily::Lagged, async |sim| {
            sim.second().await;
            sim.try_start().await.unwrap();
            seconds(sim, 5).await;
            lie(sim);
            [true, false].into_iter().for_each(|right| sim.send(right, Class::Echo));
            seconds(sim, 60).await;
            assert!(sim.handle().status().paths[0].halted.is_some(), "{label}: two answers agree");
            sim.recorders[1].twist(|twist| (twist.view, twist.consensus, twist.freezes) = (None, false, None));
            seconds(sim, 120).await;
            assert_eq!(sim.handle().status().paths[0].halted, None, "{label}");
            sim.run(0, 300).await;
            sim.check().await;
            assert_eq!(evidence::list(&sim.store).await.unwrap(), Vec::new(), "{label}");
        });
    }
}
