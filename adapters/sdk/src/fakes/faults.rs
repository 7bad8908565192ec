//! Switches that make a fake chain, or the endpoint in front of it, misbehave. Everything is off by default.

use crate::AdapterError;
use std::collections::{BTreeSet, VecDeque};

/// What goes wrong. Set through [`super::FakeChain::faults`]; counters go down as they are used.
#[derive(Debug, Clone, Default)]
pub struct FakeFaults {
    /// No call is answered.
    pub unreachable: bool,
    /// The endpoint shows a head this many blocks old. The chain itself goes on.
    pub lag_blocks: u64,
    /// The next call of the named operation (`watch`, `fetch`, ...) fails so; first in, first out.
    pub fail_next: VecDeque<(&'static str, AdapterError)>,
    /// This many broadcasts are answered `Accepted` and forgotten.
    pub drop_broadcasts: u32,
    /// This many broadcasts reach the pool, but the answer is lost (`Unreachable`).
    pub lose_broadcast_answers: u32,
    /// This many questions for an outcome are answered `Unknown`, whatever is true.
    pub outcome_unknown: u32,
    /// Blocks a transaction waits in the pool.
    pub inclusion_delay_blocks: u64,
    /// Blocks take transactions in the reverse order of their arrival, as far as slots allow.
    pub reorder: bool,
    /// Transactions that offer less stay in the pool.
    pub gas_price_min: u128,
    /// Sequences of which `packet_states` and `build` claim that they were received.
    pub lie_received: BTreeSet<u64>,
    /// Sequences of which `packet_states` claims that the commitment is gone.
    pub lie_completed: BTreeSet<u64>,
    /// Evidence that `fetch` gives is forged.
    pub lie_evidence: bool,
    /// Updates that `root` and `plan_update` give are forged.
    pub lie_updates: bool,
    /// Sequences that `hydrate` cannot find.
    pub hydrate_unavailable: BTreeSet<u64>,
    /// State older than this many blocks is pruned, whatever the configuration says.
    pub state_window_blocks: Option<u64>,
    /// Simulation sees nothing: what would fail is built in.
    pub blind_simulation: bool,
    /// A failed atomic transaction does not say which message failed.
    pub hide_failure: bool,
    /// Blocks that are too large to be read.
    pub oversized: BTreeSet<u64>,
    /// `watch` reports no events at all, though its cursor moves: engines must find the packets in state.
    pub hide_events: bool,
}

/// One less, and whether there was one.
pub(super) fn take(counter: &mut u32) -> bool {
    let some = *counter > 0;
    *counter = counter.saturating_sub(1);
    some
}
