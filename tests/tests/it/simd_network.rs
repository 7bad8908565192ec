//! The Cosmos networks that other tests stand on, tried by themselves. It tests the harness and what the tests assume of the node, not
//! the relayer.

use std::time::Duration;

use anyhow::{Result, ensure};
use causeway_tests::chains::simd::{Network, NetworkConfig, binary_or_skip};
use serde_json::json;

/// Longest that a chain may stand still.
const STALL: Duration = Duration::from_secs(30);

#[tokio::test]
async fn one_validator_takes_transactions_and_survives_a_kill() -> Result<()> {
    let Some(binary) = binary_or_skip()? else {
        return Ok(());
    };
    let mut network = Network::start(&binary, NetworkConfig::new("chaina-1")).await?;
    let (user, relayer) = (network.account("user")?.address.clone(), network.account("relayer")?.address.clone());
    let before = network.balance(&relayer, "stake")?;
    let pay = json!({
        "@type": "/cosmos.bank.v1beta1.MsgSend", "from_address": user, "to_address": relayer,
        "amount": [{ "denom": "stake", "amount": "7" }],
    });
    network.submit("user", &[pay.clone(), pay]).await?;
    ensure!(network.balance(&relayer, "stake")? == before + 14);
    let height = network.height(0).await?;
    network.stop_node(0)?;
    network.start_node(0).await?;
    network.wait_for_height(height + 2, STALL).await?;
    Ok(())
}

#[tokio::test]
async fn four_validators_go_on_without_one() -> Result<()> {
    let Some(binary) = binary_or_skip()? else {
        return Ok(());
    };
    let config = NetworkConfig { validators: 4, secp256k1: true, ..NetworkConfig::new("chainb-1") };
    let mut network = Network::start(&binary, config).await?;
    network.stop_node(3)?;
    let height = network.height(0).await?;
    let height = network.wait_for_height(height + 4, STALL).await?;
    network.start_node(3).await?;
    network.wait_for_node(3, height, STALL).await?;
    let follower = network.add_node().await?;
    network.wait_for_node(follower, height, STALL).await?;
    Ok(())
}
