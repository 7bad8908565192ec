//! Ordered channels: what may be next, and what waits behind a packet that cannot be delivered.

use super::{Candidate, Turned, Worker};
use crate::journal::Op;
use crate::packet::{Action, PacketRecord, PacketState, Received};
use causeway_types::classic::Order;
use std::collections::BTreeSet;

impl Worker {
    /// An ordered channel takes packets, and acknowledgements, one after the other. A timeout closes the channel, which takes no
    /// acknowledgement then: everything before it is finished first. What cannot be next waits.
    pub(super) fn in_order(&self, picked: Vec<Candidate>) -> Vec<Candidate> {
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
        let (mut next, rest): (Vec<Candidate>, Vec<Candidate>) = picked.into_iter().partition(next);
        self.give_back(&rest);
        next.sort_by_key(|one| (one.action, one.record.key.sequence));
        next
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
                stopped = stopped || matches!(record.state, PacketState::Dead { .. }) || over(record);
            }
            ops
        });
        Ok(self.shared.journal.commit(ops).await?)
    }
}
