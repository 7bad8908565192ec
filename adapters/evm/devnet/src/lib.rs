//! An EVM chain inside a test or a demo: real blocks, real tries, real JSON-RPC.
//!
//! revm executes; the state is a Merkle-Patricia trie in memory with the last blocks kept
//! for `eth_getProof`; every header is sealed QBFT- or IBFT2-style by validators that live
//! in this process. A client cannot tell it from Besu or GoQuorum by what it serves, and a
//! test can make it lie. It is not a node: no peers, no disk, no consensus messages, and
//! keys that anyone can derive.
//!
//! - [`Devnet::start`] with a [`DevnetConfig`] gives a [`DevnetHandle`];
//! - [`Control`] drives mining, validators, rounds and time;
//! - [`Faults`] are the lies of the RPC server.
//!
//! ```
//! # async fn example() -> Result<(), causeway_evm_devnet::DevnetError> {
//! use causeway_evm_devnet::{Devnet, DevnetConfig};
//! let chain = Devnet::start(DevnetConfig { chain_id: 31_337, ..DevnetConfig::default() }).await?;
//! chain.control().mine(3)?;
//! println!("{}", chain.rpc_url());
//! chain.stop().await;
//! # Ok(())
//! # }
//! ```
//!
//! Timestamps are seconds. With a period below a second several blocks share one, as
//! GoQuorum allows; none is ever older than its parent.

mod chain;
mod clock;
mod config;
mod control;
mod error;
mod executor;
mod faults;
mod header;
mod node;
mod pool;
mod producer;
mod rpc;
mod state;
mod trie;
mod validators;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};

pub use config::{BaseFee, ClockMode, ConsensusKind, DevnetConfig, Fork, RpcLimits, dev_key};
pub use control::Control;
pub use error::DevnetError;
pub use faults::{Faults, Outage, ProofLie, SealLie};
pub use header::Vote;

/// How long requests in flight may take to end after a stop.
const STOP_PATIENCE: Duration = Duration::from_secs(2);

/// Starts chains.
#[derive(Debug, Clone, Copy)]
pub struct Devnet;

impl Devnet {
    /// Starts a chain on the current tokio runtime: genesis is made, the RPC server
    /// answers, and blocks come once a period.
    ///
    /// # Errors
    /// [`DevnetError::Config`] or [`DevnetError::Listen`].
    pub async fn start(config: DevnetConfig) -> Result<DevnetHandle, DevnetError> {
        config.validate()?;
        let port = config.port;
        let listener =
            tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.map_err(|source| DevnetError::Listen { port, source })?;
        let address = listener.local_addr().map_err(|source| DevnetError::Listen { port, source })?;
        let node = Arc::new(node::Node::new(config));
        let stop = CancellationToken::new();
        let tasks =
            vec![tokio::spawn(node::mine(node.clone(), stop.clone())), tokio::spawn(rpc::serve(node.clone(), listener, stop.clone()))];
        Ok(DevnetHandle { address, chain_id: node.config.chain_id, control: Control::new(node), tasks, stop: stop.drop_guard() })
    }
}

/// A chain that runs. Dropping the handle stops it too, without waiting.
#[derive(Debug)]
pub struct DevnetHandle {
    address: SocketAddr,
    chain_id: u64,
    control: Control,
    tasks: Vec<JoinHandle<()>>,
    stop: DropGuard,
}

impl DevnetHandle {
    /// Where the JSON-RPC server listens.
    pub fn rpc_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The chain id.
    pub fn chain_id(&self) -> u64 {
        self.chain_id
    }

    /// Drives the chain.
    pub fn control(&self) -> &Control {
        &self.control
    }

    /// Stops mining and the server and waits for both.
    pub async fn stop(self) {
        drop(self.stop);
        for mut task in self.tasks {
            if tokio::time::timeout(STOP_PATIENCE, &mut task).await.is_err() {
                task.abort();
            }
        }
    }
}
