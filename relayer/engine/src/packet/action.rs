//! What messages do to packets.

/// What a message does to a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Action {
    Receive,
    Acknowledge,
    Timeout,
    /// As a timeout, of a packet that was not received before its channel was closed.
    TimeoutOnClose,
    MarkExpired,
}

impl Action {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Receive => "receive",
            Self::Acknowledge => "acknowledge",
            Self::Timeout => "timeout",
            Self::TimeoutOnClose => "timeout-on-close",
            Self::MarkExpired => "mark-expired",
        }
    }

    pub(crate) fn parse(word: &str) -> Option<Self> {
        [Self::Receive, Self::Acknowledge, Self::Timeout, Self::TimeoutOnClose, Self::MarkExpired]
            .into_iter()
            .find(|action| action.as_str() == word)
    }
}
