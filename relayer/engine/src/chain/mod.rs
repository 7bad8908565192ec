//! One configured chain at run time: its adapter behind deadlines, what was learnt of it, what of it is trusted.
//!
//! What it is not: an actor; the watcher, the workers and the submitters of the chain share it.

mod heads;
mod trust;

pub(crate) use trust::{Conflict, Held, Judged, Suspicion, Trust, TrustError, header};

use crate::config::{ChainSpec, Deadlines};
use crate::packet::transition::Backoff;
use crate::{Env, metrics};
use causeway_adapter::{AdapterError, ChainAdapter, ClientView, Description, EndpointStatus, LightClient, Retry, TrustedState, Violation};
use causeway_types::{ChainId, ClientId, Head, Height};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::watch;

/// How long somebody else who relays to a chain is reckoned with, milliseconds.
const RIVAL_MS: u64 = 60_000;

/// What `status` shows of a chain and no decision depends on.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub(crate) endpoints: Vec<EndpointStatus>,
    pub(crate) divergence: Option<String>,
    pub(crate) watch_error: Option<String>,
    pub(crate) cursor: Option<Height>,
    pub(crate) violations: BTreeMap<&'static str, u64>,
    pub(crate) wallets: BTreeMap<String, Wallet>,
    pub(crate) spent: (u64, u128),
}

/// An account, as last seen.
#[derive(Debug, Default, Clone)]
pub(crate) struct Wallet {
    pub(crate) address: String,
    pub(crate) balance: Option<u128>,
    pub(crate) in_flight: usize,
    pub(crate) blocked: Option<String>,
}

/// A chain at run time.
#[derive(Debug)]
pub(crate) struct Chain {
    pub(crate) spec: ChainSpec,
    pub(crate) description: Description,
    pub(crate) trust: Trust,
    pub(crate) head: watch::Sender<Option<Head>>,
    pub(crate) env: Env,
    pub(crate) deadlines: Deadlines,
    seen: Mutex<Seen>,
    heads: heads::Heads,
    /// When somebody else was found to have done what was to be done here, unix milliseconds.
    rival_ms: AtomicU64,
    /// The highest height that this relay brought to each client here, and when, unix milliseconds.
    brought: Mutex<BTreeMap<ClientId, (Height, u64)>>,
}

impl Chain {
    pub(crate) fn new(spec: ChainSpec, description: Description, trust: Trust, env: Env, deadlines: Deadlines) -> Self {
        Self {
            spec,
            description,
            trust,
            head: watch::Sender::new(None),
            env,
            deadlines,
            seen: Mutex::default(),
            heads: heads::Heads::default(),
            rival_ms: AtomicU64::new(0),
            brought: Mutex::default(),
        }
    }

    pub(crate) fn id(&self) -> &ChainId {
        &self.spec.id
    }

    pub(crate) fn adapter(&self) -> &Arc<dyn ChainAdapter> {
        &self.spec.family.adapter
    }

    pub(crate) fn light_client(&self) -> &Arc<dyn LightClient> {
        &self.spec.family.light_client
    }

    pub(crate) fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Somebody else had done already what was to be done here.
    pub(crate) fn note_rival(&self) {
        self.rival_ms.store(self.now_ms(), Ordering::Relaxed);
    }

    /// Whether somebody else relayed to this chain lately, as far as it was found out.
    pub(crate) fn has_rival(&self) -> bool {
        let since_ms = self.rival_ms.load(Ordering::Relaxed);
        since_ms > 0 && self.now_ms().checked_sub(since_ms).is_some_and(|age_ms| age_ms < RIVAL_MS)
    }

    /// A batch brings a height to a client here.
    pub(crate) fn note_brought(&self, client: &ClientId, height: Height) {
        let mut brought = self.brought.lock().unwrap_or_else(PoisonError::into_inner);
        let highest = brought.entry(client.clone()).or_insert((height, 0));
        *highest = (*highest).max((height, self.now_ms()));
    }

    /// The highest height that this relay brought to a client here, and when.
    pub(crate) fn brought(&self, client: &ClientId) -> Option<(Height, u64)> {
        self.brought.lock().unwrap_or_else(PoisonError::into_inner).get(client).copied()
    }

    /// A client of this chain that nobody hosts, for ways that headers alone show: there is no state that an adapter could plan from.
    pub(crate) fn unseen(&self, latest: &TrustedState) -> Option<ClientView> {
        Some(ClientView {
            client_id: ClientId::new("none").ok()?,
            client_type: self.light_client().client_type().to_owned(),
            host_encoding: String::new(),
            latest: latest.height,
            latest_time_s: latest.time_s,
            expires_at_s: None,
            frozen: false,
            counterparty: None,
            state: Vec::new(),
        })
    }

