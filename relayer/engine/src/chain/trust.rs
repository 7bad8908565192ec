//! What is trusted of a chain: the root, and every verified height a client may hold. Monotone, persisted, bound to the root.
//!
//! States enter only through the light client. Two different, validly sealed headers of one height are evidence, and are kept as such.

use super::Chain;
use crate::journal::{Journal, Op, codec, keys, wire};
use crate::metrics;
use crate::metrics::Alarm;
use causeway_adapter::{AdapterError, ClientView, HostLimits, Plan, TrustedState, Verdict, Violation};
use causeway_store::{Tree, Write};
use causeway_types::{ChainId, Height};
use prost::Message;
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::{Notify, watch};

/// Verified heights that are kept besides the root.
const HEIGHTS_MAX: usize = 2_048;
/// Contradictions that wait to be made evidence of; one alone halts everything.
const SUSPICIONS_MAX: usize = 16;
/// Headers asked for on the way to one height.
const BISECTION_MAX: usize = 64;

/// Why a height could not be verified.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TrustError {
    #[error(transparent)]
    Adapter(#[from] AdapterError),
    #[error(transparent)]
    Violation(#[from] Violation),
    #[error("nothing below height {0} is trusted")]
    NothingBelow(Height),
    #[error("no chain of headers leads to height {0}")]
    NoWay(Height),
    #[error("the journal stopped")]
    Journal,
}

/// A verified height and the update that proved it.
#[derive(Debug, Clone)]
pub(crate) struct Held {
    pub(crate) state: TrustedState,
    pub(crate) update: Vec<u8>,
    pub(crate) base: Height,
}

/// Validly sealed headers that cannot be of one chain: of one height, or their times against their heights. Nothing of the chain is relayed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Conflict {
    pub(crate) height: Height,
    /// Two updates on one trusted height that convict it; none as long as they are not to be had.
    pub(crate) updates: Option<(Vec<u8>, Vec<u8>)>,
}

/// A header that contradicts one that was verified before, and what is needed to make evidence of the two.
#[derive(Debug, Clone)]
pub(crate) struct Suspicion {
    pub(crate) height: Height,
    /// What the new one builds on.
    pub(crate) base: TrustedState,
    /// What was verified before.
    pub(crate) other: Held,
    /// The new one.
    pub(crate) update: Vec<u8>,
}

/// The neighbour of a new state that is later although it is lower, or earlier although it is higher; equal times are in order. Chains
/// without a clock have no times. As ibc-go's 07-tendermint (misbehaviour_handle.go) has it.
fn out_of_order<'a>(held: &'a BTreeMap<Height, Held>, new: &TrustedState) -> Option<&'a Held> {
    let time_s = new.time_s?;
    let below = held.range(..new.height).next_back().map(|(_, held)| held);
    let above = held.range(new.height..).next().map(|(_, held)| held);
    let later = below.filter(|below| below.state.time_s.is_some_and(|below_s| below_s > time_s));
    later.or_else(|| above.filter(|above| above.state.time_s.is_some_and(|above_s| above_s < time_s)))
}

/// The trusted states of one chain.
#[derive(Debug)]
pub(crate) struct Trust {
    chain: ChainId,
    root: TrustedState,
    held: Mutex<BTreeMap<Height, Held>>,
    pub(crate) conflict: watch::Sender<Option<Conflict>>,
    suspicions: Mutex<VecDeque<Suspicion>>,
    /// There is another one.
    pub(crate) suspicion_news: Notify,
}

