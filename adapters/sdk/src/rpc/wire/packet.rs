//! Packets, acknowledgements, claims and evidence on the wire.

use super::classic::{channel_end, connection_id};
use super::{Wire, WireError, all, client_id, need, sequence, to_all, tx_id};
use crate::{EncodedEvidence, Evidence, EvidenceItem};
use causeway_proto::adapter::v1 as pb;
use causeway_types::{Acknowledgement, Claim, Locator, Packet, Payload, classic, v2};

impl Wire for Payload {
    type Pb = pb::Payload;

    fn to_pb(&self) -> pb::Payload {
        pb::Payload {
            source_port: self.source_port.clone(),
            dest_port: self.dest_port.clone(),
            version: self.version.clone(),
            encoding: self.encoding.clone(),
            value: self.value.clone(),
        }
    }

    fn from_pb(pb: pb::Payload) -> Result<Self, WireError> {
        let pb::Payload { source_port, dest_port, version, encoding, value } = pb;
        Ok(Self { source_port, dest_port, version, encoding, value })
    }
}

impl Wire for v2::Packet {
    type Pb = pb::PacketV2;

    fn to_pb(&self) -> pb::PacketV2 {
        pb::PacketV2 {
            sequence: self.sequence.get(),
            source_client: self.source_client.to_string(),
            dest_client: self.dest_client.to_string(),
            timeout_timestamp_s: self.timeout_timestamp_s,
            payloads: to_all(&self.payloads),
        }
    }

    fn from_pb(pb: pb::PacketV2) -> Result<Self, WireError> {
        Ok(Self {
            sequence: sequence(pb.sequence)?,
            source_client: client_id(&pb.source_client)?,
            dest_client: client_id(&pb.dest_client)?,
            timeout_timestamp_s: pb.timeout_timestamp_s,
            payloads: all(pb.payloads)?,
        })
    }
}

impl Wire for Packet {
    type Pb = pb::Packet;

    fn to_pb(&self) -> pb::Packet {
        let kind = match self {
            Self::V2(packet) => pb::packet::Kind::V2(packet.to_pb()),
            Self::Classic(packet) => pb::packet::Kind::Classic(packet.to_pb()),
        };
        pb::Packet { kind: Some(kind) }
    }

    fn from_pb(pb: pb::Packet) -> Result<Self, WireError> {
        let packet = match pb.kind.ok_or(WireError::missing("kind of packet"))? {
            pb::packet::Kind::V2(packet) => Self::V2(Wire::from_pb(packet)?),
            pb::packet::Kind::Classic(packet) => Self::Classic(Wire::from_pb(packet)?),
        };
        packet.validate().map_err(|error| WireError::new("packet", error))?;
        Ok(packet)
    }
}

impl Wire for Acknowledgement {
    type Pb = pb::Acknowledgement;

    fn to_pb(&self) -> pb::Acknowledgement {
        let kind = match self {
            Self::V2(ack) => pb::acknowledgement::Kind::V2(pb::AppAcknowledgements { each: ack.app_acknowledgements.clone() }),
            Self::Classic(ack) => pb::acknowledgement::Kind::Classic(ack.0.clone()),
        };
        pb::Acknowledgement { kind: Some(kind) }
    }

    fn from_pb(pb: pb::Acknowledgement) -> Result<Self, WireError> {
        let acknowledgement = match pb.kind.ok_or(WireError::missing("kind of acknowledgement"))? {
            pb::acknowledgement::Kind::V2(ack) => Self::V2(v2::Acknowledgement { app_acknowledgements: ack.each }),
            pb::acknowledgement::Kind::Classic(bytes) => Self::Classic(classic::Acknowledgement(bytes)),
        };
        acknowledgement.validate().map_err(|error| WireError::new("acknowledgement", error))?;
        Ok(acknowledgement)
    }
}

impl Wire for Locator {
    type Pb = pb::Locator;

    fn to_pb(&self) -> pb::Locator {
        pb::Locator { block: self.block, transaction: self.transaction.as_bytes().to_vec(), index: self.index }
    }

    fn from_pb(pb: pb::Locator) -> Result<Self, WireError> {
        Ok(Self { block: pb.block, transaction: tx_id(pb.transaction)?, index: pb.index })
    }
}

impl Wire for Claim {
    type Pb = pb::Claim;

