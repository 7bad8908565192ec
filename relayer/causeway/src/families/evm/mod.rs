//! The EVM family: QBFT and IBFT2 chains.

pub(crate) mod admin;
pub(crate) mod dapp;
pub(crate) mod deployment;

use super::{BuiltIn, OpenChannel};
use crate::exit::{Code, Failure, OrFail};
use crate::secrets;
use alloy::primitives::Address;
use async_trait::async_trait;
use causeway_adapter::{AdapterError, ChainAdapter, LightClient};
use causeway_evm_adapter::keys::{KeyError, Keys};
use causeway_evm_adapter::{Config, EvmAdapter, EvmLightClient};
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

    fn keystore(&self, name: &str) -> Option<PathBuf> {
        self.keys.get(name).map(|key| key.keystore.clone())
    }

    async fn adapter(&self, chain: &str, signers: &[String]) -> Result<Arc<dyn ChainAdapter>, Failure> {
        Ok(Arc::new(connect(chain, self, signers).await?))
    }

    async fn light_client(&self, _chain: &str) -> Result<Arc<dyn LightClient>, Failure> {
        Ok(Arc::new(EvmLightClient::new(self).or_fail(Code::BadConfig)?))
    }

    fn endpoint_names(&self) -> Vec<String> {
        self.rpc.iter().enumerate().map(|(index, rpc)| crate::families::endpoint_name(index, rpc.url.as_deref())).collect()
    }

    fn each_endpoint(&self) -> Vec<Box<dyn BuiltIn>> {
        // Endpoints can be asked before contracts are deployed.
        let router = self.router.or(Some(Address::ZERO));
        self.rpc.iter().map(|rpc| Box::new(Self { rpc: vec![rpc.clone()], router, ..self.clone() }) as Box<dyn BuiltIn>).collect()
    }

    async fn node_version(&self, chain: &str) -> Result<String, Failure> {
        let unavailable = |error: AdapterError| Failure::new(Code::Unavailable, format!("chain \"{chain}\": {error}"));
        EvmAdapter::new(self, Keys::none()).map_err(unavailable)?.node_version().await.map_err(unavailable)
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
    let keys = unlock(config, signers).await?;
    EvmAdapter::connect(config, keys).await.map_err(|error| {
        let code = match error {
            AdapterError::Invalid { .. } => Code::BadConfig,
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
