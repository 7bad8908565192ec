//! The relay's services: gRPC for dApps (`causeway.relay.v1`) and operators (`causeway.admin.v1`) with reflection and the standard health
//! service; HTTP for /metrics, /healthz and /readyz.
//!
//! What it is not: it relays nothing and holds no state; every answer comes from a [`Relay`]. The binary starts it beside the engine.
//!
//! Bird's eye view: [`Api`] binds, serves and stops; [`Relay`] is what it asks; [`install_recorder`] makes what /metrics renders.
//!
//! ```no_run
//! # async fn example(engine: causeway_engine::EngineHandle) -> Result<(), Box<dyn std::error::Error>> {
//! use causeway_api::{Api, ApiConfig, install_recorder};
//! let metrics = install_recorder()?;
//! let shutdown = tokio_util::sync::CancellationToken::new();
//! let api = Api::start(ApiConfig::default(), std::sync::Arc::new(engine), metrics, &shutdown).await?;
//! println!("gRPC on {}", api.grpc_address());
//! api.shutdown(std::time::Duration::from_secs(5)).await;
//! # Ok(())
//! # }
//! ```
//!
//! **Invariant.** Generated types of these two packages stop here: callers of this crate see the engine's types alone.

mod admin;
mod answer;
mod health;
mod http;
mod metrics;
mod packets;
mod process;
mod relay;
mod request;
mod server;
mod watch;

pub use metrics::install_recorder;
pub use relay::Relay;
pub use server::{Api, ApiConfig, ApiError};
pub use watch::WatchLimits;
