//! The Cosmos family: chains of the Cosmos SDK with ibc-go.

use super::BuiltIn;
use crate::exit::{Code, Failure, OrFail};
use crate::secrets;
use async_trait::async_trait;
use causeway_adapter::{AdapterError, ChainAdapter, LightClient};
use causeway_cosmos_adapter::{Config, CosmosAdapter, CosmosLightClient, KeyError, Keys};
use std::path::Path;
use std::sync::Arc;

#[async_trait]
impl BuiltIn for Config {
    fn table(&self) -> &'static str {
        "cosmos"
    }

    fn native_chain_id(&self) -> String {
        self.chain_id.clone()
    }

    fn revision(&self) -> u64 {
        Self::revision(self)
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

    async fn adapter(&self, chain: &str, signers: &[String]) -> Result<Arc<dyn ChainAdapter>, Failure> {
        let keys = unlock(self, signers).await?;
        let adapter = CosmosAdapter::connect(self, keys).await.map_err(|error| failure(chain, &error))?;
        Ok(Arc::new(adapter))
    }

    async fn light_client(&self, chain: &str) -> Result<Arc<dyn LightClient>, Failure> {
        // What a client must know of the chain's staking is in the configuration, or the chain says it.
        let asked = CosmosAdapter::new(self, Keys::none()).map_err(|error| failure(chain, &error))?;
        let unbonding_period_s = asked.unbonding_period_s().await.map_err(|error| failure(chain, &error))?;
        Ok(Arc::new(CosmosLightClient::new(self, unbonding_period_s).or_fail(Code::BadConfig)?))
    }

    /// Relaying is open to everybody on such chains, but where a client has a list of its own: the chain then says so by name.
    async fn check_roles(&self, _chain: &str, _signers: &[String]) -> Result<(), Failure> {
        Ok(())
    }
}

/// Unlocks keys. Deriving takes about a second of one core each; the runtime keeps its threads.
async fn unlock(config: &Config, signers: &[String]) -> Result<Keys, Failure> {
    let (config, signers) = (config.clone(), signers.to_vec());
    let unlocked: Result<Keys, KeyError> =
        tokio::task::spawn_blocking(move || Keys::unlock(&config, &signers, secrets::ask)).await.or_fail(Code::Failed)?;
    unlocked.or_fail(Code::Key)
}

fn failure(chain: &str, error: &AdapterError) -> Failure {
    let code = match error {
        AdapterError::Invalid { .. } => Code::BadConfig,
        _ => Code::Unavailable,
    };
    Failure::new(code, format!("chain \"{chain}\": {error}"))
}
