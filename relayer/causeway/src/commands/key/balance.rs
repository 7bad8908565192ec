//! `causeway key balance`: what the accounts hold that pay, as the chains say. Needs no running relayer.

use crate::cli::Global;
use crate::config::{self, ChainConfig};
use crate::exit::{Code, Failure, OrFail};
use crate::{families, output};
use serde_json::json;

/// One account.
struct Held {
    chain: String,
    key: String,
    address: String,
    balance: u128,
    denom: String,
}

pub(super) async fn execute(global: &Global, chains: &[String]) -> Result<(), Failure> {
    let config = config::load(&global.config)?;
    let named = chains.iter().map(|name| config.chain(name)).collect::<Result<Vec<_>, _>>().or_fail(Code::BadConfig)?;
    let chains: Vec<&ChainConfig> = if named.is_empty() { config.chains.iter().collect() } else { named };
    let mut held = Vec::new();
    for chain in chains {
        held.extend(of_chain(chain).await?);
    }
    if global.json {
        let keys: Vec<_> = held
            .iter()
            .map(|one| {
                // As text: amounts are larger than what programs read as numbers.
                json!({ "chain": one.chain, "key": one.key, "address": one.address, "balance": one.balance.to_string(), "denom": one.denom })
            })
            .collect();
        output::json_object(&json!({ "keys": keys }));
        return Ok(());
    }
    let rows = held.into_iter().map(|one| vec![one.chain, one.key, one.address, format!("{} {}", one.balance, one.denom)]).collect();
    println!("{}", output::table(&["chain", "key", "account", "balance"], rows));
    Ok(())
}

/// The adapter knows accounts by unlocked keys, be it built in or remote.
async fn of_chain(chain: &ChainConfig) -> Result<Vec<Held>, Failure> {
    let family = families::connect(chain).await?;
    let denom = family.adapter.describe().await.or_fail(Code::Unavailable)?.fee_denom;
    let mut held = Vec::new();
    for key in &chain.signers {
        let account = family
            .adapter
            .account(key)
            .await
            .map_err(|error| Failure::new(Code::Unavailable, format!("chain \"{}\": {error}", chain.name)))?;
        let (chain, key) = (chain.name.clone(), key.clone());
        held.push(Held { chain, key, address: account.address, balance: account.balance, denom: denom.clone() });
    }
    Ok(held)
}
