//! The warden of one client, whatever number of paths stand on it: looks at what others submit to it, and holds it against the chain that was
//! verified here.
//!
//! A client on a host believes whoever brings enough signatures. An update that is not of the chain verified through our own endpoints was
//! signed by validators who signed two chains: the two headers convict them, and freeze the client before anything forged is proven to it.
//!
//! What it is not: it submits nothing; a conviction is made known through the chain's trust, and the workers of its paths carry it to their
//! clients.

mod watched;

use crate::chain::{Chain, TrustError};
use crate::evidence::{self, Doubted};
use crate::halts::Cause;
use crate::journal::Op;
use crate::metrics;
use crate::metrics::Alarm;
use crate::shared::Shared;
use causeway_adapter::{AdapterError, ClientView, SubmittedUpdate, TrustedState, Violation};
use causeway_types::{ClientId, Height};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;
pub(crate) use watched::{ClientUpdate, Watched};

/// Looks at one height before it is left to people.
const LOOKS_MAX: u32 = 60;
/// Heights that wait for another look.
const WAITING_MAX: usize = 1_024;
/// Looks after which a height that our endpoints do not reach is an alarm.
const AHEAD_ALARM: u32 = 10;

pub(crate) struct Warden {
    shared: Arc<Shared>,
    /// On the host, follows the source.
    watched: Arc<Watched>,
    source: Arc<Chain>,
    host: Arc<Chain>,
    client: ClientId,
    waiting: VecDeque<Suspect>,
    /// Those for which there was no room: they are not kept in the journal either.
    forgotten: Vec<Suspect>,
}

/// A height that was put into the client, not yet held against what was verified.
#[derive(Debug, Clone)]
struct Suspect {
    /// None as long as it must still be read from the transaction.
    height: Option<Height>,
    update: ClientUpdate,
    looks: u32,
    not_before_ms: u64,
}

impl Suspect {
    /// Its height, in words.
    fn shown(&self) -> String {
        self.height.map_or_else(|| "not read".to_string(), |height| height.to_string())
    }
}

/// Why there is no answer about a height.
#[derive(Debug, thiserror::Error)]
enum Failed {
    #[error(transparent)]
    Trust(#[from] TrustError),
    #[error("our endpoints do not have the block yet")]
    Ahead,
    #[error("the transaction holds no update of that height that can be read")]
    Unread,
}

impl From<AdapterError> for Failed {
    fn from(error: AdapterError) -> Self {
        Self::Trust(error.into())
    }
}

impl From<Violation> for Failed {
    fn from(violation: Violation) -> Self {
        Self::Trust(violation.into())
    }
}

impl Warden {
    pub(crate) fn new(shared: Arc<Shared>, watched: Arc<Watched>, (source, host): (Arc<Chain>, Arc<Chain>)) -> Self {
        let client = watched.client.clone();
        Self { shared, watched, source, host, client, waiting: VecDeque::new(), forgotten: Vec::new() }
    }

    pub(crate) async fn run(mut self) {
        let (shared, watched) = (Arc::clone(&self.shared), Arc::clone(&self.watched));
        match watched.left(shared.journal.store().as_ref()).await {
            Ok(left) => left.into_iter().for_each(|update| self.take(&update.heights.clone(), update)),
            Err(error) => {
                tracing::error!(client = %self.client, host = %self.host.id(), %error, "updates that wait to be examined cannot be read")
            }
        }
        loop {
            let Some(pause_ms) = self.work().await else { return };
            tokio::select! {
                biased;
                () = shared.drain.cancelled() => return,
                () = watched.news.notified() => {}
                () = shared.env.clock.sleep(Duration::from_millis(pause_ms)) => {}
            }
        }
    }

    /// Looks at everything that is due; answers for how long nothing will be, milliseconds. None once the journal has stopped.
    async fn work(&mut self) -> Option<u64> {
        for update in self.watched.take() {
            self.take(&update.heights.clone(), update);
        }
        for suspect in std::mem::take(&mut self.forgotten) {
            self.give_up(&suspect, "too many wait").await;
        }
        for _ in 0..self.waiting.len() {
            let Some(suspect) = self.waiting.pop_front() else { break };
            if suspect.not_before_ms > self.host.now_ms() {
                self.waiting.push_back(suspect);
                continue;
            }
            let looked = match suspect.height {
                Some(height) => self.look(&suspect, height).await,
                None => self.heights_of(&suspect.update).await.map(|heights| self.take(&heights, suspect.update.clone())),
            };
            match looked {
                Ok(()) => self.done(&suspect).await,
                Err(Failed::Trust(TrustError::Journal)) => return None,
                Err(error) => self.again(suspect, &error).await,
            }
            if self.shared.drain.is_cancelled() {
                break;
            }
        }
        let due = self.waiting.iter().map(|suspect| suspect.not_before_ms).min();
        Some(due.map_or(60_000, |at| at.saturating_sub(self.host.now_ms())).clamp(1, 60_000))
    }

