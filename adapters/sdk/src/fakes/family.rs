//! The four kinds of fake chain, each with the properties that make it awkward. Data only: no state, no I/O.

use crate::{Absence, HeaderClock};
use causeway_types::Height;

/// What a fake chain is like. Between them the four cover every row of the seam's table of chains.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FakeFamily {
    /// The state after block h is committed to by header h+1; heights carry a revision; state is kept for a window only.
    Lagged,
    /// A header commits only to what its own block wrote: evidence is valid at exactly that height, and absence cannot be proven.
    BlockBound,
    /// Endorsers sign statements about state; headers carry no clock and absence cannot be proven.
    Clockless,
    /// Clients count slots, not blocks; committees change by period, one period a step, and hosts refuse an update before its time.
    Slotted,
}

/// Blocks of one committee period of [`FakeFamily::Slotted`].
pub const PERIOD_BLOCKS: u64 = 8;
/// How long after a header's time a host refuses it, for [`FakeFamily::Slotted`], seconds.
pub const HOST_DELAY_S: u64 = 2;

impl FakeFamily {
    /// All four.
    pub const ALL: [Self; 4] = [Self::Lagged, Self::BlockBound, Self::Clockless, Self::Slotted];

    /// The type of client that follows such a chain.
    pub fn client_type(self) -> &'static str {
        match self {
            Self::Lagged => "fake-lagged",
            Self::BlockBound => "fake-block-bound",
            Self::Clockless => "fake-clockless",
            Self::Slotted => "fake-slotted",
        }
    }

    /// The family of a client type.
    pub fn from_client_type(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|family| family.client_type() == text)
    }

    /// The encoding that clients hosted on such a chain take: two different ones, so that `encode_*` is exercised.
    pub fn host_encoding(self) -> &'static str {
        match self {
            Self::Lagged | Self::Slotted => "fake-plain",
            Self::BlockBound | Self::Clockless => "fake-wrapped",
        }
    }

    /// Whether absence can be proven of such a chain.
    pub fn absence(self) -> Absence {
        match self {
            Self::Lagged | Self::Slotted => Absence::Provable,
            Self::BlockBound | Self::Clockless => Absence::ByMarkExpired,
        }
    }

    /// Where heights of such a chain have their time from.
    pub fn header_clock(self) -> HeaderClock {
        if self == Self::Clockless { HeaderClock::None } else { HeaderClock::Header }
    }

    /// Blocks between inclusion and finality.
    pub fn finality_blocks(self) -> u64 {
        if self == Self::Slotted { 1 } else { 0 }
    }

    /// Revision in the heights of such a chain.
    pub fn revision(self) -> u64 {
        u64::from(self == Self::Lagged)
    }

    /// The chain's own height of a block number.
    pub fn chain_height(self, block: u64) -> Height {
        Height { revision: self.revision(), number: block }
    }

    /// The client height of a block number. Slots grow faster than blocks, with gaps.
    pub fn client_height(self, block: u64) -> Height {
        let number = if self == Self::Slotted { slot(block) } else { block };
        Height { revision: self.revision(), number }
    }

    /// The block of a client height, if there is one at that height.
    pub fn block_of(self, height: Height) -> Option<u64> {
        if height.revision != self.revision() {
            return None;
        }
        if self != Self::Slotted {
            return Some(height.number);
        }
        // slot(b) lies in [100 + 2b, 100 + 2b + b/5], so only a short stretch of blocks comes into question.
        let high = height.number.checked_sub(100)?.checked_div(2)?;
        let low = height.number.saturating_sub(100).saturating_mul(5).checked_div(11)?.saturating_sub(1);
        (low..=high).find(|block| slot(*block) == height.number)
    }

    /// The committee period of a block; always 0 for families without periods.
    pub fn period(self, block: u64) -> u64 {
        if self == Self::Slotted { block / PERIOD_BLOCKS } else { 0 }
    }

    /// Whether the state of block `b` is what header `b` commits to, or only header `b + 1`.
    pub fn root_lag(self) -> u64 {
        u64::from(self == Self::Lagged)
    }
}

fn slot(block: u64) -> u64 {
    100_u64.saturating_add(block.saturating_mul(2)).saturating_add(block / 5)
}
