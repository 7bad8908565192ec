//! What an endpoint of the host says of the client and what would halt the path: believed once a second answer says the same, asked first of
//! another endpoint where there is one. What two answers take back halts it no longer.

use super::{Halt, Turned, Worker};
use crate::evidence::{self, Doubted};
use crate::halts::Cause;
use crate::journal::Op;
use crate::metrics;
use causeway_adapter::{AdapterError, ClientView, TrustedState};
use causeway_types::Height;

/// Time between two looks at what halts a path, milliseconds.
const REVIEW_MS: u64 = 15_000;

impl Worker {
    async fn ask_client(&self) -> Turned<ClientView> {
        let view = self.host.call("client", self.host.adapter().client(&self.client)).await;
        view.map_err(|error| self.adapter_failed(&self.host, &error))
    }

    /// Takes notice of the client. One that is called frozen is asked about again.
    pub(super) async fn note_view(&mut self, view: ClientView) -> Turned<ClientView> {
        let view = if view.frozen {
            self.host.adapter().distrust();
            self.ask_client().await?
        } else {
            view
        };
        self.show_view(&view);
        if view.frozen {
            let reason = format!("client {} on {} is frozen", self.client, self.host.id());
            self.path.halts.begin(self.host.id(), Cause::Frozen(self.direction), reason);
            return Err(Halt::Wait { ms: 5_000, failed: true });
        }
        Ok(view)
    }

    fn show_view(&mut self, view: &ClientView) {
        self.view_seen_ms = self.host.now_ms();
        if let Some(expires) = view.expires_at_s {
            let left = i64::try_from(expires).unwrap_or(i64::MAX).saturating_sub(i64::try_from(self.host.now_s()).unwrap_or(0));
            metrics::expiry(self.host.id(), self.client.as_str(), left);
        }
        self.path.note_view(self.direction, view.clone());
    }

    /// An event told that the client is frozen.
    pub(super) async fn heed_freeze(&mut self) -> Turned<()> {
        if self.path.view(self.direction).is_some_and(|view| view.frozen) {
            let view = self.ask_client().await?;
            self.note_view(view).await?;
        }
        Ok(())
    }

    /// Whether the client holds what was verified at a height, as an endpoint says.
    pub(super) async fn holds(&self, height: Height, trusted: &TrustedState) -> Turned<bool> {
        let consensus = self.host.call("consensus", self.host.adapter().consensus(&self.client, height)).await;
        let consensus = consensus.map_err(|error| self.adapter_failed(&self.host, &error))?;
        Ok(consensus.hash == self.source.light_client().consensus_hash(trusted))
    }

    /// The same, once it was denied.
    pub(super) async fn holds_after_all(&self, height: Height, trusted: &TrustedState) -> Turned<bool> {
        self.host.adapter().distrust();
        self.holds(height, trusted).await
    }

    /// The client holds something that is not the chain verified here: nothing is relayed, what was verified is kept for people.
    pub(super) async fn contradicted(&self, height: Height, trusted: &TrustedState) -> Halt {
        let (client, host) = (self.client.clone(), self.host.id().clone());
        let what = format!("client {client} on {host} holds another {} at height {height} than was verified", self.source.id());
        self.path.halts.begin(&host, Cause::Mismatch(self.direction, height), what.clone());
        let write = evidence::mismatch(&self.source, &Doubted { host, client, height, what }, trusted.bytes.clone());
        match self.shared.journal.commit(vec![Op::Write(write)]).await {
            Ok(()) => Halt::Wait { ms: 5_000, failed: true },
            Err(_) => Halt::Stop,
        }
    }

    /// Asks again about what halts the path by the word of endpoints; evidence halts it whatever they say.
    pub(super) async fn review(&mut self) -> Turned<()> {
        let causes = self.path.halts.of(self.direction);
        let now_ms = self.host.now_ms();
        if causes.is_empty() || now_ms.saturating_sub(self.reviewed_ms) < REVIEW_MS {
            return Ok(());
        }
        self.reviewed_ms = now_ms;
        for cause in causes {
            match cause {
                Cause::Misbehaviour(_) => {}
                Cause::Frozen(_) => self.review_frozen(cause).await?,
                Cause::Mismatch(_, height) => self.review_mismatch(cause, height).await?,
            }
        }
        Ok(())
    }

    async fn review_frozen(&mut self, cause: Cause) -> Turned<()> {
        let first = self.ask_client().await?;
        self.host.adapter().distrust();
        let view = self.ask_client().await?;
        self.show_view(&view);
        if !first.frozen && !view.frozen {
            self.path.halts.end(cause);
        }
        Ok(())
    }

    async fn review_mismatch(&self, cause: Cause, height: Height) -> Turned<()> {
        let Some(view) = self.path.view(self.direction) else { return Ok(()) };
        let trusted = self.source.trust.verified_at(&self.source, &view, height, &self.shared.journal).await;
        let trusted = trusted.map_err(|error| self.trust_failed(error))?;
        for _ in 0..2 {
            match self.host.call("consensus", self.host.adapter().consensus(&self.client, height)).await {
                Ok(consensus) if consensus.hash == self.source.light_client().consensus_hash(&trusted) => {}
                // Nothing is proven at a height that is not there any more.
                Err(AdapterError::NotFound { .. }) => {}
                Ok(_) => return Ok(()),
                Err(error) => return Err(self.adapter_failed(&self.host, &error)),
            }
            self.host.adapter().distrust();
        }
        let write = evidence::cleared(&self.source, height, (self.host.id(), &self.client));
        self.shared.journal.commit(vec![Op::Write(write)]).await?;
        self.path.halts.end(cause);
        Ok(())
    }
}
