//! Transactions on their way, and what becomes of them.

use super::{Item, Submitter, tx_ids};
use crate::journal::{Op, codec, keys, wire};
use crate::metrics;
use crate::packet::Action;
use crate::packet::transition::{Landed, When};
use crate::shared::BatchEnd;
use causeway_adapter::{AdapterError, BuildRequest, FeePolicy, Message, MessageResult, Outcome, SignedTx, Slot, SlotOrdering};
use causeway_store::{StoreError, Tree, Write};
use causeway_types::{Height, PacketKey, TxId};
use prost::Message as _;
use std::sync::atomic::Ordering;
use tokio::sync::oneshot;

/// A transaction that may land, in all its versions.
#[derive(Debug)]
pub(crate) struct Flight {
    /// Oldest first; never empty.
    pub(super) attempts: Vec<SignedTx>,
    pub(super) items: Vec<Item>,
    pub(super) created_ms: u64,
    pub(super) broadcast_ms: u64,
    /// When the newest attempt was made.
    attempted_ms: u64,
    /// What a replacement is built from, and the price it must beat.
    pub(super) request: Option<(BuildRequest, u128)>,
    pub(super) done: Option<oneshot::Sender<BatchEnd>>,
    name: TxId,
    slot: Slot,
}

/// A transaction in a final block.
pub(super) struct Inclusion {
    tx: TxId,
    height: Height,
    gas_used: u64,
    fee: u128,
    results: Vec<MessageResult>,
}

/// What is known of a transaction now.
pub(super) enum Fate {
    /// No verdict yet.
    Waits {
        /// An endpoint has it, or there is no telling that none has.
        known: bool,
        /// Why a version of it was not answered for.
        silent: Option<AdapterError>,
    },
    /// It is in a final block.
    Landed(Inclusion),
    /// It can never be.
    Never,
}

impl Flight {
    pub(super) fn new(tx: SignedTx, items: Vec<Item>, now_ms: u64) -> Self {
        let (name, slot) = (tx.tx_id.clone(), tx.slot.clone());
        Self { attempts: vec![tx], items, created_ms: now_ms, broadcast_ms: 0, attempted_ms: now_ms, request: None, done: None, name, slot }
    }

    pub(super) fn remember(&mut self, request: BuildRequest, price: u128) {
        self.request = Some((request, price));
    }

    /// Id of its first version: its name in the journal.
    pub(super) fn name(&self) -> &TxId {
        &self.name
    }

    pub(super) fn slot(&self) -> &Slot {
        &self.slot
    }

    /// The height at which what it carries of a packet sent elsewhere was proven.
    pub(super) fn proven_at(&self, key: &PacketKey) -> Option<Height> {
        let (request, _) = self.request.as_ref()?;
        request.messages.iter().find_map(|message| match message {
            Message::Receive { packet, proof: (group, _) } if packet.source() == key.end && packet.sequence() == key.sequence => {
                request.proofs.get(*group).map(|group| group.evidence.height)
            }
            _ => None,
        })
    }

    /// Where it stands among the transactions of its key: by slot, then age.
    pub(super) fn place(&self) -> (Option<u64>, u64) {
        (self.number(), self.created_ms)
    }

    pub(super) fn number(&self) -> Option<u64> {
        if let Slot::Number(number) = self.slot { Some(number) } else { None }
    }
}

/// A flight from the journal, and the key that pays for it.
pub(super) fn read(bytes: &[u8], fees: &FeePolicy) -> Result<(String, Flight), codec::Damaged> {
    let row: wire::TransactionRow = codec::decode(bytes)?;
    let item = |row: &wire::ItemRow| -> Result<Item, codec::Damaged> {
        let Some(key) = codec::item_key(row)? else { return Ok(None) };
        let action = Action::parse(&row.action).ok_or_else(|| codec::Damaged(format!("action {}", row.action)))?;
        Ok(Some((key, action)))
    };
    let items = row.items.iter().map(item).collect::<Result<_, _>>()?;
    let mut attempts = row.attempts.into_iter().map(codec::signed).collect::<Result<Vec<_>, _>>()?.into_iter();
    let first = attempts.next().ok_or_else(|| codec::Damaged("no transaction".into()))?;
    let mut flight = Flight::new(first, items, row.created_ms);
    flight.attempts.extend(attempts);
    flight.request = row.request.map(|request| codec::request(request, &row.signer, fees)).transpose()?;
    Ok((row.signer, flight))
}