    async fn give_up(&self, suspect: &Suspect, why: &str) {
        let height = suspect.shown();
        metrics::alarm(self.host.id(), Alarm::UpdateNotExamined);
        tracing::warn!(client = %self.client, host = %self.host.id(), height, why, "an update that somebody submitted could not be examined");
        self.done(suspect).await;
    }

    /// It need not be examined after a restart, unless another height of the same transaction must be.
    async fn done(&self, suspect: &Suspect) {
        if self.waiting.iter().all(|other| (&other.update.tx, other.update.at) != (&suspect.update.tx, suspect.update.at)) {
            // Where the journal has stopped, so has everything.
            let _stopped = self.shared.journal.commit(vec![Op::Write(self.watched.done(&suspect.update))]).await;
        }
    }

    /// The heights that an update brought, each to be looked at. Where the event does not tell them, they are read first.
    fn take(&mut self, heights: &[Height], update: ClientUpdate) {
        let mut add = |height: Option<Height>| {
            // Several events of one transaction tell of the same heights.
            if !self.waiting.iter().any(|known| known.height == height && known.update.tx == update.tx) {
                self.waiting.push_back(Suspect { height, update: update.clone(), looks: 0, not_before_ms: 0 });
            }
        };
        if heights.is_empty() {
            add(None);
        }
        heights.iter().for_each(|height| add(Some(*height)));
        while self.waiting.len() > WAITING_MAX {
            self.forgotten.extend(self.waiting.pop_front());
        }
    }

    /// The heights of an update whose event names none: as they were submitted, or, where that cannot be read, the client's newest.
    async fn heights_of(&self, update: &ClientUpdate) -> Result<Vec<Height>, Failed> {
        let encoding = self.view().await?.host_encoding;
        let heights = match self.read(update, &encoding).await {
            Ok(read) => read.into_iter().map(|update| update.height).collect(),
            Err(AdapterError::Unsupported { .. } | AdapterError::NotFound { .. }) => Vec::new(),
            Err(error) => return Err(error.into()),
        };
        if heights.is_empty() {
            let newest = self.host.call("client", self.host.adapter().client(&self.client)).await?.latest;
            return Ok(vec![newest]);
        }
        Ok(heights)
    }

    async fn view(&self) -> Result<ClientView, AdapterError> {
        let paths = self.shared.paths_on(self.host.id(), &self.client);
        match paths.iter().find_map(|(path, direction)| path.view(*direction)) {
            Some(view) => Ok(view),
            None => self.host.call("client", self.host.adapter().client(&self.client)).await,
        }
    }

    /// Another look later, or the end of looking.
    async fn again(&mut self, mut suspect: Suspect, error: &Failed) {
        suspect.looks = suspect.looks.saturating_add(1);
        if suspect.looks == AHEAD_ALARM && matches!(error, Failed::Ahead) {
            metrics::alarm(self.host.id(), Alarm::ClientAhead);
            let height = suspect.shown();
            tracing::error!(client = %self.client, host = %self.host.id(), source = %self.source.id(), height, "a client holds a height that our endpoints do not reach");
        }
        if suspect.looks >= LOOKS_MAX {
            return self.give_up(&suspect, &error.to_string()).await;
        }
        let delay_ms = match error {
            Failed::Ahead => u64::try_from(self.source.poll_interval().as_millis()).unwrap_or(1_000),
            _ => self.source.backoff().delay_ms(suspect.looks),
        };
        suspect.not_before_ms = self.host.now_ms().saturating_add(delay_ms);
        self.waiting.push_back(suspect);
    }

