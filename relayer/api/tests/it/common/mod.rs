//! A relay without an engine, and the services served over real loopback sockets.
#![allow(dead_code, reason = "each test file uses its own part")]

use causeway_api::{Api, ApiConfig, Relay, WatchLimits};
use causeway_engine::{
    AckKind, By, ChainReport, Change, Changes, ClientReport, Direction, PacketCount, PacketFilter, PacketRecord, PacketState, Page,
    PathReport, QueryError, StateKind, Status, WalletReport,
};
use causeway_proto::admin::v1::admin_client::AdminClient;
use causeway_proto::relay::v1::{PacketId, relay_client::RelayClient};
use causeway_types::{Acknowledgement, ChainId, ClientId, Head, Height, Locator, Packet, PacketKey, Payload, Sequence, TxId, v2};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tonic::transport::Channel;

/// What the fake relay holds.
#[derive(Debug, Default)]
pub(crate) struct Content {
    pub(crate) packets: Vec<PacketRecord>,
    pub(crate) changes: Vec<Change>,
    /// Changes up to this number are no longer kept.
    pub(crate) dropped: u64,
    /// Every watch call answers with a full page, for ever.
    pub(crate) endless: bool,
    pub(crate) retried: Vec<PacketKey>,
    pub(crate) cleared: Vec<String>,
    pub(crate) failed: Option<String>,
    pub(crate) head: Option<Head>,
    /// Why each path is halted; empty: one path that is not.
    pub(crate) halted: Vec<Option<String>>,
}

#[derive(Debug, Default)]
pub(crate) struct FakeRelay {
    pub(crate) content: Mutex<Content>,
    changed: Notify,
}

impl FakeRelay {
    pub(crate) fn with_packets(count: u64) -> Arc<Self> {
        let relay = Self::default();
        {
            let mut content = relay.content.lock().unwrap();
            content.packets = (1..=count).map(record).collect();
            content.head = Some(Head { height: Height::new(9), time_s: Some(1_700_000_000) });
        }
        Arc::new(relay)
    }

    /// Adds a change of packet `sequence`.
    pub(crate) fn change(&self, sequence: u64, state: StateKind) {
        let mut content = self.content.lock().unwrap();
        let number = content.changes.last().map_or(content.dropped, |last| last.number) + 1;
        content.changes.push(change(number, sequence, state));
        drop(content);
        self.changed.notify_waiters();
    }

    /// The engine stops by itself.
    pub(crate) fn fail(&self, why: &str) {
        self.content.lock().unwrap().failed = Some(why.to_owned());
        self.changed.notify_waiters();
    }

    fn changes_after(&self, cursor: u64, limit: usize) -> Result<Changes, QueryError> {
        let content = self.content.lock().unwrap();
        if content.endless {
            let changes: Vec<_> = (cursor + 1..=cursor + limit as u64).map(|number| change(number, 1, StateKind::Observed)).collect();
            return Ok(Changes { cursor: cursor + limit as u64, changes, gap: false });
        }
        let newest = content.changes.last().map_or(content.dropped, |last| last.number);
        if cursor > newest {
            return Err(QueryError::BadCursor(format!("{cursor} is after the newest change {newest}")));
        }
        let changes: Vec<_> = content.changes.iter().filter(|change| change.number > cursor).take(limit).cloned().collect();
        let cursor_now = changes.last().map_or(cursor.max(content.dropped), |last| last.number);
        Ok(Changes { changes, cursor: cursor_now, gap: cursor < content.dropped })
    }
}

#[tonic::async_trait]
impl Relay for FakeRelay {
    fn status(&self) -> Status {
        let content = self.content.lock().unwrap();
        let client = |chain: &str, client: &str| ClientReport {
            chain: ChainId::new(chain).unwrap(),
            client: ClientId::new(client).unwrap(),
            latest: Some(Height { revision: 1, number: 8 }),
            expires_in_s: Some(-5),
            frozen: true,
        };
        let wallet = WalletReport {
            signer: "relayer".into(),
            address: "0xabc".into(),
            balance: Some(u128::MAX),
            denom: "wei".into(),
            in_flight: 2,
            blocked: Some("spend cap".into()),
        };
        let chain = ChainReport {
            chain: ChainId::new("alpha").unwrap(),
            native_chain_id: "1337".into(),
            family: "fake".into(),
            head: content.head,
            verified: Some(Height::new(8)),
            cursor: None,
            endpoints: Vec::new(),
            divergence: None,
            watch_error: Some("x".repeat(5_000)),
            wallets: vec![wallet],
            spent_today: 7,
            spend_cap_per_day: Some(9),
            violations: vec![("seal-quorum".into(), 3)],
        };
        let path = PathReport {
            name: "alpha-beta".into(),
            clients: [client("alpha", "client-0"), client("beta", "client-1")],
            packets: vec![PacketCount { direction: Direction::BToA, state: StateKind::Dead, count: 4 }],
            oldest_pending_ms: Some(12),
            halted: None,
            channels: Vec::new(),
        };
        let halts = if content.halted.is_empty() { vec![None] } else { content.halted.clone() };
        let paths = halts.into_iter().map(|halted| PathReport { halted, ..path.clone() }).collect();
        Status { now_ms: 1, chains: vec![chain], paths, change: content.changes.len() as u64 }
    }

