//! `causeway key`: encrypted Web3 keystores (version 3) in a folder beside the configuration.

mod balance;

use crate::cli::Global;
use crate::exit::{Code, Failure, OrFail};
use crate::secrets::{self, PassphraseArgs};
use crate::{config, families, output};
use causeway_cosmos_adapter::{AccountForm, keys as cosmos_keys};
use causeway_evm_adapter::keys;
use causeway_keystore::{KeyFile, Secret, SecretRef};
use serde_json::json;
use std::collections::BTreeSet;
use std::path::PathBuf;

/// Look after the encrypted keys that sign transactions.
#[derive(Debug, clap::Args)]
pub(crate) struct Command {
    /// Folder of the keystores [default: where the configuration of `--chain` names the key, else `keys` beside the configuration; `list` looks
    /// wherever the configuration names keys].
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
        /// Chain of the configuration that it is for: its address is written as that chain does [default: as EVM chains do].
        #[arg(long)]
        chain: Option<String>,
        /// Import the private key (hexadecimal) in this file instead of making a new one.
        #[arg(long, value_name = "FILE", conflicts_with = "import_keystore")]
        import_file: Option<PathBuf>,
        /// Import the private key (hexadecimal) in this environment variable.
        #[arg(long, value_name = "VARIABLE", conflicts_with_all = ["import_file", "import_keystore"])]
        import_env: Option<String>,
        /// Import the key of the mnemonic in this file; for chains of the Cosmos family.
        #[arg(long, value_name = "FILE", requires = "chain", conflicts_with_all = ["import_file", "import_env", "import_keystore"])]
        import_mnemonic: Option<PathBuf>,
        /// Derivation path of the mnemonic's key [default: that of the chain's wallets, m/44'/118'/0'/0/0 or m/44'/60'/0'/0/0].
        #[arg(long, value_name = "PATH", requires = "import_mnemonic")]
        hd_path: Option<String>,
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
        /// Chain whose configuration says where it is.
        #[arg(long)]
        chain: Option<String>,
        /// Open it with its passphrase.
        #[arg(long)]
        check: bool,
        #[command(flatten)]
        passphrase: PassphraseArgs,
    },
    /// Ask the chains what the accounts of their keys hold: those that relay, and those that send by hand.
    Balance {
        /// Names of chains [default: all].
        chains: Vec<String>,
    },
    /// Delete a key for good.
    Delete {
        /// Its name.
        name: String,
        /// Chain whose configuration says where it is.
        #[arg(long)]
        chain: Option<String>,
        /// Do not ask.
        #[arg(long)]
        yes: bool,
    },
}

impl Command {
    /// Runs the action.
    pub(crate) async fn execute(self, global: &Global) -> Result<(), Failure> {
        let json = global.json;
        if let Action::Balance { chains } = &self.action {
            return balance::execute(global, chains).await;
        }
        if let Action::List = &self.action {
            return list(&self.folder.map_or_else(|| folders(global), |folder| vec![folder]), json);
        }
        let configured = match &self.action {
            Action::Add { name, chain: Some(chain), .. }
            | Action::Show { name, chain: Some(chain), .. }
            | Action::Delete { name, chain: Some(chain), .. } => Configured::of(global, chain, name)?,
            _ => Configured::default(),
        };
        let folder = self.folder.or(configured.folder).unwrap_or_else(|| base(global).join("keys"));
        let form = match &self.action {
            Action::Add { chain: Some(chain), .. } => cosmos_form(global, chain)?,
            _ => None,
        };
        // Key derivation takes a second of one core; the runtime keeps its threads.
        tokio::task::spawn_blocking(move || run(self.action, form, (&folder, configured.passphrase), json)).await.or_fail(Code::Failed)?
    }
}

/// The folder of the configuration.
fn base(global: &Global) -> &std::path::Path {
    global.config.parent().unwrap_or(std::path::Path::new("."))
}

/// Every folder in which the configuration expects keys, and the usual one. Keys can be listed without a configuration, too.
fn folders(global: &Global) -> Vec<PathBuf> {
    let mut folders = BTreeSet::from([base(global).join("keys")]);
    if let Ok(config) = config::load_unchecked(&global.config) {
        for family in config.chains.iter().flat_map(families::tables) {
            let files = family.key_names().into_iter().filter_map(|name| family.keystore(&name));
            folders.extend(files.filter_map(|file| file.parent().map(|folder| base(global).join(folder))));
        }
    }
    folders.into_iter().collect()
}

