//! The keeper of one channel of IBC classic: knows how it stands at both ends, and closes the second end once the first is closed.
//!
//! What it is not: it moves no packet. The workers read here that an end is closed, and prove it before anything depends on it.
//!
//! A channel is closed by its application, or by a timeout where it is ordered. The other end learns of it from a proof
//! (cosmos/ibc `spec/core/ics-004-channel-and-packet-semantics` `chanCloseConfirm`); a closed end takes no acknowledgement any more, so that
//! those that exist are brought there first. What was never received is then returned by [`Message::TimeoutOnClose`].

use crate::StartError;
use crate::chain::Chain;
use crate::handshake::Side;
use crate::packet::Direction;
use crate::shared::{BatchEnd, Path, Shared};
use causeway_adapter::{AdapterError, Message, PacketState};
use causeway_types::classic::{ChannelEndId, HandshakeState};
use causeway_types::{Claim, PacketKey, Sequence};
use std::sync::Arc;
use std::time::Duration;

/// Time between two looks at a channel that nothing was heard of, milliseconds.
const LOOK_MS: u64 = 30_000;
/// Time between two looks while one end is closed and the other is not, milliseconds.
const CLOSING_MS: u64 = 1_000;
/// Packets asked for in one call.
const PAGE: u32 = 500;
/// Pages of one look.
const PAGES_MAX: usize = 200;

pub(crate) struct ChannelKeeper {
    shared: Arc<Shared>,
    path: Arc<Path>,
    /// Of the ends `a` and `b`.
    chains: [Arc<Chain>; 2],
    failures: u32,
}

/// Why a look led to nothing.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error(transparent)]
    Adapter(#[from] AdapterError),
    #[error(transparent)]
    Step(#[from] StartError),
    #[error("not sent: {0}")]
    NotSent(String),
}

impl ChannelKeeper {
    pub(crate) fn new(shared: Arc<Shared>, path: Arc<Path>, chains: [Arc<Chain>; 2]) -> Self {
        Self { shared, path, chains, failures: 0 }
    }

    pub(crate) async fn run(mut self) {
        let (shared, path) = (Arc::clone(&self.shared), Arc::clone(&self.path));
        loop {
            let wait_ms = match self.look().await {
                Ok(wait_ms) => {
                    self.failures = 0;
                    wait_ms
                }
                Err(trouble) => {
                    self.failures = self.failures.saturating_add(1);
                    tracing::debug!(path = %path.spec.name, %trouble, "the channel is looked at again later");
                    self.chain(Direction::AToB).backoff().delay_ms(self.failures)
                }
            };
            // Closed at both ends it stays: nothing opens a channel again.
            if path.is_closed(Direction::AToB) && path.is_closed(Direction::BToA) {
                tracing::info!(path = %path.spec.name, "channel is closed at both ends; what was not received is returned to its senders");
                return;
            }
            tokio::select! {
                biased;
                () = shared.drain.cancelled() => return,
                () = path.channel_news.notified() => {}
                () = shared.env.clock.sleep(Duration::from_millis(wait_ms.max(1))) => {}
            }
        }
    }

    /// The chain that packets of a direction leave from.
    fn chain(&self, direction: Direction) -> &Arc<Chain> {
        let [a, b] = &self.chains;
        if direction == Direction::AToB { a } else { b }
    }

    /// Looks at both ends and does what is to be done. Answers when to look again, milliseconds.
    async fn look(&self) -> Result<u64, Trouble> {
        for direction in [Direction::AToB, Direction::BToA] {
            let Some(id) = &self.path.from(direction).channel else { return Ok(LOOK_MS) };
            let chain = self.chain(direction);
            let end = chain.call("channel", chain.adapter().channel(id)).await?;
            if end.state == HandshakeState::Closed && !self.path.is_closed(direction) {
                tracing::warn!(path = %self.path.spec.name, chain = %chain.id(), channel = %id, "channel was closed");
            }
            self.path.note_channel(direction, end);
        }
        for direction in [Direction::AToB, Direction::BToA] {
            if self.path.is_closed(direction) && !self.path.is_closed(direction.reverse()) {
                return self.close(direction).await.map(|()| CLOSING_MS);
            }
        }
        Ok(LOOK_MS)
    }

    /// The end that packets of `direction` leave from is closed: closes the one they go to.
    async fn close(&self, direction: Direction) -> Result<(), Trouble> {
        let (source, host) = (self.chain(direction), self.chain(direction.reverse()));
        let (from, to) = (self.path.from(direction), self.path.to(direction));
        let (Some(closed), Some(open), Some(end)) = (from.channel.clone(), to.channel.clone(), self.path.channel(direction)) else {
            return Ok(());
        };
        if let Some(sequence) = self.acknowledged(direction, (&closed, &open)).await? {
            tracing::debug!(path = %self.path.spec.name, %sequence, "its acknowledgement is brought before the channel is closed");
            return Ok(());
        }
        let silent = |_| {};
        let side = Side { name: &self.path.spec.name, host, source, journal: &self.shared.journal, report: &silent };
        let proven = side.proven("channel-close", &to.client, &Claim::Channel { id: closed, end }).await?;
        match self.shared.carry_out_proven(host.id(), proven, Message::CloseChannel { id: open, proof: (0, 0) }).await {
            // State says whether it is closed now.
            BatchEnd::Landed(_) | BatchEnd::Needless => Ok(()),
            BatchEnd::NotSent(why) => Err(Trouble::NotSent(why)),
        }
    }

    /// A packet sent from the open end whose acknowledgement the closed one has written, and that may still be brought.
    async fn acknowledged(
        &self,
        direction: Direction,
        (closed, open): (&ChannelEndId, &ChannelEndId),
    ) -> Result<Option<Sequence>, Trouble> {
        let (source, host) = (self.chain(direction), self.chain(direction.reverse()));
        let (closed, open) = (closed.clone().into(), open.clone().into());
        let stuck = |sequence: Sequence| {
            let key = PacketKey { chain: host.id().clone(), end: self.path.to(direction).packets(), sequence };
            self.shared.journal.table(|table| table.get(&key)).is_some_and(|record| record.stuck)
        };
        let mut from = Sequence::new(1).ok();
        for _ in 0..PAGES_MAX {
            let Some(first) = from else { return Ok(None) };
            let (waiting, last) = host.call("commitments", host.adapter().commitments(&open, first, PAGE)).await?;
            let states: Vec<PacketState> = source.call("packet_states", source.adapter().packet_states(&closed, &waiting)).await?;
            let written = |state: &&PacketState| state.ack_commitment.is_some() && !stuck(state.sequence);
            if let Some(state) = states.iter().find(written) {
                return Ok(Some(state.sequence));
            }
            from = last.and_then(Sequence::successor);
        }
        Ok(None)
    }
}