impl Submitter {
    /// Looks up what became of everything on its way.
    pub(super) async fn follow(&mut self) -> Result<(), StoreError> {
        let fates = futures::future::join_all(self.flights.iter().map(|flight| self.fate(flight))).await;
        let lowest = self.flights.iter().filter_map(Flight::number).min();
        let flights = std::mem::take(&mut self.flights);
        let mut waiting = Vec::new();
        for (mut flight, fate) in flights.into_iter().zip(fates) {
            match fate {
                Fate::Waits { known, .. } => {
                    if let Err(error) = self.nudge(&mut flight, known, lowest).await {
                        self.flights.append(&mut waiting);
                        return Err(error);
                    }
                    waiting.push(flight);
                }
                Fate::Landed(inclusion) => self.landed(flight, inclusion).await?,
                Fate::Never => self.never(flight).await?,
            }
        }
        self.flights = waiting;
        Ok(())
    }

    pub(super) async fn fate(&self, flight: &Flight) -> Fate {
        let (mut known, mut impossible, mut silent) = (false, true, None);
        for tx in flight.attempts.iter().rev() {
            match self.chain.call("outcome", self.chain.adapter().outcome(tx)).await {
                Ok(Outcome::Included { height, gas_used, fee, results }) => {
                    return Fate::Landed(Inclusion { tx: tx.tx_id.clone(), height, gas_used, fee, results });
                }
                Ok(Outcome::Impossible(_)) => {}
                Ok(Outcome::Pending) => (known, impossible) = (true, false),
                Ok(Outcome::Unknown) => impossible = false,
                Err(error) => (known, impossible, silent) = (true, false, Some(error)),
            }
        }
        if impossible { Fate::Never } else { Fate::Waits { known, silent } }
    }

    /// Broadcasts again what the chain does not know; replaces what it does not take.
    async fn nudge(&mut self, flight: &mut Flight, known: bool, lowest: Option<u64>) -> Result<(), StoreError> {
        let now_ms = self.chain.now_ms();
        let batching = self.shared.config.batching;
        let replaceable = self.chain.description.slot_ordering == SlotOrdering::SequentialReplaceable;
        // Only the lowest slot can be what everything waits for.
        let first = lowest == flight.number();
        // Each version waits twice as long as the one before, so that neither their number nor their price runs away.
        let versions = u32::try_from(flight.attempts.len().saturating_sub(1)).unwrap_or(u32::MAX).min(10);
        let patience_ms = batching.stuck_ms.saturating_mul(1 << versions);
        if replaceable && first && now_ms.saturating_sub(flight.attempted_ms) >= patience_ms {
            return self.replace(flight).await;
        }
        // An endpoint that calls it pending for ever is not believed for ever.
        let silence_ms = if known { batching.stuck_ms.max(batching.rebroadcast_ms) } else { batching.rebroadcast_ms };
        if now_ms.saturating_sub(flight.broadcast_ms) >= silence_ms {
            self.broadcast(flight).await;
        }
        Ok(())
    }

