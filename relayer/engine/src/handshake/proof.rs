//! What a step of a handshake proves to its host: updates of the client there, and evidence that was verified here first.

use super::Side;
use crate::error::StartError;
use crate::journal::Op;
use causeway_adapter::{ClientView, Evidence, EvidenceItem, Message, Plan, ProofGroup, Provable, TrustedState};
use causeway_types::{Claim, ClientId, Height};
use std::time::Duration;

/// How often a proof is tried for before the step is given up; the next call goes on.
const PROOF_ATTEMPTS: u32 = 60;

impl Side<'_> {
    /// Updates of our client, and evidence at the height it holds then, of a claim about the other chain.
    pub(crate) async fn proven(
        &self,
        step: &'static str,
        client: &ClientId,
        claim: &Claim,
    ) -> Result<(Vec<Message>, ProofGroup), StartError> {
        for _ in 0..PROOF_ATTEMPTS {
            let provable = self.source.call("provable", self.source.adapter().provable(claim)).await;
            if let Provable::From(need) | Provable::Exactly(need) = provable.map_err(|error| self.failed(error))? {
                let view = self.view(client).await?;
                if let Some((messages, trusted)) = self.brought_to(&view, need).await?
                    && let Some(evidence) = self.evidence(step, claim, &trusted).await?
                {
                    let evidence = self.source.light_client().encode_evidence(&view.host_encoding, &evidence);
                    let evidence = evidence.map_err(|violation| self.violated(violation))?;
                    return Ok((messages, ProofGroup { client_id: client.clone(), evidence }));
                }
            }
            self.host.env.clock.sleep(self.source.poll_interval().max(Duration::from_millis(200))).await;
        }
        Err(self.unexpected(step, format!("{} gives no proof of it; call again in a moment", self.source.id())))
    }

    fn violated(&self, violation: causeway_adapter::Violation) -> StartError {
        StartError::Verification { chain: self.source.id().clone(), violation }
    }

    /// The updates that bring the client to a height, and the state it then trusts; `None` while the chain has not come that far.
    async fn brought_to(&self, view: &ClientView, need: Height) -> Result<Option<(Vec<Message>, TrustedState)>, StartError> {
        let limits = self.host.description.limits;
        let plan = self.source.call("plan_update", self.source.adapter().plan_update(view, Some(need), limits)).await;
        let Ok(Plan::Steps(steps)) = plan else { return Ok(None) };
        let verified = |height| self.source.trust.verified_at(self.source, view, height, self.journal);
        let not_provable = |height| StartError::NotProvable { chain: self.source.id().clone(), height };
        let (mut messages, mut at) = (Vec::new(), None);
        for step in steps {
            let base = verified(step.trusted).await.map_err(|_| not_provable(step.trusted))?;
            let judged = self.source.trust.judge(self.source, &base, &step.update);
            let (state, writes) = judged.map_err(|_| not_provable(step.resulting))?;
            self.journal.commit(writes.into_iter().map(Op::Write).collect()).await?;
            let update = self.source.light_client().encode_update(&view.host_encoding, &step.update);
            let update = update.map_err(|violation| self.violated(violation))?;
            messages.push(Message::UpdateClient { client_id: view.client_id.clone(), update });
            at = Some(state);
        }
        let trusted = match at {
            Some(state) => state,
            None => verified(view.latest).await.map_err(|_| not_provable(view.latest))?,
        };
        Ok(Some((messages, trusted)))
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
