//! Binding, serving and stopping: both listeners live and end together.
//!
//! What it is not: it installs no recorder and starts no engine; the binary does both and passes them in.

use crate::admin::AdminService;
use crate::health::Health;
use crate::packets::PacketService;
use crate::relay::Relay;
use crate::watch::{WatchLimits, Watchers};
use causeway_proto::admin::v1::admin_server::AdminServer;
use causeway_proto::relay::v1::relay_server::RelayServer;
use metrics_exporter_prometheus::PrometheusHandle;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_stream::wrappers::TcpListenerStream;
use tokio_util::sync::CancellationToken;
use tonic::transport::Server;

/// Largest request. The largest legitimate one is a few hundred bytes.
const REQUEST_BYTES_MAX: usize = 16 * 1_024;
/// Largest answer: a packet with its payloads and acknowledgement at their limits, and room for the rest.
const RESPONSE_BYTES_MAX: usize = 4 << 20;
/// Streams of one connection at once.
const STREAMS_MAX: u32 = 128;
/// Most bytes of the headers of a request.
const HEADER_BYTES_MAX: u32 = 16 * 1_024;
/// How long a question may take.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);
/// How often a silent connection is asked whether it lives, and how long it may take to say so.
const KEEPALIVE: (Duration, Duration) = (Duration::from_secs(30), Duration::from_secs(20));
/// How often histograms are compacted when nobody scrapes.
const UPKEEP_INTERVAL: Duration = Duration::from_secs(5);

/// Where and how to serve.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiConfig {
    /// gRPC for dApps and operators; port 0 takes a free one.
    pub grpc_listen: SocketAddr,
    /// HTTP for /metrics, /healthz and /readyz; port 0 takes a free one.
    pub http_listen: SocketAddr,
    /// Permits addresses other than loopback. The services have no authentication of their own.
    pub allow_remote: bool,
    /// What `GetStatus` answers as the version of the relay.
    pub version: String,
    /// Bounds of watching.
    pub watch: WatchLimits,
}

impl Default for ApiConfig {
    /// Loopback, with the ports of the sample configuration.
    fn default() -> Self {
        Self {
            grpc_listen: SocketAddr::from(([127, 0, 0, 1], 7600)),
            http_listen: SocketAddr::from(([127, 0, 0, 1], 7601)),
            allow_remote: false,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            watch: WatchLimits::default(),
        }
    }
}

/// Why the services do not start.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// The address is open to other machines, and nobody said that this is meant.
    #[error("{what} = {address} is not loopback; set allow_remote if that is meant, behind a proxy that authenticates")]
    NotLoopback {
        /// Which listener.
        what: &'static str,
        /// Its address.
        address: SocketAddr,
    },
    /// The address cannot be listened on.
    #[error("cannot listen on {what} = {address}: {error}; choose another port, or stop what holds it")]
    Listen {
        /// Which listener.
        what: &'static str,
        /// Its address.
        address: SocketAddr,
        /// What the system said.
        error: std::io::Error,
    },
    /// The descriptors of the services are damaged: a build fault.
    #[error("the reflection service refuses its descriptors: {0}; this build is damaged, install another")]
    Reflection(#[from] tonic_reflection::server::Error),
}

/// Running services.
#[derive(Debug)]
pub struct Api {
    grpc_address: SocketAddr,
    http_address: SocketAddr,
    shutdown: CancellationToken,
    tasks: Vec<JoinHandle<()>>,
}

