//! The journal: what the engine knows, durable before it acts on it.
//!
//! One actor applies every change, in order: it groups what is waiting, commits the group as one batch, mirrors it into the in-memory
//! table and only then answers. Callers that wait at the same time share one flush. When a commit fails the journal stops for good, and
//! the engine with it: nothing may be done that is not journaled.
//!
//! What it is not: it decides nothing; transitions come from [`crate::packet`].

mod actor;
pub(crate) mod codec;
pub(crate) mod keys;
mod query;
mod read;
mod request;
mod table;
#[cfg(test)]
mod tests;
pub(crate) mod wire;

pub(crate) use actor::{Journal, Op, Opening, served};
pub(crate) use table::{LaneId, Queue};
