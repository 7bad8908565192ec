//! Client heights: what the client holds, what it needs, and the updates in between. Every update is verified here first.

use super::proof::{Ready, highest};
use super::{Candidate, HEIGHTS_MAX, Halt, Turned, Worker};
use crate::chain::TrustError;
use crate::journal::Op;
use crate::shared::{Batch, Busy};
use causeway_adapter::{AdapterError, ClientView, Message, Plan, Provable, TrustedState, UpdateStep, Violation};
use causeway_store::Write;
use causeway_types::{Claim, Height};
use std::collections::BTreeMap;
use tokio::sync::oneshot;

/// A batch with the heights it is proven at.
#[derive(Debug)]
pub(super) struct Grounded {
    /// Updates in canonical form, in order.
    pub(super) updates: Vec<Vec<u8>>,
    pub(super) groups: Vec<(TrustedState, Vec<(Candidate, Claim)>)>,
    /// Trusted states that must be durable before anything is submitted.
    pub(super) writes: Vec<Write>,
}

/// How a height is reached.
enum Way {
    /// With these updates (none: the client holds it).
    Open { trusted: TrustedState, updates: Vec<Vec<u8>>, writes: Vec<Write> },
    /// Not in this batch.
    Closed,
}

impl Worker {
    /// Looks at the client from time to time, and refreshes it before it expires, with or without traffic.
    pub(super) async fn watch_client(&mut self) -> Turned<()> {
        let period_s = self.source.spec.params.trusting_period_s;
        let every_ms = if self.refreshing { 1_000 } else { (period_s.saturating_mul(1_000) / 50).clamp(1_000, 30_000) };
        if self.advance.is_some() || self.host.now_ms().saturating_sub(self.view_seen_ms) < every_ms {
            return Ok(());
        }
        let view = self.host.call("client", self.host.adapter().client(&self.client)).await;
        let view = view.map_err(|error| self.adapter_failed(&self.host, &error))?;
        let view = self.note_view(view).await?;
        if !self.refreshing {
            if !self.refresh_due(&view) {
                return Ok(());
            }
            tracing::info!(path = %self.path.spec.name, client = %self.client, host = %self.host.id(), "client is refreshed before it expires");
            self.refreshing = true;
        }
        let view = self.verified_view(view).await?;
        // The newest height may be one that the host takes only later, and so may the newest one then: the one put off is gone for.
        let need = match self.deferred.filter(|(height, _)| *height > view.latest) {
            Some((_, not_before_s)) if self.host.hinted_time_s() < not_before_s => return Ok(()),
            deferred => deferred.map(|(height, _)| height),
        };
        match self.way(&view, need).await? {
            Way::Open { updates, writes, .. } => {
                self.refreshing = false;
                if updates.is_empty() {
                    return Ok(());
                }
                self.shared.journal.commit(writes.into_iter().map(Op::Write).collect()).await?;
                self.send_updates(&view, updates).await
            }
            Way::Closed => Ok(()),
        }
    }

    /// Whether so much of the client's life is over that it must be refreshed.
    fn refresh_due(&self, view: &ClientView) -> bool {
        let Some(time_s) = view.latest_time_s else { return false };
        let lifetime = view.expires_at_s.map_or(self.source.spec.params.trusting_period_s, |expires| expires.saturating_sub(time_s));
        let due = time_s.saturating_add(lifetime.saturating_mul(self.host.deadlines.refresh_percent.into()) / 100);
        self.host.now_s() >= due.max(time_s.saturating_add(1))
    }

    /// The trusted state of a height that the client holds, after checking once that it holds the same as was verified here.
    async fn agreed_at(&mut self, view: &ClientView, height: Height) -> Turned<TrustedState> {
        let trusted = self.source.trust.verified_at(&self.source, view, height, &self.shared.journal).await;
        let trusted = trusted.map_err(|error| self.trust_failed(error))?;
        if self.agreed.contains(&height) {
            return Ok(trusted);
        }
        if !self.holds(height, &trusted).await? && !self.holds_after_all(height, &trusted).await? {
            return Err(self.contradicted(height, &trusted).await);
        }
        self.agreed.insert(height);
        if self.agreed.len() > 1_024 {
            self.agreed.pop_first();
        }
        Ok(trusted)
    }

