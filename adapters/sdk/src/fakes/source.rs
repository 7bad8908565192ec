//! The adapter of a fake chain as a source: updates, plans and evidence.

use super::adapter::{FakeAdapter, SEQUENCES_MAX, forge, too_many};
use super::chain::{Block, State};
use super::classic::{channel_bytes, connection_bytes};
use super::family::{FakeFamily, HOST_DELAY_S};
use super::light_client::{EXPIRED, RECEIVED};
use super::wire::{self, ClientState, Signature, Statement, Update};
use crate::adapter::Result;
use crate::{Absence, AdapterError, ClientView, Evidence, EvidenceItem, Plan, Provable, UpdateStep};
use causeway_types::{Claim, Height};
use prost::Message as _;

/// Most steps of one plan: a client that is further behind is refused by name, never helped half of the way.
const STEPS_MAX: usize = 1_024;

impl FakeAdapter {
    fn family(&self) -> FakeFamily {
        self.chain.config().family
    }

    fn window(&self, state: &State) -> Option<u64> {
        state.faults.state_window_blocks.or(self.chain.config().state_window_blocks)
    }

    /// The final block of a client height, or the newest.
    pub(super) fn final_number(&self, state: &State, height: Option<Height>) -> Result<u64> {
        let newest = state.final_block();
        let Some(height) = height else { return Ok(newest) };
        if height > self.family().client_height(newest) {
            return Err(AdapterError::Lagging { found: self.family().client_height(newest), needed: height });
        }
        self.family().block_of(height).ok_or_else(|| AdapterError::NotFound { what: "client height", name: height.to_string() })
    }

