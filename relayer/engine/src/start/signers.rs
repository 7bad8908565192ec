//! The keys of each chain: a lane for each that is configured, and an end for what others had sent.

use crate::StartError;
use crate::chain::Chain;
use crate::handle::Tasks;
use crate::shared::{Shared, SignerLane};
use crate::submitter::{Flight, Inherited, Mailbox, Retired, Submitter};
use causeway_store::Store;
use causeway_types::ChainId;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// Batches that may wait for one key.
const MAILBOX: usize = 4;

/// A key with what an earlier process had sent with it.
struct Key {
    chain: Arc<Chain>,
    signer: String,
    mailbox: Mailbox,
    left: Vec<Flight>,
}

/// All keys of all chains.
pub(super) struct Signers {
    /// Where batches are handed over.
    pub(super) lanes: BTreeMap<ChainId, Vec<SignerLane>>,
    /// One a key, removed ones too: everything that an earlier process had sent with it has ended.
    pub(super) settled: BTreeMap<ChainId, Vec<CancellationToken>>,
    configured: Vec<Key>,
    removed: Vec<Key>,
}

impl Signers {
    /// From the configuration, and from the transactions that the journal holds.
    pub(super) async fn read(chains: &BTreeMap<ChainId, Arc<Chain>>, store: &dyn Store) -> Result<Self, StartError> {
        let mut all = Self { lanes: BTreeMap::new(), settled: BTreeMap::new(), configured: Vec::new(), removed: Vec::new() };
        for chain in chains.values() {
            let mut inherited = Inherited::read(store, &chain.spec).await?;
            for signer in &chain.spec.signers {
                let (key, lane) = all.key(chain, signer, inherited.take(signer));
                all.lanes.entry(chain.id().clone()).or_default().push(lane);
                all.configured.push(key);
            }
            for (signer, left) in inherited.rest() {
                let (key, _nobody_sends) = all.key(chain, &signer, left);
                all.removed.push(key);
            }
        }
        Ok(all)
    }

    fn key(&mut self, chain: &Arc<Chain>, signer: &str, left: Vec<Flight>) -> (Key, SignerLane) {
        let (sender, inbox) = mpsc::channel(MAILBOX);
        let load = Arc::new(AtomicUsize::new(0));
        let settled = CancellationToken::new();
        self.settled.entry(chain.id().clone()).or_default().push(settled.clone());
        let lane = SignerLane { sender, load: Arc::clone(&load) };
        (Key { chain: Arc::clone(chain), signer: signer.to_owned(), mailbox: (inbox, load, settled), left }, lane)
    }

    /// Starts their actors.
    pub(super) fn spawn(self, tasks: &Tasks, shared: &Arc<Shared>) {
        for Key { chain, signer, mailbox, left } in self.configured {
            tasks.spawn("submitter", Box::pin(Submitter::new(Arc::clone(shared), chain, signer, mailbox, left).run()));
        }
        for Key { chain, signer, mailbox, left } in self.removed {
            tasks.spawn("retired-key", Box::pin(Retired::new(Arc::clone(shared), chain, signer, mailbox, left).run()));
        }
    }
}
