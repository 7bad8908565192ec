//! What was measured: figures of one load, a table for people, one object for programs.

use super::drive::{Sent, Side};
use super::relayer::Usage;
use crate::demo::percentile;
use crate::exit::Failure;
use crate::output;
use causeway_types::Height;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// One load, from its first transaction to the last acknowledgement.
#[derive(Debug)]
pub(super) struct Figures {
    sent: usize,
    completed: usize,
    seconds: f64,
    /// From the block that sent a packet to the one that acknowledged it, ascending.
    blocks: Vec<u64>,
    /// The same by the times of those blocks, milliseconds.
    ms: Vec<u64>,
    usage: Usage,
}

impl Figures {
    /// Reads the times of the blocks that matter.
    pub(super) async fn new(sides: &[Side; 2], sent: &Sent, elapsed: Duration, usage: Usage) -> Result<Self, Failure> {
        let (mut blocks, mut ms) = (Vec::new(), Vec::new());
        for (side, packets) in sides.iter().zip(&sent.0) {
            let heights: BTreeSet<Height> = packets.sent.values().chain(packets.completed.values()).copied().collect();
            let numbers: Vec<u64> = heights.iter().map(|height| height.number).collect();
            let times = side.adapter.block_times_ms(&numbers).await.map_err(|error| side.failed(&error))?;
            let times: BTreeMap<Height, u64> = heights.into_iter().zip(times).collect();
            for (sequence, ended) in &packets.completed {
                let Some(began) = packets.sent.get(sequence) else { continue };
                blocks.push(ended.number.saturating_sub(began.number));
                let at = |height| times.get(height).copied().unwrap_or_default();
                ms.push(at(ended).saturating_sub(at(began)));
            }
        }
        blocks.sort_unstable();
        ms.sort_unstable();
        let count = sent.0.iter().map(|packets| packets.sent.len()).sum();
        Ok(Self { sent: count, completed: blocks.len(), seconds: elapsed.as_secs_f64(), blocks, ms, usage })
    }

    /// Packets that were not acknowledged.
    pub(super) fn missed(&self) -> usize {
        self.sent - self.completed
    }

    /// Completed a second.
    fn rate(&self) -> f64 {
        self.completed as f64 / self.seconds.max(0.001)
    }

    /// A figure for each completed packet.
    fn each(&self, total: f64) -> f64 {
        total / self.completed.max(1) as f64
    }

    fn json(&self) -> Value {
        json!({
            "sent": self.sent, "completed": self.completed, "missed": self.missed(),
            "seconds": rounded(self.seconds), "completed_per_second": rounded(self.rate()),
            "latency_blocks_p50": percentile(&self.blocks, 50), "latency_blocks_p99": percentile(&self.blocks, 99),
            "latency_ms_p50": percentile(&self.ms, 50), "latency_ms_p99": percentile(&self.ms, 99),
        })
    }

    /// What the relayer spent.
    fn cost(&self) -> Value {
        let whole = |sums: BTreeMap<String, f64>| sums.into_iter().filter(|(_, sum)| *sum > 0.0).map(|(name, sum)| (name, sum as u64));
        let by_kind: BTreeMap<String, u64> = whole(self.usage.by_label("cosmos_transactions_total", "kind")).collect();
        let calls: BTreeMap<String, u64> = whole(self.usage.by_label("cosmos_rpc_calls_total", "method")).collect();
        let requests: BTreeMap<String, u64> = whole(self.usage.by_label("cosmos_rpc_requests_total", "method")).collect();
        let updates = self.usage.by_label("cosmos_messages_total", "kind").get("update").copied().unwrap_or_default();
        json!({
            "http_requests_per_packet": rounded(self.each(self.usage.sum("cosmos_rpc_requests_total"))),
            "rpc_calls_per_packet": rounded(self.each(self.usage.sum("cosmos_rpc_calls_total"))),
            "cpu_seconds_per_1000_packets": rounded(self.each(self.usage.sum("process_cpu_seconds_total")) * 1_000.0),
            "rss_peak_mib": rounded(self.usage.sum("process_resident_memory_peak_bytes") / 1_048_576.0),
            "client_updates_per_packet": rounded(self.each(updates)),
            "transactions": by_kind, "http_requests": requests, "rpc_calls": calls,
        })
    }
}

/// All that a run measured.
#[derive(Debug)]
pub(super) struct Report {
    pub(super) relayed: Figures,
    /// The same load from a plain sender.
    pub(super) ceiling: Option<Figures>,
    pub(super) backlog: bool,
    pub(super) both: bool,
}

impl Report {
    /// One object, stable keys.
    pub(super) fn json(&self) -> Value {
        let mut all = self.relayed.json();
        let more = json!({
            "kind": if self.backlog { "backlog" } else { "live" }, "both_ways": self.both,
            "cost": self.relayed.cost(), "ceiling": self.ceiling.as_ref().map(Figures::json),
            "share_of_ceiling": self.share().map(rounded), "machine_load": load(),
        });
        if let (Some(all), Value::Object(more)) = (all.as_object_mut(), more) {
            all.extend(more);
        }
        all
    }

    fn share(&self) -> Option<f64> {
        self.ceiling.as_ref().map(|ceiling| self.relayed.rate() / ceiling.rate().max(0.001))
    }

    /// The figures, the relayer's beside those without it.
    pub(super) fn table(&self) -> String {
        let ceiling = self.ceiling.as_ref().map(Figures::json);
        let relayed = self.relayed.json();
        let row = |(name, key): (&str, &str)| {
            let of = |figures: Option<&Value>| figures.and_then(|all| all.get(key)).map_or("-".to_string(), Value::to_string);
            vec![name.to_string(), of(Some(&relayed)), of(ceiling.as_ref())]
        };
        let mut rows: Vec<Vec<String>> = [
            ("packets sent", "sent"),
            ("completed", "completed"),
            ("missed", "missed"),
            ("seconds", "seconds"),
            ("completed a second", "completed_per_second"),
            ("latency in blocks, p50", "latency_blocks_p50"),
            ("latency in blocks, p99", "latency_blocks_p99"),
            ("latency in ms, p50", "latency_ms_p50"),
            ("latency in ms, p99", "latency_ms_p99"),
        ]
        .into_iter()
        .map(row)
        .collect();
        if let Value::Object(cost) = self.relayed.cost() {
            let cells = |(name, value): (String, Value)| vec![name.replace('_', " "), cell(&value), "-".to_string()];
            rows.extend(cost.into_iter().map(cells));
        }
        output::table(&["", "relayer", "ceiling"], rows)
    }

    /// One closing line.
    pub(super) fn summary(&self) -> String {
        let share = self.share().map(|share| format!(", {:.0} % of what the chains take", share * 100.0)).unwrap_or_default();
        format!("{:.1} packets a second{share}; {} missed; load of the machine {}", self.relayed.rate(), self.relayed.missed(), load())
    }
}

/// A figure, or several with their names, one a line.
fn cell(value: &Value) -> String {
    match value {
        Value::Object(all) => all.iter().map(|(name, value)| format!("{name} {value}")).collect::<Vec<_>>().join("\n"),
        value => value.to_string(),
    }
}

fn rounded(value: f64) -> f64 {
    (value * 1_000.0).round() / 1_000.0
}

/// The machine's load of the last minute and its cores; figures of a busy machine compare with nothing but each other.
fn load() -> String {
    let average = std::fs::read_to_string("/proc/loadavg").ok().and_then(|text| text.split_whitespace().next().map(str::to_string));
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    format!("{} on {cores} cores", average.unwrap_or_else(|| "unknown".to_string()))
}
