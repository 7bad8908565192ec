//! A running relayer from outside: packets and status over gRPC as a dApp sees
//! them, and its HTTP pages. It starts nothing.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, ensure};
use causeway_proto::admin::v1::admin_client::AdminClient;
use causeway_proto::admin::v1::{GetStatusRequest, GetStatusResponse};
use causeway_proto::relay::v1::relay_client::RelayClient;
use causeway_proto::relay::v1::{ListPacketsRequest, Packet, State};
use tonic::transport::{Channel, Endpoint};

use crate::poll;
use crate::process::Process;

/// Longest that one call may take.
const CALL_LIMIT: Duration = Duration::from_secs(10);

/// Longest that `start` may take until it relays.
const START_LIMIT: Duration = Duration::from_secs(60);

/// Packets on one page.
const PAGE: u32 = 200;

/// The gRPC services of a running relayer.
#[derive(Debug, Clone)]
pub struct Relay {
    /// The connection, for services of other crates.
    pub channel: Channel,
    /// Packets.
    pub packets: RelayClient<Channel>,
    /// Status.
    pub admin: AdminClient<Channel>,
}

impl Relay {
    /// Connects, or says why not.
    ///
    /// # Errors
    /// When nobody answers there.
    pub async fn connect(address: &str) -> Result<Self> {
        let endpoint = Endpoint::from_shared(address.to_owned())?;
        let channel = endpoint.connect_timeout(CALL_LIMIT).connect().await.with_context(|| format!("gRPC at {address}"))?;
        Ok(Self { channel: channel.clone(), packets: RelayClient::new(channel.clone()), admin: AdminClient::new(channel) })
    }

    /// Every packet that the relayer knows.
    ///
    /// # Errors
    /// When a page is refused.
    pub async fn list(&self) -> Result<Vec<Packet>> {
        let mut all = Vec::new();
        let mut request = ListPacketsRequest { page_size: PAGE, ..ListPacketsRequest::default() };
        let mut packets = self.packets.clone();
        loop {
            let page = packets.list_packets(request.clone());
            let page = tokio::time::timeout(CALL_LIMIT, page).await??.into_inner();
            all.extend(page.packets);
            if page.next_page_token.is_empty() {
                return Ok(all);
            }
            request.page_token = page.next_page_token;
        }
    }

    /// The status.
    ///
    /// # Errors
    /// When it is refused.
    pub async fn status(&self) -> Result<GetStatusResponse> {
        let mut admin = self.admin.clone();
        let answer = admin.get_status(GetStatusRequest {});
        Ok(tokio::time::timeout(CALL_LIMIT, answer).await??.into_inner())
    }

    /// Packets by state, from the status.
    ///
    /// # Errors
    /// As [`Relay::status`].
    pub async fn counts(&self) -> Result<BTreeMap<String, u64>> {
        let mut counts = BTreeMap::new();
        for path in self.status().await?.paths {
            for count in path.packets {
                *counts.entry(word(count.state)).or_default() += count.count;
            }
        }
        Ok(counts)
    }

    /// Waits until `count` packets have ended, none but them is known, and returns them all.
    ///
    /// # Errors
    /// When that is not so after `limit`; the message says what is open.
    pub async fn wait_until_ended(&self, count: usize, limit: Duration) -> Result<Vec<Packet>> {
        let waited = poll::until(&format!("{count} packets to end"), limit, || async {
            let counts = self.counts().await?;
            let ended = |state: &str| counts.get(state).copied().unwrap_or_default();
            let total: u64 = counts.values().sum();
            let done = ended("COMPLETED") + ended("TIMED_OUT");
            ensure!(total <= count as u64, "more packets than were sent: {counts:?}");
            if done < count as u64 {
                return Err(anyhow!("so far: {counts:?}"));
            }
            Ok(Some(()))
        })
        .await;
        let packets = self.list().await?;
        if let Err(error) = waited {
            let open: Vec<String> = packets.iter().filter(|packet| !is_ended(packet)).take(5).map(describe).collect();
            return Err(error.context(format!("open are, among others:\n  {}", open.join("\n  "))));
        }
        Ok(packets)
    }

    /// How often each rule was broken by what a chain's endpoints said.
    ///
    /// # Errors
    /// As [`Relay::status`].
    pub async fn violations(&self, chain: &str) -> Result<BTreeMap<String, u64>> {
        let status = self.status().await?;
        let chain = status.chains.into_iter().find(|known| known.chain == chain);
        let violations = chain.map(|chain| chain.violations).unwrap_or_default();
        Ok(violations.into_iter().map(|violation| (violation.rule, violation.count)).collect())
    }
}

/// Whether nothing more happens to a packet.
#[must_use]
pub fn is_ended(packet: &Packet) -> bool {
    [State::Completed, State::TimedOut].contains(&packet.state())
}

/// A packet in one line.
#[must_use]
pub fn describe(packet: &Packet) -> String {
    let id = packet.id.clone().unwrap_or_default();
    format!(
        "{}/{}/{} {}, attempts {}, {}{}",
        id.chain,
        id.client,
        id.sequence,
        word(packet.state),
        packet.attempts,
        packet.reason,
        packet.refused
    )
}

fn word(state: i32) -> String {
    let state = State::try_from(state).unwrap_or_default();
    state.as_str_name().trim_start_matches("STATE_").to_owned()
}

/// HTTP pages.
#[derive(Debug, Clone)]
pub struct Pages {
    base: String,
    http: reqwest::Client,
}

impl Pages {
    /// Pages under `base`; nothing is sent yet.
    ///
    /// # Errors
    /// When no HTTP client can be made.
    pub fn new(base: String) -> Result<Self> {
        drop(rustls::crypto::ring::default_provider().install_default());
        let http = reqwest::Client::builder().timeout(CALL_LIMIT).no_proxy().build()?;
        Ok(Self { base, http })
    }

    /// Status code and body of a page.
    ///
    /// # Errors
    /// When nobody answers.
    pub async fn get(&self, page: &str) -> Result<(u16, String)> {
        let answer = self.http.get(format!("{}{page}", self.base)).send().await?;
        Ok((answer.status().as_u16(), answer.text().await?))
    }
    /// Waits until a started relayer is ready.
    ///
    /// # Errors
    /// When it ends, or is not ready in time; the message carries the end of its log.
    pub async fn wait_until_ready(&self, relayer: &mut Process) -> Result<()> {
        let process = std::cell::RefCell::new(relayer);
        let ready = poll::until("the relayer to be ready", START_LIMIT, || async {
            let running = process.borrow_mut().check_running();
            match running {
                Ok(()) => Ok((self.get("/readyz").await?.0 == 200).then_some(Ok(()))),
                Err(error) => Ok(Some(Err(error))),
            }
        })
        .await;
        let tail = process.borrow().log_tail();
        ready.with_context(|| tail)?
    }
}
