//! The contracts inside revm: packets, attacks, governance, and verdicts equal to the native verifier's.

mod conformance;
mod governance;
mod hostile;
mod interface;
mod layout;
mod neighbours;
mod packets;
mod support;
mod vectors;
