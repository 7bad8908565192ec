//! Bursts and a backlog between two live ibc-go chains, by the released binary and its `bench`: nothing is missed, and nodes are asked little.

use anyhow::{Result, ensure};
use causeway_tests::chains::simd::{NetworkConfig, binary_or_skip};
use causeway_tests::cosmos::{CHAIN_IDS, PATH, Setup, Site};
use serde_json::Value;

/// The users' keys at both ends of a path.
const SENDERS: [&str; 4] = ["--sender-a", "user-chaina", "--sender-b", "user-chainb"];
/// Packets of the backlog, each way.
const BACKLOG: u128 = 2_500;

/// Measures a load on a path; all of it must be acknowledged.
async fn bench(site: &Site, path: &str, packets: u128, args: &[&str]) -> Result<Value> {
    let count = packets.to_string();
    let measured = site.cli.json(&[&["bench", "--path", path, "--packets", &count, "--patience-s", "150"], args].concat()).await?;
    ensure!(measured["missed"] == 0, "{measured}");
    Ok(measured)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bursts_both_ways_miss_nothing() -> Result<()> {
    let Some(node) = binary_or_skip()? else {
        return Ok(());
    };
    let mut site = Site::prepared(&node, CHAIN_IDS.map(NetworkConfig::new), &Setup::with_users()).await?;
    site.create_path().await?;
    let [on_a, on_b] = site.open_channel("classic", &[]).await?;
    let _relayer = site.start().await?;
    let mut all = 0;
    for packets in [1, 50, 1_000] {
        all += packets;
        for path in [PATH, "classic"] {
            let measured = bench(&site, path, packets, &[&SENDERS[..], &["--running"]].concat()).await?;
            println!("{path}, {packets}: {measured}");
            let each = |figure: &str| measured["cost"][figure].as_f64().unwrap_or(f64::MAX);
            let (requests, calls) = (each("http_requests_per_packet"), each("rpc_calls_per_packet"));
            ensure!(packets < 1_000 || requests < REQUESTS_MAX && calls < CALLS_MAX, "{measured}");
        }
        // What arrived, by the chains' own balances.
        let arrived = [site.received(0)?, site.received(1)?, site.received_over(0, &on_a)?, site.received_over(1, &on_b)?];
        ensure!(arrived == [all; 4], "{arrived:?} of {all} arrived");
    }
    Ok(())
}

/// HTTP requests and calls a packet of a large burst, at the nodes' default of 10 calls a request.
const REQUESTS_MAX: f64 = 0.4;
const CALLS_MAX: f64 = 3.0;

/// Sent while no relayer runs, on nodes that index nothing: found in state, and read from blocks.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backlog_is_cleared_without_an_index() -> Result<()> {
    let Some(node) = binary_or_skip()? else {
        return Ok(());
    };
    let without_index = |id| NetworkConfig { tx_index: false, ..NetworkConfig::new(id) };
    let mut site = Site::prepared(&node, CHAIN_IDS.map(without_index), &Setup::with_users()).await?;
    site.create_path().await?;
    let measured = bench(&site, PATH, BACKLOG, &[&SENDERS[..], &["--backlog"]].concat()).await?;
    println!("{measured}");
    ensure!(measured["kind"] == "backlog", "{measured}");
    let arrived = [site.received(0)?, site.received(1)?];
    ensure!(arrived == [BACKLOG; 2], "{arrived:?} arrived");
    Ok(())
}
