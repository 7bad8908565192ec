//! The demo's stage, set up the way an operator would: chains, keys, contracts, configuration file, path.

use super::rival;
use super::side::{Addresses, Side};
use super::view::View;
use crate::config::{self, Config};
use crate::exit::{Code, Failure, OrFail};
use crate::families::evm::{self, dapp::Dapp, deployment};
use crate::relayer::{self, Running};
use alloy::primitives::{Address, B256, U256};
use alloy::signers::local::PrivateKeySigner;
use causeway_adapter::Family;
use causeway_engine::handshake::{self, PathSetup};
use causeway_evm_adapter::{Keys, Secret, keys};
use causeway_evm_contracts::abi;
use causeway_evm_devnet::{Devnet, DevnetConfig, DevnetHandle, dev_key};
use causeway_types::ClientId;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tempfile::TempDir;

/// Name of the key that the relayer pays with.
pub(super) const SIGNER: &str = "relayer";
/// Name of the key of the rival relayer.
const RIVAL: &str = "rival";
/// Names of the chains.
const NAMES: [&str; 2] = ["alpha", "beta"];
/// Chain ids.
const CHAIN_IDS: [u64; 2] = [31_337, 31_338];
/// Time between blocks.
const BLOCK_PERIOD: Duration = Duration::from_millis(500);
/// Validators of each chain.
const VALIDATORS: usize = 4;
/// Tokens the user is given, in the smallest unit.
const MINTED: u64 = 1_000_000_000;
/// Longest wait for the chains' clocks to pass a timeout.
const EXPIRY_PATIENCE: Duration = Duration::from_secs(60);

/// Two chains, a configuration and a path.
#[derive(Debug)]
pub(crate) struct Stage {
    chains: [DevnetHandle; 2],
    sides: [Side; 2],
    rivals: [Family; 2],
    config: Config,
    config_file: PathBuf,
    // Removed when the stage is.
    _folder: TempDir,
}

impl Stage {
    /// Sets everything up.
    pub(super) async fn set_up(view: &View) -> Result<Self, Failure> {
        let folder = tempfile::Builder::new().prefix("causeway-demo-").tempdir().or_fail(Code::Failed)?;
        let chains = [start_chain(0).await?, start_chain(1).await?];
        view.step("keys, and a configuration such as `causeway init` writes");
        let config_file = folder.path().join("causeway.toml");
        write_config(folder.path(), &config_file, &chains).await?;
        view.step("contracts on both chains");
        let (a, b) = tokio::try_join!(deploy(&config_file, 0), deploy(&config_file, 1))?;
        let deployed = [a, b];
        for (index, deployed) in deployed.iter().enumerate() {
            deployment::write(&config_file, NAMES[index], deployed)?;
            trust(&config_file, index).await?;
        }
        let mut config = config::load(&config_file)?;
        view.step("light clients on both sides, registered with each other");
        let path = create_path(&config, &config_file).await?;
        config = config::load(&config_file)?;
        let mut sides = Vec::with_capacity(2);
        for (index, deployed) in deployed.into_iter().enumerate() {
            sides.push(side(&chains[index], index, &deployed, &path[index]).await?);
        }
        let rivals = [rival_family(&config, 0).await?, rival_family(&config, 1).await?];
        let sides: [Side; 2] = sides.try_into().map_err(|_| Failure::new(Code::Failed, "the demo has two chains"))?;
        Ok(Self { chains, sides, rivals, config, config_file, _folder: folder })
    }

    /// Sender and receiver of a direction.
    pub(super) fn sides(&mut self, direction: usize) -> (&mut Side, &Side) {
        let [a, b] = &mut self.sides;
        if direction == 0 { (a, b) } else { (b, a) }
    }

    /// Both sides.
    pub(super) fn both(&self) -> &[Side; 2] {
        &self.sides
    }

    /// The configuration file.
    pub(super) fn config_file(&self) -> &Path {
        &self.config_file
    }

    /// JSON-RPC of a chain.
    pub(super) fn rpc_url(&self, index: usize) -> String {
        self.chains[index].rpc_url()
    }

    /// Name of the path.
    pub(super) fn path_name(&self) -> &str {
        self.config.paths.first().map_or("", |path| path.name.as_str())
    }

