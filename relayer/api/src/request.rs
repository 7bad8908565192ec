//! From the wire to the engine's types: every field of a request is checked here, and refused with the field's name and what is allowed.
//!
//! What it is not: it answers nothing. Both services call it before they ask the relay.

use causeway_engine::{Direction, PacketFilter, QueryError, StateKind};
use causeway_proto::relay::v1 as wire;
use causeway_types::{ChainId, PacketKey, Sequence, TxId};
use tonic::Status;

/// Packets in one answer at most. With names and reasons at their bounds a page stays within the 4 MiB that gRPC clients accept by default.
pub(crate) const PAGE_MAX: usize = 200;
/// Packets in an answer when the request names no number.
const PAGE_DEFAULT: usize = 50;
/// Longest page token; the engine's are shorter.
const TOKEN_BYTES_MAX: usize = 1_024;
/// Longest name of a path.
const PATH_BYTES_MAX: usize = 128;

/// The error of a field.
pub(crate) fn invalid(field: &str, detail: impl std::fmt::Display) -> Status {
    Status::invalid_argument(format!("{field}: {detail}"))
}

pub(crate) fn key(id: Option<wire::PacketId>) -> Result<PacketKey, Status> {
    let id = id.ok_or_else(|| invalid("id", "missing; chain, client and sequence are needed"))?;
    Ok(PacketKey {
        chain: chain("id.chain", &id.chain)?,
        end: id.client.parse().map_err(|error| invalid("id.client", error))?,
        sequence: Sequence::new(id.sequence).map_err(|error| invalid("id.sequence", error))?,
    })
}

pub(crate) fn chain(field: &str, text: &str) -> Result<ChainId, Status> {
    ChainId::new(text).map_err(|error| invalid(field, error))
}

pub(crate) fn transaction(text: &str) -> Result<TxId, Status> {
    text.parse().map_err(|error| invalid("transaction", error))
}

/// A path's name that must be there.
pub(crate) fn path(text: &str) -> Result<String, Status> {
    if text.is_empty() || text.len() > PATH_BYTES_MAX || text.chars().any(char::is_control) {
        return Err(invalid("path", format_args!("1 to {PATH_BYTES_MAX} bytes without control characters are allowed")));
    }
    Ok(text.to_owned())
}

/// A field that is not set when it is empty.
pub(crate) fn optional<T>(text: &str, parse: impl FnOnce(&str) -> Result<T, Status>) -> Result<Option<T>, Status> {
    if text.is_empty() { Ok(None) } else { parse(text).map(Some) }
}

pub(crate) fn filter(request: &wire::ListPacketsRequest) -> Result<PacketFilter, Status> {
    Ok(PacketFilter {
        path: optional(&request.path, path)?,
        direction: direction(request.direction)?,
        state: state(request.state)?,
        source_chain: optional(&request.source_chain, |text| chain("source_chain", text))?,
        pending_only: request.pending_only,
    })
}

pub(crate) fn page_size(size: u32) -> Result<usize, Status> {
    match usize::try_from(size) {
        Ok(0) => Ok(PAGE_DEFAULT),
        Ok(size) if size <= PAGE_MAX => Ok(size),
        _ => Err(invalid("page_size", format_args!("1 to {PAGE_MAX} is allowed, or 0 for {PAGE_DEFAULT}; found {size}"))),
    }
}

pub(crate) fn page_token(token: &str) -> Result<Option<&str>, Status> {
    if token.len() > TOKEN_BYTES_MAX {
        return Err(invalid("page_token", "longer than any token of this relay; pass the next_page_token of the page before"));
    }
    Ok((!token.is_empty()).then_some(token))
}

fn direction(number: i32) -> Result<Option<Direction>, Status> {
    match wire::Direction::try_from(number) {
        Ok(wire::Direction::Unspecified) => Ok(None),
        Ok(wire::Direction::AToB) => Ok(Some(Direction::AToB)),
        Ok(wire::Direction::BToA) => Ok(Some(Direction::BToA)),
        Err(_) => Err(invalid("direction", format_args!("0 to 2 is allowed, found {number}"))),
    }
}

fn state(number: i32) -> Result<Option<StateKind>, Status> {
    match wire::State::try_from(number) {
        Ok(wire::State::Unspecified) => Ok(None),
        Ok(state) => Ok(StateKind::ALL.into_iter().find(|kind| crate::answer::state(*kind) == state)),
        Err(_) => Err(invalid("state", format_args!("0 to 14 is allowed, found {number}"))),
    }
}

/// The status of a question that was not answered.
pub(crate) fn refused(error: &QueryError) -> Status {
    let text = error.to_string();
    match error {
        QueryError::UnknownPacket(_) | QueryError::UnknownPath(_) | QueryError::UnknownChain(_) => Status::not_found(text),
        QueryError::NotRetryable { .. } => Status::failed_precondition(text),
        QueryError::BadCursor(_) => Status::out_of_range(text),
        QueryError::Stopped => Status::unavailable(text),
        QueryError::Store(_) | QueryError::Damaged(_) => {
            // Folders and what the disk said are the operator's to know, not every caller's.
            tracing::error!(error = %text, "a question could not be answered");
            Status::internal("the journal cannot be read; the relay's log says why")
        }
    }
}
