//! What a fake chain keeps and executes: hosted clients, and a router with the rules of IBC v2. No blocks, no transactions, no clock of its own.

use super::classic::HostedChannel;
use super::family::{FakeFamily, HOST_DELAY_S};
use super::light_client::{EXPIRED, FakeLightClient, RECEIVED};
use super::merkle::Map;
use super::wire::{self, ClientState, Misbehaviour, Update};
use crate::{
    Absence, ClientParams, Counterparty, Event, Evidence, EvidenceItem, HeaderClock, LightClient, Message, MessageResult, ProofGroup,
    TrustedState, Verdict,
};
use causeway_types::classic::{ChannelEndId, ConnectionEnd, ConnectionId};
use causeway_types::v2::{Acknowledgement, Packet};
use causeway_types::{Claim, ClientId, Height, Payload, Sequence, commitment, path};
use prost::Message as _;
use std::collections::BTreeMap;

/// The port whose application takes every packet and answers with `ok:` and the value.
pub const PORT_ECHO: &str = "echo";
/// The port whose application refuses every packet: an error acknowledgement.
pub const PORT_REFUSE: &str = "refuse";
/// The port whose application takes packets, but fails when one is acknowledged or timed out.
pub const PORT_STUCK: &str = "stuck";

/// Why a message failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Failure {
    /// For good.
    Refused(String),
    /// Evidence or client do not fit the present state.
    Stale(String),
}

impl Failure {
    pub(super) fn text(&self) -> &str {
        match self {
            Self::Refused(text) | Self::Stale(text) => text,
        }
    }
}

fn refused<T>(text: impl Into<String>) -> Result<T, Failure> {
    Err(Failure::Refused(text.into()))
}

const TWO_PROTOCOLS: &str = "packet and acknowledgement are of two protocols";

fn own(packet: &causeway_types::Packet) -> Result<&Packet, Failure> {
    match packet {
        causeway_types::Packet::V2(packet) => Ok(packet),
        causeway_types::Packet::Classic(_) => refused(TWO_PROTOCOLS),
    }
}

fn shared(packet: &Packet) -> causeway_types::Packet {
    causeway_types::Packet::V2(packet.clone())
}

fn stale<T>(text: impl Into<String>) -> Result<T, Failure> {
    Err(Failure::Stale(text.into()))
}

/// The block in which a message runs.
#[derive(Debug, Clone, Copy)]
pub(super) struct Now {
    pub(super) block: u64,
    pub(super) time_s: u64,
}

/// A height that a hosted client holds.
#[derive(Debug, Clone)]
pub(super) struct Held {
    pub(super) trusted: TrustedState,
    pub(super) processed: Now,
}

/// A client of another chain.
#[derive(Debug, Clone)]
pub(super) struct HostedClient {
    pub(super) family: FakeFamily,
    pub(super) chain: String,
    pub(super) params: ClientParams,
    pub(super) held: BTreeMap<Height, Held>,
    pub(super) frozen: bool,
    pub(super) counterparty: Option<Counterparty>,
    pub(super) next_sequence: u64,
}

impl HostedClient {
    pub(super) fn verifier(&self) -> FakeLightClient {
        FakeLightClient::new(self.family, self.chain.clone())
    }

    pub(super) fn latest(&self) -> Option<(&Height, &Held)> {
        self.held.last_key_value()
    }

    pub(super) fn expires_at_s(&self) -> Option<u64> {
        let (_, held) = self.latest()?;
        held.trusted.time_s.map(|time| time.saturating_add(self.params.trusting_period_s))
    }

    /// The client state as a host reports it: who is followed, by which policy, and which heights are held.
    pub(super) fn state_bytes(&self) -> Vec<u8> {
        ClientState {
            chain: self.chain.clone(),
            trusting_period_s: self.params.trusting_period_s,
            clock_drift_max_s: self.params.clock_drift_max_s,
            consensus: None,
            heights: self.held.keys().map(|height| height.number).collect(),
        }
        .encode_to_vec()
    }

    fn usable(&self, now: Now) -> Result<(), Failure> {
        if self.frozen {
            return refused("client is frozen");
        }
        match self.expires_at_s() {
            Some(expiry) if now.time_s > expiry => refused("client is expired"),
            _ => Ok(()),
        }
    }
}

