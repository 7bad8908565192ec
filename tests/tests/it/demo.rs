//! `causeway demo` as a newcomer runs it: embedded chains, no node, no tool, no configuration.

use std::time::Duration;

use anyhow::{Result, ensure};
use causeway_tests::cli::Cli;
use serde_json::Value;

/// Longest that the whole demo may take, building of chains included.
const LIMIT: Duration = Duration::from_secs(240);

#[tokio::test]
async fn two_hundred_packets_end_as_they_must() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("causeway.toml");
    let cli = Cli::new(file.clone(), folder.path().join("logs"))?;
    let mut demo = cli.spawn("demo", &["demo", "--json"])?;
    let status = demo.wait(LIMIT).await?;
    ensure!(status.code() == Some(0), "{status}\n{}", demo.log_tail());
    let report: Value = demo.read_json()?;
    ensure!(report["lost"] == 0 && report["sent"] == 200, "{report}");
    let ends = ["completed", "timed_out", "error_acked", "dead", "already_delivered"];
    let counts: Vec<u64> = ends.iter().map(|end| report[*end].as_u64().unwrap_or_default()).collect();
    ensure!(counts.iter().all(|count| *count > 0), "{report}");
    ensure!(counts.iter().sum::<u64>() == 200, "{report}");
    for figure in ["p50_ms", "p99_ms", "gas_per_recv", "seconds"] {
        ensure!(report[figure].as_f64().is_some_and(|value| value > 0.0), "{figure}: {report}");
    }
    ensure!(!file.exists(), "the demo wrote a configuration here");
    Ok(())
}
