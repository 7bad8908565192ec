//! The end of what a key sent that is no longer configured.
//!
//! Its operator took the key away: nothing is signed, replaced or broadcast with it any more. What it had sent is looked at until there is a
//! verdict: in a final block, or never to be in one. Packets of a transaction that can never land are free, as always.
//!
//! There may be no verdict: nobody uses the slot of a transaction that every pool forgot, and an adapter may not answer for a key that it
//! does not hold. Such a transaction is given up, and its packets are proven again. That is safe, for none of their messages does anything
//! when it comes second: a receipt, a mark, or a commitment that is gone already turns it into nothing. It is not blind either: state and a
//! simulation are asked before it is sent. What it may cost is the gas of the second.
//!
//! What it is not: the submitter of a key that is configured ([`Submitter`]).

use super::flight::{Fate, Flight};
use super::{Mailbox, Submitter};
use crate::chain::Chain;
use crate::metrics;
use crate::shared::Shared;
use causeway_adapter::{AdapterError, Retry};
use causeway_store::StoreError;
use causeway_types::TxId;
use std::collections::BTreeMap;
use std::sync::Arc;

/// How often the time after which a configured key would replace a transaction passes before one of a removed key is given up.
const PATIENCE_TIMES: u64 = 4;

/// Follows the transactions of one removed key.
pub(crate) struct Retired {
    submitter: Submitter,
    /// When an endpoint first answered for a transaction, unix milliseconds.
    answered_ms: BTreeMap<TxId, u64>,
}

impl Retired {
    /// `mailbox`: nobody writes to it; its token tells when everything is over.
    pub(crate) fn new(shared: Arc<Shared>, chain: Arc<Chain>, signer: String, mailbox: Mailbox, left: Vec<Flight>) -> Self {
        Self { submitter: Submitter::new(shared, chain, signer, mailbox, left), answered_ms: BTreeMap::new() }
    }

    pub(crate) async fn run(mut self) {
        let (shared, chain) = (Arc::clone(&self.submitter.shared), Arc::clone(&self.submitter.chain));
        let (signer, transactions) = (self.submitter.signer.clone(), self.submitter.flights.len());
        tracing::warn!(chain = %chain.id(), signer, transactions, "transactions of a key that is no longer configured are followed to their end");
        let mut head = chain.head.subscribe();
        loop {
            if self.look().await.is_err() {
                return;
            }
            if self.submitter.flights.is_empty() {
                tracing::info!(chain = %chain.id(), signer, "nothing of the removed key is on its way any more");
                self.submitter.settled.cancel();
                return;
            }
            tokio::select! {
                biased;
                // Nothing here can be hurried; the next start goes on.
                () = shared.drain.cancelled() => return,
                Ok(()) = head.changed() => {}
                () = shared.env.clock.sleep(chain.poll_interval()) => {}
            }
        }
    }

    async fn look(&mut self) -> Result<(), StoreError> {
        let fates = futures::future::join_all(self.submitter.flights.iter().map(|flight| self.submitter.fate(flight))).await;
        for (flight, fate) in std::mem::take(&mut self.submitter.flights).into_iter().zip(fates) {
            match fate {
                Fate::Landed(inclusion) => self.submitter.landed(flight, inclusion).await?,
                Fate::Never => self.submitter.never(flight).await?,
                Fate::Waits { silent, .. } => match self.hopeless(&flight, silent) {
                    Some(why) => self.give_up(flight, &why).await?,
                    None => self.submitter.flights.push(flight),
                },
            }
        }
        Ok(())
    }

    /// Why no verdict is to be expected any more, if none is.
    fn hopeless(&mut self, flight: &Flight, silent: Option<AdapterError>) -> Option<String> {
        let now_ms = self.submitter.chain.now_ms();
        match silent {
            Some(error) if error.retry() == Retry::Never => return Some(format!("the adapter cannot tell: {error}")),
            // An endpoint that is away says nothing, and nothing could be sent instead.
            Some(_) => return None,
            None => {}
        }
        let since_ms = *self.answered_ms.entry(flight.name().clone()).or_insert(now_ms);
        let patience_ms = self.submitter.shared.config.batching.stuck_ms.saturating_mul(PATIENCE_TIMES);
        (now_ms.saturating_sub(since_ms) >= patience_ms).then(|| format!("neither in a block nor impossible after {patience_ms} ms"))
    }

    async fn give_up(&mut self, flight: Flight, why: &str) -> Result<(), StoreError> {
        let (chain, signer) = (self.submitter.chain.id(), &self.submitter.signer);
        metrics::transaction(chain, "given-up");
        tracing::warn!(
            %chain, signer, tx = %flight.name(), why,
            "a transaction of a removed key is given up: its packets are proven again, which is safe, for what comes second does nothing"
        );
        self.answered_ms.remove(flight.name());
        self.submitter.free(flight, why).await
    }
}
