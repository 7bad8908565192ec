//! `causeway client`: light clients as their hosts report them now, what to do about one that is not well, and the acts on one by hand. It
//! asks the chains, not a running relayer.

mod update;
mod upgrade;

use crate::cli::Global;
use crate::config::{self, ChainConfig, Config, EndConfig};
use crate::exit::{Code, Failure, OrFail};
use crate::{families, output};
use causeway_adapter::ClientView;
use causeway_types::ClientId;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Look at light clients, and act on one by hand.
#[derive(Debug, clap::Args)]
pub(crate) struct Command {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// List the clients of the configured paths.
    List,
    /// Show one client, of a path or not, and what to do if it is expired or frozen.
    Show {
        /// Name of the chain that hosts it.
        chain: String,
        /// Its identifier there.
        client: String,
    },
    /// Bring a client to the newest height of the chain it follows, or to another.
    Update(update::Update),
    /// Hand a client over to the chain that takes the place of the one it follows.
    Upgrade(upgrade::Upgrade),
}

/// One client, and the chain that it follows.
#[derive(Debug, Clone, clap::Args)]
struct Named {
    /// Name of the chain that hosts it.
    #[arg(long)]
    chain: String,
    /// Its identifier there.
    #[arg(long)]
    client: String,
    /// Name of the chain that it follows [default: the one that its state or a path names].
    #[arg(long, value_name = "CHAIN")]
    follows: Option<String>,
}

impl Named {
    /// The chain that the client follows: as named, else by the chain id in its state, else the other end of its path.
    fn source<'c>(&self, config: &'c Config, view: &ClientView) -> Result<&'c ChainConfig, Failure> {
        if let Some(name) = &self.follows {
            return config.chain(name).or_fail(Code::BadConfig);
        }
        let id = families::followed_chain(view);
        let by_id = config.chains.iter().find(|chain| id.is_some() && families::native_chain_id(chain) == id);
        let is_it = |end: &EndConfig| end.chain == self.chain && end.client == self.client;
        let by_path = || {
            let other = config.paths.iter().find_map(|path| match () {
                () if is_it(&path.a) => Some(&path.b.chain),
                () if is_it(&path.b) => Some(&path.a.chain),
                () => None,
            });
            other.and_then(|name| config.chain(name).ok())
        };
        by_id.or_else(by_path).ok_or_else(|| {
            let known = id.map_or_else(String::new, |id| format!(" {id}, which is"));
            let message = format!("client {} on {} follows{known} no configured chain; name it with --follows", self.client, self.chain);
            Failure::new(Code::BadConfig, message)
        })
    }
}

impl Command {
    /// Runs the action.
    pub(crate) async fn execute(self, global: &Global) -> Result<(), Failure> {
        let config = config::load(&global.config)?;
        match self.action {
            Action::List => list(global, &config).await,
            Action::Update(update) => update.execute(global, &config).await,
            Action::Upgrade(upgrade) => upgrade.execute(global, &config).await,
            Action::Show { chain, client } => show(global, config.chain(&chain).or_fail(Code::BadConfig)?, &client).await,
        }
    }
}

/// How a client stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    Active,
    Expired,
    Frozen,
}

impl Standing {
    fn of(view: &ClientView, now_s: u64) -> Self {
        match view.expires_at_s {
            _ if view.frozen => Self::Frozen,
            Some(expires) if expires <= now_s => Self::Expired,
            _ => Self::Active,
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Expired => "EXPIRED",
            Self::Frozen => "FROZEN",
        }
    }

    /// What a person has to do.
    fn advice(self) -> &'static str {
        match self {
            Self::Active => "",
            Self::Expired => {
                "nobody updated it for its trusting period; the authority of its host must recover it: \
                 docs/operations.md, \"Recovering a client\""
            }
            Self::Frozen => {
                "it was given evidence that the chain it follows signed two blocks; find out which chain is the true one, then the \
                 authority of its host must recover it: docs/operations.md, \"Misbehaviour\""
            }
        }
    }
}

