//! The keeper: looks at every chain's endpoints from time to time, and keeps the gauges true.
//!
//! What it is not: nothing it learns moves a packet; a divergence of endpoints is an alarm for people.

use crate::chain::Chain;
use crate::metrics;
use crate::metrics::Alarm;
use crate::packet::{Direction, StateKind};
use crate::shared::Shared;
use std::sync::Arc;
use std::time::Duration;

/// Time between two looks.
const INTERVAL: Duration = Duration::from_secs(5);

pub(crate) struct Keeper {
    shared: Arc<Shared>,
}

impl Keeper {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    pub(crate) async fn run(self) {
        loop {
            self.gauges();
            futures::future::join_all(self.shared.chains.values().map(|chain| look(chain))).await;
            tokio::select! {
                biased;
                () = self.shared.drain.cancelled() => return,
                () = self.shared.env.clock.sleep(INTERVAL) => {}
            }
        }
    }

    fn gauges(&self) {
        let now_ms = self.shared.env.clock.now_ms();
        for chain in self.shared.chains.values() {
            metrics::spending(chain.id(), chain.spent_today(), chain.spec.spend_cap_per_day);
        }
        let finished = self.shared.journal.finished();
        for path in self.shared.paths().iter() {
            let name = &path.spec.name;
            let mut oldest = None;
            for direction in [Direction::AToB, Direction::BToA] {
                let lane = path.lane(direction);
                let (counts, since) = self.shared.journal.table(|table| (table.counts(lane), table.oldest(lane)));
                oldest = [oldest, since].into_iter().flatten().min();
                for state in StateKind::ALL {
                    let pending = counts.get(&state).copied();
                    let done = finished.get(&(name.clone(), direction, state)).copied();
                    metrics::packets(name, direction, state, pending.or(done).unwrap_or(0));
                }
            }
            metrics::oldest(name, oldest.map_or(0, |since| now_ms.saturating_sub(since)));
        }
    }
}

async fn look(chain: &Chain) {
    let Ok(status) = chain.call("status", chain.adapter().status()).await else { return };
    // What is not plausible is for the watcher to examine: two who accuse one endpoint would put an honest one last.
    if chain.is_plausible(&status.head) {
        chain.note_head(status.head);
    }
    let mut seen = chain.seen();
    if let Some(divergence) = status.divergence.as_ref().filter(|_| seen.divergence.is_none()) {
        metrics::alarm(chain.id(), Alarm::EndpointDivergence);
        tracing::error!(chain = %chain.id(), %divergence, "endpoints contradict each other");
    }
    seen.divergence = status.divergence;
    seen.endpoints = status.endpoints;
}
