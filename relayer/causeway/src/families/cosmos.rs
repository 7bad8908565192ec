//! The Cosmos family: chains of the Cosmos SDK with ibc-go.

pub(crate) mod upgrade;

use super::{BuiltIn, OpenChannel, Standing};
use crate::exit::{Code, Failure, OrFail};
use crate::secrets;
use async_trait::async_trait;
use causeway_adapter::{AdapterError, ChainAdapter, LightClient};
use causeway_cosmos_adapter::{Config, CosmosAdapter, CosmosLightClient, KeyError, Keys, is_address};
use causeway_keystore::{KeyError as FileError, SecretRef};
use causeway_types::classic::{ChannelEndId, ConnectionEnd, ConnectionId};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
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
        let form = || format!("a bech32 address that begins with `{}1`", self.address_prefix);
        is_address(&self.address_prefix, text).then_some(()).ok_or_else(form)
    }

    async fn adapter(&self, chain: &str, signers: &[String]) -> Result<Arc<dyn ChainAdapter>, Failure> {
        let keys = unlock(chain, self, signers).await?;
        let adapter = CosmosAdapter::connect(self, keys).await.map_err(|error| failure(chain, &error))?;
        Ok(Arc::new(adapter))
    }

    async fn probe(&self, chain: &str, keys: &[String]) -> Result<Arc<dyn ChainAdapter>, Failure> {
        self.adapter(chain, keys).await
    }

    async fn standing(&self, _chain: &str) -> Result<Standing, Failure> {
        Ok(Standing::Ready)
    }

    async fn light_client(&self, chain: &str) -> Result<Arc<dyn LightClient>, Failure> {
        // What a client must know of the chain's staking is in the configuration, or the chain says it.
        let asked = CosmosAdapter::new(self, Keys::none()).map_err(|error| failure(chain, &error))?;
        let unbonding_period_s = asked.unbonding_period_s().await.map_err(|error| failure(chain, &error))?;
        Ok(Arc::new(CosmosLightClient::new(self, unbonding_period_s).or_fail(Code::BadConfig)?))
    }

    fn endpoint_names(&self) -> Vec<String> {
        self.rpc.iter().enumerate().map(|(index, rpc)| super::endpoint_name(index, rpc.url.as_deref())).collect()
    }

    fn each_endpoint(&self) -> Vec<Box<dyn BuiltIn>> {
        self.rpc.iter().map(|rpc| Box::new(Self { rpc: vec![rpc.clone()], ..self.clone() }) as Box<dyn BuiltIn>).collect()
    }

    async fn node_version(&self, chain: &str) -> Result<String, Failure> {
        let asked = CosmosAdapter::new(self, Keys::none()).map_err(|error| failure(chain, &error))?;
        asked.node_version().await.map_err(|error| failure(chain, &error))
    }

    async fn channels(&self, chain: &str, wanted: &(dyn for<'a> Fn(&'a ChannelEndId) -> bool + Sync)) -> Result<Vec<OpenChannel>, Failure> {
        let asked = CosmosAdapter::new(self, Keys::none()).map_err(|error| failure(chain, &error))?;
        let fail = |error: AdapterError| failure(chain, &error);
        // Many channels stand on few connections.
        let mut known: HashMap<ConnectionId, (ConnectionEnd, String)> = HashMap::new();
        let mut found = Vec::new();
        for (id, end) in asked.open_channels().await.map_err(fail)?.into_iter().filter(|(id, _)| wanted(id)) {
            if !known.contains_key(&end.connection) {
                let connection = asked.connection(&end.connection).await.map_err(fail)?;
                let leads_to = asked.followed_chain(&connection.client).await.map_err(fail)?;
                known.insert(end.connection.clone(), (connection, leads_to));
            }
            if let Some((connection, leads_to)) = known.get(&end.connection).cloned() {
                found.push(OpenChannel { id, end, connection, leads_to });
            }
        }
        Ok(found)
    }

    /// Relaying is open to everybody on such chains, but where a client has a list of its own: the chain then says so by name.
    async fn check_roles(&self, _chain: &str, _signers: &[String]) -> Result<(), Failure> {
        Ok(())
    }
}

/// Unlocks keys. Deriving takes about a second of one core each; the runtime keeps its threads.
pub(crate) async fn unlock(chain: &str, config: &Config, signers: &[String]) -> Result<Keys, Failure> {
    let (config, signers) = (config.clone(), signers.to_vec());
    let unlocked: Result<Keys, KeyError> =
        tokio::task::spawn_blocking(move || Keys::unlock(&config, &signers, secrets::ask)).await.or_fail(Code::Failed)?;
    unlocked.map_err(|error| match &error {
        KeyError::File(FileError::Missing { name }) => super::no_keystore(chain, name),
        _ => Failure::new(Code::Key, format!("chain \"{chain}\": {error}")),
    })
}

fn failure(chain: &str, error: &AdapterError) -> Failure {
    let code = match error {
        AdapterError::Invalid { .. } => Code::BadConfig,
        _ => Code::Unavailable,
    };
    Failure::new(code, format!("chain \"{chain}\": {error}"))
}
