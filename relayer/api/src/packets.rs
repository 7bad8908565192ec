//! `causeway.relay.v1`: packets by id, by source transaction, page by page, and watched from a cursor.
//!
//! What it is not: it changes nothing.

use crate::answer::{self, Bytes};
use crate::metrics::counted;
use crate::relay::Relay;
use crate::request::{self, PAGE_MAX, refused};
use crate::watch::{Only, Watchers};
use causeway_proto::relay::v1 as wire;
use std::sync::Arc;
use tonic::{Request, Response, Status};

/// The service.
#[derive(Debug)]
pub(crate) struct PacketService {
    pub(crate) relay: Arc<dyn Relay>,
    pub(crate) watchers: Watchers,
}

#[tonic::async_trait]
impl wire::relay_server::Relay for PacketService {
    type WatchPacketsStream = crate::watch::Stream;

    async fn get_packet(&self, request: Request<wire::GetPacketRequest>) -> Result<Response<wire::GetPacketResponse>, Status> {
        counted("GetPacket", self.get(request.into_inner()).await)
    }

    async fn find_packets(&self, request: Request<wire::FindPacketsRequest>) -> Result<Response<wire::FindPacketsResponse>, Status> {
        counted("FindPackets", self.find(request.into_inner()).await)
    }

    async fn list_packets(&self, request: Request<wire::ListPacketsRequest>) -> Result<Response<wire::ListPacketsResponse>, Status> {
        counted("ListPackets", self.list(request.into_inner()).await)
    }

    async fn watch_packets(&self, request: Request<wire::WatchPacketsRequest>) -> Result<Response<Self::WatchPacketsStream>, Status> {
        counted("WatchPackets", self.watch(&request.into_inner()).await)
    }
}

impl PacketService {
    async fn get(&self, request: wire::GetPacketRequest) -> Result<wire::GetPacketResponse, Status> {
        let key = request::key(request.id)?;
        let record = self.relay.packet(&key).await.map_err(|error| refused(&error))?;
        Ok(wire::GetPacketResponse { packet: Some(answer::packet(&record, Bytes::Included)) })
    }

    async fn find(&self, request: wire::FindPacketsRequest) -> Result<wire::FindPacketsResponse, Status> {
        let chain = request::chain("chain", &request.chain)?;
        let transaction = request::transaction(&request.transaction)?;
        let records = self.relay.by_source_tx(&chain, &transaction).await.map_err(|error| refused(&error))?;
        let (first, further) = records.split_at(records.len().min(PAGE_MAX));
        Ok(wire::FindPacketsResponse {
            packets: first.iter().map(|record| answer::packet(record, Bytes::LeftOut)).collect(),
            further: further.iter().map(|record| answer::id(&record.key)).collect(),
        })
    }

    async fn list(&self, request: wire::ListPacketsRequest) -> Result<wire::ListPacketsResponse, Status> {
        let filter = request::filter(&request)?;
        let size = request::page_size(request.page_size)?;
        let token = request::page_token(&request.page_token)?;
        let page = self.relay.packets(&filter, token, size).await.map_err(|error| refused(&error))?;
        Ok(wire::ListPacketsResponse {
            packets: page.packets.iter().map(|record| answer::packet(record, Bytes::LeftOut)).collect(),
            next_page_token: page.next.unwrap_or_default(),
        })
    }

    async fn watch(&self, request: &wire::WatchPacketsRequest) -> Result<crate::watch::Stream, Status> {
        let only = Only {
            path: request::optional(&request.path, request::path)?,
            source_chain: request::optional(&request.source_chain, |text| request::chain("source_chain", text))?,
        };
        self.watchers.start(Arc::clone(&self.relay), request.cursor, only).await
    }
}
