//! The generated service on top of any adapter: parse, call, wrap. No decision is made here but that of the version.

use super::WATCH_WAIT_MAX_MS;
use super::wire::{
    Answer, Wire, WireError, all, channel_end, client_id, connection_id, maybe, need, packet_end, sequence, sequences, tx_id,
};
use crate::description::SEAM_VERSION;
use crate::{AdapterError, ChainAdapter};
use causeway_proto::adapter::v1 as pb;
use pb::adapter_server::Adapter;
use std::sync::Arc;
use tonic::{Request, Response, Status, async_trait};

/// The service over one adapter.
#[derive(Debug, Clone)]
pub(super) struct Service {
    adapter: Arc<dyn ChainAdapter>,
}

type Reply<T> = Result<Response<T>, Status>;

impl Service {
    pub(super) fn new(adapter: Arc<dyn ChainAdapter>) -> Self {
        Self { adapter }
    }
}

fn bad(error: WireError) -> Status {
    Status::invalid_argument(error.to_string())
}

fn reply<A: Answer>(result: Result<A::Value, AdapterError>) -> Reply<A> {
    Ok(Response::new(A::wrap(result)))
}

/// The refusal of a caller with another version.
pub(super) fn version_error(adapter: u32, caller: u32) -> AdapterError {
    AdapterError::Invalid {
        what: "seam version",
        detail: format!("the adapter speaks version {adapter}, the relay version {caller}; run releases that match"),
    }
}

#[async_trait]
impl Adapter for Service {
    async fn describe(&self, request: Request<pb::DescribeRequest>) -> Reply<pb::DescribeResponse> {
        let caller = request.get_ref().seam_version;
        if caller != SEAM_VERSION {
            return reply(Err(version_error(SEAM_VERSION, caller)));
        }
        reply(self.adapter.describe().await)
    }

    async fn status(&self, _request: Request<pb::StatusRequest>) -> Reply<pb::StatusResponse> {
        reply(self.adapter.status().await)
    }

    async fn watch(&self, request: Request<pb::WatchRequest>) -> Reply<pb::WatchResponse> {
        let mut request = crate::WatchRequest::from_pb(request.into_inner()).map_err(bad)?;
        request.wait_ms = request.wait_ms.min(WATCH_WAIT_MAX_MS);
        reply(self.adapter.watch(request).await)
    }

    async fn commitments(&self, request: Request<pb::CommitmentsRequest>) -> Reply<pb::CommitmentsResponse> {
        let request = request.into_inner();
        let (end, from) = (packet_end(&request.end).map_err(bad)?, sequence(request.from).map_err(bad)?);
        reply(self.adapter.commitments(&end, from, request.limit).await)
    }

    async fn packet_states(&self, request: Request<pb::PacketStatesRequest>) -> Reply<pb::PacketStatesResponse> {
        let request = request.into_inner();
        let (end, sequences) = (packet_end(&request.end).map_err(bad)?, sequences(request.sequences).map_err(bad)?);
        reply(self.adapter.packet_states(&end, &sequences).await)
    }

    async fn hydrate(&self, request: Request<pb::HydrateRequest>) -> Reply<pb::HydrateResponse> {
        let request = Wire::from_pb(request.into_inner()).map_err(bad)?;
        reply(self.adapter.hydrate(request).await)
    }

    async fn client(&self, request: Request<pb::ClientRequest>) -> Reply<pb::ClientResponse> {
        let client = client_id(&request.get_ref().client).map_err(bad)?;
        reply(self.adapter.client(&client).await)
    }

    async fn consensus(&self, request: Request<pb::ConsensusRequest>) -> Reply<pb::ConsensusResponse> {
        let request = request.into_inner();
        let client = client_id(&request.client).map_err(bad)?;
        let height = need("height", request.height).map_err(bad)?;
        reply(self.adapter.consensus(&client, height).await)
    }

    async fn connection(&self, request: Request<pb::ConnectionRequest>) -> Reply<pb::ConnectionResponse> {
        let id = connection_id(&request.get_ref().id).map_err(bad)?;
        reply(self.adapter.connection(&id).await)
    }

