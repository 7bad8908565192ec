//! What is at the address of a router: looked at before a second one would be deployed, and by `health`.
//!
//! Not a proof: the endpoints are believed, as by any explorer. What is relayed is proven from the router's storage.

use crate::adapter::open;
use crate::chain::Result;
use crate::config::Config;
use alloy::primitives::{Address, Bytes};
use causeway_evm_contracts::Contract;
use serde_json::json;

/// The code at an address, judged as a router's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeployedCode {
    /// The router of this release, byte for byte.
    Ours,
    /// Another contract, or the router of another release.
    Other,
    /// No contract.
    Missing,
}

/// Looks at the code of a router in the newest block.
///
/// # Errors
/// What the endpoints say when none of them answers.
pub async fn deployed_code(config: &Config, router: Address) -> Result<DeployedCode> {
    let code: Bytes = open(config, router)?.rpc.get("eth_getCode", json!([router, "latest"])).await?;
    if code.is_empty() {
        return Ok(DeployedCode::Missing);
    }
    // The router has no immutables: what is on the chain is what the compiler wrote.
    Ok(if code == *Contract::Router.deployed_bytecode() { DeployedCode::Ours } else { DeployedCode::Other })
}
