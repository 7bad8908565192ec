//! What a running engine owes besides relaying: doubt, patience, evidence, refreshed clients, cursors, a bounded journal.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use crate::sim::{Class, Sim, simulate};
use causeway_adapter::fakes::FakeFamily;
use causeway_adapter::{AdapterError, ChainAdapter as _, Plan, UpdateStep};
use causeway_engine::{AckKind, By, PacketFilter, PacketState, PathSpec, QueryError};
use causeway_store::{Store, Tree};
use causeway_types::Height;
use causeway_types::classic::Order;
use std::collections::BTreeSet;
use std::time::Duration;

async fn seconds(sim: &mut Sim, count: u64) {
    for _ in 0..count {
        sim.second().await;
    }
}

/// Who looks right after the start sees what the accounts hold.
#[test]
fn wallets_are_known_soon_after_the_start() {
    for family in FakeFamily::ALL {
        simulate(2, family, family, async |sim| {
            sim.second().await;
            sim.try_start().await.unwrap();
            seconds(sim, 2).await;
            let chains = sim.handle().status().chains;
            let wallets: Vec<_> = chains.iter().flat_map(|chain| &chain.wallets).collect();
            assert_eq!(wallets.len(), 4);
            assert!(wallets.iter().all(|wallet| wallet.balance.is_some() && !wallet.address.is_empty()), "{family:?}: {wallets:?}");
        });
    }
}

fn survive_lies(family: FakeFamily, classes: &[Class]) {
    simulate(3, family, family, async |sim| {
        sim.second().await;
        for class in classes {
            [true, false].into_iter().for_each(|right| sim.send(right, *class));
        }
        for (chain, recorder) in [&sim.left, &sim.right].into_iter().zip(&sim.recorders) {
            chain.faults(|faults| faults.drop_broadcasts = 6);
            recorder.twist(|twist| twist.applied = 6);
        }
        sim.try_start().await.unwrap();
        seconds(sim, 60).await;
        for recorder in &sim.recorders {
            recorder.twist(|twist| twist.applied = 0);
        }
        for _ in 0..20 {
            sim.run(0, 100).await;
            if sim.returned() && sim.settled().await {
                break;
            }
        }
        sim.check_ends().await;
    });
}

#[test]
fn an_outcome_that_was_a_lie_ends_no_packet() {
    survive_lies(FakeFamily::Lagged, &[Class::Echo, Class::Late, Class::Refused]);
}

#[test]
fn an_outcome_that_was_a_lie_ends_no_packet_of_a_slotted_chain() {
    survive_lies(FakeFamily::Slotted, &[Class::Echo, Class::Late, Class::Refused]);
}

#[test]
fn an_outcome_that_was_a_lie_ends_no_packet_where_absence_cannot_be_proven() {
    for family in [FakeFamily::BlockBound, FakeFamily::Clockless] {
        survive_lies(family, &[Class::Echo, Class::Late, Class::Refused]);
    }
}

#[test]
fn an_endpoint_that_denies_a_commitment_ends_no_packet() {
    for family in [FakeFamily::Lagged, FakeFamily::Slotted] {
        simulate(4, family, family, async |sim| {
            // Clearing would open it again: here the word alone must not suffice.
            sim.config().clearing.interval_ms = 10_000_000;
            sim.second().await;
            sim.left.faults(|faults| {
                _ = faults.lie_completed.insert(1);
                // State is asked about what was tried before.
                let down = AdapterError::Unreachable { endpoint: "fake".into(), detail: "down".into() };
                faults.fail_next.push_back(("build", down));
            });
            sim.send(true, Class::Echo);
            sim.try_start().await.unwrap();
            for _ in 0..120 {
                seconds(sim, 1).await;
                let state = sim.record(&sim.sent[0]).await.map(|record| record.state);
                assert!(!state.as_ref().is_some_and(|state| state.kind().is_final()), "ended by a word: {state:?}");
            }
            assert!(sim.left.has_commitment(&sim.sent[0].packet), "the lie was the truth");
            assert!(sim.recorders[0].calls().contains_key("provable no-commitment"), "nobody asked for a proof");
            sim.run(0, 300).await;
            sim.check().await;
        });
    }
}

