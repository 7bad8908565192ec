//! Channels of IBC classic on a fake chain: what ibc-go's core does with packets of open and closed channels, without its handshakes.
//!
//! What it is not: connections and channels are put there by tests ([`super::FakeWorld::open_channel`]). The application of every channel is
//! one: data that begins with `refuse` is answered with an error, with `poison` it is not taken at all.
//!
//! Source of the rules: cosmos/ibc-go `modules/core/04-channel/keeper/{packet,timeout,handshake}.go`.

use super::faults::FakeFaults;
use super::host::{Failure, Host, Now};
use super::light_client::RECEIVED;
use crate::{Event, Evidence, Message, MessageResult, PacketState, ProofGroup};
use causeway_types::classic::{
    Acknowledgement, ChannelEnd, ChannelEndId, ConnectionEnd, ConnectionId, HandshakeState, Order, Packet, Timeout, channel_path,
    connection_path, next_sequence_recv_path, packet_acknowledgement_path, packet_commitment_path, packet_receipt_path,
};
use causeway_types::{Claim, ClientId, Hash, Height, Sequence};

/// Data of a packet that its application answers with an error.
pub const DATA_REFUSE: &[u8] = b"refuse";
/// Data of a packet that its application does not take.
pub const DATA_POISON: &[u8] = b"poison";

type Done = Result<(MessageResult, Vec<Event>), Failure>;

/// A channel end with its counters.
#[derive(Debug, Clone)]
pub(super) struct HostedChannel {
    pub(super) end: ChannelEnd,
    pub(super) next_send: u64,
    next_recv: u64,
    next_ack: u64,
}

/// What stands in the store for a channel end, and for a connection end.
pub(super) fn channel_bytes(end: &ChannelEnd) -> Vec<u8> {
    format!("{end:?}").into_bytes()
}

pub(super) fn connection_bytes(end: &ConnectionEnd) -> Vec<u8> {
    format!("{end:?}").into_bytes()
}

fn refused<T>(text: impl Into<String>) -> Result<T, Failure> {
    Err(Failure::Refused(text.into()))
}

fn shared(packet: &Packet) -> causeway_types::Packet {
    causeway_types::Packet::Classic(packet.clone())
}

impl Host {
    /// Puts an open channel and its connection there.
    pub(super) fn add_channel(&mut self, connection: (ConnectionId, ConnectionEnd), channel: (ChannelEndId, ChannelEnd)) {
        self.put(connection_path(&connection.0), connection_bytes(&connection.1));
        self.connections.insert(connection.0, connection.1);
        self.put(next_sequence_recv_path(&channel.0), 1_u64.to_be_bytes().to_vec());
        self.put_channel(&channel.0, &channel.1);
        let (id, end) = channel;
        self.channels.insert(id, HostedChannel { end, next_send: 1, next_recv: 1, next_ack: 1 });
    }

    fn put_channel(&mut self, id: &ChannelEndId, end: &ChannelEnd) {
        self.put(channel_path(id), channel_bytes(end));
    }

    fn channel(&mut self, id: &ChannelEndId) -> Result<&mut HostedChannel, Failure> {
        self.channels.get_mut(id).ok_or_else(|| Failure::Refused(format!("channel {id} does not exist")))
    }

    /// The client that judges what is said of the other end, the end as it should stand there when closed, and the order.
    fn other(&mut self, id: &ChannelEndId) -> Result<(ClientId, Claim, Order), Failure> {
        let end = self.channel(id)?.end.clone();
        let connection = self.connections.get(&end.connection).cloned().ok_or_else(|| Failure::Refused("no connection".into()))?;
        let (Some(channel), Some(hop)) = (end.counterparty.clone(), connection.counterparty) else { return refused("no other end") };
        let closed = ChannelEnd {
            state: HandshakeState::Closed,
            order: end.order,
            counterparty_port: id.port.clone(),
            counterparty: Some(id.channel.clone()),
            connection: hop,
            version: end.version,
        };
        let claim = Claim::Channel { id: ChannelEndId { port: end.counterparty_port, channel }, end: closed };
        Ok((connection.client, claim, end.order))
    }

    fn between(&mut self, own: &ChannelEndId, other: &ChannelEndId) -> Result<(), Failure> {
        let end = &self.channel(own)?.end;
        let fits = end.counterparty.as_ref() == Some(&other.channel) && end.counterparty_port == other.port;
        if fits { Ok(()) } else { refused(format!("the other end of {own} is not {other}")) }
    }

    fn open(&mut self, id: &ChannelEndId) -> Result<(), Failure> {
        let state = self.channel(id)?.end.state;
        if state == HandshakeState::Open { Ok(()) } else { refused(format!("channel is not OPEN (got {state:?})")) }
    }

