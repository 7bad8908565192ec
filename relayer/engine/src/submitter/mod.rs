//! The submitter of one (chain, key): gives out slots, journals every transaction before its broadcast, follows it to its outcome.
//!
//! **Invariants.** A slot and every transaction id in it, with the raw bytes, are durable before a broadcast. After a crash the outcome is
//! looked up; an unknown transaction is broadcast again with the same bytes; only one that can never land frees its packets. Of a key that
//! is no longer configured, transactions are looked up only, and one without a verdict is given up in the end ([`Retired`]).
//!
//! What it is not: it proves nothing and chooses no packet; workers do.

mod flight;
mod inherited;
mod retired;

use crate::chain::Chain;
use crate::journal::{Op, codec, keys, wire};
use crate::metrics;
use crate::packet::transition::When;
use crate::packet::{Action, TxRef};
use crate::shared::{Batch, BatchEnd, Shared};
use causeway_adapter::{AdapterError, BuildRequest, Built, Message, RejectReason, Rejected, SignedTx, Slot, SlotOrdering};
use causeway_store::{StoreError, Tree, Write};
use causeway_types::{PacketKey, TxId};
pub(crate) use flight::Flight;
pub(crate) use inherited::Inherited;
use prost::Message as _;
pub(crate) use retired::Retired;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// Blocks for which an unordered transaction stays valid.
const EXPIRY_BLOCKS: u64 = 20;

/// What a submitter and those who hand batches to it share.
pub(crate) type Mailbox = (mpsc::Receiver<Batch>, Arc<AtomicUsize>, CancellationToken);

/// What a message of a transaction is about.
type Item = Option<(PacketKey, Action)>;

pub(crate) struct Submitter {
    shared: Arc<Shared>,
    chain: Arc<Chain>,
    signer: String,
    inbox: mpsc::Receiver<Batch>,
    load: Arc<AtomicUsize>,
    /// Cancelled once everything that an earlier process had sent has ended.
    settled: CancellationToken,
    inherited: BTreeSet<TxId>,
    /// By slot, then age.
    flights: Vec<Flight>,
    next: Option<u64>,
    account_seen_ms: u64,
    /// A free slot before all of ours, as last seen.
    gap: Option<u64>,
}

enum BuildFailure {
    Adapter(AdapterError),
    SpendCap { spent: u128, cap: u128 },
}

impl std::fmt::Display for BuildFailure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Adapter(error) => error.fmt(f),
            Self::SpendCap { spent, cap } => {
                write!(f, "spent {spent} today, the cap is {cap}; it goes on at midnight UTC, or with a higher spend_cap_per_day")
            }
        }
    }
}

impl From<AdapterError> for BuildFailure {
    fn from(error: AdapterError) -> Self {
        Self::Adapter(error)
    }
}

impl Submitter {
    /// `left`: what an earlier process had sent with the key.
    pub(crate) fn new(shared: Arc<Shared>, chain: Arc<Chain>, signer: String, (inbox, load, settled): Mailbox, left: Vec<Flight>) -> Self {
        load.fetch_add(left.len(), Ordering::Relaxed);
        let inherited = left.iter().map(|flight| flight.name().clone()).collect();
        Self { shared, chain, signer, inbox, load, settled, inherited, flights: left, next: None, account_seen_ms: 0, gap: None }
    }

