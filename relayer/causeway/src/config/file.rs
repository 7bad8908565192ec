//! The typed configuration. Field docs say unit, default and bounds; `validate` enforces them.

use super::handshake::HandshakeConfig;
use crate::families;
use causeway_engine::End;
use causeway_types::classic::Order;
use causeway_types::packet::PAYLOAD_BYTES_MAX;
use causeway_types::{ChainId, ClientId, PacketEnd};
use serde::Deserialize;
use std::collections::HashSet;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// Most patterns in one list of a path.
const PATTERNS_MAX: u64 = 1_000;
/// Longest pattern, bytes.
const PATTERN_CHARS_MAX: usize = 256;

/// The whole file.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// The relayer itself.
    #[serde(default)]
    pub(crate) relayer: Relayer,
    /// Where it can be reached.
    #[serde(default)]
    pub(crate) api: Api,
    /// The chains.
    #[serde(default, rename = "chain")]
    pub(crate) chains: Vec<ChainConfig>,
    /// The paths between them; `causeway path create` adds one.
    #[serde(default, rename = "path")]
    pub(crate) paths: Vec<PathConfig>,
    /// Connections on which channels that others begin are finished and relayed.
    #[serde(default, rename = "handshake")]
    pub(crate) handshakes: Vec<HandshakeConfig>,
}

/// The relayer itself.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Relayer {
    /// Folder of the journal.
    pub(crate) store: PathBuf,
    /// Which store: `sled` (default) or `redb`.
    pub(crate) store_backend: StoreBackend,
    /// Seconds between clearings from state, 1 to 86400.
    pub(crate) clear_interval_s: u64,
    /// Seconds a shutdown waits for transactions in flight, 0 to 600.
    pub(crate) drain_deadline_s: u64,
    /// Most packets in one transaction, 1 to 1000; the chain's own limits apply as well.
    pub(crate) batch_packets_max: u32,
    /// Longest time a packet waits for others to share its transaction, milliseconds, 0 to 60000.
    pub(crate) batch_age_max_ms: u64,
}

/// Which store holds the journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum StoreBackend {
    /// sled, the embedded default.
    Sled,
    /// redb.
    Redb,
}

impl Default for Relayer {
    fn default() -> Self {
        Self {
            store: PathBuf::from("causeway-data"),
            store_backend: StoreBackend::Sled,
            clear_interval_s: 60,
            drain_deadline_s: 20,
            batch_packets_max: 100,
            batch_age_max_ms: 0,
        }
    }
}

/// Where the relayer can be reached.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Api {
    /// gRPC address for dApps and operators. Loopback unless `allow_remote`.
    pub(crate) grpc_listen: SocketAddr,
    /// HTTP address of /metrics, /healthz and /readyz. Loopback unless `allow_remote`.
    pub(crate) http_listen: SocketAddr,
    /// Permits addresses other than loopback: the services have no authentication of their own yet.
    pub(crate) allow_remote: bool,
}

impl Default for Api {
    fn default() -> Self {
        Self {
            grpc_listen: SocketAddr::from(([127, 0, 0, 1], 7600)),
            http_listen: SocketAddr::from(([127, 0, 0, 1], 7601)),
            allow_remote: false,
        }
    }
}

/// One chain.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ChainConfig {
    /// The operator's name for it.
    pub(crate) name: String,
    /// Address of a remote adapter (`http://127.0.0.1:7700`); without it the built-in one runs inside the relayer.
    pub(crate) adapter: Option<String>,
    /// For how long a verified header is trusted, seconds.
    #[serde(default = "trusting_period_s")]
    pub(crate) trusting_period_s: u64,
    /// How far ahead of the clock a header may be, seconds.
    #[serde(default = "clock_drift_max_s")]
    pub(crate) clock_drift_max_s: u64,
    /// Root of trust.
    pub(crate) trust: Option<Trust>,
    /// Names of the keys that sign; several are used in parallel.
    #[serde(default)]
    pub(crate) signers: Vec<String>,
    /// What transactions may cost.
    #[serde(default)]
    pub(crate) fees: Fees,
    /// The `evm` family's part; the one table that is there selects the family.
    pub(crate) evm: Option<causeway_evm_adapter::Config>,
    /// The `cosmos` family's part.
    pub(crate) cosmos: Option<causeway_cosmos_adapter::Config>,
}

