//! What happens to a record when something is learnt. Pure: no I/O, no clock; called inside the journal's commit, so that a transition is
//! durable before its effect.

use super::{AckKind, Action, By, Cost, Gone, Need, PacketRecord, PacketState, Received, Stage, TxRef};
use causeway_adapter::{MessageResult, RejectReason};
use causeway_types::{Acknowledgement, ChainId, Height, Locator, Packet, TxId};

/// Refusals of one message by its destination after which it is called dead. Nothing else counts.
pub(crate) const ATTEMPTS_MAX: u32 = 6;
/// After which a dead packet is tried once more, again and again: what refuses it may have been paused, out of funds, or upgraded since.
pub(super) const SECOND_LOOK_MS: u64 = 3_600_000;

/// How long to wait after failures: doubling, bounded, with a little jitter so that packets do not march in step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Backoff {
    pub(crate) min_ms: u64,
    pub(crate) max_ms: u64,
    pub(crate) jitter: u64,
}

impl Backoff {
    pub(crate) fn delay_ms(self, attempts: u32) -> u64 {
        let factor = 1_u64.checked_shl(attempts.saturating_sub(1).min(32)).unwrap_or(u64::MAX);
        let delay = self.min_ms.saturating_mul(factor).min(self.max_ms).max(1);
        delay.saturating_add(self.jitter % (delay / 8).max(1))
    }
}

/// When and how patiently.
#[derive(Debug, Clone, Copy)]
pub(crate) struct When {
    pub(crate) now_ms: u64,
    pub(crate) backoff: Backoff,
}

/// The transaction that a message was in.
#[derive(Debug, Clone)]
pub(crate) struct Landed {
    pub(crate) chain: ChainId,
    pub(crate) tx: TxId,
    pub(crate) height: Height,
    /// Index of the message.
    pub(crate) index: u32,
    /// Share of one packet.
    pub(crate) gas: u64,
    pub(crate) fee: u128,
    /// Packets in it.
    pub(crate) packets: u32,
}

impl PacketRecord {
    /// The state that follows from the facts when nothing is in flight.
    pub(crate) fn resume(&mut self) {
        self.state = match self.need() {
            Need::Nothing => return,
            Need::Hydrate => PacketState::NeedsPayload,
            Need::Deliver => PacketState::Observed,
            Need::LearnAck => PacketState::Delivered,
            Need::Acknowledge => PacketState::AwaitingAck,
            Need::Timeout => PacketState::TimingOut(None),
            Need::Expire => PacketState::Dead { reason: self.refused.clone().unwrap_or_default() },
        };
    }

    /// The packet's bytes are known.
    pub(crate) fn found(&mut self, packet: Packet, locator: Locator) {
        if self.packet.is_none() {
            self.packet = Some(packet);
            self.progressed();
            self.sent = Some(locator);
            self.resume_if_idle();
        } else if self.sent.is_none() {
            self.sent = Some(locator);
        }
    }

    fn resume_if_idle(&mut self) {
        if self.state.tx().is_none() {
            self.resume();
        }
    }

    /// The path does not relay it. Its bytes are not kept, so that what anybody may send costs little; a retry looks for them again.
    pub(crate) fn excluded(&mut self, locator: Locator, why: &str) {
        self.sent = Some(locator);
        self.stuck = true;
        self.state = PacketState::Excluded { reason: why.to_owned() };
    }

    /// What was told of it does not fit what its chain committed to: it is looked for again.
    pub(crate) fn disbelieved(&mut self, reason: &str, when: When) {
        if self.state.tx().is_none() {
            self.packet = None;
            self.sent = None;
            self.park(reason, when);
        }
    }

    /// An acknowledgement was seen at the destination.
    pub(crate) fn ack_seen(&mut self, packet: Packet, ack: Acknowledgement, at: Locator, now_ms: u64) {
        if self.state.kind().is_final() || self.ack.is_some() {
            return;
        }
        if self.packet.is_none() {
            self.packet = Some(packet);
        }
        let ours = matches!(&self.state, PacketState::Delivering(tx) if tx.tx_ids.contains(&at.transaction));
        if !matches!(self.received, Received::Included | Received::Verified) {
            self.received = if ours { Received::Included } else { Received::Hint { since_ms: now_ms } };
        }
        self.ack = Some(ack);
        self.acked_at = Some(at);
        self.progressed();
        self.share_max = 0;
        self.reach(Stage::Delivered, now_ms);
        if !matches!(self.state, PacketState::Acking(_) | PacketState::TimingOut(Some(_))) {
            self.resume();
        }
    }

