//! The EVM family: QBFT and IBFT2 chains.

pub(crate) mod admin;
pub(crate) mod dapp;
pub(crate) mod deployment;

use super::{BuiltIn, OpenChannel, Standing};
use crate::exit::{Code, Failure, OrFail};
use crate::secrets;
use alloy::primitives::Address;
use async_trait::async_trait;
use causeway_adapter::{AdapterError, ChainAdapter, LightClient};
use causeway_evm_adapter::keys::{KeyError, Keys};
use causeway_evm_adapter::{Config, DeployedCode, EvmAdapter, EvmLightClient, deployed_code};
use causeway_keystore::SecretRef;
use causeway_types::classic::ChannelEndId;
use std::path::{Path, PathBuf};
use std::sync::Arc;

#[async_trait]
impl BuiltIn for Config {
    fn table(&self) -> &'static str {
        "evm"
    }

    fn native_chain_id(&self) -> String {
        self.chain_id.to_string()
    }

    fn revision(&self) -> u64 {
        0
    }

    fn resolve_paths(&mut self, base: &Path) {
        Self::resolve_paths(self, base);
    }

    fn validate(&self) -> Result<(), String> {
        Self::validate(self).map_err(|error| error.to_string())
    }

    fn has_key(&self, name: &str) -> bool {
        self.keys.contains_key(name)
    }

    fn key_names(&self) -> Vec<String> {
        self.keys.keys().cloned().collect()
    }

    fn ready_keys(&self) -> Vec<String> {
        let ready = self.keys.iter().filter(|(_, key)| key.passphrase.is_some() && key.keystore.exists());
        ready.map(|(name, _)| name.clone()).collect()
    }

    fn keystore(&self, name: &str) -> Option<PathBuf> {
        self.keys.get(name).map(|key| key.keystore.clone())
    }

    fn passphrase(&self, name: &str) -> Option<SecretRef> {
        self.keys.get(name).and_then(|key| key.passphrase.clone())
    }

    fn check_account(&self, text: &str) -> Result<(), String> {
        let account = text.starts_with("0x").then(|| text.parse::<alloy::primitives::Address>().ok()).flatten();
        account.filter(|account| !account.is_zero()).map(drop).ok_or_else(|| "`0x` and 40 hexadecimal digits, not all zero".to_string())
    }

    async fn adapter(&self, chain: &str, signers: &[String]) -> Result<Arc<dyn ChainAdapter>, Failure> {
        Ok(Arc::new(connect(chain, self, signers).await?))
    }

    async fn probe(&self, chain: &str, keys: &[String]) -> Result<Arc<dyn ChainAdapter>, Failure> {
        let keys = unlock(chain, self, keys).await?;
        Ok(Arc::new(EvmAdapter::probe(self, keys).await.map_err(|error| failure(chain, &error))?))
    }

    async fn standing(&self, chain: &str) -> Result<Standing, Failure> {
        let Some(router) = self.router else { return Ok(Standing::NotYet(not_deployed(chain))) };
        Ok(match deployed_code(self, router).await.map_err(|error| failure(chain, &error))? {
            DeployedCode::Ours | DeployedCode::Other => Standing::Ready,
            DeployedCode::Missing => Standing::Wrong(deployment::nothing_there(router, chain)),
        })
    }

    async fn light_client(&self, _chain: &str) -> Result<Arc<dyn LightClient>, Failure> {
        Ok(Arc::new(EvmLightClient::new(self).or_fail(Code::BadConfig)?))
    }

    fn endpoint_names(&self) -> Vec<String> {
        self.rpc.iter().enumerate().map(|(index, rpc)| crate::families::endpoint_name(index, rpc.url.as_deref())).collect()
    }

    fn each_endpoint(&self) -> Vec<Box<dyn BuiltIn>> {
        self.rpc.iter().map(|rpc| Box::new(Self { rpc: vec![rpc.clone()], ..self.clone() }) as Box<dyn BuiltIn>).collect()
    }

    async fn node_version(&self, chain: &str) -> Result<String, Failure> {
        let fail = |error: AdapterError| failure(chain, &error);
        EvmAdapter::probe(self, Keys::none()).await.map_err(fail)?.node_version().await.map_err(fail)
    }

    async fn channels(
        &self,
        chain: &str,
        _wanted: &(dyn for<'a> Fn(&'a ChannelEndId) -> bool + Sync),
    ) -> Result<Vec<OpenChannel>, Failure> {
        let message =
            format!("chain \"{chain}\" has no channels: EVM chains speak IBC v2, whose paths `causeway path create CHAIN CHAIN` makes");
        Err(Failure::new(Code::BadConfig, message))
    }

    async fn check_roles(&self, chain: &str, signers: &[String]) -> Result<(), Failure> {
        check_roles(chain, self, signers).await
    }
}

async fn connect(chain: &str, config: &Config, signers: &[String]) -> Result<EvmAdapter, Failure> {
    router(chain, config)?;
    let keys = unlock(chain, config, signers).await?;
    EvmAdapter::connect(config, keys).await.map_err(|error| failure(chain, &error))
}

fn not_deployed(chain: &str) -> String {
    format!("no router is deployed yet; `causeway contracts deploy --chain {chain}` does it, and writes its address into the configuration")
}

/// The router of a chain.
///
/// # Errors
/// Exit code 64 where the configuration names none, with the command that deploys one.
pub(crate) fn router(chain: &str, config: &Config) -> Result<Address, Failure> {
    config.router.ok_or_else(|| Failure::new(Code::BadConfig, format!("chain \"{chain}\": {}", not_deployed(chain))))
}

fn failure(chain: &str, error: &AdapterError) -> Failure {
    let code = match error {
        AdapterError::Invalid { .. } => Code::BadConfig,
        _ => Code::Unavailable,
    };
    Failure::new(code, format!("chain \"{chain}\": {error}"))
}

/// Unlocks keys. Deriving takes about a second of one core each; the runtime keeps its threads.
pub(crate) async fn unlock(chain: &str, config: &Config, signers: &[String]) -> Result<Keys, Failure> {
    let (config, signers) = (config.clone(), signers.to_vec());
    let unlocked: Result<Keys, KeyError> =
        tokio::task::spawn_blocking(move || Keys::unlock(&config, &signers, secrets::ask)).await.or_fail(Code::Failed)?;
    unlocked.map_err(|error| match &error {
        KeyError::Missing { name } => super::no_keystore(chain, name),
        _ => Failure::new(Code::Key, format!("chain \"{chain}\": {error}")),
    })
}

/// Whether the router lets every key relay.
async fn check_roles(chain: &str, config: &Config, signers: &[String]) -> Result<(), Failure> {
    let adapter = connect(chain, config, signers).await?;
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
