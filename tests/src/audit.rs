//! How packets must have ended, judged by the chains alone: the routers' events,
//! escrow, balances and counters on both sides; and whether the relayer's journal
//! says the same. It sends nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use alloy::primitives::{Address, B256, Bytes, U256, keccak256};
use alloy::sol_types::SolEvent;
use anyhow::{Context, Result, bail, ensure};
use causeway_evm_contracts::abi::{self, Router};
use causeway_proto::relay::v1::{AckKind, Packet, State};
use serde::Deserialize;
use serde_json::json;

use crate::dapp::{AMOUNT, Kind, RECEIVER, SUPPLY, User, Way, view};
use crate::evm::Rpc;
use crate::site::{NAMES, Site};
use crate::{poll, relay};

/// Longest that a transaction may stay out of a block.
const MINED_LIMIT: Duration = Duration::from_secs(60);

/// Longest that one node of a network may be behind another.
const BLOCKS_LIMIT: Duration = Duration::from_secs(20);

/// What was sent in one direction: transactions in their order.
#[derive(Debug, Default)]
pub struct Ledger {
    sent: Vec<(Kind, B256)>,
}

impl Ledger {
    /// Notes a transaction that sends one packet.
    pub fn note(&mut self, kind: Kind, transaction: B256) {
        self.sent.push((kind, transaction));
    }

    /// How many packets were sent.
    #[must_use]
    pub fn len(&self) -> usize {
        self.sent.len()
    }

    /// Whether nothing was sent.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.sent.is_empty()
    }

    fn count(&self, wanted: impl Fn(Kind) -> bool) -> u64 {
        self.sent.iter().filter(|(kind, _)| wanted(*kind)).count() as u64
    }

    /// Which kind each sequence is; waits until every transaction is in a block.
    ///
    /// # Errors
    /// When one sent no packet.
    pub async fn sequences(&self, rpc: &Rpc) -> Result<BTreeMap<u64, Kind>> {
        let mut kinds = BTreeMap::new();
        for (kind, hash) in &self.sent {
            let receipt = rpc.wait_for_receipt(*hash, MINED_LIMIT).await?;
            let logs: Vec<Log> = serde_json::from_value(receipt["logs"].clone())?;
            let sends = logs.iter().filter(|log| log.is(Router::SendPacket::SIGNATURE_HASH));
            let sequences: Vec<u64> = sends.map(Log::sequence).collect::<Result<_>>()?;
            let [sequence] = sequences.as_slice() else {
                bail!("{kind:?} in {hash} sent {sequences:?}: {receipt}");
            };
            kinds.insert(*sequence, *kind);
        }
        ensure!(kinds.len() == self.sent.len(), "a sequence was used twice");
        Ok(kinds)
    }
}

/// Sends the kinds in turn, noting each.
///
/// # Errors
/// When the node refuses one.
pub async fn send(user: &mut User, way: &Way, kinds: &[Kind], timeout_s: u64, ledger: &mut Ledger) -> Result<()> {
    for kind in kinds {
        let hash = user.packet(way, *kind, timeout_s).await?;
        ledger.note(*kind, hash);
    }
    Ok(())
}

/// The way of packets from chain `index` of a site.
#[must_use]
pub fn way(site: &Site, index: usize) -> Way {
    Way { from: site.contracts[index], client: site.clients[index].clone(), to: site.contracts[1 - index] }
}

/// Checks everything that left chain `index`, where `user` alone has sent.
///
/// # Errors
/// The first thing that is not as it must be.
pub async fn check(site: &Site, index: usize, user: Address, ledger: &Ledger, journal: &[Packet]) -> Result<()> {
    let kinds = ledger.sequences(&site.rpc(index)?).await?;
    check_events(site, index, &kinds).await?;
    check_tokens(site, index, user, ledger).await?;
    check_counters(site, index, ledger).await?;
    check_journal(site, index, &kinds, journal)
}

