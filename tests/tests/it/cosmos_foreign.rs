//! What others have made, on two live ibc-go chains, by the released binary: clients with a trust level of their own, clients of a kind that is not
//! relayed or that belong to another path, and connections that somebody began at either end.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use causeway_tests::chains::simd::{NetworkConfig, binary_or_skip};
use causeway_tests::cli::{BAD_CONFIG, UNTRUSTED, text};
use causeway_tests::cosmos::{CHAIN_IDS, Expiry, NAMES, Site};
use causeway_tests::poll;

/// Longest that everything sent may take to end.
const END: Duration = Duration::from_secs(120);

/// A path over clients that ask for two thirds relays, and what does not fit is told by its name.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_of_others_are_relayed_by_their_own_level_or_refused_by_name() -> Result<()> {
    let Some(node) = binary_or_skip()? else {
        return Ok(());
    };
    let mut site = Site::ready(&node, CHAIN_IDS.map(NetworkConfig::new)).await?;
    let create = |name, a: &str, b: &str| {
        let args = ["path", "create", NAMES[0], NAMES[1], "--name", name, "--client-a", a, "--client-b", b];
        args.map(str::to_owned).to_vec()
    };
    let refused = |args: Vec<String>, code, words: [String; 2]| {
        let cli = site.cli.with_config(site.cli.config().to_path_buf());
        async move {
            let args: Vec<&str> = args.iter().map(String::as_str).collect();
            cli.refused(&args, code, &words.each_ref().map(String::as_str)).await
        }
    };
    // Made by the relayer's own account, so that it may register them.
    let strict = [site.client_of(0, "relayer", (2, 3)).await?, site.client_of(1, "relayer", (2, 3)).await?];

    // A key on a machine is no chain.
    let machine = site.solo_machine(0).await?;
    refused(create("machine", &machine, &strict[1]), BAD_CONFIG, [machine.clone(), "does not know".to_owned()]).await?;
    let show = ["client", "show", NAMES[0], &machine].map(str::to_owned).to_vec();
    refused(show, BAD_CONFIG, [machine, "does not know".to_owned()]).await?;
    // Another account made it: it alone may say what its other end is.
    let theirs = site.client_of(0, "user", (1, 3)).await?;
    let word = refused(create("theirs", &theirs, &strict[1]), 1, ["counterparty-a".to_owned(), "same signer".to_owned()]).await?;
    ensure!(word.contains(NAMES[0]), "{word}");
    // And it said another one.
    site.register(0, "user", (&theirs, "07-tendermint-99")).await?;
    refused(create("taken", &theirs, &strict[1]), UNTRUSTED, [theirs.clone(), "07-tendermint-99".to_owned()]).await?;

    let args = create("strict", &strict[0], &strict[1]);
    site.cli.ok(&args.iter().map(String::as_str).collect::<Vec<_>>()).await?;
    site.clients = strict.to_vec();
    let relayer = site.start().await?;
    let relay = site.relay().await?;
    site.transfer(0, 3, 600).await?;
    site.transfer(1, 3, 600).await?;
    relay.wait_until_ended(6, END).await?;
    ensure!(site.received(1)? == 3 && site.received(0)? == 3, "{} and {}", site.received(1)?, site.received(0)?);
    let status = site.networks[0].get(&format!("/ibc/core/client/v1/client_states/{}", strict[0]))?;
    ensure!(text(&status, "/client_state/trust_level/numerator")? == "2", "{status}");
    drop(relayer);
    Ok(())
}

