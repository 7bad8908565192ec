//! `causeway path discover`: the open channels of a chain, where they lead, and paths made of those between configured chains.
//!
//! Nothing is sent. What an endpoint says of a channel is compared with the other chain before it becomes a path; a running relayer verifies
//! it again by proofs.

use super::path_json;
use crate::cli::Global;
use crate::config::{self, ChainConfig, Config, EndConfig, PathConfig};
use crate::exit::{Code, Failure, OrFail};
use crate::families::{self, OpenChannel};
use crate::output;
use causeway_adapter::{AdapterError, ChainAdapter};
use causeway_engine::pattern_matches;
use causeway_types::ChainId;
use causeway_types::classic::{ChannelEndId, Order};
use serde_json::json;
use std::collections::HashMap;
use std::sync::Arc;

/// Longest name of a path.
const NAME_CHARS_MAX: usize = 64;

/// Find the open channels of a chain and where they lead; with --add, make paths of those between configured chains.
#[derive(Debug, clap::Args)]
pub(super) struct Discover {
    /// Name of the chain.
    chain: String,
    /// Only channels that fit, for example transfer/channel-141 or 'ica*/*'; may be given several times.
    #[arg(long, value_name = "PORT/CHANNEL", value_parser = pattern)]
    only: Vec<(String, String)>,
    /// No channels that fit; may be given several times.
    #[arg(long, value_name = "PORT/CHANNEL", value_parser = pattern)]
    except: Vec<(String, String)>,
    /// Write a [[path]] into the configuration for each that leads to a configured chain and is not there yet.
    #[arg(long)]
    add: bool,
}

/// A pattern of port and channel; `*` stands for any run of characters.
fn pattern(text: &str) -> Result<(String, String), String> {
    let parts = text.trim().split_once('/').filter(|(port, channel)| !port.is_empty() && !channel.is_empty() && !channel.contains('/'));
    let (port, channel) = parts.ok_or("write it as port/channel, for example transfer/channel-141 or 'ica*/*'")?;
    Ok((port.to_string(), channel.to_string()))
}

fn fits(patterns: &[(String, String)], id: &ChannelEndId) -> bool {
    patterns.iter().any(|(port, channel)| pattern_matches(port, id.port.as_str()) && pattern_matches(channel, id.channel.as_str()))
}

/// A channel and what becomes of it.
struct Found {
    channel: OpenChannel,
    /// The configured chain that it leads to.
    other: Option<String>,
    /// Its path, new or there already.
    path: Option<PathConfig>,
    /// Why it became none, or that it is one.
    note: String,
}

impl Discover {
    /// Looks, and writes what was asked for.
    pub(super) async fn execute(self, global: &Global, config: &Config) -> Result<(), Failure> {
        let chain = config.chain(&self.chain).or_fail(Code::BadConfig)?;
        let wanted = |id: &ChannelEndId| (self.only.is_empty() || fits(&self.only, id)) && !fits(&self.except, id);
        let channels = families::channels(chain, &wanted).await?;
        let mut others = Others { config, adapters: HashMap::new() };
        let mut found = Vec::with_capacity(channels.len());
        for channel in channels {
            found.push(self.judge(global, config, (chain, channel), &mut others).await?);
        }
        let added: Vec<&PathConfig> = found.iter().filter(|one| one.note == ADDED).filter_map(|one| one.path.as_ref()).collect();
        if global.json {
            let added: Vec<_> = added.into_iter().map(path_json).collect();
            output::json_object(&json!({ "channels": found.iter().map(Found::json).collect::<Vec<_>>(), "added": added }));
            return Ok(());
        }
        println!("{}", output::table(&["channel", "leads to", "connection", "client", "path"], found.iter().map(Found::row).collect()));
        if self.add {
            println!("{} paths written to {}", added.len(), global.config.display());
        }
        Ok(())
    }

    async fn judge(
        &self,
        global: &Global,
        config: &Config,
        (chain, channel): (&ChainConfig, OpenChannel),
        others: &mut Others<'_>,
    ) -> Result<Found, Failure> {
        let other = config.chains.iter().find(|other| families::native_chain_id(other).as_deref() == Some(channel.leads_to.as_str()));
        let mut found = Found { other: other.map(|other| other.name.clone()), channel, path: None, note: String::new() };
        let Some(other) = other else {
            "the other chain is not configured".clone_into(&mut found.note);
            return Ok(found);
        };
        let Some(path) = path_of(chain, other, &found.channel) else {
            "its other end is not known, or the names of the chains are too long for a path's".clone_into(&mut found.note);
            return Ok(found);
        };
        if let Some(there) = config.paths.iter().find(|there| is_same(there, &path)) {
            found.note = format!("is path {}", there.name);
            found.path = Some(there.clone());
            return Ok(found);
        }
        if !self.add {
            "--add makes a path of it".clone_into(&mut found.note);
            return Ok(found);
        }
        if let Some(difference) = difference(&found.channel, others.adapter(other).await?.as_ref()).await? {
            found.note = format!("left out: {difference}");
            return Ok(found);
        }
        config::append_path(&global.config, &path)?;
        found.path = Some(path);
        ADDED.clone_into(&mut found.note);
        Ok(found)
    }
}

/// What is noted of a channel that became a path.
const ADDED: &str = "added";

/// Connections to the chains at the other ends, made when they are needed.
struct Others<'a> {
    config: &'a Config,
    adapters: HashMap<String, Arc<dyn ChainAdapter>>,
}

