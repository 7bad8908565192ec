//! `causeway contracts`: puts the contracts on a chain and their addresses into the configuration, and looks after them.

mod admin;

use crate::cli::Global;
use crate::exit::{Code, Failure, OrFail};
use crate::families::evm::{self, deployment};
use crate::{config, output};
use causeway_evm_adapter::Deployment;
use serde_json::json;

/// Put the contracts on a chain, and look after them.
#[derive(Debug, clap::Args)]
pub(crate) struct Command {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Deploy router, light client factories, token transfer and message gateway. Run it again after an interruption: it goes
    /// on where it stopped.
    Deploy {
        /// Name of the chain.
        #[arg(long)]
        chain: String,
        /// Key that pays and becomes the owner [default: the chain's first signer].
        #[arg(long)]
        signer: Option<String>,
        /// Also a token that anybody may mint, a receiver that answers and a sender of raw packets, for trying things out.
        #[arg(long)]
        demo_apps: bool,
    },
    /// Act as the owner of a router, or as the holder of a role: pause, roles, ownership, recovery of clients.
    Admin(admin::Command),
}

impl Command {
    /// Runs the action.
    pub(crate) async fn execute(self, global: &Global) -> Result<(), Failure> {
        match self.action {
            Action::Deploy { chain, signer, demo_apps } => deploy(global, &chain, signer.as_deref(), demo_apps).await,
            Action::Admin(command) => command.execute(global).await,
        }
    }
}

async fn deploy(global: &Global, chain: &str, signer: Option<&str>, demo_apps: bool) -> Result<(), Failure> {
    let config = config::load(&global.config)?;
    let chain = config.chain(chain).or_fail(Code::BadConfig)?;
    let family = chain.evm.as_ref().ok_or_else(|| Failure::new(Code::BadConfig, "contracts are deployed on EVM chains only"))?;
    let signer = chain.signer_or_first(signer).or_fail(Code::BadConfig)?;
    if let Some(router) = family.router {
        let advice = "remove `router` from the configuration if another one is meant";
        return Err(Failure::new(Code::BadConfig, format!("chain \"{}\" has router {router} already; {advice}", chain.name)));
    }
    let keys = evm::unlock(family, std::slice::from_ref(&signer)).await?;
    let record = global.config.with_file_name(format!("{}.deployment.json", chain.name));
    let fees = crate::relayer::fee_policy(&chain.fees)?;
    let deployed = deployment::run(family, &keys, deployment::Wanted { signer, demo_apps, fees }, &record, global.json).await?;
    deployment::write(&global.config, &chain.name, &deployed)?;
    show(global, &chain.name, &deployed);
    Ok(())
}

fn show(global: &Global, chain: &str, deployed: &Deployment) {
    if global.json {
        output::json_object(&json!({ "chain": chain, "deployment": deployed }));
        return;
    }
    let mut rows = vec![
        vec!["router".to_string(), deployed.router.to_string()],
        vec!["token transfer".to_string(), deployed.token_transfer.to_string()],
        vec!["message gateway".to_string(), deployed.message_gateway.to_string()],
        vec!["qbft clients".to_string(), deployed.qbft_factory.to_string()],
        vec!["ibft2 clients".to_string(), deployed.ibft2_factory.to_string()],
    ];
    let demo = [("test token", deployed.test_token), ("echo", deployed.echo), ("raw sender", deployed.raw_sender)];
    rows.extend(demo.into_iter().filter_map(|(name, address)| Some(vec![name.to_string(), address?.to_string()])));
    println!("{}", output::table(&["contract", "address"], rows));
    println!("Written to {}. Next: `causeway trust show {chain}`", global.config.display());
}
