//! The commands of an operator from an empty folder to relayed packets, on two live
//! networks: every step by the released binary alone. What is relayed under stress is
//! tested in `traffic`, what is refused in `bad_input`.

use std::time::Duration;

use alloy::primitives::{Bytes, U256};
use alloy::sol_types::SolCall;
use anyhow::{Context, Result, ensure};
use causeway_evm_contracts::abi;
use causeway_tests::chains::goquorum::binary_or_skip;
use causeway_tests::cli::{self, Cli, text};
use causeway_tests::dapp::{AMOUNT, NO_PORT, RECEIVER, view};
use causeway_tests::poll;
use causeway_tests::site::{NAMES, PASSPHRASE, PATH, Site};
use rand::Rng;
use serde_json::Value;

/// Longest that a packet may take to its end.
const PACKET_LIMIT: Duration = Duration::from_secs(60);

/// Times that `path create` is killed before it may finish.
const KILLS: usize = 5;

/// Milliseconds within which a kill falls: from before the store is opened to after the last step.
const KILL_WITHIN_MS: std::ops::Range<u64> = 200..7_000;

/// Seconds that the undeliverable packet has.
const POISON_S: &str = "25";

#[tokio::test]
async fn from_an_empty_folder_to_relayed_packets() -> Result<()> {
    let Some(node) = binary_or_skip()? else {
        return Ok(());
    };
    Site::new(&node).await?.run(flow).await
}

async fn flow(site: &mut Site) -> Result<()> {
    version_and_configuration(site).await?;
    keys(site).await?;
    site.deploy().await?;
    deployed(site).await?;
    roots_of_trust(site).await?;
    path_created_through_kills(site).await?;
    root_for_clients(site).await?;
    let mut relayer = site.start().await?;
    status(site).await?;
    packets_by_hand(site).await?;
    dead_and_retried(site).await?;
    relayer.terminate()?;
    let status = relayer.wait(Duration::from_secs(40)).await?;
    ensure!(status.code() == Some(0), "{status}\n{}", relayer.log_tail());
    let args = ["packet", "list"];
    site.cli.refused(&args, cli::UNAVAILABLE, &["causeway start"]).await?;
    Ok(())
}

async fn version_and_configuration(site: &Site) -> Result<()> {
    let version = site.cli.json(&["version"]).await?;
    ensure!(version["families"][0] == "evm", "{version}");
    site.init().await?;
    site.cli.refused(&["init"], 1, &["--force"]).await?;
    let checked = site.cli.json(&["config", "check"]).await?;
    ensure!(checked["valid"] == true && checked["chains"] == 2, "{checked}");
    let said = site.cli.ok(&["config", "check"]).await?;
    ensure!(said.stdout.contains("trust show alpha"), "{said}");
    let completions = site.cli.ok(&["completions", "bash"]).await?;
    ensure!(completions.stdout.contains("adapter"), "{completions}");
    Ok(())
}

async fn keys(site: &Site) -> Result<()> {
    let cli = &site.cli;
    let from_env = ["key", "add", "relayer", "--passphrase-env", "CAUSEWAY_PASSPHRASE"];
    let relayer = cli.json(&from_env).await?;
    let file = site.folder().join("passphrase");
    std::fs::write(&file, format!("{PASSPHRASE}\n"))?;
    let file = file.to_string_lossy().into_owned();
    let spare = cli.json(&["key", "add", "spare", "--passphrase-file", &file]).await?;
    ensure!(text(&relayer, "/address")? != text(&spare, "/address")?, "one key twice");
    cli.refused(&from_env, cli::KEY, &["relayer"]).await?;

    let listed = cli.json(&["key", "list"]).await?;
    ensure!(listed["keys"].as_array().map(Vec::len) == Some(2), "{listed}");
    let check = ["key", "show", "spare", "--check", "--passphrase-file", &file];
    ensure!(cli.json(&check).await?["address"] == spare["address"]);
    std::fs::write(site.folder().join("wrong"), "guess")?;
    let wrong = site.folder().join("wrong").to_string_lossy().into_owned();
    let check = ["key", "show", "spare", "--check", "--passphrase-file", &wrong];
    let line = cli.refused(&check, cli::KEY, &["spare", "passphrase"]).await?;
    ensure!(!line.contains("guess"), "a passphrase is printed: {line}");
    let keystore = std::fs::read_to_string(text(&spare, "/keystore")?)?;
    let keystore: Value = serde_json::from_str(&keystore)?;
    ensure!(keystore["version"] == 3, "{keystore}");

    cli.ok(&["key", "delete", "spare", "--yes"]).await?;
    cli.refused(&["key", "show", "spare"], cli::KEY, &["spare"]).await?;
    Ok(())
}

