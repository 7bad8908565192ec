//! Names, help texts and the few places where figures are taken. Labels are bounded: chains, paths, rules, states; never hashes or addresses.

use crate::packet::{Direction, PacketRecord, Stage, StateKind};
use causeway_types::ChainId;
use metrics::{Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};

/// Registers the help texts. Safe to repeat; without an installed recorder it does nothing.
pub fn describe() {
    describe_gauge!("causeway_packets", "Packets by path, direction and state; finished ones since the journal began");
    describe_gauge!(
        "causeway_oldest_pending_age_seconds",
        Unit::Seconds,
        "Age of the oldest pending packet of a path; dead ones are not pending"
    );
    describe_histogram!("causeway_stage_duration_seconds", Unit::Seconds, "From one stage of a packet to the next");
    describe_counter!(
        "causeway_verification_failures_total",
        "Answers that broke a rule, by chain and rule; nothing of them was submitted"
    );
    describe_gauge!("causeway_client_seconds_to_expiry", Unit::Seconds, "Until a client expires if nobody updates it");
    describe_gauge!("causeway_wallet_balance", "Balance of an account that pays, in the chain's smallest unit");
    describe_gauge!("causeway_spent_today", "Spent today (UTC) by all keys of a chain, in its smallest unit");
    describe_gauge!(
        "causeway_spend_cap_per_day",
        "Most that all keys of a chain may spend in a day, in its smallest unit; absent: no limit"
    );
    describe_counter!("causeway_transactions_total", "Transactions by chain and result");
    describe_counter!("causeway_redundant_messages_total", "Messages left out or without effect because somebody else was first");
    describe_counter!("causeway_adapter_errors_total", "Failed calls by chain, operation and kind");
    describe_counter!("causeway_gas_used_total", "Gas of included transactions");
    describe_counter!("causeway_alarms_total", "What an operator must look at, by chain and kind");
    describe_gauge!("causeway_path_halted", "1 while nothing is relayed on a path for this reason, else 0");
    describe_gauge!("causeway_head_height", "Newest block as the endpoints tell it");
    describe_gauge!("causeway_verified_height", "Newest height verified here");
}

pub(crate) fn violation(chain: &ChainId, rule: &'static str) {
    counter!("causeway_verification_failures_total", "chain" => chain.to_string(), "rule" => rule).increment(1);
}

/// What an operator must look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Alarm {
    BlockPassedOver,
    ClientAhead,
    ClientFrozen,
    ConsensusMismatch,
    CursorAboveHeads,
    EndpointDivergence,
    EvidenceMissing,
    HeaderConflict,
    Misbehaviour,
    UnprovenPackets,
    UpdateNotExamined,
}

impl Alarm {
    const ALL: [Self; 11] = [
        Self::BlockPassedOver,
        Self::ClientAhead,
        Self::ClientFrozen,
        Self::ConsensusMismatch,
        Self::CursorAboveHeads,
        Self::EndpointDivergence,
        Self::EvidenceMissing,
        Self::HeaderConflict,
        Self::Misbehaviour,
        Self::UnprovenPackets,
        Self::UpdateNotExamined,
    ];

    /// The label.
    fn as_str(self) -> &'static str {
        match self {
            Self::BlockPassedOver => "block-passed-over",
            Self::ClientAhead => "client-ahead",
            Self::ClientFrozen => "client-frozen",
            Self::ConsensusMismatch => "consensus-mismatch",
            Self::CursorAboveHeads => "cursor-above-heads",
            Self::EndpointDivergence => "endpoint-divergence",
            Self::EvidenceMissing => "evidence-missing",
            Self::HeaderConflict => "header-conflict",
            Self::Misbehaviour => "misbehaviour",
            Self::UnprovenPackets => "unproven-packets",
            Self::UpdateNotExamined => "update-not-examined",
        }
    }
}

pub(crate) fn alarm(chain: &ChainId, kind: Alarm) {
    counter!("causeway_alarms_total", "chain" => chain.to_string(), "kind" => kind.as_str()).increment(1);
}

