//! `causeway client upgrade`: hands a client over to the chain that takes the place of the one it follows.
//!
//! Everything is verified before anything is sent: the last header of the old chain from the root of trust, what the old chain left behind by
//! that header. Calling it again goes on where it stopped.

use super::update::{progress, setup};
use super::{Named, look};
use crate::cli::Global;
use crate::config::{ChainConfig, Config};
use crate::exit::{Code, Failure, OrFail};
use crate::families::cosmos::upgrade as family;
use crate::{families, output, relayer};
use causeway_adapter::{AdapterError, ClientView};
use causeway_cosmos_adapter::{Successor, followed_chain};
use causeway_engine::client::{bring, verified};
use causeway_store::Store;
use causeway_types::{ChainId, ClientId, Height};
use serde_json::json;
use std::sync::Arc;

/// Hand a client over to the chain that goes on under another name after an upgrade (ibc-go). The configuration still names the old chain and
/// nodes of it that have its last state; no relayer may run on the same store.
#[derive(Debug, clap::Args)]
pub(super) struct Upgrade {
    #[command(flatten)]
    named: Named,
    /// Height of the upgrade plan, at which the old chain stopped.
    #[arg(long)]
    height: u64,
    /// Key that signs and pays on the host [default: the chain's first signer].
    #[arg(long)]
    signer: Option<String>,
    /// Where no root of trust is configured, believe what the endpoints agree on now.
    #[arg(long)]
    trust_on_first_use: bool,
}

/// One upgrade, with everything that it needs.
struct Job<'a> {
    host: &'a ChainConfig,
    source: &'a ChainConfig,
    client: ClientId,
    /// The last height of the old chain.
    last: Height,
    store: Arc<dyn Store>,
}

impl Upgrade {
    /// Runs the command.
    pub(super) async fn execute(self, global: &Global, config: &Config) -> Result<(), Failure> {
        let host = config.chain(&self.named.chain).or_fail(Code::BadConfig)?;
        family::tables(host)?;
        let store = relayer::open_store(&config.relayer)?;
        let view = look(host, &self.named.client).await?;
        let source = self.named.source(config, &view)?;
        family::tables(source)?;
        let last = families::height(source, self.height);
        let job = Job { host, source, client: view.client_id.clone(), last, store };
        let states = family::left_behind(source, last).await?;
        let old = setup((host, source), &self.named.client, Some(self.height), self.trust_on_first_use).await?;
        let trusted = verified(&old.source, last, Arc::clone(&job.store), causeway_engine::env::system()).await;
        let trusted = trusted.map_err(|error| relayer::start_failure(&error))?;
        let successor = family::successor(source, &trusted, &states)?;
        let transaction = if job.is_done(&view, &successor).await? {
            None
        } else {
            job.may_be_done(&view, &successor)?;
            let report = progress(global.json);
            let brought = bring(&old, Arc::clone(&job.store), causeway_engine::env::system(), &report).await;
            brought.map_err(|error| relayer::start_failure(&error))?;
            Some(family::hand_over((host, self.signer.as_deref()), &job.client, &states).await?)
        };
        let upgraded = look(host, &self.named.client).await?;
        if followed_chain(&upgraded.state).as_ref() != Some(&successor.chain_id) {
            let message = format!(
                "client {} on {} still follows another chain than {}; run the command again",
                job.client, host.name, successor.chain_id
            );
            return Err(Failure::new(Code::Failed, message));
        }
        let id = ChainId::new(&source.name).or_fail(Code::BadConfig)?;
        let now_ms = causeway_engine::env::system().clock.now_ms();
        causeway_engine::trust::adopt(job.store.as_ref(), &id, (&successor.trusted, last), now_ms).await.or_fail(Code::Store)?;
        job.print(global, &successor, transaction.as_deref());
        Ok(())
    }
}

impl Job<'_> {
    /// Whether somebody did it before; the client must hold what the old chain left then.
    async fn is_done(&self, view: &ClientView, successor: &Successor) -> Result<bool, Failure> {
        if followed_chain(&view.state).as_ref() != Some(&successor.chain_id) || view.latest < successor.trusted.height {
            return Ok(false);
        }
        let family = families::watch_only(self.host).await?;
        match family.adapter.consensus(&self.client, successor.trusted.height).await {
            Ok(held) if held.hash == family::consensus_hash(self.source, &successor.trusted)? => Ok(true),
            Ok(_) => {
                let message = format!(
                    "client {} on {} follows {} from another state than {} left at height {}: do not use it",
                    self.client, self.host.name, successor.chain_id, self.source.name, self.last
                );
                Err(Failure::new(Code::Untrusted, message))
            }
            // The host forgets heights that have expired.
            Err(AdapterError::NotFound { .. }) => Ok(true),
            Err(error) => Err(Failure::new(Code::Unavailable, format!("chain \"{}\": {error}", self.host.name))),
        }
    }

    /// A client is handed over from the last height of the old chain only.
    fn may_be_done(&self, view: &ClientView, successor: &Successor) -> Result<(), Failure> {
        let (client, host) = (&self.client, &self.host.name);
        let expected = family::tables(self.source)?.chain_id.clone();
        let follows = followed_chain(&view.state).unwrap_or_default();
        if follows != expected {
            let message = format!(
                "client {client} on {host} follows {follows}, and {} is {expected}, whose place {} takes; name the right chain with --follows",
                self.source.name, successor.chain_id
            );
            return Err(Failure::new(Code::BadConfig, message));
        }
        if view.latest > self.last {
            let message = format!(
                "client {client} on {host} is at height {}, past {}: a client is handed over from the height of the plan only; if the height \
                 is right, the authority of {host} must recover the client (docs/operations.md, \"Recovering a client\")",
                view.latest, self.last
            );
            return Err(Failure::new(Code::Failed, message));
        }
        Ok(())
    }

    fn print(&self, global: &Global, successor: &Successor, transaction: Option<&str>) {
        let (client, host, source) = (&self.client, &self.host.name, &self.source.name);
        let Successor { chain_id, trusted } = successor;
        if global.json {
            let object = json!({
                "chain": host, "client": client.as_str(), "follows": chain_id, "height": trusted.height.number,
                "revision": trusted.height.revision, "transaction": transaction, "already": transaction.is_none(),
            });
            output::json_object(&object);
            return;
        }
        match transaction {
            Some(transaction) => {
                println!("Client {client} on {host} follows {chain_id} from height {} on: transaction {transaction}", trusted.height)
            }
            None => println!("Client {client} on {host} follows {chain_id} already"),
        }
        println!("The journal trusts {chain_id} from what {source} left. When all clients of {source} are handed over, set");
        println!("  chain_id = \"{chain_id}\"");
        println!("and the addresses of its nodes in [chain.cosmos] of {source}; then `causeway health` and `causeway start`");
    }
}
