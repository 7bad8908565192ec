//! Two live GoQuorum QBFT networks of four validators each, to try Causeway on: started, described, left running until Ctrl-C.
//!
//! `cargo run --release -p causeway-tests --example networks` needs Go, and writes nothing outside temporary folders.
#![allow(clippy::print_stdout, reason = "it answers on the terminal")]

use anyhow::Result;
use causeway_tests::chains::goquorum::{Network, NetworkConfig, binary_or_skip};

/// Chain ids, those of the sample configuration.
const CHAIN_IDS: [u64; 2] = [1337, 1338];

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let Some(binary) = binary_or_skip()? else { return Ok(()) };
    let mut networks = Vec::new();
    for chain_id in CHAIN_IDS {
        let config = NetworkConfig { chain_id, accounts: 1, ..NetworkConfig::default() };
        let network = Network::start(&binary, config).await?;
        println!("chain_id = {chain_id}");
        for url in network.rpc_urls() {
            println!("  rpc {url}");
        }
        networks.push(network);
    }
    println!("Both networks make a block a second and charge nothing for gas. Ctrl-C stops them.");
    tokio::signal::ctrl_c().await?;
    Ok(())
}
