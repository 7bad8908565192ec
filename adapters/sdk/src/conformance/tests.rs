//! The suite is green on the four fakes, in process and remote, and red, naming the promise, on every broken one.

use super::*;
use crate::fakes::{Breakage, BrokenAdapter, FakeFamily, FakePair, FakeWait, FakeWorld, TokioSleep};
use crate::rpc::{self, HostOptions, RemoteAdapter, RemoteOptions};
use crate::{EncodedEvidence, Evidence, TrustedState, Verdict, Violation};
use causeway_types::Claim;

fn pair(family: FakeFamily) -> FakePair {
    FakeWorld::pair(family, FakeFamily::Slotted, FakeWait::Sleep(Arc::new(TokioSleep))).unwrap()
}

/// Old enough that state is pruned.
fn aged(family: FakeFamily) -> FakePair {
    let pair = pair(family);
    for _ in 0..500 {
        pair.left.mine();
    }
    pair
}

fn standing(report: &Report, name: &str) -> Standing {
    report.promises.iter().find(|promise| promise.name == name).map(|promise| promise.standing).unwrap()
}

#[tokio::test]
async fn every_fake_family_keeps_every_promise() {
    for family in FakeFamily::ALL {
        for pair in [pair(family), aged(family)] {
            let subject = pair.subject(Arc::new(pair.left.adapter())).unwrap();
            let report = run(&subject).await;
            assert!(report.kept(), "{family:?}\n{report}");
            // Transactions are not numbered everywhere, and a young chain has nothing pruned.
            let may_be = ["a-used-slot-is-refused", "pruned-height-is-a-typed-error"];
            let skipped = report.promises.iter().filter(|promise| promise.standing == Standing::Skipped);
            let others: Vec<_> = skipped.filter(|promise| !may_be.contains(&promise.name)).collect();
            assert!(others.is_empty(), "{family:?}\n{report}");
        }
    }
}

