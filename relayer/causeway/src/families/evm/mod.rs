//! The EVM family: QBFT and IBFT2 chains.

pub(crate) mod dapp;
pub(crate) mod deployment;

use crate::exit::{Code, Failure, OrFail};
use crate::secrets;
use causeway_evm_adapter::keys::{KeyError, Keys};
use causeway_evm_adapter::{Config, EvmAdapter, EvmLightClient};

/// The verifier of a chain; needs no connection.
pub(super) fn light_client(config: &Config) -> Result<EvmLightClient, Failure> {
    EvmLightClient::new(config).or_fail(Code::BadConfig)
}

/// The adapter of a chain, with the named keys unlocked.
pub(super) async fn adapter(chain: &str, config: &Config, signers: &[String]) -> Result<EvmAdapter, Failure> {
    let keys = unlock(config, signers).await?;
    EvmAdapter::connect(config, keys).await.map_err(|error| {
        let code = match error {
            causeway_adapter::AdapterError::Invalid { .. } => Code::BadConfig,
            _ => Code::Unavailable,
        };
        Failure::new(code, format!("chain \"{chain}\": {error}"))
    })
}

/// Unlocks keys. Deriving takes about a second of one core each; the runtime keeps its threads.
pub(crate) async fn unlock(config: &Config, signers: &[String]) -> Result<Keys, Failure> {
    let (config, signers) = (config.clone(), signers.to_vec());
    let unlocked: Result<Keys, KeyError> =
        tokio::task::spawn_blocking(move || Keys::unlock(&config, &signers, secrets::ask)).await.or_fail(Code::Failed)?;
    unlocked.or_fail(Code::Key)
}

/// Whether the router lets every key relay.
pub(super) async fn check_roles(chain: &str, config: &Config, signers: &[String]) -> Result<(), Failure> {
    let adapter = adapter(chain, config, signers).await?;
    for signer in signers {
        let Some(account) = adapter.key_address(signer) else { continue };
        let access = adapter.router_access(account).await.or_fail(Code::Unavailable)?;
        if access.paused {
            return Err(Failure::new(
                Code::Failed,
                format!("chain \"{chain}\": the router is paused; its owner {} can unpause it", access.owner),
            ));
        }
        if !access.may_relay {
            let advice = format!("its owner {} can grant RELAYER_ROLE to it", access.owner);
            return Err(Failure::new(Code::Failed, format!("chain \"{chain}\": key `{signer}` ({account}) may not relay; {advice}")));
        }
    }
    Ok(())
}
