//! What goes wrong around a relayer of two live ibc-go chains: endpoints that lie, lag or die, nodes that are killed or keep little state, another
//! relayer on the same path, the relayer itself killed again and again. Nothing is lost, nothing arrives twice, and what was refused is named.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use causeway_tests::chains::simd::{NetworkConfig, binary_or_skip};
use causeway_tests::cli::text;
use causeway_tests::cosmos::{CHAIN_IDS, NAMES, Site};
use causeway_tests::liar::{Liar, Lie};
use causeway_tests::poll;
use causeway_tests::relay::Relay;
use rand::Rng;
use serde_json::json;

/// Longest that everything sent may take to end.
const END: Duration = Duration::from_secs(180);

/// By how much `stake` the power of a validator grows.
const POWER: &str = "300000000";

/// Rounds of traffic in which a lie must be seen.
const LOOKS_MAX: usize = 20;

/// Blocks by which an endpoint is behind.
const BEHIND_BLOCKS: u64 = 20;

/// Lies, and how the rules begin by which they may be refused: the byte that is changed decides which.
const LIES: [(Lie, &str); 4] =
    [(Lie::CommitSignature, "commit-signature"), (Lie::AppHash, "commit-block"), (Lie::StoreProof, "proof-"), (Lie::Head, "head-support")];

/// refuse.md O1: whoever is asked instead is judged as the first one was.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn endpoints_that_lie_lag_or_die_are_passed_over() -> Result<()> {
    let Some(node) = binary_or_skip()? else {
        return Ok(());
    };
    let mut site = Site::ready(&node, CHAIN_IDS.map(NetworkConfig::new)).await?;
    let honest = site.networks[0].rpc_urls().remove(0);
    let second = site.networks[0].add_node().await?;
    // One that has still to catch up would not be asked for what is new.
    let newest = site.networks[0].height(0).await?;
    site.networks[0].wait_for_node(second, newest, END).await?;
    let liar = Liar::start(&site.networks[0].rpc_urls()[second]).await?;
    site.edit(&format!("rpc = [{{ url = \"{honest}\" }}]"), &format!("rpc = [{{ url = \"{}\" }}, {{ url = \"{honest}\" }}]", liar.url()))?;

    let mut sent = 0;
    for (lie, rule) in LIES {
        // A relayer that has caught the liar once asks it last for a while: each lie meets a new one.
        let mut relayer = site.start().await?;
        let relay = site.relay().await?;
        let before = liar.lies_told();
        liar.tell(lie);
        sent += both_ways(&site, 5).await?;
        relay.wait_until_ended(sent, END).await.with_context(|| format!("under {lie:?}, told {} times", liar.lies_told() - before))?;
        // A lie that nobody asked for, or that came too late for anybody to look at it, counts for nothing: more traffic, until it is seen.
        for _ in 0..LOOKS_MAX {
            if is_named(&relay, rule).await? {
                break;
            }
            sent += both_ways(&site, 1).await?;
            relay.wait_until_ended(sent, END).await.with_context(|| format!("under {lie:?}"))?;
        }
        let told = liar.lies_told() - before;
        ensure!(is_named(&relay, rule).await?, "{lie:?}, told {told} times, is not named: {:?}", relay.violations(NAMES[0]).await?);
        liar.tell(Lie::None);
        relayer.kill()?;
    }

    // Twenty blocks behind, for good: a node of the chain that nobody tells anything any more.
    site.networks[0].stop_node(second)?;
    let ahead = site.networks[0].height(0).await? + BEHIND_BLOCKS;
    site.networks[0].wait_for_height(ahead, END).await?;
    site.networks[0].start_node_alone(second).await?;
    let mut relayer = site.start().await?;
    sent += both_ways(&site, 5).await?;
    site.relay().await?.wait_until_ended(sent, END).await.context("with an endpoint that is behind")?;

    // Dead in the middle of it.
    sent += both_ways(&site, 20).await?;
    site.networks[0].stop_node(second)?;
    sent += both_ways(&site, 5).await?;
    site.relay().await?.wait_until_ended(sent, END).await.context("with an endpoint that is dead")?;
    arrived(&site, sent / 2)?;
    relayer.kill()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_nodes_and_pruned_state_lose_nothing() -> Result<()> {
    let Some(node) = binary_or_skip()? else {
        return Ok(());
    };
    let configs = CHAIN_IDS.map(|id| NetworkConfig { states_kept: Some(15), ..NetworkConfig::new(id) });
    let mut site = Site::ready(&node, configs).await?;
    site.edit("block_interval_ms = 500", "block_interval_ms = 500\nstate_window_blocks = 15")?;
    let mut relayer = site.start().await?;
    let mut sent = both_ways(&site, 20).await?;
    // The chain's only node is killed with packets on their way, and comes back.
    site.networks[0].stop_node(0)?;
    site.networks[0].start_node(0).await?;
    sent += both_ways(&site, 20).await?;
    let relay = site.relay().await?;
    relay.wait_until_ended(sent, END).await.context("after the node was killed")?;

    // What is sent while nobody relays lies below all state that the node still has.
    relayer.kill()?;
    sent += both_ways(&site, 20).await?;
    for network in &site.networks {
        let gone = network.height(0).await? + 40;
        network.wait_for_height(gone, END).await?;
    }
    let mut relayer = site.start().await?;
    site.relay().await?.wait_until_ended(sent, END).await.context("with state pruned")?;
    arrived(&site, sent / 2)?;
    relayer.kill()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_relayer_killed_at_any_moment_loses_nothing() -> Result<()> {
    let Some(node) = binary_or_skip()? else {
        return Ok(());
    };
    let mut site = Site::ready(&node, CHAIN_IDS.map(NetworkConfig::new)).await?;
    let seed: u64 = rand::rng().random();
    println!("seed {seed}");
    let mut random = <rand_chacha::ChaCha8Rng as rand::SeedableRng>::seed_from_u64(seed);
    let mut sent = 0;
    for _ in 0..6 {
        let mut relayer = site.start().await?;
        sent += both_ways(&site, 25).await?;
        // Killed once so many of them have ended, whatever the rest is at.
        let until = sent - random.random_range(1..50);
        let relay = site.relay().await?;
        poll::until(&format!("{until} packets to end (seed {seed})"), END, || async {
            let counts = relay.counts().await?;
            let ended = counts.get("COMPLETED").copied().unwrap_or_default();
            Ok((ended >= u64::try_from(until)?).then_some(()))
        })
        .await?;
        relayer.kill()?;
    }
    let mut relayer = site.start().await?;
    site.relay().await?.wait_until_ended(sent, END).await.with_context(|| format!("seed {seed}"))?;
    arrived(&site, sent / 2)?;
    relayer.kill()
}

/// Two relayers that know nothing of each other: every packet ends once for both, and of what chains included next to nothing was in vain.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_relayers_share_a_path() -> Result<()> {
    let Some(node) = binary_or_skip()? else {
        return Ok(());
    };
    let configs = CHAIN_IDS.map(|id| {
        let mut config = NetworkConfig::new(id);
        config.accounts.push("rival".to_owned());
        config
    });
    let mut site = Site::ready(&node, configs).await?;
    let rival = site.rival().await?;
    let (mut first, mut second) = (site.start().await?, rival.start().await?);
    let mut sent = 0;
    for _ in 0..4 {
        // As on every living chain, the power of those who sign changes all the time.
        change_power(&site).await?;
        sent += both_ways(&site, 50).await?;
    }
    site.relay().await?.wait_until_ended(sent, END).await.context("the first relayer")?;
    rival.relay().await?.wait_until_ended(sent, END).await.context("the second relayer")?;
    arrived(&site, sent / 2)?;
    let mut in_vain = 0;
    for pages in [site.http()?, rival.http()?] {
        let metrics = pages.get("/metrics").await?.1;
        in_vain += in_blocks(&metrics);
    }
    println!("{sent} packets by two relayers: {in_vain} redundant messages in blocks");
    ensure!(in_vain * 100 <= 2 * u64::try_from(sent)?, "{in_vain} messages of {} were in vain", 2 * sent);

    // One is away while the other brings the clients to heights that only those sign who have the new power.
    first.kill()?;
    for _ in 0..3 {
        change_power(&site).await?;
        sent += both_ways(&site, 5).await?;
        rival.relay().await?.wait_until_ended(sent, END).await.context("the second relayer alone")?;
    }
    second.kill()?;
    let mut first = site.start().await?;
    sent += both_ways(&site, 5).await?;
    site.relay().await?.wait_until_ended(sent, END).await.context("the first relayer, back")?;
    arrived(&site, sent / 2)?;
    first.kill()
}

