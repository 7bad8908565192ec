//! The wire of Causeway: code generated from `proto/causeway/**`, and the descriptors that gRPC reflection serves.
//!
//! What it is not: it holds no conversion and no logic. Who calls it: `causeway-adapter` (seam), `causeway-store` (journal records) and
//! `causeway-api` (services for dApps and operators); generated types stop there.
//!
//! Modules follow the packages: `causeway.adapter.v1` is [`adapter::v1`].

#[allow(
    missing_docs,
    unreachable_pub,
    missing_debug_implementations,
    rustdoc::all,
    clippy::all,
    clippy::too_many_lines,
    clippy::allow_attributes_without_reason,
    reason = "generated; the documentation stands in the .proto files"
)]
mod generated {
    include!(concat!(env!("OUT_DIR"), "/causeway.rs"));
}

pub use generated::causeway::*;

/// Encoded `FileDescriptorSet` of every package, with its imports, for gRPC reflection.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));
