//! IBC v2 between two live ibc-go chains, by the released binary: bursts both ways, time-outs, refusals, kills and restarts.

use std::time::Duration;

use anyhow::{Result, ensure};
use causeway_tests::chains::simd::{NetworkConfig, binary_or_skip};
use causeway_tests::cosmos::{CHAIN_IDS, Site};

/// Longest that everything sent may take to end.
const END: Duration = Duration::from_secs(120);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn transfers_flow_both_ways_and_survive_kills() -> Result<()> {
    let Some(node) = binary_or_skip()? else {
        return Ok(());
    };
    let mut site = Site::ready(&node, CHAIN_IDS.map(NetworkConfig::new)).await?;
    let mut relayer = site.start().await?;

    // One, then a burst each way.
    site.transfer(0, 1, 600).await?;
    let relay = site.relay().await?;
    relay.wait_until_ended(1, END).await?;
    site.transfer(0, 50, 600).await?;
    site.transfer(1, 50, 600).await?;
    relay.wait_until_ended(101, END).await?;
    ensure!(site.received(1)? == 51 && site.received(0)? == 50, "{} and {} arrived", site.received(1)?, site.received(0)?);

    // Killed with a burst in flight; what was sent while it was down is found in state.
    site.transfer(0, 50, 600).await?;
    relayer.kill()?;
    site.transfer(0, 50, 600).await?;
    let mut relayer = site.start().await?;
    let relay = site.relay().await?;
    relay.wait_until_ended(201, END).await?;
    ensure!(site.received(1)? == 151, "{} arrived", site.received(1)?);

    // A receiver that is none is answered with an error, and the tokens return; one nobody could deliver in time is timed out.
    let owner = site.networks[0].account("user")?.address.clone();
    let before = site.networks[0].balance(&owner, "stake")?;
    site.transfer_to(0, &["nobody".to_owned()], 600).await?;
    relay.wait_until_ended(202, END).await?;
    relayer.kill()?;
    site.transfer(0, 1, 8).await?;
    let expired = site.networks[1].height(0).await? + 30;
    site.networks[1].wait_for_height(expired, END).await?;
    let relayer = site.start().await?;
    let relay = site.relay().await?;
    let packets = relay.wait_until_ended(203, END).await?;
    ensure!(packets.len() == 203, "{} packets", packets.len());
    ensure!(site.networks[0].balance(&owner, "stake")? == before, "a refused and an expired transfer return their tokens");
    drop(relayer);
    Ok(())
}