    /// A slot before all of ours is free (a false outcome, a pool that forgot), so that none of them can land. The next transaction takes it;
    /// seen twice, the messages of the lowest one are sent in it as well: whichever comes second changes nothing.
    pub(super) async fn close_gap(&mut self, next: u64) -> Result<(), StoreError> {
        let lowest = self.flights.iter().filter(|flight| flight.number().is_some()).min_by_key(|flight| flight.number());
        let lowest_number = lowest.and_then(Flight::number);
        if lowest_number.is_some_and(|number| number <= next) {
            self.gap = None;
            return Ok(());
        }
        self.next = None;
        if self.gap.replace(next) != Some(next) {
            return Ok(());
        }
        let Some((lowest, (mut request, _))) = lowest.and_then(|lowest| Some((lowest, lowest.request.clone()?))) else { return Ok(()) };
        request.slot = Slot::Number(next);
        let items = lowest.items.clone();
        let Ok(built) = self.chain.call("build", self.chain.adapter().build(request.clone())).await else { return Ok(()) };
        if built.included.len() != request.messages.len() {
            return Ok(());
        }
        let Ok(signed) = self.chain.call("sign", self.chain.adapter().sign(&self.signer, &built)).await else { return Ok(()) };
        let mut flight = Flight::new(signed, items, self.chain.now_ms());
        flight.remember(request, built.gas_price);
        let ops = self.journal_flight(&flight);
        self.shared.journal.commit(ops).await?;
        self.load.fetch_add(1, Ordering::Relaxed);
        self.broadcast(&mut flight).await;
        self.flights.push(flight);
        Ok(())
    }

    /// A transaction that no pool took, once more at the price that the chain asked for. It has the slot of the one refused, so that whatever a
    /// pool elsewhere does, one of the two lands.
    pub(super) async fn outbid(&mut self, flight: &mut Flight) -> Result<(), StoreError> {
        let Some((request, price)) = flight.request.clone().filter(|_| flight.number().is_some()) else { return Ok(()) };
        // Simulated once more, so that its gas is not that of a blind guess.
        let asked = BuildRequest { simulate: true, ..request.clone() };
        let built = match self.chain.call("build", self.chain.adapter().build(asked)).await {
            Ok(built) if built.included.len() == request.messages.len() && built.gas_price >= price => built,
            Ok(_) => return Ok(()),
            Err(error) => {
                self.chain.seen().wallets.entry(self.signer.clone()).or_default().blocked = Some(error.to_string());
                return Ok(());
            }
        };
        let Ok(signed) = self.chain.call("sign", self.chain.adapter().sign(&self.signer, &built)).await else { return Ok(()) };
        metrics::transaction(self.chain.id(), "replaced");
        flight.attempts.push(signed);
        flight.request = Some((request, built.gas_price));
        let ops = self.journal_flight(flight);
        self.shared.journal.commit(ops).await?;
        if !self.broadcast(flight).await {
            self.chain.seen().wallets.entry(self.signer.clone()).or_default().blocked = None;
        }
        Ok(())
    }

    /// The same messages in the same slot at a higher price. Both versions may land, one will.
    async fn replace(&mut self, flight: &mut Flight) -> Result<(), StoreError> {
        flight.attempted_ms = self.chain.now_ms();
        let Some((mut request, price)) = flight.request.clone() else {
            self.broadcast(flight).await;
            return Ok(());
        };
        request.fees.replaces_price = Some(price);
        let built = match self.chain.call("build", self.chain.adapter().build(request.clone())).await {
            Ok(built) if built.included.len() == request.messages.len() && built.gas_price > price => built,
            Ok(_) | Err(_) => {
                self.broadcast(flight).await;
                return Ok(());
            }
        };
        let Ok(signed) = self.chain.call("sign", self.chain.adapter().sign(&self.signer, &built)).await else { return Ok(()) };
        metrics::transaction(self.chain.id(), "replaced");
        flight.attempts.push(signed);
        flight.request = Some((request, built.gas_price));
        let ops = self.journal_flight(flight);
        self.shared.journal.commit(ops).await?;
        self.broadcast(flight).await;
        Ok(())
    }

