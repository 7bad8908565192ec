//! Responses: an answer or a typed error, so that the retry decision survives the way.

use super::{Wire, WireError, all, amount, need, sequence, to_all, to_amount};
use crate::{
    Account, AdapterError, BroadcastResult, Built, ChainStatus, ClientView, ConsensusView, Description, Evidence, Hydrated, Impossible,
    Outcome, PacketState, Plan, Provable, SignedTx, WatchBatch,
};
use causeway_proto::adapter::v1 as pb;
use causeway_types::classic::{ChannelEnd, ChannelEndId, ConnectionEnd};
use causeway_types::{Height, Sequence};

/// A response that carries `Result<Value, AdapterError>`.
pub(in crate::rpc) trait Answer: Sized {
    /// What it carries when all is well.
    type Value;
    /// To the wire.
    fn wrap(result: Result<Self::Value, AdapterError>) -> Self;
    /// From the wire.
    fn open(self) -> Result<Result<Self::Value, AdapterError>, WireError>;
}

/// An answer whose good case is one message.
macro_rules! answer {
    ($response:ident, $module:ident, $variant:ident, $value:ty, $to:expr, $from:expr) => {
        impl Answer for pb::$response {
            type Value = $value;

            fn wrap(result: Result<$value, AdapterError>) -> Self {
                let result = match result {
                    Ok(value) => pb::$module::Result::$variant($to(&value)),
                    Err(error) => pb::$module::Result::Error(error.to_pb()),
                };
                Self { result: Some(result) }
            }

            fn open(self) -> Result<Result<$value, AdapterError>, WireError> {
                match self.result.ok_or(WireError::missing("answer"))? {
                    pb::$module::Result::$variant(value) => $from(value).map(Ok),
                    pb::$module::Result::Error(error) => Wire::from_pb(error).map(Err),
                }
            }
        }
    };
    ($response:ident, $module:ident, $variant:ident, $value:ty) => {
        answer!($response, $module, $variant, $value, Wire::to_pb, Wire::from_pb);
    };
}

answer!(DescribeResponse, describe_response, Description, Description);
answer!(StatusResponse, status_response, Status, ChainStatus);
answer!(WatchResponse, watch_response, Batch, WatchBatch);
answer!(CommitmentsResponse, commitments_response, List, (Vec<Sequence>, Option<Sequence>), commitments_to, commitments_from);
answer!(PacketStatesResponse, packet_states_response, List, Vec<PacketState>, states_to, states_from);
answer!(HydrateResponse, hydrate_response, List, Vec<Hydrated>, hydrated_to, hydrated_from);
answer!(ClientResponse, client_response, View, ClientView);
answer!(ConsensusResponse, consensus_response, View, ConsensusView);
answer!(ConnectionResponse, connection_response, End, ConnectionEnd);
answer!(ChannelResponse, channel_response, End, ChannelEnd);
answer!(ChannelsResponse, channels_response, List, Vec<(ChannelEndId, ChannelEnd)>, channels_to, channels_from);
answer!(RootResponse, root_response, Root, (Height, Vec<u8>), root_to, root_from);
answer!(UpdateAtResponse, update_at_response, Update, Vec<u8>, update_to, update_from);
answer!(SubmittedResponse, submitted_response, Messages, Vec<Vec<u8>>, messages_to, messages_from);
answer!(FetchResponse, fetch_response, Evidence, Evidence);
answer!(BuildResponse, build_response, Built, Built);
answer!(SignResponse, sign_response, Tx, SignedTx);
answer!(AccountResponse, account_response, Account, Account);

fn commitments_to((sequences, last): &(Vec<Sequence>, Option<Sequence>)) -> pb::CommitmentList {
    pb::CommitmentList { sequences: sequences.iter().map(|s| s.get()).collect(), last: last.map(Sequence::get) }
}

fn commitments_from(pb: pb::CommitmentList) -> Result<(Vec<Sequence>, Option<Sequence>), WireError> {
    Ok((super::sequences(pb.sequences)?, pb.last.map(sequence).transpose()?))
}

