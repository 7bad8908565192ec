//! What earlier processes sent and what is not known to have ended: read at the start, before anything runs.
//!
//! What it is not: it judges nothing. The submitter of a key goes on with its transactions; those of a key that is no longer configured are
//! for [`super::Retired`].

use super::flight::{self, Flight};
use crate::StartError;
use crate::config::ChainSpec;
use crate::journal::{codec, keys};
use causeway_store::{Store, Tree};
use std::collections::BTreeMap;

/// Rows read in one step.
const PAGE: usize = 500;

/// Transactions of one chain that may still land, by the key that signed them.
#[derive(Debug, Default)]
pub(crate) struct Inherited(BTreeMap<String, Vec<Flight>>);

impl Inherited {
    /// Reads them from the journal.
    ///
    /// # Errors
    /// [`StartError::Damaged`] naming a row that does not decode: left out, its packets would wait for it for ever.
    pub(crate) async fn read(store: &dyn Store, spec: &ChainSpec) -> Result<Self, StartError> {
        let prefix = keys::transactions_on(&spec.id);
        let mut all: BTreeMap<String, Vec<Flight>> = BTreeMap::new();
        let mut after: Option<Vec<u8>> = None;
        loop {
            let rows = store.scan(Tree::Hot, &prefix, after.as_deref(), PAGE).await?;
            let Some((last, _)) = rows.last() else { break };
            after = Some(last.clone());
            for (key, bytes) in &rows {
                let damaged = |error: codec::Damaged| error.row("a transaction", Tree::Hot, key);
                let (signer, flight) = flight::read(bytes, &spec.fees).map_err(damaged)?;
                if *key != keys::transaction(&spec.id, &signer, flight.name()) {
                    return Err(damaged(codec::Damaged(format!("it is transaction {} of key {signer}", flight.name()))));
                }
                all.entry(signer).or_default().push(flight);
            }
        }
        all.values_mut().for_each(|flights| flights.sort_by_key(Flight::place));
        Ok(Self(all))
    }

    /// Those of a key, in order.
    pub(crate) fn take(&mut self, signer: &str) -> Vec<Flight> {
        self.0.remove(signer).unwrap_or_default()
    }

    /// Those of keys that nobody has taken.
    pub(crate) fn rest(self) -> impl Iterator<Item = (String, Vec<Flight>)> {
        self.0.into_iter()
    }
}
