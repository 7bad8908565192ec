//! The worker of one flow of evidence: from a source chain to the client on a host that follows it.
//!
//! It delivers packets sent on the source, and brings acknowledgements and timeouts of packets sent on the host: all of that is proven about
//! the source, to one client, so that a batch shares one client update. Everything is verified here before it is handed to a submitter.
//! Batches do not wait for the outcome of the one before.
//!
//! What it is not: it signs and broadcasts nothing, and keeps nothing that a crash may not take.

mod collect;
mod convict;
mod doubt;
mod gone;
mod order;
mod proof;
mod turn;
mod update;

use crate::chain::{Chain, TrustError};
use crate::journal::LaneId;
use crate::packet::transition::When;
use crate::packet::{Action, Direction, PacketRecord};
use crate::shared::{Batch, BatchEnd, Busy, Path, Shared};
use causeway_adapter::{AdapterError, Message, ProofGroup};
use causeway_store::StoreError;
use causeway_types::classic::Order;
use causeway_types::{ClientId, Height, PacketKey};
use proof::Proven;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;

/// Most distinct heights at which one batch proves.
const HEIGHTS_MAX: usize = 4;
/// Packets looked up in one call.
const LOOKUP_MAX: usize = 100;

pub(crate) struct Worker {
    shared: Arc<Shared>,
    path: Arc<Path>,
    direction: Direction,
    source: Arc<Chain>,
    host: Arc<Chain>,
    /// On the host, follows the source.
    client: ClientId,
    /// Heights at which the client was seen to hold what we verified.
    agreed: BTreeSet<Height>,
    /// A client update on its way that later ones build on.
    advance: Option<oneshot::Receiver<BatchEnd>>,
    /// An update that the host takes only from a time on: the height, and unix seconds of the host.
    deferred: Option<(Height, u64)>,
    /// The client's newest height is too old to prove at: the next batch needs a fresh one.
    fresh: bool,
    /// The client is being refreshed: begun because it was due, over when its newest update is on its way, however many steps that takes.
    refreshing: bool,
    /// Evidence against the source chain is on its way to the client.
    convicting: bool,
    /// How often in a row the client was not told of it.
    untold: u32,
    failures: u32,
    not_before_ms: u64,
    view_seen_ms: u64,
    /// When the host was looked at last, client and packets; 0: what comes next is looked at.
    looked_ms: u64,
    /// What was put off.
    rest: Option<turn::Rest>,
    /// When what halts the path was asked about last.
    reviewed_ms: u64,
}

/// A packet in work and what is to be done with it.
#[derive(Debug, Clone)]
pub(super) struct Candidate {
    pub(super) record: Arc<PacketRecord>,
    pub(super) action: Action,
}

/// Why a turn ended early.
#[derive(Debug)]
pub(super) enum Halt {
    /// The journal stopped: the engine ends.
    Stop,
    /// Try again after this long; a failure if it says so.
    Wait { ms: u64, failed: bool },
}

impl From<StoreError> for Halt {
    fn from(_: StoreError) -> Self {
        Self::Stop
    }
}

pub(super) type Turned<T> = Result<T, Halt>;

impl Worker {
    pub(crate) fn new(shared: Arc<Shared>, path: Arc<Path>, direction: Direction, (source, host): (Arc<Chain>, Arc<Chain>)) -> Self {
        let client = path.to(direction).client.clone();
        Self {
            shared,
            path,
            direction,
            source,
            host,
            client,
            agreed: BTreeSet::new(),
            advance: None,
            deferred: None,
            fresh: false,
            refreshing: false,
            convicting: false,
            untold: 0,
            failures: 0,
            not_before_ms: 0,
            view_seen_ms: 0,
            looked_ms: 0,
            rest: None,
            reviewed_ms: 0,
        }
    }

    /// Packets sent on the source.
    fn inbound(&self) -> LaneId {
        self.path.lane(self.direction)
    }

