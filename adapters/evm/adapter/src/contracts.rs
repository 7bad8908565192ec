//! Which contracts the clients of the router are: asked once, and again after a client got another one.
//!
//! A client's contract takes updates from anybody, not from the router alone, and tells of each height it trusts. Called by [`crate::watch`].

use crate::chain::{Chain, Result, view_call};
use alloy::primitives::Address;
use causeway_evm_contracts::abi::Router;
use causeway_types::ClientId;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

/// Contracts that are kept; clients are few.
const KEPT_MAX: usize = 1_000;

/// Clients by their contracts.
#[derive(Debug, Default)]
pub(crate) struct Contracts {
    known: Mutex<BTreeMap<ClientId, Address>>,
}

impl Contracts {
    /// The contracts of clients now; a client that is not there has none. No height is named, so that an endpoint whose head is invented
    /// is not asked for a block that it does not have.
    pub(crate) async fn of(&self, chain: &Chain, clients: &BTreeSet<ClientId>) -> Result<BTreeMap<Address, ClientId>> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let missing: Vec<&ClientId> = clients.iter().filter(|client| !known.contains_key(*client)).collect();
        if !missing.is_empty() {
            let call = |client: &&ClientId| view_call(chain.router, &Router::getClientCall { clientId: client.to_string() });
            let answers = chain.calls_at(missing.iter().map(call).collect(), "latest").await?;
            for (client, answer) in missing.into_iter().zip(answers) {
                if let Some(address) = chain.decode_view::<Router::getClientCall>(answer, 0)? {
                    known.insert(client.clone(), address);
                }
            }
            if known.len() > KEPT_MAX {
                known.retain(|client, _| clients.contains(client));
            }
            self.known.lock().unwrap_or_else(PoisonError::into_inner).clone_from(&known);
        }
        Ok(known.into_iter().filter(|(client, _)| clients.contains(client)).map(|(client, address)| (address, client)).collect())
    }

    /// A client got another contract.
    pub(crate) fn forget(&self, client: &ClientId) {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).remove(client);
    }
}
