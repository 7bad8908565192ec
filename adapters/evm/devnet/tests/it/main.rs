//! The embedded chain, seen through its JSON-RPC and by a light client.

mod chain;
mod common;
mod light_client;
mod rpc;
