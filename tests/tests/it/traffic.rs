//! Bursts of packets both ways between two live networks while everything that may
//! happen happens: a validator down, one voted out and one voted in, the relayer's own
//! node killed, the relayer itself killed. At the end the chains are counted: nothing
//! lost, nothing delivered twice, every token where it belongs.

use std::collections::BTreeSet;
use std::time::Duration;

use alloy::primitives::{B256, Bytes, U256};
use alloy::sol_types::{SolCall, SolEvent, SolValue};
use anyhow::{Context, Result, ensure};
use causeway_evm_contracts::abi::{self, QbftLightClient, Router};
use causeway_tests::audit::{self, Ledger, way};
use causeway_tests::chains::goquorum::{Network, binary_or_skip};
use causeway_tests::dapp::{Kind, LONG_S, User, head_time_s, view};
use causeway_tests::poll;
use causeway_tests::qbft::Header;
use causeway_tests::site::{NAMES, Site};
use rand::Rng;
use serde_json::{Value, json};

/// Longest that a chain may stand still while its set changes.
const STALL: Duration = Duration::from_secs(60);

/// Longest until the last packet has ended.
const END_LIMIT: Duration = Duration::from_secs(150);

/// One wave of each user: mostly good packets, the bad ones in their middle.
const WAVE: [Kind; 10] = [
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
];

/// Waves of the first burst, each way.
const BURST: usize = 8;

/// Packets to a port that does not exist, in the middle of a burst, and the seconds they have.
const POISON: (usize, u64) = (3, 45);

/// Transfers whose time is over before the relayer is up again, and their seconds.
const EXPIRED: (usize, u64) = (4, 5);

/// Blocks while a validator is down: one in three or four is of a later round.
const LATER_ROUND_BLOCKS: u64 = 10;

/// Times that the relayer is killed during the last burst.
const KILLS: usize = 4;

#[tokio::test]
async fn nothing_is_lost_whatever_happens() -> Result<()> {
    let Some(node) = binary_or_skip()? else {
        return Ok(());
    };
    Site::ready(&node).await?.run(scenario).await
}

async fn scenario(site: &mut Site) -> Result<()> {
    let mut users = [site.user(0).await?, site.user(1).await?];
    let mut ledgers = [Ledger::default(), Ledger::default()];
    everything(site, &mut users, &mut ledgers).await
}

async fn everything(site: &mut Site, users: &mut [User; 2], ledgers: &mut [Ledger; 2]) -> Result<()> {
    send_what_expires(site, users, ledgers).await?;
    let mut relayer = site.start().await?;
    burst(site, users, ledgers, BURST).await?;
    poison(site, users, ledgers).await?;
    burst(site, users, ledgers, 2).await?;

    validator_down(site, users, ledgers).await?;
    set_changes(site, users, ledgers).await?;
    node_restarts(site, users, ledgers).await?;
    relayer.check_running()?;
    relayer_killed(site, users, ledgers, &mut relayer).await?;

    for (index, ledger) in ledgers.iter().enumerate() {
        ledger.sequences(&site.rpc(index)?).await?;
    }
    let sent = ledgers.iter().map(Ledger::len).sum();
    let journal = site.relay().await?.wait_until_ended(sent, END_LIMIT).await?;
    for (index, ledger) in ledgers.iter().enumerate() {
        audit::check(site, index, users[index].address(), ledger, &journal).await?;
    }
    for name in NAMES {
        let violations = site.relay().await?.violations(name).await?;
        ensure!(violations.is_empty(), "{name}: {violations:?}");
    }
    relayer.terminate()?;
    let status = relayer.wait(Duration::from_secs(40)).await?;
    ensure!(status.success(), "{status}\n{}", relayer.log_tail());
    Ok(())
}

/// Before the relayer runs: packets that are late when it looks at them first.
async fn send_what_expires(site: &Site, users: &mut [User; 2], ledgers: &mut [Ledger; 2]) -> Result<()> {
    let (count, seconds) = EXPIRED;
    for index in [0, 1] {
        let kinds = vec![Kind::Expired; count];
        let way = way(site, index);
        audit::send(&mut users[index], &way, &kinds, seconds, &mut ledgers[index]).await?;
    }
    wait_for_time(site, head_time_s(users[0].rpc()).await? + seconds + 1).await
}

