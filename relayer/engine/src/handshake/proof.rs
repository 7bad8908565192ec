//! What a step of a handshake proves to its host: updates of the client there, and evidence that was verified here first.

use super::Side;
use crate::error::StartError;
use crate::journal::Op;
use causeway_adapter::{ClientView, Evidence, EvidenceItem, Message, Plan, ProofGroup, Provable, TrustedState};
use causeway_types::{Claim, ClientId, Height};
use std::time::Duration;

/// How often a proof is tried for before the step is given up; the next call goes on.
const PROOF_ATTEMPTS: u32 = 60;

/// A claim that was verified here, and how it gets to the host.
pub(crate) struct Proven {
    /// Updates that need a transaction each, before anything else.
    pub(crate) ahead: Vec<Message>,
    /// Updates that go along with what is proven.
    pub(crate) updates: Vec<Message>,
    /// The evidence.
    pub(crate) group: ProofGroup,
}

/// Updates on the way to a height, and what is trusted there.
struct Brought {
    ahead: Vec<Message>,
    updates: Vec<Message>,
    trusted: TrustedState,
}

impl Side<'_> {
    /// Updates of our client, and evidence at the height it holds then, of a claim about the other chain.
    pub(crate) async fn proven(&self, step: &'static str, client: &ClientId, claim: &Claim) -> Result<Proven, StartError> {
        // One height is gone for, even if its update is taken only later: a newer one might be put off for ever.
        let mut need = None;
        for _ in 0..PROOF_ATTEMPTS {
            if need.is_none() {
                let provable = self.source.call("provable", self.source.adapter().provable(claim)).await;
                if let Provable::From(height) | Provable::Exactly(height) = provable.map_err(|error| self.failed(error))? {
                    need = Some(height);
                }
            }
            if let Some(height) = need {
                let view = self.view(client).await?;
                if let Some(Brought { ahead, updates, trusted }) = self.brought_to(&view, height).await? {
                    if let Some(evidence) = self.evidence(step, claim, &trusted).await? {
                        let evidence = self.source.light_client().encode_evidence(&view.host_encoding, &evidence);
                        let evidence = evidence.map_err(|violation| self.violated(violation))?;
                        return Ok(Proven { ahead, updates, group: ProofGroup { client_id: client.clone(), evidence } });
                    }
                    need = None;
                }
            }
            self.host.env.clock.sleep(self.source.poll_interval().max(Duration::from_millis(200))).await;
        }
        Err(self.unexpected(step, format!("{} gives no proof of it; call again in a moment", self.source.id())))
    }

    fn violated(&self, violation: causeway_adapter::Violation) -> StartError {
        StartError::Verification { chain: self.source.id().clone(), violation }
    }

    /// The updates that bring the client to a height; `None` while the chain has not come that far, or the host would take them only later.
    async fn brought_to(&self, view: &ClientView, need: Height) -> Result<Option<Brought>, StartError> {
        let limits = self.host.description.limits;
        let plan = self.source.call("plan_update", self.source.adapter().plan_update(view, Some(need), limits)).await;
        let Ok(Plan::Steps(steps)) = plan else { return Ok(None) };
        let verified = |height| self.source.trust.verified_at(self.source, view, height, self.journal);
        let not_provable = |height| StartError::NotProvable { chain: self.source.id().clone(), height };
        if steps.iter().any(|step| step.not_before_s.is_some_and(|at| at > self.host.hinted_time_s())) {
            return Ok(None);
        }
        let (mut ahead, mut updates, mut at) = (Vec::new(), Vec::new(), None);
        for step in steps {
            let base = verified(step.trusted).await.map_err(|_| not_provable(step.trusted))?;
            let judged = self.source.trust.judge_for(self.source, view, &base, &step.update);
            let (state, writes) = judged.map_err(|_| not_provable(step.resulting))?;
            self.journal.commit(writes.into_iter().map(Op::Write).collect()).await?;
            let update = self.source.light_client().encode_update(&view.host_encoding, &step.update);
            let update = update.map_err(|violation| self.violated(violation))?;
            updates.push(Message::UpdateClient { client_id: view.client_id.clone(), update });
            if step.own_transaction {
                ahead.append(&mut updates);
            }
            at = Some(state);
        }
        let trusted = match at {
            Some(state) => state,
            None => verified(view.latest).await.map_err(|_| not_provable(view.latest))?,
        };
        Ok(Some(Brought { ahead, updates, trusted }))
    }

    /// Evidence that verifies here; `None` while the endpoint cannot serve it.
    async fn evidence(&self, step: &'static str, claim: &Claim, trusted: &TrustedState) -> Result<Option<Evidence>, StartError> {
        let fetched = self.source.call("fetch", self.source.adapter().fetch(std::slice::from_ref(claim), trusted.height)).await;
        let Ok(evidence) = fetched else { return Ok(None) };
        if evidence.each.first() == Some(&EvidenceItem::NotSo) {
            self.say(step, format!("{} does not show it at height {} yet", self.source.id(), trusted.height));
            return Ok(None);
        }
        match self.source.light_client().verify_claim(trusted, claim, &evidence, 0) {
            Ok(()) => Ok(Some(evidence)),
            Err(violation) => Err(self.violated(violation)),
        }
    }
}