    /// Packets sent on the host, of which something is proven back.
    fn returns(&self) -> LaneId {
        self.path.lane(self.direction.reverse())
    }

    fn when(&self) -> When {
        When { now_ms: self.host.now_ms(), backoff: self.host.backoff() }
    }

    pub(crate) async fn run(mut self) {
        let shared = Arc::clone(&self.shared);
        let wake = shared.journal.wake(self.inbound());
        let (mut source_head, mut host_head) = (self.source.head.subscribe(), self.host.head.subscribe());
        let mut conflict = self.source.trust.conflict.subscribe();
        if conflict.borrow_and_update().is_some() {
            // Found before, by an earlier process or while this path was not there: nothing is relayed first.
            self.report_misbehaviour().await;
        }
        loop {
            let pause = match self.work().await {
                Err(Halt::Stop) => return,
                Err(Halt::Wait { ms, failed }) => self.pause(ms, failed),
                Ok(()) => self.idle_for(),
            };
            let until = self.host.now_ms().saturating_add(pause);
            let backing_off = self.not_before_ms > self.host.now_ms();
            tokio::select! {
                biased;
                () = shared.drain.cancelled() => return,
                () = shared.env.clock.sleep(Duration::from_millis(until.saturating_sub(self.host.now_ms()).max(1))) => {}
                () = wake.notified(), if !backing_off => {}
                Ok(()) = source_head.changed(), if !backing_off => {}
                Ok(()) = host_head.changed(), if !backing_off && self.deferred.is_some() => {}
                Ok(()) = conflict.changed(), if !backing_off => self.report_misbehaviour().await,
                end = landing(&mut self.advance) => if self.advanced(end) { conflict.mark_changed() },
            }
        }
    }

    fn pause(&mut self, ms: u64, failed: bool) -> u64 {
        if !failed {
            return ms;
        }
        self.failures = self.failures.saturating_add(1);
        let ms = ms.max(self.host.backoff().delay_ms(self.failures));
        self.not_before_ms = self.host.now_ms().saturating_add(ms);
        ms
    }

    /// Until the next parked packet is due, at most a few seconds.
    fn idle_for(&mut self) -> u64 {
        if self.path.halted().is_none() {
            self.failures = 0;
        }
        let now_ms = self.host.now_ms();
        let due = self.shared.journal.table(|table| table.next_due(self.inbound()));
        let own = due.map_or(5_000, |at| at.saturating_sub(now_ms)).clamp(1, 5_000);
        let waits = self.shared.journal.table(|table| table.oldest(self.inbound()).is_some() || table.oldest(self.returns()).is_some());
        if waits { own.min(self.host.description.block_interval_ms.clamp(200, 2_000)) } else { own }
    }

    /// What was sent on its own has ended. Whether it was evidence that must be sent again.
    fn advanced(&mut self, end: BatchEnd) -> bool {
        self.advance = None;
        (self.view_seen_ms, self.looked_ms) = (0, 0);
        if std::mem::take(&mut self.convicting) {
            return self.told(&end);
        }
        if let BatchEnd::NotSent(reason) = end {
            tracing::debug!(path = %self.path.spec.name, reason, "client update not sent");
            self.not_before_ms = self.host.now_ms().saturating_add(self.host.deadlines.retry_min_ms);
        }
        false
    }

    /// Everything that can be done now.
    async fn work(&mut self) -> Turned<()> {
        if self.host.now_ms() < self.not_before_ms {
            return Ok(());
        }
        if self.path.halted().is_some() {
            return self.review().await;
        }
        self.heed_freeze().await?;
        self.unpark().await?;
        self.keep_order().await?;
        self.hydrate().await?;
        self.learn_acks().await?;
        self.mark_expired().await?;
        self.confirm_gone().await?;
        self.watch_client().await?;
        while self.advance.is_none() && self.turn().await? {
            if self.shared.drain.is_cancelled() {
                break;
            }
        }
        Ok(())
    }

