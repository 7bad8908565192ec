//! What `client upgrade` asks of the Cosmos family: what an old chain left, what follows from it, and the act itself.

use super::{failure, unlock};
use crate::config::ChainConfig;
use crate::exit::{Code, Failure, OrFail};
use causeway_adapter::{LightClient, TrustedState};
use causeway_cosmos_adapter::{Config, CosmosAdapter, CosmosLightClient, Keys, Successor, UpgradedStates, verify_upgrade};
use causeway_types::{ClientId, Hash, Height};

/// The family's table of a chain.
///
/// # Errors
/// Exit code 64 for a chain of another family.
pub(crate) fn tables(chain: &ChainConfig) -> Result<&Config, Failure> {
    let missing = || {
        let message = format!("chain \"{}\" is no chain of the Cosmos SDK: its clients are not handed over; make a new one", chain.name);
        Failure::new(Code::BadConfig, message)
    };
    chain.cosmos.as_ref().ok_or_else(missing)
}

/// What a chain left for its clients at the height of its upgrade plan. A node's word.
///
/// # Errors
/// Exit codes 64 and 69, with what to do: no plan, a chain that has not come that far, a node that keeps no such old state.
pub(crate) async fn left_behind(chain: &ChainConfig, height: Height) -> Result<UpgradedStates, Failure> {
    use causeway_adapter::AdapterError::{HeightPruned, Lagging};
    let asked = CosmosAdapter::connect(tables(chain)?, Keys::none()).await.map_err(|error| failure(&chain.name, &error))?;
    asked.upgraded_states(height).await.map_err(|error| {
        let advice = match error {
            HeightPruned { .. } => "; name a node of the old chain that keeps its last states, or an archive node",
            Lagging { .. } => "; the chain stops at the height of its plan: run the command again then",
            _ => "",
        };
        let failure = failure(&chain.name, &error);
        Failure::new(failure.code, format!("{}{advice}", failure.message))
    })
}

/// The chain that takes the place of another, judged by the verified last height of that.
///
/// # Errors
/// Exit code 65 when the proofs do not lead there.
pub(crate) fn successor(chain: &ChainConfig, last: &TrustedState, states: &UpgradedStates) -> Result<Successor, Failure> {
    let refused = |violation| {
        Failure::new(Code::Untrusted, format!("chain \"{}\", height {}: {violation}; nothing was sent", chain.name, last.height))
    };
    verify_upgrade(last, states).map_err(refused)
}

/// What a client holds of a state, hashed.
///
/// # Errors
/// Exit code 64 for a configuration that cannot work.
pub(crate) fn consensus_hash(chain: &ChainConfig, trusted: &TrustedState) -> Result<Hash, Failure> {
    Ok(CosmosLightClient::new(tables(chain)?, u64::MAX).or_fail(Code::BadConfig)?.consensus_hash(trusted))
}

/// Hands the states to a client; answers the transaction.
///
/// # Errors
/// Exit code 1 with the chain's reason, 69 and 77 as elsewhere.
pub(crate) async fn hand_over(
    (host, signer): (&ChainConfig, Option<&str>),
    client: &ClientId,
    states: &UpgradedStates,
) -> Result<String, Failure> {
    let signer = host.signer_or_first(signer).or_fail(Code::BadConfig)?;
    let config = tables(host)?;
    let fees = crate::relayer::fee_policy(&host.fees)?;
    let keys = unlock(&host.name, config, std::slice::from_ref(&signer)).await?;
    let adapter = CosmosAdapter::connect(config, keys).await.map_err(|error| failure(&host.name, &error))?;
    let done = adapter.upgrade_client(&signer, client, states, &fees).await;
    done.map(|tx| tx.to_string()).map_err(|error| {
        let failure = failure(&host.name, &error);
        let code = if failure.code == Code::BadConfig { Code::Failed } else { failure.code };
        Failure::new(code, failure.message)
    })
}
