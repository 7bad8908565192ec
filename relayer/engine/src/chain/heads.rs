//! Which heads are believed of those that endpoints tell: what a verified header, or more than one endpoint, stands for, and what blocks can
//! have been made since.
//!
//! What it is not: it proves no block; it keeps an endpoint that invents blocks from moving the cursor over them, and from expiring packets
//! with a time that has not come.

use super::Chain;
use super::trust::header;
use causeway_adapter::{AdapterError, TrustedState, Verdict, Violation};
use causeway_types::{Head, Height};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Blocks that a head may be above what is supported in any case: endpoints are apart by so much, and blocks come in bursts.
const LEAP_BLOCKS: u64 = 50;
/// How many times faster than the adapter says blocks may come.
const SPEED_MAX: u64 = 2;
/// For how long time allows blocks above a supported height; then another header is verified.
const SUPPORT_MS_MAX: u64 = 600_000;
/// Headers asked for in one attempt to reach a head.
const LOOKS_MAX: u32 = 64;

/// What is known of a chain's heads beside its trusted states.
#[derive(Debug, Default)]
pub(super) struct Heads(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    /// A height that was supported, and when.
    supported: Option<(Height, u64)>,
    /// How far headers were verified for this alone; nothing is proven with it.
    reached: Option<TrustedState>,
}

/// Where the verification of the newest header ended.
enum Way {
    Reached(Height),
    /// Headers verify as far as they were asked for; the next attempt goes on there.
    Far,
    /// The endpoint cannot be asked now.
    Silent(AdapterError),
    /// The endpoint has no header that verifies.
    Refused(String),
}

