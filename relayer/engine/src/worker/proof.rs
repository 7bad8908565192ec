//! Claims and their evidence: when they can be proven, and that they are. Whatever breaks a rule stops here.

use super::update::Grounded;
use super::{Candidate, Halt, Turned, Worker};
use crate::journal::Op;
use crate::packet::{Action, Received, Stage};
use crate::shared::Busy;
use causeway_adapter::{AdapterError, ClientView, EncodedEvidence, Evidence, EvidenceItem, Provable, TrustedState, Violation};
use causeway_types::classic::Order;
use causeway_types::{Claim, Height, Packet, Sequence};
use std::collections::BTreeMap;

/// Times that evidence is fetched anew after items were left out.
const ROUNDS_MAX: usize = 3;

/// Something to prove, and at which heights it can be.
#[derive(Debug)]
pub(super) struct Ready {
    pub(super) candidate: Candidate,
    pub(super) claim: Claim,
    pub(super) at: Provable,
}

/// A batch that has been verified and encoded.
#[derive(Debug)]
pub(super) struct Proven {
    /// Client updates as the host takes them, in order.
    pub(super) updates: Vec<Vec<u8>>,
    /// Evidence as the host takes it, and what each item is for.
    pub(super) groups: Vec<(EncodedEvidence, Vec<Candidate>)>,
}

