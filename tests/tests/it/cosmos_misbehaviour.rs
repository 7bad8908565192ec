//! A validator that signs two chains: its forged headers are put into the clients by hand, and the running relayer, which relays nothing at
//! that time, freezes the clients with evidence, stops their path, and says so.

use std::time::Duration;

use anyhow::{Result, ensure};
use causeway_tests::chains::simd::{NetworkConfig, binary_or_skip};
use causeway_tests::cosmos::{CHAIN_IDS, NAMES, Site, unix_s};
use causeway_tests::{forgery, poll};

/// Longest that everything sent may take to end, and a client to be frozen.
const END: Duration = Duration::from_secs(120);

/// refuse.md H11: the relay is the watchdog.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_validator_that_signs_two_chains_is_convicted() -> Result<()> {
    let Some(node) = binary_or_skip()? else {
        return Ok(());
    };
    let mut site = Site::ready(&node, CHAIN_IDS.map(NetworkConfig::new)).await?;
    let mut relayer = site.start().await?;
    let relay = site.relay().await?;
    site.transfer(0, 2, 600).await?;
    relay.wait_until_ended(2, END).await?;

    // A second block of a height that the first chain has, which its client does not hold yet.
    let (held, _) = site.client(1)?;
    let height = site.networks[0].wait_for_height(held + 5, END).await?;
    let forged = forgery::header(&site.networks[0], (held, height), unix_s()? * 1_000_000_000)?;
    forgery::submit(&site.networks[1], &site.clients[1], &forged).await?;
    frozen(&site, 1).await?;
    let halted = |status: &serde_json::Value| status["paths"][0]["halted"].as_str().unwrap_or("").to_owned();
    let status = site.cli.json(&["status"]).await?;
    let words = format!("{} sealed two blocks at height 1-{height}", NAMES[0]);
    ensure!(halted(&status).contains(&words), "{status}");

    // A block of a height that the second chain has not reached, of a time that has passed.
    let (held, _) = site.client(0)?;
    let height = site.networks[1].height(0).await? + 500;
    let forged = forgery::header(&site.networks[1], (held, height), unix_s()? * 1_000_000_000)?;
    forgery::submit(&site.networks[0], &site.clients[0], &forged).await?;
    frozen(&site, 0).await?;

    // Nothing is relayed any more, the relayer runs on and tells why.
    site.transfer(0, 1, 600).await.err();
    relayer.check_running()?;
    let status = poll::until("the status to tell that both clients are frozen", END, || async {
        let status = site.cli.json(&["status"]).await?;
        let clients = status["paths"][0]["clients"].as_array().cloned().unwrap_or_default();
        Ok((clients.len() == 2 && clients.iter().all(|client| client["frozen"] == true)).then_some(status))
    })
    .await?;
    ensure!(!halted(&status).is_empty(), "{status}");
    let asked = site.cli.ok(&["client", "list"]).await?.stdout;
    ensure!(asked.contains("FROZEN") && asked.contains("Misbehaviour"), "{asked}");
    let shown = site.cli.ok(&["status"]).await?.stdout;
    ensure!(shown.contains("FROZEN") && shown.contains("HALTED"), "{shown}");
    let (_, metrics) = site.http()?.get("/metrics").await?;
    for chain in NAMES {
        let alarm = format!("causeway_alarms_total{{chain=\"{chain}\",kind=\"misbehaviour\"}}");
        ensure!(metrics.lines().any(|line| line.starts_with(&alarm)), "no {alarm} in\n{metrics}");
    }
    Ok(())
}

async fn frozen(site: &Site, index: usize) -> Result<()> {
    let what = format!("client {} on {} to be frozen", site.clients[index], NAMES[index]);
    poll::until(&what, END, || async { Ok((site.client(index)?.1 == "Frozen").then_some(())) }).await
}
