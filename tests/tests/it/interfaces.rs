//! The services of a running relayer over real sockets: reflection, health, metrics,
//! readiness, and a watch that misses nothing across a restart. What the packets are is
//! tested elsewhere.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use causeway_proto::relay::v1::{PacketId, State, WatchPacketsRequest, WatchPacketsResponse};
use causeway_tests::audit::{self, Ledger, way};
use causeway_tests::chains::goquorum::binary_or_skip;
use causeway_tests::dapp::{Kind, LONG_S};
use causeway_tests::relay::Relay;
use causeway_tests::site::{PATH, Site};
use futures::StreamExt;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tonic_reflection::pb::v1::ServerReflectionRequest;
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;

/// Longest until the last packet has ended.
const END_LIMIT: Duration = Duration::from_secs(90);

/// Longest that a watch may stay silent: a heartbeat comes every 15 seconds.
const SILENCE_MAX: Duration = Duration::from_secs(20);

/// Packets of each wave.
const WAVE: [Kind; 4] = [Kind::Transfer, Kind::Message, Kind::Refused, Kind::Transfer];

/// Series that dashboards and alerts are made from.
const SERIES: [&str; 10] = [
    "causeway_packets{",
    "causeway_oldest_pending_age_seconds",
    "causeway_stage_duration_seconds_bucket{",
    "causeway_client_seconds_to_expiry{",
    "causeway_wallet_balance{",
    "causeway_transactions_total{",
    "causeway_gas_used_total{",
    "causeway_head_height{",
    "causeway_verified_height{",
    "causeway_api_requests_total{",
];

#[tokio::test]
async fn services_pages_and_watches() -> Result<()> {
    let Some(node) = binary_or_skip()? else {
        return Ok(());
    };
    Site::ready(&node).await?.run(scenario).await
}

async fn scenario(site: &mut Site) -> Result<()> {
    let mut relayer = site.start().await?;
    let relay = site.relay().await?;
    reflection(&relay).await?;
    health(&relay).await?;
    pages(site).await?;

    let mut user = site.user(0).await?;
    let mut ledger = Ledger::default();
    let way = way(site, 0);
    audit::send(&mut user, &way, &WAVE, LONG_S, &mut ledger).await?;
    let mut seen = Seen::default();
    let cursor = seen.follow(&relay, 0, WAVE.len()).await?;
    ensure!(cursor > 0, "no cursor");
    series(site).await?;

    // Killed with packets on their way; whoever comes back with the cursor sees all that changed.
    audit::send(&mut user, &way, &WAVE, LONG_S, &mut ledger).await?;
    relayer.kill()?;
    let mut relayer = site.start().await?;
    let relay = site.relay().await?;
    seen.follow(&relay, cursor, 2 * WAVE.len()).await?;
    let journal = relay.wait_until_ended(2 * WAVE.len(), END_LIMIT).await?;
    audit::check(site, 0, user.address(), &ledger, &journal).await?;
    refusals(&relay).await?;
    relayer.terminate()?;
    let status = relayer.wait(Duration::from_secs(40)).await?;
    ensure!(status.success(), "{status}\n{}", relayer.log_tail());
    Ok(())
}

async fn reflection(relay: &Relay) -> Result<()> {
    let mut client = ServerReflectionClient::new(relay.channel.clone());
    let request = ServerReflectionRequest { host: String::new(), message_request: Some(MessageRequest::ListServices(String::new())) };
    let requests = futures::stream::iter([request]);
    let mut answers = client.server_reflection_info(requests).await?.into_inner();
    let answer = answers.message().await?.context("no answer")?;
    let Some(MessageResponse::ListServicesResponse(list)) = answer.message_response else {
        anyhow::bail!("no list: {answer:?}");
    };
    let names: BTreeSet<String> = list.service.into_iter().map(|one| one.name).collect();
    for name in ["causeway.relay.v1.Relay", "causeway.admin.v1.Admin", "grpc.health.v1.Health"] {
        ensure!(names.contains(name), "{name} is not among {names:?}");
    }
    Ok(())
}