/// Each packet ended once, as its kind must; each was received at most once.
async fn check_events(site: &Site, index: usize, kinds: &BTreeMap<u64, Kind>) -> Result<()> {
    let (here, there) = (site.rpc(index)?, site.rpc(1 - index)?);
    let (from, to) = (site.contracts[index], site.contracts[1 - index]);
    let client = keccak256(site.clients[index].as_bytes());
    let dest = keccak256(site.clients[1 - index].as_bytes());
    // The relayer may have asked another node of the network, which was a block ahead of this one. What is missing then is told below.
    let ended = || async {
        let acks = events(&here, from.router, Router::AckPacket::SIGNATURE_HASH, client).await?;
        let timeouts = events(&here, from.router, Router::TimeoutPacket::SIGNATURE_HASH, client).await?;
        Ok((acks.len() + timeouts.len() >= kinds.len()).then_some(()))
    };
    drop(poll::until("the node to have every end", BLOCKS_LIMIT, ended).await);
    let sent = events(&here, from.router, Router::SendPacket::SIGNATURE_HASH, client).await?;
    let acks = events(&here, from.router, Router::AckPacket::SIGNATURE_HASH, client).await?;
    let timeouts = events(&here, from.router, Router::TimeoutPacket::SIGNATURE_HASH, client).await?;
    let receipts = Router::WriteAcknowledgement::SIGNATURE_HASH;
    let received = events(&there, to.router, receipts, dest).await?;

    let all: BTreeSet<u64> = kinds.keys().copied().collect();
    ensure!(keys(&sent) == all, "the router of {} sent others", NAMES[index]);
    let due = |wanted: fn(Kind) -> bool| -> BTreeSet<u64> {
        let of = kinds.iter().filter(|(_, kind)| wanted(**kind));
        of.map(|(sequence, _)| *sequence).collect()
    };
    let name = NAMES[index];
    same(&format!("{name}: timed out"), &due(Kind::times_out), &keys(&timeouts))?;
    same(&format!("{name}: acknowledged"), &due(|kind| !kind.times_out()), &keys(&acks))?;
    same(&format!("{name}: received"), &due(|kind| !kind.times_out()), &keys(&received))?;
    let universal_error = alloy::primitives::hex!("4774d4a575993f963b1c06573736617a457abef8589178db8d10c94b4ab511ab");
    for (sequence, log) in &acks {
        let event = Router::AckPacket::decode_raw_log(log.topics.iter().copied(), &log.data)?;
        let is_error = event.acknowledgement.as_ref() == universal_error;
        ensure!(
            kinds.get(sequence).is_some_and(|kind| kind.is_error() == is_error),
            "{name}: packet {sequence}, {:?}, was acknowledged with {}",
            kinds.get(sequence),
            event.acknowledgement
        );
    }
    Ok(())
}

/// Escrow here, vouchers there, and what the user has left.
async fn check_tokens(site: &Site, index: usize, user: Address, ledger: &Ledger) -> Result<()> {
    let (here, there) = (site.rpc(index)?, site.rpc(1 - index)?);
    let (from, to) = (site.contracts[index], site.contracts[1 - index]);
    let moved = U256::from(ledger.count(Kind::moves_tokens) * AMOUNT);
    let name = NAMES[index];

    let escrow = abi::TokenTransfer::escrowedCall { clientId: site.clients[index].clone(), token: from.token };
    let escrow = view(&here, from.transfer, &escrow).await?;
    ensure!(escrow == moved, "{name}: escrow {escrow}, not {moved}");
    let left = balance(&here, from.token, user).await?;
    let expected = U256::from(SUPPLY) - moved;
    ensure!(left == expected, "{name}: the user has {left}, not {expected}");
    let held = balance(&here, from.token, from.transfer).await?;
    ensure!(held == moved, "{name}: the application holds {held}, not {moved}");

    let denom = format!("transfer/{}/{:#x}", site.clients[1 - index], from.token);
    let call = abi::TokenTransfer::voucherOfCall { denom };
    let voucher = view(&there, to.transfer, &call).await?;
    let minted = if voucher.is_zero() {
        U256::ZERO
    } else {
        let supply = view(&there, voucher, &abi::Voucher::totalSupplyCall {}).await?;
        let received = balance(&there, voucher, RECEIVER).await?;
        ensure!(supply == received, "vouchers {supply}, received {received}");
        supply
    };
    ensure!(minted == moved, "{name}: vouchers there {minted}, not {moved}");
    Ok(())
}