fn trusting_period_s() -> u64 {
    14 * 86_400
}

fn clock_drift_max_s() -> u64 {
    15
}

/// The block that everything else is verified from.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Trust {
    /// Its height.
    pub(crate) height: u64,
    /// Its hash, 32 bytes in hexadecimal.
    pub(crate) hash: String,
}

impl Trust {
    /// The hash as bytes.
    pub(crate) fn hash_bytes(&self) -> Result<[u8; 32], String> {
        let digits = self.hash.strip_prefix("0x").unwrap_or(&self.hash);
        let bytes = hex::decode(digits).map_err(|_| {
            format!("trust.hash = \"{}\": expected 64 hexadecimal digits, as `causeway trust show CHAIN` prints them", self.hash)
        })?;
        bytes.try_into().map_err(|bytes: Vec<u8>| {
            format!("trust.hash: expected 32 bytes, as `causeway trust show CHAIN` prints them, found {}", bytes.len())
        })
    }
}

/// What transactions may cost.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Fees {
    /// Gas estimates are multiplied by this, percent, 100 to 500.
    pub(crate) gas_headroom_percent: u32,
    /// Highest price of a unit of gas in the smallest unit, a decimal string.
    pub(crate) gas_price_max: Option<String>,
    /// Most that all keys of the chain together may spend in a day (UTC), in the smallest unit, a decimal string above 0; absent: no limit.
    pub(crate) spend_cap_per_day: Option<String>,
    /// A replacement pays at least this much more, percent, 10 to 200.
    pub(crate) replace_bump_percent: u32,
}

impl Default for Fees {
    fn default() -> Self {
        Self { gas_headroom_percent: 120, gas_price_max: None, spend_cap_per_day: None, replace_bump_percent: 12 }
    }
}

impl Fees {
    /// The highest price as a number.
    pub(crate) fn gas_price_max(&self) -> Result<Option<u128>, String> {
        amount("fees.gas_price_max", self.gas_price_max.as_deref())
    }

    /// The cap as a number.
    pub(crate) fn spend_cap_per_day(&self) -> Result<Option<u128>, String> {
        match amount("fees.spend_cap_per_day", self.spend_cap_per_day.as_deref())? {
            Some(0) => {
                Err("fees.spend_cap_per_day = \"0\": allowed are 1 and more, in the smallest unit; leave it out for no limit".to_string())
            }
            cap => Ok(cap),
        }
    }
}

fn amount(key: &str, text: Option<&str>) -> Result<Option<u128>, String> {
    let number = |text: &str| text.parse().map_err(|_| format!("{key} = \"{text}\": expected a decimal number in the smallest unit"));
    text.map(number).transpose()
}

/// One path: a pair of clients.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PathConfig {
    /// The operator's name for it.
    pub(crate) name: String,
    /// One end.
    pub(crate) a: EndConfig,
    /// The other.
    pub(crate) b: EndConfig,
    /// Whether its channel is ordered.
    #[serde(default)]
    pub(crate) ordered: bool,
    /// Ports (sending or receiving) that are relayed; empty: all. `*` matches any run of characters.
    #[serde(default)]
    pub(crate) allow_ports: Vec<String>,
    /// Ports that are not relayed.
    #[serde(default)]
    pub(crate) deny_ports: Vec<String>,
    /// Senders that are relayed, as their application writes them; empty: all.
    #[serde(default)]
    pub(crate) allow_senders: Vec<String>,
    /// Senders that are not relayed.
    #[serde(default)]
    pub(crate) deny_senders: Vec<String>,
    /// Most bytes of application data in a packet, 1 to 262144; absent: the protocol's own limit.
    #[serde(default)]
    pub(crate) payload_bytes_max: Option<u32>,
}

/// One end of a path.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EndConfig {
    /// Name of the chain.
    pub(crate) chain: String,
    /// Client on that chain.
    pub(crate) client: String,
    /// In IBC classic: `port/channel` on that chain.
    #[serde(default)]
    pub(crate) channel: Option<String>,
}