#[tokio::test]
async fn every_fake_family_keeps_every_promise_over_grpc() {
    for family in FakeFamily::ALL {
        let pair = pair(family);
        let listener = rpc::bind(HostOptions::default()).await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let adapter = Arc::new(pair.left.adapter());
        let host = tokio::spawn(rpc::serve(listener, adapter, async move { drop(stopped.await) }));
        let (remote, _) = RemoteAdapter::connect(&address, RemoteOptions::default()).await.unwrap();
        let subject = pair.subject(Arc::new(remote)).unwrap();
        let report = run(&subject).await;
        assert!(report.kept(), "{family:?}\n{report}");
        drop(subject);
        stop.send(()).unwrap();
        host.await.unwrap().unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn every_broken_promise_is_named() {
    for (breakage, name) in Breakage::ALL {
        // Slots are numbered and state is pruned there, so that every promise is tried.
        let pair = aged(FakeFamily::Lagged);
        let mut subject = pair.subject(Arc::new(pair.left.adapter())).unwrap();
        if breakage == Breakage::ConsensusEqualsVerifiedHeader {
            // It is the host of the client that tells what the client holds.
            let client = pair.right_client.clone();
            subject.elsewhere = Some(Elsewhere { host: Arc::new(BrokenAdapter::new(Arc::new(pair.right.adapter()), breakage)), client });
        } else {
            subject.adapter = Arc::new(BrokenAdapter::new(subject.adapter, breakage));
        }
        let report = run(&subject).await;
        assert_eq!(standing(&report, name), Standing::Broken, "{name}\n{report}");
    }
}

/// A light client that believes every claim and every block that looks like one.
#[derive(Debug)]
struct Credulous(crate::fakes::FakeLightClient, TrustedState);

impl LightClient for Credulous {
    fn client_type(&self) -> &str {
        self.0.client_type()
    }
    fn verify_update(&self, trusted: &TrustedState, update: &[u8], params: &ClientParams, now_s: u64) -> Verdict {
        self.0.verify_update(trusted, update, params, now_s)
    }
    fn verify_claim(&self, _: &TrustedState, _: &Claim, _: &Evidence, _: usize) -> Result<(), Violation> {
        Ok(())
    }
    fn verify_root(&self, root_hash: &Hash, update: &[u8]) -> Result<TrustedState, Violation> {
        Ok(self.0.verify_root(root_hash, update).unwrap_or_else(|_| self.1.clone()))
    }
    fn verify_misbehaviour(&self, trusted: &TrustedState, a: &[u8], b: &[u8], params: &ClientParams) -> Result<(), Violation> {
        self.0.verify_misbehaviour(trusted, a, b, params)
    }
    fn block_hash(&self, update: &[u8]) -> Result<Hash, Violation> {
        self.0.block_hash(update)
    }
    fn consensus_hash(&self, trusted: &TrustedState) -> Hash {
        self.0.consensus_hash(trusted)
    }
    fn encode_initial(&self, encoding: &str, trusted: &TrustedState, params: &ClientParams) -> Result<Vec<u8>, Violation> {
        self.0.encode_initial(encoding, trusted, params)
    }
    fn encode_update(&self, encoding: &str, update: &[u8]) -> Result<Vec<u8>, Violation> {
        self.0.encode_update(encoding, update)
    }
    fn encode_evidence(&self, encoding: &str, evidence: &Evidence) -> Result<EncodedEvidence, Violation> {
        self.0.encode_evidence(encoding, evidence)
    }
    fn encode_misbehaviour(&self, encoding: &str, a: &[u8], b: &[u8]) -> Result<Vec<u8>, Violation> {
        self.0.encode_misbehaviour(encoding, a, b)
    }
}

#[tokio::test]
async fn a_credulous_light_client_is_found_out() {
    let pair = pair(FakeFamily::Lagged);
    let mut subject = pair.subject(Arc::new(pair.left.adapter())).unwrap();
    let root = pair.left.trusted(pair.left.config().family.client_height(0)).unwrap();
    subject.light_client = Some(Arc::new(Credulous(pair.left.light_client(), root)));
    let report = run(&subject).await;
    for name in [
        "root-flips-are-refused",
        "evidence-flips-are-refused",
        "a-false-claim-is-never-proven",
        "an-absent-commitment-is-proven",
        "a-false-end-is-never-proven",
    ] {
        assert_eq!(standing(&report, name), Standing::Broken, "{name}\n{report}");
    }
}

#[test]
fn every_promise_has_something_that_breaks_it() {
    let broken: std::collections::BTreeSet<_> = Breakage::ALL.iter().map(|(_, name)| *name).collect();
    let left: Vec<_> = promises().into_iter().filter(|name| !broken.contains(name)).collect();
    assert_eq!(left, ["root-flips-are-refused", "evidence-flips-are-refused"], "the credulous light client breaks these two");
}

#[tokio::test]
async fn a_live_chain_is_only_read() {
    let pair = pair(FakeFamily::Lagged);
    pair.left.send_to(&pair.left_client, "echo", b"x", pair.world.now_s() + 100).unwrap();
    pair.world.tick(1);
    pair.world.tick(1);
    let mut subject = pair.subject(Arc::new(pair.left.adapter())).unwrap();
    let before = pair.left.height();
    subject.driver = None;
    let report = run(&subject).await;
    assert!(report.kept(), "{report}");
    assert_eq!(standing(&report, "evidence-verifies"), Standing::Kept, "{report}");
    assert_eq!(standing(&report, "broadcast-is-idempotent"), Standing::Skipped);
    assert_eq!((pair.left.height(), pair.left.pool_len()), (before, 0));
}

#[test]
fn names_are_stable_kebab_case_and_unique() {
    let names = promises();
    let unique: std::collections::BTreeSet<_> = names.iter().collect();
    assert_eq!(unique.len(), names.len());
    assert!(names.iter().all(|name| name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-')), "{names:?}");
}
