//! What operators of ibc-go chains need beyond relaying, by the released binary on live networks: several keys, keys shared with others, fees
//! that nodes ask for and others pay, clients that must not expire, and what a wrong configuration is told.

use std::time::Duration;

use anyhow::{Result, ensure};
use causeway_tests::chains::simd::{Network, NetworkConfig, binary_or_skip};
use causeway_tests::cli::{BAD_CONFIG, KEY, UNAVAILABLE, UNTRUSTED, text};
use causeway_tests::cosmos::{CHAIN_IDS, NAMES, Setup, Site, payment, unix_s};
use causeway_tests::{poll, ports};

/// Longest that everything sent may take to end.
const END: Duration = Duration::from_secs(180);

fn networks(change: impl Fn(&mut NetworkConfig)) -> [NetworkConfig; 2] {
    CHAIN_IDS.map(|chain_id| {
        let mut config = NetworkConfig::new(chain_id);
        change(&mut config);
        config
    })
}

/// Transactions that an account has sent.
fn sequence(network: &Network, name: &str) -> Result<u64> {
    let address = &network.account(name)?.address;
    let info = network.get(&format!("/cosmos/auth/v1beta1/account_info/{address}"))?;
    Ok(info.pointer("/info/sequence").and_then(|text| text.as_str()).unwrap_or("0").parse()?)
}

/// Four keys share a burst; meanwhile somebody else sends with one of them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_keys_share_the_work_and_one_of_them_with_others() -> Result<()> {
    let Some(node) = binary_or_skip()? else {
        return Ok(());
    };
    let keys: Vec<String> = ["one", "two", "three", "four"].map(str::to_owned).to_vec();
    let configs = networks(|config| config.accounts.extend(keys.clone()));
    let setup = Setup { keys: keys.clone(), lines: "messages_max = 8".to_owned(), ..Setup::default() };
    let mut site = Site::prepared(&node, configs, &setup).await?;
    site.create_path().await?;
    let relayer = site.start().await?;
    let relay = site.relay().await?;
    let receiver = site.networks[1].account("user")?.address.clone();
    for round in 0..4 {
        site.transfer(0, 50, 600).await?;
        // Its sequence is used up under the relayer's hands; one of the two is refused, neither is stuck.
        let pay = payment(&site.networks[1].account("two")?.address, &receiver, 1);
        let sent = site.networks[1].submit("two", &[pay]).await;
        println!("round {round}: {:?}", sent.map_err(|error| error.to_string().chars().take(120).collect::<String>()));
    }
    let packets = relay.wait_until_ended(200, END).await?;
    ensure!(packets.len() == 200 && site.received(1)? == 200, "{} packets, {} arrived", packets.len(), site.received(1)?);
    for key in &keys {
        let sent = sequence(&site.networks[1], key)?;
        println!("{key}: {sent} transactions");
        ensure!(sent > 0, "key {key} was never used");
    }
    drop(relayer);
    Ok(())
}

/// The relayer's price is below what the nodes take: it is corrected from their words; the fees are those of somebody who granted them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_price_too_low_is_corrected_and_a_granter_pays() -> Result<()> {
    let Some(node) = binary_or_skip()? else {
        return Ok(());
    };
    let configs = networks(|config| config.gas_price_min = "0.01stake".to_owned());
    let setup = Setup { gas_price: "\"0.02\"".to_owned(), lines: "memo = \"relayed\"".to_owned(), ..Setup::default() };
    let mut site = Site::prepared(&node, configs, &setup).await?;
    for network in &site.networks {
        let [granter, grantee] = ["user", "relayer"].map(|name| network.account(name).map(|account| account.address.clone()));
        let allowance = serde_json::json!({ "@type": "/cosmos.feegrant.v1beta1.BasicAllowance", "spend_limit": [], "expiration": null });
        let grant = serde_json::json!({
            "@type": "/cosmos.feegrant.v1beta1.MsgGrantAllowance", "granter": granter?, "grantee": grantee?, "allowance": allowance,
        });
        network.submit("user", &[grant]).await?;
    }
    site.create_path().await?;
    // Addresses are made of keys that each network has of its own: one granter a chain.
    let granters: Vec<String> =
        site.networks.iter().map(|network| network.account("user").map(|user| user.address.clone())).collect::<Result<_>>()?;
    for (network, granter) in site.networks.iter().zip(&granters) {
        let chain = format!("chain_id = \"{}\"", network.chain_id());
        site.edit(&chain, &format!("{chain}\nfee_granter = \"{granter}\""))?;
    }
    site.edit("gas_price = \"0.02\"", "gas_price = \"0.005\"")?;
    let own = |site: &Site, index: usize| site.networks[index].balance(&site.networks[index].account("relayer")?.address.clone(), "stake");
    let before = [own(&site, 0)?, own(&site, 1)?];
    let relayer = site.start().await?;
    let relay = site.relay().await?;
    site.transfer(0, 5, 600).await?;
    relay.wait_until_ended(5, END).await?;
    ensure!(site.received(1)? == 5, "{} arrived", site.received(1)?);
    ensure!([own(&site, 0)?, own(&site, 1)?] == before, "the relayer paid by itself");
    let (_, metrics) = site.http()?.get("/metrics").await?;
    let replaced = metrics.lines().filter(|line| line.starts_with("causeway_transactions_total") && line.contains("replaced")).count();
    ensure!(replaced > 0, "no price was corrected:\n{metrics}");
    drop(relayer);
    Ok(())
}