    /// Holds one height against the chain verified here.
    async fn look(&self, suspect: &Suspect, height: Height) -> Result<(), Failed> {
        let view = self.view().await?;
        let held = match self.host.call("consensus", self.host.adapter().consensus(&self.client, height)).await {
            Ok(held) => held,
            // The host forgets heights that have expired.
            Err(AdapterError::NotFound { .. }) => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        let ours = match self.source.trust.verified_at(&self.source, &view, height, &self.shared.journal).await {
            Err(TrustError::Adapter(AdapterError::Lagging { .. })) => return self.look_ahead((suspect, height), &view).await,
            ours => ours?,
        };
        let expected = self.source.light_client().consensus_hash(&ours);
        if held.hash == expected || self.holds_after_all(height, expected).await? {
            return Ok(());
        }
        tracing::error!(client = %self.client, host = %self.host.id(), source = %self.source.id(), %height, "a client was brought to a header that is not of the chain verified here");
        let convicted = self.convict((suspect, height), &view, height).await;
        if !matches!(convicted, Ok(true)) {
            self.contradicted(height, &ours).await?;
        }
        convicted.and_then(|found| if found { Ok(()) } else { Err(Failed::Unread) })
    }

    /// Whether another answer takes back that the client holds something else; what it holds no longer matters to nobody.
    async fn holds_after_all(&self, height: Height, expected: causeway_types::Hash) -> Result<bool, Failed> {
        self.host.adapter().distrust();
        match self.host.call("consensus", self.host.adapter().consensus(&self.client, height)).await {
            Ok(held) => Ok(held.hash == expected),
            Err(AdapterError::NotFound { .. }) => Ok(true),
            Err(error) => Err(error.into()),
        }
    }

    /// A height that the chain has not reached cannot be compared yet; but a header whose time our newest one has passed convicts already.
    async fn look_ahead(&self, suspect: (&Suspect, Height), view: &ClientView) -> Result<(), Failed> {
        let (newest, _) = self.source.call("root", self.source.adapter().root(None)).await?;
        match self.convict(suspect, view, newest).await {
            Ok(true) => Ok(()),
            Err(Failed::Trust(TrustError::Journal)) => Err(TrustError::Journal.into()),
            _ => Err(Failed::Ahead),
        }
    }

    /// Sets our header of height `at` against the submitted one. Whether they convict the chain; if they do, it is made known.
    async fn convict(&self, (suspect, height): (&Suspect, Height), view: &ClientView, at: Height) -> Result<bool, Failed> {
        let theirs = self.read(&suspect.update, &view.host_encoding).await?;
        let theirs = theirs.into_iter().rfind(|update| update.height == height).ok_or(Failed::Unread)?;
        let source = &self.source;
        let base = source.trust.verified_at(source, view, theirs.trusted, &self.shared.journal).await?;
        let ours = source.call("update_at", source.adapter().update_at(theirs.trusted, at)).await?;
        let judged = source.trust.judge(source, &base, &ours);
        let (_, writes) = judged.map_err(|judged| Failed::Trust(judged.into_error(source, at)))?;
        self.shared.journal.commit(writes.into_iter().map(Op::Write).collect()).await.map_err(|_| TrustError::Journal)?;
        if source.light_client().verify_misbehaviour(&base, &theirs.update, &ours, &source.spec.params).is_err() {
            return Ok(false);
        }
        let kept = evidence::convict(source, &self.shared.journal, height, (theirs.update, ours)).await;
        kept.map_err(|_| TrustError::Journal)?;
        Ok(true)
    }

    /// The updates of a transaction as they were submitted.
    async fn read(&self, update: &ClientUpdate, encoding: &str) -> Result<Vec<SubmittedUpdate>, AdapterError> {
        let ClientUpdate { at, tx, .. } = update;
        let messages = self.host.call("submitted", self.host.adapter().submitted(&self.client, *at, tx)).await?;
        let light_client = self.source.light_client();
        Ok(messages.iter().filter_map(|bytes| light_client.decode_update(encoding, bytes).ok()).collect())
    }

    /// The client holds what is not of the chain, and no evidence freezes it: nothing is relayed, what is known is kept for people.
    async fn contradicted(&self, height: Height, ours: &TrustedState) -> Result<(), Failed> {
        let (client, host, source) = (self.client.clone(), self.host.id().clone(), self.source.id());
        let what = format!("client {client} on {host} holds another {source} at height {height} than was verified");
        for (path, direction) in self.shared.paths_on(&host, &client) {
            path.halts.begin(&host, Cause::Mismatch(direction, height), what.clone());
        }
        let write = evidence::mismatch(&self.source, &Doubted { host, client, height, what }, ours.bytes.clone());
        self.shared.journal.commit(vec![Op::Write(write)]).await.map_err(|_| TrustError::Journal)?;
        Ok(())
    }
}