/// A packet that is known while its destination is down, and that somebody else ends.
fn ended_by_another(family: FakeFamily, timed_out: bool, fits: fn(&PacketState) -> bool) {
    simulate(6, family, family, async |sim| {
        seconds(sim, 2).await;
        sim.try_start().await.unwrap();
        sim.right.faults(|faults| faults.unreachable = true);
        sim.send(true, Class::Echo);
        seconds(sim, 5).await;
        let packet = sim.sent[0].packet.clone();
        if !timed_out {
            sim.right.compete_receive(&packet);
        }
        sim.left.compete_return(&packet, timed_out);
        // Only state tells of it.
        sim.left.faults(|faults| faults.hide_events = true);
        seconds(sim, 30).await;
        assert!(!sim.left.has_commitment(&packet));
        sim.run(0, 300).await;
        let state = sim.record(&sim.sent[0]).await.unwrap().state;
        assert!(fits(&state), "{family:?}: {state:?}");
        let proven = sim.recorders[0].calls().contains_key("fetch no-commitment");
        assert_eq!(proven, matches!(family, FakeFamily::Lagged | FakeFamily::Slotted), "{family:?}");
    });
}

#[test]
fn what_another_acknowledged_ends_completed_and_what_another_returned_ends_timed_out() {
    for family in FakeFamily::ALL {
        ended_by_another(family, false, |state| matches!(state, PacketState::Completed { ack: AckKind::Unseen, by: By::Other }));
        ended_by_another(family, true, |state| *state == PacketState::TimedOut { by: By::Other });
    }
}

/// refuse.md O6: what was to be broadcast is known after a restart.
#[test]
fn a_stuck_transaction_is_replaced_after_a_restart() {
    simulate(5, FakeFamily::Slotted, FakeFamily::Slotted, async |sim| {
        seconds(sim, 3).await;
        // Priced before the chain became dearer.
        sim.right.faults(|faults| faults.inclusion_delay_blocks = 1_000);
        sim.send(true, Class::Echo);
        sim.try_start().await.unwrap();
        seconds(sim, 15).await;
        sim.right.faults(|faults| (faults.gas_price_min, faults.inclusion_delay_blocks) = (11, 0));
        seconds(sim, 5).await;
        assert!(!sim.right.has_receipt(&sim.sent[0].packet), "nothing is stuck");
        let before = sim.recorders[1].prices();
        assert!(before.values().all(|prices| prices.len() == 1), "replaced before the restart: {before:?}");
        let (slot, cheap) = before.into_iter().next().map(|(slot, prices)| (slot, prices[0])).expect("a transaction is stuck");
        sim.crash();
        sim.try_start().await.unwrap();
        seconds(sim, 120).await;
        let after = sim.recorders[1].prices()[&slot].clone();
        assert!(after.len() > 1 && after.iter().skip(1).all(|price| *price > cheap), "not replaced at a higher price: {after:?}");
        assert!(sim.right.has_receipt(&sim.sent[0].packet), "{:?}", sim.record(&sim.sent[0]).await);
        sim.run(0, 200).await;
        sim.check().await;
    });
}

#[test]
fn two_blocks_of_one_height_freeze_the_client_and_halt_the_path() {
    simulate(7, FakeFamily::Lagged, FakeFamily::Lagged, async |sim| {
        sim.send(true, Class::Echo);
        sim.run(0, 200).await;
        let height = sim.handle().status().chains[0].verified.unwrap();
        let trusted = sim.left.config().family.client_height(0);
        let update = sim.left.fork_update(height, trusted).unwrap();
        let step = UpdateStep { trusted, update, resulting: height, own_transaction: false, not_before_s: None, gas_estimate: 0 };
        sim.recorders[0].twist(|twist| twist.plan = Some(Plan::Steps(vec![step])));
        // The host does not answer at first: evidence is not something to be said once.
        sim.right.faults(|faults| {
            let error = AdapterError::Unreachable { endpoint: "right".into(), detail: "down".into() };
            faults.fail_next.extend([("build", error.clone()), ("build", error)]);
        });
        sim.send(true, Class::Echo);
        seconds(sim, 60).await;
        let client = sim.right.adapter().client(&sim.right_client).await.unwrap();
        assert!(client.frozen, "the client was not told");
        assert!(sim.handle().status().paths[0].halted.is_some());
        let kept = sim.store.scan(Tree::Meta, b"evidence", None, 10).await.unwrap();
        assert_eq!(kept.len(), 1, "the evidence is kept");
    });
}

