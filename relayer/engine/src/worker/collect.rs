//! What waits: parked packets that are due, bytes to find, packets to mark, candidates for a batch, and what state says of them.

use super::proof::Ready;
use super::{Candidate, Turned, Worker};
use crate::journal::{Op, Queue};
use crate::packet::{Action, PacketRecord, Received, Stage};
use crate::shared::{Batch, Busy};
use causeway_adapter::{Absence, ClientView, Event, HydrateKind, HydrateRequest, Hydrated, LocatedEvent, Message, PacketState};
use causeway_types::{Acknowledgement, Locator, Packet, PacketEnd, PacketKey, Sequence};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

impl Worker {
    pub(super) async fn unpark(&self) -> Turned<()> {
        let due = self.shared.journal.table(|table| table.due(self.inbound(), self.host.now_ms(), 1_000));
        let ops = due.into_iter().map(|key| Op::change(key, PacketRecord::unpark)).collect();
        Ok(self.shared.journal.commit(ops).await?)
    }

    async fn lookup(&self, kind: HydrateKind, end: &PacketEnd, found: &[Arc<PacketRecord>]) -> Turned<BTreeMap<Sequence, LocatedEvent>> {
        let sequences: Vec<Sequence> = found.iter().map(|record| record.key.sequence).collect();
        let request = HydrateRequest { end: end.clone(), kind, sequences, range: None };
        let answers = self.source.call("hydrate", self.source.adapter().hydrate(request)).await;
        let answers = answers.map_err(|error| self.adapter_failed(&self.source, &error))?;
        let located = answers.into_iter().filter_map(|answer| match answer {
            Hydrated::Found(located) => {
                let (Event::Sent { packet } | Event::Acknowledged { packet, .. }) = &located.event else { return None };
                Some((packet.sequence(), located))
            }
            Hydrated::Unavailable(_) => None,
        });
        Ok(located.collect())
    }

    /// Bytes of packets that only state names.
    pub(super) async fn hydrate(&self) -> Turned<()> {
        let records = self.shared.journal.table(|table| table.take(self.inbound(), Queue::Hydrate, self.lookup_count(), |_| true));
        if records.is_empty() {
            return Ok(());
        }
        let _busy = Busy::new(self.shared.journal.clone(), keys(&records));
        let end = self.path.from(self.direction).packets();
        let mut found = self.lookup(HydrateKind::Sent, &end, &records).await?;
        let when = self.when();
        let ops = records.into_iter().map(|record| {
            let key = record.key.clone();
            match found.remove(&key.sequence) {
                Some(LocatedEvent { height, tx, index, event: Event::Sent { packet } }) if self.path.carries(self.direction, &packet) => {
                    let at = Locator { block: height.number, transaction: tx, index };
                    match self.shared.admits(&self.path, self.direction, &packet) {
                        Ok(()) => Op::change(key, move |record| record.found(packet, at)),
                        Err(why) => Op::change(key, move |record| record.excluded(at, why)),
                    }
                }
                _ => Op::change(key, move |record| record.park("no endpoint has the packet's bytes", when)),
            }
        });
        Ok(self.shared.journal.commit(ops.collect()).await?)
    }

    /// Acknowledgements that were not seen as events.
    pub(super) async fn learn_acks(&self) -> Turned<()> {
        let now_ms = self.host.now_ms();
        let grace_ms = self.source.description.block_interval_ms.saturating_mul(2).max(1_000);
        let patient = |record: &PacketRecord| record.time(Stage::Delivered).is_none_or(|at| at.saturating_add(grace_ms) <= now_ms);
        let records = self.shared.journal.table(|table| table.take(self.returns(), Queue::LearnAck, self.lookup_count(), patient));
        if records.is_empty() {
            return Ok(());
        }
        let _busy = Busy::new(self.shared.journal.clone(), keys(&records));
        let end = self.path.from(self.direction).packets();
        let mut found = self.lookup(HydrateKind::Acknowledged, &end, &records).await?;
        let when = self.when();
        let hint_ms = self.host.deadlines.hint_ms;
        let ops = records.into_iter().map(|record| {
            let key = record.key.clone();
            let event = found.remove(&key.sequence);
            if let Some(LocatedEvent { height, tx, index, event: Event::Acknowledged { packet, acknowledgement } }) = event
                && Some(&packet) == record.packet.as_ref()
                && acknowledgement.validate().is_ok()
            {
                let at = Locator { block: height.number, transaction: tx, index };
                return Op::change(key, move |record| record.ack_seen(packet, acknowledgement, at, now_ms));
            }
            // The outcome of our own transaction is an endpoint's word as well, as long as nothing was proven.
            let since_ms = match record.received {
                Received::Hint { since_ms } => Some(since_ms),
                Received::Included => record.time(Stage::Delivered),
                Received::No | Received::Verified => None,
            };
            match since_ms {
                Some(since_ms) if since_ms.saturating_add(hint_ms) <= now_ms => {
                    Op::change(key, move |record| record.hint_refuted("called received, but no acknowledgement is to be found yet", when))
                }
                _ => Op::change(key, move |record| record.park("no endpoint has the acknowledgement yet", when)),
            }
        });
        Ok(self.shared.journal.commit(ops.collect()).await?)
    }

