//! `causeway adapter`: a chain adapter as a process of its own, and the suite that holds any adapter to its promises.

use crate::cli::Global;
use crate::config::{self, ChainConfig, Config};
use crate::exit::{Code, Failure, OrFail};
use crate::{families, output, relayer};
use causeway_adapter::conformance::{self, Channels, Elsewhere, Subject};
use causeway_adapter::rpc::{self, HostError, HostOptions, RemoteAdapter, RemoteOptions};
use causeway_adapter::{ClientParams, Family};
use causeway_engine::env::{Clock, SystemClock};
use causeway_types::ClientId;
use serde_json::json;
use std::net::SocketAddr;
use std::sync::Arc;

/// Serve a chain adapter as a process of its own, or hold one to its promises.
#[derive(Debug, clap::Args)]
pub(crate) struct Command {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Serve the built-in adapter of a configured chain over gRPC. Its keys stay in this process.
    Serve {
        /// Name of the chain.
        #[arg(long)]
        chain: String,
        /// Address to listen on.
        #[arg(long, default_value = "127.0.0.1:7700")]
        listen: SocketAddr,
        /// Permit an address that other machines reach: whoever reaches an adapter can spend from its keys.
        #[arg(long)]
        allow_remote: bool,
    },
    /// Hold an adapter to the promises of the seam and print each, kept or broken. Broadcasts nothing.
    Check {
        /// Name of the chain; its configuration says what to expect of the adapter [default: the configured chain that the
        /// adapter at --endpoint says it serves].
        #[arg(long, required_unless_present = "endpoint")]
        chain: Option<String>,
        /// Adapter to examine [default: the chain's `adapter`, or the built-in one].
        #[arg(long, value_name = "http://HOST:PORT")]
        endpoint: Option<String>,
        /// Client on the chain whose packets are looked at [default: the one of the first configured path].
        #[arg(long)]
        client: Option<String>,
        /// How many blocks back events are looked at.
        #[arg(long, default_value_t = 500)]
        lookback_blocks: u64,
    },
}

impl Command {
    /// Runs the action.
    pub(crate) async fn execute(self, global: &Global) -> Result<(), Failure> {
        match self.action {
            Action::Serve { chain, listen, allow_remote } => {
                let config = config::load(&global.config)?;
                serve(
                    global,
                    config.chain(&chain).or_fail(Code::BadConfig)?,
                    HostOptions { address: listen, allow_non_loopback: allow_remote },
                )
                .await
            }
            Action::Check { chain: Some(chain), endpoint, client, lookback_blocks } => {
                let config = config::load(&global.config)?;
                let mut chain = config.chain(&chain).or_fail(Code::BadConfig)?.clone();
                chain.adapter = endpoint.or(chain.adapter);
                let family = families::connect(&chain).await?;
                report(global, client, subject(&config, &chain, &family, lookback_blocks).await?).await
            }
            Action::Check { chain: None, endpoint, client, lookback_blocks } => {
                let endpoint = endpoint.ok_or_else(|| Failure::new(Code::BadConfig, "name --chain or --endpoint"))?;
                report(global, client, served_at(global, &endpoint, lookback_blocks).await?).await
            }
        }
    }
}

/// The adapter at an address, examined by the configured chain it says it serves; without one only what needs no light client is tried.
async fn served_at(global: &Global, endpoint: &str, lookback_blocks: u64) -> Result<Subject, Failure> {
    let (remote, description) = RemoteAdapter::connect(endpoint, RemoteOptions::default()).await.or_fail(Code::Unavailable)?;
    let served = |chain: &&ChainConfig| families::native_chain_id(chain).as_ref() == Some(&description.native_chain_id);
    if let Ok(config) = config::load(&global.config)
        && let Some(chain) = config.chains.iter().find(served)
    {
        let mut chain = chain.clone();
        chain.adapter = Some(endpoint.to_string());
        let family = families::connect(&chain).await?;
        return subject(&config, &chain, &family, lookback_blocks).await;
    }
    Ok(Subject {
        adapter: Arc::new(remote),
        light_client: None,
        root: None,
        judge: (ClientParams { trusting_period_s: 1, clock_drift_max_s: 0 }, SystemClock.now_ms() / 1_000),
        client: None,
        channels: Channels::Unnamed,
        elsewhere: None,
        signer: None,
        driver: None,
        lookback_blocks,
    })
}

