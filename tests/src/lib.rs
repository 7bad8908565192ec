//! What the end-to-end tests are built from: real chains started from their own
//! sources, the released binary run as a process, and a small JSON-RPC client.
//!
//! It is not part of the product and nothing in the product depends on it. The
//! tests under `tests/tests/it/` and the recorder under `tests/examples/` call it.
//! It deliberately shares no code with the adapters: what it reads from a chain
//! it reads with its own eyes.
//!
//! - [`chains::goquorum`] – QBFT networks of several validators on loopback.
//! - [`evm`] – accounts, transactions and JSON-RPC calls against such a network.
//! - [`qbft`] – header bytes, rebuilt from a node's JSON.
//! - [`chains::simd`] – Cosmos networks on loopback; [`cosmos`] – two of them, an operator and users.
//! - [`site`] – two networks and the files of an operator who joins them.
//! - [`cli`] – the binary's commands, their exit codes and what they print.
//! - [`dapp`] – what users send on a chain, and [`audit`], how it must have ended there.
//! - [`relay`] – a running relayer, asked over gRPC and HTTP.
//! - [`liar`] – a proxy in front of a node that changes what it says.
//! - [`process`] – a program under test: output in files, signals, deadlines.
//! - [`clock`] – the machine's time. [`poll`] – the one place where a test waits. [`ports`] – loopback ports.
//! - [`protobuf`] – fields written by hand.
//! - [`repo`] – where things lie in this repository, and what to do when a tool is absent.

pub mod audit;
pub mod chains;
pub mod cli;
pub mod clock;
pub mod cosmos;
pub mod dapp;
pub mod evm;
pub mod forgery;
pub mod liar;
pub mod poll;
pub mod ports;
pub mod process;
pub mod protobuf;
pub mod qbft;
pub mod relay;
pub mod repo;
pub mod site;
