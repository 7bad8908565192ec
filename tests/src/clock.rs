//! The machine's clock: times that real chains are told. Nothing waits by it.

use anyhow::Result;

/// Now, unix seconds.
///
/// # Errors
/// When the machine's clock is before 1970.
pub fn unix_s() -> Result<u64> {
    #[allow(clippy::disallowed_methods, reason = "a time-out on a real chain is written in real time")]
    let now = std::time::SystemTime::now();
    Ok(now.duration_since(std::time::UNIX_EPOCH)?.as_secs())
}

/// Now, as genesis files write it.
///
/// # Errors
/// As [`unix_s`].
pub fn rfc3339_now() -> Result<String> {
    Ok(prost_types::Timestamp { seconds: unix_s()?.try_into()?, nanos: 0 }.to_string())
}
