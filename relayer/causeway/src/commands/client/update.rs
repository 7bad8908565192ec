//! `causeway client update`: brings one client to a height of the chain it follows, by hand.

use super::{Named, look};
use crate::cli::Global;
use crate::config::{ChainConfig, Config};
use crate::exit::{Code, Failure, OrFail};
use crate::{families, output, relayer};
use causeway_engine::client::{Brought, ClientSetup, bring};
use causeway_engine::handshake::Progress;
use causeway_types::ClientId;
use serde_json::json;

/// Bring a client to the newest height of the chain it follows, or to another, with updates that are verified here first. No relayer may run
/// on the same store: a running one updates the clients of its paths by itself.
#[derive(Debug, clap::Args)]
pub(super) struct Update {
    #[command(flatten)]
    named: Named,
    /// Height that the client shall hold [default: the newest of the chain it follows].
    #[arg(long)]
    height: Option<u64>,
    /// Where no root of trust is configured, believe what the endpoints agree on now.
    #[arg(long)]
    trust_on_first_use: bool,
}

/// What a set-up of one client is made of.
pub(super) async fn setup(
    (host, source): (&ChainConfig, &ChainConfig),
    client: &str,
    height: Option<u64>,
    trust_on_first_use: bool,
) -> Result<ClientSetup, Failure> {
    // Nothing is paid for on the chain that is followed: none of its keys is unlocked.
    let followed = ChainConfig { signers: Vec::new(), ..source.clone() };
    Ok(ClientSetup {
        host: relayer::chain_spec(host, trust_on_first_use).await?,
        source: relayer::chain_spec(&followed, trust_on_first_use).await?,
        client: ClientId::new(client).or_fail(Code::BadConfig)?,
        to: height.map(|number| families::height(source, number)),
    })
}

/// Prints steps as they are taken, unless one JSON object is the answer.
pub(super) fn progress(quiet: bool) -> impl Fn(Progress) + Send + Sync {
    move |progress: Progress| {
        if !quiet {
            println!("  {:<10} {:<24} {}", progress.chain.to_string(), progress.step, progress.detail);
        }
    }
}

impl Update {
    /// Runs the command.
    pub(super) async fn execute(self, global: &Global, config: &Config) -> Result<(), Failure> {
        let host = config.chain(&self.named.chain).or_fail(Code::BadConfig)?;
        let store = relayer::open_store(&config.relayer)?;
        let view = look(host, &self.named.client).await?;
        let source = self.named.source(config, &view)?;
        let setup = setup((host, source), &self.named.client, self.height, self.trust_on_first_use).await?;
        let report = progress(global.json);
        let brought = bring(&setup, store, causeway_engine::env::system(), &report).await;
        let Brought { before, at, updates } = brought.map_err(|error| relayer::start_failure(&error))?;
        let (chain, client, follows) = (&host.name, &self.named.client, &source.name);
        if global.json {
            let object = json!({
                "chain": chain, "client": client, "follows": follows, "before": before.number, "height": at.height.number,
                "revision": at.height.revision, "updates": updates,
            });
            output::json_object(&object);
        } else if updates == 0 {
            println!("Client {client} on {chain} holds height {} of {follows} already", at.height);
        } else {
            println!("Client {client} on {chain} was at height {before} of {follows}, and is at {} now", at.height);
        }
        Ok(())
    }
}
