//! Connections and channels of IBC classic, as this chain reports them. Called by [`crate::adapter`].

use crate::chain::{Chain, Query, Result};
use crate::convert::{channel_from, connection_from};
use causeway_adapter::AdapterError;
use causeway_cosmos_proto::ibc::core::channel::v1 as channel_v1;
use causeway_cosmos_proto::ibc::core::connection::v1 as connection_v1;
use causeway_types::classic::{ChannelEnd, ChannelEndId, ConnectionEnd, ConnectionId};

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