    pub(crate) async fn run(mut self) {
        // Outcomes of what was left are looked up before anything else is sent.
        if let Err(error) = self.follow().await {
            tracing::error!(chain = %self.chain.id(), signer = %self.signer, %error, "submitter stops");
            return;
        }
        let mut head = self.chain.head.subscribe();
        let shared = Arc::clone(&self.shared);
        loop {
            self.inherited.retain(|name| self.flights.iter().any(|flight| flight.name() == name));
            if self.inherited.is_empty() {
                self.settled.cancel();
            }
            let room = self.flights.len() < self.in_flight_max();
            let draining = shared.drain.is_cancelled();
            if draining && self.flights.is_empty() && self.inbox.is_empty() {
                return;
            }
            let follow = !self.flights.is_empty();
            let tick = match self.account_seen_ms {
                // Who asks for the wallets need not wait for the first tick.
                0 if !draining => std::time::Duration::ZERO,
                _ if follow || draining => self.chain.poll_interval(),
                _ => std::time::Duration::from_secs(15),
            };
            let result = tokio::select! {
                biased;
                () = shared.stop.cancelled() => return,
                // Not only at the next tick, which is far away where nothing is in flight.
                () = shared.drain.cancelled(), if !draining => Ok(()),
                Some(batch) = self.inbox.recv(), if room => self.submit(batch).await,
                Ok(()) = head.changed(), if follow => self.follow().await,
                () = shared.env.clock.sleep(tick) => self.tick().await,
            };
            self.chain.seen().wallets.entry(self.signer.clone()).or_default().in_flight = self.flights.len();
            if result.is_err() {
                return;
            }
        }
    }

    fn in_flight_max(&self) -> usize {
        let batching = self.shared.config.batching;
        match self.chain.description.slot_ordering {
            SlotOrdering::SequentialReplaceable => batching.in_flight_max.min(batching.in_flight_replaceable_max),
            _ => batching.in_flight_max,
        }
    }

    async fn tick(&mut self) -> Result<(), StoreError> {
        let now_ms = self.chain.now_ms();
        if now_ms.saturating_sub(self.account_seen_ms) > 15_000 {
            self.account_seen_ms = now_ms;
            // A failure is counted by the call.
            if let Ok(Some(next)) = self.account().await {
                self.close_gap(next).await?;
            }
        }
        self.follow().await
    }

    /// Reads the account: slot, balance.
    async fn account(&self) -> Result<Option<u64>, AdapterError> {
        let account = self.chain.call("account", self.chain.adapter().account(&self.signer)).await?;
        metrics::balance(self.chain.id(), &self.signer, account.balance);
        let mut seen = self.chain.seen();
        let wallet = seen.wallets.entry(self.signer.clone()).or_default();
        wallet.balance = Some(account.balance);
        wallet.address = account.address;
        Ok(account.next_slot)
    }

    async fn slot(&mut self) -> Result<Slot, AdapterError> {
        if self.chain.description.slot_ordering == SlotOrdering::RandomWithExpiry {
            let head = match self.chain.head_height() {
                Some(height) => height,
                None => self.chain.call("status", self.chain.adapter().status()).await?.head.height,
            };
            return Ok(Slot::Expiry(head.plus(EXPIRY_BLOCKS)));
        }
        let mut next = match self.next {
            Some(next) => next,
            None => self.account().await?.unwrap_or(0),
        };
        // The lowest slot that nothing of ours is in: a gap would hold up everything after it.
        let taken: BTreeSet<u64> = self.flights.iter().filter_map(Flight::number).collect();
        while taken.contains(&next) {
            next = next.saturating_add(1);
        }
        Ok(Slot::Number(next))
    }

    fn when(&self) -> When {
        When { now_ms: self.chain.now_ms(), backoff: self.chain.backoff() }
    }