    async fn packet(&self, key: &PacketKey) -> Result<PacketRecord, QueryError> {
        let content = self.content.lock().unwrap();
        content.packets.iter().find(|record| record.key == *key).cloned().ok_or_else(|| QueryError::UnknownPacket(key.to_string()))
    }

    async fn packets(&self, filter: &PacketFilter, cursor: Option<&str>, limit: usize) -> Result<Page, QueryError> {
        let from: usize = cursor.unwrap_or("0").parse().map_err(|_| QueryError::BadCursor("not a page of this relay".into()))?;
        let content = self.content.lock().unwrap();
        let fits = |record: &&PacketRecord| {
            filter.path.as_ref().is_none_or(|path| *path == record.path)
                && filter.direction.is_none_or(|direction| direction == record.direction)
                && filter.state.is_none_or(|state| state == record.state.kind())
                && filter.source_chain.as_ref().is_none_or(|chain| *chain == record.key.chain)
                && !(filter.pending_only && record.state.kind().is_final())
        };
        let mut found: Vec<_> = content.packets.iter().filter(fits).skip(from).take(limit + 1).cloned().collect();
        let next = (found.len() > limit).then(|| (from + limit).to_string());
        found.truncate(limit);
        Ok(Page { packets: found, next })
    }

    async fn by_source_tx(&self, chain: &ChainId, tx: &TxId) -> Result<Vec<PacketRecord>, QueryError> {
        if chain.as_str() != "alpha" {
            return Err(QueryError::UnknownChain(chain.to_string()));
        }
        let content = self.content.lock().unwrap();
        Ok(content.packets.iter().filter(|record| record.source_tx() == Some(tx)).cloned().collect())
    }

    async fn watch(&self, cursor: u64, limit: usize, wait: Duration) -> Result<Changes, QueryError> {
        let waited = tokio::time::timeout(wait, async {
            loop {
                let changed = self.changed.notified();
                let found = self.changes_after(cursor, limit);
                if !matches!(&found, Ok(changes) if changes.changes.is_empty() && !changes.gap) {
                    return found;
                }
                changed.await;
            }
        });
        waited.await.unwrap_or_else(|_| self.changes_after(cursor, limit))
    }

    async fn retry(&self, key: &PacketKey) -> Result<(), QueryError> {
        let record = self.packet(key).await?;
        if record.state.kind().is_final() {
            return Err(QueryError::NotRetryable { key: key.to_string(), state: record.state.kind().as_str() });
        }
        self.content.lock().unwrap().retried.push(key.clone());
        Ok(())
    }

    fn clear(&self, path: &str) -> Result<(), QueryError> {
        if path != "alpha-beta" {
            return Err(QueryError::UnknownPath(path.to_owned()));
        }
        self.content.lock().unwrap().cleared.push(path.to_owned());
        Ok(())
    }

    async fn stopped(&self) -> String {
        loop {
            let changed = self.changed.notified();
            if let Some(why) = self.content.lock().unwrap().failed.clone() {
                return why;
            }
            changed.await;
        }
    }
}

pub(crate) fn key(sequence: u64) -> PacketKey {
    PacketKey {
        chain: ChainId::new("alpha").unwrap(),
        end: ClientId::new("client-0").unwrap().into(),
        sequence: Sequence::new(sequence).unwrap(),
    }
}

