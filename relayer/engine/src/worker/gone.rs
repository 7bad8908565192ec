//! Packets of which an endpoint says that their commitment is gone: somebody else acknowledged them or timed them out. Nothing ends by that word.
//!
//! Where the sending chain can prove absence, the worker that follows it proves it to itself, against a header that it verified; nothing is
//! submitted. Where it cannot, state must say so twice, and clearing opens the packet again should its commitment be seen alive.
//!
//! Which of the two ends it was, no commitment tells. An acknowledgement or receipt that is known says it; otherwise the endpoints do.

use super::{LOOKUP_MAX, Turned, Worker};
use crate::journal::{Op, Queue};
use crate::packet::{PacketRecord, Received, Stage};
use crate::shared::Busy;
use causeway_adapter::{Absence, AdapterError, Evidence, EvidenceItem, Provable, TrustedState, Violation};
use causeway_types::{Claim, Sequence};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Time between two looks at state where absence cannot be proven, milliseconds.
const LOOKS_APART_MS: u64 = 1_000;

/// What was learnt of one packet.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Learnt {
    /// Its commitment is gone.
    Gone,
    /// Its commitment lives.
    Lives,
    /// Nothing yet.
    Nothing(String),
}

impl Worker {
    /// Confirms or refutes what endpoints say of packets sent on the source.
    pub(super) async fn confirm_gone(&self) -> Turned<()> {
        let provable = self.source.description.absence == Absence::Provable;
        let now_ms = self.source.now_ms();
        let due = |record: &PacketRecord| match record.gone {
            Some(_) if provable => self.newer_than(record, self.source.head_height(), self.source.hinted_time_s()),
            Some(gone) => gone.since_ms.saturating_add(LOOKS_APART_MS) <= now_ms,
            None => false,
        };
        let records = self.shared.journal.table(|table| table.take(self.inbound(), Queue::Gone, LOOKUP_MAX, due));
        if records.is_empty() {
            return Ok(());
        }
        let keys = records.iter().map(|record| record.key.clone()).collect();
        let busy = Busy::new(self.shared.journal.clone(), keys);
        let mut learnt = if provable { self.prove_gone(&records).await } else { self.look_again(&records).await };
        let ends = self.ends(&records, &mut learnt).await;
        let ops = records.iter().zip(learnt).map(|(record, learnt)| self.conclude(record, learnt, ends.get(&record.key.sequence).copied()));
        self.shared.journal.commit(ops.collect()).await?;
        // What is still to be proven has its turn with the next block, not at once.
        busy.put_all_back();
        Ok(())
    }

    fn conclude(&self, record: &PacketRecord, learnt: Learnt, received: Option<bool>) -> Op {
        let when = self.when();
        let since_ms = record.gone.map_or(0, |gone| gone.since_ms);
        // No proof is to be had of a word that is not true: it delays the packet for so long, not for ever.
        let patience_ms = self.source.deadlines.hint_ms.saturating_add(self.drift_s().saturating_mul(1_000));
        let overdue = since_ms.saturating_add(patience_ms) <= when.now_ms;
        Op::change(record.key.clone(), move |record| match learnt {
            Learnt::Gone => record.gone_confirmed(received, when.now_ms),
            Learnt::Lives => record.gone_refuted("called finished, but its commitment lives", when),
            Learnt::Nothing(why) if overdue => record.gone_refuted(&format!("called finished, which nothing proves: {why}"), when),
            // A packet that rests stays what it is, and is asked about with every block until then.
            Learnt::Nothing(_) if record.state.rests() => {}
            Learnt::Nothing(why) => record.park(&format!("called finished; to be proven: {why}"), when),
        })
    }

    fn drift_s(&self) -> u64 {
        self.source.spec.params.clock_drift_max_s
    }

    /// Whether a height of the source is certainly later than the sending of the packet, so that the absence of its commitment means its end.
    ///
    /// It is above the height at which the commitment was verified; or its time is later than that of any block that could be there when the
    /// packet was first heard of, for the clock of a verified header is at most the drift ahead of ours.
    fn newer_than(&self, record: &PacketRecord, height: Option<causeway_types::Height>, time_s: u64) -> bool {
        if let (Some(committed), Some(height)) = (record.committed_at, height)
            && height > committed
        {
            return true;
        }
        let observed_s = record.time(Stage::Observed).unwrap_or(u64::MAX) / 1_000;
        time_s > observed_s.saturating_add(self.drift_s())
    }