    /// Lets a rival relayer deliver packets of a direction.
    pub(super) async fn rival(&self, direction: usize, sequences: &[u64]) -> Result<(), Failure> {
        let (source, dest) = (direction, 1 - direction);
        let clients = [&self.sides[source].client, &self.sides[dest].client].map(ClientId::new);
        let [Ok(source_client), Ok(dest_client)] = clients else { return Err(Failure::new(Code::Failed, "a client id is not one")) };
        rival::deliver(&self.rivals[source], &self.rivals[dest], (&source_client, &dest_client), sequences, RIVAL).await
    }

    /// Waits until the clocks of both chains are past a time.
    pub(super) async fn wait_until_expired(&self, timeout_s: u64) -> Result<(), Failure> {
        let wait = async {
            for side in &self.sides {
                while side.dapp.time_s().await? <= timeout_s {
                    tokio::time::sleep(BLOCK_PERIOD).await;
                }
            }
            Ok(())
        };
        tokio::time::timeout(EXPIRY_PATIENCE, wait).await.map_err(|_| Failure::new(Code::Failed, "the chains' clocks stand still"))?
    }

    /// Starts the relayer from the configuration file, as `causeway start` does.
    pub(super) async fn start_relayer(&self) -> Result<Running, Failure> {
        Running::start(&self.config, false).await
    }

    /// Stops the chains.
    pub(super) async fn stop(self) {
        let [a, b] = self.chains;
        tokio::join!(a.stop(), b.stop());
    }
}

async fn start_chain(index: usize) -> Result<DevnetHandle, Failure> {
    let config = DevnetConfig {
        chain_id: CHAIN_IDS[index],
        validators: VALIDATORS,
        seed: CHAIN_IDS[index],
        block_period: BLOCK_PERIOD,
        ..DevnetConfig::default()
    };
    Devnet::start(config).await.or_fail(Code::Failed)
}

/// The configuration file, its keys in encrypted keystores and their passphrase in a file.
async fn write_config(folder: &Path, file: &Path, chains: &[DevnetHandle; 2]) -> Result<(), Failure> {
    let keys_folder = folder.join("keys");
    let passphrase_file = folder.join("passphrase");
    let passphrase = hex::encode(rand::random::<[u8; 16]>());
    std::fs::write(&passphrase_file, &passphrase).or_fail(Code::Failed)?;
    tokio::task::spawn_blocking(move || {
        let secret = Secret::new(passphrase);
        keys::add(&keys_folder, SIGNER, &secret).and_then(|_| keys::add(&keys_folder, RIVAL, &secret)).or_fail(Code::Key)
    })
    .await
    .or_fail(Code::Failed)??;
    let mut text = String::from("[relayer]\nstore = \"journal\"\n\n[api]\ngrpc_listen = \"127.0.0.1:0\"\nhttp_listen = \"127.0.0.1:0\"\n");
    for (index, chain) in chains.iter().enumerate() {
        let (name, chain_id, url) = (NAMES[index], CHAIN_IDS[index], chain.rpc_url());
        let interval_ms = BLOCK_PERIOD.as_millis();
        text.push_str(&format!(
            "\n[[chain]]\nname = \"{name}\"\nsigners = [\"{SIGNER}\"]\n\n[chain.evm]\nchain_id = {chain_id}\n\
             rpc = [{{ url = \"{url}\" }}]\nblock_interval_ms = {interval_ms}\n"
        ));
        for key in [SIGNER, RIVAL] {
            text.push_str(&format!("\n[chain.evm.keys.{key}]\nkeystore = \"keys/{key}.json\"\npassphrase = {{ file = \"passphrase\" }}\n"));
        }
    }
    std::fs::write(file, text).or_fail(Code::Failed)
}

