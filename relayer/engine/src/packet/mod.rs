//! Packets as the engine knows them: facts, the state they are in, and what each stage took.
//!
//! What to do next follows from the facts alone ([`PacketRecord::need`]), so that a record read after a crash resumes where it stood.

mod action;
mod record;
#[cfg(test)]
mod tests;
pub(crate) mod transition;

pub(crate) use action::Action;
pub(crate) use record::Need;
pub use record::{AckKind, By, Cost, Direction, Gone, Origin, PacketRecord, PacketState, Received, Stage, StateKind, TxRef};