/// State, clients and rules of one chain.
#[derive(Debug, Clone)]
pub(super) struct Host {
    pub(super) family: FakeFamily,
    pub(super) clients: BTreeMap<ClientId, HostedClient>,
    pub(super) connections: BTreeMap<ConnectionId, ConnectionEnd>,
    pub(super) channels: BTreeMap<ChannelEndId, HostedChannel>,
    /// The IBC store: what headers commit to.
    pub(super) store: Map,
    /// Keys written since the last block: what the header of a block-bound chain commits to.
    pub(super) written: Map,
    /// Whether the store changed since the last block.
    pub(super) dirty: bool,
}

impl Host {
    pub(super) fn new(family: FakeFamily) -> Self {
        let (clients, connections, channels) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        Self { family, clients, connections, channels, store: Map::new(), written: Map::new(), dirty: false }
    }

    pub(super) fn put(&mut self, key: Vec<u8>, value: Vec<u8>) {
        self.dirty = true;
        self.store.insert(key.clone(), value.clone());
        self.written.insert(key, value);
    }

    fn client(&mut self, id: &ClientId) -> Result<&mut HostedClient, Failure> {
        self.clients.get_mut(id).ok_or_else(|| Failure::Refused(format!("client {id} does not exist")))
    }

    /// Adds a client that starts from `trusted`.
    pub(super) fn add_client(&mut self, family: FakeFamily, chain: String, params: ClientParams, held: Held) -> Result<ClientId, Failure> {
        let id = ClientId::new(format!("{}-{}", family.client_type(), self.clients.len()))
            .map_err(|error| Failure::Refused(error.to_string()))?;
        let held = BTreeMap::from([(held.trusted.height, held)]);
        let client = HostedClient { family, chain, params, held, frozen: false, counterparty: None, next_sequence: 1 };
        self.clients.insert(id.clone(), client);
        Ok(id)
    }

    /// Sends a packet: what an application on this chain does.
    pub(super) fn send(&mut self, client: &ClientId, payloads: Vec<Payload>, timeout_timestamp_s: u64) -> Result<Packet, String> {
        let hosted = self.clients.get_mut(client).ok_or("no such client")?;
        let dest_client = hosted.counterparty.as_ref().ok_or("no counterparty")?.client_id.clone();
        let sequence = Sequence::new(hosted.next_sequence).map_err(|error| error.to_string())?;
        let packet = Packet { sequence, source_client: client.clone(), dest_client, timeout_timestamp_s, payloads };
        packet.validate().map_err(|error| error.to_string())?;
        hosted.next_sequence = hosted.next_sequence.saturating_add(1);
        Ok(packet)
    }

    /// Writes the commitment of a packet that was sent.
    pub(super) fn commit(&mut self, packet: &Packet) -> Event {
        self.put(path::packet_commitment(&packet.source_client, packet.sequence), packet.commitment().to_vec());
        Event::Sent { packet: shared(packet) }
    }

    /// Executes a message. On failure nothing has changed.
    pub(super) fn execute(&mut self, message: &Message, proofs: &[ProofGroup], now: Now) -> Result<(MessageResult, Vec<Event>), Failure> {
        let classic = match message {
            Message::Receive { packet, .. } | Message::Acknowledge { packet, .. } | Message::Timeout { packet, .. } => {
                matches!(packet, causeway_types::Packet::Classic(_))
            }
            Message::TimeoutOnClose { .. }
            | Message::CloseChannel { .. }
            | Message::OpenConnection { .. }
            | Message::OpenChannel { .. } => true,
            _ => false,
        };
        if classic {
            return self.execute_classic(message, proofs, now);
        }
        match message {
            Message::CreateClient { client_type, initial } => self.create_client(client_type, initial, now),
            Message::RegisterCounterparty { client_id, counterparty } => self.register(client_id, counterparty),
            Message::UpdateClient { client_id, update } => self.update_client(client_id, update, now),
            Message::SubmitMisbehaviour { client_id, misbehaviour } => self.misbehaviour(client_id, misbehaviour),
            Message::Receive { packet, proof } => {
                let evidence = self.evidence(proofs, *proof)?;
                self.receive(own(packet)?, Some(evidence), now)
            }
            Message::Acknowledge { packet, acknowledgement, proof } => {
                let evidence = self.evidence(proofs, *proof)?;
                let causeway_types::Acknowledgement::V2(acknowledgement) = acknowledgement else { return refused(TWO_PROTOCOLS) };
                self.acknowledge(own(packet)?, acknowledgement, evidence, now)
            }
            Message::Timeout { packet, proof, .. } => {
                let evidence = self.evidence(proofs, *proof)?;
                self.timeout(own(packet)?, evidence, now)
            }
            Message::MarkExpired { packet } => self.mark_expired(own(packet)?, now),
            Message::TimeoutOnClose { .. }
            | Message::CloseChannel { .. }
            | Message::OpenConnection { .. }
            | Message::OpenChannel { .. } => refused(TWO_PROTOCOLS),
        }
    }