    /// An endpoint says that the destination has it.
    pub(crate) fn received_hint(&mut self, now_ms: u64) {
        if self.received == Received::No {
            self.received = Received::Hint { since_ms: now_ms };
            self.reach(Stage::Delivered, now_ms);
            self.resume_if_idle();
        }
    }

    /// Its receipt was not confirmed, neither an endpoint's word nor the outcome told of our transaction: it is undelivered again, and state
    /// is asked before anything is sent.
    pub(crate) fn hint_refuted(&mut self, reason: &str, when: When) {
        if matches!(self.received, Received::Hint { .. } | Received::Included) {
            self.received = Received::No;
            self.times.retain(|(stage, _)| *stage != Stage::Delivered);
        }
        self.ack = None;
        self.acked_at = None;
        self.park(reason, when);
    }

    /// No proof of its mark is to be had: it is marked again.
    pub(crate) fn mark_refuted(&mut self, reason: &str, when: When) {
        self.times.retain(|(stage, _)| *stage != Stage::Returning);
        self.marked = false;
        self.marked_at = None;
        self.park(reason, when);
    }

    /// A proof showed that the destination has it.
    pub(crate) fn received_verified(&mut self) {
        self.received = Received::Verified;
    }

    /// An endpoint of the source chain says that somebody finished it. Nothing is tried with it until that is confirmed or refuted.
    pub(crate) fn gone_hint(&mut self, timed_out: bool, now_ms: u64) {
        if self.state.kind().is_final() || self.state.tx().is_some() {
            return;
        }
        match &mut self.gone {
            None => {
                self.gone = Some(Gone { since_ms: now_ms, timed_out });
                self.unpark();
            }
            Some(gone) => gone.timed_out |= timed_out,
        }
    }

    /// That its commitment is gone is proven (or, where absence cannot be, was seen twice): somebody else ended it. `received` is what the
    /// destination's state says of it now, where nothing was known before; it decides only which end it was.
    pub(crate) fn gone_confirmed(&mut self, received: Option<bool>, now_ms: u64) {
        if self.state.kind().is_final() || self.state.tx().is_some() {
            return;
        }
        let told = self.gone.is_some_and(|gone| gone.timed_out);
        let acked = self.ack.is_some() || self.received != Received::No || received == Some(true);
        if (told || self.marked || received == Some(false)) && !acked {
            self.finish(PacketState::TimedOut { by: By::Other }, now_ms);
        } else {
            let ack = self.ack_kind();
            self.finish(PacketState::Completed { ack, by: By::Other }, now_ms);
        }
    }

    /// Its commitment still lives though an endpoint said otherwise, or nobody could prove it: work goes on after a while.
    pub(crate) fn gone_refuted(&mut self, reason: &str, when: When) {
        self.gone = None;
        if !self.state.rests() {
            self.park(reason, when);
        }
    }

    fn ack_kind(&self) -> AckKind {
        match &self.ack {
            None => AckKind::Unseen,
            Some(ack) if ack.is_error() => AckKind::Error,
            Some(_) => AckKind::Success,
        }
    }

    fn finish(&mut self, state: PacketState, now_ms: u64) {
        self.state = state;
        self.reach(Stage::Finished, now_ms);
    }

    /// Waits for something that is no judgement of it by its destination.
    pub(crate) fn park(&mut self, reason: &str, when: When) {
        if self.state.kind().is_final() || self.state.tx().is_some() {
            return;
        }
        self.waits = self.waits.saturating_add(1);
        self.delay(reason, when);
    }

    /// The longer, the more often it was put off in a row.
    fn delay(&mut self, reason: &str, when: When) {
        let count = self.attempts.saturating_add(self.waits);
        let retry_at_ms = when.now_ms.saturating_add(when.backoff.delay_ms(count));
        self.state = PacketState::Parked { reason: shorten(reason), retry_at_ms };
    }

