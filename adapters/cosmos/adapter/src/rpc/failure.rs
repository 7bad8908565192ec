//! What a node's JSON-RPC error means. CometBFT has one code for nearly everything, so texts decide.
//!
//! Texts are those of CometBFT 0.37, 0.38 and 1.x and of providers in front of it. Called by [`super`] and by the modules that can do
//! something about a refusal.

use causeway_adapter::AdapterError;

/// A node's refusal of one call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) code: i64,
    /// Message and data, shortened.
    pub(crate) message: String,
}

/// What can be done about a refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FailureKind {
    /// Too many requests: later, or elsewhere.
    RateLimited,
    /// The block or its results are no longer there.
    Pruned,
    /// The block is not there yet.
    UnknownBlock,
    /// The results of a block are not there: not yet, or no longer.
    NoResults,
    /// The node has no such method, or it is switched off.
    NoMethod,
    /// No such transaction, as far as the node's index goes.
    TxNotFound,
    /// The pool has that transaction already.
    TxInCache,
    /// The pool takes nothing now.
    PoolFull,
    /// The node is not ready.
    NotReady,
    /// Anything else.
    Other,
}

impl FailureKind {
    /// Whether a block, or what executing it gave, is not there: most often not yet.
    pub(crate) fn is_of_a_block_to_come(self) -> bool {
        matches!(self, Self::UnknownBlock | Self::NoResults)
    }

    /// Whether another endpoint may well answer.
    pub(crate) fn is_endpoints_own(self) -> bool {
        matches!(self, Self::RateLimited | Self::Pruned | Self::UnknownBlock | Self::NoResults | Self::NoMethod | Self::NotReady)
    }
}

/// Texts and what they mean; the first that is contained decides.
const TEXTS: &[(&str, FailureKind)] = &[
    ("too many requests", FailureKind::RateLimited),
    ("rate limit", FailureKind::RateLimited),
    ("is not available, lowest height is", FailureKind::Pruned),
    ("must be less than or equal to the current blockchain height", FailureKind::UnknownBlock),
    ("could not find results for height", FailureKind::NoResults),
    ("could not find finalize", FailureKind::NoResults),
    ("node is not persisting", FailureKind::NoResults),
    ("transaction indexing is disabled", FailureKind::NoMethod),
    ("method not found", FailureKind::NoMethod),
    ("not found", FailureKind::TxNotFound),
    ("tx already exists in cache", FailureKind::TxInCache),
    ("mempool is full", FailureKind::PoolFull),
    ("node is not ready", FailureKind::NotReady),
    ("is catching up", FailureKind::NotReady),
];

impl Failure {
    /// A refusal as it came; texts are shortened.
    pub(crate) fn new(code: i64, message: &str, data: Option<&str>) -> Self {
        let text = match data {
            Some(data) if !data.is_empty() => format!("{message}: {data}"),
            _ => message.to_string(),
        };
        Self { code, message: super::short(&text) }
    }

    pub(crate) fn kind(&self) -> FailureKind {
        match self.code {
            429 => return FailureKind::RateLimited,
            -32601 => return FailureKind::NoMethod,
            _ => {}
        }
        let text = self.message.to_lowercase();
        TEXTS.iter().find(|(part, _)| text.contains(part)).map_or(FailureKind::Other, |(_, kind)| *kind)
    }

    /// As an error of the seam, for callers that can do nothing about it.
    pub(crate) fn into_error(self, endpoint: &str) -> AdapterError {
        match self.kind() {
            FailureKind::RateLimited | FailureKind::PoolFull => {
                AdapterError::RateLimited { endpoint: endpoint.to_string(), retry_after_ms: 1_000 }
            }
            FailureKind::NotReady => AdapterError::Unreachable { endpoint: endpoint.to_string(), detail: self.message },
            _ => AdapterError::Protocol {
                endpoint: endpoint.to_string(),
                rule: "json-rpc-call",
                expected: "a result".to_string(),
                found: format!("error {}: {}", self.code, self.message),
            },
        }
    }
}