#[allow(clippy::ptr_arg, reason = "the macro passes the value of the answer as it is")]
fn channels_to(channels: &Vec<(ChannelEndId, ChannelEnd)>) -> pb::ChannelList {
    let one = |(id, end): &(ChannelEndId, ChannelEnd)| pb::IdentifiedChannel { id: id.to_string(), end: Some(end.to_pb()) };
    pb::ChannelList { channels: channels.iter().map(one).collect() }
}

fn channels_from(pb: pb::ChannelList) -> Result<Vec<(ChannelEndId, ChannelEnd)>, WireError> {
    let one = |channel: pb::IdentifiedChannel| Ok((super::channel_end(&channel.id)?, need("channel end", channel.end)?));
    pb.channels.into_iter().map(one).collect()
}

#[allow(clippy::ptr_arg, reason = "the macro passes the value of the answer as it is")]
fn states_to(states: &Vec<PacketState>) -> pb::PacketStateList {
    pb::PacketStateList { states: to_all(states) }
}

fn states_from(pb: pb::PacketStateList) -> Result<Vec<PacketState>, WireError> {
    all(pb.states)
}

#[allow(clippy::ptr_arg, reason = "the macro passes the value of the answer as it is")]
fn hydrated_to(items: &Vec<Hydrated>) -> pb::HydratedList {
    pb::HydratedList { items: to_all(items) }
}

fn hydrated_from(pb: pb::HydratedList) -> Result<Vec<Hydrated>, WireError> {
    all(pb.items)
}

fn root_to((height, update): &(Height, Vec<u8>)) -> pb::RootUpdate {
    pb::RootUpdate { height: Some(height.to_pb()), update: update.clone() }
}

fn root_from(pb: pb::RootUpdate) -> Result<(Height, Vec<u8>), WireError> {
    Ok((need("height of an update", pb.height)?, pb.update))
}

fn update_to(update: &[u8]) -> pb::Update {
    pb::Update { update: update.to_vec() }
}

fn update_from(pb: pb::Update) -> Result<Vec<u8>, WireError> {
    Ok(pb.update)
}

fn messages_to(messages: &[Vec<u8>]) -> pb::ClientMessages {
    pb::ClientMessages { messages: messages.to_vec() }
}

fn messages_from(pb: pb::ClientMessages) -> Result<Vec<Vec<u8>>, WireError> {
    Ok(pb.messages)
}

impl Answer for pb::PlanUpdateResponse {
    type Value = Plan;

    fn wrap(result: Result<Plan, AdapterError>) -> Self {
        use pb::plan_update_response::Result as Kind;
        let result = match result {
            Ok(Plan::Steps(steps)) => Kind::Plan(pb::UpdateSteps { steps: to_all(&steps) }),
            Ok(Plan::NotYet { retry_after_ms }) => Kind::NotYetRetryAfterMs(retry_after_ms),
            Err(error) => Kind::Error(error.to_pb()),
        };
        Self { result: Some(result) }
    }

    fn open(self) -> Result<Result<Plan, AdapterError>, WireError> {
        use pb::plan_update_response::Result as Kind;
        Ok(match self.result.ok_or(WireError::missing("plan"))? {
            Kind::Plan(plan) => Ok(Plan::Steps(all(plan.steps)?)),
            Kind::NotYetRetryAfterMs(retry_after_ms) => Ok(Plan::NotYet { retry_after_ms }),
            Kind::Error(error) => Err(Wire::from_pb(error)?),
        })
    }
}

impl Answer for pb::ProvableResponse {
    type Value = Provable;

    fn wrap(result: Result<Provable, AdapterError>) -> Self {
        use pb::provable_response::Result as Kind;
        let result = match result {
            Ok(Provable::From(height)) => Kind::From(height.to_pb()),
            Ok(Provable::Exactly(height)) => Kind::Exactly(height.to_pb()),
            Ok(Provable::Later { retry_after_ms }) => Kind::LaterRetryAfterMs(retry_after_ms),
            Err(error) => Kind::Error(error.to_pb()),
        };
        Self { result: Some(result) }
    }

