//! `causeway path`: sets paths up, and finds those that are there.

mod discover;

use crate::cli::Global;
use crate::config::{self, Config, EndConfig, PathConfig};
use crate::exit::{Code, Failure, OrFail};
use crate::{families, output, relayer};
use causeway_engine::handshake::{self, ChannelSetup, NewChannel, PathSetup, Progress};
use causeway_types::classic::{ConnectionId, Order, PortId};
use causeway_types::{ClientId, PacketEnd};
use serde_json::json;

/// Create paths between chains, and find those that are there.
#[derive(Debug, clap::Args)]
pub(crate) struct Command {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Create clients on both chains, register them with each other (or open a channel) and write the path into the configuration. Run it again
    /// after an interruption: it goes on where it stopped.
    Create(Create),
    /// Find the open channels of a chain and where they lead; with --add, make paths of those between configured chains.
    Discover(discover::Discover),
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
    #[command(flatten)]
    channel: Channel,
    /// Where no root of trust is configured, believe what the endpoints agree on now.
    #[arg(long)]
    trust_on_first_use: bool,
}

/// A channel of IBC classic, instead of a path of IBC v2.
#[derive(Debug, clap::Args)]
struct Channel {
    /// Open a connection and a channel (IBC classic) instead of registering the clients with each other (IBC v2).
    #[arg(long)]
    classic: bool,
    /// Port of the application on both chains.
    #[arg(long, requires = "classic", default_value = "transfer")]
    port: String,
    /// Port on the second chain, where it is another one.
    #[arg(long, requires = "classic", value_name = "PORT")]
    port_b: Option<String>,
    /// Version that the applications shall speak.
    #[arg(long, requires = "classic", default_value = "ics20-1")]
    version: String,
    /// Packets arrive in the order in which they were sent, and the first that times out closes the channel.
    #[arg(long, requires = "classic")]
    ordered: bool,
    /// Use this connection on the first chain instead of a new one, and finish its handshake where others only began it; --client-a and
    /// --client-b name its clients.
    #[arg(long, requires_all = ["classic", "client_a", "client_b"], value_name = "CONNECTION")]
    connection_a: Option<String>,
    /// Finish the handshake of this channel on the first chain, which an application or somebody else began; --client-a and --client-b
    /// name the clients of its connection.
    #[arg(long, requires_all = ["classic", "client_a", "client_b"], conflicts_with_all = ["port", "port_b", "version", "ordered", "connection_a"],
        value_name = "PORT/CHANNEL")]
    channel_a: Option<String>,
}

impl Channel {
    fn setup(self) -> Result<Option<ChannelSetup>, Failure> {
        if !self.classic {
            return Ok(None);
        }
        if let Some(text) = self.channel_a {
            let PacketEnd::Channel(end) = text.parse().or_fail(Code::BadConfig)? else {
                return Err(Failure::new(Code::BadConfig, format!("--channel-a {text}: write it as port/channel")));
            };
            return Ok(Some(ChannelSetup::Begun(end)));
        }
        let port = |text: &str| PortId::new(text).or_fail(Code::BadConfig);
        Ok(Some(ChannelSetup::New(NewChannel {
            port_a: port(&self.port)?,
            port_b: port(self.port_b.as_ref().unwrap_or(&self.port))?,
            version: self.version,
            order: if self.ordered { Order::Ordered } else { Order::Unordered },
            connection_a: self.connection_a.map(ConnectionId::new).transpose().or_fail(Code::BadConfig)?,
        })))
    }
}

impl Command {
    /// Runs the action.
    pub(crate) async fn execute(self, global: &Global) -> Result<(), Failure> {
        let config = config::load(&global.config)?;
        match self.action {
            Action::Create(options) => create(global, &config, options).await,
            Action::Discover(discover) => discover.execute(global, &config).await,
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
        channel: options.channel.setup()?,
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
            shown(&entry.a),
            entry.a.chain,
            shown(&entry.b),
            entry.b.chain,
            global.config.display()
        );
        println!("Relay with `causeway start`");
    }
    Ok(())
}

fn path_json(path: &PathConfig) -> serde_json::Value {
    json!({
        "name": path.name,
        "a": { "chain": path.a.chain, "client": path.a.client, "channel": path.a.channel },
        "b": { "chain": path.b.chain, "client": path.b.client, "channel": path.b.channel },
        "ordered": path.ordered,
    })
}

/// What packets leave from and arrive at.
fn shown(end: &EndConfig) -> &str {
    end.channel.as_deref().unwrap_or(&end.client)
}

fn list(global: &Global, config: &Config) {
    if global.json {
        output::json_object(&json!({ "paths": config.paths.iter().map(path_json).collect::<Vec<_>>() }));
        return;
    }
    if config.paths.is_empty() {
        println!(
            "No paths. Make one with `causeway path create CHAIN CHAIN`, or find those that are there with `causeway path discover CHAIN --add`"
        );
        return;
    }
    let rows = config
        .paths
        .iter()
        .map(|path| {
            vec![path.name.clone(), format!("{} / {}", path.a.chain, shown(&path.a)), format!("{} / {}", path.b.chain, shown(&path.b))]
        })
        .collect();
    println!("{}", output::table(&["path", "a", "b"], rows));
}