    async fn submit(&mut self, batch: Batch) -> Result<(), StoreError> {
        let built = self.build(&batch).await;
        let blocked = built.as_ref().err().map(ToString::to_string);
        self.chain.seen().wallets.entry(self.signer.clone()).or_default().blocked.clone_from(&blocked);
        let (request, built) = match built {
            Ok(built) => built,
            Err(error) => return self.refuse(batch, &error.to_string()).await,
        };
        let mut ops = self.rejections(&batch, &built);
        let sends_packet = built.included.iter().any(|index| matches!(batch.items.get(*index), Some(Some(_))));
        let has_packets = batch.items.iter().any(Option::is_some);
        let no_room = built.rejected.iter().any(|rejected| rejected.reason == RejectReason::NoRoom);
        if built.included.is_empty() || (has_packets && !sends_packet && !no_room) {
            self.shared.journal.commit(ops).await?;
            let needless = !built.rejected.is_empty() && built.rejected.iter().all(|rejected| rejected.reason == RejectReason::AlreadyDone);
            let why = built.rejected.first().map_or_else(String::new, |rejected| format!("{:?}", rejected.reason));
            self.end(batch, if needless { BatchEnd::Needless } else { BatchEnd::NotSent(why) });
            return Ok(());
        }
        let signed = match self.chain.call("sign", self.chain.adapter().sign(&self.signer, &built)).await {
            Ok(signed) => signed,
            Err(error) => return self.refuse(batch, &error.to_string()).await,
        };
        let items: Vec<Item> = built.included.iter().map(|index| batch.items.get(*index).cloned().flatten()).collect();
        let now_ms = self.chain.now_ms();
        let mut flight = Flight::new(signed, items, now_ms);
        flight.remember(only_included(request, &built), built.gas_price);
        ops.extend(self.journal_flight(&flight));
        self.shared.journal.commit(ops).await?;
        if let Slot::Number(number) = flight.slot() {
            self.next = Some(number.saturating_add(1));
        }
        let Batch { done, busy, .. } = batch;
        drop(busy);
        flight.done = done;
        if self.broadcast(&mut flight).await {
            self.outbid(&mut flight).await?;
        }
        self.flights.push(flight);
        Ok(())
    }

