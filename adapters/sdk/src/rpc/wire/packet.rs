//! Packets, acknowledgements, claims and evidence on the wire.

use super::{Wire, WireError, all, client_id, need, sequence, to_all, tx_id};
use crate::{EncodedEvidence, Evidence, EvidenceItem};
use causeway_proto::adapter::v1 as pb;
use causeway_types::{Acknowledgement, Claim, Locator, Packet, Payload};

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

impl Wire for Packet {
    type Pb = pb::Packet;

    fn to_pb(&self) -> pb::Packet {
        pb::Packet {
            sequence: self.sequence.get(),
            source_client: self.source_client.to_string(),
            dest_client: self.dest_client.to_string(),
            timeout_timestamp_s: self.timeout_timestamp_s,
            payloads: to_all(&self.payloads),
        }
    }

    fn from_pb(pb: pb::Packet) -> Result<Self, WireError> {
        let packet = Self {
            sequence: sequence(pb.sequence)?,
            source_client: client_id(&pb.source_client)?,
            dest_client: client_id(&pb.dest_client)?,
            timeout_timestamp_s: pb.timeout_timestamp_s,
            payloads: all(pb.payloads)?,
        };
        packet.validate().map_err(|error| WireError::new("packet", error))?;
        Ok(packet)
    }
}

impl Wire for Acknowledgement {
    type Pb = pb::Acknowledgement;

    fn to_pb(&self) -> pb::Acknowledgement {
        pb::Acknowledgement { app_acknowledgements: self.app_acknowledgements.clone() }
    }

    fn from_pb(pb: pb::Acknowledgement) -> Result<Self, WireError> {
        let acknowledgement = Self { app_acknowledgements: pb.app_acknowledgements };
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
        let (kind, acknowledgement) = match self {
            Self::Commitment { .. } => (pb::ClaimKind::Commitment, None),
            Self::Receipt { .. } => (pb::ClaimKind::Receipt, None),
            Self::NoReceipt { .. } => (pb::ClaimKind::NoReceipt, None),
            Self::Ack { acknowledgement, .. } => (pb::ClaimKind::Ack, Some(acknowledgement.to_pb())),
            Self::Expired { .. } => (pb::ClaimKind::Expired, None),
        };
        pb::Claim { kind: kind.into(), packet: Some(self.packet().to_pb()), acknowledgement, locator: self.locator().map(Wire::to_pb) }
    }

    fn from_pb(pb: pb::Claim) -> Result<Self, WireError> {
        let kind = pb.kind();
        let packet = need("packet of a claim", pb.packet)?;
        let locator = super::maybe(pb.locator)?;
        Ok(match kind {
            pb::ClaimKind::Unspecified => return Err(WireError::new("claim", "of no known kind")),
            pb::ClaimKind::Commitment => Self::Commitment { packet, locator },
            pb::ClaimKind::Receipt => Self::Receipt { packet, locator },
            pb::ClaimKind::NoReceipt => Self::NoReceipt { packet },
            pb::ClaimKind::Ack => Self::Ack { packet, acknowledgement: need("acknowledgement of a claim", pb.acknowledgement)?, locator },
            pb::ClaimKind::Expired => Self::Expired { packet, locator },
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
