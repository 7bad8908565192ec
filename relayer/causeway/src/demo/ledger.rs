//! What the demo sent, how it ended by the relayer's journal, and whether the chains' balances agree.

use super::plan::{Class, Ending};
use super::report::{Finished, Report};
use super::side::Side;
use super::stage::{self, Stage};
use super::traffic::{AMOUNT, RECEIVER};
use super::view::View;
use crate::exit::{Code, Failure, OrFail};
use crate::relayer::Running;
use alloy::primitives::{Address, U256};
use causeway_engine::env::{Clock, SystemClock};
use causeway_engine::{AckKind, PacketRecord, PacketState, Stage as Reached};
use causeway_evm_contracts::abi;
use causeway_types::{ChainId, ClientId, PacketKey, Sequence};
use std::collections::HashMap;
use std::time::Duration;

/// Time between two looks at the journal.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// Measures how long the demo takes.
#[derive(Debug)]
pub(super) struct Stopwatch {
    started_ms: u64,
}

impl Stopwatch {
    pub(super) fn start() -> Self {
        Self { started_ms: SystemClock.now_ms() }
    }

    pub(super) fn elapsed_ms(&self) -> u64 {
        SystemClock.now_ms().saturating_sub(self.started_ms)
    }
}

/// One packet that was sent.
#[derive(Debug, Clone)]
struct Entry {
    direction: usize,
    class: Class,
    timeout_s: u64,
    key: PacketKey,
}

/// Everything that was sent.
#[derive(Debug)]
pub(super) struct Ledger {
    ends: [(ChainId, ClientId); 2],
    entries: Vec<Entry>,
    sent_by_class: HashMap<Class, usize>,
}

impl Ledger {
    /// An empty ledger of a stage.
    pub(super) async fn open(stage: &Stage) -> Result<Self, Failure> {
        let [a, b] = stage.both();
        let end = |side: &Side| -> Result<(ChainId, ClientId), Failure> {
            Ok((ChainId::new(&side.name).or_fail(Code::Failed)?, ClientId::new(&side.client).or_fail(Code::Failed)?))
        };
        Ok(Self { ends: [end(a)?, end(b)?], entries: Vec::new(), sent_by_class: HashMap::new() })
    }

    /// How many packets were sent.
    pub(super) fn sent(&self) -> usize {
        self.entries.len()
    }

    /// The direction of the next packet of a class: in turn.
    pub(super) fn next_direction(&mut self, class: Class) -> usize {
        let count = self.sent_by_class.entry(class).or_default();
        *count += 1;
        (*count - 1) % 2
    }

    /// Notes a packet.
    pub(super) fn note(&mut self, direction: usize, class: Class, timeout_s: u64, sequence: u64) {
        let (chain, client) = self.ends[direction].clone();
        if let Ok(sequence) = Sequence::new(sequence) {
            self.entries.push(Entry { direction, class, timeout_s, key: PacketKey { chain, end: client.into(), sequence } });
        }
    }

    /// Sequences of a class in a direction.
    pub(super) fn sequences(&self, direction: usize, class: Class) -> Vec<u64> {
        let of = |entry: &&Entry| entry.direction == direction && entry.class == class;
        self.entries.iter().filter(of).map(|entry| entry.key.sequence.get()).collect()
    }

    /// The last timeout of a class, unix seconds.
    pub(super) fn latest_timeout_s(&self, class: Class) -> u64 {
        self.entries.iter().filter(|entry| entry.class == class).map(|entry| entry.timeout_s).max().unwrap_or_default()
    }

    /// Waits until the journal has an ending for every packet, or the deadline passes; what is left then is lost.
    pub(super) async fn wait_for_endings(&self, running: &Running, view: &View, deadline: Duration) -> Result<(), Failure> {
        let wait = async {
            let mut open: Vec<&PacketKey> = self.entries.iter().map(|entry| &entry.key).collect();
            while !open.is_empty() {
                view.show(&running.engine.status());
                let mut still = Vec::new();
                for key in open {
                    let ended = running.engine.packet(key).await.is_ok_and(|record| record.state.kind().is_final());
                    if !ended {
                        still.push(key);
                    }
                }
                open = still;
                tokio::select! {
                    () = tokio::time::sleep(LOOK_EVERY) => {}
                    reason = running.engine.stopped() => return Err(Failure::new(Code::Store, reason)),
                }
            }
            Ok(())
        };
        tokio::time::timeout(deadline, wait).await.unwrap_or(Ok(()))
    }

