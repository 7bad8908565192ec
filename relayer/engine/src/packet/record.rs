//! The record of one packet.

use causeway_adapter::Slot;
use causeway_types::{Acknowledgement, ChainId, Height, Locator, Packet, PacketKey, TxId};

/// Which way a packet goes on its path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Direction {
    /// From end `a` to end `b`.
    AToB,
    /// From end `b` to end `a`.
    BToA,
}

impl Direction {
    /// A word for labels.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AToB => "a-to-b",
            Self::BToA => "b-to-a",
        }
    }

    /// The other way.
    #[must_use]
    pub fn reverse(self) -> Self {
        match self {
            Self::AToB => Self::BToA,
            Self::BToA => Self::AToB,
        }
    }
}

/// Who did it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// A transaction of this relay.
    Us,
    /// Somebody else.
    Other,
}

/// What the acknowledgement said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AckKind {
    /// The receiver accepted.
    Success,
    /// The receiver refused.
    Error,
    /// Somebody else ended the packet, and its acknowledgement was not seen here. That it ended is proven; that it was acknowledged and
    /// not timed out is what the endpoints say.
    Unseen,
}

/// How a packet was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// By watching.
    Live,
    /// By clearing, from state.
    Cleared,
}

/// What is known of the packet's receipt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Received {
    /// Nothing.
    No,
    /// An endpoint says so: delays delivery, proves nothing.
    Hint {
        /// Since when, unix milliseconds.
        since_ms: u64,
    },
    /// The outcome of our own transaction says so.
    Included,
    /// A proof was verified.
    Verified,
}

/// A transaction that carries the packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TxRef {
    /// On which chain.
    pub chain: ChainId,
    /// Paid by which key.
    pub signer: String,
    /// Its slot.
    pub slot: Slot,
    /// Every id it may be included under (replacements included), oldest first.
    pub tx_ids: Vec<TxId>,
}

/// Where a packet stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PacketState {
    /// Seen and journaled.
    Observed,
    /// Known from state by its sequence; the bytes are being looked for.
    NeedsPayload,
    /// On its way to the destination.
    Delivering(TxRef),
    /// Received there; the acknowledgement has not been seen.
    Delivered,
    /// The acknowledgement is known and waits for its way back.
    AwaitingAck,
    /// The acknowledgement is on its way to the sender.
    Acking(TxRef),
    /// Done: the sender has the acknowledgement.
    Completed {
        /// What it said.
        ack: AckKind,
        /// Who brought it.
        by: By,
    },
    /// Its time is over; it is being marked or returned. `None` while the transaction is being prepared.
    TimingOut(Option<TxRef>),
    /// Done: returned to the sender.
    TimedOut {
        /// Who returned it.
        by: By,
    },
    /// Waits behind an earlier packet of an ordered channel that cannot be delivered.
    Blocked,
    /// Waits after a failure.
    Parked {
        /// What failed.
        reason: String,
        /// When it is tried again, unix milliseconds.
        retry_at_ms: u64,
    },
    /// Cannot be delivered or acknowledged. Undelivered ones still time out.
    Dead {
        /// Why.
        reason: String,
    },
    /// The path's rules leave it to other relayers: nothing is wrong, and nothing is done.
    Excluded {
        /// Which rule.
        reason: String,
    },
}

/// A state without its details: a bounded label.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs, reason = "the variants are those of PacketState, documented there")]
pub enum StateKind {
    Observed,
    NeedsPayload,
    Delivering,
    Delivered,
    AwaitingAck,
    Acking,
    Completed,
    TimingOut,
    TimedOut,
    Blocked,
    Parked,
    Dead,
    Excluded,
}

impl StateKind {
    /// All of them.
    pub const ALL: [Self; 13] = [
        Self::Observed,
        Self::NeedsPayload,
        Self::Delivering,
        Self::Delivered,
        Self::AwaitingAck,
        Self::Acking,
        Self::Completed,
        Self::TimingOut,
        Self::TimedOut,
        Self::Blocked,
        Self::Parked,
        Self::Dead,
        Self::Excluded,
    ];

    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Observed => "observed",
            Self::NeedsPayload => "needs-payload",
            Self::Delivering => "delivering",
            Self::Delivered => "delivered",
            Self::AwaitingAck => "awaiting-ack",
            Self::Acking => "acking",
            Self::Completed => "completed",
            Self::TimingOut => "timing-out",
            Self::TimedOut => "timed-out",
            Self::Blocked => "blocked",
            Self::Parked => "parked",
            Self::Dead => "dead",
            Self::Excluded => "excluded",
        }
    }

    /// The state of a word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }

    /// Whether nothing more happens.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Completed | Self::TimedOut)
    }
}

