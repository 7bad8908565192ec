//! Block time in seconds since the epoch: the system's, or one that tests move.
//! Called by `node` and `control`.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::UNIX_EPOCH;

use crate::config::ClockMode;

#[derive(Debug)]
pub(crate) struct Clock {
    /// System mode adds the offset to the system's time; manual mode is the offset.
    system: bool,
    offset_seconds: AtomicU64,
}

impl Clock {
    pub(crate) fn new(mode: ClockMode) -> Self {
        let (system, offset) = match mode {
            ClockMode::System => (true, 0),
            ClockMode::Manual(at) => (false, at),
        };
        Self { system, offset_seconds: AtomicU64::new(offset) }
    }

    /// Now, in seconds since the epoch.
    pub(crate) fn now(&self) -> u64 {
        let base = if self.system { system_seconds() } else { 0 };
        base.saturating_add(self.offset_seconds.load(Ordering::Relaxed))
    }

    /// Moves the clock ahead.
    pub(crate) fn advance(&self, seconds: u64) {
        self.offset_seconds.fetch_add(seconds, Ordering::Relaxed);
    }
}

#[allow(clippy::disallowed_methods, reason = "the one place where this chain reads the time")]
fn system_seconds() -> u64 {
    std::time::SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |elapsed| elapsed.as_secs())
}
