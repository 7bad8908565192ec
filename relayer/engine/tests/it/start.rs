//! Why an engine refuses to start: one row a reason. Nothing is broadcast, and the refusal says what to do.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use crate::sim::{Sim, simulate};
use causeway_adapter::fakes::FakeFamily;
use causeway_engine::{RootOfTrust, StartError};
use causeway_store::{Store, Tree, Write};
use causeway_types::{ClientId, Hash};

const WRONG: Hash = [7; 32];

fn root(sim: &mut Sim, root: RootOfTrust) {
    sim.config().chains[0].root = root;
}

fn wrong_root(sim: &mut Sim) {
    let RootOfTrust::Pinned { height, .. } = sim.config().chains[0].root else { panic!("pinned") };
    root(sim, RootOfTrust::Pinned { height, hash: WRONG });
}

/// What is wrong, how it comes about, which refusal it must be, and what the refusal must say.
type Case = (&'static str, fn(&mut Sim), fn(&StartError) -> bool, &'static str);

const CASES: [Case; 9] = [
    (
        "chain id",
        |sim| sim.config().chains[0].native_chain_id = Some("other".into()),
        |e| matches!(e, StartError::ChainIdMismatch { .. }),
        "other",
    ),
    ("no root", |sim| root(sim, RootOfTrust::Missing), |e| matches!(e, StartError::UntrustedRoot { .. }), "--trust-on-first-use"),
    ("wrong root", wrong_root, |e| matches!(e, StartError::RootRefused { .. }), "root of trust"),
    (
        "old trust",
        |sim| sim.config().chains[0].params.trusting_period_s = 10,
        |e| matches!(e, StartError::TrustExpired { .. }),
        "trust reset left",
    ),
    (
        "frozen",
        |sim| sim.recorders[1].twist(|twist| twist.view = Some(|view| view.frozen = true)),
        |e| matches!(e, StartError::ClientFrozen { .. }),
        "recovery authority",
    ),
    (
        "counterparty",
        |sim| {
            sim.recorders[1].twist(|twist| {
                twist.view = Some(|view| view.counterparty.as_mut().unwrap().client_id = ClientId::new("elsewhere-7").unwrap());
            });
        },
        |e| matches!(e, StartError::CounterpartyMismatch { .. }),
        "elsewhere-7",
    ),
    (
        "client type",
        |sim| sim.recorders[1].twist(|twist| twist.view = Some(|view| view.client_type = "other".into())),
        |e| matches!(e, StartError::ClientType { .. }),
        "type other",
    ),
    (
        "consensus",
        |sim| sim.recorders[1].twist(|twist| twist.consensus = true),
        |e| matches!(e, StartError::ConsensusMismatch { .. }),
        "do not use",
    ),
    ("schema", |_| {}, |e| matches!(e, StartError::SchemaTooNew { found: 99, .. }), "newer version"),
];

#[test]
fn every_reason_not_to_start_has_its_refusal() {
    for (name, spoil, fits, says) in CASES {
        simulate(1, FakeFamily::Lagged, FakeFamily::Lagged, async |sim| {
            for _ in 0..20 {
                sim.second().await;
            }
            if name == "schema" {
                let write = Write::Put(Tree::Meta, b"schema".to_vec(), 99_u32.to_be_bytes().to_vec());
                sim.store.commit(vec![write]).await.unwrap();
            }
            spoil(sim);
            let error = sim.try_start().await.expect_err(name);
            assert!(fits(&error), "{name}: {error:?}");
            assert!(error.to_string().contains(says), "{name}: {error}");
            assert!(sim.recorders.iter().all(|recorder| !recorder.calls().contains_key("broadcast")), "{name}");
        });
    }
}

#[test]
fn a_journal_stays_bound_to_its_root() {
    simulate(1, FakeFamily::Slotted, FakeFamily::Lagged, async |sim| {
        sim.second().await;
        sim.try_start().await.unwrap();
        sim.crash();
        wrong_root(sim);
        let error = sim.try_start().await.unwrap_err();
        assert!(matches!(error, StartError::RootChanged { configured: WRONG, .. }), "{error:?}");
        root(sim, RootOfTrust::Missing);
        sim.try_start().await.expect("what the journal holds is enough");
    });
}