    /// Sends a packet: what the application on this chain does.
    pub(super) fn send_classic(&mut self, source: &ChannelEndId, data: Vec<u8>, timeout: Timeout) -> Result<Packet, String> {
        let failed = |failure: Failure| failure.text().to_owned();
        self.open(source).map_err(failed)?;
        let channel = self.channel(source).map_err(failed)?;
        let counterparty = channel.end.counterparty.clone().ok_or("no other end")?;
        let dest = ChannelEndId { port: channel.end.counterparty_port.clone(), channel: counterparty };
        let sequence = Sequence::new(channel.next_send).map_err(|error| error.to_string())?;
        channel.next_send = channel.next_send.saturating_add(1);
        Ok(Packet { sequence, source: source.clone(), dest, data, timeout })
    }

    /// Writes the commitment of a packet that was sent.
    pub(super) fn commit_classic(&mut self, packet: &Packet) -> Event {
        self.put(packet_commitment_path(&packet.source, packet.sequence), packet.commitment().to_vec());
        Event::Sent { packet: shared(packet) }
    }

    /// What the application does that closes its channel.
    pub(super) fn close(&mut self, id: &ChannelEndId) -> Vec<Event> {
        let Some(channel) = self.channels.get_mut(id) else { return Vec::new() };
        channel.end.state = HandshakeState::Closed;
        let end = channel.end.clone();
        self.put_channel(id, &end);
        vec![Event::ChannelChanged { id: id.clone(), connection: end.connection }]
    }

    /// Executes a message about a classic packet or a channel.
    pub(super) fn execute_classic(&mut self, message: &Message, proofs: &[ProofGroup], now: Now) -> Done {
        match message {
            Message::Receive { packet: causeway_types::Packet::Classic(packet), proof } => {
                let evidence = self.evidence(proofs, *proof)?;
                self.receive_classic(packet, evidence, now)
            }
            Message::Acknowledge {
                packet: causeway_types::Packet::Classic(packet),
                acknowledgement: causeway_types::Acknowledgement::Classic(acknowledgement),
                proof,
            } => {
                let evidence = self.evidence(proofs, *proof)?;
                self.acknowledge_classic((packet, acknowledgement), evidence, now)
            }
            Message::Timeout { packet: causeway_types::Packet::Classic(packet), proof, .. } => {
                let evidence = self.evidence(proofs, *proof)?;
                self.timeout_classic(packet, (evidence, None), now)
            }
            Message::TimeoutOnClose { packet: causeway_types::Packet::Classic(packet), proof, closed, .. } => {
                let evidence = (self.evidence(proofs, *proof)?, Some(self.evidence(proofs, *closed)?));
                self.timeout_classic(packet, evidence, now)
            }
            Message::CloseChannel { id, proof } => {
                let evidence = self.evidence(proofs, *proof)?;
                self.open(id)?;
                let (client, claim, _) = self.other(id)?;
                self.check(&claim, &client, evidence, now)?;
                Ok((MessageResult::Applied { created: None }, self.close(id)))
            }
            _ => refused("handshakes are not hosted here"),
        }
    }