    fn block<'a>(&self, state: &'a State, number: u64) -> Result<&'a Block> {
        state.block(number).ok_or_else(|| AdapterError::NotFound { what: "block", name: number.to_string() })
    }

    /// The update that proves a block, built on a trusted client height.
    pub(super) fn update(&self, state: &State, number: u64, trusted: u64) -> Result<Update> {
        let block = self.block(state, number)?;
        let update = Update { header: Some(block.header.clone()), signatures: block.signatures.clone(), trusted };
        Ok(if state.faults.lie_updates { forge(update) } else { update })
    }

    /// Steps from what a client holds to what it needs.
    pub(super) fn plan(&self, state: &State, view: &ClientView, need: Option<Height>) -> Result<Plan> {
        let invalid = |detail: String| AdapterError::Invalid { what: "client state", detail };
        let client: ClientState = wire::decode("client state", &view.state).map_err(|violation| invalid(violation.to_string()))?;
        if client.chain != self.chain.config().name {
            return Err(invalid(format!("it follows {}, this is {}", client.chain, self.chain.config().name)));
        }
        let newest = state.final_block();
        let target = match need {
            None => newest,
            Some(need) => match (0..=newest).rev().take_while(|block| self.family().client_height(*block) >= need).last() {
                Some(block) => block,
                None => return Ok(Plan::NotYet { retry_after_ms: self.later() }),
            },
        };
        let target_height = self.family().client_height(target);
        let exact = self.family() == FakeFamily::BlockBound;
        if client.heights.contains(&target_height.number) || (!exact && view.latest >= target_height) {
            return Ok(Plan::Steps(Vec::new()));
        }
        if client.heights.last().is_none_or(|newest| *newest < view.latest.number) {
            return Err(invalid(format!("it holds {:?}, the view says {}", client.heights.last(), view.latest)));
        }
        let below = client.heights.iter().rev().find(|number| **number < target_height.number).copied();
        let base = if view.latest < target_height { Some(view.latest.number) } else { below };
        let base = base.and_then(|number| self.family().block_of(Height { revision: self.family().revision(), number }));
        let base = base.ok_or_else(|| invalid(format!("it holds nothing below {target_height}")))?;
        Ok(Plan::Steps(self.steps(state, base, target)?))
    }

    fn steps(&self, state: &State, base: u64, target: u64) -> Result<Vec<UpdateStep>> {
        let (mut steps, mut at) = (Vec::new(), base);
        while at < target {
            if steps.len() == STEPS_MAX {
                let detail = format!("more than {STEPS_MAX} steps from block {base} to {target}; update it more often");
                return Err(AdapterError::Invalid { what: "client state", detail });
            }
            let trusted = self.block(state, at)?;
            let next =
                (at.saturating_add(1)..=target).rev().find(|number| state.block(*number).is_some_and(|block| self.reaches(trusted, block)));
            let next = next.ok_or_else(|| AdapterError::NotFound { what: "way to client height", name: target.to_string() })?;
            let block = self.block(state, next)?;
            let slotted = self.family() == FakeFamily::Slotted;
            let trusted_height = self.family().client_height(at);
            steps.push(UpdateStep {
                trusted: trusted_height,
                update: self.update(state, next, trusted_height.number)?.encode_to_vec(),
                resulting: self.family().client_height(next),
                gas_estimate: 60_000,
                own_transaction: slotted && trusted.header.period != block.header.period,
                not_before_s: slotted.then(|| block.header.time_s.saturating_add(HOST_DELAY_S)),
            });
            at = next;
        }
        Ok(steps)
    }

    /// Whether a client that trusts one block takes the other in one step.
    fn reaches(&self, trusted: &Block, block: &Block) -> bool {
        if self.family() == FakeFamily::Slotted {
            return block.header.period.saturating_sub(trusted.header.period) <= 1;
        }
        let known = block.header.committee.iter().filter(|key| trusted.header.committee.contains(key)).count();
        known > trusted.header.committee.len() / 3
    }

    pub(super) fn when_provable(&self, state: &State, claim: &Claim) -> Result<Provable> {
        let newest = state.final_block();
        let later = Provable::Later { retry_after_ms: self.later() };
        let family = self.family();
        let written = state.written_at.get(&claim.path()).copied();
        Ok(match claim {
            Claim::NoReceipt { .. } | Claim::NotReached { .. } | Claim::NoCommitment { .. }
                if family.absence() == Absence::ByMarkExpired =>
            {
                return Err(AdapterError::Unsupported { operation: "proof of absence" });
            }
            Claim::Connection { .. } | Claim::Channel { .. } if family == FakeFamily::BlockBound => {
                let tree = |number: u64| state.committed(number).filter(|tree| tree.get(&claim.path()).is_some());
                let last = (0..=newest).rev().find_map(|number| Some((number, tree(number)?)));
                let shown = last.filter(|(_, tree)| holds(claim, tree.get(&claim.path())));
                shown.map_or(later, |(block, _)| Provable::Exactly(family.client_height(block)))
            }
            // What stands there changes: it holds from the first block on since which it has stood like this.
            Claim::Connection { .. } | Claim::Channel { .. } => {
                let shown = |number: u64| state.committed(number).is_some_and(|tree| holds(claim, tree.get(&claim.path())));
                let first = (0..=newest).rev().take_while(|number| shown(*number)).last();
                first.map_or(later, |block| Provable::From(family.client_height(block)))
            }
            Claim::NoReceipt { packet } | Claim::NotReached { packet } => {
                let over =
                    |number: u64| state.block(number).is_some_and(|block| packet.expired(family.client_height(number), Some(block.time_s)));
                if !over(newest) {
                    return Ok(later);
                }
                let first = (0..=newest).rev().take_while(|number| over(*number)).last();
                first.map_or(later, |block| Provable::From(family.client_height(block)))
            }
            Claim::NoCommitment { .. } => match state.committed(newest) {
                Some(tree) if tree.get(&claim.path()).is_none() => Provable::From(family.client_height(newest)),
                _ => later,
            },
            _ => match written {
                Some(block) if block.saturating_add(family.root_lag()) <= newest => {
                    let height = family.client_height(block.saturating_add(family.root_lag()));
                    if family == FakeFamily::BlockBound { Provable::Exactly(height) } else { Provable::From(height) }
                }
                _ => later,
            },
        })
    }

    pub(super) fn evidence(&self, state: &State, claims: &[Claim], height: Height) -> Result<Evidence> {
        if claims.len() > SEQUENCES_MAX {
            return Err(too_many("claims", claims.len()));
        }
        let number = self.final_number(state, Some(height))?;
        if let Some(window) = self.window(state) {
            let oldest = state.final_block().saturating_sub(window);
            if number < oldest {
                return Err(AdapterError::HeightPruned { asked: height, oldest: self.family().client_height(oldest) });
            }
        }
        let block = self.block(state, number)?;
        let tree = state.committed(number).ok_or_else(|| AdapterError::NotFound { what: "state", name: height.to_string() })?;
        let each = claims.iter().map(|claim| {
            let key = claim.path();
            let found = tree.get(&key);
            if !holds(claim, found) || (self.family().absence() == Absence::ByMarkExpired && found.is_none()) {
                return EvidenceItem::NotSo;
            }
            let mut bytes = match (self.family(), found) {
                (FakeFamily::Clockless, Some(value)) => endorse(block, &key, value).encode_to_vec(),
                (_, Some(value)) if matches!(claim, Claim::NotReached { .. }) => [value, &tree.prove(&key).encode_to_vec()].concat(),
                _ => tree.prove(&key).encode_to_vec(),
            };
            if state.faults.lie_evidence
                && let Some(last) = bytes.last_mut()
            {
                *last ^= 1;
            }
            EvidenceItem::Bytes(bytes)
        });
        Ok(Evidence { height, shared: block.header.root.clone(), each: each.collect() })
    }
}

/// Whether what stands under the claim's path is what the claim says.
fn holds(claim: &Claim, found: Option<&[u8]>) -> bool {
    match claim {
        Claim::NoReceipt { .. } | Claim::NoCommitment { .. } => found.is_none(),
        Claim::Receipt { .. } => found == Some(RECEIVED),
        Claim::Expired { .. } => found == Some(EXPIRED),
        Claim::NotReached { packet } => {
            let next = found.and_then(|value| value.try_into().ok()).map(u64::from_be_bytes);
            next.is_some_and(|next| next <= packet.sequence().get())
        }
        Claim::Connection { end, .. } => found == Some(connection_bytes(end).as_slice()),
        Claim::Channel { end, .. } => found == Some(channel_bytes(end).as_slice()),
        Claim::Commitment { .. } | Claim::Ack { .. } => claim.value().is_some_and(|value| found == Some(value.as_slice())),
    }
}

/// What the endorsers of a block say of a key.
fn endorse(block: &Block, key: &[u8], value: &[u8]) -> Statement {
    let digest = wire::statement_digest(&block.header.chain, block.header.height, key, value);
    let members = block.header.committee.iter().zip(0_u32..);
    Statement {
        value: value.to_vec(),
        signatures: members.map(|(member, index)| Signature { member: index, bytes: wire::sign(member, &digest) }).collect(),
    }
}
