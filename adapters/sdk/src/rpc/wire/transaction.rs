//! Messages and transactions on the wire.

use super::{Wire, WireError, all, amount, classic, client_id, index, need, to_all, to_amount, to_index, tx_id};
use crate::{Account, BuildRequest, Built, FeePolicy, Message, MessageResult, ProofGroup, RejectReason, Rejected, SignedTx, Slot};
use causeway_proto::adapter::v1 as pb;
use causeway_types::ClientId;
use causeway_types::classic::Order;
use pb::message::{self as parts, Kind};

fn bytes_of(client: &ClientId, bytes: &[u8]) -> parts::ClientBytes {
    parts::ClientBytes { client_id: client.to_string(), bytes: bytes.to_vec() }
}

fn to_proof((group, item): (usize, usize)) -> pb::ProofRef {
    pb::ProofRef { group: to_index(group), item: to_index(item) }
}

fn proof(pb: Option<pb::ProofRef>) -> Result<(usize, usize), WireError> {
    let pb = pb.ok_or(WireError::missing("reference to evidence"))?;
    Ok((index("group of evidence", pb.group)?, index("item of evidence", pb.item)?))
}

impl Wire for Message {
    type Pb = pb::Message;

    fn to_pb(&self) -> pb::Message {
        let kind = match self {
            Self::CreateClient { client_type, initial } => {
                Kind::CreateClient(parts::CreateClient { client_type: client_type.clone(), initial: initial.clone() })
            }
            Self::RegisterCounterparty { client_id, counterparty } => {
                let counterparty = Some(counterparty.to_pb());
                Kind::RegisterCounterparty(parts::RegisterCounterparty { client_id: client_id.to_string(), counterparty })
            }
            Self::UpdateClient { client_id, update } => Kind::UpdateClient(bytes_of(client_id, update)),
            Self::SubmitMisbehaviour { client_id, misbehaviour } => Kind::SubmitMisbehaviour(bytes_of(client_id, misbehaviour)),
            Self::Receive { packet, proof } => {
                Kind::Receive(parts::ProvenPacket { packet: Some(packet.to_pb()), proof: Some(to_proof(*proof)), ordered: false })
            }
            Self::Acknowledge { packet, acknowledgement, proof } => Kind::Acknowledge(parts::AcknowledgeMessage {
                packet: Some(packet.to_pb()),
                acknowledgement: Some(acknowledgement.to_pb()),
                proof: Some(to_proof(*proof)),
            }),
            Self::Timeout { packet, order, proof } => Kind::Timeout(parts::ProvenPacket {
                packet: Some(packet.to_pb()),
                proof: Some(to_proof(*proof)),
                ordered: *order == Order::Ordered,
            }),
            Self::TimeoutOnClose { packet, order, proof, closed } => Kind::TimeoutOnClose(parts::TimeoutOnClose {
                packet: Some(packet.to_pb()),
                proof: Some(to_proof(*proof)),
                closed: Some(to_proof(*closed)),
                ordered: *order == Order::Ordered,
            }),
            Self::CloseChannel { id, proof } => {
                Kind::CloseChannel(parts::CloseChannel { id: id.to_string(), proof: Some(to_proof(*proof)) })
            }
            Self::MarkExpired { packet } => Kind::MarkExpired(packet.to_pb()),
            Self::OpenConnection { step, id, end, proof } => Kind::OpenConnection(parts::OpenConnection {
                step: classic::to_step(*step).into(),
                id: id.as_ref().map(ToString::to_string).unwrap_or_default(),
                end: Some(end.to_pb()),
                proof: proof.map(to_proof),
            }),
            Self::OpenChannel { step, port, id, end, proof } => Kind::OpenChannel(parts::OpenChannel {
                step: classic::to_step(*step).into(),
                port: port.to_string(),
                id: id.as_ref().map(ToString::to_string).unwrap_or_default(),
                end: Some(end.to_pb()),
                proof: proof.map(to_proof),
            }),
        };
        pb::Message { kind: Some(kind) }
    }

