//! Clients and update plans on the wire.

use super::{Wire, WireError, client_id, hash, maybe, need};
use crate::{ClientView, ConsensusView, Counterparty, UpdateStep};
use causeway_proto::adapter::v1 as pb;

impl Wire for Counterparty {
    type Pb = pb::Counterparty;

    fn to_pb(&self) -> pb::Counterparty {
        pb::Counterparty { client_id: self.client_id.to_string(), merkle_prefix: self.merkle_prefix.clone() }
    }

    fn from_pb(pb: pb::Counterparty) -> Result<Self, WireError> {
        Ok(Self { client_id: client_id(&pb.client_id)?, merkle_prefix: pb.merkle_prefix })
    }
}

impl Wire for ClientView {
    type Pb = pb::ClientView;

    fn to_pb(&self) -> pb::ClientView {
        pb::ClientView {
            client_id: self.client_id.to_string(),
            client_type: self.client_type.clone(),
            host_encoding: self.host_encoding.clone(),
            latest: Some(self.latest.to_pb()),
            latest_time_s: self.latest_time_s,
            expires_at_s: self.expires_at_s,
            frozen: self.frozen,
            counterparty: self.counterparty.as_ref().map(Wire::to_pb),
            state: self.state.clone(),
        }
    }

    fn from_pb(pb: pb::ClientView) -> Result<Self, WireError> {
        Ok(Self {
            client_id: client_id(&pb.client_id)?,
            client_type: pb.client_type,
            host_encoding: pb.host_encoding,
            latest: need("latest height of a client", pb.latest)?,
            latest_time_s: pb.latest_time_s,
            expires_at_s: pb.expires_at_s,
            frozen: pb.frozen,
            counterparty: maybe(pb.counterparty)?,
            state: pb.state,
        })
    }
}

impl Wire for ConsensusView {
    type Pb = pb::ConsensusView;

    fn to_pb(&self) -> pb::ConsensusView {
        pb::ConsensusView {
            height: Some(self.height.to_pb()),
            hash: self.hash.to_vec(),
            processed_time_s: self.processed_time_s,
            processed_height: self.processed_height.as_ref().map(Wire::to_pb),
        }
    }

    fn from_pb(pb: pb::ConsensusView) -> Result<Self, WireError> {
        Ok(Self {
            height: need("height of a consensus state", pb.height)?,
            hash: hash("hash of a consensus state", pb.hash)?,
            processed_time_s: pb.processed_time_s,
            processed_height: maybe(pb.processed_height)?,
        })
    }
}

impl Wire for UpdateStep {
    type Pb = pb::UpdateStep;

    fn to_pb(&self) -> pb::UpdateStep {
        pb::UpdateStep {
            trusted: Some(self.trusted.to_pb()),
            update: self.update.clone(),
            resulting: Some(self.resulting.to_pb()),
            gas_estimate: self.gas_estimate,
            own_transaction: self.own_transaction,
            not_before_s: self.not_before_s,
        }
    }

    fn from_pb(pb: pb::UpdateStep) -> Result<Self, WireError> {
        Ok(Self {
            trusted: need("trusted height of a step", pb.trusted)?,
            update: pb.update,
            resulting: need("resulting height of a step", pb.resulting)?,
            gas_estimate: pb.gas_estimate,
            own_transaction: pb.own_transaction,
            not_before_s: pb.not_before_s,
        })
    }
}