impl PacketState {
    /// The state without its details.
    pub fn kind(&self) -> StateKind {
        match self {
            Self::Observed => StateKind::Observed,
            Self::NeedsPayload => StateKind::NeedsPayload,
            Self::Delivering(_) => StateKind::Delivering,
            Self::Delivered => StateKind::Delivered,
            Self::AwaitingAck => StateKind::AwaitingAck,
            Self::Acking(_) => StateKind::Acking,
            Self::Completed { .. } => StateKind::Completed,
            Self::TimingOut(_) => StateKind::TimingOut,
            Self::TimedOut { .. } => StateKind::TimedOut,
            Self::Blocked => StateKind::Blocked,
            Self::Parked { .. } => StateKind::Parked,
            Self::Dead { .. } => StateKind::Dead,
            Self::Excluded { .. } => StateKind::Excluded,
        }
    }

    /// Whether it stays as it is until somebody asks for it, or ends it.
    pub(crate) fn rests(&self) -> bool {
        matches!(self, Self::Dead { .. } | Self::Excluded { .. } | Self::Blocked)
    }

    /// The transaction that carries the packet now.
    pub fn tx(&self) -> Option<&TxRef> {
        match self {
            Self::Delivering(tx) | Self::Acking(tx) | Self::TimingOut(Some(tx)) => Some(tx),
            _ => None,
        }
    }
}

/// A stage whose time is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// Journaled for the first time.
    Observed,
    /// First transaction with it broadcast.
    Submitted,
    /// Received at the destination.
    Delivered,
    /// First transaction with the acknowledgement or the timeout broadcast.
    Returning,
    /// Finished.
    Finished,
}

impl Stage {
    /// All, in order.
    pub const ALL: [Self; 5] = [Self::Observed, Self::Submitted, Self::Delivered, Self::Returning, Self::Finished];

    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Observed => "observed",
            Self::Submitted => "submitted",
            Self::Delivered => "delivered",
            Self::Returning => "returning",
            Self::Finished => "finished",
        }
    }
}

/// Most costs that a packet has; above the number of their kinds (five actions on two chains).
const COSTS_MAX: usize = 16;

/// This packet's share of a transaction, or of several of one action on one chain where there were many.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cost {
    /// `receive`, `acknowledge`, `timeout`, `timeout-on-close` or `mark-expired`.
    pub action: String,
    /// Where.
    pub chain: ChainId,
    /// The transaction; the last of several.
    pub tx: TxId,
    /// Gas of the transaction divided by its packets.
    pub gas: u64,
    /// Fee of the transaction divided by its packets, in the chain's smallest unit.
    pub fee: u128,
}

impl Cost {
    /// Takes in a later one of the same kind.
    fn add(&mut self, later: &Self) {
        self.tx = later.tx.clone();
        self.gas = self.gas.saturating_add(later.gas);
        self.fee = self.fee.saturating_add(later.fee);
    }
}

/// An endpoint's word that a packet's commitment is gone from its source chain. It delays work until that is proven; where absence cannot be
/// proven, until state says so a second time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gone {
    /// Since when, unix milliseconds.
    pub since_ms: u64,
    /// Whether a timeout finished it, as far as told.
    pub timed_out: bool,
}

/// Everything known about a packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PacketRecord {
    /// Its name.
    pub key: PacketKey,
    /// The path it belongs to.
    pub path: String,
    /// Which way it goes.
    pub direction: Direction,
    /// Its bytes; `None` until found. Payload values are dropped when it is finished.
    pub packet: Option<Packet>,
    /// Where it stands.
    pub state: PacketState,
    /// How it was found.
    pub origin: Origin,
    /// Where it was sent.
    pub sent: Option<Locator>,
    /// What is known of its receipt.
    pub received: Received,
    /// The acknowledgement, exact bytes, once seen.
    pub ack: Option<Acknowledgement>,
    /// Where it was received and acknowledged.
    pub acked_at: Option<Locator>,
    /// Why the destination will never take it.
    pub refused: Option<String>,
    /// Marked expired at the destination.
    pub marked: bool,
    /// Where it was marked.
    pub marked_at: Option<Locator>,
    /// The source chain's height at which its commitment was last verified for a transaction; the commitment cannot be gone at or below it.
    pub committed_at: Option<Height>,
    /// An endpoint says that its commitment is gone, so that somebody finished it: since when, and whether by timing it out.
    pub gone: Option<Gone>,
    /// Time alone does not help: the path does not relay it, or the sending application refuses its end.
    pub stuck: bool,
    /// When it is tried once more although it was refused, unix milliseconds.
    pub second_look_ms: Option<u64>,
    /// Times that the destination refused it since the last progress. A few of them, and only they, make it dead.
    pub attempts: u32,
    /// Times that a chain refused it in all, progress or not: for people, nothing goes by it.
    pub refusals: u32,
    /// Delays in a row that are no judgement of it: a wallet is empty, an endpoint is away or behind, evidence is not there yet. Only the
    /// length of the next delay goes by them.
    pub waits: u32,
    /// Most packets it may share a transaction with, halved while a failure is being narrowed down; 0: no limit.
    pub share_max: u32,
    /// When each stage was reached, unix milliseconds.
    pub times: Vec<(Stage, u64)>,
    /// What it cost: a few entries at most, of which old ones of one kind are added up. Their sums are those of all.
    pub costs: Vec<Cost>,
}

