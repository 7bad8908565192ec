//! What the engine is told: chains, paths and knobs. Typed and validated; not a file format.
//!
//! The binary turns its TOML into these; tests write them directly. [`EngineConfig::validate`] runs before anything is opened.

use causeway_adapter::{ClientParams, Family, FeePolicy};
use causeway_types::classic::{ChannelEndId, ConnectionId, Order};
use causeway_types::{ChainId, ClientId, Hash, Height, PacketEnd};

/// Everything an engine needs to know.
#[derive(Debug, Clone)]
pub struct EngineConfig {
    /// Chains, each with a distinct id.
    pub chains: Vec<ChainSpec>,
    /// Paths between them, each with a distinct name.
    pub paths: Vec<PathSpec>,
    /// Connections whose channels are finished when others begin them, and relayed.
    pub handshakes: Vec<HandshakeSpec>,
    /// How packets are put together into transactions.
    pub batching: Batching,
    /// How old work is found again from state.
    pub clearing: Clearing,
    /// How long things may take.
    pub deadlines: Deadlines,
    /// How long finished packets stay queryable.
    pub retention: Retention,
}

/// One chain.
#[derive(Debug, Clone)]
pub struct ChainSpec {
    /// The operator's name for it.
    pub id: ChainId,
    /// Adapter and light client.
    pub family: Family,
    /// What the chain must call itself; checked at the start when given.
    pub native_chain_id: Option<String>,
    /// Policy of the clients that follow it.
    pub params: ClientParams,
    /// Names of the keys that pay on it. Each is a lane of its own: transactions of different keys do not wait for each other.
    pub signers: Vec<String>,
    /// What a transaction may cost.
    pub fees: FeePolicy,
    /// Where trust in it begins.
    pub root: RootOfTrust,
    /// Most that all keys together may spend in a day (UTC), in the smallest unit; `None`: no limit.
    pub spend_cap_per_day: Option<u128>,
}

/// Where trust in a chain begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RootOfTrust {
    /// The operator vouches for this block.
    Pinned {
        /// Its height.
        height: Height,
        /// The chain's own hash of it.
        hash: Hash,
    },
    /// What the endpoints agree on at the first start is believed, and pinned from then on.
    FirstUse,
    /// Nothing was said: the start refuses and prints what the endpoints say.
    Missing,
}

/// One end of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct End {
    /// The chain that hosts the client.
    pub chain: ChainId,
    /// The client, which follows the other end's chain.
    pub client: ClientId,
    /// In IBC classic: the channel over a connection of that client. None: IBC v2, whose packets name the client.
    pub channel: Option<ChannelEndId>,
}

impl End {
    /// What packets leave from and arrive at.
    pub fn packets(&self) -> PacketEnd {
        self.channel.clone().map_or_else(|| self.client.clone().into(), Into::into)
    }
}

/// A pair of clients that follow each other's chain, or a channel between them. Packets flow both ways.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathSpec {
    /// The operator's name for it, 1 to 64 characters of `[A-Za-z0-9._-]`.
    pub name: String,
    /// One end.
    pub a: End,
    /// The other.
    pub b: End,
    /// How its packets follow each other: unordered, but for some channels of IBC classic.
    pub order: Order,
    /// What is relayed.
    pub filter: Filter,
}

/// A connection of IBC classic on which channels that others begin are finished, step by proven step, and relayed as paths of their own:
/// what interchain accounts need. The relay pays for the steps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HandshakeSpec {
    /// One chain.
    pub a: ChainId,
    /// The other.
    pub b: ChainId,
    /// The connection on `a`, whose other end is on `b`; open, or finished before the start ([`crate::handshake::finish_connections`]).
    pub connection_a: ConnectionId,
    /// Ports whose channels are wanted: the port at each end fits one of these patterns, in which `*` stands for any run of characters.
    pub ports: Vec<String>,
}