    pub(super) fn evidence(&self, proofs: &[ProofGroup], (group, item): (usize, usize)) -> Result<(ClientId, Evidence), Failure> {
        let found = proofs.get(group).and_then(|group| group.evidence.each.get(item).map(|bytes| (group, bytes)));
        let Some((group, bytes)) = found else {
            return refused("the message names evidence that is not there");
        };
        let parse = |bytes: &[u8]| wire::from_host(self.family.host_encoding(), bytes).map_err(|error| Failure::Refused(error.to_string()));
        let evidence = Evidence {
            height: group.evidence.height,
            shared: parse(&group.evidence.shared)?,
            each: vec![EvidenceItem::Bytes(parse(bytes)?)],
        };
        Ok((group.client_id.clone(), evidence))
    }

    fn create_client(&mut self, client_type: &str, initial: &[u8], now: Now) -> Result<(MessageResult, Vec<Event>), Failure> {
        let fail = |error: crate::Violation| Failure::Refused(error.to_string());
        let Some(family) = FakeFamily::from_client_type(client_type) else {
            return refused(format!("client type {client_type} is not hosted"));
        };
        let bytes = wire::from_host(self.family.host_encoding(), initial).map_err(fail)?;
        let state: ClientState = wire::decode("initial state", &bytes).map_err(fail)?;
        let Some(header) = state.consensus.and_then(|consensus| consensus.header) else {
            return refused("initial state without a header");
        };
        let params = ClientParams { trusting_period_s: state.trusting_period_s, clock_drift_max_s: state.clock_drift_max_s };
        let trusted = FakeLightClient::new(family, state.chain.clone()).trust(&header);
        let id = self.add_client(family, state.chain, params, Held { trusted, processed: now })?;
        Ok((MessageResult::Applied { created: Some(id.to_string()) }, vec![Event::ClientUpdated { client: id, heights: Vec::new() }]))
    }

    fn register(&mut self, id: &ClientId, counterparty: &Counterparty) -> Result<(MessageResult, Vec<Event>), Failure> {
        let client = self.client(id)?;
        match &client.counterparty {
            Some(known) if known == counterparty => Ok((MessageResult::Noop, Vec::new())),
            Some(_) => refused("another counterparty is registered"),
            None => {
                client.counterparty = Some(counterparty.clone());
                Ok((MessageResult::Applied { created: None }, Vec::new()))
            }
        }
    }

    pub(super) fn update_client(&mut self, id: &ClientId, update: &[u8], now: Now) -> Result<(MessageResult, Vec<Event>), Failure> {
        let encoding = self.family.host_encoding();
        let client = self.client(id)?;
        client.usable(now)?;
        let fail = |error: crate::Violation| Failure::Refused(error.to_string());
        let bytes = wire::from_host(encoding, update).map_err(fail)?;
        let parsed: Update = wire::decode("update", &bytes).map_err(fail)?;
        let header = parsed.header.ok_or_else(|| Failure::Refused("update without a header".into()))?;
        let revision = client.family.revision();
        let (height, base) = (Height { revision, number: header.height }, Height { revision, number: parsed.trusted });
        if let Some(held) = client.held.get(&height)
            && held.trusted.block_hash == header.hash()
        {
            return Ok((MessageResult::Noop, Vec::new()));
        }
        let Some(trusted) = client.held.get(&base) else {
            return stale(format!("trusted height {base} is not held"));
        };
        if client.family == FakeFamily::Slotted && now.time_s < header.time_s.saturating_add(HOST_DELAY_S) {
            return stale("update before its time");
        }
        match client.verifier().verify_update(&trusted.trusted, &bytes, &client.params, now.time_s) {
            Verdict::Success(trusted) => {
                let heights = vec![trusted.height];
                client.held.insert(trusted.height, Held { trusted, processed: now });
                Ok((MessageResult::Applied { created: None }, vec![Event::ClientUpdated { client: id.clone(), heights }]))
            }
            Verdict::NotEnoughTrust { found, needed } => stale(format!("not enough trust: {found} of {needed}")),
            Verdict::Invalid(violation) => refused(violation.to_string()),
        }
    }