/// Waits until both chains' clocks have passed `time_s`.
async fn wait_for_time(site: &Site, time_s: u64) -> Result<()> {
    for index in [0, 1] {
        let rpc = site.rpc(index)?;
        poll::until("a block after the timeout", STALL, || async { Ok((head_time_s(&rpc).await? > time_s).then_some(())) }).await?;
    }
    Ok(())
}

/// Waves from both sides, without waiting between them.
async fn burst(site: &Site, users: &mut [User; 2], ledgers: &mut [Ledger; 2], waves: usize) -> Result<()> {
    let [user_a, user_b] = users;
    let [ledger_a, ledger_b] = ledgers;
    let (way_a, way_b) = (way(site, 0), way(site, 1));
    let kinds = WAVE.repeat(waves);
    tokio::try_join!(audit::send(user_a, &way_a, &kinds, LONG_S, ledger_a), audit::send(user_b, &way_b, &kinds, LONG_S, ledger_b),)?;
    Ok(())
}

async fn poison(site: &Site, users: &mut [User; 2], ledgers: &mut [Ledger; 2]) -> Result<()> {
    let (count, seconds) = POISON;
    let kinds = vec![Kind::Poison; count];
    for index in [0, 1] {
        let way = way(site, index);
        audit::send(&mut users[index], &way, &kinds, seconds, &mut ledgers[index]).await?;
    }
    Ok(())
}

/// Alpha loses a validator: blocks of later rounds are sealed, packets in them arrive, and the client on beta accepts such
/// a header. The relayer seldom has to show it one, for the next block follows at once.
async fn validator_down(site: &mut Site, users: &mut [User; 2], ledgers: &mut [Ledger; 2]) -> Result<()> {
    site.networks[0].stop_node(3)?;
    let rpc = site.rpc(0)?;
    let from = rpc.height().await?;
    let due = acknowledged(site, 0).await? + LATER_ROUND_BLOCKS as usize;
    let mut later = None;
    for block in 1..=LATER_ROUND_BLOCKS {
        trickle(site, users, ledgers).await?;
        rpc.wait_for_height(from + block, STALL).await?;
        if header(site, from + block).await?.extra.round > 0 {
            later = Some(from + block);
        }
    }
    let later = later.context("no block of a later round")?;
    poll::until("packets of later rounds to be done", END_LIMIT, || async { Ok((acknowledged(site, 0).await? >= due).then_some(())) })
        .await?;
    ensure!(accepts(site, later).await?, "the client refuses {later}");
    site.networks[0].start_node(3).await
}

/// A header of alpha from the node that no test stops.
async fn header(site: &Site, height: u64) -> Result<Header> {
    Header::from_block(&site.rpc(0)?.block(height).await?)
}

/// Whether the client on beta would take alpha's header at `height` from the relayer.
async fn accepts(site: &Site, height: u64) -> Result<bool> {
    let (here, there) = (site.rpc(0)?, site.rpc(1)?);
    let held = trusted_heights(site, 1, 0).await?;
    let trusted = held.range(..height).next_back().context("nothing is held")?;
    let proof: Value = here.call("eth_getProof", json!([site.contracts[0].router, [], format!("{height:#x}")])).await?;
    let update = abi::Update {
        trustedHeight: *trusted,
        trustedValidators: header(site, *trusted).await?.extra.validators,
        header: header(site, height).await?.rlp(),
        accountProof: serde_json::from_value(proof["accountProof"].clone())?,
    };
    let call = abi::Router::updateClientCall { clientId: site.clients[1].clone(), updateMsg: update.abi_encode().into() };
    let relayer = site.cli.json(&["key", "show", "relayer"]).await?;
    let data = Bytes::from(call.abi_encode());
    let request = json!([{ "from": relayer["address"], "to": site.contracts[1].router, "data": data }, "latest"]);
    let answer: Bytes = there.call("eth_call", request).await?;
    let result = abi::Router::updateClientCall::abi_decode_returns(&answer)?;
    Ok(matches!(result, abi::UpdateResult::Update | abi::UpdateResult::NoOp))
}

/// One packet each way.
async fn trickle(site: &Site, users: &mut [User; 2], ledgers: &mut [Ledger; 2]) -> Result<()> {
    for index in [0, 1] {
        let way = way(site, index);
        let kinds = [Kind::Transfer];
        audit::send(&mut users[index], &way, &kinds, LONG_S, &mut ledgers[index]).await?;
    }
    Ok(())
}