    /// What all keys spent today (UTC), smallest unit.
    pub(crate) fn spent_today(&self) -> u128 {
        let (day, spent) = self.seen().spent;
        if day == self.now_s() / 86_400 { spent } else { 0 }
    }

    pub(crate) fn now_ms(&self) -> u64 {
        self.env.clock.now_ms()
    }

    /// The relay's clock in seconds: the `now` of verification.
    pub(crate) fn now_s(&self) -> u64 {
        self.now_ms() / 1_000
    }

    /// The chain's time by its head, or the relay's clock for a chain without one. A hint.
    pub(crate) fn hinted_time_s(&self) -> u64 {
        self.head.borrow().and_then(|head| head.time_s).unwrap_or_else(|| self.now_s())
    }

    /// Height and time of its head. A hint.
    pub(crate) fn hinted_head(&self) -> (Height, u64) {
        (self.head_height().unwrap_or(Height::new(0)), self.hinted_time_s())
    }

    pub(crate) fn head_height(&self) -> Option<Height> {
        self.head.borrow().map(|head| head.height)
    }

    /// Makes a head known that is believed; it never goes back.
    pub(crate) fn note_head(&self, head: Head) {
        self.head.send_if_modified(|known| {
            let newer = known.is_none_or(|known| head.height > known.height);
            if newer {
                *known = Some(head);
                metrics::height("causeway_head_height", self.id(), head.height.number);
            }
            newer
        });
    }

    /// Makes a head known that is lower than the known one: what was known is of no chain that endpoints still tell of.
    pub(crate) fn return_to(&self, head: Head) {
        self.head.send_replace(Some(head));
        metrics::height("causeway_head_height", self.id(), head.height.number);
    }

    /// Counts a broken rule and says it once; the adapter prefers another endpoint then.
    pub(crate) fn violated(&self, violation: &Violation, doing: &'static str) {
        self.adapter().distrust();
        metrics::violation(self.id(), violation.rule);
        let count = {
            let mut seen = self.seen();
            let count = seen.violations.entry(violation.rule).or_default();
            *count = count.saturating_add(1);
            *count
        };
        if count.is_power_of_two() {
            tracing::warn!(chain = %self.id(), rule = violation.rule, count, doing, %violation, "verification failed; nothing was submitted");
        }
    }

    /// A call with a deadline; failures are counted by operation.
    pub(crate) async fn call<T>(
        &self,
        operation: &'static str,
        call: impl Future<Output = Result<T, AdapterError>> + Send,
    ) -> Result<T, AdapterError> {
        let limit =
            if operation == "watch" { self.deadlines.watch_ms.saturating_add(self.deadlines.call_ms) } else { self.deadlines.call_ms };
        let result = tokio::select! {
            biased;
            result = call => result,
            () = self.env.clock.sleep(Duration::from_millis(limit)) => {
                Err(AdapterError::Unreachable { endpoint: self.id().to_string(), detail: format!("no answer to {operation} within {limit} ms") })
            }
        };
        if let Err(error) = &result {
            metrics::adapter_error(self.id(), operation, error.label());
            tracing::debug!(chain = %self.id(), operation, %error, "call failed");
        }
        result
    }

    /// How long to wait after failures on this chain.
    pub(crate) fn backoff(&self) -> Backoff {
        Backoff { min_ms: self.deadlines.retry_min_ms, max_ms: self.deadlines.retry_max_ms, jitter: self.env.rng.next_u64() }
    }

    /// How long to wait after this error.
    pub(crate) fn delay_after(&self, error: &AdapterError, attempts: u32) -> Duration {
        let backoff = self.backoff().delay_ms(attempts);
        Duration::from_millis(match error.retry() {
            Retry::Now => self.deadlines.retry_min_ms.min(backoff),
            Retry::AfterMs(ms) => ms.max(backoff),
            Retry::OnStateChange => self.description.block_interval_ms.max(self.deadlines.retry_min_ms),
            Retry::Never => backoff.max(2_000),
        })
    }

    /// Time between two looks at something that changes with blocks.
    pub(crate) fn poll_interval(&self) -> Duration {
        Duration::from_millis((self.description.block_interval_ms / 2).clamp(100, 2_000))
    }
}