impl Api {
    /// Binds both addresses, then serves until [`Api::shutdown`], or until `shutdown` is cancelled.
    ///
    /// # Errors
    /// [`ApiError`], with nothing bound any more.
    pub async fn start(
        config: ApiConfig,
        relay: Arc<dyn Relay>,
        metrics: PrometheusHandle,
        shutdown: &CancellationToken,
    ) -> Result<Self, ApiError> {
        let shutdown = shutdown.child_token();
        let grpc = listen("grpc_listen", config.grpc_listen, config.allow_remote).await?;
        let http = listen("http_listen", config.http_listen, config.allow_remote).await?;
        let health = Health::new(Arc::clone(&relay), shutdown.clone());
        let (reporter, health_service) = tonic_health::server::health_reporter();
        let reflection =
            || tonic_reflection::server::Builder::configure().register_encoded_file_descriptor_set(causeway_proto::DESCRIPTORS);
        let packets = PacketService { relay: Arc::clone(&relay), watchers: Watchers::new(config.watch, shutdown.clone()) };
        let admin = AdminService { relay, version: config.version };
        let router = Server::builder()
            .timeout(REQUEST_TIMEOUT)
            .max_concurrent_streams(STREAMS_MAX)
            .http2_max_header_list_size(HEADER_BYTES_MAX)
            .http2_keepalive_interval(Some(KEEPALIVE.0))
            .http2_keepalive_timeout(Some(KEEPALIVE.1))
            .add_service(health_service)
            .add_service(served(reflection()).build_v1()?)
            .add_service(served(reflection()).build_v1alpha()?)
            .add_service(
                RelayServer::new(packets).max_decoding_message_size(REQUEST_BYTES_MAX).max_encoding_message_size(RESPONSE_BYTES_MAX),
            )
            .add_service(
                AdminServer::new(admin).max_decoding_message_size(REQUEST_BYTES_MAX).max_encoding_message_size(RESPONSE_BYTES_MAX),
            );
        let (grpc_address, http_address) = (grpc.1, http.1);
        let stop = shutdown.clone().cancelled_owned();
        let serve_grpc = async move {
            ended("gRPC", router.serve_with_incoming_shutdown(TcpListenerStream::new(grpc.0), stop).await);
        };
        let pages = crate::http::router(metrics.clone(), health.clone());
        let stop = shutdown.clone().cancelled_owned();
        let serve_http = async move { ended("HTTP", axum::serve(http.0, pages).with_graceful_shutdown(stop).await) };
        let tasks = vec![
            tokio::spawn(serve_grpc),
            tokio::spawn(serve_http),
            tokio::spawn(health.report(reporter)),
            tokio::spawn(upkeep(metrics, shutdown.clone())),
        ];
        tracing::info!(grpc = %grpc_address, http = %http_address, "serving");
        Ok(Self { grpc_address, http_address, shutdown, tasks })
    }

    /// Where gRPC is served.
    pub fn grpc_address(&self) -> SocketAddr {
        self.grpc_address
    }

    /// Where HTTP is served.
    pub fn http_address(&self) -> SocketAddr {
        self.http_address
    }

    /// Stops: streams end with UNAVAILABLE, questions under way are answered until `deadline`. Returns whether all ended in time.
    pub async fn shutdown(self, deadline: Duration) -> bool {
        self.shutdown.cancel();
        let aborts: Vec<_> = self.tasks.iter().map(JoinHandle::abort_handle).collect();
        let drained = tokio::time::timeout(deadline, futures::future::join_all(self.tasks)).await.is_ok();
        for abort in aborts {
            abort.abort();
        }
        drained
    }
}

async fn listen(what: &'static str, address: SocketAddr, allow_remote: bool) -> Result<(TcpListener, SocketAddr), ApiError> {
    if !address.ip().is_loopback() && !allow_remote {
        return Err(ApiError::NotLoopback { what, address });
    }
    let failed = |error| ApiError::Listen { what, address, error };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?;
    Ok((listener, bound))
}

/// Reflection tells of what is served here; the seam's descriptors are in the same set but belong to `adapter serve`.
fn served(builder: tonic_reflection::server::Builder<'_>) -> tonic_reflection::server::Builder<'_> {
    const SERVED: [&str; 4] =
        ["causeway.relay.v1.Relay", "causeway.admin.v1.Admin", "grpc.health.v1.Health", "grpc.reflection.v1.ServerReflection"];
    SERVED.into_iter().fold(
        builder.register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET),
        tonic_reflection::server::Builder::with_service_name,
    )
}

fn ended<E: std::fmt::Display>(what: &str, result: Result<(), E>) {
    if let Err(error) = result {
        tracing::error!(%error, "the {what} server ended");
    }
}

async fn upkeep(metrics: PrometheusHandle, shutdown: CancellationToken) {
    while tokio::time::timeout(UPKEEP_INTERVAL, shutdown.cancelled()).await.is_err() {
        metrics.run_upkeep();
    }
}