    fn from_pb(pb: pb::Message) -> Result<Self, WireError> {
        Ok(match pb.kind.ok_or(WireError::missing("kind of message"))? {
            Kind::CreateClient(parts::CreateClient { client_type, initial }) => Self::CreateClient { client_type, initial },
            Kind::RegisterCounterparty(part) => Self::RegisterCounterparty {
                client_id: client_id(&part.client_id)?,
                counterparty: need("counterparty", part.counterparty)?,
            },
            Kind::UpdateClient(part) => Self::UpdateClient { client_id: client_id(&part.client_id)?, update: part.bytes },
            Kind::SubmitMisbehaviour(part) => Self::SubmitMisbehaviour { client_id: client_id(&part.client_id)?, misbehaviour: part.bytes },
            Kind::Receive(part) => Self::Receive { packet: need("packet", part.packet)?, proof: proof(part.proof)? },
            Kind::Acknowledge(part) => Self::Acknowledge {
                packet: need("packet", part.packet)?,
                acknowledgement: need("acknowledgement", part.acknowledgement)?,
                proof: proof(part.proof)?,
            },
            Kind::Timeout(part) => Self::Timeout {
                order: if part.ordered { Order::Ordered } else { Order::Unordered },
                packet: need("packet", part.packet)?,
                proof: proof(part.proof)?,
            },
            Kind::TimeoutOnClose(part) => Self::TimeoutOnClose {
                order: if part.ordered { Order::Ordered } else { Order::Unordered },
                packet: need("packet", part.packet)?,
                proof: proof(part.proof)?,
                closed: proof(part.closed)?,
            },
            Kind::CloseChannel(part) => Self::CloseChannel { id: classic::channel_end(&part.id)?, proof: proof(part.proof)? },
            Kind::MarkExpired(packet) => Self::MarkExpired { packet: Wire::from_pb(packet)? },
            Kind::OpenConnection(part) => Self::OpenConnection {
                step: classic::step(part.step())?,
                id: classic::id(&part.id, classic::connection_id)?,
                end: classic::end(part.end)?,
                proof: part.proof.map(|part| proof(Some(part))).transpose()?,
            },
            Kind::OpenChannel(part) => Self::OpenChannel {
                step: classic::step(part.step())?,
                port: classic::port_id(&part.port)?,
                id: classic::id(&part.id, classic::channel_id)?,
                end: classic::end(part.end)?,
                proof: part.proof.map(|part| proof(Some(part))).transpose()?,
            },
        })
    }
}

impl Wire for ProofGroup {
    type Pb = pb::ProofGroup;

    fn to_pb(&self) -> pb::ProofGroup {
        pb::ProofGroup { client_id: self.client_id.to_string(), evidence: Some(self.evidence.to_pb()) }
    }

    fn from_pb(pb: pb::ProofGroup) -> Result<Self, WireError> {
        Ok(Self { client_id: client_id(&pb.client_id)?, evidence: need("evidence", pb.evidence)? })
    }
}

impl Wire for Slot {
    type Pb = pb::Slot;

    fn to_pb(&self) -> pb::Slot {
        let kind = match self {
            Self::Number(number) => pb::slot::Kind::Number(*number),
            Self::Expiry(height) => pb::slot::Kind::Expiry(height.to_pb()),
        };
        pb::Slot { kind: Some(kind) }
    }

    fn from_pb(pb: pb::Slot) -> Result<Self, WireError> {
        match pb.kind.ok_or(WireError::missing("kind of slot"))? {
            pb::slot::Kind::Number(number) => Ok(Self::Number(number)),
            pb::slot::Kind::Expiry(height) => Ok(Self::Expiry(Wire::from_pb(height)?)),
        }
    }
}

impl Wire for FeePolicy {
    type Pb = pb::FeePolicy;

    fn to_pb(&self) -> pb::FeePolicy {
        pb::FeePolicy {
            gas_headroom_percent: self.gas_headroom_percent,
            gas_price_max: self.gas_price_max.map(to_amount),
            replace_bump_percent: self.replace_bump_percent,
            replaces_price: self.replaces_price.map(to_amount),
        }
    }

    fn from_pb(pb: pb::FeePolicy) -> Result<Self, WireError> {
        Ok(Self {
            gas_headroom_percent: pb.gas_headroom_percent,
            gas_price_max: pb.gas_price_max.map(|bytes| amount("highest gas price", &bytes)).transpose()?,
            replace_bump_percent: pb.replace_bump_percent,
            replaces_price: pb.replaces_price.map(|bytes| amount("replaced gas price", &bytes)).transpose()?,
        })
    }
}

impl Wire for BuildRequest {
    type Pb = pb::BuildRequest;

    fn to_pb(&self) -> pb::BuildRequest {
        pb::BuildRequest {
            signer: self.signer.clone(),
            messages: to_all(&self.messages),
            proofs: to_all(&self.proofs),
            slot: Some(self.slot.to_pb()),
            fees: Some(self.fees.to_pb()),
            simulate: self.simulate,
        }
    }

    fn from_pb(pb: pb::BuildRequest) -> Result<Self, WireError> {
        Ok(Self {
            signer: pb.signer,
            messages: all(pb.messages)?,
            proofs: all(pb.proofs)?,
            slot: need("slot", pb.slot)?,
            fees: need("fee policy", pb.fees)?,
            simulate: pb.simulate,
        })
    }
}

