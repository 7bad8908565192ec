//! Adapters in processes of their own: the same traffic passes, also when one of them
//! is killed and comes back, and the suite that holds adapters to their promises is green.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use causeway_tests::audit::{self, Ledger, way};
use causeway_tests::chains::goquorum::binary_or_skip;
use causeway_tests::cli;
use causeway_tests::dapp::{Kind, LONG_S};
use causeway_tests::poll;
use causeway_tests::ports;
use causeway_tests::process::Process;
use causeway_tests::site::{NAMES, Site};

/// Longest that an adapter may take until it serves: its keys are opened first.
const SERVE_LIMIT: Duration = Duration::from_secs(30);

/// Longest until the last packet has ended.
const END_LIMIT: Duration = Duration::from_secs(90);

/// What is sent each way before and after an adapter is killed.
const TRAFFIC: [Kind; 12] = [
    Kind::Transfer,
    Kind::Message,
    Kind::Transfer,
    Kind::Refused,
    Kind::Message,
    Kind::BadReceiver,
    Kind::Transfer,
    Kind::Message,
    Kind::Transfer,
    Kind::Message,
    Kind::Transfer,
    Kind::Message,
];

#[tokio::test]
async fn the_same_traffic_through_adapters_elsewhere() -> Result<()> {
    let Some(node) = binary_or_skip()? else {
        return Ok(());
    };
    Site::ready(&node).await?.run(scenario).await
}

async fn scenario(site: &mut Site) -> Result<()> {
    let mut adapters = Vec::new();
    for name in NAMES {
        let listen = format!("127.0.0.1:{}", ports::pick()?);
        let adapter = serve(site, name, &listen, 0).await?;
        site.edit(&format!("name = \"{name}\"\n"), &format!("name = \"{name}\"\nadapter = \"http://{listen}\"\n"))?;
        adapters.push((listen, adapter));
    }
    let mut users = [site.user(0).await?, site.user(1).await?];
    let mut ledgers = [Ledger::default(), Ledger::default()];
    let mut relayer = site.start().await?;
    send(site, &mut users, &mut ledgers).await?;
    let relay = site.relay().await?;
    relay.wait_until_ended(2 * TRAFFIC.len(), END_LIMIT).await?;

    // One adapter dies with packets on their way, and comes back under its address.
    send(site, &mut users, &mut ledgers).await?;
    let (listen, adapter) = &mut adapters[1];
    adapter.kill()?;
    let listen = listen.clone();
    let back = serve(site, NAMES[1], &listen, 1).await?;
    adapters[1].1 = back;
    let journal = relay.wait_until_ended(4 * TRAFFIC.len(), END_LIMIT).await?;
    for (index, ledger) in ledgers.iter().enumerate() {
        audit::check(site, index, users[index].address(), ledger, &journal).await?;
    }
    for name in NAMES {
        promises(site, name).await?;
    }
    relayer.terminate()?;
    let status = relayer.wait(Duration::from_secs(40)).await?;
    ensure!(status.success(), "{status}\n{}", relayer.log_tail());
    for (_, adapter) in &mut adapters {
        adapter.terminate()?;
        let status = adapter.wait(Duration::from_secs(20)).await?;
        ensure!(status.success(), "{status}\n{}", adapter.log_tail());
    }
    // Without its adapters a relayer does not start, and says what to do.
    let start = site.cli.run(&["start"]).await?;
    start.refused(cli::UNAVAILABLE, &["adapter serve --chain alpha"])?;
    Ok(())
}

async fn serve(site: &Site, chain: &str, listen: &str, run: usize) -> Result<Process> {
    let args = ["adapter", "serve", "--chain", chain, "--listen", listen, "--json"];
    let mut adapter = site.cli.spawn(&format!("adapter-{chain}-{run}"), &args)?;
    let process = std::cell::RefCell::new(&mut adapter);
    poll::until("the adapter to serve", SERVE_LIMIT, || async {
        process.borrow_mut().check_running()?;
        let said = process.borrow().read_stdout()?;
        Ok(said.contains("\"serving\"").then_some(()))
    })
    .await?;
    Ok(adapter)
}

async fn send(site: &Site, users: &mut [causeway_tests::dapp::User; 2], ledgers: &mut [Ledger; 2]) -> Result<()> {
    for index in [0, 1] {
        let way = way(site, index);
        let (user, ledger) = (&mut users[index], &mut ledgers[index]);
        audit::send(user, &way, &TRAFFIC, LONG_S, ledger).await?;
    }
    Ok(())
}

/// Every promise is kept or does not apply; the table and the object say the same.
async fn promises(site: &Site, chain: &str) -> Result<()> {
    let check = ["adapter", "check", "--chain", chain];
    let report = site.cli.json(&check).await?;
    let promises = report["promises"].as_array().context("no promises")?;
    ensure!(report["kept"] == true && promises.len() > 8, "{report}");
    let kept = promises.iter().filter(|promise| promise["standing"] == "kept");
    ensure!(kept.count() * 2 > promises.len(), "mostly not looked at: {report}");
    let table = site.cli.ok(&check).await?;
    for promise in promises {
        let name = promise["name"].as_str().context("a promise without name")?;
        ensure!(table.stdout.contains(name), "{name} is not in the table: {table}");
    }
    Ok(())
}
