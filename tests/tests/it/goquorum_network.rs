//! The network that other tests stand on, tried by itself: four validators seal
//! blocks, one may be killed, and votes change the set. It tests the harness and
//! what the tests assume of the node, not the relayer.

use std::time::Duration;

use anyhow::{Result, ensure};
use causeway_tests::chains::goquorum::{Network, NetworkConfig, binary_or_skip};

/// Longest that the chain may stand still.
const STALL: Duration = Duration::from_secs(30);

/// Blocks within which each of four validators has had several turns.
const TURNS: u64 = 12;

#[tokio::test]
async fn seals_survives_a_stop_and_votes() -> Result<()> {
    let Some(binary) = binary_or_skip()? else {
        return Ok(());
    };
    let mut network = Network::start(&binary, NetworkConfig { chain_id: 4711, ..NetworkConfig::default() }).await?;

    let height = network.wait_for_height(3, STALL).await?;
    let header = network.header(height).await?;
    ensure!(header.extra.validators.len() == 4, "{header:?}");
    ensure!(header.extra.seals.len() >= 3, "{header:?}");

    network.stop_node(3)?;
    let (height, header) = network.find_header(height + 1, TURNS, STALL, |header| header.extra.round > 0).await?;
    ensure!(header.seal_digest() != header.hash(), "the seals commit to the round");
    network.start_node(3).await?;
    network.rpc(3)?.wait_for_height(height, STALL).await?;

    let validator = network.address(3)?;
    network.propose(validator, false).await?;
    network.wait_for_membership(validator, false, 3 * STALL).await?;
    let now = network.any_rpc()?.height().await?;
    let (now, _) = network.find_header(now, TURNS, STALL, |header| header.extra.validators.len() == 3).await?;
    network.propose(validator, true).await?;
    network.wait_for_membership(validator, true, 3 * STALL).await?;
    let (_, header) = network.find_header(now, 3 * TURNS, STALL, |header| header.extra.validators.len() == 4).await?;
    ensure!(header.extra.validators.contains(&validator), "{header:?}");
    Ok(())
}