/// The validator of each chain is given more power.
async fn change_power(site: &Site) -> Result<()> {
    for network in &site.networks {
        let validators = network.get("/cosmos/staking/v1beta1/validators")?;
        let validator = text(&validators, "/validators/0/operator_address")?.to_owned();
        let delegator = network.account("user")?.address.clone();
        let amount = json!({ "denom": "stake", "amount": POWER });
        let delegate = json!({
            "@type": "/cosmos.staking.v1beta1.MsgDelegate", "delegator_address": delegator, "validator_address": validator, "amount": amount,
        });
        network.submit("user", &[delegate]).await?;
    }
    Ok(())
}

/// Sends `count` transfers each way; answers how many that were.
async fn both_ways(site: &Site, count: usize) -> Result<usize> {
    for index in [0, 1] {
        site.transfer(index, count, 900).await?;
    }
    Ok(2 * count)
}

fn arrived(site: &Site, each_way: usize) -> Result<()> {
    let arrived = [site.received(0)?, site.received(1)?];
    ensure!(arrived == [u128::try_from(each_way)?; 2], "{arrived:?} arrived, {each_way} were sent each way");
    Ok(())
}

/// Whether a violation is counted under the rule.
async fn is_named(relay: &Relay, rule: &str) -> Result<bool> {
    Ok(relay.violations(NAMES[0]).await?.keys().any(|known| known.starts_with(rule)))
}

/// Redundant messages that blocks took, of all chains.
fn in_blocks(metrics: &str) -> u64 {
    let lines = metrics.lines().filter(|line| line.starts_with("causeway_redundant_messages_total") && line.contains("included"));
    lines.filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok()).sum()
}
