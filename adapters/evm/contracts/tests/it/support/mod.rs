//! Chains of one contract set each inside revm, sealed headers of theirs, and proofs from real tries.
//!
//! Not the embedded devnet, which has blocks, a pool and JSON-RPC: these tests want a state and a transaction, no more. Used by the
//! tests of this folder and by the gas example.
#![allow(dead_code, unreachable_pub, unused_imports, reason = "each test file uses its own part of this module")]

pub mod evm;
pub mod pair;

pub use evm::Evm;
pub use pair::Pair;
