//! One turn: a look at the host where one is needed, and the batches that come of it.
//!
//! What is new and was never tried needs no look where nobody else relays: the simulation asks the host's state anyway. A small rest of whole
//! batches waits a block for company.

use super::proof::{Proven, Ready};
use super::{Candidate, Turned, Worker};
use crate::packet::{Action, Origin, Stage};
use crate::shared::Busy;
use causeway_adapter::{ClientView, Provable};
use causeway_types::classic::Order;
use causeway_types::{Height, PacketKey};
use std::collections::BTreeSet;

/// Batches that one look at the host is for: few, so that what comes meanwhile need not wait for many.
const BATCHES_MAX: usize = 4;
/// How long a look at the host serves, milliseconds.
const LOOK_MS: u64 = 5_000;
/// How long what was seen is news, milliseconds.
const NEWS_MS: u64 = 60_000;
/// What is left over of whole batches, and less than this part of one, waits for what comes with the next block of the source: alone it would
/// cost as much as a whole one.
const REST_PART: usize = 4;

/// What one look at the host leaves to be proven.
struct Prepared {
    view: ClientView,
    ready: Vec<Ready>,
    /// Others follow with a later block of the source.
    more: bool,
}

/// What was left over of whole batches when it was put off.
pub(super) struct Rest {
    keys: BTreeSet<PacketKey>,
    /// It waits while this is the source's head,
    head: Height,
    /// and until then at most, unix milliseconds.
    until_ms: u64,
}

impl Worker {
    /// Builds and hands over the batches of one look at the host. Whether more may follow at once.
    pub(super) async fn turn(&mut self) -> Turned<bool> {
        let candidates = self.collect();
        if candidates.is_empty() {
            return Ok(false);
        }
        let full = candidates.len() >= self.look_max();
        let keys = candidates.iter().map(|candidate| candidate.record.key.clone()).collect();
        let mut busy = Busy::new(self.shared.journal.clone(), keys);
        let handed_over = match self.prepare(candidates, &mut busy).await {
            Ok(Some(prepared)) => self.batches(prepared, &mut busy).await,
            Ok(None) => Ok(false),
            Err(halt) => Err(halt),
        };
        busy.put_all_back();
        // What was not understood is looked at anew.
        if handed_over.is_err() {
            self.looked_ms = 0;
        }
        Ok(handed_over? && full)
    }

    /// What can be proven of the candidates and is open on the host; `None` when there is nothing to do now.
    async fn prepare(&mut self, candidates: Vec<Candidate>, busy: &mut Busy) -> Turned<Option<Prepared>> {
        // When something can be proven is mostly known without asking: what waits for the next block of the source costs no look at the host.
        // Timeouts are looked at first, for one of them that has ended would tell the others when they can be proven.
        let (mut timeouts, others): (Vec<_>, Vec<_>) = candidates.into_iter().partition(|candidate| candidate.action == Action::Timeout);
        let asked = others.len();
        let mut ready = self.provable(others, busy).await?;
        let more = ready.len() < asked;
        if timeouts.is_empty() && self.waits(&ready) {
            return Ok(None);
        }
        let view = match self.seen_lately().filter(|_| timeouts.is_empty() && self.needs_no_look(&ready)) {
            Some(view) => view,
            None => {
                let (view, over) = self.look(ready.iter().map(|ready| &ready.candidate).chain(&timeouts), busy).await?;
                ready.retain(|ready| !over.contains(&ready.candidate.record.key));
                timeouts.retain(|candidate| !over.contains(&candidate.record.key));
                view
            }
        };
        let timeouts = self.known_before(timeouts, busy).await?;
        ready.extend(self.provable(timeouts, busy).await?);
        if ready.is_empty() {
            return Ok(None);
        }
        let view = self.verified_view(view).await?;
        Ok(Some(Prepared { view, ready, more }))
    }

    /// The client, if the host was looked at a moment ago.
    fn seen_lately(&self) -> Option<ClientView> {
        let age_ms = self.host.now_ms().checked_sub(self.looked_ms);
        let view = self.path.view(self.direction).filter(|view| !view.frozen);
        view.filter(|_| age_ms.is_some_and(|age_ms| age_ms < LOOK_MS))
    }

    /// Whether a look at the host would tell nothing: all is news, nobody else relays there, and the client does not hold the heights needed.
    fn needs_no_look(&self, ready: &[Ready]) -> bool {
        let now_ms = self.host.now_ms();
        !self.host.has_rival() && ready.iter().all(|ready| is_news(&ready.candidate, now_ms) && self.is_above_client(ready.at))
    }

    /// Whether the client cannot hold a height yet: none that this relay brought is so high, or it is on its way to the next block, and left out
    /// where it would be in a transaction twice.
    fn is_above_client(&self, at: Provable) -> bool {
        let Some((brought, at_ms)) = self.host.brought(&self.client) else { return true };
        let on_its_way = self.host.now_ms().saturating_sub(at_ms) < self.host.description.block_interval_ms;
        match at {
            Provable::From(height) => height > brought || on_its_way,
            Provable::Exactly(height) => height > brought,
            _ => false,
        }
    }