impl Others<'_> {
    async fn adapter(&mut self, chain: &ChainConfig) -> Result<Arc<dyn ChainAdapter>, Failure> {
        if let Some(adapter) = self.adapters.get(&chain.name) {
            return Ok(Arc::clone(adapter));
        }
        let family = families::watch_only(self.config.chain(&chain.name).or_fail(Code::BadConfig)?).await?;
        self.adapters.insert(chain.name.clone(), Arc::clone(&family.adapter));
        Ok(family.adapter)
    }
}

fn path_of(chain: &ChainConfig, other: &ChainConfig, channel: &OpenChannel) -> Option<PathConfig> {
    let id = channel.id.channel.as_str();
    let names = [format!("{}-{id}-{}", chain.name, other.name), format!("{}-{id}", chain.name)];
    let name = names.into_iter().find(|name| name.len() <= NAME_CHARS_MAX && ChainId::new(name).is_ok())?;
    let counterparty = ChannelEndId { port: channel.end.counterparty_port.clone(), channel: channel.end.counterparty.clone()? };
    let end = |chain: &ChainConfig, client: &causeway_types::ClientId, channel: &ChannelEndId| EndConfig {
        chain: chain.name.clone(),
        client: client.to_string(),
        channel: Some(channel.to_string()),
    };
    Some(PathConfig {
        name,
        a: end(chain, &channel.connection.client, &channel.id),
        b: end(other, &channel.connection.counterparty_client, &counterparty),
        ordered: channel.end.order == Order::Ordered,
        allow_ports: Vec::new(),
        deny_ports: Vec::new(),
        allow_senders: Vec::new(),
        deny_senders: Vec::new(),
        payload_bytes_max: None,
    })
}

/// Whether two paths join the same channel ends, in either direction.
fn is_same(a: &PathConfig, b: &PathConfig) -> bool {
    let end = |end: &EndConfig| (end.chain.clone(), end.channel.clone());
    let (a, b) = ((end(&a.a), end(&a.b)), (end(&b.a), end(&b.b)));
    a == b || (a.0 == b.1 && a.1 == b.0)
}

/// What the other chain says that does not fit the channel; none when both ends name each other.
async fn difference(channel: &OpenChannel, other: &dyn ChainAdapter) -> Result<Option<String>, Failure> {
    let (Some(id), Some(connection)) = (channel.end.counterparty.clone(), channel.connection.counterparty.clone()) else {
        return Ok(Some("its other end is not known".to_string()));
    };
    let there = ChannelEndId { port: channel.end.counterparty_port.clone(), channel: id };
    let (end, opposite) = match (other.channel(&there).await, other.connection(&connection).await) {
        (Ok(end), Ok(opposite)) => (end, opposite),
        (Err(error @ AdapterError::NotFound { .. }), _) | (_, Err(error @ AdapterError::NotFound { .. })) => {
            return Ok(Some(error.to_string()));
        }
        (Err(error), _) | (_, Err(error)) => return Err(Failure::new(Code::Unavailable, error)),
    };
    let mirrored = end.counterparty_port == channel.id.port
        && end.counterparty.as_ref() == Some(&channel.id.channel)
        && end.connection == connection
        && opposite.counterparty.as_ref() == Some(&channel.end.connection)
        && opposite.client == channel.connection.counterparty_client
        && opposite.counterparty_client == channel.connection.client;
    Ok((!mirrored).then(|| format!("{there} does not name {} as its other end", channel.id)))
}

impl Found {
    fn leads_to(&self) -> String {
        let end = self.channel.end.counterparty.as_ref().map_or_else(|| "?".to_string(), ToString::to_string);
        let chain = self.other.as_deref().unwrap_or(&self.channel.leads_to);
        format!("{chain} / {}/{end}", self.channel.end.counterparty_port)
    }

    fn row(&self) -> Vec<String> {
        vec![
            self.channel.id.to_string(),
            self.leads_to(),
            self.channel.end.connection.to_string(),
            self.channel.connection.client.to_string(),
            self.path.as_ref().filter(|_| self.note == ADDED).map_or_else(|| self.note.clone(), |path| format!("added {}", path.name)),
        ]
    }

    fn json(&self) -> serde_json::Value {
        let end = &self.channel.end;
        json!({
            "channel": self.channel.id.to_string(),
            "ordered": end.order == Order::Ordered,
            "version": end.version,
            "connection": end.connection.to_string(),
            "client": self.channel.connection.client.to_string(),
            "counterparty": {
                "chain_id": self.channel.leads_to,
                "chain": self.other,
                "channel": end.counterparty.as_ref().map(|channel| format!("{}/{channel}", end.counterparty_port)),
                "connection": self.channel.connection.counterparty.as_ref().map(ToString::to_string),
                "client": self.channel.connection.counterparty_client.to_string(),
            },
            "path": self.path.as_ref().map(|path| path.name.clone()),
            "note": self.note,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use causeway_types::PacketEnd;

    fn id(text: &str) -> ChannelEndId {
        match text.parse() {
            Ok(PacketEnd::Channel(id)) => id,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn patterns_fit_port_and_channel() {
        let patterns = |texts: &[&str]| texts.iter().map(|text| pattern(text).expect("a pattern")).collect::<Vec<_>>();
        let list = patterns(&["ica*/*", "transfer/channel-14*"]);
        for (text, expected) in
            [("icahost/channel-7", true), ("transfer/channel-141", true), ("transfer/channel-15", false), ("xica/channel-7", false)]
        {
            assert_eq!(fits(&list, &id(text)), expected, "{text}");
        }
        for text in ["transfer", "/channel-0", "transfer/", "a/b/c"] {
            pattern(text).expect_err(text);
        }
    }
}
