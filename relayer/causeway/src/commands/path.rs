//! `causeway path`: sets paths up.

use crate::cli::Global;
use crate::config::{self, Config, PathConfig};
use crate::exit::{Code, Failure, OrFail};
use crate::{families, output, relayer};
use causeway_engine::handshake::{self, PathSetup, Progress};
use causeway_types::ClientId;
use serde_json::json;

/// Create paths between chains.
#[derive(Debug, clap::Args)]
pub(crate) struct Command {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Create clients on both chains, register them with each other and write the path into the configuration. Run it again
    /// after an interruption: it goes on where it stopped.
    Create(Create),
    /// List the configured paths.
    List,
}

#[derive(Debug, clap::Args)]
struct Create {
    /// Name of one chain.
    a: String,
    /// Name of the other.
    b: String,
    /// Name of the path [default: a-b].
    #[arg(long)]
    name: Option<String>,
    /// Use this client on the first chain instead of creating one.
    #[arg(long, value_name = "CLIENT")]
    client_a: Option<String>,
    /// Use this client on the second chain instead of creating one.
    #[arg(long, value_name = "CLIENT")]
    client_b: Option<String>,
    /// Where no root of trust is configured, believe what the endpoints agree on now.
    #[arg(long)]
    trust_on_first_use: bool,
}

impl Command {
    /// Runs the action.
    pub(crate) async fn execute(self, global: &Global) -> Result<(), Failure> {
        let config = config::load(&global.config)?;
        match self.action {
            Action::Create(options) => create(global, &config, options).await,
            Action::List => {
                list(global, &config);
                Ok(())
            }
        }
    }
}

async fn create(global: &Global, config: &Config, options: Create) -> Result<(), Failure> {
    let name = options.name.unwrap_or_else(|| format!("{}-{}", options.a, options.b));
    let (chain_a, chain_b) = (config.chain(&options.a).or_fail(Code::BadConfig)?, config.chain(&options.b).or_fail(Code::BadConfig)?);
    let client = |text: Option<String>| text.map(ClientId::new).transpose().or_fail(Code::BadConfig);
    let store = relayer::open_store(&config.relayer)?;
    families::check_roles(chain_a).await?;
    families::check_roles(chain_b).await?;
    let setup = PathSetup {
        name: name.clone(),
        a: relayer::chain_spec(chain_a, options.trust_on_first_use).await?,
        b: relayer::chain_spec(chain_b, options.trust_on_first_use).await?,
        client_a: client(options.client_a)?,
        client_b: client(options.client_b)?,
    };
    let quiet = global.json;
    let report = move |progress: Progress| {
        if !quiet {
            println!("  {:<10} {:<24} {}", progress.chain.to_string(), progress.step, progress.detail);
        }
    };
    if !quiet {
        println!("Path {name}:");
    }
    let path = handshake::create_path(setup, store, causeway_engine::env::system(), &report)
        .await
        .map_err(|error| relayer::start_failure(&error))?;
    let entry = PathConfig::from(&path);
    config::append_path(&global.config, &entry)?;
    if global.json {
        output::json_object(&path_json(&entry));
    } else {
        println!(
            "Path {} joins {} on {} and {} on {}; written to {}",
            entry.name,
            entry.a.client,
            entry.a.chain,
            entry.b.client,
            entry.b.chain,
            global.config.display()
        );
        println!("Relay with: causeway start");
    }
    Ok(())
}

fn path_json(path: &PathConfig) -> serde_json::Value {
    json!({
        "name": path.name,
        "a": { "chain": path.a.chain, "client": path.a.client },
        "b": { "chain": path.b.chain, "client": path.b.client },
    })
}

fn list(global: &Global, config: &Config) {
    if global.json {
        output::json_object(&json!({ "paths": config.paths.iter().map(path_json).collect::<Vec<_>>() }));
        return;
    }
    let rows = config
        .paths
        .iter()
        .map(|path| {
            vec![path.name.clone(), format!("{} / {}", path.a.chain, path.a.client), format!("{} / {}", path.b.chain, path.b.client)]
        })
        .collect();
    println!("{}", output::table(&["path", "a", "b"], rows));
}
