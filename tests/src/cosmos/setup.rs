//! The configuration of an operator of Cosmos chains: what the tests usually write, and what some of them change.

use std::path::Path;

use anyhow::{Result, anyhow, ensure};

use super::{PASSPHRASE, Site};
use crate::chains::simd::{Account, Network};
use crate::cli::{Cli, text};

/// What an operator configures otherwise than the tests usually do, of both chains.
#[derive(Debug, Clone)]
pub struct Setup {
    /// Accounts of the genesis block that are the relayer's keys.
    pub keys: Vec<String>,
    /// Accounts of the genesis block whose keys are configured, and do not relay.
    pub senders: Vec<String>,
    /// `trusting_period_s`.
    pub trusting_period_s: u64,
    /// `gas_price`, in quotes or as a table.
    pub gas_price: String,
    /// More lines of the chain's own table.
    pub lines: String,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            keys: vec!["relayer".to_owned()],
            senders: Vec::new(),
            trusting_period_s: 1_209_600,
            gas_price: "\"0\"".to_owned(),
            lines: String::new(),
        }
    }
}

impl Setup {
    /// With the users' keys in the configuration as well, for commands that send.
    #[must_use]
    pub fn with_users() -> Self {
        Self { senders: vec!["user".to_owned()], ..Self::default() }
    }

    /// The configuration of these chains under their names, without paths, of a relayer that answers gRPC and HTTP on these ports.
    pub(super) fn config(&self, chains: &[(&str, &Network)], (grpc_port, http_port): (u16, u16)) -> String {
        let mut text = format!(
            "[relayer]\nstore = \"data\"\nclear_interval_s = 5\n\n[api]\ngrpc_listen = \"127.0.0.1:{grpc_port}\"\n\
             http_listen = \"127.0.0.1:{http_port}\"\n"
        );
        for (name, network) in chains {
            let urls: Vec<String> = network.rpc_urls().iter().map(|url| format!("{{ url = \"{url}\" }}")).collect();
            let signers: Vec<String> = self.keys.iter().map(|key| format!("\"{key}-{name}\"")).collect();
            let Self { trusting_period_s, gas_price, lines, .. } = self;
            text.push_str(&format!(
                "\n[[chain]]\nname = \"{name}\"\nsigners = [{}]\ntrusting_period_s = {trusting_period_s}\n\n\
                 [chain.cosmos]\nchain_id = \"{}\"\nrpc = [{}]\naddress_prefix = \"cosmos\"\ngas_denom = \"stake\"\ngas_price = {gas_price}\n\
                 block_interval_ms = 500\n{lines}\n",
                signers.join(", "),
                network.chain_id(),
                urls.join(", "),
            ));
            for key in self.all_keys() {
                text.push_str(&format!(
                    "\n[chain.cosmos.keys.{key}-{name}]\nkeystore = \"keys/{key}-{name}.json\"\n\
                     passphrase = {{ env = \"{}\" }}\n",
                    PASSPHRASE.0
                ));
            }
        }
        text
    }

    /// Takes the keys into their keystores, and sets the roots of trust to what the endpoints say; the test runs the nodes. The relayer's
    /// accounts are those that the genesis blocks fund.
    pub(super) async fn add_keys_and_trust(&self, cli: &Cli, folder: &Path, chains: &[(&str, &Network)]) -> Result<()> {
        let keys = self.all_keys();
        futures::future::try_join_all(chains.iter().map(|chain| add_keys(cli, folder, *chain, &keys))).await?;
        // These write the configuration, one after the other.
        for (name, _) in chains {
            let shown = cli.json(&["trust", "show", name]).await?;
            let height = shown["height"].to_string();
            cli.ok(&["trust", "set", name, "--height", &height, "--hash", text(&shown, "/hash")?]).await?;
        }
        Ok(())
    }

    fn all_keys(&self) -> Vec<String> {
        [&self.keys[..], &self.senders[..]].concat()
    }
}

async fn add_keys(cli: &Cli, folder: &Path, (name, network): (&str, &Network), keys: &[String]) -> Result<()> {
    for key in keys {
        add_key(cli, folder, (key, name), network.account(key)?).await?;
    }
    Ok(())
}

/// Takes an account of the genesis block into the keystore that the configuration names for the chain.
pub(super) async fn add_key(cli: &Cli, folder: &Path, (key, chain): (&str, &str), account: &Account) -> Result<()> {
    let words = folder.join(format!("{key}-{chain}.words"));
    std::fs::write(&words, &account.mnemonic)?;
    let (key, words) = (format!("{key}-{chain}"), words.to_string_lossy().into_owned());
    let args = ["key", "add", &key, "--chain", chain, "--import-mnemonic", &words, "--passphrase-env", PASSPHRASE.0];
    let added = cli.json(&args).await?;
    ensure!(text(&added, "/address")? == account.address, "{added}");
    Ok(())
}

impl Site {
    /// Commands on a copy of the configuration that says `new` where this one says `old`.
    ///
    /// # Errors
    /// As [`Site::edit`].
    pub fn changed(&self, name: &str, old: &str, new: &str) -> Result<Cli> {
        let text = std::fs::read_to_string(self.cli.config())?;
        ensure!(text.contains(old), "the configuration does not say {old}:\n{text}");
        let path = self.folder.path().join(format!("{name}.toml"));
        std::fs::write(&path, text.replace(old, new))?;
        Ok(self.cli.with_config(path))
    }

    /// Writes the addresses of the nodes that a network has now into the configuration, in the place of those that stand there for the chain.
    ///
    /// # Errors
    /// When the file cannot be read, or names no nodes for the chain.
    pub fn readdress(&self, index: usize) -> Result<()> {
        let text = std::fs::read_to_string(self.cli.config())?;
        let mut document: toml::Table = text.parse()?;
        let urls = self.networks[index].rpc_urls();
        let chains = document.get_mut("chain").and_then(toml::Value::as_array_mut);
        let cosmos = chains.and_then(|chains| chains.get_mut(index)?.get_mut("cosmos")?.as_table_mut());
        let rpc: Vec<toml::Value> = urls.into_iter().map(|url| toml::Table::from_iter([("url".to_owned(), url.into())]).into()).collect();
        cosmos.ok_or_else(|| anyhow!("the configuration names no nodes:\n{text}"))?.insert("rpc".to_owned(), rpc.into());
        Ok(std::fs::write(self.cli.config(), toml::to_string(&document)?)?)
    }
}