    /// Fetches and verifies that the commitments are absent, at one height.
    async fn prove_gone(&self, records: &[Arc<PacketRecord>]) -> Vec<Learnt> {
        let source = self.path.from(self.direction).packets();
        let claim = |record: &Arc<PacketRecord>| Claim::NoCommitment { source: source.clone(), sequence: record.key.sequence };
        let claims: Vec<Claim> = records.iter().map(claim).collect();
        match self.absent(records, &claims).await {
            Ok((trusted, evidence)) => {
                let pairs = records.iter().zip(&claims).enumerate();
                pairs.map(|(index, (record, claim))| self.judge_gone(record, &trusted, (claim, &evidence, index))).collect()
            }
            Err(why) => vec![Learnt::Nothing(why); records.len()],
        }
    }

    async fn absent(&self, records: &[Arc<PacketRecord>], claims: &[Claim]) -> Result<(TrustedState, Evidence), String> {
        let text = |error: AdapterError| error.to_string();
        // The one that was called finished last decides for all.
        let last = records.iter().zip(claims).max_by_key(|(record, _)| record.gone.map(|gone| gone.since_ms));
        let Some((_, newest)) = last else { return Err("nothing to prove".into()) };
        let from = match self.source.call("provable", self.source.adapter().provable(newest)).await.map_err(text)? {
            Provable::From(height) | Provable::Exactly(height) => height,
            Provable::Later { .. } => return Err("its chain cannot prove it yet".into()),
        };
        let Some(view) = self.path.view(self.direction) else { return Err("the client was not seen yet".into()) };
        // What is verified already need not be verified again.
        let latest = self.source.trust.latest();
        let trusted = if latest.height >= from {
            latest
        } else {
            let verified = self.source.trust.verified_at(&self.source, &view, from, &self.shared.journal).await;
            verified.map_err(|error| error.to_string())?
        };
        let evidence = self.source.call("fetch", self.source.adapter().fetch(claims, trusted.height)).await.map_err(text)?;
        Ok((trusted, evidence))
    }

    fn judge_gone(&self, record: &PacketRecord, trusted: &TrustedState, (claim, evidence, index): (&Claim, &Evidence, usize)) -> Learnt {
        let certain = self.newer_than(record, Some(trusted.height), trusted.time_s.unwrap_or(0));
        if !certain {
            return Learnt::Nothing(format!("height {} may be from before it was sent", trusted.height));
        }
        let verdict = match evidence.each.get(index) {
            Some(EvidenceItem::NotSo) => return Learnt::Lives,
            _ if evidence.height != trusted.height => {
                Err(Violation::new("evidence-height", trusted.height.to_string(), evidence.height.to_string()))
            }
            _ => self.source.light_client().verify_claim(trusted, claim, evidence, index),
        };
        match verdict {
            Ok(()) => Learnt::Gone,
            Err(violation) => {
                self.source.violated(&violation, "claim");
                Learnt::Nothing(violation.to_string())
            }
        }
    }

    /// Where absence cannot be proven: what state says the second time.
    async fn look_again(&self, records: &[Arc<PacketRecord>]) -> Vec<Learnt> {
        let sequences: Vec<Sequence> = records.iter().map(|record| record.key.sequence).collect();
        let end = self.path.from(self.direction).packets();
        match self.source.call("packet_states", self.source.adapter().packet_states(&end, &sequences)).await {
            Ok(states) if states.len() == records.len() => {
                states.iter().map(|state| if state.commitment.is_none() { Learnt::Gone } else { Learnt::Lives }).collect()
            }
            Ok(states) => vec![Learnt::Nothing(format!("{} answers for {} packets", states.len(), records.len())); records.len()],
            Err(error) => vec![Learnt::Nothing(error.to_string()); records.len()],
        }
    }

    /// Of packets that are gone and of which nothing else is known: whether the destination's state holds a receipt. No proof; it only tells
    /// an acknowledged packet from one that was timed out.
    async fn ends(&self, records: &[Arc<PacketRecord>], learnt: &mut [Learnt]) -> BTreeMap<Sequence, bool> {
        let unknown = |record: &PacketRecord| record.ack.is_none() && record.received == Received::No;
        let asked: Vec<(&Arc<PacketRecord>, &mut Learnt)> =
            records.iter().zip(learnt).filter(|(record, learnt)| **learnt == Learnt::Gone && unknown(record)).collect();
        let sequences: Vec<Sequence> = asked.iter().map(|(record, _)| record.key.sequence).collect();
        if sequences.is_empty() {
            return BTreeMap::new();
        }
        let end = self.path.to(self.direction).packets();
        match self.host.call("packet_states", self.host.adapter().packet_states(&end, &sequences)).await {
            Ok(states) => states.into_iter().map(|state| (state.sequence, state.received)).collect(),
            Err(error) => {
                asked.into_iter().for_each(|(_, learnt)| *learnt = Learnt::Nothing(format!("acknowledged or timed out? {error}")));
                BTreeMap::new()
            }
        }
    }
}