    pub(super) async fn landed(&mut self, flight: Flight, inclusion: Inclusion) -> Result<(), StoreError> {
        let Inclusion { tx, height, gas_used, fee, mut results } = inclusion;
        if results.len() != flight.items.len() {
            tracing::warn!(chain = %self.chain.id(), %tx, expected = flight.items.len(), found = results.len(), "outcome with a wrong number of results");
            results.resize(flight.items.len(), MessageResult::NotExecuted);
        }
        let packets = u32::try_from(flight.items.iter().flatten().count()).unwrap_or(u32::MAX);
        let failed = results.iter().any(|result| matches!(result, MessageResult::Failed(_) | MessageResult::NotExecuted));
        metrics::transaction(self.chain.id(), if failed { "included-with-failures" } else { "included" });
        metrics::gas(self.chain.id(), gas_used);
        let when = self.when();
        // A named failure explains why the others were not executed: they need not be narrowed down.
        let named = results.iter().any(|result| matches!(result, MessageResult::Failed(_)));
        let mut ops = Vec::new();
        for (index, (item, result)) in flight.items.iter().zip(&results).enumerate() {
            let Some((key, action)) = item else { continue };
            if *result == MessageResult::Noop {
                metrics::redundant(self.chain.id(), "included");
                self.chain.note_rival();
            }
            let landed = Landed {
                chain: self.chain.id().clone(),
                tx: tx.clone(),
                height,
                index: u32::try_from(index).unwrap_or(u32::MAX),
                gas: gas_used / u64::from(packets.max(1)),
                fee: fee / u128::from(packets.max(1)),
                packets,
            };
            ops.push(result_op(key.clone(), (*action, result.clone(), named), landed, when));
        }
        ops.push(self.spend(fee));
        self.forget(flight, ops, BatchEnd::Landed(results)).await
    }

    fn spend(&self, fee: u128) -> Op {
        let today = self.chain.now_s() / 86_400;
        let mut seen = self.chain.seen();
        let spent = if seen.spent.0 == today { seen.spent.1.saturating_add(fee) } else { fee };
        seen.spent = (today, spent);
        let row = wire::SpendRow { day: today, spent: spent.to_be_bytes().to_vec() };
        Op::Write(Write::Put(Tree::Meta, keys::spend(self.chain.id()), row.encode_to_vec()))
    }

    /// It can never land: its packets are free again, and the account is read anew.
    pub(super) async fn never(&mut self, flight: Flight) -> Result<(), StoreError> {
        metrics::transaction(self.chain.id(), "impossible");
        self.next = None;
        self.free(flight, "its slot was used by another transaction, or its time is over").await
    }

    /// Ends a transaction without a result: the facts decide what is next for its packets.
    pub(super) async fn free(&mut self, flight: Flight, why: &str) -> Result<(), StoreError> {
        let ids = tx_ids(&flight.attempts);
        let mut ops = Vec::new();
        for (key, _) in flight.items.iter().flatten() {
            let ids = ids.clone();
            ops.push(Op::change(key.clone(), move |record| ids.iter().for_each(|id| record.released(id))));
        }
        self.forget(flight, ops, BatchEnd::NotSent(why.to_owned())).await
    }

    /// Takes a transaction out of the journal together with what it led to.
    async fn forget(&mut self, mut flight: Flight, mut ops: Vec<Op>, end: BatchEnd) -> Result<(), StoreError> {
        ops.push(Op::Write(Write::Delete(Tree::Hot, keys::transaction(self.chain.id(), &self.signer, flight.name()))));
        self.shared.journal.commit(ops).await?;
        self.load.fetch_sub(1, Ordering::Relaxed);
        if let Some(done) = flight.done.take() {
            // A worker that no longer waits has no use for the answer.
            let _gone = done.send(end);
        }
        Ok(())
    }
}

fn result_op(key: causeway_types::PacketKey, (action, result, named): (Action, MessageResult, bool), landed: Landed, when: When) -> Op {
    Op::change(key, move |record| {
        if named && result == MessageResult::NotExecuted {
            record.released(&landed.tx);
        } else {
            record.landed(action, &result, &landed, when);
        }
    })
}