/// What must be done next, by the facts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Need {
    /// Find the bytes on the source chain.
    Hydrate,
    /// Prove and receive.
    Deliver,
    /// Find the acknowledgement on the destination.
    LearnAck,
    /// Prove and acknowledge.
    Acknowledge,
    /// Only time can help: refused, waits to expire.
    Expire,
    /// Marked expired: prove it and time out.
    Timeout,
    /// Nothing.
    Nothing,
}

impl PacketRecord {
    /// A packet seen for the first time.
    pub fn new(key: PacketKey, path: &str, direction: Direction, now_ms: u64) -> Self {
        Self {
            key,
            path: path.to_owned(),
            direction,
            packet: None,
            state: PacketState::NeedsPayload,
            origin: Origin::Live,
            sent: None,
            received: Received::No,
            ack: None,
            acked_at: None,
            refused: None,
            marked: false,
            marked_at: None,
            committed_at: None,
            gone: None,
            stuck: false,
            second_look_ms: None,
            attempts: 0,
            refusals: 0,
            waits: 0,
            share_max: 0,
            times: vec![(Stage::Observed, now_ms)],
            costs: Vec::new(),
        }
    }

    /// Whether everything that is known of it is an endpoint's word: nothing of it was ever proven here.
    pub(crate) fn is_hearsay(&self) -> bool {
        self.committed_at.is_none() && self.received != Received::Verified && self.costs.is_empty() && self.state.tx().is_none()
    }

    /// When a stage was reached, unix milliseconds.
    pub fn time(&self, stage: Stage) -> Option<u64> {
        self.times.iter().find(|(s, _)| *s == stage).map(|(_, at)| *at)
    }

    /// The transaction that sent it.
    pub fn source_tx(&self) -> Option<&TxId> {
        self.sent.as_ref().map(|locator| &locator.transaction)
    }

    /// The block it was sent in.
    pub fn source_height(&self) -> Option<Height> {
        self.sent.as_ref().map(|locator| Height::new(locator.block))
    }

    /// Notes a cost. Where there are too many, the two oldest of one kind become one.
    pub(crate) fn pay(&mut self, cost: Cost) {
        self.costs.push(cost);
        while self.costs.len() > COSTS_MAX && self.add_up() {}
    }

    /// Whether there were two of one kind.
    fn add_up(&mut self) -> bool {
        let same = |a: &Cost, b: &Cost| a.action == b.action && a.chain == b.chain;
        let pair = self.costs.iter().enumerate().find_map(|(first, cost)| {
            let later = self.costs.iter().enumerate().skip(first.saturating_add(1)).find(|(_, later)| same(cost, later));
            later.map(|(second, _)| (first, second))
        });
        let Some((first, second)) = pair else { return false };
        let later = self.costs.remove(second);
        if let Some(cost) = self.costs.get_mut(first) {
            cost.add(&later);
        }
        true
    }

    /// Notes that a stage was reached; the first time counts.
    pub(crate) fn reach(&mut self, stage: Stage, now_ms: u64) {
        if self.time(stage).is_none() {
            self.times.push((stage, now_ms));
        }
    }

    /// What must be done next, whatever the state says about waiting.
    pub(crate) fn need(&self) -> Need {
        if self.state.kind().is_final() {
            return Need::Nothing;
        }
        if self.packet.is_none() {
            return Need::Hydrate;
        }
        if self.received != Received::No {
            return if self.ack.is_some() { Need::Acknowledge } else { Need::LearnAck };
        }
        if self.marked {
            return Need::Timeout;
        }
        if self.refused.is_some() { Need::Expire } else { Need::Deliver }
    }
}