/// What a claim's provability depends on: claims of one kind and block share one question.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Question {
    Block(&'static str, u64),
    /// All timeouts by absence at a time share the question for the latest of them.
    Absence,
    /// Whatever the closing of a channel returns waits for one proof of it.
    Closed,
    Own(&'static str, Sequence),
}

fn question(action: Action, claim: &Claim) -> Option<Question> {
    if action == Action::TimeoutOnClose {
        return Some(Question::Closed);
    }
    if let Some(locator) = claim.locator() {
        return Some(Question::Block(claim.kind(), locator.block));
    }
    let packet = claim.packet()?;
    let absence = matches!(claim, Claim::NoReceipt { .. } | Claim::NotReached { .. });
    let by_time = packet.timeout().height.is_none();
    Some(if absence && by_time { Question::Absence } else { Question::Own(claim.kind(), packet.sequence()) })
}

fn expires_at_s(claim: &Claim) -> Option<u64> {
    claim.packet().and_then(Packet::expires_at_s)
}

fn claim(candidate: &Candidate, order: Order) -> Option<Claim> {
    let record = &candidate.record;
    let packet = record.packet.clone()?;
    Some(match candidate.action {
        Action::Receive => Claim::Commitment { packet, locator: record.sent.clone() },
        Action::Acknowledge => Claim::Ack { packet, acknowledgement: record.ack.clone()?, locator: record.acked_at.clone() },
        Action::Timeout if record.marked => Claim::Expired { packet, locator: record.marked_at.clone() },
        Action::Timeout | Action::TimeoutOnClose if order == Order::Ordered => Claim::NotReached { packet },
        Action::Timeout | Action::TimeoutOnClose => Claim::NoReceipt { packet },
        Action::MarkExpired => return None,
    })
}

impl Worker {
    /// That the channel is closed at the source, as it was seen there.
    fn closed_claim(&self) -> Option<Claim> {
        let id = self.path.from(self.direction).channel.clone()?;
        let end = self.path.channel(self.direction).filter(|_| self.path.is_closed(self.direction))?;
        Some(Claim::Channel { id, end })
    }

    /// Asks when the candidates can be proven; those that cannot yet go back.
    pub(super) async fn provable(&self, candidates: Vec<Candidate>, busy: &mut Busy) -> Turned<Vec<Ready>> {
        let mut asked: BTreeMap<Question, Claim> = BTreeMap::new();
        let mut claims = Vec::new();
        for candidate in candidates {
            let Some(claim) = claim(&candidate, self.path.spec.order) else { continue };
            let Some(question) = question(candidate.action, &claim) else { continue };
            let later = |known: &Claim| expires_at_s(known) < expires_at_s(&claim);
            if asked.get(&question).is_none_or(|known| question == Question::Absence && later(known)) {
                let about = if question == Question::Closed { self.closed_claim() } else { None };
                asked.insert(question.clone(), about.unwrap_or_else(|| claim.clone()));
            }
            claims.push((candidate, claim, question));
        }
        let calls = asked.values().map(|claim| self.source.call("provable", self.source.adapter().provable(claim)));
        let answers: Vec<Result<Provable, AdapterError>> = futures::future::join_all(calls).await;
        let mut known = BTreeMap::new();
        for (question, answer) in asked.into_keys().zip(answers) {
            match answer {
                Ok(provable) => known.insert(question, provable),
                Err(error) => return Err(self.adapter_failed(&self.source, &error)),
            };
        }
        let (mut ready, mut marks) = (Vec::new(), Vec::new());
        for (candidate, claim, question) in claims {
            match known.get(&question) {
                Some(at @ (Provable::From(_) | Provable::Exactly(_))) => ready.push(Ready { candidate, claim, at: *at }),
                _ => {
                    marks.extend(self.mark_overdue(&candidate));
                    busy.put_back(&candidate.record.key);
                }
            }
        }
        if !marks.is_empty() {
            self.shared.journal.commit(marks).await?;
        }
        Ok(ready)
    }

    /// A mark that stays out of reach of proof for so long was never made, whatever the outcome of its transaction said.
    fn mark_overdue(&self, candidate: &Candidate) -> Option<Op> {
        let record = &candidate.record;
        let since_ms = record.time(Stage::Returning)?;
        let when = self.when();
        let overdue = when.now_ms >= since_ms.saturating_add(self.source.deadlines.hint_ms);
        let marked = candidate.action == Action::Timeout && record.marked;
        (marked && overdue).then(|| Op::change(record.key.clone(), move |record| record.mark_refuted("its mark cannot be proven", when)))
    }

    /// Fetches, verifies and encodes the evidence of a batch. `None` when nothing of it holds.
    pub(super) async fn prove(&mut self, view: &ClientView, grounded: Grounded, busy: &mut Busy) -> Turned<Option<Proven>> {
        let Grounded { updates, groups, writes } = grounded;
        let mut ops: Vec<Op> = writes.into_iter().map(Op::Write).collect();
        let mut encoded = Vec::new();
        for (trusted, members) in groups {
            if let Some(group) = self.prove_group(view, &trusted, members, (&mut ops, busy)).await? {
                encoded.push(group);
            }
        }
        self.shared.journal.commit(ops).await?;
        if encoded.is_empty() {
            return Ok(None);
        }
        let encode = |update: &Vec<u8>| self.source.light_client().encode_update(&view.host_encoding, update);
        let updates = updates.iter().map(encode).collect::<Result<Vec<_>, _>>().map_err(|violation| self.unusable(&violation))?;
        Ok(Some(Proven { updates, groups: encoded }))
    }

    fn unusable(&self, violation: &Violation) -> Halt {
        self.source.violated(violation, "encoding");
        Halt::Wait { ms: 2_000, failed: true }
    }

    async fn prove_group(
        &mut self,
        view: &ClientView,
        trusted: &TrustedState,
        mut members: Vec<(Candidate, Claim)>,
        (ops, busy): (&mut Vec<Op>, &mut Busy),
    ) -> Turned<Option<(EncodedEvidence, Vec<Candidate>)>> {
        for _ in 0..ROUNDS_MAX {
            if members.is_empty() {
                return Ok(None);
            }
            let on_close = members.iter().any(|(candidate, _)| candidate.action == Action::TimeoutOnClose);
            let closed = if on_close { self.closed_claim() } else { None };
            let claims: Vec<Claim> = members.iter().map(|(_, claim)| claim.clone()).chain(closed).collect();
            let evidence = match self.source.call("fetch", self.source.adapter().fetch(&claims, trusted.height)).await {
                Ok(evidence) => evidence,
                Err(AdapterError::HeightPruned { .. }) => return self.pruned(members, (ops, busy)).map(|()| None),
                Err(error) => return Err(self.adapter_failed(&self.source, &error)),
            };
            let judge = |(index, claim): (usize, &Claim)| {
                if let Some((Candidate { action: Action::Timeout, .. }, claim)) = members.get(index) {
                    in_time(trusted, claim)?;
                }
                self.judge(trusted, claim, &evidence, index)
            };
            let mut judged: Vec<Result<(), Option<Violation>>> = claims.iter().enumerate().map(judge).collect();
            if judged.iter().all(Result::is_ok) {
                let encoded = self.source.light_client().encode_evidence(&view.host_encoding, &evidence);
                let encoded = encoded.map_err(|violation| self.unusable(&violation))?;
                ops.extend(members.iter().filter_map(confirmed));
                return Ok(Some((encoded, members.into_iter().map(|(candidate, _)| candidate).collect())));
            }
            // Without the proof that the channel is closed nothing of the group holds.
            if let Some(Err(violation)) = judged.get(members.len()) {
                violation.iter().for_each(|violation| self.source.violated(violation, "claim"));
                break;
            }
            judged.truncate(members.len());
            let mut kept = Vec::new();
            for ((candidate, claim), judged) in members.into_iter().zip(judged) {
                match judged {
                    Ok(()) => kept.push((candidate, claim)),
                    Err(violation) => {
                        ops.extend(self.disproven(&candidate, violation).await?);
                        busy.put_back(&candidate.record.key);
                    }
                }
            }
            members = kept;
        }
        for (candidate, _) in &members {
            busy.put_back(&candidate.record.key);
        }
        Ok(None)
    }

    fn judge(&self, trusted: &TrustedState, claim: &Claim, evidence: &Evidence, index: usize) -> Result<(), Option<Violation>> {
        if evidence.height != trusted.height {
            return Err(Some(Violation::new("evidence-height", trusted.height.to_string(), evidence.height.to_string())));
        }
        match evidence.each.get(index) {
            None => return Err(Some(Violation::new("evidence-count", "one item a claim", evidence.each.len().to_string()))),
            Some(EvidenceItem::NotSo) => return Err(None),
            Some(EvidenceItem::Bytes(_)) => {}
        }
        self.source.light_client().verify_claim(trusted, claim, evidence, index).map_err(Some)
    }

    /// What is learnt from a claim that does not hold, or whose evidence is false.
    async fn disproven(&self, candidate: &Candidate, violation: Option<Violation>) -> Turned<Option<Op>> {
        let when = self.when();
        let key = candidate.record.key.clone();
        if let Some(violation) = &violation {
            self.source.violated(violation, "claim");
        }
        let repeated = candidate.record.waits >= 2;
        let text = violation.as_ref().map_or_else(|| "its chain says that it is not so".to_owned(), ToString::to_string);
        Ok(Some(match candidate.action {
            Action::Receive if violation.is_none() => {
                let end = self.path.from(self.direction).packets();
                let state = self.source.call("packet_states", self.source.adapter().packet_states(&end, &[key.sequence])).await;
                let state = state.map_err(|error| self.adapter_failed(&self.source, &error))?.into_iter().next();
                let commitment = state.and_then(|state| state.commitment);
                let same = commitment == candidate.record.packet.as_ref().map(causeway_types::Packet::commitment);
                Op::change(key, move |record| match commitment {
                    None => record.gone_hint(false, when.now_ms),
                    Some(_) if same => record.park(&text, when),
                    Some(_) => record.disbelieved(&text, when),
                })
            }
            Action::Receive if repeated => Op::change(key, move |record| record.disbelieved(&text, when)),
            Action::Acknowledge if repeated || violation.is_none() => Op::change(key, move |record| record.hint_refuted(&text, when)),
            Action::Timeout if candidate.record.marked && (repeated || violation.is_none()) => {
                Op::change(key, move |record| record.mark_refuted(&text, when))
            }
            Action::Timeout | Action::TimeoutOnClose if violation.is_none() => Op::change(key, move |record| {
                record.received_hint(when.now_ms);
                record.park(&text, when);
            }),
            _ => Op::change(key, move |record| record.park(&text, when)),
        }))
    }

    /// The evidence of that height is no longer kept: a fresh height is needed; what is bound to the old one waits for a better node.
    fn pruned(&mut self, members: Vec<(Candidate, Claim)>, (ops, busy): (&mut Vec<Op>, &mut Busy)) -> Turned<()> {
        self.fresh = true;
        let when = self.when();
        for (candidate, _) in members {
            ops.push(Op::change(candidate.record.key.clone(), move |record| record.park("the state of that height is pruned", when)));
            busy.put_back(&candidate.record.key);
        }
        Ok(())
    }
}

/// A timeout is proven at a height that is past it.
fn in_time(trusted: &TrustedState, claim: &Claim) -> Result<(), Option<Violation>> {
    match claim {
        Claim::NoReceipt { packet } | Claim::NotReached { packet } if !packet.expired(trusted.height, trusted.time_s) => {
            Err(Some(Violation::new("timeout-early", "a height after the timeout", trusted.height.to_string())))
        }
        _ => Ok(()),
    }
}

/// A verified acknowledgement proves the receipt that was only hinted at.
fn confirmed((candidate, _): &(Candidate, Claim)) -> Option<Op> {
    let hinted = matches!(candidate.record.received, Received::Hint { .. }) && candidate.action == Action::Acknowledge;
    hinted.then(|| Op::change(candidate.record.key.clone(), crate::PacketRecord::received_verified))
}

/// The highest of the heights from which claims hold.
pub(super) fn highest(ready: &[Ready]) -> Option<Height> {
    ready.iter().filter_map(|ready| if let Provable::From(height) = ready.at { Some(height) } else { None }).max()
}
