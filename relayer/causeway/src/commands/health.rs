//! `causeway health`: asks every endpoint of every chain by itself. Needs no key and no running relayer.

use crate::cli::Global;
use crate::config::{self, ChainConfig};
use crate::exit::{Code, Failure, OrFail};
use crate::families::{self, BuiltIn, Standing};
use crate::output;
use causeway_adapter::ChainStatus;
use serde_json::{Value, json};
use tokio::task::JoinSet;

/// Blocks that an endpoint may be behind the best one of its chain.
const LAG_BLOCKS_MAX: u64 = 5;
/// Age of the newest block from which on a chain is said to stand still, seconds.
const BLOCK_AGE_MAX_S: u64 = 120;

/// Ask every endpoint for its chain, head, speed and version.
#[derive(Debug, clap::Args)]
pub(crate) struct Command {
    /// Names of chains [default: all].
    chains: Vec<String>,
}

/// What one endpoint answered.
struct Checked {
    chain: String,
    endpoint: String,
    height: Option<u64>,
    block_age_s: Option<u64>,
    latency_ms: Option<u64>,
    version: String,
    /// What is wrong; empty when nothing is.
    trouble: String,
}

impl Command {
    /// Asks and prints.
    pub(crate) async fn execute(self, global: &Global) -> Result<(), Failure> {
        let config = config::load(&global.config)?;
        let named = self.chains.iter().map(|name| config.chain(name)).collect::<Result<Vec<_>, _>>().or_fail(Code::BadConfig)?;
        let chains: Vec<&ChainConfig> = if named.is_empty() { config.chains.iter().collect() } else { named };
        let mut found = Found::default();
        for chain in &chains {
            let mut checked = check(chain).await;
            behind(&mut checked);
            let (trouble, missing) = together(chain, &checked).await;
            found.troubles.extend(trouble.map(|trouble| (chain.name.clone(), trouble)));
            found.missing.extend(missing.map(|missing| (chain.name.clone(), missing)));
            found.endpoints.extend(checked);
        }
        if global.json {
            output::json_object(&found.json());
        } else {
            found.print();
        }
        if found.healthy() {
            return Ok(());
        }
        let (sick, endpoints, troubles) = (found.sick(), found.endpoints.len(), found.troubles.len());
        let message = format!("{sick} of {endpoints} endpoints and {troubles} of {} chains are in trouble", chains.len());
        Err(Failure::after_answer(Code::Unavailable, message))
    }
}

/// What all of them answered.
#[derive(Default)]
struct Found {
    endpoints: Vec<Checked>,
    /// Chains of which something is wrong, and what.
    troubles: Vec<(String, String)>,
    /// Chains to which something must be brought before they can be relayed to: nothing is wrong with them.
    missing: Vec<(String, String)>,
}

impl Found {
    fn sick(&self) -> usize {
        self.endpoints.iter().filter(|one| !one.trouble.is_empty()).count()
    }

    fn healthy(&self) -> bool {
        self.sick() == 0 && self.troubles.is_empty()
    }

    fn print(&self) {
        let rows = self.endpoints.iter().map(Checked::row).collect();
        println!("{}", output::table(&["chain", "endpoint", "head", "block age", "answers in", "node", "trouble"], rows));
        self.troubles.iter().chain(&self.missing).for_each(|(chain, text)| println!("{chain}: {text}"));
    }

    fn json(&self) -> Value {
        let list =
            |all: &[(String, String)], key: &str| all.iter().map(|(chain, text)| json!({ "chain": chain, key: text })).collect::<Vec<_>>();
        json!({
            "healthy": self.healthy(),
            "endpoints": self.endpoints.iter().map(Checked::json).collect::<Vec<_>>(),
            "chains": list(&self.troubles, "trouble"),
            "missing": list(&self.missing, "missing"),
        })
    }
}

/// Unix milliseconds.
fn now_ms() -> u64 {
    causeway_engine::env::system().clock.now_ms()
}

/// Every endpoint by itself, at once.
async fn check(chain: &ChainConfig) -> Vec<Checked> {
    let mut asked = JoinSet::new();
    for (index, endpoint) in families::tables(chain).iter().flat_map(|family| family.each_endpoint()).enumerate() {
        let name = chain.name.clone();
        asked.spawn(async move { (index, ask(&name, endpoint.as_ref()).await) });
    }
    if chain.adapter.is_some() {
        let chain = chain.clone();
        asked.spawn(async move { (usize::MAX, remote(&chain).await) });
    }
    let mut answers: Vec<(usize, Checked)> = asked.join_all().await;
    answers.sort_by_key(|(index, _)| *index);
    answers.into_iter().map(|(_, checked)| checked).collect()
}

