//! `causeway contracts`: puts the contracts on a chain and their addresses into the configuration, and looks after them.

mod admin;

use crate::cli::Global;
use crate::exit::{Code, Failure, OrFail};
use crate::families::evm::{self, deployment};
use crate::{config, output};
use alloy::primitives::Address;
use causeway_evm_adapter::Deployment;
use serde_json::json;
use std::path::Path;

/// Put the contracts on a chain, and look after them.
#[derive(Debug, clap::Args)]
pub(crate) struct Command {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Deploy router, light client factories, token transfer and message gateway. Run it again after an interruption: it goes
    /// on where it stopped, and once all is there it shows the addresses and deploys nothing.
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
    let family = chain.evm.as_ref().ok_or_else(|| not_evm(&chain.name))?;
    let record = global.config.with_file_name(format!("{}.deployment.json", chain.name));
    if let Some(router) = family.router {
        deployment::verify(&chain.name, family, router).await?;
        if deployment::recorded_router(&record)? != Some(router) {
            return without_record(global, &chain.name, router, demo_apps.then_some(record.as_path()));
        }
    }
    let signer = chain.signer_or_first(signer).or_fail(Code::BadConfig)?;
    let keys = evm::unlock(&chain.name, family, std::slice::from_ref(&signer)).await?;
    let fees = crate::relayer::fee_policy(&chain.fees)?;
    // What is there already is found by the record, and stays; what an earlier run did not come to is done.
    let deployed = deployment::run(family, &keys, deployment::Wanted { signer, demo_apps, fees }, &record, global.json).await?;
    deployment::write(&global.config, &chain.name, &deployed)?;
    show(global, &chain.name, &deployed, family.router.is_some());
    Ok(())
}

fn not_evm(chain: &str) -> Failure {
    let message = format!(
        "chain \"{chain}\" takes no contracts: chains of the Cosmos SDK bring IBC with them; go on with `causeway trust show {chain}`"
    );
    Failure::new(Code::BadConfig, message)
}

/// The router of the configuration is there, and this folder has no record of how it came to be.
fn without_record(global: &Global, chain: &str, router: Address, needed: Option<&Path>) -> Result<(), Failure> {
    if let Some(record) = needed {
        let message = format!(
            "chain \"{chain}\" has router {router} already, and {} is no record of its deployment, which --demo-apps goes on from; run this in the \
             folder in which the router was deployed",
            record.display()
        );
        return Err(Failure::new(Code::BadConfig, message));
    }
    if global.json {
        output::json_object(&json!({ "chain": chain, "already_deployed": true, "deployment": { "router": router } }));
    } else {
        println!("{}. Next: `causeway trust show {chain}`", already(chain, router));
    }
    Ok(())
}

fn already(chain: &str, router: Address) -> String {
    format!("Deployed already: the router of {chain} is {router}, and its code is that of this release")
}

fn show(global: &Global, chain: &str, deployed: &Deployment, before: bool) {
    if global.json {
        output::json_object(&json!({ "chain": chain, "already_deployed": before, "deployment": deployed }));
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
    let file = global.config.display();
    let said = if before { already(chain, deployed.router) } else { format!("Written to {file}") };
    println!("{said}. Next: `causeway trust show {chain}`");
}
