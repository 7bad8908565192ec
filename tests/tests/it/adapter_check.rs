//! `adapter check` by the released binary, over gRPC, against adapters that this test serves: green for one that keeps its promises, red
//! and by name for each that breaks one.

use std::sync::Arc;

use anyhow::{Result, anyhow, ensure};
use causeway_adapter::ChainAdapter;
use causeway_adapter::fakes::{Breakage, BrokenAdapter, FakeFamily, FakePair, FakeWait, FakeWorld, TokioSleep};
use causeway_adapter::rpc::{self, HostOptions};
use causeway_tests::cli::{Answer, Cli};
use tokio::sync::oneshot;

/// Exit code of an adapter that breaks a promise.
const BROKEN: i32 = 1;

/// Promises of every part of the suite that need no light client, no path and no key.
const BREAKAGES: [Breakage; 9] = [
    Breakage::DescribeIsStableAndBounded,
    Breakage::StatusIsMonotone,
    Breakage::UnknownClientIsNotFound,
    Breakage::WatchIsInOrder,
    Breakage::WatchNeverRunsAhead,
    Breakage::EventsAgreeWithState,
    Breakage::HydrateAgreesWithState,
    Breakage::PacketStatesKeepTheOrder,
    Breakage::FutureHeightIsATypedError,
];

#[tokio::test]
async fn the_broken_promise_is_named() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let cli = Cli::new(folder.path().join("causeway.toml"), folder.path().join("logs"))?;
    let pair = traffic()?;
    let healthy: Arc<dyn ChainAdapter> = Arc::new(pair.left.adapter());

    let answer = check(&cli, healthy.clone(), &pair).await?;
    ensure!(answer.code == 0, "{answer}");
    for breakage in BREAKAGES {
        let (_, name) =
            Breakage::ALL.into_iter().find(|(known, _)| *known == breakage).ok_or_else(|| anyhow!("{breakage:?} has no name"))?;
        ensure!(standing(&answer, name)? == "kept", "{name} is not tried: {answer}");
        let answer = check(&cli, Arc::new(BrokenAdapter::new(healthy.clone(), breakage)), &pair).await?;
        ensure!(standing(&answer, name)? == "broken", "{name}: {answer}");
        answer.refused(BROKEN, &[name, "relay nothing through it"])?;
    }
    Ok(())
}

/// Two chains with packets on their way from one to the other.
fn traffic() -> Result<FakePair> {
    let pair =
        FakeWorld::pair(FakeFamily::Slotted, FakeFamily::Lagged, FakeWait::Sleep(Arc::new(TokioSleep))).map_err(|text| anyhow!(text))?;
    for value in 0_u8..3 {
        let timeout_s = pair.world.now_s() + 3_600;
        pair.left.send_to(&pair.left_client, "transfer", &[value], timeout_s).map_err(|text| anyhow!(text))?;
        pair.left.mine();
    }
    Ok(pair)
}

/// Serves an adapter, examines it, and answers what the command said.
async fn check(cli: &Cli, adapter: Arc<dyn ChainAdapter>, pair: &FakePair) -> Result<Answer> {
    let listener = rpc::bind(HostOptions::default()).await?;
    let endpoint = format!("http://{}", listener.local_addr()?);
    let (stop, stopped) = oneshot::channel::<()>();
    let host = tokio::spawn(rpc::serve(listener, adapter, async move { drop(stopped.await) }));
    let args = ["adapter", "check", "--endpoint", &endpoint, "--client", pair.left_client.as_str(), "--json"];
    let answer = cli.run(&args).await;
    drop(stop);
    host.await??;
    answer
}

fn standing(answer: &Answer, name: &str) -> Result<String> {
    let report = answer.json()?;
    let promises = report["promises"].as_array().ok_or_else(|| anyhow!("no promises in {answer}"))?;
    let promise = promises.iter().find(|promise| promise["name"] == name).ok_or_else(|| anyhow!("{name} is not in {answer}"))?;
    Ok(promise["standing"].as_str().unwrap_or_default().to_owned())
}
