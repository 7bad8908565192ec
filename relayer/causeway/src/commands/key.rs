//! `causeway key`: encrypted Web3 keystores (version 3) in a folder beside the configuration.

use crate::cli::Global;
use crate::exit::{Code, Failure, OrFail};
use crate::output;
use crate::secrets::{self, PassphraseArgs};
use causeway_evm_adapter::keys::{self, KeyInfo};
use causeway_evm_adapter::{Secret, SecretRef};
use serde_json::json;
use std::path::PathBuf;

/// Look after the encrypted keys that sign transactions.
#[derive(Debug, clap::Args)]
pub(crate) struct Command {
    /// Folder of the keystores [default: `keys` beside the configuration].
    #[arg(long, value_name = "FOLDER", global = true)]
    folder: Option<PathBuf>,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Make a key, or import one.
    Add {
        /// Its name.
        name: String,
        /// Import the private key (hexadecimal) in this file instead of making a new one.
        #[arg(long, value_name = "FILE", conflicts_with = "import_keystore")]
        import_file: Option<PathBuf>,
        /// Import the private key (hexadecimal) in this environment variable.
        #[arg(long, value_name = "VARIABLE", conflicts_with_all = ["import_file", "import_keystore"])]
        import_env: Option<String>,
        /// Import a keystore of another program; its passphrase is kept.
        #[arg(long, value_name = "FILE")]
        import_keystore: Option<PathBuf>,
        #[command(flatten)]
        passphrase: PassphraseArgs,
    },
    /// List the keys.
    List,
    /// Show one key; with --check, that its passphrase opens it.
    Show {
        /// Its name.
        name: String,
        /// Open it with its passphrase.
        #[arg(long)]
        check: bool,
        #[command(flatten)]
        passphrase: PassphraseArgs,
    },
    /// Delete a key for good.
    Delete {
        /// Its name.
        name: String,
        /// Do not ask.
        #[arg(long)]
        yes: bool,
    },
}

impl Command {
    /// Runs the action.
    pub(crate) async fn execute(self, global: &Global) -> Result<(), Failure> {
        let json = global.json;
        let folder = self.folder.unwrap_or_else(|| global.config.parent().unwrap_or(std::path::Path::new(".")).join("keys"));
        // Key derivation takes a second of one core; the runtime keeps its threads.
        tokio::task::spawn_blocking(move || run(self.action, &folder, json)).await.or_fail(Code::Failed)?
    }
}

fn run(action: Action, folder: &std::path::Path, json: bool) -> Result<(), Failure> {
    let file = |name: &str| folder.join(format!("{name}.json"));
    match action {
        Action::Add { name, import_file, import_env, import_keystore, passphrase } => {
            let source = import_file.map(SecretRef::File).or(import_env.map(SecretRef::Env));
            let info = match (source, import_keystore) {
                (_, Some(keystore)) => {
                    let secret = passphrase.reference().map_or_else(|| secrets::ask(&name), |source| source.read()).or_fail(Code::Key)?;
                    keys::import_keystore(folder, &name, &keystore, &secret)
                }
                (Some(source), None) => {
                    let private = source.read().or_fail(Code::Key)?;
                    let secret = passphrase.new_passphrase(&name).or_fail(Code::Key)?;
                    keys::import(folder, &name, &private, &secret)
                }
                (None, None) => keys::add(folder, &name, &passphrase.new_passphrase(&name).or_fail(Code::Key)?),
            }
            .or_fail(Code::Key)?;
            shown(&[info], json, true);
            Ok(())
        }
        Action::List => {
            let all = keys::list(folder).or_fail(Code::Key)?;
            shown(&all, json, false);
            Ok(())
        }
        Action::Show { name, check, passphrase } => {
            let info = keys::show(&name, &file(&name)).or_fail(Code::Key)?;
            if check {
                let secret: Secret =
                    passphrase.reference().map_or_else(|| secrets::ask(&name), |source| source.read()).or_fail(Code::Key)?;
                keys::open(&name, &info.path, &secret).or_fail(Code::Key)?;
            }
            shown(&[info], json, true);
            Ok(())
        }
        Action::Delete { name, yes } => delete(&name, &file(&name), yes, json),
    }
}

fn delete(name: &str, file: &std::path::Path, yes: bool, json: bool) -> Result<(), Failure> {
    let info = keys::show(name, file).or_fail(Code::Key)?;
    if !yes {
        let question = format!("Delete key `{name}` ({}) for good? Type its name: ", info.address);
        let answer = crate::output::ask_line(&question).or_fail(Code::Key)?;
        if answer != name {
            return Err(Failure::new(Code::Failed, "nothing was deleted; --yes skips the question"));
        }
    }
    keys::delete(name, file).or_fail(Code::Key)?;
    if json {
        output::json_object(&json!({ "deleted": name }));
    } else {
        println!("Deleted key {name}");
    }
    Ok(())
}

fn shown(infos: &[KeyInfo], json: bool, single: bool) {
    if json {
        let all: Vec<_> = infos
            .iter()
            .map(|info| json!({ "name": info.name, "address": info.address.to_string(), "keystore": info.path.display().to_string() }))
            .collect();
        match (single, all.first()) {
            (true, Some(only)) => output::json_object(only),
            _ => output::json_object(&json!({ "keys": all })),
        }
        return;
    }
    if infos.is_empty() {
        println!("No keys. Make one with: causeway key add NAME");
        return;
    }
    let rows = infos.iter().map(|info| vec![info.name.clone(), info.address.to_string(), info.path.display().to_string()]).collect();
    println!("{}", output::table(&["key", "address", "keystore"], rows));
}
