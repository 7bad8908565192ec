//! Two live networks of ibc-go's simulation application, to try Causeway on: started, described, left running until Ctrl-C.
//!
//! `cargo run --release -p causeway-tests --example cosmos_networks` needs Go, and writes nothing outside temporary folders.
#![allow(clippy::print_stdout, reason = "it answers on the terminal")]

use anyhow::Result;
use causeway_tests::chains::simd::{Network, NetworkConfig, binary_or_skip};

/// What the chains call themselves, as in the sample configuration.
const CHAIN_IDS: [&str; 2] = ["alpha-1", "beta-1"];

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let Some(binary) = binary_or_skip()? else { return Ok(()) };
    println!("Starting two chains, within a minute …");
    let [a, b] = CHAIN_IDS.map(|chain_id| Network::start(&binary, NetworkConfig::new(chain_id)));
    let (a, b) = tokio::try_join!(a, b)?;
    let networks = [a, b];
    for (chain_id, network) in CHAIN_IDS.into_iter().zip(&networks) {
        println!("chain_id = \"{chain_id}\"");
        for url in network.rpc_urls() {
            println!("  rpc {url}");
        }
        for name in ["relayer", "user"] {
            let account = network.account(name)?;
            let words = network.dir().join(format!("{name}.words"));
            std::fs::write(&words, &account.mnemonic)?;
            println!("  {name} {}, its words in {}", account.address, words.display());
        }
    }
    println!("Both networks make a block every half second or so, and charge nothing for gas. Ctrl-C stops them.");
    tokio::signal::ctrl_c().await?;
    Ok(())
}