/// Packet `sequence`: every third is completed, every third dead, the rest observed.
pub(crate) fn record(sequence: u64) -> PacketRecord {
    let mut record = PacketRecord::new(key(sequence), "alpha-beta", Direction::AToB, 1_000);
    record.packet = Some(Packet::V2(v2::Packet {
        sequence: Sequence::new(sequence).unwrap(),
        source_client: ClientId::new("client-0").unwrap(),
        dest_client: ClientId::new("client-1").unwrap(),
        timeout_timestamp_s: 1_900_000_000,
        payloads: vec![Payload {
            source_port: "transfer".into(),
            dest_port: "transfer".into(),
            version: "ics20-1".into(),
            encoding: "application/x-solidity-abi".into(),
            value: vec![7; 1_000],
        }],
    }));
    record.sent = Some(Locator { block: 5, transaction: TxId::new([0xab; 32]).unwrap(), index: sequence as u32 });
    record.state = match sequence % 3 {
        0 => PacketState::Completed { ack: AckKind::Success, by: By::Other },
        1 => PacketState::Observed,
        _ => PacketState::Dead { reason: "the receiver has no such port".into() },
    };
    if matches!(record.state, PacketState::Dead { .. }) {
        (record.refusals, record.second_look_ms) = (6, Some(9_000));
    }
    record.ack = sequence.is_multiple_of(3).then(|| Acknowledgement::V2(v2::Acknowledgement { app_acknowledgements: vec![vec![1]] }));
    record
}

fn change(number: u64, sequence: u64, state: StateKind) -> Change {
    Change { number, at_ms: 5, key: key(sequence), path: "alpha-beta".into(), state, packet: Some(record(sequence)) }
}

pub(crate) fn id(chain: &str, client: &str, sequence: u64) -> PacketId {
    PacketId { chain: chain.into(), client: client.into(), sequence }
}

/// Services on free loopback ports.
pub(crate) struct Served {
    pub(crate) api: Api,
    pub(crate) relay: Arc<FakeRelay>,
    pub(crate) stop: CancellationToken,
}

impl Served {
    pub(crate) async fn start(relay: Arc<FakeRelay>) -> Self {
        Self::with(relay, WatchLimits::default()).await
    }

    pub(crate) async fn with(relay: Arc<FakeRelay>, watch: WatchLimits) -> Self {
        let stop = CancellationToken::new();
        let dynamic: Arc<dyn Relay> = Arc::clone(&relay) as Arc<dyn Relay>;
        let api = Api::start(ApiConfig { watch, ..config() }, dynamic, metrics(), &stop).await.unwrap();
        Self { api, relay, stop }
    }

    pub(crate) async fn channel(&self) -> Channel {
        let endpoint = Channel::from_shared(format!("http://{}", self.api.grpc_address())).unwrap();
        // The smallest window HTTP/2 starts with, so that a client that does not read is felt soon.
        endpoint.initial_stream_window_size(65_535).initial_connection_window_size(65_535).connect().await.unwrap()
    }

    pub(crate) async fn packets(&self) -> RelayClient<Channel> {
        RelayClient::new(self.channel().await)
    }

    pub(crate) async fn admin(&self) -> AdminClient<Channel> {
        AdminClient::new(self.channel().await)
    }

    /// Status code, headers and body of a page.
    pub(crate) async fn get(&self, page: &str) -> (u16, String) {
        let request = format!("GET {page} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        let answer = exchange(self.api.http_address(), request.as_bytes()).await;
        let answer = String::from_utf8(answer).unwrap();
        let code = answer.split(' ').nth(1).unwrap().parse().unwrap();
        (code, answer)
    }
}

/// Sends bytes and returns everything that comes back until the other side closes.
pub(crate) async fn exchange(address: SocketAddr, bytes: &[u8]) -> Vec<u8> {
    let mut socket = tokio::net::TcpStream::connect(address).await.unwrap();
    socket.write_all(bytes).await.unwrap();
    let mut answer = Vec::new();
    // A reset is an answer as well: the connection is over.
    let _reset = socket.read_to_end(&mut answer).await;
    answer
}

pub(crate) fn config() -> ApiConfig {
    let free = SocketAddr::from(([127, 0, 0, 1], 0));
    ApiConfig { grpc_listen: free, http_listen: free, version: "1.2.3".into(), ..ApiConfig::default() }
}

/// One recorder for all tests of a process.
pub(crate) fn metrics() -> metrics_exporter_prometheus::PrometheusHandle {
    static HANDLE: std::sync::OnceLock<metrics_exporter_prometheus::PrometheusHandle> = std::sync::OnceLock::new();
    HANDLE.get_or_init(|| causeway_api::install_recorder().unwrap()).clone()
}
