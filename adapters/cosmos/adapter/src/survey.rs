//! What people ask about a chain before anything is relayed: its node, its open channels, whom a client follows, when its blocks were made.
//!
//! What it is not: no part of the seam; the engine needs none of it. Called by the binary, for `health`, `path discover` and `bench`.

use crate::adapter::CosmosAdapter;
use crate::answers::Status;
use crate::chain::{Query, Result};
use crate::channels::identified;
use causeway_adapter::AdapterError;
use causeway_cosmos_proto::cosmos::base::query::v1beta1::PageRequest;
use causeway_cosmos_proto::ibc::core::channel::v1 as channel_v1;
use causeway_cosmos_proto::ibc::core::client::v1 as client_v1;
use causeway_cosmos_proto::ibc::lightclients::tendermint::v1 as tendermint;
use causeway_cosmos_proto::tendermint::types::SignedHeader;
use causeway_cosmos_proto::unpack;
use causeway_types::ClientId;
use causeway_types::classic::{ChannelEnd, ChannelEndId, HandshakeState};
use serde_json::json;

/// Channels of a page.
const PAGE: u64 = 500;
/// Pages of a listing: 50,000 channels, more than any chain has.
const PAGES_MAX: usize = 100;

impl CosmosAdapter {
    /// What the node calls itself: CometBFT's version.
    ///
    /// # Errors
    /// What the endpoints say.
    pub async fn node_version(&self) -> Result<String> {
        let status: Status = self.chain().rpc.get("status", json!({})).await?;
        Ok(format!("CometBFT {}", crate::rpc::short(&status.node_info.version)))
    }

    /// Times of blocks by their headers, unix milliseconds, in the order asked.
    ///
    /// # Errors
    /// What the endpoints say.
    pub async fn block_times_ms(&self, numbers: &[u64]) -> Result<Vec<u64>> {
        let headers = self.chain().signed_headers(numbers).await?;
        let time = |signed: SignedHeader| {
            let time = signed.header.and_then(|header| header.time).unwrap_or_default();
            let (seconds, nanos) = (u64::try_from(time.seconds).unwrap_or_default(), u64::try_from(time.nanos).unwrap_or_default());
            seconds.saturating_mul(1_000).saturating_add(nanos / 1_000_000)
        };
        Ok(headers.into_iter().map(time).collect())
    }

    /// Channels of IBC classic that are open, in the chain's order. What is no channel of a form that is relayed is left out.
    ///
    /// # Errors
    /// What the endpoints say.
    pub async fn open_channels(&self) -> Result<Vec<(ChannelEndId, ChannelEnd)>> {
        let (mut found, mut key) = (Vec::new(), Vec::new());
        for _ in 0..PAGES_MAX {
            let pagination = PageRequest { key, limit: PAGE, ..PageRequest::default() };
            let request = channel_v1::QueryChannelsRequest { pagination: Some(pagination) };
            let response = self.chain().query(Query::grpc("/ibc.core.channel.v1.Query/Channels", &request)).await?;
            let answer: channel_v1::QueryChannelsResponse = self.chain().decode(&response, "channels")?;
            found.extend(answer.channels.into_iter().filter_map(identified).filter(|(_, end)| end.state == HandshakeState::Open));
            key = answer.pagination.unwrap_or_default().next_key;
            if key.is_empty() {
                break;
            }
        }
        Ok(found)
    }

    /// What the chain that a client follows calls itself.
    ///
    /// # Errors
    /// [`AdapterError::NotFound`] when there is no such client, [`AdapterError::Invalid`] when it is of another type than this family makes.
    pub async fn followed_chain(&self, client: &ClientId) -> Result<String> {
        let request = client_v1::QueryClientStateRequest { client_id: client.to_string() };
        let response = self.chain().query(Query::grpc("/ibc.core.client.v1.Query/ClientState", &request)).await?;
        if response.code != 0 {
            return Err(crate::clients::not_found(self.chain(), &response, "client", client.to_string()));
        }
        let answer: client_v1::QueryClientStateResponse = self.chain().decode(&response, "client-state")?;
        let any = answer.client_state.ok_or_else(|| self.chain().protocol("client-state", "a client state", "none"))?;
        let state: tendermint::ClientState = unpack(&any).map_err(|error| AdapterError::Invalid {
            what: "client",
            detail: format!("{client} is of a type that this adapter does not know ({error})"),
        })?;
        Ok(state.chain_id)
    }
}