/// What others submit is held against the chain that was verified, with traffic or without, and a forgery freezes the client:
/// refuse.md H11.
#[test]
fn a_forged_update_of_somebody_else_freezes_the_client() {
    simulate(11, FakeFamily::Lagged, FakeFamily::Lagged, async |sim| {
        sim.send(true, Class::Echo);
        sim.run(0, 200).await;
        seconds(sim, 30).await;
        let client = sim.right.adapter().client(&sim.right_client).await.unwrap();
        let height = sim.left.config().family.client_height(sim.left.height().number - 3);
        assert!(height > client.latest, "{height} is held already");
        // An honest update of somebody else changes nothing.
        let honest = sim.left.adapter().update_at(client.latest, Height { number: height.number - 1, ..height }).await.unwrap();
        sim.right.submit_update(&sim.right_client, &honest).unwrap();
        seconds(sim, 30).await;
        assert!(sim.handle().status().paths[0].halted.is_none());
        let forged = sim.left.fork_update(height, client.latest).unwrap();
        sim.right.submit_update(&sim.right_client, &forged).unwrap();
        seconds(sim, 60).await;
        let client = sim.right.adapter().client(&sim.right_client).await.unwrap();
        assert!(client.frozen, "the client was not told");
        let status = sim.handle().status();
        assert!(status.paths[0].halted.as_ref().unwrap().contains("two blocks"), "{:?}", status.paths[0].halted);
        assert!(status.paths[0].clients.iter().any(|client| client.frozen), "the status does not say it");
        let kept = sim.store.scan(Tree::Meta, b"evidence", None, 10).await.unwrap();
        assert_eq!(kept.len(), 1, "the evidence is kept");
    });
}

/// Several channels stand on one client: what is put into it is examined once, and what convicts halts them all.
#[test]
fn one_client_has_one_warden_however_many_paths_stand_on_it() {
    let mut looks = Vec::new();
    for channel in [false, true] {
        simulate(14, FakeFamily::Lagged, FakeFamily::Lagged, async |sim| {
            let over_clients = sim.config().paths[0].clone();
            if channel {
                sim.use_channel(Order::Unordered);
                sim.config().paths.push(PathSpec { name: "beside".into(), ..over_clients });
            }
            sim.send(true, Class::Echo);
            sim.run(0, 200).await;
            seconds(sim, 30).await;
            let client = sim.right.adapter().client(&sim.right_client).await.unwrap();
            let height = sim.left.config().family.client_height(sim.left.height().number - 3);
            let before = sim.recorders[1].calls().get("consensus").copied().unwrap_or(0);
            for back in [3, 2, 1] {
                let honest = sim.left.adapter().update_at(client.latest, Height { number: height.number - back, ..height }).await.unwrap();
                sim.right.submit_update(&sim.right_client, &honest).unwrap();
            }
            seconds(sim, 20).await;
            looks.push(sim.recorders[1].calls()["consensus"] - before);
            let forged = sim.left.fork_update(height, client.latest).unwrap();
            sim.right.submit_update(&sim.right_client, &forged).unwrap();
            seconds(sim, 60).await;
            let halted: Vec<_> = sim.handle().status().paths.iter().map(|path| path.halted.clone().unwrap_or_default()).collect();
            assert!(halted.iter().all(|why| why.contains("two blocks")), "{halted:?}");
        });
    }
    assert_eq!(looks[0], looks[1], "each path looked for itself");
}