    async fn channel(&self, request: Request<pb::ChannelRequest>) -> Reply<pb::ChannelResponse> {
        let id = channel_end(&request.get_ref().id).map_err(bad)?;
        reply(self.adapter.channel(&id).await)
    }

    async fn channels(&self, request: Request<pb::ChannelsRequest>) -> Reply<pb::ChannelsResponse> {
        let connection = connection_id(&request.get_ref().connection).map_err(bad)?;
        reply(self.adapter.channels(&connection).await)
    }

    async fn root(&self, request: Request<pb::RootRequest>) -> Reply<pb::RootResponse> {
        let height = maybe(request.into_inner().height).map_err(bad)?;
        reply(self.adapter.root(height).await)
    }

    async fn plan_update(&self, request: Request<pb::PlanUpdateRequest>) -> Reply<pb::PlanUpdateResponse> {
        let request = request.into_inner();
        let view = need("client view", request.view).map_err(bad)?;
        let required = maybe(request.need).map_err(bad)?;
        let limits = need("limits", request.limits).map_err(bad)?;
        reply(self.adapter.plan_update(&view, required, limits).await)
    }

    async fn update_at(&self, request: Request<pb::UpdateAtRequest>) -> Reply<pb::UpdateAtResponse> {
        let request = request.into_inner();
        let trusted = need("trusted height", request.trusted).map_err(bad)?;
        let height = need("height", request.height).map_err(bad)?;
        reply(self.adapter.update_at(trusted, height).await)
    }

    async fn submitted(&self, request: Request<pb::SubmittedRequest>) -> Reply<pb::SubmittedResponse> {
        let request = request.into_inner();
        let client = client_id(&request.client).map_err(bad)?;
        let height = need("height", request.height).map_err(bad)?;
        let tx = tx_id(request.tx).map_err(bad)?;
        reply(self.adapter.submitted(&client, height, &tx).await)
    }

    async fn provable(&self, request: Request<pb::ProvableRequest>) -> Reply<pb::ProvableResponse> {
        let claim = need("claim", request.into_inner().claim).map_err(bad)?;
        reply(self.adapter.provable(&claim).await)
    }

    async fn fetch(&self, request: Request<pb::FetchRequest>) -> Reply<pb::FetchResponse> {
        let request = request.into_inner();
        let claims: Vec<_> = all(request.claims).map_err(bad)?;
        let height = need("height", request.height).map_err(bad)?;
        reply(self.adapter.fetch(&claims, height).await)
    }

    async fn build(&self, request: Request<pb::BuildRequest>) -> Reply<pb::BuildResponse> {
        let request = Wire::from_pb(request.into_inner()).map_err(bad)?;
        reply(self.adapter.build(request).await)
    }

    async fn sign(&self, request: Request<pb::SignRequest>) -> Reply<pb::SignResponse> {
        let request = request.into_inner();
        let built = need("transaction", request.built).map_err(bad)?;
        reply(self.adapter.sign(&request.signer, &built).await)
    }

    async fn broadcast(&self, request: Request<pb::BroadcastRequest>) -> Reply<pb::BroadcastResponse> {
        let tx = need("transaction", request.into_inner().tx).map_err(bad)?;
        reply(self.adapter.broadcast(&tx).await)
    }

    async fn outcome(&self, request: Request<pb::OutcomeRequest>) -> Reply<pb::OutcomeResponse> {
        let tx = need("transaction", request.into_inner().tx).map_err(bad)?;
        reply(self.adapter.outcome(&tx).await)
    }

    async fn account(&self, request: Request<pb::AccountRequest>) -> Reply<pb::AccountResponse> {
        reply(self.adapter.account(&request.get_ref().signer).await)
    }

    async fn distrust(&self, _request: Request<pb::DistrustRequest>) -> Reply<pb::DistrustResponse> {
        self.adapter.distrust();
        Ok(Response::new(pb::DistrustResponse {}))
    }
}