    /// Hands over what was prepared, in as many batches as it takes. Whether there was anything in the last of them.
    async fn batches(&mut self, Prepared { view, ready, more }: Prepared, busy: &mut Busy) -> Turned<bool> {
        let (mut left, mut handed_over) = (ready, false);
        while !left.is_empty() {
            let (batch, later) = self.narrow(left);
            if handed_over {
                // Handing over waits for room: what was looked at long ago by now is looked at again.
                let stop = self.advance.is_some()
                    || self.shared.drain.is_cancelled()
                    || self.path.halted().is_some()
                    || self.seen_lately().is_none();
                if stop || more && later.is_empty() && self.postpone(&batch) {
                    break;
                }
            }
            let own = busy.part(batch.iter().map(|ready| &ready.candidate.record.key));
            handed_over = self.batch(&view, batch, own).await?;
            if !handed_over {
                break;
            }
            left = later;
        }
        Ok(handed_over)
    }

    /// Proves one batch and hands it over. Whether there was anything in it.
    async fn batch(&mut self, view: &ClientView, ready: Vec<Ready>, mut busy: Busy) -> Turned<bool> {
        match self.proven(view, ready, &mut busy).await {
            Ok(Some(proven)) => Ok(self.hand_over(proven, busy).await),
            Ok(None) => {
                busy.put_all_back();
                Ok(false)
            }
            Err(halt) => {
                busy.put_all_back();
                Err(halt)
            }
        }
    }

    /// Verified evidence and the updates it needs; `None` when nothing of it holds, or the client must be brought forward first.
    async fn proven(&mut self, view: &ClientView, ready: Vec<Ready>, busy: &mut Busy) -> Turned<Option<Proven>> {
        let Some(grounded) = self.ground(view, ready, busy).await? else { return Ok(None) };
        if let Some(highest) = grounded.groups.iter().map(|(trusted, _)| trusted.height).max()
            && !grounded.updates.is_empty()
        {
            self.host.note_brought(&self.client, highest);
        }
        self.prove(view, grounded, busy).await
    }

    /// Puts the rest of whole batches off, if it is small, all of it is news with time enough, and none of it was put off before.
    fn postpone(&mut self, batch: &[Ready]) -> bool {
        let now_ms = self.host.now_ms();
        let keys: BTreeSet<PacketKey> = batch.iter().map(|ready| ready.candidate.record.key.clone()).collect();
        let again = self.rest.as_ref().is_some_and(|rest| !rest.keys.is_disjoint(&keys));
        let small = keys.len() < self.count_max() / REST_PART;
        let can_wait = |ready: &Ready| is_news(&ready.candidate, now_ms) && !self.is_urgent(&ready.candidate);
        if again || !small || !batch.iter().all(can_wait) {
            return false;
        }
        let until_ms = now_ms.saturating_add(self.source.description.block_interval_ms);
        self.rest = Some(Rest { keys, head: self.source.hinted_head().0, until_ms });
        true
    }

    /// Whether a packet may expire within two blocks of the source.
    fn is_urgent(&self, candidate: &Candidate) -> bool {
        let wait_ms = self.source.description.block_interval_ms.saturating_mul(2);
        let (height, time_s) = self.host.hinted_head();
        let then = height.plus(wait_ms.div_ceil(self.host.description.block_interval_ms.max(1)));
        let packet = candidate.record.packet.as_ref().filter(|_| candidate.action == Action::Receive);
        packet.is_some_and(|packet| packet.expired(then, Some(time_s.saturating_add(wait_ms.div_ceil(1_000)))))
    }

    /// Whether there is nothing to do yet: nothing is ready, or only what was put off.
    fn waits(&self, ready: &[Ready]) -> bool {
        let waits = |rest: &Rest| self.source.hinted_head().0 == rest.head && self.host.now_ms() < rest.until_ms;
        let rest = self.rest.as_ref().filter(|rest| waits(rest));
        ready.iter().all(|ready| rest.is_some_and(|rest| rest.keys.contains(&ready.candidate.record.key)))
    }

    /// Packets of one look at the host: whole batches. On an ordered channel the next batch is built once this one is on its way.
    pub(super) fn look_max(&self) -> usize {
        let batches = if self.path.spec.order == Order::Ordered { 1 } else { BATCHES_MAX };
        self.count_max().saturating_mul(batches)
    }
}

/// Whether this relay saw it happen a moment ago and has not tried anything with it: where nobody else relays, the host's state says nothing
/// new of it, and the simulation asks that state anyway.
fn is_news(candidate: &Candidate, now_ms: u64) -> bool {
    let record = &candidate.record;
    let (seen, tried) = match candidate.action {
        Action::Receive => (Stage::Observed, Stage::Submitted),
        Action::Acknowledge => (Stage::Delivered, Stage::Returning),
        Action::Timeout | Action::TimeoutOnClose | Action::MarkExpired => return false,
    };
    let fresh = record.time(seen).is_some_and(|at| now_ms < at.saturating_add(NEWS_MS));
    fresh
        && record.origin == Origin::Live
        && record.time(tried).is_none()
        && record.attempts == 0
        && record.waits == 0
        && record.refusals == 0
}
