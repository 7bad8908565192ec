//! Today's ibc-go chain and chains of other ages, by the released binary: a channel opened by one command, transfers both ways, what expires
//! returned on both sides; both protocols where the other chain has both.

use std::time::Duration;

use anyhow::{Result, ensure};
use causeway_tests::chains::simd::{NetworkConfig, Release};
use causeway_tests::cli::BAD_CONFIG;
use causeway_tests::cosmos::{CHAIN_IDS, Expiry, NAMES, Setup, Site};

/// Longest that everything sent may take to end.
const END: Duration = Duration::from_secs(120);
/// A timeout that nothing reaches.
const LONG: Expiry = Expiry::AfterS(600);

/// Packets that [`a_channel`] sends.
const OVER_CHANNEL: usize = 30;

/// ibc-go 7, Cosmos SDK 0.47, CometBFT 0.37: blocks with other events, no IBC v2, fewer queries.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_channel_to_a_chain_of_ibc_go_7() -> Result<()> {
    let Some(mut site) = site_with(Release::V7).await? else {
        return Ok(());
    };
    // It has no IBC v2, and nobody pays for clients before that is told.
    site.cli.refused(&["path", "create", NAMES[0], NAMES[1]], BAD_CONFIG, &[NAMES[1], "--classic"]).await?;
    for network in &site.networks {
        let clients = network.get("/ibc/core/client/v1/client_states")?;
        // A chain may have one of its own, of itself.
        ensure!(!clients.to_string().contains("07-tendermint-"), "a client on {}: {clients}", network.chain_id());
    }
    a_channel(&mut site).await
}

/// ibc-go 11, Cosmos SDK 0.54, CometBFT 0.39: both protocols.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_protocols_to_a_chain_of_ibc_go_11() -> Result<()> {
    let Some(mut site) = site_with(Release::V11).await? else {
        return Ok(());
    };
    site.create_path().await?;
    a_channel(&mut site).await?;
    for from in [0, 1] {
        site.transfer(from, 2, 8).await?;
    }
    // More than eight seconds, for blocks take half of one at least.
    let later = site.networks[1].height(0).await? + 18;
    site.networks[1].wait_for_height(later, END).await?;
    let mut relayer = site.start().await?;
    for from in [0, 1] {
        site.transfer(from, 10, 600).await?;
    }
    site.relay().await?.wait_until_ended(OVER_CHANNEL + 24, END).await?;
    ensure!([site.received(0)?, site.received(1)?] == [10, 10], "{:?} arrived", [site.received(0)?, site.received(1)?]);
    relayer.kill()
}

/// Today's chain and one of another age, with keys and roots of trust; no path yet.
async fn site_with(release: Release) -> Result<Option<Site>> {
    let (Some(today), Some(other)) = (Release::default().binary_or_skip()?, release.binary_or_skip()?) else {
        return Ok(None);
    };
    let configs = [NetworkConfig::new(CHAIN_IDS[0]), NetworkConfig { release, ..NetworkConfig::new(CHAIN_IDS[1]) }];
    Site::between([&today, &other], configs, &Setup::default()).await.map(Some)
}

/// A channel from its first message to packets that expire, by time and by height, on both chains.
async fn a_channel(site: &mut Site) -> Result<()> {
    let ends = site.open_channel("classic", &[]).await?;
    let mut relayer = site.start().await?;
    for (from, end) in ends.iter().enumerate() {
        site.transfer_over(from, end, 10, LONG).await?;
    }
    site.relay().await?.wait_until_ended(20, END).await?;
    relayer.kill()?;

    // Nobody relays these in time; what their senders owned then, they own again.
    let mut before = Vec::new();
    for (from, end) in ends.iter().enumerate() {
        before.push(owned(site, from)?);
        site.transfer_over(from, end, 2, Expiry::AfterS(5)).await?;
        let soon = site.networks[1 - from].height(0).await? + 10;
        site.transfer_over(from, end, 2, Expiry::Height(soon)).await?;
        site.networks[1 - from].wait_for_height(soon + 10, END).await?;
    }
    let mut relayer = site.start().await?;
    for (from, end) in ends.iter().enumerate() {
        site.transfer_over(from, end, 1, LONG).await?;
    }
    site.relay().await?.wait_until_ended(OVER_CHANNEL, END).await?;
    relayer.kill()?;
    for (index, end) in ends.iter().enumerate() {
        ensure!(site.received_over(index, end)? == 11, "{} arrived on {}", site.received_over(index, end)?, NAMES[index]);
        let (had, has) = (before[index], owned(site, index)?);
        ensure!(has == had - 1, "the user of {} had {had} and has {has}", NAMES[index]);
    }
    Ok(())
}

/// What the user of a chain owns of the chain's own token.
fn owned(site: &Site, index: usize) -> Result<u128> {
    let network = &site.networks[index];
    network.balance(&network.account("user")?.address, "stake")
}
