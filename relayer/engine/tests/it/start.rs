//! Why an engine refuses to start: one row a reason. Nothing is broadcast, and the refusal says what to do.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use crate::sim::{Class, Process, Sim, simulate};
use causeway_adapter::AdapterError;
use causeway_adapter::fakes::FakeFamily;
use causeway_engine::{Engine, RootOfTrust, StartError};
use causeway_store::{Store, Tree, Write};
use causeway_types::{ClientId, Hash, Height};
use std::time::Duration;

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

const CASES: [Case; 10] = [
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
    (
        "pruned root",
        |sim| {
            let (asked, oldest) = (Height::new(3), Height::new(9));
            sim.left.faults(|faults| faults.fail_next.push_back(("root", AdapterError::HeightPruned { asked, oldest })));
        },
        |e| matches!(e, StartError::RootPruned { .. }),
        "archive node",
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

/// Whether the journal is bound to a root of either chain.
async fn bound(sim: &Sim) -> [bool; 2] {
    let root = |key: &'static [u8]| async move { sim.store.get(Tree::Meta, key).await.unwrap().is_some() };
    [root(b"root\0left").await, root(b"root\0right").await]
}

#[test]
fn a_refused_start_binds_the_journal_to_nothing() {
    simulate(1, FakeFamily::Lagged, FakeFamily::Lagged, async |sim| {
        for _ in 0..30 {
            sim.second().await;
        }
        let fits = sim.config().chains[0].root;
        let family = sim.config().chains[0].family.clone();
        let (height, update) = family.adapter.root(None).await.unwrap();
        let hash = family.light_client.block_hash(&update).unwrap();
        root(sim, RootOfTrust::Pinned { height, hash });
        let error = sim.try_start().await.unwrap_err();
        assert!(matches!(error, StartError::RootTooNew { .. }), "{error:?}");
        assert!(error.to_string().contains("`causeway trust show left --for-clients`"), "{error}");
        assert_eq!(bound(sim).await, [false; 2]);
        // Nor does one that finds another chain at the end, and another root is taken without a reset.
        root(sim, fits);
        sim.recorders[1].twist(|twist| twist.consensus = true);
        let error = sim.try_start().await.unwrap_err();
        assert!(matches!(error, StartError::ConsensusMismatch { .. }), "{error:?}");
        assert_eq!(bound(sim).await, [false; 2]);
        sim.recorders[1].twist(|twist| twist.consensus = false);
        sim.try_start().await.unwrap();
        assert_eq!(bound(sim).await, [true; 2]);
    });
}

/// Heights that a refused start had verified are no better than its root.
#[test]
fn without_a_root_nothing_that_is_held_counts() {
    simulate(1, FakeFamily::Lagged, FakeFamily::Slotted, async |sim| {
        sim.second().await;
        assert_eq!(bound(sim).await, [false; 2]);
        sim.try_start().await.unwrap();
        assert_eq!(bound(sim).await, [true; 2]);
        sim.send(true, Class::Echo);
        for _ in 0..30 {
            sim.second().await;
        }
        sim.crash();
        sim.store.commit(vec![Write::Delete(Tree::Meta, b"root\0left".to_vec())]).await.unwrap();
        assert!(sim.store.scan(Tree::Meta, b"trust\0left\0", None, 100).await.unwrap().len() > 1);
        wrong_root(sim);
        assert!(matches!(sim.try_start().await.unwrap_err(), StartError::RootRefused { .. }));
        assert!(sim.store.scan(Tree::Meta, b"trust\0left\0", None, 100).await.unwrap().is_empty());
    });
}

/// Where a row stands, as the store has it and as the refusal must say it.
const ROWS: [(Tree, &[u8], &str); 7] = [
    (
        Tree::Hot,
        b"p\0left\0client-0\0\0\0\0\0\0\0\0\x07",
        "a packet, tree Hot, key p\\x00left\\x00client-0\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x07",
    ),
    (Tree::Hot, b"t\0right\0first\0some", "a transaction, tree Hot, key t\\x00right\\x00first\\x00some"),
    (Tree::Hot, b"t\0right\0removed\0some", "a transaction, tree Hot, key t\\x00right\\x00removed\\x00some"),
    (Tree::Meta, b"trust\0left\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x05", "a trusted state, tree Meta, key trust\\x00left\\x00"),
    (Tree::Meta, b"root\0left", "a root of trust, tree Meta, key root\\x00left"),
    (Tree::Meta, b"cursor\0left", "a cursor, tree Meta, key cursor\\x00left"),
    (Tree::Meta, b"counts", "a figure of the journal itself, tree Meta, key counts"),
];

#[test]
fn a_row_that_does_not_decode_is_refused_by_its_place() {
    for (tree, key, says) in ROWS {
        simulate(1, FakeFamily::Lagged, FakeFamily::Lagged, async |sim| {
            sim.second().await;
            let write = Write::Put(tree, key.to_vec(), b"\xff\xff\xff".to_vec());
            sim.store.commit(vec![write]).await.unwrap();
            let error = sim.try_start().await.expect_err(says);
            assert!(matches!(error, StartError::Damaged { .. }), "{says}: {error:?}");
            let text = error.to_string();
            assert!(text.contains(says) && text.contains("restore a backup"), "{says}: {text}");
        });
    }
}

/// A row may decode and yet not be what its key says: it would be forgotten under another name than it has.
#[test]
fn a_transaction_under_the_name_of_another_is_refused() {
    simulate(1, FakeFamily::Lagged, FakeFamily::Lagged, async |sim| {
        sim.second().await;
        sim.right.faults(|faults| faults.inclusion_delay_blocks = 1_000);
        sim.send(true, Class::Echo);
        sim.try_start().await.unwrap();
        for _ in 0..20 {
            sim.second().await;
        }
        sim.crash();
        let rows = sim.store.scan(Tree::Hot, b"t\0right\0", None, 10).await.unwrap();
        let [(_, row)] = rows.as_slice() else { panic!("one transaction is on its way: {}", rows.len()) };
        let write = Write::Put(Tree::Hot, b"t\0right\0first\0another".to_vec(), row.clone());
        sim.store.commit(vec![write]).await.unwrap();
        let error = sim.try_start().await.unwrap_err();
        assert!(error.to_string().contains("key t\\x00right\\x00first\\x00another: it is transaction "), "{error}");
    });
}

/// How a start comes to no end.
type Failure = (&'static str, fn(&mut Sim));

const FAILED: [Failure; 3] = [
    ("a damaged cursor", |_| {}),
    ("a client that holds another chain", |sim| sim.recorders[1].twist(|twist| twist.consensus = true)),
    ("nobody waits for it any more", |sim| {
        sim.right.faults(|faults| {
            let down = AdapterError::Unreachable { endpoint: "right".into(), detail: "down".into() };
            faults.fail_next.extend(std::iter::repeat_n(("consensus", down), 4));
        });
    }),
];

#[test]
fn a_start_that_fails_leaves_no_task_behind() {
    for (name, fail) in FAILED {
        simulate(1, FakeFamily::Lagged, FakeFamily::Lagged, async |sim| {
            sim.second().await;
            if name == "a damaged cursor" {
                let write = Write::Put(Tree::Meta, b"cursor\0left".to_vec(), b"\xff\xff\xff".to_vec());
                sim.store.commit(vec![write]).await.unwrap();
            }
            fail(sim);
            let process = Process::default();
            let start = Engine::start(sim.config().clone(), sim.store_arc(), sim.env(&process));
            let started = tokio::time::timeout(Duration::from_millis(2_500), start).await;
            assert!(!matches!(started, Ok(Ok(_))), "{name}: it started");
            // A second later whatever was aborted has ended.
            sim.second().await;
            assert_eq!(process.running(), 0, "{name}");
        });
    }
}

#[test]
fn a_shutdown_leaves_no_task_behind() {
    simulate(1, FakeFamily::Lagged, FakeFamily::Lagged, async |sim| {
        sim.second().await;
        let process = Process::default();
        let engine = Engine::start(sim.config().clone(), sim.store_arc(), sim.env(&process)).await.unwrap();
        sim.send(true, Class::Echo);
        sim.second().await;
        assert!(process.running() > 5, "nothing runs");
        engine.shutdown(Duration::from_secs(1)).await;
        sim.second().await;
        assert_eq!(process.running(), 0);
    });
}