    fn receive_classic(&mut self, packet: &Packet, evidence: (ClientId, Evidence), now: Now) -> Done {
        self.open(&packet.dest)?;
        self.between(&packet.dest, &packet.source)?;
        let (client, _, order) = self.other(&packet.dest)?;
        let height = Height { revision: self.family.revision(), number: now.block };
        let next = self.channel(&packet.dest)?.next_recv;
        let received = match order {
            Order::Unordered => self.store.contains_key(&packet_receipt_path(&packet.dest, packet.sequence)),
            Order::Ordered => packet.sequence.get() < next,
        };
        if received {
            return Ok((MessageResult::Noop, Vec::new()));
        }
        if packet.timeout.elapsed(height, now.time_s.saturating_mul(1_000_000_000)) {
            return refused("packet has timed out");
        }
        if order == Order::Ordered && packet.sequence.get() != next {
            return Err(Failure::Stale(format!("packet {} is not the next, {next}", packet.sequence)));
        }
        self.check(&Claim::Commitment { packet: shared(packet), locator: None }, &client, evidence, now)?;
        if packet.data.starts_with(DATA_POISON) {
            return refused("application does not take it");
        }
        let failed = packet.data.starts_with(DATA_REFUSE);
        let acknowledgement =
            Acknowledgement(if failed { br#"{"error":"refused"}"#.to_vec() } else { [b"ok:", &packet.data[..]].concat() });
        match order {
            Order::Unordered => self.put(packet_receipt_path(&packet.dest, packet.sequence), RECEIVED.to_vec()),
            Order::Ordered => {
                let next = next.saturating_add(1);
                self.channel(&packet.dest)?.next_recv = next;
                self.put(next_sequence_recv_path(&packet.dest), next.to_be_bytes().to_vec());
            }
        }
        self.put(packet_acknowledgement_path(&packet.dest, packet.sequence), acknowledgement.commitment().to_vec());
        let result = if failed { MessageResult::ErrorAck } else { MessageResult::Applied { created: None } };
        let acknowledgement = causeway_types::Acknowledgement::Classic(acknowledgement);
        Ok((result, vec![Event::Acknowledged { packet: shared(packet), acknowledgement }]))
    }

    /// Whether the commitment of a packet that was sent from here still lives.
    fn pending_classic(&mut self, packet: &Packet) -> Result<bool, Failure> {
        self.between(&packet.source, &packet.dest)?;
        let next = self.channel(&packet.source)?.next_send;
        match self.store.get(&packet_commitment_path(&packet.source, packet.sequence)) {
            None if next <= packet.sequence.get() => refused("packet was never sent"),
            None => Ok(false),
            Some(value) if value.as_slice() != packet.commitment() => refused("packet differs from its commitment"),
            Some(_) => Ok(true),
        }
    }

    fn forget_classic(&mut self, packet: &Packet) {
        self.store.remove(&packet_commitment_path(&packet.source, packet.sequence));
        self.dirty = true;
    }

    fn acknowledge_classic(&mut self, (packet, ack): (&Packet, &Acknowledgement), evidence: (ClientId, Evidence), now: Now) -> Done {
        self.open(&packet.source)?;
        if !self.pending_classic(packet)? {
            return Ok((MessageResult::Noop, Vec::new()));
        }
        let (client, _, order) = self.other(&packet.source)?;
        let acknowledgement = causeway_types::Acknowledgement::Classic(ack.clone());
        self.check(&Claim::Ack { packet: shared(packet), acknowledgement, locator: None }, &client, evidence, now)?;
        let channel = self.channel(&packet.source)?;
        if order == Order::Ordered {
            if packet.sequence.get() != channel.next_ack {
                return Err(Failure::Stale(format!("packet {} is not the next to be acknowledged, {}", packet.sequence, channel.next_ack)));
            }
            channel.next_ack = channel.next_ack.saturating_add(1);
        }
        self.forget_classic(packet);
        let event = Event::Completed { end: packet.source.clone().into(), sequence: packet.sequence };
        Ok((MessageResult::Applied { created: None }, vec![event]))
    }

    /// A timeout, or one on a closed channel where there is evidence of that.
    fn timeout_classic(
        &mut self,
        packet: &Packet,
        (evidence, closed): ((ClientId, Evidence), Option<(ClientId, Evidence)>),
        now: Now,
    ) -> Done {
        if !self.pending_classic(packet)? {
            return Ok((MessageResult::Noop, Vec::new()));
        }
        let (client, claim, order) = self.other(&packet.source)?;
        let height = evidence.1.height;
        let on_close = closed.is_some();
        if let Some(closed) = closed {
            self.check(&claim, &client, closed, now)?;
        }
        let packet_copy = shared(packet);
        let absent =
            if order == Order::Ordered { Claim::NotReached { packet: packet_copy } } else { Claim::NoReceipt { packet: packet_copy } };
        let time_s = self.check(&absent, &client, evidence, now)?;
        if !on_close && !packet.timeout.elapsed(height, time_s.unwrap_or(0).saturating_mul(1_000_000_000)) {
            return Err(Failure::Stale("the proof is from before the timeout".into()));
        }
        self.forget_classic(packet);
        let mut events = vec![Event::TimedOut { end: packet.source.clone().into(), sequence: packet.sequence }];
        if order == Order::Ordered {
            events.extend(self.close(&packet.source.clone()));
        }
        Ok((MessageResult::Applied { created: None }, events))
    }

    /// Live commitments of a channel, and the last that was looked at while there are more.
    pub(super) fn commitments_classic(&self, id: &ChannelEndId, from: Sequence, limit: usize) -> (Vec<Sequence>, Option<Sequence>) {
        let next = self.channels.get(id).map_or(1, |channel| channel.next_send);
        let sent = (from.get()..next).filter_map(|number| Sequence::new(number).ok());
        let mut live = sent.filter(|sequence| self.store.contains_key(&packet_commitment_path(id, *sequence)));
        let page: Vec<Sequence> = live.by_ref().take(limit).collect();
        let last = live.next().and(page.last().copied());
        (page, last)
    }

    /// What state says of one packet.
    pub(super) fn state_classic(&self, id: &ChannelEndId, sequence: Sequence, faults: &FakeFaults) -> PacketState {
        let hash = |key: Vec<u8>| self.store.get(&key).and_then(|value| Hash::try_from(value.as_slice()).ok());
        let channel = self.channels.get(id);
        let received = match channel {
            Some(channel) if channel.end.order == Order::Ordered => sequence.get() < channel.next_recv,
            _ => self.store.contains_key(&packet_receipt_path(id, sequence)),
        };
        let number = sequence.get();
        PacketState {
            sequence,
            received: received || faults.lie_received.contains(&number),
            ack_commitment: hash(packet_acknowledgement_path(id, sequence)),
            commitment: hash(packet_commitment_path(id, sequence)).filter(|_| !faults.lie_completed.contains(&number)),
        }
    }
}
