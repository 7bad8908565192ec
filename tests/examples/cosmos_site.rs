//! Two live networks with everything an operator needs on them, to measure Causeway: configuration, keys, a path of IBC v2 and one of IBC
//! classic; left running until Ctrl-C.
//!
//! `cargo run --release -p causeway-tests --example cosmos_site -- [no-index] [batch=N]` needs Go. It prints the configuration's place; commands
//! on it need the passphrase that it prints.
#![allow(clippy::print_stdout, reason = "it answers on the terminal")]

use anyhow::Result;
use causeway_tests::chains::simd::{NetworkConfig, binary_or_skip};
use causeway_tests::cosmos::{CHAIN_IDS, PASSPHRASE, PATH, Setup, Site};

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Result<()> {
    let Some(binary) = binary_or_skip()? else { return Ok(()) };
    let args: Vec<String> = std::env::args().skip(1).collect();
    let tx_index = !args.iter().any(|arg| arg == "no-index");
    let batch = args.iter().find_map(|arg| arg.strip_prefix("batch=")?.parse().ok()).unwrap_or(10);
    let config = |id: &str| NetworkConfig { tx_index, batch_calls_max: batch, ..NetworkConfig::new(id) };
    let setup = Setup { lines: format!("batch_calls_max = {batch}"), ..Setup::with_users() };
    let mut site = Site::prepared(&binary, CHAIN_IDS.map(config), &setup).await?;
    // Tests do not wait for the default; what is measured does not look more often than an operator's relayer.
    site.edit("clear_interval_s = 5", "clear_interval_s = 60")?;
    site.create_path().await?;
    site.open_channel("classic", &[]).await?;
    println!("export {}='{}' CAUSEWAY_CONFIG={}", PASSPHRASE.0, PASSPHRASE.1, site.cli.config().display());
    println!("Paths: {PATH} and classic; senders: user-chaina and user-chainb. Ctrl-C stops everything.");
    tokio::signal::ctrl_c().await?;
    Ok(())
}
