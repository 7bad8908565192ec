//! Watching packets: one task a client, which asks the relay for changes and hands them on through a short queue.
//!
//! What it is not: a broadcast. A client that does not read holds a few messages, not the changes it misses; it is disconnected and comes
//! back with its cursor.

use crate::answer;
use crate::relay::Relay;
use crate::request::{PAGE_MAX, refused};
use causeway_engine::{Change, Changes};
use causeway_proto::relay::v1::WatchPacketsResponse;
use causeway_types::ChainId;
use futures::StreamExt;
use futures::stream::BoxStream;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc::error::SendTimeoutError;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use tonic::Status;

/// Messages that wait for a client.
const QUEUE_MESSAGES: usize = 4;
/// Changes that are none of a client's business after which it is told how far it has come.
const SKIPPED_MAX: usize = 5_000;

/// What a client receives.
pub(crate) type Stream = BoxStream<'static, Result<WatchPacketsResponse, Status>>;

/// Which changes a client wants. What is not set does not narrow.
#[derive(Debug, Clone, Default)]
pub(crate) struct Only {
    pub(crate) path: Option<String>,
    pub(crate) source_chain: Option<ChainId>,
}

impl Only {
    fn wants(&self, change: &Change) -> bool {
        self.path.as_ref().is_none_or(|path| *path == change.path)
            && self.source_chain.as_ref().is_none_or(|chain| *chain == change.key.chain)
    }
}

/// The clients that watch.
#[derive(Debug, Clone)]
pub(crate) struct Watchers {
    places: Arc<Semaphore>,
    limits: WatchLimits,
    shutdown: CancellationToken,
}

/// Bounds of watching. Tests shorten them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WatchLimits {
    /// Clients at once.
    pub clients_max: usize,
    /// An empty message after this long without a change.
    pub heartbeat: Duration,
    /// How long a client may leave its queue full.
    pub stall_max: Duration,
}

impl Default for WatchLimits {
    fn default() -> Self {
        Self { clients_max: 64, heartbeat: Duration::from_secs(15), stall_max: Duration::from_secs(30) }
    }
}

impl Watchers {
    pub(crate) fn new(limits: WatchLimits, shutdown: CancellationToken) -> Self {
        Self { places: Arc::new(Semaphore::new(limits.clients_max)), limits, shutdown }
    }

    /// Starts a client's task. The first question is asked before the answer, so that a bad cursor is a status and not a broken stream.
    pub(crate) async fn start(&self, relay: Arc<dyn Relay>, cursor: u64, only: Only) -> Result<Stream, Status> {
        let Ok(place) = Arc::clone(&self.places).try_acquire_owned() else {
            let most = self.limits.clients_max;
            return Err(Status::resource_exhausted(format!("{most} clients are watching already, which is the most; try again later")));
        };
        let first = relay.watch(cursor, PAGE_MAX, Duration::ZERO).await.map_err(|error| refused(&error))?;
        let (queue, messages) = mpsc::channel(QUEUE_MESSAGES);
        let (end, last) = oneshot::channel();
        let client = Client { relay, only, queue, limits: self.limits };
        let shutdown = self.shutdown.clone();
        tokio::spawn(async move {
            let status = tokio::select! {
                status = client.feed(first) => status,
                () = shutdown.cancelled() => Some(Status::unavailable("the relay is stopping; come back with the last cursor")),
            };
            if let Some(status) = status {
                // Nobody is there to be told when the client has gone.
                drop(end.send(status));
            }
        });
        Ok(stream(messages, last, place))
    }
}

/// The queue's messages, then the reason why there are no more. The place is free again when the stream is dropped.
fn stream(messages: mpsc::Receiver<WatchPacketsResponse>, last: oneshot::Receiver<Status>, place: OwnedSemaphorePermit) -> Stream {
    let messages = tokio_stream::wrappers::ReceiverStream::new(messages).map(Ok);
    let last = futures::stream::once(last).filter_map(|status| std::future::ready(status.ok().map(Err)));
    messages
        .chain(last)
        .map(move |message| {
            let _held = &place;
            message
        })
        .boxed()
}

struct Client {
    relay: Arc<dyn Relay>,
    only: Only,
    queue: mpsc::Sender<WatchPacketsResponse>,
    limits: WatchLimits,
}

impl Client {
    /// Hands changes on until the client goes (`None`) or must go (why).
    async fn feed(self, first: Changes) -> Option<Status> {
        let mut changes = first;
        let (mut fresh, mut skipped) = (true, 0_usize);
        loop {
            skipped = skipped.saturating_add(changes.changes.len());
            let wanted: Vec<_> = changes.changes.iter().filter(|change| self.only.wants(change)).map(answer::change).collect();
            // A page of changes that are none of the client's business is not worth a message, unless it says something else.
            if !wanted.is_empty() || changes.gap || changes.changes.is_empty() && !fresh || skipped >= SKIPPED_MAX {
                skipped = 0;
                let message = WatchPacketsResponse { changes: wanted, cursor: changes.cursor, gap: changes.gap };
                match self.queue.send_timeout(message, self.limits.stall_max).await {
                    Ok(()) => {}
                    Err(SendTimeoutError::Closed(_)) => return None,
                    Err(SendTimeoutError::Timeout(_)) => return Some(self.stalled()),
                }
            }
            fresh = false;
            let next = tokio::select! {
                next = self.relay.watch(changes.cursor, PAGE_MAX, self.limits.heartbeat) => next,
                () = self.queue.closed() => return None,
            };
            changes = match next {
                Ok(changes) => changes,
                Err(error) => return Some(refused(&error)),
            };
        }
    }

    fn stalled(&self) -> Status {
        let seconds = self.limits.stall_max.as_secs();
        tracing::info!(seconds, "a watching client does not read and is disconnected");
        Status::resource_exhausted(format!("the client read nothing for {seconds} s; come back with the last cursor that was handled"))
    }
}