/// What of a path is relayed. Patterns may hold `*` for any run of characters.
///
/// A deny pattern wins over an allow pattern; an empty allow list allows everything.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Ports (source or destination) that are relayed.
    pub ports_allow: Vec<String>,
    /// Ports that are not.
    pub ports_deny: Vec<String>,
    /// Senders that are relayed, as the application writes them.
    pub senders_allow: Vec<String>,
    /// Senders that are not.
    pub senders_deny: Vec<String>,
    /// Most bytes of all payload values together; `None`: the protocol's own limit.
    pub payload_bytes_max: Option<usize>,
}

/// How packets are put together into transactions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Batching {
    /// How long a packet may wait for company, milliseconds. 0: it leaves at the first opportunity, but for a few that are left over of whole
    /// transactions, which wait for the source's next block where that is known to bring more.
    pub age_max_ms: u64,
    /// Most packets in a transaction; the host's own limits apply as well.
    pub count_max: u32,
    /// Most transactions of one key that wait for their outcome at a time.
    pub in_flight_max: usize,
    /// The same where transactions are replaced at a higher price: pools of such chains keep few of an account (Besu: five, geth: sixteen).
    pub in_flight_replaceable_max: usize,
    /// After this long without inclusion a transaction is broadcast again, milliseconds.
    pub rebroadcast_ms: u64,
    /// After this long without inclusion it is replaced where the chain allows it, milliseconds.
    pub stuck_ms: u64,
}

impl Default for Batching {
    fn default() -> Self {
        Self { age_max_ms: 0, count_max: 100, in_flight_max: 16, in_flight_replaceable_max: 4, rebroadcast_ms: 5_000, stuck_ms: 30_000 }
    }
}

/// How old work is found again from state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Clearing {
    /// Time between two passes, milliseconds.
    pub interval_ms: u64,
    /// Most packets of one direction that clearing keeps in work at a time.
    pub budget: usize,
    /// Sequences asked for in one call.
    pub page: u32,
}

impl Default for Clearing {
    fn default() -> Self {
        Self { interval_ms: 60_000, budget: 1_000, page: 500 }
    }
}

/// How long things may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deadlines {
    /// A call to an adapter, milliseconds.
    pub call_ms: u64,
    /// How long a chain may stay silent in a long poll, milliseconds.
    pub watch_ms: u64,
    /// A client is refreshed when this part of its trusting period is over, percent.
    pub refresh_percent: u32,
    /// How long "already received" by an endpoint's word alone delays a packet, milliseconds.
    pub hint_ms: u64,
    /// First delay after a failure, milliseconds; it doubles up to `retry_max_ms`.
    pub retry_min_ms: u64,
    /// Longest delay after failures, milliseconds.
    pub retry_max_ms: u64,
}

impl Default for Deadlines {
    fn default() -> Self {
        Self { call_ms: 30_000, watch_ms: 10_000, refresh_percent: 66, hint_ms: 20_000, retry_min_ms: 500, retry_max_ms: 60_000 }
    }
}

/// How long finished packets stay queryable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// Summaries of finished packets, milliseconds.
    pub finished_ms: u64,
    /// Change numbers kept for `watch`.
    pub changes: u64,
}

impl Default for Retention {
    fn default() -> Self {
        Self { finished_ms: 30 * 24 * 3_600_000, changes: 1_000_000 }
    }
}

/// A value that cannot be worked with.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{key}: {value} is not possible; {allowed}")]
pub struct ConfigError {
    /// Which value.
    pub key: String,
    /// What it holds.
    pub value: String,
    /// What is allowed, in words.
    pub allowed: String,
}

impl EngineConfig {
    /// A configuration with default knobs.
    pub fn new(chains: Vec<ChainSpec>, paths: Vec<PathSpec>) -> Self {
        Self {
            chains,
            paths,
            handshakes: Vec::new(),
            batching: Batching::default(),
            clearing: Clearing::default(),
            deadlines: Deadlines::default(),
            retention: Retention::default(),
        }
    }