/// Heights above `from` of the other chain that the client on chain `index` has taken.
async fn trusted_heights(site: &Site, index: usize, from: u64) -> Result<BTreeSet<u64>> {
    let rpc = site.rpc(index)?;
    let call = abi::Router::getClientCall { clientId: site.clients[index].clone() };
    let client = view(&rpc, site.contracts[index].router, &call).await?;
    let filter = json!([{
        "address": client, "fromBlock": "0x0", "toBlock": "latest",
        "topics": [QbftLightClient::HeightTrusted::SIGNATURE_HASH],
    }]);
    let logs: Vec<Value> = rpc.call("eth_getLogs", filter).await?;
    let mut heights = BTreeSet::new();
    for log in logs {
        let height: B256 = serde_json::from_value(log["topics"][1].clone())?;
        heights.insert(U256::from_be_bytes(height.0).try_into()?);
    }
    Ok(heights.into_iter().filter(|height| *height > from).collect())
}

/// A validator of alpha is voted out and a fifth node voted in, while packets flow.
async fn set_changes(site: &mut Site, users: &mut [User; 2], ledgers: &mut [Ledger; 2]) -> Result<()> {
    let out = site.networks[0].address(3)?;
    vote(&site.networks[0], out, false).await?;
    burst(site, users, ledgers, 1).await?;
    let fifth = site.networks[0].add_node().await?;
    let joining = site.networks[0].address(fifth)?;
    vote(&site.networks[0], joining, true).await?;
    burst(site, users, ledgers, 1).await?;
    let set = site.networks[0].validators().await?;
    ensure!(set.contains(&joining) && !set.contains(&out), "{set:?}");
    Ok(())
}

async fn vote(network: &Network, validator: alloy::primitives::Address, join: bool) -> Result<()> {
    network.propose(validator, join).await?;
    network.wait_for_membership(validator, join, STALL).await
}

/// The relayer's first node of beta dies, packets go through its second one, and it comes back.
async fn node_restarts(site: &mut Site, users: &mut [User; 2], ledgers: &mut [Ledger; 2]) -> Result<()> {
    site.networks[1].stop_node(0)?;
    let before = acknowledged(site, 1).await?;
    burst(site, users, ledgers, 1).await?;
    let what = "packets of beta to be acknowledged without its first node";
    let due = before + WAVE.len();
    poll::until(what, END_LIMIT, || async { Ok((acknowledged(site, 1).await? >= due).then_some(())) }).await?;
    let relay = site.relay().await?;
    poll::until("the endpoint that is down to be named", END_LIMIT, || async {
        let status = relay.status().await?;
        let beta = status.chains.iter().find(|chain| chain.chain == NAMES[1]).context("no beta")?;
        let down = beta.endpoints.iter().filter(|endpoint| !endpoint.error.is_empty()).count();
        ensure!(down < 2, "one endpoint is down: {beta:?}");
        Ok((down == 1).then_some(()))
    })
    .await?;
    site.networks[1].start_node(0).await
}

/// Packets from chain `index` whose acknowledgement came back.
async fn acknowledged(site: &Site, index: usize) -> Result<usize> {
    let filter = json!([{
        "address": site.contracts[index].router, "fromBlock": "0x0", "toBlock": "latest",
        "topics": [Router::AckPacket::SIGNATURE_HASH],
    }]);
    let logs: Vec<Value> = site.rpc(index)?.call("eth_getLogs", filter).await?;
    Ok(logs.len())
}

/// The relayer is killed in the middle of its work, more than once, and expired packets are sent while it is gone.
async fn relayer_killed(
    site: &mut Site,
    users: &mut [User; 2],
    ledgers: &mut [Ledger; 2],
    relayer: &mut causeway_tests::process::Process,
) -> Result<()> {
    for kill in 0..KILLS {
        let before = acknowledged(site, 0).await?;
        burst(site, users, ledgers, 1).await?;
        // Somewhere between nothing and the last of them being done.
        let progress = rand::rng().random_range(0..WAVE.len());
        let what = format!("{progress} packets to be done before the kill");
        poll::until(&what, END_LIMIT, || async { Ok((acknowledged(site, 0).await? >= before + progress).then_some(())) }).await?;
        relayer.kill()?;
        if kill == 0 {
            send_what_expires(site, users, ledgers).await?;
        }
        *relayer = site.start().await?;
    }
    Ok(())
}
