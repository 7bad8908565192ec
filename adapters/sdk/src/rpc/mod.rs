//! The seam over gRPC (`causeway.adapter.v1`): a host that offers an adapter to other processes, and an adapter that is one elsewhere.
//!
//! What it is not: a place for decisions. A call and its answer or typed error go through unchanged; what breaks on the way becomes
//! [`crate::AdapterError::Unreachable`] (the transport) or [`crate::AdapterError::Protocol`] (the bytes). Both ends state their version of the
//! seam in the first call and refuse another, naming both.
//!
//! Who calls it: `causeway adapter serve` ([`serve`]), and the relay for a chain whose configuration names an endpoint ([`RemoteAdapter`]).

mod host;
mod remote;
mod server;
#[cfg(test)]
mod tests;
mod wire;

pub use host::{HostError, HostOptions, bind, serve};
pub use remote::{ConnectError, RemoteAdapter, RemoteOptions};

/// Largest message either side takes, bytes: the evidence of a full batch, with room.
pub const MESSAGE_BYTES_MAX: usize = 16 << 20;

/// Longest wait for a block that a host grants to one `watch`, milliseconds.
pub const WATCH_WAIT_MAX_MS: u64 = 60_000;