    fn to_pb(&self) -> pb::Claim {
        let mut claim =
            pb::Claim { packet: self.packet().map(Wire::to_pb), locator: self.locator().map(Wire::to_pb), ..pb::Claim::default() };
        let kind = match self {
            Self::Commitment { .. } => pb::ClaimKind::Commitment,
            Self::NoCommitment { source, sequence } => {
                (claim.id, claim.sequence) = (source.to_string(), sequence.get());
                pb::ClaimKind::NoCommitment
            }
            Self::Receipt { .. } => pb::ClaimKind::Receipt,
            Self::NoReceipt { .. } => pb::ClaimKind::NoReceipt,
            Self::NotReached { .. } => pb::ClaimKind::NotReached,
            Self::Ack { acknowledgement, .. } => {
                claim.acknowledgement = Some(acknowledgement.to_pb());
                pb::ClaimKind::Ack
            }
            Self::Expired { .. } => pb::ClaimKind::Expired,
            Self::Connection { id, end } => {
                (claim.id, claim.connection) = (id.to_string(), Some(end.to_pb()));
                pb::ClaimKind::Connection
            }
            Self::Channel { id, end } => {
                (claim.id, claim.channel) = (id.to_string(), Some(end.to_pb()));
                pb::ClaimKind::Channel
            }
        };
        claim.set_kind(kind);
        claim
    }

    fn from_pb(pb: pb::Claim) -> Result<Self, WireError> {
        let packet = |pb| need("packet of a claim", pb);
        let locator = super::maybe(pb.locator.clone())?;
        Ok(match pb.kind() {
            pb::ClaimKind::Unspecified => return Err(WireError::new("claim", "of no known kind")),
            pb::ClaimKind::Commitment => Self::Commitment { packet: packet(pb.packet)?, locator },
            pb::ClaimKind::NoCommitment => {
                let source = pb.id.parse().map_err(|error| WireError::new("source of a claim", error))?;
                Self::NoCommitment { source, sequence: sequence(pb.sequence)? }
            }
            pb::ClaimKind::Receipt => Self::Receipt { packet: packet(pb.packet)?, locator },
            pb::ClaimKind::NoReceipt => Self::NoReceipt { packet: packet(pb.packet)? },
            pb::ClaimKind::NotReached => Self::NotReached { packet: packet(pb.packet)? },
            pb::ClaimKind::Ack => {
                let acknowledgement = need("acknowledgement of a claim", pb.acknowledgement)?;
                Self::Ack { packet: packet(pb.packet)?, acknowledgement, locator }
            }
            pb::ClaimKind::Expired => Self::Expired { packet: packet(pb.packet)?, locator },
            pb::ClaimKind::Connection => {
                Self::Connection { id: connection_id(&pb.id)?, end: need("connection of a claim", pb.connection)? }
            }
            pb::ClaimKind::Channel => Self::Channel { id: channel_end(&pb.id)?, end: need("channel of a claim", pb.channel)? },
        })
    }
}

impl Wire for EvidenceItem {
    type Pb = pb::EvidenceItem;

    fn to_pb(&self) -> pb::EvidenceItem {
        let kind = match self {
            Self::Bytes(bytes) => pb::evidence_item::Kind::Bytes(bytes.clone()),
            Self::NotSo => pb::evidence_item::Kind::NotSo(pb::Empty {}),
        };
        pb::EvidenceItem { kind: Some(kind) }
    }

    fn from_pb(pb: pb::EvidenceItem) -> Result<Self, WireError> {
        match pb.kind.ok_or(WireError::missing("item of evidence"))? {
            pb::evidence_item::Kind::Bytes(bytes) => Ok(Self::Bytes(bytes)),
            pb::evidence_item::Kind::NotSo(_) => Ok(Self::NotSo),
        }
    }
}

impl Wire for Evidence {
    type Pb = pb::Evidence;

    fn to_pb(&self) -> pb::Evidence {
        pb::Evidence { height: Some(self.height.to_pb()), shared: self.shared.clone(), each: to_all(&self.each) }
    }

    fn from_pb(pb: pb::Evidence) -> Result<Self, WireError> {
        Ok(Self { height: need("height of evidence", pb.height)?, shared: pb.shared, each: all(pb.each)? })
    }
}

impl Wire for EncodedEvidence {
    type Pb = pb::EncodedEvidence;

    fn to_pb(&self) -> pb::EncodedEvidence {
        pb::EncodedEvidence { height: Some(self.height.to_pb()), shared: self.shared.clone(), each: self.each.clone() }
    }

    fn from_pb(pb: pb::EncodedEvidence) -> Result<Self, WireError> {
        Ok(Self { height: need("height of evidence", pb.height)?, shared: pb.shared, each: pb.each })
    }
}
