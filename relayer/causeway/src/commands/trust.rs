//! `causeway trust`: the block that everything else of a chain is verified from.

use crate::cli::Global;
use crate::config::{self, ChainConfig};
use crate::exit::{Code, Failure, OrFail};
use crate::{families, output, relayer};
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
            Action::Show { chain, height } => show(global, config.chain(&chain).or_fail(Code::BadConfig)?, height).await,
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
async fn look(chain: &ChainConfig, height: Option<u64>) -> Result<(Height, [u8; 32], Vec<u8>), Failure> {
    let family = families::watch_only(chain).await?;
    let (height, update) = family.adapter.root(height.map(|number| families::height(chain, number))).await.or_fail(Code::Unavailable)?;
    let hash = family.light_client.block_hash(&update).or_fail(Code::Untrusted)?;
    family.light_client.verify_root(&hash, &update).or_fail(Code::Untrusted)?;
    Ok((height, hash, update))
}

async fn show(global: &Global, chain: &ChainConfig, height: Option<u64>) -> Result<(), Failure> {
    let (height, hash, _) = look(chain, height).await?;
    let hash = format!("0x{}", hex::encode(hash));
    if global.json {
        output::json_object(&json!({ "chain": chain.name, "height": height.number, "hash": hash }));
        return Ok(());
    }
    println!("The endpoints of {} say: height {height}, hash {hash}", chain.name);
    println!("Compare it with somebody who runs a node of that chain. If it is the same:");
    println!("  `causeway trust set {} --height {} --hash {hash}`", chain.name, height.number);
    Ok(())
}

async fn set(global: &Global, chain: &ChainConfig, height: u64, hash: String) -> Result<(), Failure> {
    let wanted = config::Trust { height, hash: hash.clone() }.hash_bytes().or_fail(Code::BadConfig)?;
    let (_, found, _) = look(chain, Some(height)).await?;
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