    /// Slot and simulation; a slot that does not fit is read anew, once.
    async fn build(&mut self, batch: &Batch) -> Result<(BuildRequest, Built), BuildFailure> {
        if let Some(cap) = self.chain.spec.spend_cap_per_day {
            let spent = self.chain.spent_today();
            if spent >= cap {
                return Err(BuildFailure::SpendCap { spent, cap });
            }
        }
        let mut again = true;
        loop {
            let request = BuildRequest {
                signer: self.signer.clone(),
                messages: batch.messages.clone(),
                proofs: batch.proofs.clone(),
                slot: self.slot().await?,
                fees: self.chain.spec.fees.clone(),
                simulate: true,
            };
            match self.chain.call("build", self.chain.adapter().build(request.clone())).await {
                Ok(built) => return Ok((request, built)),
                Err(AdapterError::SlotMismatch { .. }) if again => {
                    self.next = None;
                    again = false;
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Nothing was sent: every packet waits for the next try.
    async fn refuse(&mut self, batch: Batch, reason: &str) -> Result<(), StoreError> {
        tracing::debug!(chain = %self.chain.id(), signer = %self.signer, reason, "not sent");
        self.next = None;
        let when = self.when();
        let ops = batch.items.iter().flatten().map(|(key, _)| {
            let reason = reason.to_owned();
            Op::change(key.clone(), move |record| record.park(&reason, when))
        });
        self.shared.journal.commit(ops.collect()).await?;
        self.end(batch, BatchEnd::NotSent(reason.to_owned()));
        Ok(())
    }

    fn end(&self, batch: Batch, end: BatchEnd) {
        self.load.fetch_sub(1, Ordering::Relaxed);
        if let Some(done) = batch.done {
            // A worker that no longer waits has no use for the answer.
            let _gone = done.send(end);
        }
    }

    fn rejections(&self, batch: &Batch, built: &Built) -> Vec<Op> {
        let when = self.when();
        let alone = batch.items.iter().flatten().count() == 1 && batch.messages.len() == 1;
        let mut ops = Vec::new();
        for Rejected { index, reason } in &built.rejected {
            if *reason == RejectReason::AlreadyDone {
                metrics::redundant(self.chain.id(), "before");
            }
            let Some(Some((key, action))) = batch.items.get(*index) else {
                let benign = matches!(reason, RejectReason::AlreadyDone | RejectReason::NoRoom);
                let update = batch.messages.get(*index).is_some_and(|message| matches!(message, Message::UpdateClient { .. }));
                if !benign && update {
                    tracing::warn!(chain = %self.chain.id(), ?reason, "client update left out");
                }
                continue;
            };
            if *reason == RejectReason::AlreadyDone {
                self.chain.note_rival();
            }
            let too_large = alone && *reason == RejectReason::NoRoom;
            let reason = if too_large { RejectReason::Refused("too large for a transaction of the chain".into()) } else { reason.clone() };
            let action = *action;
            ops.push(Op::change(key.clone(), move |record| record.rejected(action, &reason, when)));
        }
        ops
    }

    /// The rows that must be durable before a transaction is broadcast.
    fn journal_flight(&self, flight: &Flight) -> Vec<Op> {
        let now_ms = self.chain.now_ms();
        let reference = TxRef {
            chain: self.chain.id().clone(),
            signer: self.signer.clone(),
            slot: flight.slot().clone(),
            tx_ids: flight.attempts.iter().map(|tx| tx.tx_id.clone()).collect(),
        };
        let mut ops: Vec<Op> = Vec::new();
        for (key, action) in flight.items.iter().flatten() {
            let (action, reference, at) = (*action, reference.clone(), flight.proven_at(key));
            ops.push(Op::change(key.clone(), move |record| record.submitted(action, reference, at, now_ms)));
        }
        ops.push(Op::Write(Write::Put(Tree::Hot, self.flight_key(flight), self.flight_row(flight).encode_to_vec())));
        ops
    }

    fn flight_key(&self, flight: &Flight) -> Vec<u8> {
        keys::transaction(self.chain.id(), &self.signer, flight.name())
    }

    fn flight_row(&self, flight: &Flight) -> wire::TransactionRow {
        let item = |item: &Item| match item {
            None => wire::ItemRow::default(),
            Some((key, action)) => wire::ItemRow {
                chain: key.chain.as_str().to_owned(),
                end: key.end.to_string(),
                sequence: key.sequence.get(),
                action: action.as_str().to_owned(),
            },
        };
        let numbered = flight.number().is_some();
        let request = flight.request.as_ref().filter(|_| numbered).and_then(|(request, price)| codec::request_row(request, *price));
        wire::TransactionRow {
            chain: self.chain.id().as_str().to_owned(),
            signer: self.signer.clone(),
            attempts: flight.attempts.iter().map(codec::signed_row).collect(),
            items: flight.items.iter().map(item).collect(),
            created_ms: flight.created_ms,
            request,
        }
    }

    /// Whether the chain asks for a higher price.
    async fn broadcast(&self, flight: &mut Flight) -> bool {
        let Some(tx) = flight.attempts.last() else { return false };
        flight.broadcast_ms = self.chain.now_ms();
        let blocked = |reason: &str| self.chain.seen().wallets.entry(self.signer.clone()).or_default().blocked = Some(reason.to_owned());
        match self.chain.call("broadcast", self.chain.adapter().broadcast(tx)).await {
            Ok(causeway_adapter::BroadcastResult::Underpriced { reason }) => {
                metrics::transaction(self.chain.id(), "broadcast-refused");
                blocked(&reason);
                tracing::warn!(chain = %self.chain.id(), tx = %tx.tx_id, reason, "the chain asks for a higher price");
                return true;
            }
            Ok(causeway_adapter::BroadcastResult::Refused { reason, slot_conflict }) => {
                metrics::transaction(self.chain.id(), "broadcast-refused");
                tracing::warn!(chain = %self.chain.id(), tx = %tx.tx_id, reason, slot_conflict, "broadcast refused; its outcome is looked up");
            }
            // Whatever was said, only the outcome counts.
            Ok(_) => metrics::transaction(self.chain.id(), "broadcast"),
            Err(error) => tracing::debug!(chain = %self.chain.id(), tx = %tx.tx_id, %error, "broadcast without an answer"),
        }
        false
    }
}

/// The request for exactly what a transaction contains: what a replacement is built from.
fn only_included(mut request: BuildRequest, built: &Built) -> BuildRequest {
    request.messages = built.included.iter().filter_map(|index| request.messages.get(*index).cloned()).collect();
    request.simulate = false;
    request
}

/// Ids of all attempts of one slot.
pub(super) fn tx_ids(attempts: &[SignedTx]) -> Vec<causeway_types::TxId> {
    attempts.iter().map(|tx| tx.tx_id.clone()).collect()
}