/// Without traffic a client of a short life is refreshed; once nobody does, it expires, and `start` says what to do.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_of_a_short_life_are_refreshed_and_an_expired_one_is_told() -> Result<()> {
    /// Long enough for a loaded machine, short enough for a test.
    const TRUSTING_S: u64 = 60;
    let Some(node) = binary_or_skip()? else {
        return Ok(());
    };
    let configs = networks(|config| config.unbonding_s = 80);
    let setup = Setup { trusting_period_s: TRUSTING_S, ..Setup::default() };
    let mut site = Site::prepared(&node, configs, &setup).await?;
    site.create_path().await?;
    let mut relayer = site.start().await?;
    let started = unix_s()?;
    let first = [site.client(0)?.0, site.client(1)?.0];
    poll::until("a life and a half of the clients", END, || async { Ok((unix_s()? > started + TRUSTING_S * 3 / 2).then_some(())) }).await?;
    for index in [0, 1] {
        let (height, status) = site.client(index)?;
        ensure!(status == "Active" && height > first[index], "client {index}: {status} at {height}, first {}", first[index]);
    }
    relayer.kill()?;
    poll::until("the clients to expire", END, || async {
        Ok((site.client(0)?.1 == "Expired" && site.client(1)?.1 == "Expired").then_some(()))
    })
    .await?;
    let shown = site.cli.ok(&["client", "show", NAMES[0], &site.clients[0]]).await?.stdout;
    ensure!(shown.contains("EXPIRED") && shown.contains("Recovering a client"), "{shown}");
    site.cli.refused(&["start"], UNTRUSTED, &[NAMES[0], "trusting period is 60 s", "causeway trust set"]).await?;
    Ok(())
}

/// Every wrong configuration is told in one line, with its exit code.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_configuration_is_told_in_a_line() -> Result<()> {
    let Some(node) = binary_or_skip()? else {
        return Ok(());
    };
    let configs = networks(|config| config.gas_price_min = "0.01stake".to_owned());
    let setup = Setup { gas_price: "\"0.02\"".to_owned(), ..Setup::default() };
    let mut site = Site::prepared(&node, configs, &setup).await?;
    let url = site.networks[0].rpc_urls()[0].clone();
    let dead = format!("http://127.0.0.1:{}", ports::pick()?);
    let create = ["path", "create", NAMES[0], NAMES[1]];
    let price = "gas_price = \"0.02\"";
    let cases: [(&str, &str, &str, i32, &[&str]); 8] = [
        (
            "chain-id",
            "chain_id = \"chaina-1\"",
            "chain_id = \"chainx-1\"",
            BAD_CONFIG,
            &["serves chain chaina-1", "configured is chainx-1"],
        ),
        ("prefix", "address_prefix = \"cosmos\"", "address_prefix = \"osmo\"", KEY, &["address_prefix"]),
        ("denom", "gas_denom = \"stake\"", "gas_denom = \"uatom\"", UNAVAILABLE, &["uatom"]),
        ("source", price, "gas_price = { source = \"moon\", max = \"1\" }", BAD_CONFIG, &["gas_price", "feemarket"]),
        ("market", price, "gas_price = { source = \"feemarket\", max = \"1\" }", BAD_CONFIG, &["feemarket", "choose another source"]),
        ("dead", &url, &dead, UNAVAILABLE, &["unreachable", "check that the node runs"]),
        ("gas", "block_interval_ms = 500", "block_interval_ms = 500\ntx_gas_max = 1", BAD_CONFIG, &["tx_gas_max = 1", "200000 to"]),
        ("granter", price, "gas_price = \"0.02\"\nfee_granter = \"osmo1x\"", BAD_CONFIG, &["fee_granter", "address of this chain"]),
    ];
    for (name, old, new, code, words) in cases {
        let refused = site.changed(name, old, new)?.refused(&create, code, words).await?;
        println!("{name}: {refused}");
    }
    site.create_path().await?;
    // A path over a client that does not exist.
    let client = &site.clients[0];
    let missing = site.changed("missing", &format!("\"{client}\""), "\"07-tendermint-77\"")?;
    missing.refused(&["start"], UNTRUSTED, &["07-tendermint-77 does not exist", "causeway path create"]).await?;
    missing.refused(&["client", "list"], BAD_CONFIG, &["07-tendermint-77", "does not exist"]).await?;
    // How the clients stand, from the chains themselves.
    let listed = site.cli.json(&["client", "list"]).await?;
    ensure!(text(&listed, "/clients/0/status")? == "active" && text(&listed, "/clients/1/status")? == "active", "{listed}");
    let one = site.cli.json(&["client", "show", NAMES[0], client]).await?;
    ensure!(text(&one, "/counterparty")? == site.clients[1] && text(&one, "/type")? == "07-tendermint", "{one}");
    let shown = site.cli.json(&["path", "list"]).await?;
    ensure!(text(&shown, "/paths/0/a/client")? == client, "{shown}");
    Ok(())
}
