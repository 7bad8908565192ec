//! Failures of an adapter. The retry decision is part of the type, so that nobody retries blindly.

use causeway_types::Height;

/// When a failed call may be made again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// Never with the same arguments.
    Never,
    /// At once, for example on another endpoint.
    Now,
    /// After at least this long.
    AfterMs(u64),
    /// When the chain's state changes: at its next block.
    OnStateChange,
}

/// Why an adapter could not do what was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AdapterError {
    /// The endpoint did not answer, or dropped the connection.
    #[error("{endpoint} is unreachable: {detail}; check that the node runs and that the address in the configuration is right")]
    Unreachable {
        /// Host and port, never credentials.
        endpoint: String,
        /// What the transport said.
        detail: String,
    },
    /// The endpoint does not let us ask: a token that is not valid any more, an account that is not paid, an address that is not on its list.
    /// It may change its mind without anybody touching the relay.
    #[error(
        "{endpoint} refuses access: {detail}; check the headers or the secret address in the configuration, and the account with whoever \
         runs the endpoint"
    )]
    Denied {
        /// Host and port, never credentials.
        endpoint: String,
        /// What it answered.
        detail: String,
    },
    /// The endpoint asks for fewer requests.
    #[error("{endpoint} limits the rate of requests; next try in {retry_after_ms} ms")]
    RateLimited {
        /// Host and port.
        endpoint: String,
        /// How long to wait.
        retry_after_ms: u64,
    },
    /// The endpoint is behind what was asked for, or still synchronising.
    #[error("node is behind: has height {found}, needs {needed}")]
    Lagging {
        /// The node's height.
        found: Height,
        /// The height asked for.
        needed: Height,
    },
    /// The node no longer keeps the state of that height.
    #[error("state of height {asked} is pruned; the oldest kept is {oldest}")]
    HeightPruned {
        /// The height asked for.
        asked: Height,
        /// The oldest height that still answers, as far as known.
        oldest: Height,
    },
    /// Blocks that were final for the caller changed: the cursor no longer names the same chain.
    #[error("the chain reorganised below the cursor {cursor}; watch again from {resume_from}")]
    Reorganised {
        /// The caller's cursor.
        cursor: Height,
        /// The last height that is still common.
        resume_from: Height,
    },
    /// One block, asked for alone, is more than may be read or waited for. The caller goes on after it: state tells what it held.
    #[error("block {height} is too large to be read: {detail}; raise the limits on answers in the configuration, or let it be passed over")]
    BlockTooLarge {
        /// The block.
        height: Height,
        /// Which limit it is above.
        detail: String,
    },
    /// What was asked for does not exist on the chain.
    #[error("{what} `{name}` does not exist on the chain")]
    NotFound {
        /// The kind of thing.
        what: &'static str,
        /// Its name.
        name: String,
    },
    /// The answer does not parse, is out of bounds, or contradicts another answer.
    #[error("{endpoint} answered outside the rules: {rule}: expected {expected}, found {found}")]
    Protocol {
        /// Host and port.
        endpoint: String,
        /// The rule that the answer breaks.
        rule: &'static str,
        /// What was expected.
        expected: String,
        /// What came, shortened.
        found: String,
    },
    /// The request itself is wrong: configuration, identifiers, limits.
    #[error("{what}: {detail}")]
    Invalid {
        /// Which part of the request.
        what: &'static str,
        /// What is wrong and what to do.
        detail: String,
    },
    /// The account cannot pay.
    #[error("account {address} holds {balance} {denom}, needs {needed}; fund it and the relay goes on by itself")]
    InsufficientFunds {
        /// The account.
        address: String,
        /// Its balance in the smallest unit.
        balance: String,
        /// What the transaction would need in the smallest unit.
        needed: String,
        /// Name of the unit.
        denom: String,
    },
    /// The slot (nonce, sequence) in the request is not the one the chain expects.
    #[error("slot {used} does not fit: the chain expects {expected}")]
    SlotMismatch {
        /// The slot of the request.
        used: u64,
        /// The chain's next slot.
        expected: u64,
    },
    /// The adapter, or the family, does not do this.
    #[error("{operation} is not supported by this adapter")]
    Unsupported {
        /// The operation of the seam.
        operation: &'static str,
    },
}

impl AdapterError {
    /// When the call may be made again.
    pub fn retry(&self) -> Retry {
        match self {
            Self::Unreachable { .. } => Retry::AfterMs(500),
            Self::RateLimited { retry_after_ms, .. } => Retry::AfterMs(*retry_after_ms),
            Self::Lagging { .. } | Self::InsufficientFunds { .. } => Retry::OnStateChange,
            Self::Reorganised { .. } | Self::SlotMismatch { .. } => Retry::Now,
            Self::Protocol { .. } => Retry::AfterMs(2_000),
            Self::Denied { .. } => Retry::AfterMs(5_000),
            Self::HeightPruned { .. }
            | Self::BlockTooLarge { .. }
            | Self::NotFound { .. }
            | Self::Invalid { .. }
            | Self::Unsupported { .. } => Retry::Never,
        }
    }

    /// A bounded label for metrics.
    pub fn label(&self) -> &'static str {
        match self {
            Self::Unreachable { .. } => "unreachable",
            Self::Denied { .. } => "denied",
            Self::RateLimited { .. } => "rate-limited",
            Self::Lagging { .. } => "lagging",
            Self::HeightPruned { .. } => "height-pruned",
            Self::Reorganised { .. } => "reorganised",
            Self::BlockTooLarge { .. } => "block-too-large",
            Self::NotFound { .. } => "not-found",
            Self::Protocol { .. } => "protocol",
            Self::Invalid { .. } => "invalid",
            Self::InsufficientFunds { .. } => "insufficient-funds",
            Self::SlotMismatch { .. } => "slot-mismatch",
            Self::Unsupported { .. } => "unsupported",
        }
    }
}

/// The innermost cause of an error: it says what happened, where the outer ones only say during what.
pub fn innermost<'a>(error: &'a (dyn std::error::Error + 'static)) -> &'a (dyn std::error::Error + 'static) {
    let mut cause = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause
}