/// On a living chain validators change every few blocks, and others update the clients that are shared with them.
#[test]
fn heights_that_others_brought_are_verified_though_validators_change() {
    for family in FakeFamily::ALL {
        simulate(12, family, FakeFamily::Lagged, async |sim| {
            sim.send(true, Class::Echo);
            sim.run(0, 200).await;
            sim.crash();
            for round in 0..8 {
                if family != FakeFamily::Slotted {
                    sim.left.rotate_validators(1);
                }
                seconds(sim, 3).await;
                let client = sim.right.adapter().client(&sim.right_client).await.unwrap();
                let limits = sim.right.config().limits;
                let Plan::Steps(steps) = sim.left.adapter().plan_update(&client, None, limits).await.unwrap() else { continue };
                for step in steps.iter().take(1) {
                    sim.right.submit_update(&sim.right_client, &step.update).unwrap();
                }
                seconds(sim, 2).await;
                if round == 3 {
                    sim.try_start().await.unwrap();
                }
            }
            [true, false].into_iter().for_each(|right| sim.send(right, Class::Echo));
            sim.run(0, 300).await;
            sim.check().await;
        });
    }
}

/// Where events name no heights they are read from the transactions: the client's newest height is not the forged one any more.
#[test]
fn a_forged_update_behind_an_honest_one_is_found_where_events_name_no_heights() {
    simulate(11, FakeFamily::Lagged, FakeFamily::Lagged, async |sim| {
        sim.recorders[1].twist(|twist| twist.hide_heights = true);
        sim.send(true, Class::Echo);
        sim.run(0, 200).await;
        seconds(sim, 30).await;
        let client = sim.right.adapter().client(&sim.right_client).await.unwrap();
        let height = sim.left.config().family.client_height(sim.left.height().number - 3);
        let forged = sim.left.fork_update(height, client.latest).unwrap();
        sim.right.submit_update(&sim.right_client, &forged).unwrap();
        let honest = sim.left.adapter().update_at(client.latest, height.plus(1)).await.unwrap();
        sim.right.submit_update(&sim.right_client, &honest).unwrap();
        seconds(sim, 60).await;
        let client = sim.right.adapter().client(&sim.right_client).await.unwrap();
        assert!(client.frozen, "the client was not told");
        assert!(sim.handle().status().paths[0].halted.as_ref().unwrap().contains("two blocks"));
    });
}

#[test]
fn clients_are_refreshed_without_traffic() {
    simulate(9, FakeFamily::Lagged, FakeFamily::Lagged, async |sim| {
        // A hundredth of the period of 1 000 000 s.
        sim.config().deadlines.refresh_percent = 1;
        sim.second().await;
        sim.try_start().await.unwrap();
        seconds(sim, 11_000).await;
        for report in &sim.handle().status().paths[0].clients {
            assert!(report.expires_in_s.unwrap() > 985_000, "{report:?}");
        }
        let updates: u64 = sim.recorders.iter().map(|recorder| recorder.calls().get("broadcast").copied().unwrap_or(0)).sum();
        assert!((2..60).contains(&updates), "{updates} transactions for two refreshes");
    });
}

#[test]
fn a_client_of_many_steps_is_refreshed_to_the_end_without_traffic() {
    simulate(9, FakeFamily::Slotted, FakeFamily::Slotted, async |sim| {
        // A tenth of the period, so that a refresh is due after 1 000 s: 125 committees, each in a transaction of its own.
        for recorder in &sim.recorders {
            recorder.twist(|twist| twist.view = Some(|view| view.expires_at_s = view.latest_time_s.map(|time_s| time_s + 100_000)));
        }
        sim.config().deadlines.refresh_percent = 1;
        sim.second().await;
        sim.try_start().await.unwrap();
        seconds(sim, 1_900).await;
        for report in &sim.handle().status().paths[0].clients {
            assert!(report.expires_in_s.unwrap() > 99_000, "{report:?}");
        }
        let updates: u64 = sim.recorders.iter().map(|recorder| recorder.calls().get("broadcast").copied().unwrap_or(0)).sum();
        assert!((250..600).contains(&updates), "{updates} transactions for two refreshes of about 130 steps");
    });
}