    /// Hands a batch over to be submitted. Whether there was anything in it.
    async fn hand_over(&self, proven: Proven, mut busy: Busy) -> bool {
        let members = proven.groups.iter().flat_map(|(_, members)| members.iter().cloned());
        let (next, waits) = self.next_of(members.collect());
        if next.is_empty() {
            busy.put_all_back();
            return false;
        }
        waits.iter().for_each(|one| busy.put_back(&one.record.key));
        let waits: BTreeSet<PacketKey> = waits.into_iter().map(|one| one.record.key.clone()).collect();
        let updates = proven.updates.into_iter().map(|update| Message::UpdateClient { client_id: self.client.clone(), update });
        let mut messages: Vec<Message> = updates.collect();
        let mut items = vec![None; messages.len()];
        let mut proofs = Vec::new();
        for (group, (evidence, members)) in proven.groups.into_iter().enumerate() {
            proofs.push(ProofGroup { client_id: self.client.clone(), evidence });
            // Behind the evidence of the packets stands that of the closed channel, where there is one.
            let closed = members.len();
            for (item, candidate) in members.into_iter().enumerate() {
                if waits.contains(&candidate.record.key) {
                    continue;
                }
                let Some(message) = message(&candidate, self.path.spec.order, (group, item), closed) else { continue };
                messages.push(message);
                items.push(Some((candidate.record.key.clone(), candidate.action)));
            }
        }
        let batch = Batch { messages, proofs, items, busy, done: None };
        self.shared.submit(self.host.id(), batch).await;
        true
    }

    /// Messages that fit into a transaction next to a client update.
    fn count_max(&self) -> usize {
        let host = self.host.description.limits.messages_max.saturating_sub(1).max(1);
        usize::try_from(host.min(self.shared.config.batching.count_max)).unwrap_or(usize::MAX)
    }

    /// Packets looked up in one call: whole batches, so that none leaves with a few of them.
    fn lookup_count(&self) -> usize {
        LOOKUP_MAX - LOOKUP_MAX % self.count_max().clamp(1, LOOKUP_MAX)
    }

    fn adapter_failed(&self, chain: &Chain, error: &AdapterError) -> Halt {
        let ms = u64::try_from(chain.delay_after(error, self.failures.saturating_add(1)).as_millis()).unwrap_or(u64::MAX);
        Halt::Wait { ms, failed: true }
    }

    fn trust_failed(&self, error: TrustError) -> Halt {
        match error {
            TrustError::Journal => Halt::Stop,
            TrustError::Adapter(error) => self.adapter_failed(&self.source, &error),
            TrustError::Violation(_) | TrustError::NothingBelow(_) | TrustError::NoWay(_) => {
                tracing::warn!(path = %self.path.spec.name, chain = %self.source.id(), %error, "a height cannot be verified");
                Halt::Wait { ms: 2_000, failed: true }
            }
        }
    }
}

fn message(candidate: &Candidate, order: Order, proof: (usize, usize), closed: usize) -> Option<Message> {
    let packet = candidate.record.packet.clone()?;
    Some(match candidate.action {
        Action::Receive => Message::Receive { packet, proof },
        Action::Acknowledge => Message::Acknowledge { packet, acknowledgement: candidate.record.ack.clone()?, proof },
        Action::Timeout => Message::Timeout { packet, order, proof },
        Action::TimeoutOnClose => Message::TimeoutOnClose { packet, order, proof, closed: (proof.0, closed) },
        Action::MarkExpired => Message::MarkExpired { packet },
    })
}

/// Completes when the update on its way has ended; never when there is none.
async fn landing(advance: &mut Option<oneshot::Receiver<BatchEnd>>) -> BatchEnd {
    match advance {
        Some(receiver) => receiver.await.unwrap_or_else(|_| BatchEnd::NotSent("the submitter ended".into())),
        None => std::future::pending().await,
    }
}
