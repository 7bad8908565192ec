//! CPU time and memory of this process, as the kernel tells them. Elsewhere than on Linux there are none.
//!
//! What it is not: no recorder; the lines stand behind the recorder's on /metrics. Names are those that Prometheus clients use.

use std::fmt::Write;

/// Ticks of a second in `/proc/*/stat`: what Linux shows to programs, whatever the kernel's own clock. Source: proc(5), `USER_HZ`.
const TICKS: f64 = 100.0;

/// The lines for /metrics; empty where the kernel does not tell.
pub(crate) fn lines() -> String {
    let (stat, status) = (std::fs::read_to_string("/proc/self/stat"), std::fs::read_to_string("/proc/self/status"));
    let (Ok(stat), Ok(status)) = (stat, status) else { return String::new() };
    let mut text = String::new();
    let mut add = |name: &str, kind: &str, help: &str, value: Option<f64>| {
        if let Some(value) = value {
            // Writing into a text does not fail.
            let _written = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {value}\n");
        }
    };
    add("process_cpu_seconds_total", "counter", "User and system CPU time", cpu_seconds(&stat));
    add("process_resident_memory_bytes", "gauge", "Resident memory", bytes(&status, "VmRSS:"));
    add("process_resident_memory_peak_bytes", "gauge", "Most resident memory since the start", bytes(&status, "VmHWM:"));
    text
}

/// `utime` and `stime`, the 14th and 15th word; the second word is a name in parentheses that may hold anything.
fn cpu_seconds(stat: &str) -> Option<f64> {
    let (_, rest) = stat.rsplit_once(')')?;
    let mut words = rest.split_whitespace().skip(11);
    let mut ticks = || words.next()?.parse::<f64>().ok();
    Some((ticks()? + ticks()?) / TICKS)
}

fn bytes(status: &str, name: &str) -> Option<f64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    let kibibytes: f64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kibibytes * 1_024.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_words_are_read() {
        let stat = "7 (a (name) 1 2) S 1 7 7 0 -1 4194560 900 0 0 0 150 25 0 0 20 0 9 0 77 1000 250";
        assert_eq!(cpu_seconds(stat), Some(1.75));
        assert_eq!(cpu_seconds("7"), None);
        let status = "Name:\ta\nVmHWM:\t    2048 kB\nVmRSS:\t    1024 kB\n";
        assert_eq!(bytes(status, "VmHWM:"), Some(2_097_152.0));
        assert_eq!(bytes(status, "VmSwap:"), None);
    }
}
