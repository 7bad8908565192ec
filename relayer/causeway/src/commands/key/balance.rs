//! `causeway key balance`: what the accounts of the keys hold, as the chains say. Needs no running relayer.

use crate::cli::Global;
use crate::config::{self, ChainConfig};
use crate::exit::{Code, Failure, OrFail};
use crate::{families, output};
use serde_json::json;

/// One account.
struct Held {
    chain: String,
    key: String,
    /// Whether the relayer pays from it; else it is there to send by hand.
    relays: bool,
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
                json!({
                    "chain": one.chain, "key": one.key, "relays": one.relays, "address": one.address,
                    "balance": one.balance.to_string(), "denom": one.denom,
                })
            })
            .collect();
        output::json_object(&json!({ "keys": keys }));
        return Ok(());
    }
    let rows = held.into_iter().map(|one| {
        let purpose = if one.relays { "relays" } else { "sends by hand" }.to_string();
        vec![one.chain, one.key, purpose, one.address, format!("{} {}", one.balance, one.denom)]
    });
    println!("{}", output::table(&["chain", "key", "what for", "account", "balance"], rows.collect()));
    Ok(())
}

/// The adapter knows accounts by unlocked keys, be it built in or remote. Those of a remote one are in its own process: only the names that
/// relay are known here.
async fn of_chain(chain: &ChainConfig) -> Result<Vec<Held>, Failure> {
    let mut keys = chain.signers.clone();
    if chain.adapter.is_none() {
        let others = families::tables(chain).into_iter().flat_map(families::BuiltIn::ready_keys);
        keys.extend(others.filter(|key| !chain.signers.contains(key)));
    }
    let adapter = families::probe(chain, &keys).await?;
    let denom = adapter.describe().await.or_fail(Code::Unavailable)?.fee_denom;
    let mut held = Vec::new();
    for key in keys {
        let account =
            adapter.account(&key).await.map_err(|error| Failure::new(Code::Unavailable, format!("chain \"{}\": {error}", chain.name)))?;
        let relays = chain.signers.contains(&key);
        held.push(Held {
            chain: chain.name.clone(),
            key,
            relays,
            address: account.address,
            balance: account.balance,
            denom: denom.clone(),
        });
    }
    Ok(held)
}
