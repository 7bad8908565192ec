//! Why the chain refuses a message or a transaction, and what the relay can do about it.
//!
//! The SDK and ibc-go have codes, but a simulation gives only a text with them inside. Called by [`super::build`], [`super::outcome`] and
//! [`super::broadcast`].

use crate::chain::Chain;
use crate::rpc::short;
use causeway_adapter::{AdapterError, RejectReason};

/// The work is done already.
const DONE: &[&str] =
    &["packet messages are redundant", "counterparty already exists", "packet already acknowledged", "already been registered"];

/// Evidence, client or chain do not fit now; fresh evidence or another time may.
const STALE: &[&str] = &[
    "client is not active",
    "client state is not active",
    "client not active",
    "status is expired",
    "status is frozen",
    "consensus state not found",
    "failed to get consensus state",
    "couldn't verify",
    "failed packet commitment verification",
    "failed packet acknowledgement verification",
    "failed packet absence verification",
    "proof verification failed",
    "invalid proof",
    "failed to verify",
    "invalid header",
    "cannot update client",
    "timeout not reached",
    "packet timeout not reached",
    "out of gas",
    "delay period",
];

/// How the recovery from a panic begins. Source: cosmos-sdk `baseapp/recovery.go`.
const PANIC: &[&str] = &["recovered:", "panic message redacted"];

/// What a refusal of a message means. What names no message was refused before any was looked at (fees, grants, a circuit breaker), unless one
/// of them made the application panic: that is never the message's fault.
pub(crate) fn classify(log: &str) -> RejectReason {
    let text = log.to_lowercase();
    let has = |parts: &[&str]| parts.iter().any(|part| text.contains(part));
    // The stack of a panic says nothing to an operator.
    let shown = short(log.split("\nstack:").next().unwrap_or(log));
    if has(DONE) {
        RejectReason::AlreadyDone
    } else if has(STALE) || is_of_no_message(log) {
        RejectReason::Stale(shown)
    } else {
        RejectReason::Refused(shown)
    }
}

/// Whether a transaction was refused before any of its messages was looked at.
pub(crate) fn is_of_no_message(log: &str) -> bool {
    let text = log.to_lowercase();
    message_index(log).is_none() && !PANIC.iter().any(|part| text.contains(part))
}

/// Whether a node's first check refuses a transaction because all of its packets are done.
/// Source: ibc-go `modules/core/04-channel/types/errors.go` `ErrRedundantTx`.
pub(crate) fn is_redundant(log: &str) -> bool {
    log.to_lowercase().contains("packet messages are redundant")
}

/// The index in `failed to execute message; message index: 3: …`.
pub(crate) fn message_index(log: &str) -> Option<usize> {
    let (_, rest) = log.split_once("message index: ")?;
    rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

/// Expected and given sequence in `account sequence mismatch, expected 5, got 3`.
pub(crate) fn sequences(log: &str) -> Option<(u64, u64)> {
    let (_, rest) = log.split_once("account sequence mismatch, expected ")?;
    let (expected, rest) = rest.split_once(", got ")?;
    let got = rest.split(|c: char| !c.is_ascii_digit()).next()?;
    Some((expected.trim().parse().ok()?, got.parse().ok()?))
}

/// Whether the account cannot pay.
pub(crate) fn is_poor(log: &str) -> bool {
    let text = log.to_lowercase();
    message_index(log).is_none()
        && (text.contains("insufficient funds") || text.contains("does not have enough") || is_unknown_account(&text))
}

fn is_unknown_account(text: &str) -> bool {
    text.contains("account") && text.contains("not found") && !text.contains("client")
}

/// The error for an account that cannot pay; the chain's words say how much it has and needs.
pub(crate) fn insufficient_funds(chain: &Chain, address: &str, log: &str) -> AdapterError {
    // `spendable balance 5stake is smaller than 7stake`
    let (balance, needed) = log.split_once(" is smaller than ").map_or(("too little", "more"), |(before, after)| {
        (before.rsplit(' ').next().unwrap_or("too little"), after.split([':', ' ']).next().unwrap_or("more"))
    });
    let denom = chain.config.gas_denom.clone();
    let amount = |text: &str| short(text.strip_suffix(denom.as_str()).unwrap_or(text));
    AdapterError::InsufficientFunds { address: address.to_string(), balance: amount(balance), needed: amount(needed), denom }
}