    fn misbehaviour(&mut self, id: &ClientId, bytes: &[u8]) -> Result<(MessageResult, Vec<Event>), Failure> {
        let encoding = self.family.host_encoding();
        let client = self.client(id)?;
        if client.frozen {
            return Ok((MessageResult::Noop, Vec::new()));
        }
        let fail = |error: crate::Violation| Failure::Refused(error.to_string());
        let parsed: Misbehaviour = wire::from_host(encoding, bytes).and_then(|bytes| wire::decode("misbehaviour", &bytes)).map_err(fail)?;
        let base = wire::decode::<Update>("update", &parsed.a).map_err(fail)?.trusted;
        let Some(held) = client.held.get(&Height { revision: client.family.revision(), number: base }) else {
            return stale(format!("trusted height {base} is not held"));
        };
        client.verifier().verify_misbehaviour(&held.trusted, &parsed.a, &parsed.b, &client.params).map_err(fail)?;
        client.frozen = true;
        Ok((MessageResult::Applied { created: None }, vec![Event::ClientFrozen { client: id.clone() }]))
    }

    /// Checks a claim with the hosted client; returns the time of the height, where there is one.
    pub(super) fn check(
        &mut self,
        claim: &Claim,
        own: &ClientId,
        (named, evidence): (ClientId, Evidence),
        now: Now,
    ) -> Result<Option<u64>, Failure> {
        if named != *own {
            return refused(format!("evidence is for client {named}, the packet for {own}"));
        }
        let client = self.client(own)?;
        client.usable(now)?;
        let Some(held) = client.held.get(&evidence.height) else {
            return stale(format!("height {} is not held", evidence.height));
        };
        client.verifier().verify_claim(&held.trusted, claim, &evidence, 0).map_err(|violation| Failure::Stale(violation.to_string()))?;
        Ok(held.trusted.time_s)
    }

    fn other_end(&mut self, own: &ClientId, other: &ClientId) -> Result<(), Failure> {
        match &self.client(own)?.counterparty {
            Some(counterparty) if counterparty.client_id == *other => Ok(()),
            Some(counterparty) => refused(format!("counterparty of {own} is {}, not {other}", counterparty.client_id)),
            None => refused(format!("{own} has no counterparty")),
        }
    }

    /// Receives a packet; without evidence it is the competing relayer's receive, which tests cause.
    pub(super) fn receive(
        &mut self,
        packet: &Packet,
        evidence: Option<(ClientId, Evidence)>,
        now: Now,
    ) -> Result<(MessageResult, Vec<Event>), Failure> {
        self.other_end(&packet.dest_client, &packet.source_client)?;
        let receipt = path::packet_receipt(&packet.dest_client, packet.sequence);
        match self.store.get(&receipt).map(Vec::as_slice) {
            Some(RECEIVED) => return Ok((MessageResult::Noop, Vec::new())),
            Some(_) => return refused("packet is marked expired"),
            None => {}
        }
        if now.time_s >= packet.timeout_timestamp_s {
            return refused("packet has timed out");
        }
        if let Some(evidence) = evidence {
            self.check(&Claim::Commitment { packet: shared(packet), locator: None }, &packet.dest_client, evidence, now)?;
        }
        let mut answers = Vec::new();
        let mut failed = false;
        for payload in &packet.payloads {
            match payload.dest_port.as_str() {
                PORT_ECHO | PORT_STUCK => answers.push([b"ok:".as_slice(), &payload.value].concat()),
                PORT_REFUSE => failed = true,
                other => return refused(format!("unknown port {other}")),
            }
        }
        if failed {
            answers = vec![commitment::UNIVERSAL_ERROR_ACK.to_vec()];
        }
        let acknowledgement = Acknowledgement { app_acknowledgements: answers };
        self.put(receipt, RECEIVED.to_vec());
        self.put(path::packet_acknowledgement(&packet.dest_client, packet.sequence), acknowledgement.commitment().to_vec());
        let result = if failed { MessageResult::ErrorAck } else { MessageResult::Applied { created: None } };
        Ok((
            result,
            vec![Event::Acknowledged { packet: shared(packet), acknowledgement: causeway_types::Acknowledgement::V2(acknowledgement) }],
        ))
    }

    /// The commitment of a packet sent from here; `None` when it is complete.
    fn pending(&mut self, packet: &Packet) -> Result<Option<Vec<u8>>, Failure> {
        self.other_end(&packet.source_client, &packet.dest_client)?;
        let key = path::packet_commitment(&packet.source_client, packet.sequence);
        let next = self.client(&packet.source_client)?.next_sequence;
        match self.store.get(&key) {
            None if next <= packet.sequence.get() => refused("packet was never sent"),
            None => Ok(None),
            Some(value) if value.as_slice() != packet.commitment() => refused("packet differs from its commitment"),
            Some(_) => Ok(Some(key)),
        }
    }