    /// Where absence cannot be proven: marks packets whose time is over on the host that should have received them.
    pub(super) async fn mark_expired(&self) -> Turned<()> {
        if self.host.description.absence == Absence::Provable {
            return Ok(());
        }
        let (limit, head) = (self.count_max(), self.host.hinted_head());
        let records = self.shared.journal.table(|table| table.take_expired(self.inbound(), head, limit));
        if records.is_empty() {
            return Ok(());
        }
        let busy = Busy::new(self.shared.journal.clone(), keys(&records));
        let packets = records.iter().filter_map(|record| Some((record.packet.clone()?, record.key.clone())));
        let (messages, items) = packets.map(|(packet, key)| (Message::MarkExpired { packet }, Some((key, Action::MarkExpired)))).unzip();
        self.shared.submit(self.host.id(), Batch { messages, proofs: Vec::new(), items, busy, done: None }).await;
        Ok(())
    }

    /// Takes what may go into the next batches: live packets first, cleared ones with what is left, at least a quarter.
    pub(super) fn collect(&self) -> Vec<Candidate> {
        let max = self.look_max();
        let (height, host_s) = self.host.hinted_head();
        let source_head = self.source.hinted_head();
        let absence = self.source.description.absence;
        let (source_closed, host_closed) = (self.path.is_closed(self.direction), self.path.is_closed(self.direction.reverse()));
        let (inbound, returns) = (self.inbound(), self.returns());
        let in_time = |record: &PacketRecord| record.packet.as_ref().is_some_and(|packet| !packet.expired(height, Some(host_s)));
        let mut picked: Vec<Candidate> = Vec::new();
        self.shared.journal.table(|table| {
            let cleared_waits = table.queue_len(inbound, Queue::DeliverCleared);
            let mut add = |records: Vec<Arc<PacketRecord>>, action| {
                picked.extend(records.into_iter().map(|record| Candidate { record, action }));
                picked.len()
            };
            let mut taken = add(table.take(returns, Queue::Acknowledge, max / 2 + 1, |_| true), Action::Acknowledge);
            let room = max.saturating_sub(taken);
            taken = match absence {
                _ if source_closed => add(table.take_undelivered(returns, room), Action::TimeoutOnClose),
                Absence::Provable => add(table.take_expired(returns, source_head, room), Action::Timeout),
                Absence::ByMarkExpired => add(table.take(returns, Queue::Timeout, room, |_| true), Action::Timeout),
            };
            // A closed channel takes nothing; what was sent from one could not be acknowledged there.
            let open = !source_closed && !host_closed;
            let room = if open { max.saturating_sub(taken) } else { 0 };
            let reserve = cleared_waits.min(room / 4);
            taken = add(table.take(inbound, Queue::DeliverLive, room.saturating_sub(reserve), in_time), Action::Receive);
            let room = if open { max.saturating_sub(taken) } else { 0 };
            taken = add(table.take(inbound, Queue::DeliverCleared, room, in_time), Action::Receive);
            add(table.take(returns, Queue::Acknowledge, max.saturating_sub(taken), |_| true), Action::Acknowledge);
        });
        self.wait_for_company(self.in_order(picked))
    }

    /// What does not fill a batch waits until the oldest of it is old enough.
    fn wait_for_company(&self, mut picked: Vec<Candidate>) -> Vec<Candidate> {
        let age_max_ms = self.shared.config.batching.age_max_ms;
        let rest = picked.split_off(picked.len() - picked.len() % self.count_max());
        let since = |candidate: &Candidate| candidate.record.times.last().map_or(0, |(_, at)| *at);
        let oldest = rest.iter().map(since).min().unwrap_or(0);
        if age_max_ms == 0 || oldest.saturating_add(age_max_ms) <= self.host.now_ms() {
            picked.extend(rest);
        } else {
            self.give_back(&rest);
        }
        picked
    }

