//! What an operator of Cosmos chains asks and does beside relaying, by the released binary on two live chains: nodes, funds, channels that are
//! there, packets on their way, packets by hand, clearing on demand.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use causeway_tests::chains::simd::{NetworkConfig, binary_or_skip};
use causeway_tests::cli::{BAD_CONFIG, Cli, UNAVAILABLE, text};
use causeway_tests::cosmos::{CHAIN_IDS, NAMES, PATH, Site};
use serde_json::{Value, json};

/// Longest that everything sent may take to end.
const END: Duration = Duration::from_secs(120);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operator_finds_everything_out() -> Result<()> {
    let Some(node) = binary_or_skip()? else {
        return Ok(());
    };
    let mut site = Site::ready(&node, CHAIN_IDS.map(NetworkConfig::new)).await?;
    let [on_a, on_b] = site.open_channel("transfers", &[]).await?;
    healthy(&site.cli).await?;
    balances(&site).await?;
    let second = discovered(&site, [&on_a, &on_b]).await?;

    // By hand, over the client and over the channel; nobody relays yet.
    let receiver = site.networks[1].account("user")?.address.clone();
    let by_hand = |cli: Cli, path: &'static str, amount: &'static str| {
        let receiver = receiver.clone();
        async move {
            let args = [
                "packet", "send", "--path", path, "--from", NAMES[0], "transfer", "--token", "stake", "--amount", amount, "--to", &receiver,
            ];
            cli.json(&args).await
        }
    };
    let config = site.cli.config().to_path_buf();
    let cli = || site.cli.with_config(config.clone());
    let sent = by_hand(cli(), PATH, "7").await?;
    ensure!(text(&sent, "/id")? == format!("{}/{}/1", NAMES[0], site.clients[0]), "{sent}");
    for sequence in 1..=2 {
        let sent = by_hand(cli(), "transfers", "5").await?;
        ensure!(text(&sent, "/id")? == format!("{}/transfer/{on_a}/{sequence}", NAMES[0]), "{sent}");
    }
    let amount =
        ["packet", "send", "--path", PATH, "--from", NAMES[0], "transfer", "--token", "stake", "--amount", "much", "--to", &receiver];
    site.cli.refused(&amount, BAD_CONFIG, &["--amount much"]).await?;
    let token =
        ["packet", "send", "--path", "transfers", "--from", NAMES[0], "transfer", "--token", "gold", "--amount", "1", "--to", &receiver];
    site.cli.refused(&token, 1, &["the chain refuses it", "gold"]).await?;

    // On their way, as state says; the path that was found tells the same as the one that was made.
    for cli in [cli(), second] {
        let path = if cli.config() == config.as_path() { "transfers".to_owned() } else { format!("{}-{on_a}-{}", NAMES[0], NAMES[1]) };
        let pending = cli.json(&["packet", "pending", &path]).await?;
        ensure!(pending["directions"][0]["unreceived"] == json!([1, 2]), "{pending}");
        ensure!(pending["directions"][1]["unreceived"] == json!([]) && pending["directions"][0]["complete"] == true, "{pending}");
    }
    let pending = site.cli.ok(&["packet", "pending", PATH]).await?;
    ensure!(pending.stdout.contains("1: 1"), "{pending}");
    site.cli.refused(&["packet", "pending", "nowhere"], BAD_CONFIG, &["nowhere", "there are: ", PATH]).await?;

    // Relayed, and nothing is on its way any more.
    let relayer = site.start().await?;
    let relay = site.relay().await?;
    let cleared = site.cli.json(&["packet", "clear"]).await?;
    ensure!(cleared["cleared"] == json!([PATH, "transfers"]), "{cleared}");
    site.cli.ok(&["packet", "clear", PATH]).await?;
    site.cli.refused(&["packet", "clear", "nowhere"], 1, &["nowhere"]).await?;
    relay.wait_until_ended(3, END).await?;
    ensure!(site.received(1)? == 7 && site.received_over(1, &on_b)? == 10, "{} and {}", site.received(1)?, site.received_over(1, &on_b)?);
    for path in [PATH, "transfers"] {
        let pending = site.cli.json(&["packet", "pending", path]).await?;
        let empty = |direction: &Value| ["unreceived", "unacknowledged", "unanswered"].iter().all(|list| direction[list] == json!([]));
        ensure!(pending["directions"].as_array().is_some_and(|all| all.iter().all(empty)), "{pending}");
    }
    drop(relayer);

    // A node that is gone, and one of another chain.
    site.networks[1].stop_node(0)?;
    let sick = site.cli.run(&["health", "--json"]).await?;
    ensure!(sick.code == UNAVAILABLE, "{sick}");
    let answer = sick.json()?;
    ensure!(answer["healthy"] == false && text(&answer, "/endpoints/1/trouble")?.contains("unreachable"), "{answer}");
    ensure!(text(&answer, "/endpoints/0/trouble")?.is_empty(), "{answer}");
    let wrong = config.with_file_name("wrong.toml");
    std::fs::write(&wrong, std::fs::read_to_string(&config)?.replace(CHAIN_IDS[0], "elsewhere-1"))?;
    let sick = site.cli.with_config(wrong).run(&["health", NAMES[0], "--json"]).await?;
    let answer = sick.json()?;
    ensure!(sick.code == UNAVAILABLE && text(&answer, "/endpoints/0/trouble")?.contains(CHAIN_IDS[0]), "{answer}");
    Ok(())
}