fn list(folders: &[PathBuf], json: bool) -> Result<(), Failure> {
    let mut all = Vec::new();
    for folder in folders {
        all.extend(causeway_keystore::list(folder).or_fail(Code::Key)?);
    }
    shown(&all, json, false);
    Ok(())
}

/// What the configuration of a chain says of a key.
#[derive(Default)]
struct Configured {
    /// The folder in which it is expected, if its file is named as keys are named here.
    folder: Option<PathBuf>,
    /// Where its passphrase will be read when it is used.
    passphrase: Option<SecretRef>,
}

impl Configured {
    fn of(global: &Global, chain: &str, name: &str) -> Result<Self, Failure> {
        let config = config::load_unchecked(&global.config)?;
        let families = families::tables(config.chain(chain).or_fail(Code::BadConfig)?);
        let keystore = families.iter().find_map(|family| family.keystore(name));
        let keystore = keystore.filter(|file| file.file_name().is_some_and(|file| file == format!("{name}.json").as_str()));
        let mut passphrase = families.iter().find_map(|family| family.passphrase(name));
        passphrase.iter_mut().for_each(|source| source.resolve_paths(base(global)));
        Ok(Self { folder: keystore.and_then(|file| file.parent().map(|folder| base(global).join(folder))), passphrase })
    }
}

/// What accounts look like on a chain of the Cosmos family; `None` for EVM chains.
fn cosmos_form(global: &Global, chain: &str) -> Result<Option<AccountForm>, Failure> {
    let config = config::load_unchecked(&global.config)?;
    let chain = config.chain(chain).or_fail(Code::BadConfig)?;
    Ok(chain.cosmos.as_ref().map(AccountForm::from))
}

fn run(
    action: Action,
    form: Option<AccountForm>,
    (folder, configured): (&std::path::Path, Option<SecretRef>),
    json: bool,
) -> Result<(), Failure> {
    let file = |name: &str| folder.join(format!("{name}.json"));
    match action {
        Action::Add { name, import_file, import_env, import_keystore, import_mnemonic, hd_path, passphrase, .. } => {
            let source = import_file.map(SecretRef::File).or(import_env.map(SecretRef::Env));
            let source = match (source, import_keystore, import_mnemonic) {
                (_, Some(keystore), _) => Source::Keystore(keystore),
                (_, None, Some(words)) => Source::Mnemonic(SecretRef::File(words), hd_path),
                (Some(private), None, None) => Source::Private(private),
                (None, None, None) => Source::New,
            };
            let passphrase = passphrase.or(configured);
            let (info, words) = match form {
                Some(form) => add_cosmos(folder, (&name, &form), source, &passphrase)?,
                None => (add_evm(folder, &name, source, &passphrase)?, None),
            };
            shown(&[info], json, true);
            if let Some(words) = words {
                // On standard error, so that it gets into no pipe by accident.
                eprintln!("Write these words down: they restore the key, and are shown this once.\n{}", words.expose());
            }
            Ok(())
        }
        Action::Show { name, check, passphrase, .. } => {
            let info = existing(&name, &file(&name))?;
            if check {
                let passphrase = passphrase.or(configured);
                let secret: Secret =
                    passphrase.reference().map_or_else(|| secrets::ask(&name), |source| source.read()).or_fail(Code::Key)?;
                causeway_keystore::load(&name, &info.path, &secret).or_fail(Code::Key)?;
            }
            shown(&[info], json, true);
            Ok(())
        }
        Action::Delete { name, yes, .. } => delete(&name, &file(&name), yes, json),
        // Answered before this.
        Action::List | Action::Balance { .. } => Ok(()),
    }
}

/// Where a new keystore's key comes from.
enum Source {
    New,
    Private(SecretRef),
    Keystore(PathBuf),
    Mnemonic(SecretRef, Option<String>),
}

