//! The newest block as it was last seen, and when the next one is to be expected: so that a node is asked when there is something to tell.
//!
//! Called by [`crate::chain`] and [`crate::watch`].

use crate::chain::ChainHead;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// Least and most time between two looks.
const PAUSE_MIN: Duration = Duration::from_millis(10);
const PAUSE_MAX: Duration = Duration::from_secs(1);

/// What is known of a chain's heads.
#[derive(Debug, Clone, Default)]
pub(crate) struct Heads {
    seen: Arc<Mutex<Option<Seen>>>,
}

#[derive(Debug, Clone, Copy)]
struct Seen {
    head: ChainHead,
    /// When a node said so last.
    at: Instant,
    /// When the number changed last.
    changed: Instant,
    /// Time between blocks of late.
    beat: Option<Duration>,
    /// How long after a block was stored its results were there, of late: nodes tell of blocks before they have executed them.
    lag: Duration,
}

impl Heads {
    /// A node says that this is its head.
    pub(crate) fn note(&self, head: ChainHead) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let at = Instant::now();
        *seen = Some(match *seen {
            Some(before) if head.number > before.head.number => {
                let blocks = u32::try_from(head.number - before.head.number).unwrap_or(u32::MAX);
                let beat = at.duration_since(before.changed) / blocks;
                // Half of what it was, half of what it is.
                let beat = before.beat.map_or(beat, |known| (known + beat) / 2);
                Seen { head, at, changed: at, beat: Some(beat), ..before }
            }
            // What it says counts, even when it is less: one that lied, or a slower one.
            Some(before) => Seen { head, at, ..before },
            None => Seen { head, at, changed: at, beat: None, lag: Duration::ZERO },
        });
    }

    /// The head, if a node was asked within `age_max`.
    pub(crate) fn within(&self, age_max: Duration) -> Option<ChainHead> {
        let seen = *self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.filter(|seen| seen.at.elapsed() < age_max).map(|seen| seen.head)
    }

    /// The results of a block were there so long after the block.
    pub(crate) fn note_lag(&self, lag: Duration) {
        if let Some(seen) = self.seen.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
            seen.lag = (seen.lag + lag) / 2;
        }
    }

    /// How long after a block its results are to be expected.
    pub(crate) fn lag(&self) -> Duration {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).map_or(Duration::ZERO, |seen| seen.lag)
    }

    /// Whether the next block may be there, where blocks usually take `usual`.
    pub(crate) fn is_due(&self, usual: Duration) -> bool {
        let seen = *self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.is_none_or(|seen| seen.changed.elapsed() >= seen.due(usual))
    }

    /// How long to wait before a node is asked for the next block, where blocks usually take `usual`: until it is due, then a little, and longer
    /// the later it is. The one before was seen a moment after it was there, so that this one usually is when it is asked for.
    pub(crate) fn pause(&self, usual: Duration) -> Duration {
        let seen = *self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(seen) = seen else { return (usual / 4).clamp(PAUSE_MIN, PAUSE_MAX) };
        let (waited, due) = (seen.changed.elapsed(), seen.due(usual));
        let pause = if waited < due { due - waited } else { due / 10 + (waited - due) / 4 };
        pause.clamp(PAUSE_MIN, PAUSE_MAX)
    }
}

impl Seen {
    /// Time after the last change before which no block is expected. A chain that was slow for a while may be fast again.
    fn due(&self, usual: Duration) -> Duration {
        self.beat.unwrap_or(usual).min(usual * 2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(number: u64) -> ChainHead {
        ChainHead { number, time_s: 0, earliest: 1 }
    }

    #[tokio::test(start_paused = true)]
    async fn the_next_block_is_looked_for_when_it_is_due() {
        let (heads, usual) = (Heads::default(), Duration::from_millis(1_000));
        assert_eq!(heads.pause(usual), Duration::from_millis(250), "nothing is known");
        heads.note(head(7));
        assert_eq!(heads.pause(usual), Duration::from_millis(1_000));
        tokio::time::advance(Duration::from_millis(800)).await;
        heads.note(head(9));
        assert_eq!(heads.pause(usual), Duration::from_millis(400), "two blocks in 800 ms");
        tokio::time::advance(Duration::from_millis(400)).await;
        assert_eq!(heads.pause(usual), Duration::from_millis(40));
        tokio::time::advance(Duration::from_millis(400)).await;
        assert_eq!(heads.pause(usual), Duration::from_millis(140), "it is late");
        heads.note(head(8));
        assert_eq!(heads.within(usual).map(|head| head.number), Some(8), "the last word counts");
        tokio::time::advance(usual).await;
        assert_eq!(heads.within(usual).map(|head| head.number), None);
    }
}
