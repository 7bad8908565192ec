//! `causeway trust`: the block that everything else of a chain is verified from.

mod clients;

use crate::cli::Global;
use crate::config::{self, ChainConfig};
use crate::exit::{Code, Failure, OrFail};
use crate::{families, output, relayer};
use causeway_adapter::{AdapterError, Family};
use causeway_types::{ChainId, Height};
use serde_json::json;

/// Set and show the root of trust of a chain.
#[derive(Debug, clap::Args)]
pub(crate) struct Command {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Print what the endpoints say about a block, to compare with somebody who runs a node.
    Show {
        /// Name of the chain.
        chain: String,
        /// Height of the block [default: the newest].
        #[arg(long)]
        height: Option<u64>,
        /// The block of the lowest height that clients of the configured paths hold of this chain: a relay that takes them over must begin there,
        /// or below.
        #[arg(long, conflicts_with = "height")]
        for_clients: bool,
    },
    /// Check a block against the endpoints and write it into the configuration.
    Set {
        /// Name of the chain.
        chain: String,
        /// Height of the block.
        #[arg(long)]
        height: u64,
        /// Its hash, 64 hexadecimal digits.
        #[arg(long)]
        hash: String,
    },
    /// Bind the journal anew to the root in the configuration, after the trusting period ran out or the root was changed. Evidence against the
    /// chain is put aside: you vouch for the root that you have set.
    Reset {
        /// Name of the chain.
        chain: String,
    },
}

impl Command {
    /// Runs the action.
    pub(crate) async fn execute(self, global: &Global) -> Result<(), Failure> {
        let config = config::load(&global.config)?;
        match self.action {
            Action::Show { chain, height, for_clients } => {
                let chain = config.chain(&chain).or_fail(Code::BadConfig)?;
                if for_clients {
                    return clients::show(global, &config, chain).await;
                }
                show(global, chain, height.map(|number| families::height(chain, number))).await
            }
            Action::Set { chain, height, hash } => set(global, config.chain(&chain).or_fail(Code::BadConfig)?, height, hash).await,
            Action::Reset { chain } => {
                config.chain(&chain).or_fail(Code::BadConfig)?;
                let store = relayer::open_store(&config.relayer)?;
                let id = ChainId::new(&chain).or_fail(Code::BadConfig)?;
                let now_ms = causeway_engine::env::system().clock.now_ms();
                causeway_engine::trust::reset(store.as_ref(), &id, now_ms).await.or_fail(Code::Store)?;
                if global.json {
                    output::json_object(&json!({ "chain": chain, "reset": true }));
                } else {
                    println!("The journal forgot what it trusted of {chain}; the next start begins at the root in the configuration");
                }
                Ok(())
            }
        }
    }
}

/// What the endpoints say about a block.
async fn look(chain: &ChainConfig, height: Option<Height>) -> Result<(Height, [u8; 32]), Failure> {
    let family = families::watch_only(chain).await?;
    let (height, update) = family.adapter.root(height).await.map_err(|error| unanswered(chain, &error))?;
    Ok((height, checked(&family, &update)?))
}

/// The hash of a block that fits its own root.
fn checked(family: &Family, update: &[u8]) -> Result<[u8; 32], Failure> {
    let hash = family.light_client.block_hash(update).or_fail(Code::Untrusted)?;
    family.light_client.verify_root(&hash, update).or_fail(Code::Untrusted)?;
    Ok(hash)
}

fn unanswered(chain: &ChainConfig, error: &AdapterError) -> Failure {
    let advice = match error {
        AdapterError::HeightPruned { .. } => {
            "; a root of trust is proven from the state of its height: name an archive node in the configuration, or let another relayer \
             update the clients that follow this chain, and ask again"
        }
        _ => "",
    };
    Failure::new(Code::Unavailable, format!("chain \"{}\": {error}{advice}", chain.name))
}

async fn show(global: &Global, chain: &ChainConfig, height: Option<Height>) -> Result<(), Failure> {
    let (height, hash) = look(chain, height).await?;
    let hash = format!("0x{}", hex::encode(hash));
    if global.json {
        output::json_object(&json!({ "chain": chain.name, "height": height.number, "hash": hash }));
        return Ok(());
    }
    advise(chain, height, &hash);
    Ok(())
}

fn advise(chain: &ChainConfig, height: Height, hash: &str) {
    println!("The endpoints of {} say: height {height}, hash {hash}", chain.name);
    println!("Compare it with somebody who runs a node of that chain. If it is the same:");
    println!("  `causeway trust set {} --height {} --hash {hash}`", chain.name, height.number);
}

async fn set(global: &Global, chain: &ChainConfig, height: u64, hash: String) -> Result<(), Failure> {
    let wanted = config::Trust { height, hash: hash.clone() }.hash_bytes().or_fail(Code::BadConfig)?;
    let (_, found) = look(chain, Some(families::height(chain, height))).await?;
    if found != wanted {
        let found = hex::encode(found);
        let message =
            format!("chain \"{}\", height {height}: the endpoints have 0x{found}, you gave {hash}; nothing was written", chain.name);
        return Err(Failure::new(Code::Untrusted, message));
    }
    let height_value = i64::try_from(height).or_fail(Code::BadConfig)?;
    let hash = format!("0x{}", hex::encode(wanted));
    config::set_chain_values(&global.config, &chain.name, "trust", &[("height", height_value.into()), ("hash", hash.as_str().into())])?;
    if global.json {
        output::json_object(&json!({ "chain": chain.name, "height": height, "hash": hash }));
    } else {
        println!("{} is trusted from height {height}, hash {hash}; written to {}", chain.name, global.config.display());
    }
    Ok(())
}