    /// What failed before says nothing of what is next.
    fn progressed(&mut self) {
        self.attempts = 0;
        self.waits = 0;
    }

    /// Its wait is over.
    pub(crate) fn unpark(&mut self) {
        match self.state {
            PacketState::Parked { .. } => self.resume(),
            PacketState::Dead { .. } if self.second_look_ms.is_some() => {
                self.retry();
                // One refusal more, and it is dead again.
                self.attempts = ATTEMPTS_MAX - 1;
            }
            _ => {}
        }
    }

    /// When a packet that waits, or was refused, is tried again; unix milliseconds.
    pub(crate) fn retry_at_ms(&self) -> Option<u64> {
        match self.state {
            PacketState::Parked { retry_at_ms, .. } => Some(retry_at_ms),
            PacketState::Dead { .. } => self.second_look_ms,
            _ => None,
        }
    }

    /// An earlier packet of its ordered channel cannot be delivered: it waits behind that one.
    pub(crate) fn block(&mut self) {
        if self.state == PacketState::Observed {
            self.state = PacketState::Blocked;
        }
    }

    /// Nothing before it stops it any more.
    pub(crate) fn unblock(&mut self) {
        if self.state == PacketState::Blocked {
            self.resume();
        }
    }

    /// It is in a transaction that is about to be broadcast, with what was proven of it at a height of the source of the proof.
    pub(crate) fn submitted(&mut self, action: Action, tx: TxRef, proven_at: Option<Height>, now_ms: u64) {
        if action == Action::Receive {
            self.committed_at = self.committed_at.max(proven_at);
        }
        self.state = match action {
            Action::Receive => PacketState::Delivering(tx),
            Action::Acknowledge => PacketState::Acking(tx),
            Action::Timeout | Action::TimeoutOnClose | Action::MarkExpired => PacketState::TimingOut(Some(tx)),
        };
        self.waits = 0;
        self.reach(if action == Action::Receive { Stage::Submitted } else { Stage::Returning }, now_ms);
    }

    /// The transaction can never land; the facts decide what is next.
    pub(crate) fn released(&mut self, tx: &TxId) {
        if self.carried_by(tx) {
            self.resume();
        }
    }

    fn carried_by(&self, tx: &TxId) -> bool {
        self.state.tx().is_some_and(|carrier| carrier.tx_ids.contains(tx))
    }

    /// The transaction landed, with this result for this packet.
    pub(crate) fn landed(&mut self, action: Action, result: &MessageResult, landed: &Landed, when: When) {
        let carried = self.carried_by(&landed.tx);
        if !matches!(result, MessageResult::NotExecuted) {
            self.pay(Cost {
                action: action.as_str().to_owned(),
                chain: landed.chain.clone(),
                tx: landed.tx.clone(),
                gas: landed.gas,
                fee: landed.fee,
            });
        }
        if self.state.kind().is_final() {
            return;
        }
        match result {
            MessageResult::Applied { .. } | MessageResult::ErrorAck | MessageResult::Noop => self.done(action, result, landed, when.now_ms),
            MessageResult::NotExecuted | MessageResult::Failed(_) if !carried => {}
            // A judgement of the whole transaction: which of its packets was meant is found in ever smaller company.
            MessageResult::NotExecuted if landed.packets > 1 => {
                self.share_max = (landed.packets / 2).max(1);
                self.resume();
            }
            MessageResult::NotExecuted => self.failed(action, "the transaction failed without naming a message", when),
            MessageResult::Failed(reason) => self.failed(action, reason, when),
        }
    }

