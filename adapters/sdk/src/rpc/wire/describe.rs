//! Descriptions and status on the wire.

use super::{Wire, WireError, all, maybe, need, to_all};
use crate::{Absence, ChainStatus, Description, EndpointStatus, HeaderClock, HostLimits, SlotOrdering};
use causeway_proto::adapter::v1 as pb;

impl Wire for HostLimits {
    type Pb = pb::HostLimits;

    fn to_pb(&self) -> pb::HostLimits {
        pb::HostLimits { messages_max: self.messages_max, tx_bytes_max: self.tx_bytes_max, tx_gas_max: self.tx_gas_max }
    }

    fn from_pb(pb: pb::HostLimits) -> Result<Self, WireError> {
        Ok(Self { messages_max: pb.messages_max, tx_bytes_max: pb.tx_bytes_max, tx_gas_max: pb.tx_gas_max })
    }
}

fn absence(absence: Absence) -> pb::Absence {
    match absence {
        Absence::Provable => pb::Absence::Provable,
        Absence::ByMarkExpired => pb::Absence::ByMarkExpired,
    }
}

fn header_clock(clock: HeaderClock) -> pb::HeaderClock {
    match clock {
        HeaderClock::Header => pb::HeaderClock::Header,
        HeaderClock::Attested => pb::HeaderClock::Attested,
        HeaderClock::None => pb::HeaderClock::None,
    }
}

fn slot_ordering(ordering: SlotOrdering) -> pb::SlotOrdering {
    match ordering {
        SlotOrdering::SequentialReplaceable => pb::SlotOrdering::SequentialReplaceable,
        SlotOrdering::Sequential => pb::SlotOrdering::Sequential,
        SlotOrdering::RandomWithExpiry => pb::SlotOrdering::RandomWithExpiry,
    }
}

impl Wire for Description {
    type Pb = pb::Description;

    fn to_pb(&self) -> pb::Description {
        pb::Description {
            seam_version: self.seam_version,
            adapter_version: self.adapter_version.clone(),
            family: self.family.clone(),
            native_chain_id: self.native_chain_id.clone(),
            hosted_client_types: self.hosted_client_types.clone(),
            offered_client_type: self.offered_client_type.clone(),
            host_encodings: self.host_encodings.clone(),
            absence: absence(self.absence).into(),
            header_clock: header_clock(self.header_clock).into(),
            state_window_blocks: self.state_window_blocks,
            slot_ordering: slot_ordering(self.slot_ordering).into(),
            limits: Some(self.limits.to_pb()),
            block_interval_ms: self.block_interval_ms,
            fee_denom: self.fee_denom.clone(),
            merkle_prefix: self.merkle_prefix.clone(),
        }
    }

    fn from_pb(pb: pb::Description) -> Result<Self, WireError> {
        let absence = match pb.absence() {
            pb::Absence::Unspecified => return Err(WireError::missing("absence")),
            pb::Absence::Provable => Absence::Provable,
            pb::Absence::ByMarkExpired => Absence::ByMarkExpired,
        };
        let header_clock = match pb.header_clock() {
            pb::HeaderClock::Unspecified => return Err(WireError::missing("header clock")),
            pb::HeaderClock::Header => HeaderClock::Header,
            pb::HeaderClock::Attested => HeaderClock::Attested,
            pb::HeaderClock::None => HeaderClock::None,
        };
        let slot_ordering = match pb.slot_ordering() {
            pb::SlotOrdering::Unspecified => return Err(WireError::missing("slot ordering")),
            pb::SlotOrdering::SequentialReplaceable => SlotOrdering::SequentialReplaceable,
            pb::SlotOrdering::Sequential => SlotOrdering::Sequential,
            pb::SlotOrdering::RandomWithExpiry => SlotOrdering::RandomWithExpiry,
        };
        Ok(Self {
            seam_version: pb.seam_version,
            adapter_version: pb.adapter_version,
            family: pb.family,
            native_chain_id: pb.native_chain_id,
            hosted_client_types: pb.hosted_client_types,
            offered_client_type: pb.offered_client_type,
            host_encodings: pb.host_encodings,
            absence,
            header_clock,
            state_window_blocks: pb.state_window_blocks,
            slot_ordering,
            limits: need("limits", pb.limits)?,
            block_interval_ms: pb.block_interval_ms,
            fee_denom: pb.fee_denom,
            merkle_prefix: pb.merkle_prefix,
        })
    }
}

impl Wire for EndpointStatus {
    type Pb = pb::EndpointStatus;

    fn to_pb(&self) -> pb::EndpointStatus {
        pb::EndpointStatus {
            endpoint: self.endpoint.clone(),
            head: self.head.as_ref().map(Wire::to_pb),
            syncing: self.syncing,
            error: self.error.clone(),
        }
    }

    fn from_pb(pb: pb::EndpointStatus) -> Result<Self, WireError> {
        Ok(Self { endpoint: pb.endpoint, head: maybe(pb.head)?, syncing: pb.syncing, error: pb.error })
    }
}

impl Wire for ChainStatus {
    type Pb = pb::ChainStatus;

    fn to_pb(&self) -> pb::ChainStatus {
        pb::ChainStatus { head: Some(self.head.to_pb()), endpoints: to_all(&self.endpoints), divergence: self.divergence.clone() }
    }

    fn from_pb(pb: pb::ChainStatus) -> Result<Self, WireError> {
        Ok(Self { head: need("head", pb.head)?, endpoints: all(pb.endpoints)?, divergence: pb.divergence })
    }
}