    fn settle(&mut self, packet: &Packet, key: &[u8]) -> Result<(), Failure> {
        if packet.payloads.iter().any(|payload| payload.source_port == PORT_STUCK) {
            return refused("application refuses the callback");
        }
        self.store.remove(key);
        self.dirty = true;
        Ok(())
    }

    fn acknowledge(
        &mut self,
        packet: &Packet,
        ack: &Acknowledgement,
        evidence: (ClientId, Evidence),
        now: Now,
    ) -> Result<(MessageResult, Vec<Event>), Failure> {
        let Some(key) = self.pending(packet)? else {
            return Ok((MessageResult::Noop, Vec::new()));
        };
        let claim = Claim::Ack { packet: shared(packet), acknowledgement: causeway_types::Acknowledgement::V2(ack.clone()), locator: None };
        self.check(&claim, &packet.source_client, evidence, now)?;
        self.settle(packet, &key)?;
        let event = Event::Completed { end: packet.source_client.clone().into(), sequence: packet.sequence };
        Ok((MessageResult::Applied { created: None }, vec![event]))
    }

    fn timeout(&mut self, packet: &Packet, evidence: (ClientId, Evidence), now: Now) -> Result<(MessageResult, Vec<Event>), Failure> {
        let Some(key) = self.pending(packet)? else {
            return Ok((MessageResult::Noop, Vec::new()));
        };
        let family = self.client(&packet.source_client)?.family;
        let provable = family.absence() == Absence::Provable;
        let packet_copy = shared(packet);
        let claim = if provable { Claim::NoReceipt { packet: packet_copy } } else { Claim::Expired { packet: packet_copy, locator: None } };
        let time_s = self.check(&claim, &packet.source_client, evidence, now)?;
        if provable && time_s.is_none_or(|time| time < packet.timeout_timestamp_s) {
            return stale("the proof is from before the timeout");
        }
        self.settle(packet, &key)?;
        let event = Event::TimedOut { end: packet.source_client.clone().into(), sequence: packet.sequence };
        Ok((MessageResult::Applied { created: None }, vec![event]))
    }

    /// The competing relayer's acknowledgement or timeout, which tests cause.
    pub(super) fn complete(&mut self, packet: &Packet, timed_out: bool) -> Vec<Event> {
        let Ok(Some(key)) = self.pending(packet) else { return Vec::new() };
        let (end, sequence) = (packet.source_client.clone().into(), packet.sequence);
        match self.settle(packet, &key) {
            Ok(()) if timed_out => vec![Event::TimedOut { end, sequence }],
            Ok(()) => vec![Event::Completed { end, sequence }],
            Err(_) => Vec::new(),
        }
    }

    fn mark_expired(&mut self, packet: &Packet, now: Now) -> Result<(MessageResult, Vec<Event>), Failure> {
        if self.family.absence() == Absence::Provable {
            return refused("absence is provable here; time the packet out by it");
        }
        self.other_end(&packet.dest_client, &packet.source_client)?;
        let receipt = path::packet_receipt(&packet.dest_client, packet.sequence);
        match self.store.get(&receipt).map(Vec::as_slice) {
            Some(EXPIRED) => return Ok((MessageResult::Noop, Vec::new())),
            Some(_) => return refused("packet was received"),
            None => {}
        }
        if now.time_s < packet.timeout_timestamp_s {
            return stale("packet has not timed out yet");
        }
        self.put(receipt, EXPIRED.to_vec());
        Ok((MessageResult::Applied { created: None }, Vec::new()))
    }

    /// Whether the update must stand alone in its transaction: it crosses a committee period.
    pub(super) fn needs_own_transaction(&self, message: &Message) -> bool {
        let Message::UpdateClient { client_id, update } = message else { return false };
        let Some(client) = self.clients.get(client_id).filter(|client| client.family == FakeFamily::Slotted) else { return false };
        let parsed = wire::from_host(self.family.host_encoding(), update).and_then(|bytes| wire::decode::<Update>("update", &bytes));
        let Ok(Update { header: Some(header), trusted, .. }) = parsed else { return false };
        let base = client.family.block_of(Height { revision: client.family.revision(), number: trusted }).unwrap_or(0);
        client.family.period(base) != header.period
    }

    /// Whether headers of this chain carry a time.
    pub(super) fn has_clock(&self) -> bool {
        self.family.header_clock() != HeaderClock::None
    }
}
