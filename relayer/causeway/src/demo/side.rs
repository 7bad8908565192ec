//! One chain of the demo: what is deployed on it, and the user who sends from it.

use crate::families::evm::dapp::Dapp;
use alloy::primitives::Address;

/// Addresses of what the demo uses on one chain.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Addresses {
    /// The router.
    pub(crate) router: Address,
    /// ICS-20.
    pub(crate) transfer: Address,
    /// General messages.
    pub(crate) gateway: Address,
    /// A token to send.
    pub(crate) token: Address,
    /// A receiver that answers or reverts.
    pub(crate) echo: Address,
    /// Sends to ports that do not exist.
    pub(crate) raw: Address,
}

/// One chain with its user.
#[derive(Debug)]
pub(crate) struct Side {
    /// The name in the configuration.
    pub(crate) name: String,
    /// The client on this chain that follows the other.
    pub(crate) client: String,
    /// What is deployed.
    pub(crate) at: Addresses,
    /// The user.
    pub(crate) dapp: Dapp,
}
