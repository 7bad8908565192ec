//! What the end-to-end tests are built from: real chains started from their own
//! sources, the released binary run as a process, and a small JSON-RPC client.
//!
//! It is not part of the product and nothing in the product depends on it. The
//! tests under `tests/tests/` and the recorder under `tests/examples/` call it.
//! It deliberately shares no code with the adapters: what it reads from a chain
//! it reads with its own eyes.
//!
//! - [`chains::goquorum`] – QBFT networks of several validators on loopback.
//! - [`evm`] – accounts, transactions and JSON-RPC calls against such a network.
//! - [`qbft`] – header bytes, rebuilt from a node's JSON.
//! - [`process`] – a program under test: output in files, signals, deadlines.
//! - [`poll`] – the one place where a test waits.
//! - [`repo`] – where things lie in this repository, and what to do when a tool is absent.

pub mod chains;
pub mod evm;
pub mod poll;
pub mod process;
pub mod qbft;
pub mod repo;
