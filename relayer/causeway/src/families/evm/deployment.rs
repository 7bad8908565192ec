//! Deploying contracts from the command line: a record on disk before every broadcast, addresses into the configuration.

use crate::config;
use crate::exit::{Code, Failure, OrFail};
use alloy::primitives::Address;
use causeway_adapter::{AdapterError, FeePolicy, SignedTx, Slot};
use causeway_evm_adapter::{Config, DeployJournal, DeployOptions, DeployedCode, Deployment, Keys, deploy, deployed_code};
use causeway_types::TxId;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::{Path, PathBuf};

/// What to deploy.
#[derive(Debug, Clone)]
pub(crate) struct Wanted {
    /// Key that pays and becomes the owner.
    pub(crate) signer: String,
    /// Also the contracts for trying things out.
    pub(crate) demo_apps: bool,
    /// What it may cost.
    pub(crate) fees: FeePolicy,
}

/// Deploys, or goes on with a deployment whose record is there. The record stays: it belongs to the router.
///
/// # Errors
/// Exit codes 64, 69 and 77; run it again to go on.
pub(crate) async fn run(config: &Config, keys: &Keys, wanted: Wanted, record: &Path, quiet: bool) -> Result<Deployment, Failure> {
    let mut journal = Record::open(record, quiet)?;
    let options = DeployOptions { signer: wanted.signer, demo: wanted.demo_apps, fees: wanted.fees };
    deploy(config, keys, &options, &mut journal).await.map_err(|error| match error {
        AdapterError::Unreachable { .. } | AdapterError::Denied { .. } | AdapterError::RateLimited { .. } => {
            Failure::new(Code::Unavailable, error)
        }
        AdapterError::InsufficientFunds { .. } => Failure::new(Code::Failed, error),
        _ => Failure::new(Code::BadConfig, error),
    })
}

/// Whether the router that a chain's configuration names is one of this release.
///
/// # Errors
/// Exit code 64 when there is no contract at that address, 1 when it is another one, 69 when no endpoint answers.
pub(crate) async fn verify(chain: &str, config: &Config, router: Address) -> Result<(), Failure> {
    match deployed_code(config, router).await.map_err(|error| super::failure(chain, &error))? {
        DeployedCode::Ours => Ok(()),
        DeployedCode::Missing => Err(Failure::new(Code::BadConfig, format!("chain \"{chain}\": {}", nothing_there(router, chain)))),
        DeployedCode::Other => {
            let what = "holds other code than the router of this release: an earlier release's, or another contract; nothing was changed";
            Err(Failure::new(Code::Failed, format!("chain \"{chain}\": {router} {what}. {}", anew(chain))))
        }
    }
}

/// What to say of a router's address without a contract.
pub(crate) fn nothing_there(router: Address, chain: &str) -> String {
    format!(
        "there is no contract at {router}, which the configuration calls the router: a chain made anew, or a wrong address. {}",
        anew(chain)
    )
}

/// How a second router is deployed.
fn anew(chain: &str) -> String {
    format!(
        "For a new router, take `router` out of the configuration, put the record {chain}.deployment.json away, and run \
         `causeway contracts deploy --chain {chain}`"
    )
}

/// The router whose deployment a record is of; `None` where there is no record, or it ends before the router.
///
/// # Errors
/// Exit code 73 when the record cannot be read.
pub(crate) fn recorded_router(record: &Path) -> Result<Option<Address>, Failure> {
    let record = Record::open(record, true)?;
    Ok(record.steps.get("router").and_then(|step| Some(step.account.parse::<Address>().ok()?.create(step.nonce))))
}

/// Writes the addresses into the configuration.
pub(crate) fn write(file: &Path, chain: &str, deployed: &Deployment) -> Result<(), Failure> {
    let height = i64::try_from(deployed.deployment_height).or_fail(Code::Failed)?;
    config::set_chain_values(
        file,
        chain,
        "evm",
        &[
            ("router", deployed.router.to_string().into()),
            ("deployment_height", height.into()),
            ("token_transfer", deployed.token_transfer.to_string().into()),
            ("message_gateway", deployed.message_gateway.to_string().into()),
        ],
    )
}

/// One signed transaction of the record.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Step {
    tx_id: String,
    raw: String,
    account: String,
    nonce: u64,
}

/// The record of a deployment: a JSON file, replaced whole before every broadcast.
#[derive(Debug)]
struct Record {
    path: PathBuf,
    steps: BTreeMap<String, Step>,
    /// Steps that an earlier run had signed.
    found: BTreeSet<String>,
    quiet: bool,
}

impl Record {
    fn open(path: &Path, quiet: bool) -> Result<Self, Failure> {
        let steps: BTreeMap<String, Step> = match std::fs::read_to_string(path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => BTreeMap::new(),
            Err(error) => return Err(Failure::new(Code::Store, format!("cannot read {}: {error}", path.display()))),
            Ok(text) => serde_json::from_str(&text).map_err(|error| {
                Failure::new(Code::Store, format!("{} is not a deployment record: {error}; move it away to begin anew", path.display()))
            })?,
        };
        let found = steps.keys().cloned().collect();
        Ok(Self { path: path.to_path_buf(), steps, found, quiet })
    }

    fn save(&self) -> std::io::Result<()> {
        let temporary = self.path.with_extension("json.new");
        let mut file = std::fs::File::create(&temporary)?;
        file.write_all(serde_json::to_string_pretty(&self.steps)?.as_bytes())?;
        file.sync_all()?;
        std::fs::rename(&temporary, &self.path)?;
        // The rename itself must be durable before the broadcast.
        let folder = self.path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        std::fs::File::open(folder)?.sync_all()
    }
}

impl DeployJournal for Record {
    fn signed(&self, step: &str) -> Option<SignedTx> {
        let step = self.steps.get(step)?;
        Some(SignedTx {
            tx_id: step.tx_id.parse::<TxId>().ok()?,
            raw: hex::decode(&step.raw).ok()?,
            account: step.account.clone(),
            slot: Slot::Number(step.nonce),
        })
    }

    fn record(&mut self, step: &str, tx: &SignedTx) -> Result<(), String> {
        let Slot::Number(nonce) = tx.slot else { return Err("a deployment needs a nonce".to_string()) };
        let entry = Step { tx_id: tx.tx_id.to_string(), raw: hex::encode(&tx.raw), account: tx.account.clone(), nonce };
        self.steps.insert(step.to_string(), entry);
        self.save().map_err(|error| format!("{}: {error}", self.path.display()))
    }

    fn done(&mut self, step: &str) {
        if !self.quiet {
            println!("  {step}{}", if self.found.contains(step) { " (there already)" } else { "" });
        }
    }
}