async fn serve(global: &Global, chain: &ChainConfig, options: HostOptions) -> Result<(), Failure> {
    let family = families::built_in(chain).await?;
    let listener = rpc::bind(options).await.map_err(|error| {
        let busy = matches!(&error, HostError::Bind { source, .. } if source.kind() != std::io::ErrorKind::PermissionDenied);
        Failure::new(if busy { Code::Unavailable } else { Code::BadConfig }, error)
    })?;
    let address = listener.local_addr().or_fail(Code::Failed)?;
    if global.json {
        output::json_object(&json!({ "serving": chain.name, "address": address.to_string() }));
    } else {
        println!("Serving the adapter of {} on http://{address}; Ctrl-C stops it", chain.name);
    }
    rpc::serve(listener, family.adapter, relayer::wait_for_signal()).await.or_fail(Code::Failed)
}

async fn report(global: &Global, client: Option<String>, mut subject: Subject) -> Result<(), Failure> {
    if let Some(client) = client {
        subject.client = Some(ClientId::new(&client).or_fail(Code::BadConfig)?);
    }
    let report = conformance::run(&subject).await;
    if global.json {
        let promises: Vec<_> = report
            .promises
            .iter()
            .map(|promise| json!({ "name": promise.name, "standing": promise.standing.to_string().to_lowercase(), "detail": promise.detail }))
            .collect();
        output::json_object(&json!({ "kept": report.kept(), "promises": promises }));
    } else {
        let rows = report
            .promises
            .iter()
            .map(|promise| vec![promise.name.to_string(), promise.standing.to_string(), promise.detail.clone()])
            .collect();
        println!("{}", output::table(&["promise", "standing", "seen"], rows));
    }
    if report.kept() {
        return Ok(());
    }
    Err(Failure::after_answer(Code::Failed, format!("the adapter breaks: {}; relay nothing through it", report.broken().join(", "))))
}

/// What is examined: the adapter, and where a path is configured its clients at both ends.
async fn subject(config: &Config, chain: &ChainConfig, family: &Family, lookback_blocks: u64) -> Result<Subject, Failure> {
    let ends = config.paths.iter().find_map(|path| {
        if path.a.chain == chain.name {
            return Some((&path.a, &path.b));
        }
        (path.b.chain == chain.name).then_some((&path.b, &path.a))
    });
    let (mut client, mut elsewhere, mut root) = (None, None, None);
    if let Some((here, there)) = ends {
        client = Some(ClientId::new(&here.client).or_fail(Code::BadConfig)?);
        let host = families::watch_only(config.chain(&there.chain).or_fail(Code::BadConfig)?).await?.adapter;
        let hosted = ClientId::new(&there.client).or_fail(Code::BadConfig)?;
        let latest = host.client(&hosted).await.or_fail(Code::Unavailable)?.latest;
        let (height, update) = family.adapter.root(Some(latest)).await.or_fail(Code::Unavailable)?;
        root = Some((height, family.light_client.block_hash(&update).or_fail(Code::Untrusted)?));
        elsewhere = Some(Elsewhere { host, client: hosted });
    } else if let Some(trust) = &chain.trust {
        root = Some((families::height(chain, trust.height), trust.hash_bytes().or_fail(Code::BadConfig)?));
    }
    let params = ClientParams { trusting_period_s: chain.trusting_period_s, clock_drift_max_s: chain.clock_drift_max_s };
    Ok(Subject {
        adapter: family.adapter.clone(),
        light_client: Some(family.light_client.clone()),
        root,
        judge: (params, SystemClock.now_ms() / 1_000),
        client,
        channels: channels(config, chain)?,
        elsewhere,
        signer: chain.signers.first().cloned(),
        driver: None,
        lookback_blocks,
    })
}

/// The channel of the first path of IBC classic that ends on the chain.
fn channels(config: &Config, chain: &ChainConfig) -> Result<Channels, Failure> {
    let ends = config.paths.iter().flat_map(|path| [&path.a, &path.b]);
    let Some(end) = ends.into_iter().find(|end| end.chain == chain.name && end.channel.is_some()) else { return Ok(Channels::Unnamed) };
    let end = end.parse().or_fail(Code::BadConfig)?;
    Ok(end.channel.map_or(Channels::Unnamed, Channels::End))
}