impl Trust {
    pub(crate) fn new(chain: ChainId, root: TrustedState, mut held: BTreeMap<Height, Held>) -> Self {
        held.entry(root.height).or_insert_with(|| Held { state: root.clone(), update: Vec::new(), base: root.height });
        let (held, conflict) = (Mutex::new(held), watch::Sender::new(None));
        Self { chain, root, held, conflict, suspicions: Mutex::default(), suspicion_news: Notify::new() }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Height, Held>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads a row of the journal.
    pub(crate) fn read(bytes: &[u8]) -> Result<Held, codec::Damaged> {
        let row: wire::TrustRow = codec::decode(bytes)?;
        let base = Height { revision: row.base_revision, number: row.base_number };
        Ok(Held { state: codec::trusted(&row)?, update: row.update, base })
    }

    /// A state's row.
    pub(crate) fn write(chain: &ChainId, held: &Held, now_ms: u64) -> Write {
        let state = &held.state;
        let row = wire::TrustRow {
            revision: state.height.revision,
            number: state.height.number,
            time_s: state.time_s,
            block_hash: state.block_hash.to_vec(),
            bytes: state.bytes.clone(),
            update: held.update.clone(),
            base_number: held.base.number,
            base_revision: held.base.revision,
            verified_ms: now_ms,
        };
        Write::Put(Tree::Meta, keys::trust(chain, state.height), row.encode_to_vec())
    }

    pub(crate) fn at(&self, height: Height) -> Option<TrustedState> {
        self.lock().get(&height).map(|held| held.state.clone())
    }

    /// What was verified at a height, and how.
    pub(crate) fn held(&self, height: Height) -> Option<Held> {
        self.lock().get(&height).cloned()
    }

    pub(crate) fn latest(&self) -> TrustedState {
        self.lock().last_key_value().map_or_else(|| self.root.clone(), |(_, held)| held.state.clone())
    }

    /// The newest trusted state that is not above a height.
    pub(crate) fn at_most(&self, height: Height) -> Option<TrustedState> {
        self.lock().range(..=height).next_back().map(|(_, held)| held.state.clone())
    }

    fn below(&self, height: Height) -> Option<TrustedState> {
        self.lock().range(..height).next_back().map(|(_, held)| held.state.clone())
    }

    /// Judges one update and remembers what it proves. Returns the state and, if it is new, the rows that must become durable before anything
    /// that builds on it is submitted; the oldest height is forgotten in turn.
    pub(crate) fn judge(&self, chain: &Chain, base: &TrustedState, update: &[u8]) -> Result<(TrustedState, Vec<Write>), Judged> {
        let verdict = chain.light_client().verify_update(base, update, &chain.spec.params, chain.now_s());
        self.judged(chain, (base, update), verdict)
    }

    /// The same as strictly as a client will judge that is to be given the update.
    pub(crate) fn judge_for(
        &self,
        chain: &Chain,
        view: &ClientView,
        base: &TrustedState,
        update: &[u8],
    ) -> Result<(TrustedState, Vec<Write>), Judged> {
        let verdict = chain.light_client().verify_update_for(&view.state, (base, update), &chain.spec.params, chain.now_s());
        self.judged(chain, (base, update), verdict)
    }

    fn judged(
        &self,
        chain: &Chain,
        (base, update): (&TrustedState, &[u8]),
        verdict: Verdict,
    ) -> Result<(TrustedState, Vec<Write>), Judged> {
        let state = match verdict {
            Verdict::Success(state) => state,
            Verdict::NotEnoughTrust { found, needed } => return Err(Judged::NotEnoughTrust { found, needed }),
            Verdict::Invalid(violation) => return Err(Judged::Invalid(violation)),
        };
        let mut held = self.lock();
        if let Some(known) = held.get(&state.height) {
            if known.state.block_hash == state.block_hash {
                return Ok((known.state.clone(), Vec::new()));
            }
            let other = known.clone();
            drop(held);
            return Err(self.conflicting(Suspicion { height: state.height, base: base.clone(), other, update: update.to_vec() }));
        }
        if let Some(other) = out_of_order(&held, &state).cloned() {
            drop(held);
            return Err(self.conflicting(Suspicion { height: state.height, base: base.clone(), other, update: update.to_vec() }));
        }
        let entry = Held { state: state.clone(), update: update.to_vec(), base: base.height };
        let mut writes = vec![Self::write(&self.chain, &entry, chain.now_ms())];
        held.insert(state.height, entry);
        if held.len() > HEIGHTS_MAX {
            // The oldest one after the root goes.
            let oldest = held.keys().find(|height| **height != self.root.height && **height != state.height).copied();
            if let Some(oldest) = oldest {
                held.remove(&oldest);
                writes.push(Write::Delete(Tree::Meta, keys::trust(&self.chain, oldest)));
            }
        }
        metrics::height("causeway_verified_height", &self.chain, held.keys().next_back().map_or(0, |height| height.number));
        Ok((state, writes))
    }

    /// Both headers are validly sealed: that alone halts whatever relays of this chain. The prosecutor makes evidence of them.
    fn conflicting(&self, suspicion: Suspicion) -> Judged {
        let height = suspicion.height;
        metrics::alarm(&self.chain, Alarm::HeaderConflict);
        tracing::error!(chain = %self.chain, %height, "validly sealed headers that cannot be of one chain: nothing of it is relayed");
        self.suspect(height, Some(suspicion));
        let expected = "one block a height, and times in the order of heights";
        Judged::Invalid(Violation::new("header-conflict", expected, format!("another at {height}")))
    }

    /// Halts everything of this chain over a contradiction; what evidence can be made of waits for the prosecutor.
    pub(crate) fn suspect(&self, height: Height, suspicion: Option<Suspicion>) {
        self.conflict.send_if_modified(|conflict| {
            let first = conflict.is_none();
            if first {
                *conflict = Some(Conflict { height, updates: None });
            }
            first
        });
        let Some(suspicion) = suspicion else { return };
        let mut waiting = self.suspicions.lock().unwrap_or_else(PoisonError::into_inner);
        let known = waiting.iter().any(|one| one.height == height && one.update == suspicion.update);
        if !known && waiting.len() < SUSPICIONS_MAX {
            waiting.push_back(suspicion);
            self.suspicion_news.notify_one();
        }
    }

    /// The next contradiction to make evidence of. None once there is some: one is enough for every client.
    pub(crate) fn suspected(&self) -> Option<Suspicion> {
        let next = self.suspicions.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        next.filter(|_| self.conflict.borrow().as_ref().is_none_or(|conflict| conflict.updates.is_none()))
    }

    /// Makes evidence known that was verified and is kept: every client of this chain is told of it, and nothing of the chain is relayed any
    /// more.
    pub(crate) fn convicted(&self, conflict: Conflict) {
        metrics::alarm(&self.chain, Alarm::Misbehaviour);
        self.conflict.send_replace(Some(conflict));
    }

    /// The trusted state at a height, verifying the way to it if needed. `view` is a client of this chain, for the adapter's planning.
    pub(crate) async fn verified_at(
        &self,
        chain: &Chain,
        view: &ClientView,
        height: Height,
        journal: &Journal,
    ) -> Result<TrustedState, TrustError> {
        if let Some(state) = self.at(height) {
            return Ok(state);
        }
        let base = self.below(height).ok_or(TrustError::NothingBelow(height))?;
        // A plan leads to the newest height, and only sometimes to this one; it is for families whose updates go in steps.
        let (state, writes) = match self.by_headers(chain, base.clone(), height).await {
            Ok(found) => found,
            Err(error) => self.by_plan(chain, view, &base, height).await.map_err(|_| error)?,
        };
        journal.commit(writes.into_iter().map(Op::Write).collect()).await.map_err(|_| TrustError::Journal)?;
        Ok(state)
    }

    /// As if a client that holds `base` were to be brought to `height`.
    async fn by_plan(
        &self,
        chain: &Chain,
        view: &ClientView,
        base: &TrustedState,
        height: Height,
    ) -> Result<(TrustedState, Vec<Write>), TrustError> {
        let from = ClientView { latest: base.height, latest_time_s: base.time_s, ..view.clone() };
        let limits = HostLimits { messages_max: u32::MAX, tx_bytes_max: u64::MAX, tx_gas_max: u64::MAX };
        let plan = chain.call("plan_update", chain.adapter().plan_update(&from, Some(height), limits)).await?;
        let Plan::Steps(steps) = plan else { return Err(TrustError::NoWay(height)) };
        let (mut at, mut writes) = (base.clone(), Vec::new());
        for step in steps {
            let trusted = if step.trusted == at.height { at } else { self.at(step.trusted).ok_or(TrustError::NoWay(height))? };
            let (state, write) = self.judge(chain, &trusted, &step.update).map_err(|judged| judged.into_error(chain, height))?;
            writes.extend(write);
            at = state;
        }
        if at.height == height { Ok((at, writes)) } else { Err(TrustError::NoWay(height)) }
    }

    /// Header by header, halving the distance where too few known signers sealed one.
    async fn by_headers(&self, chain: &Chain, base: TrustedState, height: Height) -> Result<(TrustedState, Vec<Write>), TrustError> {
        let (mut at, mut writes) = (base, Vec::new());
        let mut goals = vec![height];
        for _ in 0..BISECTION_MAX {
            let Some(goal) = goals.last().copied() else { return Ok((at, writes)) };
            let judged = match header(chain, at.height, goal).await {
                Ok(update) => self.judge(chain, &at, &update),
                // Client heights may have gaps: the next lower one is tried on the way, never for the goal itself.
                Err(AdapterError::NotFound { .. }) if goals.len() > 1 && goal > at.height.plus(1) => {
                    goals.pop();
                    goals.push(goal.minus(1));
                    continue;
                }
                Err(error) => return Err(error.into()),
            };
            match judged {
                Ok((state, write)) if state.height == goal => {
                    writes.extend(write);
                    at = state;
                    goals.pop();
                }
                Ok(_) => return Err(TrustError::NoWay(height)),
                Err(Judged::NotEnoughTrust { .. }) => {
                    let half = goal.number.saturating_sub(at.height.number) / 2;
                    if half == 0 || goal.revision != at.height.revision {
                        return Err(TrustError::NoWay(height));
                    }
                    goals.push(at.height.plus(half));
                }
                Err(judged) => return Err(judged.into_error(chain, height)),
            }
        }
        Err(TrustError::NoWay(height))
    }
}

/// The header of exactly one height, with what a client that holds `trusted` must be shown of the signers that it knows; families whose
/// verifiers keep that themselves answer with the header alone.
pub(crate) async fn header(chain: &Chain, trusted: Height, height: Height) -> Result<Vec<u8>, AdapterError> {
    match chain.call("update_at", chain.adapter().update_at(trusted, height)).await {
        Err(AdapterError::Unsupported { .. }) => Ok(chain.call("root", chain.adapter().root(Some(height))).await?.1),
        found => found,
    }
}

/// Why an update was not believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Judged {
    NotEnoughTrust { found: u64, needed: u64 },
    Invalid(Violation),
}

