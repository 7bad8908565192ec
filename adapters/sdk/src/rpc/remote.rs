//! An adapter in another process, as one of ours.

use super::MESSAGE_BYTES_MAX;
use super::server::version_error;
use super::wire::{Answer, Wire, WireError, to_all};
use crate::adapter::Result;
use crate::description::SEAM_VERSION;
use crate::{
    Account, AdapterError, BroadcastResult, BuildRequest, Built, ChainAdapter, ChainStatus, ClientView, ConsensusView, Description,
    Evidence, HostLimits, HydrateRequest, Hydrated, Outcome, PacketState, Plan, Provable, SignedTx, WatchBatch, WatchRequest,
};
use async_trait::async_trait;
use causeway_proto::adapter::v1 as pb;
use causeway_types::classic::{ChannelEnd, ChannelEndId, ConnectionEnd, ConnectionId};
use causeway_types::{Claim, ClientId, Height, PacketEnd, Sequence, TxId};
use core::sync::atomic::{AtomicBool, Ordering};
use core::time::Duration;
use pb::adapter_client::AdapterClient;
use std::sync::Arc;
use tokio::sync::Semaphore;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request, Response, Status};

/// How patient a caller is.
#[derive(Debug, Clone, Copy)]
pub struct RemoteOptions {
    /// Longest wait for a connection, milliseconds.
    pub connect_timeout_ms: u64,
    /// Longest wait for an answer, milliseconds; `watch` may wait longer by what it asks for.
    pub call_timeout_ms: u64,
}

impl Default for RemoteOptions {
    fn default() -> Self {
        Self { connect_timeout_ms: 5_000, call_timeout_ms: 30_000 }
    }
}

/// Why an adapter elsewhere cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The address is none.
    #[error("`{address}` is not an address of an adapter: {detail}; write it as http://host:port")]
    Address {
        /// The address.
        address: String,
        /// What is wrong with it.
        detail: String,
    },
    /// The two sides speak different versions of the seam.
    #[error("the adapter at {address} speaks version {theirs} of the seam, this relay version {ours}; run releases that match")]
    Version {
        /// The address.
        address: String,
        /// Our version.
        ours: u32,
        /// The adapter's.
        theirs: u32,
    },
    /// The first call failed.
    #[error(transparent)]
    Adapter(#[from] AdapterError),
}

/// An adapter in another process. Clones share one connection, which comes back by itself.
#[derive(Debug)]
pub struct RemoteAdapter {
    /// Host and port, for errors.
    endpoint: String,
    client: AdapterClient<Channel>,
    options: RemoteOptions,
    /// Whether the other side's version was seen to be ours since the connection last broke.
    agreed: AtomicBool,
    /// Held while the other side is being told that its answers are not trusted: more of the same waits for nothing.
    telling: Arc<Semaphore>,
}

impl RemoteAdapter {
    /// An adapter at `address` (`http://host:port`) that connects with the first call, and again after every break. The version is
    /// settled before anything else is asked.
    ///
    /// # Errors
    /// [`ConnectError::Address`] when the address does not parse.
    pub fn lazy(address: &str, options: RemoteOptions) -> core::result::Result<Self, ConnectError> {
        let refuse = |detail: String| ConnectError::Address { address: address.to_owned(), detail };
        let endpoint = Endpoint::from_shared(address.to_owned()).map_err(|error| refuse(error.to_string()))?;
        let uri = endpoint.uri();
        let (Some("http"), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
            return Err(refuse("scheme and host are needed".into()));
        };
        // What stands before the `@` may be a secret: it must not get into errors.
        let name = authority.as_str().rsplit('@').next().unwrap_or_default().to_owned();
        let channel = endpoint.connect_timeout(Duration::from_millis(options.connect_timeout_ms)).tcp_nodelay(true).connect_lazy();
        let client = AdapterClient::new(channel).max_decoding_message_size(MESSAGE_BYTES_MAX).max_encoding_message_size(MESSAGE_BYTES_MAX);
        Ok(Self { endpoint: name, client, options, agreed: AtomicBool::new(false), telling: Arc::new(Semaphore::new(1)) })
    }

    /// Connects, settles the version and asks who is there.
    ///
    /// # Errors
    /// [`ConnectError::Version`] naming both versions, [`ConnectError::Adapter`] when nobody answers.
    pub async fn connect(address: &str, options: RemoteOptions) -> core::result::Result<(Self, Description), ConnectError> {
        let remote = Self::lazy(address, options)?;
        let description = remote.ask().await?;
        if description.seam_version != SEAM_VERSION {
            let (address, theirs) = (address.to_owned(), description.seam_version);
            return Err(ConnectError::Version { address, ours: SEAM_VERSION, theirs });
        }
        remote.agreed.store(true, Ordering::Release);
        Ok((remote, description))
    }

