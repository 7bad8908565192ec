//! Connections and channels of IBC classic, as this chain reports them. Called by [`crate::adapter`].

use crate::chain::{Chain, Query, Result};
use crate::convert::{channel_from, connection_from};
use causeway_adapter::AdapterError;
use causeway_cosmos_proto::cosmos::base::query::v1beta1::PageRequest;
use causeway_cosmos_proto::ibc::core::channel::v1 as channel_v1;
use causeway_cosmos_proto::ibc::core::connection::v1 as connection_v1;
use causeway_types::classic::{ChannelEnd, ChannelEndId, ChannelId, ConnectionEnd, ConnectionId, PortId};

/// Channels on one page of a listing, and pages of one listing: 10,000 channels of one connection.
const PAGE: u64 = 500;
const PAGES_MAX: usize = 20;

pub(crate) async fn connection(chain: &Chain, id: &ConnectionId) -> Result<ConnectionEnd> {
    let request = connection_v1::QueryConnectionRequest { connection_id: id.to_string() };
    let response = chain.query(Query::grpc("/ibc.core.connection.v1.Query/Connection", &request)).await?;
    if response.code != 0 {
        return Err(crate::clients::not_found(chain, &response, "connection", id.to_string()));
    }
    let found: connection_v1::QueryConnectionResponse = chain.decode(&response, "connection")?;
    let end = found.connection.ok_or_else(|| AdapterError::NotFound { what: "connection", name: id.to_string() })?;
    connection_from(end).map_err(|found| chain.protocol("connection", "a connection of IBC classic", found))
}

pub(crate) async fn channel(chain: &Chain, id: &ChannelEndId) -> Result<ChannelEnd> {
    let request = channel_v1::QueryChannelRequest { port_id: id.port.to_string(), channel_id: id.channel.to_string() };
    let response = chain.query(Query::grpc("/ibc.core.channel.v1.Query/Channel", &request)).await?;
    if response.code != 0 {
        return Err(crate::clients::not_found(chain, &response, "channel", id.to_string()));
    }
    let found: channel_v1::QueryChannelResponse = chain.decode(&response, "channel")?;
    let end = found.channel.ok_or_else(|| AdapterError::NotFound { what: "channel", name: id.to_string() })?;
    channel_from(end).map_err(|found| chain.protocol("channel", "a channel of IBC classic", found))
}

/// All channels of a connection. Those of an order or in a state that this relay does not know are left out: nobody could relay them.
pub(crate) async fn channels(chain: &Chain, connection: &ConnectionId) -> Result<Vec<(ChannelEndId, ChannelEnd)>> {
    let (mut found, mut key) = (Vec::new(), Vec::new());
    for _ in 0..PAGES_MAX {
        let pagination = Some(PageRequest { key, limit: PAGE, ..PageRequest::default() });
        let request = channel_v1::QueryConnectionChannelsRequest { connection: connection.to_string(), pagination };
        let response = chain.query(Query::grpc("/ibc.core.channel.v1.Query/ConnectionChannels", &request)).await?;
        let page: channel_v1::QueryConnectionChannelsResponse = chain.decode(&response, "connection-channels")?;
        found.extend(page.channels.into_iter().filter_map(identified));
        key = page.pagination.unwrap_or_default().next_key;
        if key.is_empty() {
            return Ok(found);
        }
    }
    let detail = format!("{connection} has more than {} channels; name the paths that are wanted", PAGE * PAGES_MAX as u64);
    Err(AdapterError::Invalid { what: "channels", detail })
}

/// A channel of a listing; `None` when its order or its state is of no kind that this relay knows.
pub(crate) fn identified(channel: channel_v1::IdentifiedChannel) -> Option<(ChannelEndId, ChannelEnd)> {
    let id = ChannelEndId { port: PortId::new(&channel.port_id).ok()?, channel: ChannelId::new(&channel.channel_id).ok()? };
    let end = channel_v1::Channel {
        state: channel.state,
        ordering: channel.ordering,
        counterparty: channel.counterparty,
        connection_hops: channel.connection_hops,
        version: channel.version,
    };
    Some((id, channel_from(end).ok()?))
}
