//! `causeway.admin.v1`: status, retry, clear.
//!
//! What it is not: it has no authentication of its own; it listens where [`Api`](crate::Api) lets it, on loopback unless told otherwise.

use crate::answer::{count, cut};
use crate::metrics::counted;
use crate::relay::Relay;
use crate::request::{key, path, refused};
use causeway_engine::{ChainReport, ClientReport, PathReport, WalletReport};
use causeway_proto::admin::v1 as wire;
use std::sync::Arc;
use tonic::{Request, Response, Status};

/// The service.
#[derive(Debug)]
pub(crate) struct AdminService {
    pub(crate) relay: Arc<dyn Relay>,
    /// What `GetStatus` answers as the version of the relay.
    pub(crate) version: String,
}

#[tonic::async_trait]
impl wire::admin_server::Admin for AdminService {
    async fn get_status(&self, _: Request<wire::GetStatusRequest>) -> Result<Response<wire::GetStatusResponse>, Status> {
        let status = self.relay.status();
        let response = wire::GetStatusResponse {
            now_ms: status.now_ms,
            version: self.version.clone(),
            chains: status.chains.iter().map(chain).collect(),
            paths: status.paths.iter().map(path_report).collect(),
            change: status.change,
        };
        counted("GetStatus", Ok(response))
    }

    async fn retry_packet(&self, request: Request<wire::RetryPacketRequest>) -> Result<Response<wire::RetryPacketResponse>, Status> {
        counted("RetryPacket", self.retry(request.into_inner()).await)
    }

    async fn clear_path(&self, request: Request<wire::ClearPathRequest>) -> Result<Response<wire::ClearPathResponse>, Status> {
        let cleared = path(&request.into_inner().path).and_then(|path| {
            tracing::info!(%path, "an operator asked to clear a path");
            self.relay.clear(&path).map_err(|error| refused(&error))
        });
        counted("ClearPath", cleared.map(|()| wire::ClearPathResponse {}))
    }
}

impl AdminService {
    async fn retry(&self, request: wire::RetryPacketRequest) -> Result<wire::RetryPacketResponse, Status> {
        let key = key(request.id)?;
        tracing::info!(packet = %key, "an operator asked to retry a packet");
        self.relay.retry(&key).await.map_err(|error| refused(&error))?;
        Ok(wire::RetryPacketResponse {})
    }
}

fn chain(report: &ChainReport) -> wire::Chain {
    let endpoints = report.endpoints.iter().map(|endpoint| wire::Endpoint {
        endpoint: endpoint.endpoint.clone(),
        head: endpoint.head.map(|head| height(head.height)),
        syncing: endpoint.syncing,
        error: endpoint.error.as_deref().map(cut).unwrap_or_default(),
    });
    let violations = report.violations.iter().map(|(rule, count)| wire::Violations { rule: rule.clone(), count: *count });
    wire::Chain {
        chain: report.chain.to_string(),
        native_chain_id: report.native_chain_id.clone(),
        family: report.family.clone(),
        head: report.head.map(|head| height(head.height)),
        head_time_s: report.head.and_then(|head| head.time_s),
        verified: report.verified.map(height),
        cursor: report.cursor.map(height),
        endpoints: endpoints.collect(),
        divergence: report.divergence.as_deref().map(cut).unwrap_or_default(),
        watch_error: report.watch_error.as_deref().map(cut).unwrap_or_default(),
        wallets: report.wallets.iter().map(wallet).collect(),
        violations: violations.collect(),
        spent_today: report.spent_today.to_string(),
        spend_cap_per_day: report.spend_cap_per_day.map(|cap| cap.to_string()).unwrap_or_default(),
    }
}

fn wallet(report: &WalletReport) -> wire::Wallet {
    wire::Wallet {
        signer: report.signer.clone(),
        address: report.address.clone(),
        balance: report.balance.map(|balance| balance.to_string()).unwrap_or_default(),
        denom: report.denom.clone(),
        in_flight: u64::try_from(report.in_flight).unwrap_or(u64::MAX),
        blocked: report.blocked.as_deref().map(cut).unwrap_or_default(),
    }
}

fn path_report(report: &PathReport) -> wire::Path {
    wire::Path {
        name: report.name.clone(),
        clients: report.clients.iter().map(client).collect(),
        packets: report.packets.iter().map(count).collect(),
        oldest_pending_ms: report.oldest_pending_ms,
        halted: report.halted.as_deref().map(cut).unwrap_or_default(),
        channels: report
            .channels
            .iter()
            .map(|channel| wire::Channel {
                chain: channel.chain.to_string(),
                channel: channel.channel.to_string(),
                state: channel.state.as_str().to_owned(),
            })
            .collect(),
    }
}

fn client(report: &ClientReport) -> wire::Client {
    wire::Client {
        chain: report.chain.to_string(),
        client: report.client.to_string(),
        latest: report.latest.map(height),
        expires_in_s: report.expires_in_s,
        frozen: report.frozen,
    }
}

fn height(height: causeway_types::Height) -> wire::Height {
    wire::Height { revision: height.revision, number: height.number }
}
