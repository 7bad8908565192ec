//! Which clients are asked, and which block below them is taken.

use super::*;
use causeway_adapter::fakes::{FakeFamily, FakeWait, FakeWorld};

/// Two configured chains and paths of these clients, as (chain, client) on both sides.
fn config(paths: &[[(&str, &str); 2]]) -> Config {
    let mut text = crate::config::SAMPLE.to_owned();
    for (index, [a, b]) in paths.iter().enumerate() {
        let end = |(chain, client): &(&str, &str)| format!("{{ chain = \"{chain}\", client = \"{client}\" }}");
        text.push_str(&format!("\n[[path]]\nname = \"p{index}\"\na = {}\nb = {}\n", end(a), end(b)));
    }
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("causeway.toml");
    std::fs::write(&file, text).expect("written");
    crate::config::load(&file).expect("valid")
}

#[test]
fn clients_of_both_directions_are_asked_on_the_other_chain() {
    let config = config(&[[("alpha", "qbft-0"), ("beta", "qbft-1")], [("beta", "qbft-3"), ("alpha", "qbft-2")]]);
    assert_eq!(followers(&config, "alpha"), BTreeMap::from([("beta", BTreeSet::from(["qbft-1", "qbft-3"]))]));
    assert_eq!(followers(&config, "beta"), BTreeMap::from([("alpha", BTreeSet::from(["qbft-0", "qbft-2"]))]));
    assert!(followers(&config, "gamma").is_empty());
}

#[tokio::test]
async fn without_a_path_it_says_how_to_make_one() {
    let config = config(&[]);
    let failure = lowest(&config, config.chain("alpha").expect("there")).await.expect_err("no path");
    assert_eq!(failure.code, Code::BadConfig);
    assert!(failure.message.contains("`causeway path discover CHAIN --add`"), "{failure}");
}

#[tokio::test]
async fn the_nearest_height_below_that_has_a_root_is_taken() {
    let pair = FakeWorld::pair(FakeFamily::Lagged, FakeFamily::Lagged, FakeWait::Immediate).expect("two chains");
    for _ in 0..30 {
        pair.world.tick(1);
    }
    let adapter = pair.left.adapter();
    let (newest, _) = adapter.root(None).await.expect("a root");
    let fail = |count: usize, error: AdapterError| {
        pair.left.faults(|faults| faults.fail_next = std::iter::repeat_n(("root", error), count).collect());
    };
    let absent = || AdapterError::NotFound { what: "height", name: "h".into() };
    fail(2, absent());
    assert_eq!(root_at_most(&adapter, newest).await.expect("found").0, newest.minus(2));
    // It does not look for ever, and what cannot be proven is said as it is.
    fail(LOOKS_MAX as usize, absent());
    assert_eq!(root_at_most(&adapter, newest).await.expect_err("none"), absent());
    let pruned = AdapterError::HeightPruned { asked: newest, oldest: newest.plus(1) };
    fail(1, pruned.clone());
    assert_eq!(root_at_most(&adapter, newest).await.expect_err("pruned"), pruned);
    let chain = &config(&[]).chains[0];
    assert!(unanswered(chain, &pruned).message.contains("archive node"));
}