async fn deployed(site: &Site) -> Result<()> {
    let config = std::fs::read_to_string(site.cli.config())?;
    ensure!(config.contains("# Keys that are commented out"), "comments are gone");
    for (name, contracts) in NAMES.into_iter().zip(&site.contracts) {
        ensure!(config.contains(&contracts.router.to_string()), "router of {name}");
    }
    let again = site.cli.ok(&["contracts", "deploy", "--chain", "alpha"]).await?;
    ensure!(again.stdout.contains("Deployed already") && again.stdout.contains(&site.contracts[0].router.to_string()), "{again}");
    ensure!(std::fs::read_to_string(site.cli.config())? == config, "a second deployment was written");
    Ok(())
}

async fn roots_of_trust(site: &Site) -> Result<()> {
    // The root must not be older than the router: before it, there is nothing to follow.
    let shown = site.cli.json(&["trust", "show", "alpha"]).await?;
    let height = shown["height"].as_u64().context("no height")?;
    let header = site.networks[0].header(height).await?;
    let hash = text(&shown, "/hash")?;
    ensure!(hash == header.hash().to_string(), "{shown}");
    let wrong = format!("0x{}", "11".repeat(32));
    let height = height.to_string();
    let set = ["trust", "set", "alpha", "--height", &height, "--hash", &wrong];
    site.cli.refused(&set, cli::UNTRUSTED, &[hash.trim_start_matches("0x"), "nothing was written"]).await?;
    site.trust().await?;
    let config = std::fs::read_to_string(site.cli.config())?;
    ensure!(config.matches("\nhash = ").count() + config.matches("hash = \"0x").count() > 1);
    Ok(())
}

/// Who takes the path over asks for the block that its client holds.
async fn root_for_clients(site: &Site) -> Result<()> {
    let clients = site.cli.json(&["client", "list"]).await?;
    let all = clients["clients"].as_array().context("no clients")?;
    let follower = all.iter().find(|client| client["chain"] == NAMES[1]).context("no client on beta")?;
    let shown = site.cli.json(&["trust", "show", NAMES[0], "--for-clients"]).await?;
    ensure!(shown["height"] == follower["height"] && shown["client"]["client"] == follower["client"], "{shown} {follower}");
    let header = site.networks[0].header(shown["height"].as_u64().context("no height")?).await?;
    ensure!(text(&shown, "/hash")? == header.hash().to_string(), "{shown}");
    let both = ["trust", "show", NAMES[0], "--for-clients", "--height", "7"];
    ensure!(site.cli.run(&both).await?.code == 2, "two heights at once");
    Ok(())
}

/// `path create` is killed again and again at moments that nobody chose, and goes on each time.
async fn path_created_through_kills(site: &mut Site) -> Result<()> {
    let args = ["path", "create", NAMES[0], NAMES[1]];
    for kill in 0..KILLS {
        let mut create = site.cli.spawn(&format!("path-create-{kill}"), &args)?;
        wait_for_a_random_moment(KILL_WITHIN_MS).await;
        create.kill()?;
    }
    site.cli.ok(&args).await?;
    site.read_path().await?;
    // Once more: it verifies what is there and changes nothing.
    site.cli.ok(&args).await?;
    let before = site.clients.clone();
    site.read_path().await?;
    ensure!(site.clients == before, "{:?}", site.clients);
    for index in [0, 1] {
        let rpc = site.rpc(index)?;
        let router = site.contracts[index].router;
        let made = view(&rpc, router, &abi::Router::getNextClientSeqCall {}).await?;
        ensure!(made == U256::ONE, "{made} clients on {}", NAMES[index]);
        let client_id = site.clients[index].clone();
        let call = abi::Router::getCounterpartyCall { clientId: client_id };
        let there = view(&rpc, router, &call).await?;
        ensure!(there.clientId == site.clients[1 - index], "{there:?}");
    }
    Ok(())
}

async fn wait_for_a_random_moment(within_ms: std::ops::Range<u64>) {
    let moment = rand::rng().random_range(within_ms);
    tokio::time::sleep(Duration::from_millis(moment)).await;
}

async fn status(site: &Site) -> Result<()> {
    let status = site.cli.json(&["status"]).await?;
    for (index, name) in NAMES.into_iter().enumerate() {
        let chain = &status["chains"][index];
        ensure!(chain["chain"] == name && chain["family"] == "evm", "{status}");
        ensure!(chain["endpoints"].as_array().map(Vec::len) == Some(2), "{chain}");
        ensure!(chain["violations"].as_array().is_some_and(Vec::is_empty), "{chain}");
    }
    ensure!(status["paths"][0]["name"] == PATH, "{status}");
    let said = site.cli.ok(&["status"]).await?;
    ensure!(said.stdout.contains(PATH), "{said}");
    ensure!(!said.stdout.contains(PASSPHRASE), "a secret is printed");
    let metrics = site.http()?.get("/metrics").await?;
    ensure!(!metrics.1.contains(PASSPHRASE), "a secret is printed");
    Ok(())
}

