//! Errors of the seam on the wire: the retry decision survives the way.

use super::{Wire, WireError, need};
use crate::AdapterError;
use causeway_proto::adapter::v1 as pb;
use pb::adapter_error as kinds;
use pb::adapter_error::Kind;
use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

/// Most labels that are ever kept.
const LABELS_MAX: usize = 512;
/// Longest label.
const LABEL_BYTES_MAX: usize = 64;

/// A label of the other process as one of ours. Labels are `&'static str` because metrics use them; they are kept for ever, but only so
/// many and so long ones, so that a hostile adapter cannot fill memory or metrics: the others are all `other`.
fn intern(text: &str) -> &'static str {
    static KNOWN: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(label) = known.get(text) {
        return label;
    }
    let plain = text.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ');
    if known.len() >= LABELS_MAX || text.len() > LABEL_BYTES_MAX || !plain {
        return "other";
    }
    let label: &'static str = Box::leak(text.to_owned().into_boxed_str());
    known.insert(label);
    label
}

impl Wire for AdapterError {
    type Pb = pb::AdapterError;

    fn to_pb(&self) -> pb::AdapterError {
        let kind = match self.clone() {
            Self::Unreachable { endpoint, detail } => Kind::Unreachable(kinds::Unreachable { endpoint, detail }),
            Self::Denied { endpoint, detail } => Kind::Denied(kinds::Denied { endpoint, detail }),
            Self::RateLimited { endpoint, retry_after_ms } => Kind::RateLimited(kinds::RateLimited { endpoint, retry_after_ms }),
            Self::Lagging { found, needed } => Kind::Lagging(kinds::Lagging { found: Some(found.to_pb()), needed: Some(needed.to_pb()) }),
            Self::HeightPruned { asked, oldest } => {
                Kind::HeightPruned(kinds::HeightPruned { asked: Some(asked.to_pb()), oldest: Some(oldest.to_pb()) })
            }
            Self::Reorganised { cursor, resume_from } => {
                Kind::Reorganised(kinds::Reorganised { cursor: Some(cursor.to_pb()), resume_from: Some(resume_from.to_pb()) })
            }
            Self::BlockTooLarge { height, detail } => Kind::BlockTooLarge(kinds::BlockTooLarge { height: Some(height.to_pb()), detail }),
            Self::NotFound { what, name } => Kind::NotFound(kinds::NotFound { what: what.into(), name }),
            Self::Protocol { endpoint, rule, expected, found } => {
                Kind::Protocol(kinds::Protocol { endpoint, rule: rule.into(), expected, found })
            }
            Self::Invalid { what, detail } => Kind::Invalid(kinds::Invalid { what: what.into(), detail }),
            Self::InsufficientFunds { address, balance, needed, denom } => {
                Kind::InsufficientFunds(kinds::InsufficientFunds { address, balance, needed, denom })
            }
            Self::SlotMismatch { used, expected } => Kind::SlotMismatch(kinds::SlotMismatch { used, expected }),
            Self::Unsupported { operation } => Kind::Unsupported(operation.into()),
        };
        pb::AdapterError { kind: Some(kind) }
    }

    fn from_pb(pb: pb::AdapterError) -> Result<Self, WireError> {
        Ok(match pb.kind.ok_or(WireError::missing("kind of error"))? {
            Kind::Unreachable(kinds::Unreachable { endpoint, detail }) => Self::Unreachable { endpoint, detail },
            Kind::Denied(kinds::Denied { endpoint, detail }) => Self::Denied { endpoint, detail },
            Kind::RateLimited(kinds::RateLimited { endpoint, retry_after_ms }) => Self::RateLimited { endpoint, retry_after_ms },
            Kind::Lagging(error) => {
                Self::Lagging { found: need("height found", error.found)?, needed: need("height needed", error.needed)? }
            }
            Kind::HeightPruned(error) => {
                Self::HeightPruned { asked: need("height asked", error.asked)?, oldest: need("oldest height", error.oldest)? }
            }
            Kind::Reorganised(error) => {
                Self::Reorganised { cursor: need("cursor", error.cursor)?, resume_from: need("height to resume from", error.resume_from)? }
            }
            Kind::BlockTooLarge(error) => Self::BlockTooLarge { height: need("height", error.height)?, detail: error.detail },
            Kind::NotFound(kinds::NotFound { what, name }) => Self::NotFound { what: intern(&what), name },
            Kind::Protocol(kinds::Protocol { endpoint, rule, expected, found }) => {
                Self::Protocol { endpoint, rule: intern(&rule), expected, found }
            }
            Kind::Invalid(kinds::Invalid { what, detail }) => Self::Invalid { what: intern(&what), detail },
            Kind::InsufficientFunds(kinds::InsufficientFunds { address, balance, needed, denom }) => {
                Self::InsufficientFunds { address, balance, needed, denom }
            }
            Kind::SlotMismatch(kinds::SlotMismatch { used, expected }) => Self::SlotMismatch { used, expected },
            Kind::Unsupported(operation) => Self::Unsupported { operation: intern(&operation) },
        })
    }
}
