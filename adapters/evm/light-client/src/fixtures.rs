//! Valid and hostile headers and proofs, generated: the cases that every implementation of the rules must judge alike.
//!
//! Only with the feature `fixtures`. Not part of what a relayer runs. Called by this crate's tests and benches, and by the tests that put
//! the same cases to the Solidity client:
//!
//! - [`cases`] yields the named cases, each with the verdict it must get and the row of the list of refusals it stands for;
//! - [`mutations`] yields as many deterministic mutations of valid cases as are asked for, from a seed;
//! - [`judge`] is the native verdict on any of them.
#![allow(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::too_many_lines,
    clippy::too_many_arguments,
    reason = "test generators, mostly tables: a wrong index here is a failing test, not a failing relayer"
)]

use std::string::String;
use std::vec::Vec;

mod cases;
mod chain;
mod mutate;
mod proofs;
mod trie;

pub use cases::cases;
pub use chain::{HeaderSpec, Validator, World, assemble, validators};
pub use mutate::{Random, mutations};
pub use trie::{Trie, hex_prefix};

use crate::client::{ClientParams, Conflict, TrustedState, Update, Verdict, verify_misbehaviour, verify_update};
use crate::recover::NativeRecover;
use crate::storage::{self, BatchItem};

/// One thing to judge.
#[derive(Debug, Clone)]
pub struct Case {
    /// What it is, unique among [`cases`].
    pub name: String,
    /// Row of the list of what a relay must refuse (`P6`, `H8`, `C4`), or empty.
    pub row: &'static str,
    /// Configuration of the client.
    pub params: ClientParams,
    /// The trusted state of the client, whose storage root the proofs refer to unless the input carries its own.
    pub trusted: TrustedState,
    /// Time of the verification, in seconds.
    pub now_s: u64,
    /// What is handed in.
    pub input: Input,
    /// The verdict it must get.
    pub expected: Expected,
}

/// What is handed to the client.
#[derive(Debug, Clone)]
pub enum Input {
    /// An update of the client.
    Update(Update),
    /// Two updates said to conflict; both start from the case's trusted state.
    Misbehaviour(Update, Update),
    /// A single proof that `path` holds `value` (or nothing, when `None`) under `storage_root`.
    Storage {
        /// Root of the router's storage.
        storage_root: [u8; 32],
        /// The commitment path.
        path: Vec<u8>,
        /// The claimed value; `None` claims absence.
        value: Option<[u8; 32]>,
        /// The nodes, root first.
        nodes: Vec<Vec<u8>>,
    },
    /// A batch over shared nodes.
    Batch {
        /// Root of the router's storage.
        storage_root: [u8; 32],
        /// The shared nodes.
        nodes: Vec<Vec<u8>>,
        /// The claims.
        items: Vec<Claim>,
    },
}

/// One claim of a batch; see [`BatchItem`].
#[derive(Debug, Clone)]
pub struct Claim {
    /// The commitment path.
    pub path: Vec<u8>,
    /// The claimed value; `None` claims absence.
    pub value: Option<[u8; 32]>,
    /// Indices into the shared nodes.
    pub nodes: Vec<u16>,
}

/// The verdict a case must get.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expected {
    /// Accepted. For a batch: the batch is judged, and every item holds.
    Accept,
    /// Refused because of `overlap` alone.
    NotEnoughTrust,
    /// Refused under this rule. For a batch: the rule that every failing item breaks is this one.
    Refuse(&'static str),
}

/// The native verdict on a case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Accepted, with what is now known.
    Accepted(Facts),
    /// Refused because of `overlap` alone.
    NotEnoughTrust,
    /// Refused under this rule.
    Refused(&'static str),
}

/// What an accepted case establishes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Facts {
    /// A new trusted state.
    State(TrustedState),
    /// Two blocks of one height.
    Conflict(Conflict),
    /// The claim holds.
    Holds,
    /// Which claims of the batch hold: `None`, or the rule that the claim breaks.
    Batch(Vec<Option<&'static str>>),
}

impl Outcome {
    /// Whether this is the verdict that was expected.
    #[must_use]
    pub fn meets(&self, expected: &Expected) -> bool {
        match (self, expected) {
            (Self::Accepted(Facts::Batch(items)), Expected::Accept) => items.iter().all(Option::is_none),
            (Self::Accepted(Facts::Batch(items)), Expected::Refuse(rule)) => {
                let mut broken = items.iter().flatten().peekable();
                broken.peek().is_some() && broken.all(|found| found == rule)
            }
            (Self::Accepted(_), Expected::Accept) | (Self::NotEnoughTrust, Expected::NotEnoughTrust) => true,
            (Self::Refused(found), Expected::Refuse(rule)) => found == rule,
            _ => false,
        }
    }
}

/// The native verdict on `case`.
#[must_use]
pub fn judge(case: &Case, recover: &NativeRecover) -> Outcome {
    let hold = |result: Result<(), crate::Violation>| match result {
        Ok(()) => Outcome::Accepted(Facts::Holds),
        Err(violation) => Outcome::Refused(violation.rule),
    };
    match &case.input {
        Input::Update(update) => match verify_update(&case.params, &case.trusted, update, case.now_s, recover) {
            Verdict::Success(state) => Outcome::Accepted(Facts::State(state)),
            Verdict::NotEnoughTrust { .. } => Outcome::NotEnoughTrust,
            Verdict::Invalid(violation) => Outcome::Refused(violation.rule),
        },
        Input::Misbehaviour(a, b) => match verify_misbehaviour(&case.params, [&case.trusted, &case.trusted], [a, b], case.now_s, recover) {
            Ok(conflict) => Outcome::Accepted(Facts::Conflict(conflict)),
            Err(violation) => Outcome::Refused(violation.rule),
        },
        Input::Storage { storage_root, path, value: Some(value), nodes } => {
            hold(storage::verify_membership(storage_root, path, value, nodes))
        }
        Input::Storage { storage_root, path, value: None, nodes } => hold(storage::verify_absence(storage_root, path, nodes)),
        Input::Batch { storage_root, nodes, items } => {
            let items: Vec<_> = items.iter().map(|item| BatchItem { path: &item.path, value: item.value, nodes: &item.nodes }).collect();
            match storage::verify_batch(storage_root, nodes, &items) {
                Ok(verdicts) => {
                    Outcome::Accepted(Facts::Batch(verdicts.into_iter().map(|verdict| verdict.err().map(|error| error.rule)).collect()))
                }
                Err(violation) => Outcome::Refused(violation.rule),
            }
        }
    }
}