/// Connections that others began, and that an interrupted command left at any step, are finished over the same clients, from either end.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_that_others_began_are_finished() -> Result<()> {
    let Some(node) = binary_or_skip()? else {
        return Ok(());
    };
    let mut site = Site::ready(&node, CHAIN_IDS.map(NetworkConfig::new)).await?;
    let clients = site.clients.clone();
    let create = |[a, b]: [usize; 2], name: &str, connection: &str| {
        let args =
            ["path", "create", NAMES[a], NAMES[b], "--name", name, "--classic", "--connection-a", connection, "--client-a", &clients[a]];
        [args.map(str::to_owned).to_vec(), ["--client-b", &clients[b]].map(str::to_owned).to_vec()].concat()
    };
    let run = |args: Vec<String>| {
        let cli = site.cli.with_config(site.cli.config().to_path_buf());
        async move { cli.json(&args.iter().map(String::as_str).collect::<Vec<_>>()).await }
    };
    // Begun on the first chain; begun on the second, and finished from there.
    site.begin_connection(0).await?;
    let first = run(create([0, 1], "first", "connection-0")).await?;
    site.begin_connection(1).await?;
    let second = run(create([1, 0], "second", "connection-1")).await?;
    ensure!(text(&first, "/a/chain")? == NAMES[0] && text(&second, "/a/chain")? == NAMES[1], "{first} {second}");

    // Begun on the first, answered on the second by a command that is killed then; finished by somebody who knows the second end only.
    site.begin_connection(0).await?;
    let args = create([0, 1], "third", "connection-2");
    let mut killed = site.cli.spawn("killed", &args.iter().map(String::as_str).collect::<Vec<_>>())?;
    poll::until("the connection to be answered", END, || async { answered(&site) }).await?;
    killed.kill()?;
    run(create([1, 0], "fourth", "connection-2")).await?;
    for index in [0, 1] {
        let connections = site.connections(index)?;
        ensure!(connections.len() == 3 && connections.iter().all(|(_, state)| state == "STATE_OPEN"), "{connections:?}");
    }

    let relayer = site.start().await?;
    let relay = site.relay().await?;
    let channel = text(&first, "/a/channel")?.split_once('/').context("a port and a channel")?.1.to_owned();
    site.transfer_over(0, &channel, 3, Expiry::AfterS(600)).await?;
    relay.wait_until_ended(3, END).await?;
    drop(relayer);
    Ok(())
}

/// A connection that somebody began, and nobody finished, is finished by the start that is told of it, and carries the channel that an
/// application begins on it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_others_began_is_finished_at_the_start() -> Result<()> {
    let Some(node) = binary_or_skip()? else {
        return Ok(());
    };
    let mut site = Site::ready(&node, CHAIN_IDS.map(NetworkConfig::new)).await?;
    site.begin_connection(0).await?;
    ensure!(site.connections(0)? == [("connection-0".to_owned(), "STATE_INIT".to_owned())], "{:?}", site.connections(0)?);
    site.finish_handshakes()?;
    let mut relayer = site.start().await?;
    for index in [0, 1] {
        ensure!(site.connections(index)? == [("connection-0".to_owned(), "STATE_OPEN".to_owned())], "{:?}", site.connections(index)?);
    }
    site.begin_account().await?;
    poll::until("the account to be there", END, || async { site.account().map(Some) }).await?;
    // The next start finds nothing to do.
    relayer.kill()?;
    let relayer = site.start().await?;
    ensure!(site.connections(1)?.len() == 1, "{:?}", site.connections(1)?);
    drop(relayer);
    Ok(())
}

/// Stake moves with every block, as on chains in use: a journal that begins at a root far below what a client holds still verifies it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn validators_that_change_all_the_time_are_followed_from_an_old_root() -> Result<()> {
    let Some(node) = binary_or_skip()? else {
        return Ok(());
    };
    let site = Site::ready(&node, CHAIN_IDS.map(NetworkConfig::new)).await?;
    for _ in 0..20 {
        site.delegate(0, 1_000_000).await?;
    }
    let update = ["client", "update", "--chain", NAMES[1], "--client", &site.clients[1]];
    let brought = site.cli.json(&update).await?;
    ensure!(brought["updates"] == 1, "{brought}");
    site.delegate(0, 1_000_000).await?;
    // Another journal knows nothing but the root of the configuration.
    let other = site.changed("other", "store = \"data\"", "store = \"other\"")?;
    let again = other.json(&update).await?;
    ensure!(again["before"] == brought["height"] && again["updates"] == 1, "{again}");
    Ok(())
}

/// Whether the third connection is there on the second chain.
fn answered(site: &Site) -> Result<Option<()>> {
    Ok(site.connections(1)?.iter().any(|(id, _)| id == "connection-2").then_some(()))
}