impl Wire for Rejected {
    type Pb = pb::Rejected;

    fn to_pb(&self) -> pb::Rejected {
        let reason = match &self.reason {
            RejectReason::AlreadyDone => pb::rejected::Reason::AlreadyDone(pb::Empty {}),
            RejectReason::Refused(text) => pb::rejected::Reason::Refused(text.clone()),
            RejectReason::Stale(text) => pb::rejected::Reason::Stale(text.clone()),
            RejectReason::NoRoom => pb::rejected::Reason::NoRoom(pb::Empty {}),
        };
        pb::Rejected { index: to_index(self.index), reason: Some(reason) }
    }

    fn from_pb(pb: pb::Rejected) -> Result<Self, WireError> {
        let reason = match pb.reason.ok_or(WireError::missing("reason of a rejection"))? {
            pb::rejected::Reason::AlreadyDone(_) => RejectReason::AlreadyDone,
            pb::rejected::Reason::Refused(text) => RejectReason::Refused(text),
            pb::rejected::Reason::Stale(text) => RejectReason::Stale(text),
            pb::rejected::Reason::NoRoom(_) => RejectReason::NoRoom,
        };
        Ok(Self { index: index("index of a message", pb.index)?, reason })
    }
}

impl Wire for Built {
    type Pb = pb::Built;

    fn to_pb(&self) -> pb::Built {
        pb::Built {
            unsigned: self.unsigned.clone(),
            included: self.included.iter().map(|at| to_index(*at)).collect(),
            rejected: to_all(&self.rejected),
            gas_limit: self.gas_limit,
            gas_price: to_amount(self.gas_price),
            slot: Some(self.slot.to_pb()),
        }
    }

    fn from_pb(pb: pb::Built) -> Result<Self, WireError> {
        Ok(Self {
            unsigned: pb.unsigned,
            included: pb.included.into_iter().map(|at| index("index of a message", at)).collect::<Result<_, _>>()?,
            rejected: all(pb.rejected)?,
            gas_limit: pb.gas_limit,
            gas_price: amount("gas price", &pb.gas_price)?,
            slot: need("slot", pb.slot)?,
        })
    }
}

impl Wire for SignedTx {
    type Pb = pb::SignedTx;

    fn to_pb(&self) -> pb::SignedTx {
        let (tx_id, slot) = (self.tx_id.as_bytes().to_vec(), Some(self.slot.to_pb()));
        pb::SignedTx { tx_id, raw: self.raw.clone(), account: self.account.clone(), slot }
    }

    fn from_pb(pb: pb::SignedTx) -> Result<Self, WireError> {
        Ok(Self { tx_id: tx_id(pb.tx_id)?, raw: pb.raw, account: pb.account, slot: need("slot", pb.slot)? })
    }
}

impl Wire for MessageResult {
    type Pb = pb::MessageResult;

    fn to_pb(&self) -> pb::MessageResult {
        let kind = match self {
            Self::Applied { created } => pb::message_result::Kind::Applied(created.clone().unwrap_or_default()),
            Self::Noop => pb::message_result::Kind::Noop(pb::Empty {}),
            Self::ErrorAck => pb::message_result::Kind::ErrorAck(pb::Empty {}),
            Self::NotExecuted => pb::message_result::Kind::NotExecuted(pb::Empty {}),
            Self::Failed(text) => pb::message_result::Kind::Failed(text.clone()),
        };
        pb::MessageResult { kind: Some(kind) }
    }

    fn from_pb(pb: pb::MessageResult) -> Result<Self, WireError> {
        Ok(match pb.kind.ok_or(WireError::missing("result of a message"))? {
            pb::message_result::Kind::Applied(created) if created.is_empty() => Self::Applied { created: None },
            pb::message_result::Kind::Applied(created) => Self::Applied { created: Some(created.chars().take(128).collect()) },
            pb::message_result::Kind::Noop(_) => Self::Noop,
            pb::message_result::Kind::ErrorAck(_) => Self::ErrorAck,
            pb::message_result::Kind::NotExecuted(_) => Self::NotExecuted,
            pb::message_result::Kind::Failed(text) => Self::Failed(text),
        })
    }
}

impl Wire for Account {
    type Pb = pb::Account;

    fn to_pb(&self) -> pb::Account {
        pb::Account { address: self.address.clone(), balance: to_amount(self.balance), next_slot: self.next_slot }
    }

    fn from_pb(pb: pb::Account) -> Result<Self, WireError> {
        Ok(Self { address: pb.address, balance: amount("balance", &pb.balance)?, next_slot: pb.next_slot })
    }
}
