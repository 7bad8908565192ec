//! `causeway contracts admin`: what the owner of a router and the holders of its roles can do.

use crate::cli::Global;
use crate::config::{self, ChainConfig};
use crate::exit::{Code, Failure, OrFail};
use crate::families::evm::admin;
use crate::output;
use alloy::primitives::Address;
use causeway_evm_adapter::{AdminAct, AdminDone, Role, RouterAccess};
use serde_json::json;

/// Act on the router of a chain.
#[derive(Debug, clap::Args)]
pub(crate) struct Command {
    #[command(subcommand)]
    act: Act,
}

/// The router, and the key that acts.
#[derive(Debug, Clone, clap::Args)]
struct Target {
    /// Name of the chain.
    #[arg(long)]
    chain: String,
    /// Key that acts and pays [default: the chain's first signer].
    #[arg(long)]
    signer: Option<String>,
}

/// A role and who has it.
#[derive(Debug, Clone, clap::Args)]
struct Holder {
    /// relayer, pauser, id-customizer, recoverer or port-gas.
    role: Role,
    /// The account.
    account: Address,
    #[command(flatten)]
    target: Target,
}

#[derive(Debug, clap::Subcommand)]
enum Act {
    /// Print owner, pause and relaying; with --account also the roles of an account.
    Show {
        /// Name of the chain.
        #[arg(long)]
        chain: String,
        /// An account.
        #[arg(long)]
        account: Option<Address>,
    },
    /// Stop sending and relaying; clients can still be updated, so that none expires. Needs the role pauser.
    Pause(Target),
    /// Start again. The owner alone.
    Unpause(Target),
    /// Give a role to an account. The owner alone.
    Grant(Holder),
    /// Take a role from an account. The owner alone.
    Revoke(Holder),
    /// Let anybody relay: proofs protect the packets. The owner alone.
    OpenRelaying(Target),
    /// Let only the role relayer relay and update clients. The owner alone.
    CloseRelaying(Target),
    /// Offer the ownership to an account; it moves when that account accepts. The owner alone.
    TransferOwnership {
        /// The account.
        account: Address,
        #[command(flatten)]
        target: Target,
    },
    /// Accept the ownership that was offered to the signer.
    AcceptOwnership(Target),
    /// Say how much gas the application of a port must be given. Needs the role port-gas.
    PortGas {
        /// The port.
        port: String,
        /// Gas, from 300000 (the default) to 10000000.
        gas: u64,
        #[command(flatten)]
        target: Target,
    },
    /// Put the contract of another client in the place of one that expired or froze: same type, same chain, not older. Needs the role
    /// recoverer. `causeway path create` makes a client to take it from.
    RecoverClient {
        /// The client that stopped.
        client: String,
        /// The client whose contract takes its place.
        substitute: String,
        #[command(flatten)]
        target: Target,
    },
    /// Start a client that expired or froze again, from a block that you vouch for. Needs the client's own recoverer, which
    /// `recoverer` of the followed chain's configuration named when the client was created.
    RestartClient {
        /// The client.
        client: String,
        /// Name of the chain that it follows.
        #[arg(long)]
        follows: String,
        /// Height of the block, above the client's latest unless the client is frozen; `causeway trust show` prints one.
        #[arg(long)]
        height: u64,
        /// Its hash, 64 hexadecimal digits.
        #[arg(long)]
        hash: String,
        #[command(flatten)]
        target: Target,
    },
}

impl Command {
    /// Runs the act.
    pub(crate) async fn execute(self, global: &Global) -> Result<(), Failure> {
        let config = config::load(&global.config)?;
        let chain = |name: &str| config.chain(name).or_fail(Code::BadConfig);
        let (name, target, act) = match self.act {
            Act::Show { chain: name, account } => {
                let access = admin::show(chain(&name)?, account.unwrap_or_default()).await?;
                show(global, &name, account, &access);
                return Ok(());
            }
            Act::Pause(target) => ("pause", target, AdminAct::Pause),
            Act::Unpause(target) => ("unpause", target, AdminAct::Unpause),
            Act::Grant(Holder { role, account, target }) => ("grant", target, AdminAct::Grant(role, account)),
            Act::Revoke(Holder { role, account, target }) => ("revoke", target, AdminAct::Revoke(role, account)),
            Act::OpenRelaying(target) => ("open-relaying", target, AdminAct::RelayingOpen(true)),
            Act::CloseRelaying(target) => ("close-relaying", target, AdminAct::RelayingOpen(false)),
            Act::TransferOwnership { account, target } => ("transfer-ownership", target, AdminAct::OfferOwnership(account)),
            Act::AcceptOwnership(target) => ("accept-ownership", target, AdminAct::AcceptOwnership),
            Act::PortGas { port, gas, target } => ("port-gas", target, AdminAct::PortGasFloor { port, gas }),
            Act::RecoverClient { client, substitute, target } => ("recover-client", target, AdminAct::RecoverClient { client, substitute }),
            Act::RestartClient { client, follows, height, hash, target } => {
                let hash = config::Trust { height, hash }.hash_bytes().or_fail(Code::BadConfig)?;
                let state = admin::vouched(chain(&follows)?, height, &hash).await?;
                ("restart-client", target, AdminAct::RestartClient { client, state })
            }
        };
        run(global, chain(&target.chain)?, target.signer.as_deref(), name, &act).await
    }
}

async fn run(global: &Global, chain: &ChainConfig, signer: Option<&str>, name: &str, act: &AdminAct) -> Result<(), Failure> {
    let AdminDone { transaction, height } = admin::run(chain, signer, act).await?;
    if global.json {
        output::json_object(&json!({ "chain": chain.name, "act": name, "transaction": transaction, "height": height }));
    } else {
        println!("{name} on {}: in block {height}, transaction {transaction}", chain.name);
    }
    Ok(())
}

fn show(global: &Global, chain: &str, account: Option<Address>, access: &RouterAccess) {
    let held = || access.roles.iter().map(|role| role.name()).collect::<Vec<_>>();
    let pending = (access.pending_owner != Address::ZERO).then_some(access.pending_owner);
    if global.json {
        let account = account.map(|address| json!({ "address": address, "roles": held(), "may_relay": access.may_relay }));
        output::json_object(&json!({
            "chain": chain,
            "owner": access.owner,
            "pending_owner": pending,
            "paused": access.paused,
            "relaying_open": access.relaying_open,
            "account": account,
        }));
        return;
    }
    let yes_no = |value: bool| if value { "yes" } else { "no" }.to_string();
    let mut rows = vec![vec!["owner".to_string(), access.owner.to_string()]];
    rows.extend(pending.map(|owner| vec!["offered to".to_string(), owner.to_string()]));
    rows.push(vec!["paused".to_string(), yes_no(access.paused)]);
    rows.push(vec!["anybody may relay".to_string(), yes_no(access.relaying_open)]);
    if let Some(account) = account {
        let roles = held();
        rows.push(vec![format!("roles of {account}"), if roles.is_empty() { "none".to_string() } else { roles.join(", ") }]);
        rows.push(vec!["it may relay".to_string(), yes_no(access.may_relay)]);
    }
    println!("{}", output::table(&["router", "value"], rows));
}