/// Callbacks on both sides ran as often as packets ended that way.
async fn check_counters(site: &Site, index: usize, ledger: &Ledger) -> Result<()> {
    let (here, there) = (site.rpc(index)?, site.rpc(1 - index)?);
    let (from, to) = (site.contracts[index], site.contracts[1 - index]);
    let messages = ledger.count(|kind| kind == Kind::Message);
    let refused = ledger.count(|kind| kind == Kind::Refused);
    let poison = ledger.count(|kind| kind == Kind::Poison);
    let found = [
        ("calls made", view(&there, to.echo, &abi::Echo::answersCall {}).await?, messages),
        ("answers", view(&here, from.echo, &abi::Echo::resultsCall {}).await?, messages),
        ("refusals", view(&here, from.echo, &abi::Echo::failuresCall {}).await?, refused),
        ("returned", view(&here, from.raw, &abi::RawSender::returnedCall {}).await?, poison),
    ];
    for (what, found, expected) in found {
        ensure!(found == U256::from(expected), "{}: {what}: {found}, not {expected}", NAMES[index]);
    }
    Ok(())
}

/// The journal holds the same packets with the same endings.
fn check_journal(site: &Site, index: usize, kinds: &BTreeMap<u64, Kind>, journal: &[Packet]) -> Result<()> {
    let mut seen = BTreeSet::new();
    for packet in journal {
        let id = packet.id.clone().context("a packet without id")?;
        if id.chain != NAMES[index] {
            continue;
        }
        let line = relay::describe(packet);
        ensure!(id.client == site.clients[index], "{line}");
        ensure!(seen.insert(id.sequence), "listed twice: {line}");
        let kind = kinds.get(&id.sequence).with_context(|| line.clone())?;
        let (state, ack) = match kind {
            kind if kind.times_out() => (State::TimedOut, AckKind::Unspecified),
            kind if kind.is_error() => (State::Completed, AckKind::Error),
            _ => (State::Completed, AckKind::Success),
        };
        let found = packet.acknowledgement.as_ref().map(|ack| ack.kind());
        // After a crash the acknowledgement may have been seen as done by somebody: ourselves, before it.
        let is_ack = found.unwrap_or_default() == ack || (state == State::Completed && found == Some(AckKind::Unseen));
        ensure!(packet.state() == state && is_ack, "{kind:?} ended as {line}, {found:?}");
    }
    same("journal", &kinds.keys().copied().collect(), &seen)
}

fn same(what: &str, expected: &BTreeSet<u64>, found: &BTreeSet<u64>) -> Result<()> {
    let missing: Vec<_> = expected.difference(found).collect();
    let extra: Vec<_> = found.difference(expected).collect();
    ensure!(missing.is_empty() && extra.is_empty(), "{what}: missing {missing:?}, not due {extra:?}");
    Ok(())
}

fn keys(events: &BTreeMap<u64, Log>) -> BTreeSet<u64> {
    events.keys().copied().collect()
}

/// A router's events of one kind about one client, by sequence; none may come twice.
async fn events(rpc: &Rpc, router: Address, signature: B256, client: B256) -> Result<BTreeMap<u64, Log>> {
    let filter = json!([{
        "address": router, "fromBlock": "0x0", "toBlock": "latest", "topics": [signature, client],
    }]);
    let logs: Vec<Log> = rpc.call("eth_getLogs", filter).await?;
    let mut by_sequence = BTreeMap::new();
    for log in logs {
        let sequence = log.sequence()?;
        ensure!(by_sequence.insert(sequence, log).is_none(), "event {signature} of packet {sequence} came twice");
    }
    Ok(by_sequence)
}

async fn balance(rpc: &Rpc, token: Address, account: Address) -> Result<U256> {
    view(rpc, token, &abi::TestToken::balanceOfCall { account }).await
}

/// An event as a node tells it.
#[derive(Debug, Deserialize)]
struct Log {
    topics: Vec<B256>,
    data: Bytes,
}

impl Log {
    fn is(&self, signature: B256) -> bool {
        self.topics.first() == Some(&signature)
    }

    /// The router's packet events carry the sequence third.
    fn sequence(&self) -> Result<u64> {
        let topic = self.topics.get(2).context("an event without a sequence")?;
        Ok(U256::from_be_bytes(topic.0).try_into()?)
    }
}