fn add_evm(folder: &std::path::Path, name: &str, source: Source, passphrase: &PassphraseArgs) -> Result<KeyFile, Failure> {
    let new = || passphrase.new_passphrase(name).or_fail(Code::Key);
    let info = match source {
        Source::New => keys::add(folder, name, &new()?),
        Source::Private(private) => keys::import(folder, name, &private.read().or_fail(Code::Key)?, &new()?),
        Source::Keystore(file) => {
            let secret = passphrase.reference().map_or_else(|| secrets::ask(name), |source| source.read()).or_fail(Code::Key)?;
            keys::import_keystore(folder, name, &file, &secret)
        }
        Source::Mnemonic(..) => return Err(Failure::new(Code::BadConfig, "--import-mnemonic is for chains of the Cosmos family")),
    }
    .or_fail(Code::Key)?;
    Ok(KeyFile { name: info.name, account: info.address.to_string(), path: info.path })
}

fn add_cosmos(
    folder: &std::path::Path,
    (name, form): (&str, &AccountForm),
    source: Source,
    passphrase: &PassphraseArgs,
) -> Result<(KeyFile, Option<Secret>), Failure> {
    let new = || passphrase.new_passphrase(name).or_fail(Code::Key);
    Ok(match source {
        Source::New => {
            let (file, words) = cosmos_keys::add(folder, name, form, &new()?).or_fail(Code::Key)?;
            (file, Some(words))
        }
        Source::Private(private) => {
            let private = private.read().or_fail(Code::Key)?;
            (cosmos_keys::import(folder, (name, form), &private, &new()?).or_fail(Code::Key)?, None)
        }
        Source::Mnemonic(words, path) => {
            let words = words.read().or_fail(Code::Key)?;
            let path = path.as_deref().unwrap_or(form.default_path());
            (cosmos_keys::import_mnemonic(folder, (name, form), (&words, path), &new()?).or_fail(Code::Key)?, None)
        }
        Source::Keystore(_) => {
            let advice = "import the private key or the mnemonic: a keystore of another program names no account of this chain";
            return Err(Failure::new(Code::BadConfig, advice));
        }
    })
}

fn existing(name: &str, path: &std::path::Path) -> Result<KeyFile, Failure> {
    if !path.exists() {
        let advice = "`causeway key list` shows the keys; --chain CHAIN looks where the configuration of a chain keeps this one";
        return Err(Failure::new(Code::Key, format!("key `{name}` does not exist at {}; {advice}", path.display())));
    }
    let account = causeway_keystore::account(path).or_fail(Code::Key)?;
    Ok(KeyFile { name: name.to_string(), account, path: path.to_path_buf() })
}

/// The account as its chain writes it: EVM keystores hold 40 hexadecimal digits.
fn account(info: &KeyFile) -> String {
    info.account.parse::<alloy::primitives::Address>().map_or_else(|_| info.account.clone(), |address| address.to_string())
}

fn delete(name: &str, file: &std::path::Path, yes: bool, json: bool) -> Result<(), Failure> {
    let info = existing(name, file)?;
    if !yes {
        let question = format!("Delete key `{name}` ({}) for good? Type its name: ", account(&info));
        let answer = crate::output::ask_line(&question).or_fail(Code::Key)?;
        if answer != name {
            return Err(Failure::new(Code::Failed, "nothing was deleted; --yes skips the question"));
        }
    }
    causeway_keystore::delete(name, file).or_fail(Code::Key)?;
    if json {
        output::json_object(&json!({ "deleted": name }));
    } else {
        println!("Deleted key {name}");
    }
    Ok(())
}

fn shown(infos: &[KeyFile], json: bool, single: bool) {
    if json {
        let all: Vec<_> = infos
            .iter()
            .map(|info| json!({ "name": info.name, "address": account(info), "keystore": info.path.display().to_string() }))
            .collect();
        match (single, all.first()) {
            (true, Some(only)) => output::json_object(only),
            _ => output::json_object(&json!({ "keys": all })),
        }
        return;
    }
    if infos.is_empty() {
        println!("No keys. Make one with `causeway key add NAME --chain CHAIN`");
        return;
    }
    let rows = infos.iter().map(|info| vec![info.name.clone(), account(info), info.path.display().to_string()]).collect();
    println!("{}", output::table(&["key", "address", "keystore"], rows));
}