async fn ask(chain: &str, endpoint: &dyn BuiltIn) -> Checked {
    let name = endpoint.endpoint_names().join(", ");
    let asked = async {
        let adapter = endpoint.probe(chain, &[]).await?;
        let start_ms = now_ms();
        let status = adapter.status().await.or_fail(Code::Unavailable)?;
        let latency_ms = now_ms().saturating_sub(start_ms);
        Ok::<_, Failure>((status, latency_ms, endpoint.node_version(chain).await.unwrap_or_default()))
    };
    match asked.await {
        Ok((status, latency_ms, version)) => Checked::alive(chain, name, &status, latency_ms, version),
        Err(failure) => Checked::failed(chain, name, failure.message),
    }
}

/// An adapter in another process.
async fn remote(chain: &ChainConfig) -> Checked {
    let name = chain.adapter.clone().unwrap_or_default();
    let asked = async {
        let family = families::watch_only(chain).await?;
        let start_ms = now_ms();
        let status = family.adapter.status().await.or_fail(Code::Unavailable)?;
        let description = family.adapter.describe().await.or_fail(Code::Unavailable)?;
        Ok::<_, Failure>((status, now_ms().saturating_sub(start_ms), format!("adapter {}", description.adapter_version)))
    };
    match asked.await {
        Ok((status, latency_ms, version)) => Checked::alive(&chain.name, name, &status, latency_ms, version),
        Err(failure) => Checked::failed(&chain.name, name, failure.message),
    }
}

/// Marks the endpoints that are behind the best one.
fn behind(checked: &mut [Checked]) {
    let best = checked.iter().filter_map(|one| one.height).max().unwrap_or_default();
    for one in checked {
        let lag = one.height.map_or(0, |height| best.saturating_sub(height));
        if lag > LAG_BLOCKS_MAX && one.trouble.is_empty() {
            one.trouble = format!("{lag} blocks behind another endpoint");
        }
    }
}

/// What is wrong with a chain as a whole, and what it lacks.
async fn together(chain: &ChainConfig, checked: &[Checked]) -> (Option<String>, Option<String>) {
    if checked.iter().all(|one| one.height.is_none()) {
        return (Some("no endpoint answers; start the node, or correct its address in the configuration".to_string()), None);
    }
    if let Some(contradiction) = contradiction(chain).await {
        return (Some(contradiction), None);
    }
    match families::standing(chain).await {
        Ok(Standing::Ready) => (None, None),
        Ok(Standing::NotYet(missing)) => (None, Some(missing)),
        Ok(Standing::Wrong(trouble)) => (Some(trouble), None),
        Err(failure) => (Some(failure.message), None),
    }
}

async fn contradiction(chain: &ChainConfig) -> Option<String> {
    let adapter = families::probe(chain, &[]).await.ok()?;
    let divergence = adapter.status().await.ok()?.divergence?;
    Some(format!("endpoints contradict each other: {divergence}"))
}

impl Checked {
    fn alive(chain: &str, endpoint: String, status: &ChainStatus, latency_ms: u64, version: String) -> Self {
        let block_age_s = status.head.time_s.map(|time_s| (now_ms() / 1_000).saturating_sub(time_s));
        let syncing = status.endpoints.iter().any(|one| one.syncing);
        let trouble = match block_age_s {
            _ if syncing => "still synchronising".to_string(),
            Some(age) if age > BLOCK_AGE_MAX_S => format!("no block for {}", output::age(age)),
            _ => String::new(),
        };
        let (chain, height) = (chain.to_string(), Some(status.head.height.number));
        Self { chain, endpoint, height, block_age_s, latency_ms: Some(latency_ms), version, trouble }
    }

    fn failed(chain: &str, endpoint: String, trouble: String) -> Self {
        // The message begins with the chain and the endpoint, which have columns of their own, and ends with what is said below the table.
        let trouble = trouble.strip_prefix(&format!("chain \"{chain}\": ")).unwrap_or(&trouble);
        let trouble = trouble.strip_prefix(&format!("{endpoint} is ")).unwrap_or(trouble);
        let trouble = trouble.split("; check that the node runs").next().unwrap_or(trouble).to_string();
        Self { chain: chain.to_string(), endpoint, height: None, block_age_s: None, latency_ms: None, version: String::new(), trouble }
    }

    fn row(&self) -> Vec<String> {
        vec![
            self.chain.clone(),
            self.endpoint.clone(),
            self.height.map_or_else(|| "-".to_string(), |height| height.to_string()),
            self.block_age_s.map_or_else(|| "-".to_string(), output::age),
            self.latency_ms.map_or_else(|| "-".to_string(), |ms| format!("{ms} ms")),
            self.version.clone(),
            if self.trouble.is_empty() { "none".to_string() } else { self.trouble.clone() },
        ]
    }

    fn json(&self) -> Value {
        json!({
            "chain": self.chain, "endpoint": self.endpoint, "height": self.height, "block_age_s": self.block_age_s,
            "latency_ms": self.latency_ms, "node": self.version, "trouble": self.trouble,
        })
    }
}
