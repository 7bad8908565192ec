//! Heights and heads. Times are unix seconds, as in IBC v2.

use core::fmt;

/// A height as IBC writes it: the revision of the chain and the number within it. Ordered by revision first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Height {
    /// Revision of the chain; 0 where the family has none.
    pub revision: u64,
    /// Block number, slot, or whatever the family counts.
    pub number: u64,
}

impl Height {
    /// A height of a family without revisions.
    pub const fn new(number: u64) -> Self {
        Self { revision: 0, number }
    }

    /// The same revision, `blocks` later; saturates.
    #[must_use]
    pub const fn plus(self, blocks: u64) -> Self {
        Self { revision: self.revision, number: self.number.saturating_add(blocks) }
    }

    /// The same revision, `blocks` earlier; stops at zero.
    #[must_use]
    pub const fn minus(self, blocks: u64) -> Self {
        Self { revision: self.revision, number: self.number.saturating_sub(blocks) }
    }
}

impl fmt::Display for Height {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.revision == 0 { write!(f, "{}", self.number) } else { write!(f, "{}-{}", self.revision, self.number) }
    }
}

/// The newest block of a chain as an endpoint tells it: a hint, not yet verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// The block's height.
    pub height: Height,
    /// Its time in unix seconds; `None` on a chain whose headers carry no clock.
    pub time_s: Option<u64>,
}
