//! Why nothing is relayed on a path.
//!
//! What validators signed halts it until people act. What endpoints say of a client halts it as long as two answers in a row say so.

use crate::metrics;
use crate::metrics::Alarm;
use crate::packet::Direction;
use causeway_types::{ChainId, Height};
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A cause, the gravest first. The direction is that of the packets that are proven to the client which it is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Cause {
    /// The followed chain contradicts itself.
    Misbehaviour(Direction),
    /// The client is frozen.
    Frozen(Direction),
    /// The client holds something else at a height than was verified.
    Mismatch(Direction, Height),
}

/// The labels of all causes.
const WORDS: [&str; 3] = ["misbehaviour", "client-frozen", "consensus-mismatch"];

impl Cause {
    fn word(self) -> &'static str {
        let [misbehaviour, frozen, mismatch] = WORDS;
        match self {
            Self::Misbehaviour(_) => misbehaviour,
            Self::Frozen(_) => frozen,
            Self::Mismatch(..) => mismatch,
        }
    }

    /// What is raised besides; evidence raised its own when it was found.
    fn alarm(self) -> Option<Alarm> {
        match self {
            Self::Misbehaviour(_) => None,
            Self::Frozen(_) => Some(Alarm::ClientFrozen),
            Self::Mismatch(..) => Some(Alarm::ConsensusMismatch),
        }
    }

    fn direction(self) -> Direction {
        match self {
            Self::Misbehaviour(direction) | Self::Frozen(direction) | Self::Mismatch(direction, _) => direction,
        }
    }
}

/// What halts one path now.
#[derive(Debug)]
pub(crate) struct Halts {
    path: String,
    causes: Mutex<BTreeMap<Cause, String>>,
}

impl Halts {
    pub(crate) fn new(path: &str) -> Self {
        WORDS.into_iter().for_each(|word| metrics::halted(path, word, false));
        Self { path: path.to_owned(), causes: Mutex::default() }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Cause, String>> {
        self.causes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The gravest, in words.
    pub(crate) fn first(&self) -> Option<String> {
        self.lock().first_key_value().map(|(_, reason)| reason.clone())
    }

    /// Those that are about the client of a direction.
    pub(crate) fn of(&self, direction: Direction) -> Vec<Cause> {
        self.lock().keys().copied().filter(|cause| cause.direction() == direction).collect()
    }

    /// Stops relaying on the path. `chain` is where it was noticed.
    pub(crate) fn begin(&self, chain: &ChainId, cause: Cause, reason: String) {
        let mut causes = self.lock();
        if causes.contains_key(&cause) {
            return;
        }
        if let Some(alarm) = cause.alarm() {
            metrics::alarm(chain, alarm);
        }
        tracing::error!(path = %self.path, %chain, kind = cause.word(), %reason, "path halted");
        causes.insert(cause, reason);
        metrics::halted(&self.path, cause.word(), true);
    }

    /// A cause is over.
    pub(crate) fn end(&self, cause: Cause) {
        let mut causes = self.lock();
        if let Some(reason) = causes.remove(&cause) {
            let remains = causes.keys().any(|other| other.word() == cause.word());
            metrics::halted(&self.path, cause.word(), remains);
            tracing::warn!(path = %self.path, kind = cause.word(), %reason, halted = !causes.is_empty(), "this does not halt the path any more");
        }
    }
}
