//! What the demo saw: a table for people, one object for programs, and the verdict.

use super::plan::{Class, Ending};
use crate::output;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// One packet at its end.
#[derive(Debug, Clone)]
pub(crate) struct Finished {
    /// Its class.
    pub(crate) class: Class,
    /// How it ended.
    pub(crate) ending: Ending,
    /// From the block that sent it to the end of its life, milliseconds.
    pub(crate) latency_ms: u64,
    /// Gas its delivery cost, where this relayer delivered it.
    pub(crate) recv_gas: Option<u64>,
}

/// Everything the demo measured.
#[derive(Debug, Default)]
pub(crate) struct Report {
    /// The packets.
    pub(crate) packets: Vec<Finished>,
    /// Broken sums: balances or escrow that do not add up, in words.
    pub(crate) imbalances: Vec<String>,
    /// From the first send to the last ending, milliseconds.
    pub(crate) elapsed_ms: u64,
}

impl Report {
    /// Whether every packet ended as its class must, and all balances add up.
    pub(crate) fn passed(&self) -> bool {
        self.imbalances.is_empty() && self.packets.iter().all(|packet| packet.ending == packet.class.expected())
    }

    fn count(&self, ending: Ending) -> usize {
        self.packets.iter().filter(|packet| packet.ending == ending).count()
    }

    /// Latencies of the classes that `wanted` names, ascending.
    fn latencies(&self, wanted: impl Fn(Class) -> bool) -> Vec<u64> {
        let mut all: Vec<u64> = self.packets.iter().filter(|packet| wanted(packet.class)).map(|packet| packet.latency_ms).collect();
        all.sort_unstable();
        all
    }

    /// Latencies of what was delivered and acknowledged while the relayer ran: what a user waits.
    fn live_latencies(&self) -> Vec<u64> {
        self.latencies(|class| matches!(class, Class::Transfer | Class::Message | Class::Reverting))
    }

    fn gas_per_recv(&self) -> Option<u64> {
        mean(self.packets.iter().filter_map(|packet| packet.recv_gas))
    }

    /// One object, stable keys. `completed`, `already_delivered`, `error_acked`, `timed_out`, `dead` and `lost` are disjoint and add up to `sent`.
    pub(crate) fn json(&self) -> Value {
        let live = self.live_latencies();
        json!({
            "sent": self.packets.len(),
            "completed": self.count(Ending::Completed),
            "timed_out": self.count(Ending::TimedOut),
            "error_acked": self.count(Ending::ErrorAcked),
            "dead": self.count(Ending::Dead),
            "already_delivered": self.count(Ending::AlreadyDelivered),
            "lost": self.count(Ending::Lost),
            "p50_ms": percentile(&live, 50),
            "p99_ms": percentile(&live, 99),
            "gas_per_recv": self.gas_per_recv(),
            "seconds": self.elapsed_ms as f64 / 1_000.0,
            "balances_add_up": self.imbalances.is_empty(),
            "passed": self.passed(),
        })
    }

    /// The closing table.
    pub(crate) fn table(&self) -> String {
        let mut by_class: BTreeMap<Class, Vec<&Finished>> = BTreeMap::new();
        for packet in &self.packets {
            by_class.entry(packet.class).or_default().push(packet);
        }
        let rows = by_class
            .iter()
            .map(|(class, packets)| {
                let latencies = self.latencies(|other| other == *class);
                vec![
                    class.to_string(),
                    packets.len().to_string(),
                    endings(packets),
                    millis(percentile(&latencies, 50)),
                    millis(percentile(&latencies, 99)),
                    mean(packets.iter().filter_map(|packet| packet.recv_gas)).map_or("-".to_string(), |gas| gas.to_string()),
                ]
            })
            .collect();
        output::table(&["class", "packets", "ended", "p50", "p99", "gas a receive"], rows)
    }
}

impl Report {
    /// One closing line.
    pub(crate) fn summary(&self) -> String {
        let verdict = if self.passed() { "Every packet ended as its class must, and all balances add up." } else { "NOT as it must be." };
        format!("{} packets in {:.1} s. {verdict}", self.packets.len(), self.elapsed_ms as f64 / 1_000.0)
    }
}

fn endings(packets: &[&Finished]) -> String {
    let mut counts: BTreeMap<Ending, usize> = BTreeMap::new();
    for packet in packets {
        *counts.entry(packet.ending).or_default() += 1;
    }
    counts.iter().map(|(ending, count)| format!("{ending} {count}")).collect::<Vec<_>>().join(", ")
}

/// The nearest-rank percentile of sorted values.
pub(crate) fn percentile(sorted: &[u64], percent: usize) -> Option<u64> {
    let rank = (sorted.len() * percent).div_ceil(100);
    sorted.get(rank.saturating_sub(1)).copied()
}

fn mean(values: impl Iterator<Item = u64>) -> Option<u64> {
    let (sum, count) = values.fold((0_u64, 0_u64), |(sum, count), value| (sum.saturating_add(value), count + 1));
    sum.checked_div(count)
}

fn millis(value: Option<u64>) -> String {
    value.map_or("-".to_string(), |ms| format!("{:.1} s", ms as f64 / 1_000.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(class: Class, ending: Ending, latency_ms: u64) -> Finished {
        Finished { class, ending, latency_ms, recv_gas: Some(100) }
    }

    #[test]
    fn percentiles_are_by_nearest_rank() {
        let values: Vec<u64> = (1..=200).collect();
        assert_eq!(percentile(&values, 50), Some(100));
        assert_eq!(percentile(&values, 99), Some(198));
        assert_eq!(percentile(&[7], 99), Some(7));
        assert_eq!(percentile(&[], 50), None);
    }

    #[test]
    fn a_wrong_ending_or_balance_fails() {
        let good = Report { packets: vec![packet(Class::Transfer, Ending::Completed, 5)], ..Report::default() };
        assert!(good.passed());
        let wrong = Report { packets: vec![packet(Class::Transfer, Ending::TimedOut, 5)], ..Report::default() };
        assert!(!wrong.passed());
        let unbalanced = Report { imbalances: vec!["escrow".to_string()], ..Report::default() };
        assert!(!unbalanced.passed());
        assert_eq!(wrong.json()["timed_out"], 1);
    }
}
