//! A chain that ends by an upgrade plan and goes on under another name, on live networks: the client that follows it is updated and handed over
//! by hand, with proofs that the binary verifies first, and the same path relays with the new chain.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use causeway_tests::chains::simd::{NetworkConfig, binary_or_skip};
use causeway_tests::cli::{BAD_CONFIG, STORE, UNAVAILABLE, text};
use causeway_tests::cosmos::{CHAIN_IDS, NAMES, Setup, Site};
use serde_json::{Value, json};

/// Longest that everything sent may take to end, and a chain to come to its end.
const END: Duration = Duration::from_secs(120);
/// What the first chain calls itself after its upgrade.
const NEXT_ID: &str = "chaina-2";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_follows_its_chain_over_an_upgrade() -> Result<()> {
    let Some(node) = binary_or_skip()? else {
        return Ok(());
    };
    let mut site = Site::prepared(&node, CHAIN_IDS.map(NetworkConfig::new), &Setup::default()).await?;
    // ibc-go starts no chain from a state in which the two clients of a path have one name: another client comes first.
    site.solo_machine(0).await?;
    site.create_path().await?;
    updated_by_hand(&mut site).await?;

    // The chain decides to end at a height; before that, and with another height, nothing is handed over.
    let last = site.networks[0].height(0).await? + 60;
    site.networks[0].schedule_upgrade(last, &next_client(&site)?).await?;
    upgrade(&site, last).refused(&site, UNAVAILABLE, &["node is behind", "the chain stops at the height of its plan"]).await?;
    let early = site.networks[0].height(0).await? - 5;
    upgrade(&site, early).refused(&site, BAD_CONFIG, &["left nothing for its clients", "upgradedClient", "the proposal names"]).await?;
    site.networks[0].wait_for_height(last, END).await?;

    copy(&site, "data", "old")?;
    let done = site.cli.json(&upgrade(&site, last).args()).await?;
    ensure!(text(&done, "/follows")? == NEXT_ID && done["already"] == false && done["transaction"].is_string(), "{done}");
    let state = site.networks[1].get(&format!("/ibc/core/client/v1/client_states/{}", site.clients[1]))?;
    ensure!(text(&state, "/client_state/chain_id")? == NEXT_ID, "{state}");
    let shown = site.cli.json(&["client", "show", NAMES[1], &site.clients[1]]).await?;
    ensure!(text(&shown, "/follows")? == NEXT_ID && shown["revision"] == 2 && shown["status"] == "active", "{shown}");
    let again = site.cli.json(&upgrade(&site, last).args()).await?;
    ensure!(again["already"] == true && again["transaction"] == Value::Null, "{again}");

    // The new chain goes on from the old one's state, and the same path relays, from the same root of trust.
    let [old, other] = site.networks;
    site.networks = [old.succeed(NEXT_ID).await.context("the chain that takes its place")?, other];
    site.edit(CHAIN_IDS[0], NEXT_ID)?;
    site.readdress(0)?;
    // A journal that took no notice of it says what to do.
    let other = site.changed("other", "store = \"data\"", "store = \"old\"")?;
    other.refused(&["start"], 65, &[&site.clients[1], "client upgrade", "goes on under another name"]).await?;
    let relayer = site.start().await?;
    let relay = site.relay().await?;
    site.transfer(0, 5, 600).await?;
    site.transfer(1, 5, 600).await?;
    relay.wait_until_ended(12, END).await?;
    ensure!(site.received(1)? == 6 && site.received(0)? == 6, "{} and {} arrived", site.received(1)?, site.received(0)?);
    drop(relayer);
    Ok(())
}

/// `client update`: refused while a relayer holds the store, to the newest height, to one that is named, to one that is held already.
async fn updated_by_hand(site: &mut Site) -> Result<()> {
    let client = site.clients[1].clone();
    let update = ["client", "update", "--chain", NAMES[1], "--client", &client];
    let mut relayer = site.start().await?;
    site.cli.refused(&update, STORE, &["in use by another process"]).await?;
    let relay = site.relay().await?;
    site.transfer(0, 1, 600).await?;
    site.transfer(1, 1, 600).await?;
    relay.wait_until_ended(2, END).await?;
    relayer.kill()?;

    let (before, _) = site.client(1)?;
    site.networks[0].wait_for_height(before + 10, END).await?;
    let newest = site.cli.json(&update).await?;
    ensure!(newest["updates"] == 1 && newest["before"] == before, "{newest}");
    let (held, status) = site.client(1)?;
    ensure!(newest["height"] == held && held >= before + 10 && status == "Active", "{newest}, but the chain says {held}, {status}");
    let wanted = held + 3;
    site.networks[0].wait_for_height(wanted + 4, END).await?;
    let height = wanted.to_string();
    let exact = site.cli.json(&[&update[..], &["--height", &height]].concat()).await?;
    ensure!(exact["height"] == wanted && site.client(1)?.0 == wanted, "{exact}");
    let again = site.cli.json(&[&update[..], &["--height", &height]].concat()).await?;
    ensure!(again["updates"] == 0 && again["height"] == wanted, "{again}");
    let past = (wanted - 1).to_string();
    site.cli.refused(&[&update[..], &["--height", &past]].concat(), 65, &["is at height", "does not hold"]).await?;
    site.cli
        .refused(
            &["client", "update", "--chain", NAMES[1], "--client", "07-tendermint-77"],
            BAD_CONFIG,
            &["07-tendermint-77", "does not exist"],
        )
        .await?;
    Ok(())
}

/// The client that others shall have of the chain that comes: as they have now, but for its name and its first height.
fn next_client(site: &Site) -> Result<Value> {
    let state = site.networks[1].get(&format!("/ibc/core/client/v1/client_states/{}", site.clients[1]))?;
    let mut state = state.get("client_state").cloned().context("no client state")?;
    state["@type"] = json!("/ibc.lightclients.tendermint.v1.ClientState");
    state["chain_id"] = json!(NEXT_ID);
    state["latest_height"] = json!({ "revision_number": "2", "revision_height": "1" });
    Ok(state)
}

/// Copies the journal, as it stands, beside itself.
fn copy(site: &Site, from: &str, to: &str) -> Result<()> {
    let folder = site.cli.config().parent().context("a folder")?;
    let copied = std::process::Command::new("cp").arg("-a").arg(folder.join(from)).arg(folder.join(to)).status()?;
    ensure!(copied.success(), "cp ended with {copied}");
    Ok(())
}

/// A command that hands the client over.
struct Upgrade(Vec<String>);

fn upgrade(site: &Site, height: u64) -> Upgrade {
    let height = height.to_string();
    let args = ["client", "upgrade", "--chain", NAMES[1], "--client", &site.clients[1], "--height", &height];
    Upgrade(args.map(str::to_owned).to_vec())
}

impl Upgrade {
    fn args(&self) -> Vec<&str> {
        self.0.iter().map(String::as_str).collect()
    }

    async fn refused(&self, site: &Site, code: i32, words: &[&str]) -> Result<()> {
        site.cli.refused(&self.args(), code, words).await.map(drop)
    }
}