/// Shows every alarm of a chain as not raised: an increase is seen only of what was there before.
pub(crate) fn alarms(chain: &ChainId) {
    for kind in Alarm::ALL {
        counter!("causeway_alarms_total", "chain" => chain.to_string(), "kind" => kind.as_str()).increment(0);
    }
}

pub(crate) fn halted(path: &str, reason: &'static str, halted: bool) {
    gauge!("causeway_path_halted", "path" => path.to_owned(), "reason" => reason).set(if halted { 1.0 } else { 0.0 });
}

pub(crate) fn transaction(chain: &ChainId, result: &'static str) {
    counter!("causeway_transactions_total", "chain" => chain.to_string(), "result" => result).increment(1);
}

/// Somebody else was first: seen before a transaction was sent (`before`, it cost nothing), or in a block (`included`, it was paid for).
pub(crate) fn redundant(chain: &ChainId, seen: &'static str) {
    counter!("causeway_redundant_messages_total", "chain" => chain.to_string(), "seen" => seen).increment(1);
}

pub(crate) fn gas(chain: &ChainId, used: u64) {
    counter!("causeway_gas_used_total", "chain" => chain.to_string()).increment(used);
}

pub(crate) fn adapter_error(chain: &ChainId, operation: &'static str, label: &'static str) {
    counter!("causeway_adapter_errors_total", "chain" => chain.to_string(), "operation" => operation, "kind" => label).increment(1);
}

#[allow(clippy::cast_precision_loss, reason = "gauges are floating point; heights and balances lose nothing that matters there")]
pub(crate) fn height(name: &'static str, chain: &ChainId, number: u64) {
    gauge!(name, "chain" => chain.to_string()).set(number as f64);
}

#[allow(clippy::cast_precision_loss, reason = "gauges are floating point")]
pub(crate) fn balance(chain: &ChainId, signer: &str, balance: u128) {
    gauge!("causeway_wallet_balance", "chain" => chain.to_string(), "signer" => signer.to_owned()).set(balance as f64);
}

#[allow(clippy::cast_precision_loss, reason = "gauges are floating point")]
pub(crate) fn spending(chain: &ChainId, spent: u128, cap: Option<u128>) {
    gauge!("causeway_spent_today", "chain" => chain.to_string()).set(spent as f64);
    if let Some(cap) = cap {
        gauge!("causeway_spend_cap_per_day", "chain" => chain.to_string()).set(cap as f64);
    }
}

#[allow(clippy::cast_precision_loss, reason = "gauges are floating point")]
pub(crate) fn expiry(chain: &ChainId, client: &str, seconds: i64) {
    gauge!("causeway_client_seconds_to_expiry", "chain" => chain.to_string(), "client" => client.to_owned()).set(seconds as f64);
}

#[allow(clippy::cast_precision_loss, reason = "gauges are floating point")]
pub(crate) fn packets(path: &str, direction: Direction, state: StateKind, count: u64) {
    gauge!("causeway_packets", "path" => path.to_owned(), "direction" => direction.as_str(), "state" => state.as_str()).set(count as f64);
}

#[allow(clippy::cast_precision_loss, reason = "gauges are floating point")]
pub(crate) fn oldest(path: &str, age_ms: u64) {
    gauge!("causeway_oldest_pending_age_seconds", "path" => path.to_owned()).set(age_ms as f64 / 1_000.0);
}

/// Notes the durations of stages that a record has newly reached.
#[allow(clippy::cast_precision_loss, reason = "histograms are floating point")]
pub(crate) fn progress(before: Option<&PacketRecord>, after: &PacketRecord) {
    for pair in after.times.windows(2) {
        let [(_, from), (stage, to)] = pair else { continue };
        if before.is_none_or(|record| record.time(*stage).is_none()) && *stage != Stage::Observed {
            let seconds = to.saturating_sub(*from) as f64 / 1_000.0;
            histogram!("causeway_stage_duration_seconds", "path" => after.path.clone(), "stage" => stage.as_str()).record(seconds);
        }
    }
}
