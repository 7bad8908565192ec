//! Who may do what on a router, read for checks and for people. Nothing here sends a transaction.
//!
//! Called by `path create` and `health`.

use crate::adapter::EvmAdapter;
use crate::chain::{Result, view_call};
use alloy::primitives::{Address, keccak256};
use causeway_adapter::AdapterError;
use causeway_evm_contracts::abi::Router;
use serde::Serialize;

/// What a router says of itself and of one account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RouterAccess {
    /// The owner: client types, roles, start after a pause.
    pub owner: Address,
    /// Whether packets are stopped.
    pub paused: bool,
    /// Whether anybody may relay.
    pub relaying_open: bool,
    /// Whether the account holds the relayer role.
    pub has_relayer_role: bool,
    /// Whether the account may relay, one way or the other.
    pub may_relay: bool,
}

impl EvmAdapter {
    /// What the node calls itself: program and version.
    ///
    /// # Errors
    /// What the endpoints say.
    pub async fn node_version(&self) -> Result<String> {
        let version: String = self.chain().rpc.get("web3_clientVersion", serde_json::json!([])).await?;
        Ok(crate::rpc::short(&version))
    }

    /// What the router lets an account do.
    ///
    /// # Errors
    /// [`AdapterError::NotFound`] when there is no router at the configured address.
    pub async fn router_access(&self, account: Address) -> Result<RouterAccess> {
        let chain = self.chain();
        let router = chain.router;
        let height = chain.head().await?.height;
        let role = keccak256("RELAYER_ROLE");
        let calls = vec![
            view_call(router, &Router::ownerCall {}),
            view_call(router, &Router::pausedCall {}),
            view_call(router, &Router::relayingOpenCall {}),
            view_call(router, &Router::hasRoleCall { role, account }),
        ];
        let mut answers = chain.calls(calls, height).await?.into_iter();
        let absent = || AdapterError::NotFound { what: "router", name: router.to_checksum(None) };
        let mut next = || answers.next().filter(|answer| answer.as_ref().is_ok_and(|bytes| !bytes.is_empty())).ok_or_else(absent);
        let owner = chain.decode_view::<Router::ownerCall>(next()?, height)?.ok_or_else(absent)?;
        let paused = chain.decode_view::<Router::pausedCall>(next()?, height)?.ok_or_else(absent)?;
        let relaying_open = chain.decode_view::<Router::relayingOpenCall>(next()?, height)?.ok_or_else(absent)?;
        let has_relayer_role = chain.decode_view::<Router::hasRoleCall>(next()?, height)?.ok_or_else(absent)?;
        Ok(RouterAccess { owner, paused, relaying_open, has_relayer_role, may_relay: relaying_open || has_relayer_role })
    }

    /// The account of an unlocked key.
    pub fn key_address(&self, name: &str) -> Option<Address> {
        self.keys().address(name)
    }
}