    /// What became of everything.
    pub(super) async fn report(&self, stage: &Stage, running: &Running, elapsed_ms: u64) -> Result<Report, Failure> {
        let mut packets = Vec::with_capacity(self.entries.len());
        for entry in &self.entries {
            let record = running.engine.packet(&entry.key).await.ok();
            packets.push(finished(entry, record.as_ref()));
        }
        let imbalances = self.imbalances(stage, &packets).await?;
        Ok(Report { packets, imbalances, elapsed_ms })
    }

    /// Compares tokens, escrow, vouchers and counters on both chains with what the endings demand.
    async fn imbalances(&self, stage: &Stage, packets: &[Finished]) -> Result<Vec<String>, Failure> {
        let mut wrong = Vec::new();
        for (direction, (from, to)) in [(0, pair(stage, 0)), (1, pair(stage, 1))] {
            let moved = |wanted: fn(Ending) -> bool| {
                let of = |(entry, packet): &(&Entry, &Finished)| {
                    entry.direction == direction && is_transfer(entry.class) && wanted(packet.ending)
                };
                U256::from(self.entries.iter().zip(packets).filter(of).count() as u64 * AMOUNT)
            };
            let arrived = moved(|ending| matches!(ending, Ending::Completed | Ending::AlreadyDelivered));
            let mut check = |what: &str, expected: U256, found: U256| {
                if expected != found {
                    wrong.push(format!("{what}, {} to {}: expected {expected}, found {found}", from.name, to.name));
                }
            };
            let client = from.client.clone();
            let escrow =
                from.dapp.view(from.at.transfer, &abi::TokenTransfer::escrowedCall { clientId: client, token: from.at.token }).await?;
            check("escrow", arrived, escrow);
            check("user's tokens", stage::minted().saturating_sub(arrived), balance(from, from.at.token, from.dapp.user()).await?);
            let voucher = match stage::voucher(to, from).await? {
                Some(voucher) => balance(to, voucher, RECEIVER).await?,
                None => U256::ZERO,
            };
            check("receiver's vouchers", arrived, voucher);
            let answered = self.count(direction, packets, Class::Message, Ending::Completed);
            check("answers to messages", answered, from.dapp.view(from.at.echo, &abi::Echo::resultsCall {}).await?);
            let refused = self.count(direction, packets, Class::Reverting, Ending::ErrorAcked);
            check("refusals of messages", refused, from.dapp.view(from.at.echo, &abi::Echo::failuresCall {}).await?);
            let returned = self.count(direction, packets, Class::Poison, Ending::Dead);
            check("returned poison", returned, from.dapp.view(from.at.raw, &abi::RawSender::returnedCall {}).await?);
            check("calls executed", answered, to.dapp.view(to.at.echo, &abi::Echo::answersCall {}).await?);
        }
        Ok(wrong)
    }

    fn count(&self, direction: usize, packets: &[Finished], class: Class, ending: Ending) -> U256 {
        let of = |(entry, packet): &(&Entry, &Finished)| entry.direction == direction && entry.class == class && packet.ending == ending;
        U256::from(self.entries.iter().zip(packets).filter(of).count())
    }
}

fn pair(stage: &Stage, direction: usize) -> (&Side, &Side) {
    let [a, b] = stage.both();
    if direction == 0 { (a, b) } else { (b, a) }
}

fn is_transfer(class: Class) -> bool {
    matches!(class, Class::Transfer | Class::Expired | Class::Rival)
}

async fn balance(side: &Side, token: Address, account: Address) -> Result<U256, Failure> {
    side.dapp.view(token, &abi::TestToken::balanceOfCall { account }).await
}

fn finished(entry: &Entry, record: Option<&PacketRecord>) -> Finished {
    let latency_ms = record.map_or(0, |record| {
        let reached = |stage| record.time(stage).unwrap_or_default();
        reached(Reached::Finished).saturating_sub(reached(Reached::Observed))
    });
    let recv_gas = record.and_then(|record| record.costs.iter().find(|cost| cost.action == "receive").map(|cost| cost.gas));
    Finished { class: entry.class, ending: record.map_or(Ending::Lost, ending), latency_ms, recv_gas }
}

/// How a packet ended by its record.
fn ending(record: &PacketRecord) -> Ending {
    let ours = record.costs.iter().any(|cost| cost.action == "receive");
    match &record.state {
        PacketState::Completed { ack: AckKind::Error, .. } => Ending::ErrorAcked,
        PacketState::Completed { .. } if ours => Ending::Completed,
        PacketState::Completed { .. } => Ending::AlreadyDelivered,
        PacketState::TimedOut { .. } if record.refused.is_some() => Ending::Dead,
        PacketState::TimedOut { .. } => Ending::TimedOut,
        _ => Ending::Lost,
    }
}
