//! Ordered channels: what may be next, and what waits behind a packet that cannot be delivered.

use super::{Candidate, Turned, Worker};
use crate::journal::Op;
use crate::packet::{Action, Origin, PacketRecord, PacketState, Received};
use crate::shared::Busy;
use causeway_types::classic::Order;
use causeway_types::{PacketKey, Sequence};
use std::collections::BTreeSet;

/// Commitments asked for in one call.
const PAGE: u32 = 500;
/// Pages of one look at what is before a timeout.
const PAGES_MAX: usize = 200;

impl Worker {
    /// What of all that was picked may be next; the rest is given back.
    pub(super) fn in_order(&self, picked: Vec<Candidate>) -> Vec<Candidate> {
        if self.path.spec.order != Order::Ordered {
            return picked;
        }
        let (mut next, rest) = self.next_of(picked);
        self.give_back(&rest);
        next.sort_by_key(|one| (one.action, one.record.key.sequence));
        next
    }

    /// An ordered channel takes packets, and acknowledgements, one after the other. A timeout closes the channel, which takes no
    /// acknowledgement then: everything before it is finished first. Answers with what may be next, and with what waits. Asked again of what
    /// is left of a batch: whatever was found not to be provable yet holds up what is behind it.
    pub(super) fn next_of(&self, picked: Vec<Candidate>) -> (Vec<Candidate>, Vec<Candidate>) {
        if self.path.spec.order != Order::Ordered {
            return (picked, Vec::new());
        }
        let of = |wanted: &[Action]| {
            picked.iter().filter(|one| wanted.contains(&one.action)).map(|one| one.record.key.sequence).collect::<BTreeSet<_>>()
        };
        let (receive, acknowledge) = (of(&[Action::Receive]), of(&[Action::Acknowledge]));
        let finish = of(&[Action::Acknowledge, Action::Timeout, Action::TimeoutOnClose]);
        let (receive, acknowledge, finish) = self.shared.journal.table(|table| {
            let delivered = |record: &PacketRecord| record.received != Received::No;
            (
                table.in_order(self.inbound(), &receive, delivered),
                table.in_order(self.returns(), &acknowledge, |_| false),
                table.in_order(self.returns(), &finish, |record| record.stuck),
            )
        });
        let next = |one: &Candidate| match one.action {
            Action::Receive => receive.contains(&one.record.key.sequence),
            Action::Acknowledge => acknowledge.contains(&one.record.key.sequence),
            Action::Timeout | Action::TimeoutOnClose => finish.contains(&one.record.key.sequence),
            Action::MarkExpired => true,
        };
        picked.into_iter().partition(next)
    }

    /// Puts timeouts off while state holds something before them that the relay does not know, or took for finished: its acknowledgement could
    /// not be brought to a closed channel. What is found is taken up.
    pub(super) async fn known_before(&self, timeouts: Vec<Candidate>, busy: &mut Busy) -> Turned<Vec<Candidate>> {
        let first = timeouts.iter().map(|one| one.record.key.sequence).min();
        let Some(first) = first.filter(|_| self.path.spec.order == Order::Ordered) else { return Ok(timeouts) };
        let unknown = self.unknown_before(first).await?;
        if unknown.is_empty() {
            return Ok(timeouts);
        }
        let (name, now_ms, sent) = (&self.path.spec.name, self.host.now_ms(), self.direction.reverse());
        let ops = unknown.into_iter().map(|key| {
            let mut record = PacketRecord::new(key, name, sent, now_ms);
            record.origin = Origin::Cleared;
            Op::Reopen(Box::new(record))
        });
        self.shared.journal.commit(ops.collect()).await?;
        timeouts.iter().for_each(|one| busy.put_back(&one.record.key));
        Ok(Vec::new())
    }

    /// Packets below a sequence that their sender still waits for, and that are not pending here.
    async fn unknown_before(&self, first: Sequence) -> Turned<Vec<PacketKey>> {
        let end = self.path.to(self.direction).packets();
        let mut from = Sequence::new(1).ok();
        for _ in 0..PAGES_MAX {
            let Some(start) = from.filter(|start| *start < first) else { return Ok(Vec::new()) };
            let page = self.host.call("commitments", self.host.adapter().commitments(&end, start, PAGE)).await;
            let (live, last) = page.map_err(|error| self.adapter_failed(&self.host, &error))?;
            let keys = live.into_iter().take_while(|sequence| *sequence < first);
            let keys = keys.map(|sequence| PacketKey { chain: self.host.id().clone(), end: end.clone(), sequence });
            let unknown: Vec<PacketKey> = self.shared.journal.table(|table| keys.filter(|key| table.get(key).is_none()).collect());
            if !unknown.is_empty() {
                return Ok(unknown);
            }
            from = last.and_then(Sequence::successor);
        }
        Ok(Vec::new())
    }

    /// Marks what waits behind a packet that its channel will never take, and frees it once that one is gone.
    pub(super) async fn keep_order(&self) -> Turned<()> {
        if self.path.spec.order != Order::Ordered {
            return Ok(());
        }
        let (height, time_s) = self.host.hinted_head();
        let over = |record: &PacketRecord| record.packet.as_ref().is_some_and(|packet| packet.expired(height, Some(time_s)));
        let ops = self.shared.journal.table(|table| {
            let (mut stopped, mut ops) = (false, Vec::new());
            for record in table.list(self.inbound(), None).filter(|record| record.received == Received::No) {
                match record.state {
                    PacketState::Observed if stopped => ops.push(Op::change(record.key.clone(), PacketRecord::block)),
                    PacketState::Blocked if !stopped => ops.push(Op::change(record.key.clone(), PacketRecord::unblock)),
                    _ => {}
                }
                stopped = stopped || matches!(record.state, PacketState::Dead { .. } | PacketState::Excluded { .. }) || over(record);
            }
            ops
        });
        Ok(self.shared.journal.commit(ops).await?)
    }
}