async fn health(relay: &Relay) -> Result<()> {
    let mut client = HealthClient::new(relay.channel.clone());
    for service in ["", "causeway.relay.v1.Relay", "causeway.admin.v1.Admin"] {
        let request = HealthCheckRequest { service: service.to_owned() };
        let status = client.check(request).await?.into_inner().status();
        ensure!(status == ServingStatus::Serving, "`{service}` is {status:?}");
    }
    Ok(())
}

async fn pages(site: &Site) -> Result<()> {
    let pages = site.http()?;
    for page in ["/healthz", "/readyz"] {
        let (code, body) = pages.get(page).await?;
        ensure!(code == 200, "{page}: {code} {body}");
    }
    ensure!(pages.get("/else").await?.0 == 404);
    Ok(())
}

async fn series(site: &Site) -> Result<()> {
    let (code, text) = site.http()?.get("/metrics").await?;
    ensure!(code == 200, "{code}");
    for name in SERIES {
        ensure!(text.contains(name), "{name} is not among the metrics:\n{text}");
        let family = name.trim_end_matches('{').trim_end_matches("_bucket");
        ensure!(text.contains(&format!("# HELP {family} ")), "no help for {family}");
    }
    let labels = text.lines().filter(|line| line.contains("0x")).count();
    ensure!(labels == 0, "hashes or addresses in labels:\n{text}");
    Ok(())
}

/// What a client has been told: changes by number, and packets that ended.
#[derive(Debug, Default)]
struct Seen {
    changes: BTreeMap<u64, (u64, i32)>,
    ended: BTreeSet<u64>,
}

impl Seen {
    /// Watches from `cursor` until `count` packets have ended, and returns the last cursor.
    async fn follow(&mut self, relay: &Relay, cursor: u64, count: usize) -> Result<u64> {
        let request = WatchPacketsRequest { cursor, path: PATH.to_owned(), source_chain: String::new() };
        let mut stream = relay.packets.clone().watch_packets(request).await?.into_inner();
        let mut cursor = cursor;
        while self.ended.len() < count {
            let message = tokio::time::timeout(SILENCE_MAX, stream.next()).await;
            let message = message.context("a silent watch")?.context("the watch ended")??;
            cursor = self.note(cursor, message)?;
        }
        Ok(cursor)
    }

    fn note(&mut self, cursor: u64, message: WatchPacketsResponse) -> Result<u64> {
        ensure!(!message.gap, "a gap after {cursor}");
        ensure!(message.cursor >= cursor, "the cursor goes back: {message:?}");
        for change in message.changes {
            let sequence = change.id.context("a change without id")?.sequence;
            let told = (sequence, change.state);
            let known = self.changes.insert(change.number, told);
            ensure!(known.is_none_or(|known| known == told), "change {} differs", change.number);
            if [State::Completed as i32, State::TimedOut as i32].contains(&change.state) {
                self.ended.insert(sequence);
            }
        }
        Ok(message.cursor)
    }
}

/// Questions that have no answer get a code and a reason.
async fn refusals(relay: &Relay) -> Result<()> {
    let mut packets = relay.packets.clone();
    let request = |sequence| causeway_proto::relay::v1::GetPacketRequest {
        id: Some(PacketId { chain: "alpha".to_owned(), client: "qbft-0".to_owned(), sequence }),
    };
    let missing = packets.get_packet(request(999)).await;
    ensure!(missing.is_err_and(|status| status.code() == tonic::Code::NotFound));
    let invalid = packets.get_packet(request(0)).await;
    ensure!(invalid.is_err_and(|status| status.code() == tonic::Code::InvalidArgument));
    let future = WatchPacketsRequest { cursor: u64::MAX, ..WatchPacketsRequest::default() };
    let future = packets.watch_packets(future).await;
    ensure!(future.is_err_and(|status| status.code() == tonic::Code::OutOfRange));
    Ok(())
}