impl Judged {
    pub(crate) fn into_error(self, chain: &Chain, height: Height) -> TrustError {
        match self {
            Self::NotEnoughTrust { .. } => TrustError::NoWay(height),
            Self::Invalid(violation) => {
                chain.violated(&violation, "update");
                TrustError::Violation(violation)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(number: u64, time_s: Option<u64>) -> (Height, Held) {
        let height = Height::new(number);
        let state = TrustedState { height, time_s, block_hash: [0; 32], bytes: Vec::new() };
        (height, Held { state, update: Vec::new(), base: height })
    }

    #[test]
    fn times_follow_heights_among_neighbours() {
        let known = BTreeMap::from([held(10, Some(100)), held(20, Some(200)), held(30, None)]);
        let other = |number, time_s| out_of_order(&known, &held(number, time_s).1.state).map(|held| held.state.height.number);
        for (number, time_s, expected) in [
            (15, Some(150), None),
            (15, Some(100), None),
            (15, Some(200), None),
            (15, Some(99), Some(10)),
            (15, Some(201), Some(20)),
            (5, Some(101), Some(10)),
            (5, Some(1), None),
            (25, Some(199), Some(20)),
            (25, Some(999), None),
            (15, None, None),
        ] {
            assert_eq!(other(number, time_s), expected, "{number} at {time_s:?}");
        }
    }
}
