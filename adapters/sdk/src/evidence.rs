//! Evidence: what proves claims, in the source family's canonical form, and as encoded for a host.

use causeway_types::Height;

/// When a claim can be proven.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Provable {
    /// At any client height from this one on (while state is kept).
    From(Height),
    /// At exactly this client height.
    Exactly(Height),
    /// Not yet: ask again.
    Later {
        /// After this long.
        retry_after_ms: u64,
    },
}

/// Evidence for many claims at one client height. What items share stands once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    /// The client height it belongs to.
    pub height: Height,
    /// Bytes that all items use.
    pub shared: Vec<u8>,
    /// One entry a claim, in the order of the request.
    pub each: Vec<EvidenceItem>,
}

/// The evidence of one claim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EvidenceItem {
    /// The family's bytes.
    Bytes(Vec<u8>),
    /// The chain's answer is that the claim does not hold at that height.
    NotSo,
}

/// Evidence in the form that a client on the destination takes. Same shape as [`Evidence`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EncodedEvidence {
    /// The client height it belongs to.
    pub height: Height,
    /// Bytes that all items use.
    pub shared: Vec<u8>,
    /// One entry a claim, in order.
    pub each: Vec<Vec<u8>>,
}