/// Messages and transfers by hand both ways, followed with the same commands until they are done.
async fn packets_by_hand(site: &Site) -> Result<()> {
    let relayer = site.cli.json(&["key", "show", "relayer"]).await?;
    let relayer = serde_json::from_value(relayer["address"].clone())?;
    for index in [0, 1] {
        let (from, to) = (site.contracts[index], site.contracts[1 - index]);
        let mut user = site.user(index).await?;
        let mint = abi::TestToken::mintCall { to: relayer, amount: U256::from(AMOUNT) };
        let hash = user.send(from.token, &mint).await?;
        user.mined(hash).await?;
        let send = ["packet", "send", "--path", PATH, "--from", NAMES[index]];
        let (echo, token) = (to.echo.to_string(), from.token.to_string());
        let (amount, receiver) = (AMOUNT.to_string(), RECEIVER.to_string());
        // echo(bytes) with an empty string.
        let data = format!("0x{}", hex::encode(echo_call()));
        let message = ["message", "--to", &echo, "--data", &data];
        let transfer = ["transfer", "--token", &token, "--amount", &amount, "--to", &receiver];
        for what in [&message[..], &transfer[..]] {
            let sent = site.cli.json(&[&send, what].concat()).await?;
            let id = text(&sent, "/id")?;
            let packet = wait_for_state(&site.cli, id, "completed").await?;
            ensure!(packet["acknowledgement"] == "success", "{packet}");
            ensure!(packet["finished_by"] == "us", "{packet}");
            ensure!(packet["costs"].as_array().is_some_and(|costs| costs.len() >= 2), "{packet}");
            let transaction = text(&sent, "/transaction")?;
            let by_tx = site.cli.json(&["packet", "show", transaction, "--tx", NAMES[index]]).await?;
            ensure!(by_tx["id"] == packet["id"], "{by_tx}");
            let table = site.cli.ok(&["packet", "show", id]).await?;
            ensure!(table.stdout.contains("completed"), "{table}");
        }
        let held = abi::TokenTransfer::escrowedCall { clientId: site.clients[index].clone(), token: from.token };
        let held = view(&site.rpc(index)?, from.transfer, &held).await?;
        ensure!(held == U256::from(AMOUNT), "escrow {held}");
    }
    let list = site.cli.json(&["packet", "list", "--path", PATH]).await?;
    ensure!(list["packets"].as_array().map(Vec::len) == Some(4), "{list}");
    let pending = site.cli.json(&["packet", "list", "--pending"]).await?;
    ensure!(pending["packets"].as_array().is_some_and(Vec::is_empty), "{pending}");
    Ok(())
}

fn echo_call() -> Vec<u8> {
    abi::Echo::echoCall { data: Bytes::new() }.abi_encode()
}

/// A packet to a port that nobody listens on is dead by name, may be retried, and comes back in the end.
async fn dead_and_retried(site: &Site) -> Result<()> {
    let raw = site.contracts[0].raw;
    let send = [
        "packet",
        "send",
        "--path",
        PATH,
        "--from",
        NAMES[0],
        "--timeout-s",
        POISON_S,
        "raw",
        "--app",
        &raw.to_string(),
        "--port",
        NO_PORT,
    ];
    let sent = site.cli.json(&send).await?;
    let id = text(&sent, "/id")?;
    let dead = wait_for_state(&site.cli, id, "dead").await?;
    let reason = text(&dead, "/reason")?;
    ensure!(!reason.is_empty(), "no reason: {dead}");
    ensure!(dead["attempts"] == 6 && dead["retry_at_ms"].is_u64(), "how often, and when again: {dead}");
    let listed = site.cli.json(&["packet", "list", "--state", "dead"]).await?;
    ensure!(listed["packets"][0]["id"] == id, "{listed}");
    let retried = site.cli.json(&["packet", "retry", id]).await?;
    ensure!(retried["retried"] == id, "{retried}");
    wait_for_state(&site.cli, id, "timed-out").await?;
    let returned = abi::RawSender::returnedCall {};
    let returned = view(&site.rpc(0)?, raw, &returned).await?;
    ensure!(returned == U256::ONE, "returned {returned} times");
    let finished = site.cli.run(&["packet", "retry", id]).await?;
    ensure!(finished.code == 1, "a finished packet is retried: {finished}");
    let unknown = format!("{}/{}/{}", NAMES[0], site.clients[0], 999);
    site.cli.refused(&["packet", "show", &unknown], 1, &["999"]).await?;
    Ok(())
}

async fn wait_for_state(cli: &Cli, id: &str, state: &str) -> Result<Value> {
    poll::until(&format!("{id} to be {state}"), PACKET_LIMIT, || async {
        let packet = cli.json(&["packet", "show", id]).await?;
        ensure!(packet["state"] == state, "it is {packet}");
        Ok(Some(packet))
    })
    .await
}
