//! Why a contract refused a message, and what the relay can do about it.
//!
//! Called by [`super::build`] and [`super::outcome`].

use causeway_adapter::RejectReason;
use causeway_evm_contracts::refusal;

/// The work is done already.
const DONE: &[&str] = &["CounterpartyAlreadyRegistered"];

/// Evidence, client or chain do not fit now; fresh evidence or another time may.
const STALE: &[&str] = &[
    "AccountProof",
    "ClientCallFailed",
    "ClientFrozen",
    "ClientNotActive",
    "HeightNotNewer",
    "InsufficientGas",
    "MissingRole",
    "Overlap",
    "ProofNotAccepted",
    "Quorum",
    "Reentered",
    "RouterPaused",
    "TimeInFuture",
    "TimeNotNewer",
    "TrustedHeightUnknown",
    "TrustedValidators",
    "TrustingPeriod",
    "ValueEncoding",
    "ValueMismatch",
];

/// What the name of a refusal means to people, and what helps.
const MEANING: &[(&str, &str)] = &[
    ("IBCAppNotFound", "no application is registered under the port that the packet is for"),
    ("MissingRole", "the key may not relay there; the owner grants it with `causeway contracts admin grant relayer ACCOUNT --chain CHAIN`"),
    ("RouterPaused", "the router takes nothing until its owner starts it with `causeway contracts admin unpause --chain CHAIN`"),
];

/// What a revert of a message means. `is_timeout`: for a timeout, a time that is not reached yet is no final answer.
pub(crate) fn classify(reason: &[u8], is_timeout: bool) -> RejectReason {
    let name = refusal::error_name(reason).unwrap_or_default();
    let meaning = MEANING.iter().find(|(known, _)| *known == name).map(|(_, meaning)| format!(": {meaning}"));
    let text = refusal::describe(reason) + &meaning.unwrap_or_default();
    if DONE.contains(&name) {
        return RejectReason::AlreadyDone;
    }
    let stale = STALE.contains(&name) || name.starts_with("Proof") || (is_timeout && name == "IBCInvalidTimeoutTimestamp");
    if stale { RejectReason::Stale(text) } else { RejectReason::Refused(text) }
}