    pub(super) fn give_back(&self, picked: &[Candidate]) {
        let keys: Vec<PacketKey> = picked.iter().map(|candidate| candidate.record.key.clone()).collect();
        self.shared.journal.table(|table| table.release(&keys));
    }

    /// The next batch of what is ready, and what is left. Packets whose transaction failed without naming a culprit travel in ever smaller
    /// company; within the limits of messages and bytes, too.
    pub(super) fn narrow(&self, ready: Vec<Ready>) -> (Vec<Ready>, Vec<Ready>) {
        let bytes_max = self.host.description.limits.tx_bytes_max;
        let (mut batch, mut later): (Vec<Ready>, Vec<Ready>) = (Vec::new(), Vec::new());
        let (mut share, mut bytes) = (self.count_max(), 0_u64);
        for one in ready {
            let record = &one.candidate.record;
            let own = match record.share_max {
                0 => usize::MAX,
                max => usize::try_from(max).unwrap_or(usize::MAX),
            };
            let size = weight(record);
            let fits = batch.len() < share.min(own) && (batch.is_empty() || bytes.saturating_add(size) <= bytes_max);
            if fits {
                share = share.min(own);
                bytes = bytes.saturating_add(size);
                batch.push(one);
            } else {
                later.push(one);
            }
        }
        (batch, later)
    }

    /// The client, and what state says of candidates on the host: one call each, at the same time. Those of which there is nothing left to do
    /// as they are go back, and are named.
    pub(super) async fn look(
        &mut self,
        candidates: impl Iterator<Item = &Candidate>,
        busy: &mut Busy,
    ) -> Turned<(ClientView, BTreeSet<PacketKey>)> {
        let candidates: Vec<&Candidate> = candidates.collect();
        let sequences: Vec<Sequence> = candidates.iter().map(|candidate| candidate.record.key.sequence).collect();
        let (adapter, end) = (self.host.adapter(), self.path.to(self.direction).packets());
        let (view, states) = futures::join!(
            self.host.call("client", adapter.client(&self.client)),
            self.host.call("packet_states", adapter.packet_states(&end, &sequences)),
        );
        let failed = |error| self.adapter_failed(&self.host, &error);
        let (view, states) = (view.map_err(failed)?, states.map_err(failed)?);
        let view = self.note_view(view).await?;
        self.looked_ms = self.host.now_ms();
        let (mut over, mut ops) = (BTreeSet::new(), Vec::new());
        let when = self.when();
        for (index, candidate) in candidates.into_iter().enumerate() {
            let key = candidate.record.key.clone();
            // Of what was not answered nothing is tried.
            let said = states.get(index).map_or(Said::Nothing, |state| verdict(candidate, state));
            if matches!(said, Said::Received | Said::Gone) {
                self.host.note_rival();
            }
            let op = match said {
                Said::Open => continue,
                Said::Nothing => None,
                Said::Received => Some(Op::change(key.clone(), move |record| record.received_hint(when.now_ms))),
                Said::Gone => Some(Op::change(key.clone(), move |record| record.gone_hint(false, when.now_ms))),
                Said::Different => Some(Op::change(key.clone(), move |record| {
                    record.disbelieved("its bytes are not what its chain committed to", when);
                })),
            };
            ops.extend(op);
            busy.put_back(&key);
            over.insert(key);
        }
        self.shared.journal.commit(ops).await?;
        Ok((view, over))
    }
}

enum Said {
    Nothing,
    Open,
    Received,
    Gone,
    Different,
}

fn verdict(candidate: &Candidate, state: &PacketState) -> Said {
    let committed = candidate.record.packet.as_ref().map(causeway_types::Packet::commitment);
    match (candidate.action, state.commitment) {
        (Action::Receive, _) if state.received => Said::Received,
        (Action::Receive | Action::MarkExpired, _) => Said::Open,
        (_, None) => Said::Gone,
        (_, commitment) if commitment != committed => Said::Different,
        _ => Said::Open,
    }
}

fn keys(records: &[Arc<PacketRecord>]) -> Vec<PacketKey> {
    records.iter().map(|record| record.key.clone()).collect()
}

/// Bytes a packet takes in a transaction, proof included, roughly.
fn weight(record: &PacketRecord) -> u64 {
    let payload: usize = record.packet.iter().map(Packet::data_len).sum();
    let ack: usize = record.ack.iter().flat_map(Acknowledgement::parts).map(Vec::len).sum();
    u64::try_from(payload.saturating_add(ack)).unwrap_or(u64::MAX).saturating_add(600)
}