async fn healthy(cli: &Cli) -> Result<()> {
    let answer = cli.json(&["health"]).await?;
    ensure!(answer["healthy"] == true && answer["endpoints"].as_array().is_some_and(|all| all.len() == 2), "{answer}");
    ensure!(text(&answer, "/endpoints/0/node")?.starts_with("CometBFT ") && answer["endpoints"][0]["height"].is_u64(), "{answer}");
    let table = cli.ok(&["health", NAMES[1]]).await?;
    ensure!(table.stdout.contains(NAMES[1]) && !table.stdout.contains(NAMES[0]), "{table}");
    Ok(())
}

async fn balances(site: &Site) -> Result<()> {
    let answer = site.cli.json(&["key", "balance"]).await?;
    for (index, network) in site.networks.iter().enumerate() {
        let address = network.account("relayer")?.address.clone();
        let key = &answer["keys"][index];
        ensure!(text(key, "/address")? == address && text(key, "/denom")? == "stake", "{answer}");
        ensure!(text(key, "/balance")? == network.balance(&address, "stake")?.to_string(), "{answer}");
    }
    Ok(())
}

/// The channel is found in a configuration that has no paths, and taken over once.
async fn discovered(site: &Site, [on_a, on_b]: [&str; 2]) -> Result<Cli> {
    let (config, all) = (site.cli.config(), std::fs::read_to_string(site.cli.config())?);
    let other = config.with_file_name("second.toml");
    std::fs::write(&other, all.split("[[path]]").next().context("a configuration")?)?;
    let cli = site.cli.with_config(other);
    let made = site.cli.json(&["path", "list"]).await?;

    let found = cli.json(&["path", "discover", NAMES[0]]).await?;
    let channel = &found["channels"][0];
    ensure!(text(channel, "/channel")? == format!("transfer/{on_a}") && found["added"] == json!([]), "{found}");
    ensure!(text(channel, "/counterparty/channel")? == format!("transfer/{on_b}"), "{found}");
    ensure!(text(channel, "/counterparty/chain_id")? == CHAIN_IDS[1] && text(channel, "/counterparty/chain")? == NAMES[1], "{found}");
    for (option, pattern) in [("--only", "ica*/*"), ("--except", "transfer/channel-*")] {
        let none = cli.json(&["path", "discover", NAMES[0], option, pattern, "--add"]).await?;
        ensure!(none["channels"] == json!([]), "{none}");
    }
    let found = cli.json(&["path", "discover", NAMES[0], "--only", "trans*/*", "--add"]).await?;
    ensure!(found["added"].as_array().is_some_and(|added| added.len() == 1), "{found}");
    let again = cli.ok(&["path", "discover", NAMES[0], "--add"]).await?;
    ensure!(again.stdout.contains("0 paths written") && again.stdout.contains("is path"), "{again}");
    // From the other chain it is the same path.
    let again = cli.json(&["path", "discover", NAMES[1], "--add"]).await?;
    ensure!(again["added"] == json!([]), "{again}");
    let taken = cli.json(&["path", "list"]).await?;
    ensure!(taken["paths"].as_array().is_some_and(|paths| paths.len() == 1), "{taken}");
    for end in ["a", "b"] {
        ensure!(taken["paths"][0][end] == made["paths"][1][end], "{taken} {made}");
    }
    // Trust begins where its client can be verified from, which is not the newest block.
    let shown = cli.json(&["trust", "show", NAMES[0], "--for-clients"]).await?;
    let follower = cli.json(&["client", "show", NAMES[1], text(&taken["paths"][0]["b"], "/client")?]).await?;
    let height = follower["height"].as_u64().context("no height")?;
    ensure!(shown["height"] == height && shown["client"]["client"] == follower["client"], "{shown} {follower}");
    cli.ok(&["trust", "set", NAMES[0], "--height", &height.to_string(), "--hash", text(&shown, "/hash")?]).await?;
    Ok(cli)
}
