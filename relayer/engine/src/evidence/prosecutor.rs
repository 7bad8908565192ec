//! The prosecutor of one chain: brings validly sealed headers that contradict each other into the form in which clients take them, two updates
//! on one trusted height.
//!
//! The header that was verified first may build on another height than the one that contradicts it. Then it is fetched anew, as an update of
//! the trusted height of the other. The path is halted meanwhile, and stays so where no endpoint has it.

use super::{convict, keep};
use crate::chain::{Chain, Suspicion, header};
use crate::metrics;
use crate::metrics::Alarm;
use crate::shared::Shared;
use causeway_adapter::Violation;
use causeway_store::StoreError;
use std::sync::Arc;
use std::time::Duration;

/// Attempts to fetch a header anew before it is left to people; the next start tries again.
const ATTEMPTS_MAX: u32 = 60;

pub(crate) struct Prosecutor {
    shared: Arc<Shared>,
    chain: Arc<Chain>,
}

impl Prosecutor {
    pub(crate) fn new(shared: Arc<Shared>, chain: Arc<Chain>) -> Self {
        Self { shared, chain }
    }

    pub(crate) async fn run(self) {
        let shared = Arc::clone(&self.shared);
        loop {
            while let Some(suspicion) = self.chain.trust.suspected() {
                tokio::select! {
                    biased;
                    () = shared.drain.cancelled() => return,
                    kept = self.prosecute(&suspicion) => if kept.is_err() { return },
                }
            }
            tokio::select! {
                biased;
                () = shared.drain.cancelled() => return,
                () = self.chain.trust.suspicion_news.notified() => {}
            }
        }
    }

    async fn prosecute(&self, suspicion: &Suspicion) -> Result<(), StoreError> {
        let (chain, height) = (&self.chain, suspicion.height);
        keep(chain, &self.shared.journal, suspicion).await?;
        for attempt in 1..=ATTEMPTS_MAX {
            match self.on_one_height(suspicion).await {
                Ok(first) => return convict(chain, &self.shared.journal, height, (first, suspicion.update.clone())).await,
                Err(why) => {
                    tracing::warn!(chain = %chain.id(), %height, why, "headers contradict each other, and no evidence is to be had yet");
                    chain.adapter().distrust();
                }
            }
            self.shared.env.clock.sleep(Duration::from_millis(chain.backoff().delay_ms(attempt))).await;
        }
        metrics::alarm(chain.id(), Alarm::EvidenceMissing);
        tracing::error!(chain = %chain.id(), %height, "headers contradict each other, and no endpoint had what convicts; both are kept");
        Ok(())
    }

    /// The header that was verified first, as an update that convicts together with the other one.
    async fn on_one_height(&self, suspicion: &Suspicion) -> Result<Vec<u8>, String> {
        let Suspicion { base, other, update, .. } = suspicion;
        let text = |violation: Violation| violation.to_string();
        let (light_client, params) = (self.chain.light_client(), &self.chain.spec.params);
        let judge = |first: &[u8]| light_client.verify_misbehaviour(base, first, update, params).map_err(text);
        if !other.update.is_empty() && other.base == base.height && judge(&other.update).is_ok() {
            return Ok(other.update.clone());
        }
        let first = header(&self.chain, base.height, other.state.height).await.map_err(|error| error.to_string())?;
        let hash = light_client.block_hash(&first).map_err(text)?;
        if hash != other.state.block_hash {
            return Err("the endpoint has another block now than was verified".to_owned());
        }
        judge(&first).map(|()| first)
    }
}
