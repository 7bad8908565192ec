//! Bounded waiting. Every wait of the suite goes through [`until`], so that no
//! test sleeps a guessed time and none hangs. It is not a retry policy for the
//! code under test.

use std::future::Future;
use std::time::Duration;

use anyhow::{Result, bail};

/// Time between two looks at the condition.
const INTERVAL: Duration = Duration::from_millis(50);

/// Asks `probe` until it returns a value, at most for `limit`.
///
/// `Ok(None)` and errors both mean "not yet": a node that is starting refuses
/// connections. The last error is part of the message when time runs out.
///
/// # Errors
/// When `limit` has passed; the message names `what` was waited for.
pub async fn until<T, F, Fut>(what: &str, limit: Duration, mut probe: F) -> Result<T>
where
    F: FnMut() -> Fut,
    Fut: Future<Output = Result<Option<T>>>,
{
    let deadline = tokio::time::Instant::now() + limit;
    let mut last_error = None;
    loop {
        match tokio::time::timeout_at(deadline, probe()).await {
            Ok(Ok(Some(value))) => return Ok(value),
            Ok(Ok(None)) => last_error = None,
            Ok(Err(error)) => last_error = Some(error),
            Err(_) => {}
        }
        if tokio::time::Instant::now() + INTERVAL >= deadline {
            match last_error {
                Some(error) => bail!("waited {limit:?} for {what}; the last look gave: {error:#}"),
                None => bail!("waited {limit:?} for {what}"),
            }
        }
        tokio::time::sleep(INTERVAL).await;
    }
}
