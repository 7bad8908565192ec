//! What a node's JSON-RPC error means. Codes differ between clients and providers, so texts count as well.
//!
//! Texts are those of Besu, GoQuorum, geth, Nethermind, Erigon and the large providers. Called by [`super`] and by the modules
//! that can do something about a refusal.

use causeway_adapter::AdapterError;
use causeway_types::Height;

/// A node's refusal of one call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) code: i64,
    /// Shortened.
    pub(crate) message: String,
    /// Bytes that a contract reverted with, if the node passes them on.
    pub(crate) revert: Option<Vec<u8>>,
}

/// What can be done about a refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FailureKind {
    /// Too many requests: later, or elsewhere.
    RateLimited,
    /// `eth_getLogs` covers too many blocks or finds too much: ask for less.
    RangeTooWide,
    /// The state of that block is no longer there.
    Pruned,
    /// The block is not there yet.
    UnknownBlock,
    /// A contract reverted, or ran out of gas.
    Reverted,
    /// The node has no such method.
    NoMethod,
    /// The account cannot pay.
    InsufficientFunds,
    /// The node is not ready (indexing, starting).
    NotReady,
    /// Anything else.
    Other,
}

impl FailureKind {
    /// Whether another endpoint may well answer.
    pub(crate) fn is_endpoints_own(self) -> bool {
        matches!(self, Self::RateLimited | Self::Pruned | Self::UnknownBlock | Self::NoMethod | Self::NotReady)
    }
}

/// Texts and what they mean; the first that is contained decides.
const TEXTS: &[(&str, FailureKind)] = &[
    ("too many requests", FailureKind::RateLimited),
    ("rate limit", FailureKind::RateLimited),
    ("request limit", FailureKind::RateLimited),
    ("capacity exceeded", FailureKind::RateLimited),
    ("compute units", FailureKind::RateLimited),
    ("block range", FailureKind::RangeTooWide),
    ("blocks range", FailureKind::RangeTooWide),
    ("range limit", FailureKind::RangeTooWide),
    ("range too large", FailureKind::RangeTooWide),
    ("range is too large", FailureKind::RangeTooWide),
    ("too many blocks", FailureKind::RangeTooWide),
    ("more than 10000 results", FailureKind::RangeTooWide),
    ("too many results", FailureKind::RangeTooWide),
    ("too many logs", FailureKind::RangeTooWide),
    ("response size", FailureKind::RangeTooWide),
    ("response is too big", FailureKind::RangeTooWide),
    ("log response", FailureKind::RangeTooWide),
    ("exceeds maximum", FailureKind::RangeTooWide),
    ("query timeout", FailureKind::RangeTooWide),
    ("query returned", FailureKind::RangeTooWide),
    ("missing trie node", FailureKind::Pruned),
    ("world state unavailable", FailureKind::Pruned),
    ("world state not available", FailureKind::Pruned),
    ("state is not available", FailureKind::Pruned),
    ("state not available", FailureKind::Pruned),
    ("historical state", FailureKind::Pruned),
    ("state already discarded", FailureKind::Pruned),
    ("distance to target block exceeds", FailureKind::Pruned),
    ("pruned", FailureKind::Pruned),
    ("no longer kept", FailureKind::Pruned),
    ("header not found", FailureKind::UnknownBlock),
    ("unknown block", FailureKind::UnknownBlock),
    ("block not found", FailureKind::UnknownBlock),
    ("beyond current head", FailureKind::UnknownBlock),
    ("block is out of range", FailureKind::UnknownBlock),
    ("indexing is in progress", FailureKind::NotReady),
    ("insufficient funds", FailureKind::InsufficientFunds),
    ("upfront cost exceeds", FailureKind::InsufficientFunds),
    ("exceeds transaction sender account balance", FailureKind::InsufficientFunds),
    ("gas required exceeds", FailureKind::Reverted),
    ("revert", FailureKind::Reverted),
    ("out of gas", FailureKind::Reverted),
    ("invalid opcode", FailureKind::Reverted),
];

impl Failure {
    /// A refusal as it came; the text is shortened.
    pub(crate) fn new(code: i64, message: &str, data: Option<&str>) -> Self {
        Self { code, message: super::short(message), revert: data.and_then(revert_bytes) }
    }

    pub(crate) fn kind(&self) -> FailureKind {
        let text = self.message.to_lowercase();
        match self.code {
            429 => return FailureKind::RateLimited,
            3 => return FailureKind::Reverted,
            -32601 => return FailureKind::NoMethod,
            -32005 if !text.contains("range") && !text.contains("results") && !text.contains("logs") => return FailureKind::RateLimited,
            _ => {}
        }
        if self.revert.as_ref().is_some_and(|bytes| !bytes.is_empty()) {
            return FailureKind::Reverted;
        }
        TEXTS.iter().find(|(part, _)| text.contains(part)).map_or(FailureKind::Other, |(_, kind)| *kind)
    }

    /// As an error of the seam, where the caller can do nothing more special about it.
    pub(crate) fn into_error(self, endpoint: &str) -> AdapterError {
        let endpoint = endpoint.to_string();
        match self.kind() {
            FailureKind::RateLimited => AdapterError::RateLimited { endpoint, retry_after_ms: 1_000 },
            FailureKind::NotReady => AdapterError::Unreachable { endpoint, detail: self.message },
            FailureKind::UnknownBlock => AdapterError::Protocol {
                endpoint,
                rule: "block-known",
                expected: "a block that the node has".to_string(),
                found: self.message,
            },
            FailureKind::Pruned => AdapterError::HeightPruned { asked: Height::new(0), oldest: Height::new(0) },
            FailureKind::NoMethod => AdapterError::Invalid {
                what: "endpoint",
                detail: format!("{endpoint} does not offer a method that is needed: {}", self.message),
            },
            _ => AdapterError::Protocol {
                endpoint,
                rule: "json-rpc-error",
                expected: "a result".to_string(),
                found: format!("error {}: {}", self.code, self.message),
            },
        }
    }
}

/// Revert bytes as clients pass them on: a hex string, or (older ones) `Reverted 0x…`, bare or in an object's `data`.
fn revert_bytes(data: &str) -> Option<Vec<u8>> {
    let value: serde_json::Value = serde_json::from_str(data).ok()?;
    let text = value.as_str().or_else(|| value.get("data").and_then(serde_json::Value::as_str))?;
    let digits = text.trim_start_matches("Reverted ").strip_prefix("0x")?;
    // A reason is short; a longer one says nothing more.
    let digits = digits.get(..digits.len().min(8_192))?;
    hex::decode(digits).ok()
}