    /// The description, whatever version it states.
    async fn ask(&self) -> Result<Description> {
        let request = self.request(pb::DescribeRequest { seam_version: SEAM_VERSION }, 0);
        self.open(self.client.clone().describe(request).await)
    }

    /// Waits until nothing is being told, and keeps it so while the answer lives.
    #[cfg(test)]
    pub(super) async fn told(&self) -> core::result::Result<tokio::sync::OwnedSemaphorePermit, tokio::sync::AcquireError> {
        Arc::clone(&self.telling).acquire_owned().await
    }

    async fn agree(&self) -> Result<Description> {
        let description = self.ask().await?;
        if description.seam_version != SEAM_VERSION {
            return Err(version_error(description.seam_version, SEAM_VERSION));
        }
        self.agreed.store(true, Ordering::Release);
        Ok(description)
    }

    /// A client for one call, once the version is settled.
    async fn ready(&self) -> Result<AdapterClient<Channel>> {
        if !self.agreed.load(Ordering::Acquire) {
            self.agree().await?;
        }
        Ok(self.client.clone())
    }

    fn request<T>(&self, message: T, wait_ms: u64) -> Request<T> {
        let mut request = Request::new(message);
        request.set_timeout(Duration::from_millis(self.options.call_timeout_ms.saturating_add(wait_ms)));
        request
    }

    fn open<A: Answer>(&self, answer: core::result::Result<Response<A>, Status>) -> Result<A::Value> {
        match answer {
            Ok(response) => response.into_inner().open().map_err(|error| self.broken(&error))?,
            Err(status) => Err(self.failed(&status)),
        }
    }

    fn broken(&self, error: &WireError) -> AdapterError {
        AdapterError::Protocol {
            endpoint: self.endpoint.clone(),
            rule: "wire-form",
            expected: error.what.to_owned(),
            found: error.detail.clone(),
        }
    }

    fn failed(&self, status: &Status) -> AdapterError {
        let detail = status.message().chars().take(300).collect::<String>();
        let endpoint = self.endpoint.clone();
        match status.code() {
            Code::InvalidArgument => AdapterError::Invalid { what: "request", detail },
            Code::OutOfRange | Code::DataLoss | Code::Internal => {
                AdapterError::Protocol { endpoint, rule: "grpc-status", expected: "an answer".into(), found: detail }
            }
            Code::Unimplemented => AdapterError::Unsupported { operation: "this operation of the seam" },
            Code::ResourceExhausted => AdapterError::RateLimited { endpoint, retry_after_ms: 1_000 },
            _ => {
                // Whoever answers next may be another release.
                self.agreed.store(false, Ordering::Release);
                AdapterError::Unreachable { endpoint, detail: format!("{}: {detail}", status.code().description()) }
            }
        }
    }
}

fn numbers(sequences: &[Sequence]) -> Vec<u64> {
    sequences.iter().map(|sequence| sequence.get()).collect()
}

#[async_trait]
impl ChainAdapter for RemoteAdapter {
    async fn describe(&self) -> Result<Description> {
        self.agree().await
    }

    async fn status(&self) -> Result<ChainStatus> {
        self.open(self.ready().await?.status(self.request(pb::StatusRequest {}, 0)).await)
    }

    async fn watch(&self, request: WatchRequest) -> Result<WatchBatch> {
        self.open(self.ready().await?.watch(self.request(request.to_pb(), request.wait_ms)).await)
    }

    async fn commitments(&self, end: &PacketEnd, from: Sequence, limit: u32) -> Result<(Vec<Sequence>, Option<Sequence>)> {
        let request = pb::CommitmentsRequest { end: end.to_string(), from: from.get(), limit };
        self.open(self.ready().await?.commitments(self.request(request, 0)).await)
    }

    async fn packet_states(&self, end: &PacketEnd, sequences: &[Sequence]) -> Result<Vec<PacketState>> {
        let request = pb::PacketStatesRequest { end: end.to_string(), sequences: numbers(sequences) };
        self.open(self.ready().await?.packet_states(self.request(request, 0)).await)
    }

    async fn hydrate(&self, request: HydrateRequest) -> Result<Vec<Hydrated>> {
        self.open(self.ready().await?.hydrate(self.request(request.to_pb(), 0)).await)
    }

    async fn client(&self, client: &ClientId) -> Result<ClientView> {
        let request = pb::ClientRequest { client: client.to_string() };
        self.open(self.ready().await?.client(self.request(request, 0)).await)
    }