    /// Chooses heights for what is ready and plans the updates they need. What has no way now goes back.
    pub(super) async fn ground(&mut self, view: &ClientView, ready: Vec<Ready>, busy: &mut Busy) -> Turned<Option<Grounded>> {
        let mut grounded = Grounded { updates: Vec::new(), groups: Vec::new(), writes: Vec::new() };
        let put_off = self.deferred.is_some();
        let mut exact: BTreeMap<Height, Vec<(Candidate, Claim)>> = BTreeMap::new();
        let (ready, need) = self.in_reach(ready, busy);
        let mut from = Vec::new();
        for Ready { candidate, claim, at } in ready {
            match at {
                Provable::Exactly(height) => exact.entry(height).or_default().push((candidate, claim)),
                _ => from.push((candidate, claim)),
            }
        }
        if let Some(need) = need {
            // Where old state is pruned, the first height that would do is no better than the one held: the newest it is.
            // It may take several steps, each in a transaction of its own, or be put off: it is gone for until a way is open.
            let way = match view.latest >= need {
                _ if self.fresh && !put_off => self.way(view, None).await?,
                true => self.held(view, view.latest).await?,
                false => self.way(view, Some(need)).await?,
            };
            self.fresh &= matches!(way, Way::Closed);
            grounded.add(way, from, busy);
        }
        for (index, (height, members)) in exact.into_iter().enumerate() {
            let way = if index >= HEIGHTS_MAX { Way::Closed } else { self.exact_way(view, height).await? };
            grounded.add(way, members, busy);
        }
        Ok(if grounded.groups.is_empty() { None } else { Some(grounded) })
    }

    /// While the host takes an update only later, claims above it wait for the one after.
    fn in_reach(&mut self, ready: Vec<Ready>, busy: &mut Busy) -> (Vec<Ready>, Option<Height>) {
        let Some((height, not_before_s)) = self.deferred else {
            let need = highest(&ready);
            return (ready, need);
        };
        let open = self.host.hinted_time_s() >= not_before_s;
        if open {
            self.deferred = None;
        }
        let (kept, rest): (Vec<_>, Vec<_>) = ready.into_iter().partition(|ready| match ready.at {
            Provable::From(from) => open && from <= height,
            _ => true,
        });
        for ready in &rest {
            busy.put_back(&ready.candidate.record.key);
        }
        // What was put off is gone for, though less would do: it may have been chosen because the rest is pruned.
        let need = highest(&kept).map(|need| need.max(height));
        (kept, need)
    }

    async fn held(&mut self, view: &ClientView, height: Height) -> Turned<Way> {
        Ok(Way::Open { trusted: self.agreed_at(view, height).await?, updates: Vec::new(), writes: Vec::new() })
    }

    /// The client as far as it can be verified: where its newest height cannot be (somebody else brought it, and its state is pruned by now),
    /// the newest one that was verified here takes its place.
    pub(super) async fn verified_view(&mut self, view: ClientView) -> Turned<ClientView> {
        let error = match self.agreed_at(&view, view.latest).await {
            Ok(_) => return Ok(view),
            Err(Halt::Stop) => return Err(Halt::Stop),
            Err(error) => error,
        };
        if self.path.halted().is_some() {
            return Err(error);
        }
        let Some(lower) = self.source.trust.at_most(view.latest).filter(|lower| lower.height < view.latest) else { return Err(error) };
        self.agreed_at(&view, lower.height).await?;
        Ok(ClientView { latest: lower.height, latest_time_s: lower.time_s, ..view })
    }

    /// A height that the client must hold exactly.
    async fn exact_way(&mut self, view: &ClientView, height: Height) -> Turned<Way> {
        let holds = self.agreed.contains(&height)
            || (view.latest >= height
                && match self.host.call("consensus", self.host.adapter().consensus(&self.client, height)).await {
                    Ok(_) => true,
                    Err(AdapterError::NotFound { .. }) => false,
                    Err(error) => return Err(self.adapter_failed(&self.host, &error)),
                });
        if holds {
            return self.held(view, height).await;
        }
        match self.way(view, Some(height)).await? {
            Way::Open { trusted, .. } if trusted.height != height => Ok(Way::Closed),
            way => Ok(way),
        }
    }