    /// Checks everything that can be checked without a chain.
    ///
    /// # Errors
    /// [`ConfigError`] naming key, value and what is allowed.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let fail = |key: String, value: String, allowed: &str| Err(ConfigError { key, value, allowed: allowed.to_owned() });
        for (i, chain) in self.chains.iter().enumerate() {
            if self.chains.iter().take(i).any(|other| other.id == chain.id) {
                return fail(format!("chains[{i}].id"), chain.id.to_string(), "every chain needs an id of its own");
            }
            if chain.params.trusting_period_s == 0 {
                return fail(format!("chains[{i}].trusting_period"), "0".into(), "give a positive number of seconds");
            }
        }
        for (i, path) in self.paths.iter().enumerate() {
            self.validate_path(i, path)?;
        }
        for (i, handshake) in self.handshakes.iter().enumerate() {
            let key = format!("handshakes[{i}]");
            if handshake.a == handshake.b {
                return fail(key, handshake.a.to_string(), "a connection joins two chains");
            }
            if let Some(unknown) = [&handshake.a, &handshake.b].into_iter().find(|id| !self.chains.iter().any(|chain| chain.id == **id)) {
                return fail(key, unknown.to_string(), "name a chain that is configured");
            }
            if handshake.ports.is_empty() {
                return fail(key, "no ports".into(), "name the ports whose channels are wanted; `*` stands for any run of characters");
            }
        }
        let b = &self.batching;
        if b.count_max == 0 || b.in_flight_max == 0 || b.in_flight_replaceable_max == 0 {
            return fail("batching".into(), "0".into(), "count and in-flight limits are at least 1");
        }
        if self.deadlines.refresh_percent == 0 || self.deadlines.refresh_percent > 90 {
            return fail("deadlines.refresh_percent".into(), self.deadlines.refresh_percent.to_string(), "1 to 90 are allowed");
        }
        if self.clearing.budget == 0 || self.clearing.page == 0 || self.clearing.interval_ms == 0 {
            return fail("clearing".into(), "0".into(), "interval, budget and page are at least 1");
        }
        Ok(())
    }

    fn validate_path(&self, i: usize, path: &PathSpec) -> Result<(), ConfigError> {
        let fail = |key: String, value: String, allowed: &str| Err(ConfigError { key, value, allowed: allowed.to_owned() });
        let name_ok =
            !path.name.is_empty() && path.name.len() <= 64 && path.name.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b));
        if !name_ok {
            return fail(format!("paths[{i}].name"), path.name.clone(), "1 to 64 letters, digits, `.`, `_`, `-`");
        }
        for (j, other) in self.paths.iter().take(i).enumerate() {
            if other.name == path.name {
                return fail(format!("paths[{i}].name"), path.name.clone(), "every path needs a name of its own");
            }
            let same = |a: &End, b: &End| a.chain == b.chain && a.packets() == b.packets();
            let shared = [&path.a, &path.b].into_iter().any(|end| same(end, &other.a) || same(end, &other.b));
            if shared {
                return fail(format!("paths[{i}]"), path.name.clone(), &format!("paths[{j}] has the same client or channel already"));
            }
        }
        if path.a.channel.is_some() != path.b.channel.is_some() {
            return fail(format!("paths[{i}]"), path.name.clone(), "name a channel at both ends, or at none");
        }
        if path.order == Order::Ordered && path.a.channel.is_none() {
            return fail(format!("paths[{i}].order"), "ordered".into(), "only channels can be ordered");
        }
        if path.a.chain == path.b.chain {
            return fail(format!("paths[{i}]"), path.a.chain.to_string(), "the ends of a path are on different chains");
        }
        for end in [&path.a, &path.b] {
            match self.chains.iter().find(|chain| chain.id == end.chain) {
                None => return fail(format!("paths[{i}]"), end.chain.to_string(), "name a chain that is configured"),
                Some(chain) if chain.signers.is_empty() => {
                    return fail(format!("chain {}: signers", chain.id), "none".into(), "name at least one key that pays");
                }
                Some(_) => {}
            }
        }
        Ok(())
    }
}
