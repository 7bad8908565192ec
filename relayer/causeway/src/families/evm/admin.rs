//! Acts on a router from the command line: which key acts, and what a failure means.
//!
//! Not the acts themselves, which are [`causeway_evm_adapter::AdminAct`]. Called by `contracts admin`.

use super::connect;
use crate::config::ChainConfig;
use crate::exit::{Code, Failure, OrFail};
use crate::families;
use causeway_adapter::{AdapterError, TrustedState};
use causeway_evm_adapter::{AdminAct, AdminDone, Config, RouterAccess};

/// Does an act with a key of the chain's configuration.
///
/// # Errors
/// Exit code 1 when the router refuses, 64, 69 and 77 for configuration, chain and keys.
pub(crate) async fn run(chain: &ChainConfig, signer: Option<&str>, act: &AdminAct) -> Result<AdminDone, Failure> {
    let signer = chain.signer_or_first(signer).or_fail(Code::BadConfig)?;
    let fees = crate::relayer::fee_policy(&chain.fees)?;
    let adapter = connect(&chain.name, family(chain)?, std::slice::from_ref(&signer)).await?;
    adapter.administer(&signer, &fees, act).await.map_err(|error| failure(&chain.name, &error))
}

/// What the router says of itself and of an account. No key is unlocked.
///
/// # Errors
/// As [`run`].
pub(crate) async fn show(chain: &ChainConfig, account: alloy::primitives::Address) -> Result<RouterAccess, Failure> {
    let adapter = connect(&chain.name, family(chain)?, &[]).await?;
    adapter.router_access(account).await.map_err(|error| failure(&chain.name, &error))
}

/// The state of a block of `chain` that an operator vouches for by its hash; everything else about it is verified.
///
/// # Errors
/// Exit code 65 when the endpoints have another block, 64 and 69 as above.
pub(crate) async fn vouched(chain: &ChainConfig, height: u64, hash: &[u8; 32]) -> Result<TrustedState, Failure> {
    let family = families::watch_only(chain).await?;
    let (_, update) = family.adapter.root(Some(families::height(chain, height))).await.or_fail(Code::Unavailable)?;
    family.light_client.verify_root(hash, &update).map_err(|violation| {
        let advice = "compare the block with somebody who runs a node; nothing was sent";
        Failure::new(Code::Untrusted, format!("chain \"{}\", height {height}: {violation}; {advice}", chain.name))
    })
}

fn family(chain: &ChainConfig) -> Result<&Config, Failure> {
    let family = chain.evm.as_ref();
    family.ok_or_else(|| Failure::new(Code::BadConfig, format!("chain \"{}\" is no EVM chain: it has no router to act on", chain.name)))
}

fn failure(chain: &str, error: &AdapterError) -> Failure {
    let code = match error {
        AdapterError::Unreachable { .. } | AdapterError::Denied { .. } | AdapterError::RateLimited { .. } => Code::Unavailable,
        _ => Code::Failed,
    };
    Failure::new(code, format!("chain \"{chain}\": {error}"))
}