fn now_s() -> u64 {
    causeway_engine::env::system().clock.now_ms() / 1_000
}

async fn look(chain: &ChainConfig, client: &str) -> Result<ClientView, Failure> {
    let client = ClientId::new(client).or_fail(Code::BadConfig)?;
    let family = families::watch_only(chain).await?;
    let view = family.adapter.client(&client).await;
    view.map_err(|error| {
        let code = match &error {
            causeway_adapter::AdapterError::NotFound { .. } | causeway_adapter::AdapterError::Invalid { .. } => Code::BadConfig,
            _ => Code::Unavailable,
        };
        Failure::new(code, format!("chain \"{}\": {error}", chain.name))
    })
}

fn as_json(chain: &str, view: &ClientView, now_s: u64) -> Value {
    let standing = Standing::of(view, now_s);
    json!({
        "chain": chain,
        "client": view.client_id.as_str(),
        "type": view.client_type,
        "follows": families::followed_chain(view),
        "height": view.latest.number,
        "revision": view.latest.revision,
        "status": standing.word().to_lowercase(),
        "expires_at_s": view.expires_at_s,
        "counterparty": view.counterparty.as_ref().map(|other| other.client_id.as_str()),
        "advice": standing.advice(),
    })
}

fn left(view: &ClientView, now_s: u64) -> String {
    view.expires_at_s.map_or_else(|| "never".to_string(), |at| output::age(at.saturating_sub(now_s)))
}

async fn list(global: &Global, config: &Config) -> Result<(), Failure> {
    let ends: BTreeSet<(&str, &str)> =
        config.paths.iter().flat_map(|path| [&path.a, &path.b]).map(|end| (end.chain.as_str(), end.client.as_str())).collect();
    let mut views = Vec::with_capacity(ends.len());
    for (chain, client) in ends {
        views.push((chain, look(config.chain(chain).or_fail(Code::BadConfig)?, client).await?));
    }
    let now_s = now_s();
    if global.json {
        let clients: Vec<Value> = views.iter().map(|(chain, view)| as_json(chain, view, now_s)).collect();
        output::json_object(&json!({ "clients": clients }));
        return Ok(());
    }
    let row = |(chain, view): &(&str, ClientView)| {
        let standing = Standing::of(view, now_s).word().to_string();
        let height = view.latest.to_string();
        vec![(*chain).to_string(), view.client_id.to_string(), view.client_type.clone(), height, standing, left(view, now_s)]
    };
    if views.is_empty() {
        println!("No clients: no path is configured. Make one with `causeway path create CHAIN CHAIN`");
        return Ok(());
    }
    println!("{}", output::table(&["host", "client", "type", "height", "status", "expires in"], views.iter().map(row).collect()));
    for (chain, view) in &views {
        let advice = Standing::of(view, now_s).advice();
        if !advice.is_empty() {
            println!("{chain} {}: {advice}", view.client_id);
        }
    }
    Ok(())
}

async fn show(global: &Global, chain: &ChainConfig, client: &str) -> Result<(), Failure> {
    let view = look(chain, client).await?;
    let now_s = now_s();
    if global.json {
        output::json_object(&as_json(&chain.name, &view, now_s));
        return Ok(());
    }
    let standing = Standing::of(&view, now_s);
    println!("client {} on {}", view.client_id, chain.name);
    println!("  type          {}", view.client_type);
    if let Some(chain_id) = families::followed_chain(&view) {
        println!("  follows       {chain_id}");
    }
    println!("  height        {}", view.latest);
    println!("  status        {}", standing.word());
    println!("  expires in    {}", left(&view, now_s));
    println!("  counterparty  {}", view.counterparty.as_ref().map_or("none", |other| other.client_id.as_str()));
    if !standing.advice().is_empty() {
        println!("  {}", standing.advice());
    }
    Ok(())
}
