//! What is left to do for the channels of a connection, from how both chains hold them. Pure.
//!
//! Source: cosmos/ibc `spec/core/ics-004-channel-and-packet-semantics`: one end begins, the other answers, the first agrees, the other confirms.

use crate::packet::Direction;
use causeway_adapter::OpenStep;
use causeway_types::classic::{ChannelEnd, ChannelEndId, HandshakeState};

/// A channel end on its chain.
pub(crate) type Held = (ChannelEndId, ChannelEnd);

/// Names a step.
pub(crate) type Key = (u8, Direction, ChannelEndId);

/// A channel, by what is left to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Pair {
    /// Nothing: both ends are open.
    Open {
        /// The end on `a`.
        a: ChannelEndId,
        /// How it stands there.
        on_a: ChannelEnd,
        /// The end on `b`.
        b: ChannelEndId,
    },
    /// A step.
    Unfinished(Step),
}

/// A step that one chain can take with a proof about the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Step {
    /// Which.
    pub(crate) kind: OpenStep,
    /// The end that is proven, on the chain that evidence of this direction is about.
    pub(crate) about_on: Direction,
    /// It, as it stands.
    pub(crate) about: Held,
    /// The end that takes the step; none before it exists.
    pub(crate) own: Option<Held>,
}

impl Step {
    /// The step's name, for remembering it: which, and what it is about.
    pub(crate) fn key(&self) -> Key {
        (self.kind as u8, self.about_on, self.about.0.clone())
    }
}

fn names(end: &ChannelEnd, id: &ChannelEndId) -> bool {
    end.counterparty.as_ref() == Some(&id.channel) && end.counterparty_port == id.port
}

/// Pairs the ends of a connection's channels. What nothing can be done about (closed, or abandoned for another answer) is left out.
pub(crate) fn pairs(on_a: &[Held], on_b: &[Held]) -> Vec<Pair> {
    let mut pairs = Vec::new();
    for (a, at) in on_a.iter().filter(|(_, end)| end.state == HandshakeState::Open) {
        let open = |(b, other): &&Held| other.state == HandshakeState::Open && names(at, b) && names(other, a);
        pairs.extend(on_b.iter().find(open).map(|(b, _)| Pair::Open { a: a.clone(), on_a: at.clone(), b: b.clone() }));
    }
    for (direction, own, others) in [(Direction::AToB, on_a, on_b), (Direction::BToA, on_b, on_a)] {
        pairs.extend(own.iter().filter_map(|held| step(direction, held, others)).map(Pair::Unfinished));
    }
    pairs
}

/// Channels that were open at both ends, and are closed at one of them or at both.
pub(crate) fn closed(on_a: &[Held], on_b: &[Held]) -> Vec<(Held, Held)> {
    let ended = |end: &ChannelEnd| matches!(end.state, HandshakeState::Open | HandshakeState::Closed);
    let pair = |a: &Held| {
        let b = on_b.iter().find(|(id, other)| names(&a.1, id) && names(other, &a.0) && ended(other))?;
        let any = a.1.state == HandshakeState::Closed || b.1.state == HandshakeState::Closed;
        (any && ended(&a.1)).then(|| (a.clone(), b.clone()))
    };
    on_a.iter().filter_map(pair).collect()
}

/// The step that follows from an end on the chain of a direction.
fn step(about_on: Direction, about: &Held, others: &[Held]) -> Option<Step> {
    let (id, end) = about;
    let other = |state: HandshakeState| others.iter().find(|(_, other)| other.state == state && names(other, id));
    let (kind, about_on, about, own) = match end.state {
        // Somebody answered: the answer is proven to the chain that began.
        HandshakeState::Init if other(HandshakeState::TryOpen).is_some() => {
            (OpenStep::Ack, about_on.reverse(), other(HandshakeState::TryOpen)?.clone(), Some(about.clone()))
        }
        HandshakeState::Init if others.iter().any(|(_, other)| names(other, id)) => return None,
        HandshakeState::Init => (OpenStep::Try, about_on, about.clone(), None),
        HandshakeState::Open => {
            let (own, at) = others.iter().find(|(own, other)| other.state == HandshakeState::TryOpen && names(end, own))?;
            (OpenStep::Confirm, about_on, about.clone(), Some((own.clone(), at.clone())))
        }
        HandshakeState::TryOpen | HandshakeState::Closed => return None,
    };
    Some(Step { kind, about_on, about, own })
}
