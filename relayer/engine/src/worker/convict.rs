//! Evidence against the source chain: its client must learn of it, whatever becomes of the process meanwhile.
//!
//! It is in the journal before any worker hears of it, and every start tells of it again. Sent is only what landed and had its effect, or what
//! the host calls done already.

use super::Worker;
use crate::evidence;
use crate::halts::Cause;
use crate::shared::BatchEnd;
use causeway_adapter::{Message, MessageResult};
use tokio::sync::oneshot;

/// Refusals in a row after which evidence is sent only now and then: the client may be unable to take it.
const HASTY_MAX: u32 = 10;
/// How often then, milliseconds.
const NOW_AND_THEN_MS: u64 = 3_600_000;

impl Worker {
    /// The source chain contradicts itself: nothing of it is relayed, and the client is told as soon as there is evidence.
    pub(super) async fn report_misbehaviour(&mut self) {
        let Some(conflict) = self.source.trust.conflict.borrow().clone() else { return };
        let cause = Cause::Misbehaviour(self.direction);
        self.path.halts.begin(self.source.id(), cause, evidence::words(self.source.id(), conflict.height));
        let Some((a, b)) = conflict.updates else { return };
        let encoding = self.path.view(self.direction).map(|view| view.host_encoding);
        let encoding = encoding.or_else(|| self.host.description.host_encodings.first().cloned()).unwrap_or_default();
        match self.source.light_client().encode_misbehaviour(&encoding, &a, &b) {
            Ok(misbehaviour) => {
                let (done, end) = oneshot::channel();
                (self.convicting, self.advance) = (true, Some(end));
                self.send_messages(vec![Message::SubmitMisbehaviour { client_id: self.client.clone(), misbehaviour }], done).await;
            }
            Err(violation) => tracing::error!(%violation, "evidence cannot be encoded for the host"),
        }
    }

    /// What became of evidence. Whether it must be sent again.
    pub(super) fn told(&mut self, end: &BatchEnd) -> bool {
        let why = match end {
            BatchEnd::Needless => None,
            BatchEnd::Landed(results) => match results.last() {
                Some(MessageResult::Applied { .. } | MessageResult::Noop) => None,
                other => Some(format!("it came to {other:?}")),
            },
            BatchEnd::NotSent(why) => Some(why.clone()),
        };
        let (client, host) = (&self.client, self.host.id());
        let Some(why) = why else {
            self.untold = 0;
            tracing::warn!(%client, %host, source = %self.source.id(), "the client was told of the evidence");
            return false;
        };
        self.untold = self.untold.saturating_add(1);
        // Another endpoint may simulate it otherwise.
        self.host.adapter().distrust();
        let delay_ms = if self.untold < HASTY_MAX { self.host.backoff().delay_ms(self.untold) } else { NOW_AND_THEN_MS };
        self.not_before_ms = self.host.now_ms().saturating_add(delay_ms);
        tracing::error!(%client, %host, source = %self.source.id(), why, delay_ms, "the client was not told of the evidence; it is sent again");
        true
    }
}