/// refuse.md O4: what keys may spend in a day is bounded, and told when it is reached.
#[test]
fn a_spend_cap_holds_over_a_restart() {
    simulate(11, FakeFamily::Lagged, FakeFamily::Lagged, async |sim| {
        sim.config().chains[1].spend_cap_per_day = Some(1);
        sim.send(true, Class::Echo);
        sim.run(0, 200).await;
        sim.crash();
        sim.try_start().await.unwrap();
        sim.send(true, Class::Echo);
        seconds(sim, 100).await;
        assert!(!sim.right.has_receipt(&sim.sent[1].packet));
        let wallets = sim.handle().status().chains[1].wallets.clone();
        assert!(wallets.iter().any(|wallet| wallet.blocked.as_ref().is_some_and(|why| why.contains("the cap is 1"))), "{wallets:?}");
    });
}

#[test]
fn a_spend_cap_is_over_at_midnight() {
    simulate(11, FakeFamily::Lagged, FakeFamily::Lagged, async |sim| {
        sim.config().chains[1].spend_cap_per_day = Some(1);
        sim.send(true, Class::Echo);
        sim.run(0, 200).await;
        sim.send(true, Class::Echo);
        seconds(sim, 100).await;
        assert!(!sim.right.has_receipt(&sim.sent[1].packet), "the cap does not hold");
        // Midnight UTC is 6 400 s after the start.
        seconds(sim, 6_600).await;
        assert!(sim.right.has_receipt(&sim.sent[1].packet), "{:?}", sim.record(&sim.sent[1]).await);
    });
}

#[test]
fn cursors_and_pages_see_everything_that_is_kept() {
    simulate(13, FakeFamily::Lagged, FakeFamily::Slotted, async |sim| {
        sim.config().retention.changes = 20;
        for _ in 0..10 {
            sim.send(true, Class::Echo);
        }
        sim.run(0, 300).await;
        let engine = sim.handle().clone();
        let newest = engine.status().change;
        let (mut cursor, mut numbers, mut gaps) = (0, Vec::new(), 0);
        while cursor < newest {
            let page = engine.watch(cursor, 7, Duration::ZERO).await.unwrap();
            numbers.extend(page.changes.iter().map(|change| change.number));
            gaps += u32::from(page.gap);
            cursor = page.cursor;
        }
        assert_eq!(numbers, (newest - 19..=newest).collect::<Vec<_>>(), "trimmed to what is kept, none missing, none twice");
        assert_eq!(gaps, 1, "what was trimmed is told once");
        assert!(matches!(engine.watch(newest + 1, 7, Duration::ZERO).await, Err(QueryError::BadCursor(_))));
        assert!(engine.watch(newest, 7, Duration::from_secs(1)).await.unwrap().changes.is_empty());

        let (mut next, mut seen) = (None::<String>, BTreeSet::new());
        loop {
            let page = engine.packets(&PacketFilter::default(), next.as_deref(), 3).await.unwrap();
            assert!(page.packets.iter().all(|record| seen.insert(record.key.clone())), "a packet twice");
            next = page.next;
            if next.is_none() {
                break;
            }
        }
        assert_eq!(seen.len(), 10);
        for bad in ["", "x", "h0", "czz", "hé"] {
            assert!(matches!(engine.packets(&PacketFilter::default(), Some(bad), 3).await, Err(QueryError::BadCursor(_))), "{bad:?}");
        }
    });
}

#[test]
fn finished_packets_leave_nothing_behind() {
    simulate(15, FakeFamily::Lagged, FakeFamily::Lagged, async |sim| {
        sim.config().retention.finished_ms = 60_000;
        (0..5).for_each(|_| sim.send(true, Class::Echo));
        sim.run(0, 300).await;
        let kept = sim.record(&sim.sent[0]).await.unwrap();
        assert!(kept.packet.unwrap().data_len() == 0, "payloads are dropped at the end");
        seconds(sim, 120).await;
        assert!(sim.record(&sim.sent[0]).await.is_none());
        for (tree, prefix) in [(Tree::Cold, b"p\0"), (Tree::Hot, b"p\0"), (Tree::Hot, b"t\0"), (Tree::Index, b"f\0"), (Tree::Index, b"s\0")]
        {
            assert_eq!(sim.store.scan(tree, prefix, None, 10).await.unwrap(), Vec::new(), "{tree:?} {prefix:?}");
        }
    });
}