impl EndConfig {
    /// The end as the engine knows it.
    pub(crate) fn parse(&self) -> Result<End, String> {
        let channel = self.channel.as_deref().map(|text| match text.parse() {
            Ok(PacketEnd::Channel(channel)) => Ok(channel),
            Ok(PacketEnd::Client(_)) => Err(format!("channel = \"{text}\": write it as port/channel, for example transfer/channel-0")),
            Err(error) => Err(error.to_string()),
        });
        Ok(End {
            chain: ChainId::new(&self.chain).map_err(|error| error.to_string())?,
            client: ClientId::new(&self.client).map_err(|error| error.to_string())?,
            channel: channel.transpose()?,
        })
    }
}

impl Config {
    /// Takes relative paths from the folder of the configuration file.
    pub(super) fn resolve_paths(&mut self, base: &Path) {
        if self.relayer.store.is_relative() {
            self.relayer.store = base.join(&self.relayer.store);
        }
        for chain in &mut self.chains {
            for family in families::tables_mut(chain) {
                family.resolve_paths(base);
            }
        }
    }

    /// The chain of that name.
    pub(crate) fn chain(&self, name: &str) -> Result<&ChainConfig, String> {
        self.chains.iter().find(|chain| chain.name == name).ok_or_else(|| {
            let known = listed(self.chains.iter().map(|chain| chain.name.as_str()), "none, each begins with [[chain]]");
            format!("chain \"{name}\" is not configured; there are: {known}")
        })
    }

    /// The path of that name.
    pub(crate) fn path(&self, name: &str) -> Result<&PathConfig, String> {
        let found = self.paths.iter().find(|path| path.name == name);
        found.ok_or_else(|| {
            let known = listed(self.paths.iter().map(|path| path.name.as_str()), "none, `causeway path create CHAIN CHAIN` makes one");
            format!("path \"{name}\" is not configured; there are: {known}")
        })
    }

    /// Checks every bound and cross reference.
    pub(super) fn validate(&self) -> Result<(), String> {
        self.relayer.validate()?;
        self.api.validate()?;
        let mut names = HashSet::new();
        for chain in &self.chains {
            chain.validate().map_err(|message| format!("chain \"{}\": {message}", chain.name))?;
            if !names.insert(chain.name.as_str()) {
                return Err(format!("chain \"{}\" is configured twice; names are unique", chain.name));
            }
        }
        let mut paths = HashSet::new();
        for path in &self.paths {
            self.validate_path(path).map_err(|message| format!("path \"{}\": {message}", path.name))?;
            if !paths.insert(path.name.as_str()) {
                return Err(format!("path \"{}\" is configured twice; names are unique", path.name));
            }
        }
        for (index, handshake) in self.handshakes.iter().enumerate() {
            handshake.validate(self).map_err(|message| format!("handshake {}: {message}", index + 1))?;
        }
        Ok(())
    }

    fn validate_path(&self, path: &PathConfig) -> Result<(), String> {
        ChainId::new(&path.name).map_err(|error| error.to_string())?;
        for end in [&path.a, &path.b] {
            self.chain(&end.chain)?;
            end.parse()?;
        }
        if path.a.channel.is_some() != path.b.channel.is_some() {
            return Err("a channel is named at one end only; name both ends' channels, or none (IBC v2)".to_string());
        }
        let lists = [
            ("allow_ports", &path.allow_ports),
            ("deny_ports", &path.deny_ports),
            ("allow_senders", &path.allow_senders),
            ("deny_senders", &path.deny_senders),
        ];
        for (key, patterns) in lists {
            validate_patterns(key, patterns)?;
        }
        if let Some(bytes) = path.payload_bytes_max {
            within("payload_bytes_max", u64::from(bytes), 1, PAYLOAD_BYTES_MAX as u64)?;
        }
        if path.a.chain == path.b.chain {
            return Err(format!("both ends are on chain \"{}\"; a path joins two chains", path.a.chain));
        }
        Ok(())
    }
}

impl Relayer {
    fn validate(&self) -> Result<(), String> {
        within("relayer.clear_interval_s", self.clear_interval_s, 1, 86_400)?;
        within("relayer.drain_deadline_s", self.drain_deadline_s, 0, 600)?;
        within("relayer.batch_packets_max", u64::from(self.batch_packets_max), 1, 1_000)?;
        within("relayer.batch_age_max_ms", self.batch_age_max_ms, 0, 60_000)
    }
}