    fn done(&mut self, action: Action, result: &MessageResult, landed: &Landed, now_ms: u64) {
        let noop = *result == MessageResult::Noop;
        self.progressed();
        self.share_max = 0;
        if noop && matches!(action, Action::Acknowledge | Action::Timeout | Action::TimeoutOnClose) {
            // That another was first is an endpoint's word, and has to be proven like any other.
            if self.carried_by(&landed.tx) {
                self.resume();
            }
            return self.gone_hint(action != Action::Acknowledge, now_ms);
        }
        match action {
            Action::Receive => {
                if !matches!(self.received, Received::Included | Received::Verified) {
                    self.received = if noop { Received::Hint { since_ms: now_ms } } else { Received::Included };
                }
                self.reach(Stage::Delivered, now_ms);
                self.resume_unless_returning();
            }
            Action::MarkExpired => {
                self.marked = true;
                self.marked_at =
                    (!noop).then(|| Locator { block: landed.height.number, transaction: landed.tx.clone(), index: landed.index });
                self.resume();
            }
            Action::Acknowledge => {
                let ack = self.ack_kind();
                self.finish(PacketState::Completed { ack, by: By::Us }, now_ms);
            }
            Action::Timeout | Action::TimeoutOnClose => self.finish(PacketState::TimedOut { by: By::Us }, now_ms),
        }
    }

    fn resume_unless_returning(&mut self) {
        if !matches!(self.state, PacketState::Acking(_) | PacketState::TimingOut(Some(_))) {
            self.resume();
        }
    }

    /// The destination tried it in a block, alone or by name, and refused it.
    fn failed(&mut self, action: Action, reason: &str, when: When) {
        self.resume();
        self.attempts = self.attempts.saturating_add(1);
        self.refusals = self.refusals.saturating_add(1);
        if self.attempts >= ATTEMPTS_MAX {
            self.refuse(action, reason, when);
        } else {
            self.delay(reason, when);
        }
    }

    fn refuse(&mut self, action: Action, reason: &str, when: When) {
        self.second_look_ms = Some(when.now_ms.saturating_add(SECOND_LOOK_MS));
        if action == Action::Receive && self.received == Received::No {
            self.refused = Some(shorten(reason));
        } else {
            self.stuck = true;
        }
        self.progressed();
        self.state = PacketState::Dead { reason: shorten(reason) };
    }

    /// The adapter left the message out.
    pub(crate) fn rejected(&mut self, action: Action, reason: &RejectReason, when: When) {
        if self.state.kind().is_final() || self.state.tx().is_some() {
            return;
        }
        match (reason, action) {
            (RejectReason::NoRoom, _) => {}
            (RejectReason::Stale(text), _) => self.park(text, when),
            (RejectReason::AlreadyDone, Action::Receive) => self.received_hint(when.now_ms),
            (RejectReason::AlreadyDone, Action::MarkExpired) => {
                self.marked = true;
                self.resume();
            }
            (RejectReason::AlreadyDone, Action::Acknowledge) => self.gone_hint(false, when.now_ms),
            (RejectReason::AlreadyDone, Action::Timeout | Action::TimeoutOnClose) => self.gone_hint(true, when.now_ms),
            // Whether it was received is for its acknowledgement to show; a packet that only looks refused is tried again.
            (RejectReason::Refused(text), Action::MarkExpired) => {
                self.received_hint(when.now_ms);
                self.park(text, when);
            }
            // One endpoint's simulation is no more than an attempt.
            (RejectReason::Refused(text), _) => self.failed(action, text, when),
        }
    }

    /// It is to be tried again.
    pub(crate) fn retry(&mut self) {
        self.refused = None;
        self.stuck = false;
        self.second_look_ms = None;
        self.progressed();
        self.share_max = 0;
        self.resume();
    }

    /// Drops what is not needed once it is finished: payload values.
    pub(crate) fn shrink(&mut self) {
        if let Some(packet) = &mut self.packet {
            packet.drop_data();
        }
    }

    /// A finished packet whose commitment is on the chain after all: pending again.
    pub(crate) fn reopen(&mut self) {
        self.packet = None;
        self.ack = None;
        self.acked_at = None;
        self.received = Received::No;
        self.marked = false;
        self.marked_at = None;
        self.share_max = 0;
        self.refused = None;
        self.stuck = false;
        self.second_look_ms = None;
        self.gone = None;
        self.committed_at = None;
        self.progressed();
        self.origin = super::Origin::Cleared;
        self.times.retain(|(stage, _)| *stage == Stage::Observed);
        self.state = PacketState::NeedsPayload;
    }
}

fn shorten(text: &str) -> String {
    text.chars().take(240).collect()
}
