//! What the demo sends: classes of packets, how many of each, and how each must end.

use std::fmt;

/// A class of packets. Every packet of a class must end the same way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Class {
    /// A token transfer to an account that takes it.
    Transfer,
    /// A general message whose answer comes back to the sender.
    Message,
    /// A transfer whose time is over before anybody can deliver it.
    Expired,
    /// A packet for a port that does not exist, in the middle of good ones.
    Poison,
    /// A message whose receiver reverts.
    Reverting,
    /// A transfer that another relayer delivered first.
    Rival,
}

/// How a packet ended, as the relayer's journal and the chains agree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Ending {
    /// Delivered by this relayer and acknowledged with success.
    Completed,
    /// Delivered by another relayer, acknowledged with success.
    AlreadyDelivered,
    /// Delivered; the receiver's refusal came back as an error acknowledgement.
    ErrorAcked,
    /// Not delivered in time; returned to the sender.
    TimedOut,
    /// Found undeliverable, named in the journal, and returned to the sender once its time was over.
    Dead,
    /// None of these.
    Lost,
}

impl Class {
    /// All classes, in the order of the table.
    pub(crate) const ALL: [Self; 6] = [Self::Transfer, Self::Message, Self::Expired, Self::Poison, Self::Reverting, Self::Rival];

    /// The one ending that is right.
    pub(crate) fn expected(self) -> Ending {
        match self {
            Self::Transfer | Self::Message => Ending::Completed,
            Self::Expired => Ending::TimedOut,
            Self::Poison => Ending::Dead,
            Self::Reverting => Ending::ErrorAcked,
            Self::Rival => Ending::AlreadyDelivered,
        }
    }

    /// Whether its packets are sent before the relayer starts.
    pub(crate) fn before_start(self) -> bool {
        matches!(self, Self::Expired | Self::Rival)
    }

    /// How many of `total` packets are of this class: at least one each, the rest transfers and messages.
    pub(crate) fn share(self, total: u32) -> u32 {
        let small = (total / 20).max(1);
        match self {
            Self::Expired | Self::Poison | Self::Reverting | Self::Rival => small,
            Self::Message => total.saturating_sub(4 * small) * 2 / 5,
            Self::Transfer => total.saturating_sub(4 * small) - Self::Message.share(total),
        }
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Transfer => "token transfer",
            Self::Message => "message with answer",
            Self::Expired => "expired before delivery",
            Self::Poison => "unknown port",
            Self::Reverting => "receiver reverts",
            Self::Rival => "rival delivered first",
        })
    }
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Completed => "completed",
            Self::AlreadyDelivered => "already delivered",
            Self::ErrorAcked => "error acknowledged",
            Self::TimedOut => "timed out",
            Self::Dead => "dead, returned",
            Self::Lost => "LOST",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_add_up() {
        for total in [6, 10, 40, 199, 200, 1_000, 5_000] {
            let sum: u32 = Class::ALL.iter().map(|class| class.share(total)).sum();
            assert_eq!(sum, total, "{total}");
            assert!(Class::ALL.iter().filter(|class| **class != Class::Message).all(|class| class.share(total) > 0), "{total}");
        }
    }
}