impl Heads {
    fn lock(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Chain {
    /// Whether a head needs no further support.
    pub(crate) fn is_plausible(&self, head: &Head) -> bool {
        self.head_time(head).is_ok() && head.height <= self.height_max()
    }

    /// Believes a head, or says by which rule not; the adapter prefers another endpoint then.
    pub(crate) async fn believe(&self, head: &Head) -> Result<(), AdapterError> {
        self.head_time(head).map_err(|violation| self.disbelieved(violation))?;
        if head.height <= self.height_max() {
            return Ok(());
        }
        let way = self.newest_verified().await;
        if let Way::Reached(verified) = way
            && head.height <= verified.plus(LEAP_BLOCKS)
        {
            self.support(head.height.min(verified));
            return Ok(());
        }
        if let Some(other) = self.second_head().await
            && head.height <= other.plus(LEAP_BLOCKS)
        {
            self.support(head.height.min(other));
            return Ok(());
        }
        let refusal = match way {
            Way::Silent(error) => return Err(error),
            Way::Far => return Err(AdapterError::Lagging { found: self.height_max(), needed: head.height }),
            Way::Reached(verified) => format!("{}; headers verify up to {verified}", head.height),
            Way::Refused(why) => format!("{}; {why}", head.height),
        };
        let expected = format!("a head up to {}, or one that a verified header or another endpoint supports", self.height_max());
        Err(self.disbelieved(Violation::new("head-support", expected, refusal)))
    }

    /// A block of a time to come is of no chain that is verified here.
    fn head_time(&self, head: &Head) -> Result<(), Violation> {
        let latest_s = self.now_s().saturating_add(self.spec.params.clock_drift_max_s);
        match head.time_s {
            Some(time_s) if time_s > latest_s => {
                let expected = format!("a block from before {latest_s}, which is now and the allowed drift");
                Err(Violation::new("head-time", expected, format!("{time_s} at height {}", head.height)))
            }
            _ => Ok(()),
        }
    }

    fn disbelieved(&self, violation: Violation) -> AdapterError {
        self.violated(&violation, "head");
        let Violation { rule, expected, found } = violation;
        AdapterError::Protocol { endpoint: self.id().to_string(), rule, expected, found }
    }

    /// The highest head that what is supported allows by now.
    fn height_max(&self) -> Height {
        let now_ms = self.now_ms();
        let verified = self.trust.latest();
        // Without a time it may be as old as it will.
        let verified_ms = verified.time_s.map_or(0, |time_s| time_s.saturating_mul(1_000));
        let allowed = |height: Height, at_ms: u64| {
            let age_ms = now_ms.saturating_sub(at_ms);
            let blocks = age_ms.saturating_mul(SPEED_MAX) / self.description.block_interval_ms.max(1);
            if age_ms > SUPPORT_MS_MAX { height } else { height.plus(blocks.saturating_add(LEAP_BLOCKS)) }
        };
        let by_header = allowed(verified.height, verified_ms);
        self.heads.lock().supported.map_or(by_header, |(height, at_ms)| allowed(height, at_ms).max(by_header))
    }

    fn support(&self, height: Height) {
        self.heads.lock().supported = Some((height, self.now_ms()));
    }

    /// The second highest head of the endpoints: what more than one of them tells.
    async fn second_head(&self) -> Option<Height> {
        let status = self.call("status", self.adapter().status()).await.ok()?;
        let mut heights: Vec<Height> = status.endpoints.iter().filter_map(|endpoint| Some(endpoint.head?.height)).collect();
        heights.sort_unstable();
        heights.into_iter().rev().nth(1)
    }

    /// Verifies the newest header that is to be had, over others where the set of signers has changed too much.
    async fn newest_verified(&self) -> Way {
        let newest = match self.call("root", self.adapter().root(None)).await {
            Ok((newest, _)) => newest,
            Err(error) => return Way::of(error),
        };
        let reached = self.heads.lock().reached.clone();
        let trusted = self.trust.latest();
        let mut base = reached.filter(|reached| reached.height > trusted.height).unwrap_or(trusted);
        let mut goals = if newest > base.height { vec![newest] } else { Vec::new() };
        for _ in 0..LOOKS_MAX {
            let Some(goal) = goals.last_mut() else { return Way::Reached(base.height) };
            let update = match self.header_at(&base, goal).await {
                Ok(update) => update,
                Err(way) => return way,
            };
            let goal = *goal;
            match self.light_client().verify_update(&base, &update, &self.spec.params, self.now_s()) {
                Verdict::Success(state) if state.height == goal => {
                    self.heads.lock().reached = Some(state.clone());
                    base = state;
                    goals.pop();
                }
                Verdict::Success(state) => return Way::Refused(format!("the header of {goal} is of {}", state.height)),
                Verdict::Invalid(violation) => return Way::Refused(violation.to_string()),
                Verdict::NotEnoughTrust { found, needed } => match goal.number.saturating_sub(base.height.number) / 2 {
                    half if half > 0 && goal.revision == base.height.revision => goals.push(base.height.plus(half)),
                    _ => return Way::Refused(format!("{found} trusted signers of {goal}, of {needed}")),
                },
            }
        }
        if goals.is_empty() { Way::Reached(base.height) } else { Way::Far }
    }

    /// The header of a height, or, where a family's heights have gaps, of the next one below, which becomes the goal.
    async fn header_at(&self, base: &TrustedState, goal: &mut Height) -> Result<Vec<u8>, Way> {
        for _ in 0..LOOKS_MAX {
            match header(self, base.height, *goal).await {
                Ok(update) => return Ok(update),
                Err(AdapterError::NotFound { .. }) if *goal > base.height.plus(1) => *goal = goal.minus(1),
                Err(error) => return Err(Way::of(error)),
            }
        }
        Err(Way::Refused(format!("no header at {goal} nor at the {LOOKS_MAX} heights above it")))
    }
}

impl Way {
    fn of(error: AdapterError) -> Self {
        match error {
            AdapterError::Unreachable { .. } | AdapterError::RateLimited { .. } => Self::Silent(error),
            error => Self::Refused(error.to_string()),
        }
    }
}