    async fn consensus(&self, client: &ClientId, height: Height) -> Result<ConsensusView> {
        let request = pb::ConsensusRequest { client: client.to_string(), height: Some(height.to_pb()) };
        self.open(self.ready().await?.consensus(self.request(request, 0)).await)
    }

    async fn connection(&self, id: &ConnectionId) -> Result<ConnectionEnd> {
        let request = pb::ConnectionRequest { id: id.to_string() };
        self.open(self.ready().await?.connection(self.request(request, 0)).await)
    }

    async fn channel(&self, id: &ChannelEndId) -> Result<ChannelEnd> {
        let request = pb::ChannelRequest { id: id.to_string() };
        self.open(self.ready().await?.channel(self.request(request, 0)).await)
    }

    async fn channels(&self, connection: &ConnectionId) -> Result<Vec<(ChannelEndId, ChannelEnd)>> {
        let request = pb::ChannelsRequest { connection: connection.to_string() };
        self.open(self.ready().await?.channels(self.request(request, 0)).await)
    }

    async fn root(&self, height: Option<Height>) -> Result<(Height, Vec<u8>)> {
        let request = pb::RootRequest { height: height.as_ref().map(Wire::to_pb) };
        self.open(self.ready().await?.root(self.request(request, 0)).await)
    }

    async fn plan_update(&self, view: &ClientView, need: Option<Height>, limits: HostLimits) -> Result<Plan> {
        let (view, need) = (Some(view.to_pb()), need.as_ref().map(Wire::to_pb));
        let request = pb::PlanUpdateRequest { view, need, limits: Some(limits.to_pb()) };
        self.open(self.ready().await?.plan_update(self.request(request, 0)).await)
    }

    async fn update_at(&self, trusted: Height, height: Height) -> Result<Vec<u8>> {
        let request = pb::UpdateAtRequest { trusted: Some(trusted.to_pb()), height: Some(height.to_pb()) };
        self.open(self.ready().await?.update_at(self.request(request, 0)).await)
    }

    async fn submitted(&self, client: &ClientId, height: Height, tx: &TxId) -> Result<Vec<Vec<u8>>> {
        let request = pb::SubmittedRequest { client: client.to_string(), height: Some(height.to_pb()), tx: tx.as_bytes().to_vec() };
        self.open(self.ready().await?.submitted(self.request(request, 0)).await)
    }

    async fn provable(&self, claim: &Claim) -> Result<Provable> {
        let request = pb::ProvableRequest { claim: Some(claim.to_pb()) };
        self.open(self.ready().await?.provable(self.request(request, 0)).await)
    }

    async fn fetch(&self, claims: &[Claim], height: Height) -> Result<Evidence> {
        let request = pb::FetchRequest { claims: to_all(claims), height: Some(height.to_pb()) };
        self.open(self.ready().await?.fetch(self.request(request, 0)).await)
    }

    async fn build(&self, request: BuildRequest) -> Result<Built> {
        self.open(self.ready().await?.build(self.request(request.to_pb(), 0)).await)
    }

    async fn sign(&self, signer: &str, built: &Built) -> Result<SignedTx> {
        let request = pb::SignRequest { signer: signer.to_owned(), built: Some(built.to_pb()) };
        self.open(self.ready().await?.sign(self.request(request, 0)).await)
    }

    async fn broadcast(&self, tx: &SignedTx) -> Result<BroadcastResult> {
        let request = pb::BroadcastRequest { tx: Some(tx.to_pb()) };
        self.open(self.ready().await?.broadcast(self.request(request, 0)).await)
    }

    async fn outcome(&self, tx: &SignedTx) -> Result<Outcome> {
        let request = pb::OutcomeRequest { tx: Some(tx.to_pb()) };
        self.open(self.ready().await?.outcome(self.request(request, 0)).await)
    }

    async fn account(&self, signer: &str) -> Result<Account> {
        let request = pb::AccountRequest { signer: signer.to_owned() };
        self.open(self.ready().await?.account(self.request(request, 0)).await)
    }

    fn distrust(&self) {
        // One that is on its way says it already; and without a runtime nobody is being asked anything.
        let (Ok(permit), Ok(runtime)) = (Arc::clone(&self.telling).try_acquire_owned(), tokio::runtime::Handle::try_current()) else {
            return;
        };
        let (mut client, request, endpoint) = (self.client.clone(), self.request(pb::DistrustRequest {}, 0), self.endpoint.clone());
        runtime.spawn(async move {
            // Nothing depends on it: whatever the adapter answers is verified all the same.
            if let Err(status) = client.distrust(request).await {
                tracing::debug!(endpoint, %status, "the adapter could not be told that an answer did not verify");
            }
            drop(permit);
        });
    }
}
