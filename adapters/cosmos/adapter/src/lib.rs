//! Chains built with the Cosmos SDK and ibc-go, as a family of the seam. IBC v2.
//!
//! What it is not: it decides nothing about what to believe (that is the light client, pure and without a connection) and nothing about
//! what to relay. Who uses it: the binary, which makes a family of it, and the CLI, which keeps keys with it.
//!
//! - [`Config`]: the `[chain.cosmos]` table;
//! - [`CosmosAdapter`]: CometBFT's RPC, everything batched, several endpoints with failover;
//! - [`CosmosLightClient`]: the verifier;
//! - [`keys`]: mnemonics, encrypted keystores and signing keys.

mod adapter;
mod answers;
mod blocks;
mod chain;
mod channels;
mod clients;
mod config;
mod convert;
mod events;
mod glance;
mod header;
mod headers;
mod heads;
mod hydrate;
pub mod keys;
mod light_client;
mod memory;
mod plan;
mod proofs;
mod rpc;
#[cfg(test)]
mod scripted;
mod state;
mod submitted;
mod survey;
mod transfer;
mod tx;
mod upgrade;
mod watch;

pub use adapter::{CLIENT_TYPE, CosmosAdapter};
pub use clients::HOST_ENCODING;
pub use config::{Config, ConfigError, DynamicPrice, GasPrice, KeyConfig, KeyType, PriceSource, Pricing, RpcConfig};
pub use keys::{AccountForm, KeyError, Keys, Signer, is_address};
pub use light_client::CosmosLightClient;
pub use transfer::{SentTransfer, Transfer};
pub use upgrade::{Successor, UpgradedStates, followed_chain, verify_upgrade};
