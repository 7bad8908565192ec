//! The block from which clients that exist can be taken over: a relay verifies what they hold from its root, which so must not be newer.

use super::{advise, checked, unanswered};
use crate::cli::Global;
use crate::config::{ChainConfig, Config};
use crate::exit::{Code, Failure, OrFail};
use crate::{families, output};
use causeway_adapter::{AdapterError, ChainAdapter};
use causeway_types::{ClientId, Height};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};

/// Heights tried below one that has no root.
const LOOKS_MAX: u32 = 16;

/// A client, and the newest height of the followed chain that it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Holder {
    host: String,
    client: ClientId,
    latest: Height,
}

/// Prints the block, and which client it is for.
pub(super) async fn show(global: &Global, config: &Config, chain: &ChainConfig) -> Result<(), Failure> {
    let holder = lowest(config, chain).await?;
    let family = families::watch_only(chain).await?;
    let (height, update) = root_at_most(family.adapter.as_ref(), holder.latest).await.map_err(|error| unanswered(chain, &error))?;
    let hash = format!("0x{}", hex::encode(checked(&family, &update)?));
    let Holder { host, client, latest } = &holder;
    if global.json {
        let client = json!({ "chain": host, "client": client.as_str(), "height": latest.number });
        output::json_object(&json!({ "chain": chain.name, "height": height.number, "hash": hash, "client": client }));
        return Ok(());
    }
    println!("The lowest height of {} that a client of the paths holds is {latest}, in {client} on {host}", chain.name);
    advise(chain, height, &hash);
    Ok(())
}

/// The clients of the configured paths that follow a chain, by their hosts.
fn followers<'c>(config: &'c Config, chain: &str) -> BTreeMap<&'c str, BTreeSet<&'c str>> {
    let mut all: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for path in &config.paths {
        for (followed, host) in [(&path.a, &path.b), (&path.b, &path.a)] {
            if followed.chain == chain {
                all.entry(&host.chain).or_default().insert(&host.client);
            }
        }
    }
    all
}

/// The client that holds the least of a chain. Its own newest height counts: that is what a start verifies.
async fn lowest(config: &Config, chain: &ChainConfig) -> Result<Holder, Failure> {
    let mut all = Vec::new();
    for (host, clients) in followers(config, &chain.name) {
        let adapter = families::watch_only(config.chain(host).or_fail(Code::BadConfig)?).await?.adapter;
        for client in clients {
            let client = ClientId::new(client).or_fail(Code::BadConfig)?;
            let view = adapter.client(&client).await.map_err(|error| {
                let code = if matches!(error, AdapterError::NotFound { .. }) { Code::BadConfig } else { Code::Unavailable };
                Failure::new(code, format!("chain \"{host}\": {error}"))
            })?;
            all.push(Holder { host: host.to_owned(), client, latest: view.latest });
        }
    }
    all.into_iter().min_by_key(|holder| holder.latest).ok_or_else(|| {
        let advice = "make paths of what is there first (`causeway path discover CHAIN --add`), or leave out --for-clients";
        Failure::new(Code::BadConfig, format!("no client of a configured path follows chain \"{}\"; {advice}", chain.name))
    })
}

/// The root at a height, or at the nearest one below it that has one.
async fn root_at_most(adapter: &dyn ChainAdapter, mut height: Height) -> Result<(Height, Vec<u8>), AdapterError> {
    let mut looks = 1_u32;
    loop {
        match adapter.root(Some(height)).await {
            Err(AdapterError::NotFound { .. }) if looks < LOOKS_MAX && height.number > 1 => height = height.minus(1),
            answer => return answer,
        }
        looks = looks.saturating_add(1);
    }
}

#[cfg(test)]
mod tests;
