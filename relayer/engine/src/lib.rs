//! The relay's engine: watch, journal, update clients, prove, submit, confirm, clear, time out. It knows no chain family.
//!
//! What it is not: no RPC, no wire format, no command line; chains come in as [`causeway_adapter::Family`], the journal as
//! [`causeway_store::Store`], time, randomness and tasks as [`Env`].
//!
//! Bird's eye view:
//! - [`config`]: what the engine is told; [`handle`]: start, questions, commands; [`handshake`]: setting up a path; [`client`]: one client by hand;
//! - [`packet`]: the record of a packet; [`evidence`]: what convicts a chain; [`env`]: clock, randomness, spawning; [`error`]: why it refuses.
//!
//! ```no_run
//! # async fn example(config: causeway_engine::EngineConfig, store: std::sync::Arc<dyn causeway_store::Store>) {
//! let engine = causeway_engine::Engine::start(config, store, causeway_engine::env::system()).await.expect("a sound configuration");
//! println!("{:?}", engine.status());
//! engine.shutdown(std::time::Duration::from_secs(30)).await;
//! # }
//! ```

mod chain;
mod channel;
mod clearer;
pub mod client;
pub mod config;
pub mod env;
pub mod error;
pub mod evidence;
mod filter;
mod halts;
pub mod handle;
pub mod handshake;
mod journal;
mod keeper;
pub mod metrics;
mod opener;
pub mod packet;
mod shared;
mod start;
mod submitter;
pub mod trust;
mod warden;
mod watcher;
mod worker;

pub use config::{
    Batching, ChainSpec, Clearing, ConfigError, Deadlines, End, EngineConfig, Filter, HandshakeSpec, PathSpec, Retention, RootOfTrust,
};
pub use env::{Clock, Env, Rng, Spawner, Task};
pub use error::{QueryError, StartError};
pub use evidence::{Evidence, EvidenceKind};
pub use filter::matches as pattern_matches;
pub use handle::{
    ChainReport, Change, Changes, ChannelReport, ClientReport, Engine, EngineHandle, PacketCount, PacketFilter, Page, PathReport, Status,
    WalletReport,
};
pub use packet::{AckKind, By, Cost, Direction, Gone, Origin, PacketRecord, PacketState, Received, Stage, StateKind, TxRef};
