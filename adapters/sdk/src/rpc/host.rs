//! The process side of the host: a listening socket, the service with health and reflection, and a shutdown that drains.

use super::MESSAGE_BYTES_MAX;
use super::server::Service;
use crate::ChainAdapter;
use causeway_proto::adapter::v1::adapter_server::AdapterServer;
use core::future::Future;
use core::time::Duration;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::transport::Server;

/// Requests that one connection may have open.
const CONCURRENCY_MAX: usize = 256;

/// Where and how to serve.
#[derive(Debug, Clone, Copy)]
pub struct HostOptions {
    /// Address to listen on.
    pub address: SocketAddr,
    /// Whether an address that other machines reach is accepted. The service has no access control of its own: who reaches it can
    /// spend from the adapter's keys.
    pub allow_non_loopback: bool,
}

impl Default for HostOptions {
    fn default() -> Self {
        Self { address: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), allow_non_loopback: false }
    }
}

/// Why an adapter cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum HostError {
    /// The address is reachable from other machines.
    #[error(
        "{0} is reachable from other machines, and whoever reaches an adapter can spend from its keys; listen on 127.0.0.1, or allow it"
    )]
    NotLoopback(SocketAddr),
    /// The socket cannot be opened.
    #[error("cannot listen on {address}: {source}; choose another port or stop what uses it")]
    Bind {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
    /// The server stopped by itself.
    #[error("the gRPC server stopped: {0}")]
    Serve(#[from] tonic::transport::Error),
    /// The descriptors for reflection do not parse.
    #[error("gRPC reflection: {0}")]
    Reflection(#[from] tonic_reflection::server::Error),
}

/// Opens the socket.
///
/// # Errors
/// [`HostError::NotLoopback`] for an address that the options do not allow, [`HostError::Bind`] when the system refuses it.
pub async fn bind(options: HostOptions) -> Result<TcpListener, HostError> {
    let address = options.address;
    if !options.allow_non_loopback && !address.ip().is_loopback() {
        return Err(HostError::NotLoopback(address));
    }
    TcpListener::bind(address).await.map_err(|source| HostError::Bind { address, source })
}

/// Serves the adapter, with health and reflection, until `shutdown` resolves; open calls are finished first.
///
/// # Errors
/// [`HostError::Serve`] when the server stops by itself.
pub async fn serve(
    listener: TcpListener,
    adapter: Arc<dyn ChainAdapter>,
    shutdown: impl Future<Output = ()> + Send,
) -> Result<(), HostError> {
    let service =
        AdapterServer::new(Service::new(adapter)).max_decoding_message_size(MESSAGE_BYTES_MAX).max_encoding_message_size(MESSAGE_BYTES_MAX);
    let (reporter, health) = tonic_health::server::health_reporter();
    reporter.set_serving::<AdapterServer<Service>>().await;
    let reflection =
        tonic_reflection::server::Builder::configure().register_encoded_file_descriptor_set(causeway_proto::DESCRIPTORS).build_v1()?;
    let shutdown = async move {
        shutdown.await;
        reporter.set_not_serving::<AdapterServer<Service>>().await;
    };
    Server::builder()
        .concurrency_limit_per_connection(CONCURRENCY_MAX)
        .tcp_nodelay(true)
        .http2_keepalive_interval(Some(Duration::from_secs(30)))
        .add_service(health)
        .add_service(reflection)
        .add_service(service)
        .serve_with_incoming_shutdown(TcpListenerStream::new(listener), shutdown)
        .await?;
    Ok(())
}