    fn open(self) -> Result<Result<Provable, AdapterError>, WireError> {
        use pb::provable_response::Result as Kind;
        Ok(match self.result.ok_or(WireError::missing("when it is provable"))? {
            Kind::From(height) => Ok(Provable::From(Wire::from_pb(height)?)),
            Kind::Exactly(height) => Ok(Provable::Exactly(Wire::from_pb(height)?)),
            Kind::LaterRetryAfterMs(retry_after_ms) => Ok(Provable::Later { retry_after_ms }),
            Kind::Error(error) => Err(Wire::from_pb(error)?),
        })
    }
}

impl Answer for pb::BroadcastResponse {
    type Value = BroadcastResult;

    fn wrap(result: Result<BroadcastResult, AdapterError>) -> Self {
        use pb::broadcast_response::Result as Kind;
        let result = match result {
            Ok(BroadcastResult::Accepted) => Kind::Accepted(pb::Empty {}),
            Ok(BroadcastResult::AlreadyKnown) => Kind::AlreadyKnown(pb::Empty {}),
            Ok(BroadcastResult::Underpriced { reason }) => Kind::Underpriced(reason),
            Ok(BroadcastResult::Refused { reason, slot_conflict }) => Kind::Refused(pb::BroadcastRefused { reason, slot_conflict }),
            Err(error) => Kind::Error(error.to_pb()),
        };
        Self { result: Some(result) }
    }

    fn open(self) -> Result<Result<BroadcastResult, AdapterError>, WireError> {
        use pb::broadcast_response::Result as Kind;
        Ok(match self.result.ok_or(WireError::missing("answer to a broadcast"))? {
            Kind::Accepted(_) => Ok(BroadcastResult::Accepted),
            Kind::AlreadyKnown(_) => Ok(BroadcastResult::AlreadyKnown),
            Kind::Underpriced(reason) => Ok(BroadcastResult::Underpriced { reason }),
            Kind::Refused(pb::BroadcastRefused { reason, slot_conflict }) => Ok(BroadcastResult::Refused { reason, slot_conflict }),
            Kind::Error(error) => Err(Wire::from_pb(error)?),
        })
    }
}

impl Answer for pb::OutcomeResponse {
    type Value = Outcome;

    fn wrap(result: Result<Outcome, AdapterError>) -> Self {
        use pb::outcome_response::Result as Kind;
        let result = match result {
            Ok(Outcome::Pending) => Kind::Pending(pb::Empty {}),
            Ok(Outcome::Included { height, gas_used, fee, results }) => {
                Kind::Included(pb::Included { height: Some(height.to_pb()), gas_used, fee: to_amount(fee), results: to_all(&results) })
            }
            Ok(Outcome::Impossible(Impossible::SlotUsed)) => Kind::Impossible(pb::Impossible::SlotUsed.into()),
            Ok(Outcome::Impossible(Impossible::Expired)) => Kind::Impossible(pb::Impossible::Expired.into()),
            Ok(Outcome::Unknown) => Kind::Unknown(pb::Empty {}),
            Err(error) => Kind::Error(error.to_pb()),
        };
        Self { result: Some(result) }
    }

    fn open(self) -> Result<Result<Outcome, AdapterError>, WireError> {
        use pb::outcome_response::Result as Kind;
        Ok(match self.result.ok_or(WireError::missing("outcome"))? {
            Kind::Pending(_) => Ok(Outcome::Pending),
            Kind::Included(pb::Included { height, gas_used, fee, results }) => Ok(Outcome::Included {
                height: need("height of inclusion", height)?,
                gas_used,
                fee: amount("fee", &fee)?,
                results: all(results)?,
            }),
            Kind::Impossible(why) => Ok(Outcome::Impossible(match pb::Impossible::try_from(why) {
                Ok(pb::Impossible::SlotUsed) => Impossible::SlotUsed,
                Ok(pb::Impossible::Expired) => Impossible::Expired,
                Ok(pb::Impossible::Unspecified) | Err(_) => return Err(WireError::new("outcome", "impossible for no known reason")),
            })),
            Kind::Unknown(_) => Ok(Outcome::Unknown),
            Kind::Error(error) => Err(Wire::from_pb(error)?),
        })
    }
}