impl Api {
    fn validate(&self) -> Result<(), String> {
        for (key, address) in [("api.grpc_listen", self.grpc_listen), ("api.http_listen", self.http_listen)] {
            if !address.ip().is_loopback() && !self.allow_remote {
                return Err(format!("{key} = \"{address}\" is not loopback; set api.allow_remote = true if that is meant"));
            }
        }
        Ok(())
    }
}

impl ChainConfig {
    /// The key that a command uses: the one it names, or the chain's first.
    pub(crate) fn signer_or_first(&self, named: Option<&str>) -> Result<String, String> {
        let signer = named.or(self.signers.first().map(String::as_str));
        signer.map(str::to_string).ok_or_else(|| format!("chain \"{}\" names no signer; pass --signer", self.name))
    }

    fn validate(&self) -> Result<(), String> {
        ChainId::new(&self.name).map_err(|error| error.to_string())?;
        within("trusting_period_s", self.trusting_period_s, 60, 10 * 365 * 86_400)?;
        within("clock_drift_max_s", self.clock_drift_max_s, 0, 3_600)?;
        within("fees.gas_headroom_percent", u64::from(self.fees.gas_headroom_percent), 100, 500)?;
        within("fees.replace_bump_percent", u64::from(self.fees.replace_bump_percent), 10, 200)?;
        self.fees.gas_price_max()?;
        self.fees.spend_cap_per_day()?;
        if let Some(trust) = &self.trust {
            trust.hash_bytes()?;
        }
        if let Some(address) = &self.adapter {
            let url = url::Url::parse(address).map_err(|error| format!("adapter = \"{address}\": {error}; expected http://host:port"))?;
            if url.scheme() != "http" || url.host_str().is_none() {
                return Err(format!("adapter = \"{address}\": expected http://host:port"));
            }
        }
        let tables = families::tables(self);
        let [family] = tables.as_slice() else {
            let found = if tables.is_empty() { "no family" } else { "more than one family" };
            return Err(format!("{found}: give it one table such as [chain.evm]; built in are: {}", families::NAMES.join(", ")));
        };
        let is_unknown = |signer: &&String| self.adapter.is_none() && !family.has_key(signer.as_str());
        if let Some(signer) = self.signers.iter().find(is_unknown) {
            let table = family.table();
            return Err(format!(
                "signers names \"{signer}\", and there is no [chain.{table}.keys.{signer}]; add that table, and make its keystore with `causeway key add {signer} --chain {}`",
                self.name
            ));
        }
        family.validate()
    }
}

/// Names as a sentence has them.
fn listed<'a>(names: impl Iterator<Item = &'a str>, none: &str) -> String {
    let names: Vec<_> = names.collect();
    if names.is_empty() { none.to_string() } else { names.join(", ") }
}

/// Patterns are tried on every packet that anybody sends: few and short ones.
fn validate_patterns(key: &str, patterns: &[String]) -> Result<(), String> {
    within(&format!("patterns of {key}"), patterns.len() as u64, 0, PATTERNS_MAX)?;
    let wrong = |pattern: &&String| !(1..=PATTERN_CHARS_MAX).contains(&pattern.len()) || pattern.chars().any(char::is_control);
    match patterns.iter().find(wrong) {
        None => Ok(()),
        Some(pattern) => {
            let shown: String = pattern.escape_debug().take(40).collect();
            Err(format!(
                "{key} = [\"{shown}\"]: allowed are 1 to {PATTERN_CHARS_MAX} characters, none of control; `*` matches any run of characters"
            ))
        }
    }
}

fn within(key: &str, value: u64, min: u64, max: u64) -> Result<(), String> {
    if (min..=max).contains(&value) { Ok(()) } else { Err(format!("{key} = {value}: allowed are {min} to {max}")) }
}

impl From<&causeway_engine::PathSpec> for PathConfig {
    fn from(path: &causeway_engine::PathSpec) -> Self {
        let end = |end: &causeway_engine::End| EndConfig {
            chain: end.chain.to_string(),
            client: end.client.to_string(),
            channel: end.channel.as_ref().map(ToString::to_string),
        };
        let ordered = path.order == Order::Ordered;
        Self {
            name: path.name.clone(),
            a: end(&path.a),
            b: end(&path.b),
            ordered,
            allow_ports: Vec::new(),
            deny_ports: Vec::new(),
            allow_senders: Vec::new(),
            deny_senders: Vec::new(),
            payload_bytes_max: None,
        }
    }
}