/// Puts the contracts on one chain; the file is written by the caller, after both.
async fn deploy(file: &Path, index: usize) -> Result<causeway_evm_adapter::Deployment, Failure> {
    let config = config::load(file)?;
    let chain = config.chain(NAMES[index]).or_fail(Code::BadConfig)?;
    let family = chain.evm.as_ref().ok_or_else(|| Failure::new(Code::BadConfig, "the demo's chains are EVM chains"))?;
    let keys: Keys = evm::unlock(&chain.name, family, &[SIGNER.to_string()]).await?;
    let wanted = deployment::Wanted { signer: SIGNER.to_string(), demo_apps: true, fees: relayer::fee_policy(&chain.fees)? };
    let record = file.with_file_name(format!("{}.deployment.json", chain.name));
    deployment::run(family, &keys, wanted, &record, true).await
}

/// The root of trust. The demo runs the nodes itself, so it may vouch for what they say.
async fn trust(file: &Path, index: usize) -> Result<(), Failure> {
    let config = config::load(file)?;
    let chain = config.chain(NAMES[index]).or_fail(Code::BadConfig)?;
    let family = crate::families::watch_only(chain).await?;
    let (height, update) = family.adapter.root(None).await.or_fail(Code::Unavailable)?;
    let hash = family.light_client.block_hash(&update).or_fail(Code::Untrusted)?;
    let number = i64::try_from(height.number).or_fail(Code::Failed)?;
    let hash = format!("0x{}", hex::encode(hash));
    config::set_chain_values(file, NAMES[index], "trust", &[("height", number.into()), ("hash", hash.as_str().into())])
}

/// Creates the path; the client ids of both ends.
async fn create_path(config: &Config, file: &Path) -> Result<[String; 2], Failure> {
    let store = relayer::open_store(&config.relayer)?;
    let setup = PathSetup {
        name: NAMES.join("-"),
        a: relayer::chain_spec(config.chain(NAMES[0]).or_fail(Code::BadConfig)?, false).await?,
        b: relayer::chain_spec(config.chain(NAMES[1]).or_fail(Code::BadConfig)?, false).await?,
        client_a: None,
        client_b: None,
        channel: None,
    };
    let path = handshake::create_path(setup, store, causeway_engine::env::system(), &|progress| {
        tracing::debug!(chain = %progress.chain, step = progress.step, detail = %progress.detail, "path");
    })
    .await
    .map_err(|error| relayer::start_failure(&error))?;
    config::append_path(file, &config::PathConfig::from(&path))?;
    Ok([path.a.client.to_string(), path.b.client.to_string()])
}

async fn side(chain: &DevnetHandle, index: usize, deployed: &causeway_evm_adapter::Deployment, client: &str) -> Result<Side, Failure> {
    let missing = || Failure::new(Code::Failed, "the demo's contracts were not deployed");
    let user = PrivateKeySigner::from_bytes(&B256::from(dev_key(CHAIN_IDS[index], 900))).or_fail(Code::Key)?;
    let at = Addresses {
        router: deployed.router,
        transfer: deployed.token_transfer,
        gateway: deployed.message_gateway,
        token: deployed.test_token.ok_or_else(missing)?,
        echo: deployed.echo.ok_or_else(missing)?,
        raw: deployed.raw_sender.ok_or_else(missing)?,
    };
    let mut dapp = Dapp::connect(NAMES[index], &chain.rpc_url(), user).await?;
    let amount = U256::from(MINTED);
    dapp.call(at.token, &abi::TestToken::mintCall { to: dapp.user(), amount }).await?;
    dapp.call(at.token, &abi::TestToken::approveCall { spender: at.transfer, value: amount }).await?;
    Ok(Side { name: NAMES[index].to_string(), client: client.to_string(), at, dapp })
}

async fn rival_family(config: &Config, index: usize) -> Result<Family, Failure> {
    let mut chain = config.chain(NAMES[index]).or_fail(Code::BadConfig)?.clone();
    chain.signers = vec![RIVAL.to_string()];
    crate::families::connect(&chain).await
}

/// Tokens the user was given on each chain.
pub(super) fn minted() -> U256 {
    U256::from(MINTED)
}

/// The voucher of the other chain's token, if one was minted yet.
pub(super) async fn voucher(here: &Side, there: &Side) -> Result<Option<Address>, Failure> {
    let denom = format!("transfer/{}/{:#x}", here.client, there.at.token);
    let address = here.dapp.view(here.at.transfer, &abi::TokenTransfer::voucherOfCall { denom }).await?;
    Ok(Some(address).filter(|address| !address.is_zero()))
}