    /// Plans and verifies the updates that bring the client to `need`, or to the newest height.
    async fn way(&mut self, view: &ClientView, need: Option<Height>) -> Turned<Way> {
        let limits = self.host.description.limits;
        let plan = self.source.call("plan_update", self.source.adapter().plan_update(view, need, limits)).await;
        let steps = match plan.map_err(|error| self.adapter_failed(&self.source, &error))? {
            Plan::Steps(steps) => steps,
            Plan::NotYet { .. } => return Ok(Way::Closed),
        };
        if steps.is_empty() {
            return self.held(view, view.latest.max(need.filter(|need| *need > view.latest).unwrap_or(view.latest))).await;
        }
        let (mut updates, mut writes, mut last) = (Vec::new(), Vec::new(), None);
        let inline_max = usize::try_from(limits.messages_max / 2).unwrap_or(usize::MAX).max(1);
        for step in steps {
            let early = step.not_before_s.is_some_and(|at| at > self.host.hinted_time_s());
            if early && updates.is_empty() {
                self.deferred = Some((need.unwrap_or(step.resulting), step.not_before_s.unwrap_or(0)));
                return Ok(Way::Closed);
            }
            let alone = step.own_transaction || updates.len() >= inline_max;
            if (early || alone) && !updates.is_empty() {
                return self.go_ahead(view, (updates, writes)).await;
            }
            let (state, rows) = self.verify_step(view, &step).await?;
            writes.extend(rows);
            updates.push(step.update);
            if step.own_transaction {
                return self.go_ahead(view, (updates, writes)).await;
            }
            last = Some(state);
        }
        Ok(last.map_or(Way::Closed, |trusted| Way::Open { trusted, updates, writes }))
    }

    /// Sends updates on their own; what needs them goes on once they have landed.
    async fn go_ahead(&mut self, view: &ClientView, (updates, writes): (Vec<Vec<u8>>, Vec<Write>)) -> Turned<Way> {
        self.shared.journal.commit(writes.into_iter().map(Op::Write).collect()).await?;
        self.send_updates(view, updates).await?;
        Ok(Way::Closed)
    }

    async fn verify_step(&mut self, view: &ClientView, step: &UpdateStep) -> Turned<(TrustedState, Vec<Write>)> {
        let base = match self.source.trust.at(step.trusted) {
            Some(base) => base,
            None => self.agreed_at(view, step.trusted).await?,
        };
        let judged = self.source.trust.judge_for(&self.source, view, &base, &step.update);
        let (state, rows) = judged.map_err(|judged| self.trust_failed(judged.into_error(&self.source, step.resulting)))?;
        if state.height != step.resulting {
            let violation = Violation::new("update-height", step.resulting.to_string(), state.height.to_string());
            self.source.violated(&violation, "update");
            return Err(self.trust_failed(TrustError::Violation(violation)));
        }
        Ok((state, rows))
    }

    async fn send_updates(&mut self, view: &ClientView, updates: Vec<Vec<u8>>) -> Turned<()> {
        let mut messages = Vec::with_capacity(updates.len());
        for update in updates {
            match self.source.light_client().encode_update(&view.host_encoding, &update) {
                Ok(update) => messages.push(Message::UpdateClient { client_id: self.client.clone(), update }),
                Err(violation) => return Err(self.trust_failed(TrustError::Violation(violation))),
            }
        }
        let (done, advance) = oneshot::channel();
        self.advance = Some(advance);
        self.send_messages(messages, done).await;
        Ok(())
    }

    pub(super) async fn send_messages(&self, messages: Vec<Message>, done: oneshot::Sender<crate::shared::BatchEnd>) {
        let items = vec![None; messages.len()];
        let busy = Busy::new(self.shared.journal.clone(), Vec::new());
        self.shared.submit(self.host.id(), Batch { messages, proofs: Vec::new(), items, busy, done: Some(done) }).await;
    }
}

impl Grounded {
    fn add(&mut self, way: Way, members: Vec<(Candidate, Claim)>, busy: &mut Busy) {
        match way {
            Way::Open { trusted, updates, writes } => {
                for update in updates {
                    if !self.updates.contains(&update) {
                        self.updates.push(update);
                    }
                }
                self.writes.extend(writes);
                self.groups.push((trusted, members));
            }
            Way::Closed => members.iter().for_each(|(candidate, _)| busy.put_back(&candidate.record.key)),
        }
    }
}
