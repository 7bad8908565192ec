//! Deployment of the contracts, resumable: every transaction is recorded before it is broadcast, and looked up before it is repeated.
//!
//! Not here: what is done with the addresses. Called by `contracts deploy` and by the demo.

use crate::adapter::open;
use crate::chain::{Chain, Result};
use crate::config::{ClientKind, Config};
use crate::keys::Keys;
use crate::tx::{self, outcome::RawReceipt, single};
use alloy::primitives::{Address, Bytes, TxKind};
use alloy::sol_types::{SolCall, SolValue};
use causeway_adapter::{AdapterError, FeePolicy, SignedTx};
use causeway_evm_contracts::{Contract, abi};
use serde::Serialize;
use std::collections::BTreeMap;

/// What to deploy, and with which key.
#[derive(Debug, Clone)]
pub struct DeployOptions {
    /// Name of the key that pays; it becomes the router's owner.
    pub signer: String,
    /// Also a token that anybody may mint, a receiver that answers and a sender of raw packets: for demos and tests.
    pub demo: bool,
    /// What a transaction may cost.
    pub fees: FeePolicy,
}

/// Where the contracts are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Deployment {
    /// The router.
    pub router: Address,
    /// Block of the router's creation: `deployment_height` of the configuration.
    pub deployment_height: u64,
    /// Factory of QBFT light clients.
    pub qbft_factory: Address,
    /// Factory of IBFT2 light clients.
    pub ibft2_factory: Address,
    /// Token transfers.
    pub token_transfer: Address,
    /// General messages.
    pub message_gateway: Address,
    /// Demo: a token.
    pub test_token: Option<Address>,
    /// Demo: a receiver of messages.
    pub echo: Option<Address>,
    /// Demo: a sender of any payload.
    pub raw_sender: Option<Address>,
}

/// Where a deployment remembers its transactions, so that it can be resumed.
pub trait DeployJournal: Send {
    /// The transaction of a step, if one was signed.
    fn signed(&self, step: &str) -> Option<SignedTx>;

    /// Remembers a transaction durably, before it is broadcast.
    ///
    /// # Errors
    /// A text that says why it could not be remembered; the deployment stops.
    fn record(&mut self, step: &str, tx: &SignedTx) -> core::result::Result<(), String>;

    /// A step is done; for progress on a screen.
    fn done(&mut self, _step: &str) {}
}

impl DeployJournal for BTreeMap<String, SignedTx> {
    fn signed(&self, step: &str) -> Option<SignedTx> {
        self.get(step).cloned()
    }

    fn record(&mut self, step: &str, tx: &SignedTx) -> core::result::Result<(), String> {
        self.insert(step.to_string(), tx.clone());
        Ok(())
    }
}

/// Deploys what is not there yet: router, factories, applications, their registration. Chain id and balance are checked first.
/// Called again with the same journal after a crash, it goes on where it stopped.
///
/// # Errors
/// [`AdapterError`] of the first step that fails; nothing of the steps before is lost.
pub async fn deploy(config: &Config, keys: &Keys, options: &DeployOptions, journal: &mut dyn DeployJournal) -> Result<Deployment> {
    let chain = open(config, Address::ZERO)?;
    let from = keys.address(&options.signer).ok_or_else(|| tx::missing_key(&options.signer))?;
    let mut run = Run { chain, keys, options, journal };
    let (router, deployment_height) = run.create("router", Contract::Router, &from.abi_encode()).await?;
    let (qbft_factory, _) = run.create("qbft-factory", Contract::QbftLightClientFactory, &0_u64.abi_encode()).await?;
    let (ibft2_factory, _) = run.create("ibft2-factory", Contract::QbftLightClientFactory, &1_u64.abi_encode()).await?;
    let (token_transfer, _) = run.create("token-transfer", Contract::TokenTransfer, &router.abi_encode()).await?;
    let (message_gateway, _) = run.create("message-gateway", Contract::MessageGateway, &router.abi_encode()).await?;
    for (kind, factory) in [(ClientKind::Qbft, qbft_factory), (ClientKind::Ibft2, ibft2_factory)] {
        run.client_type(router, kind.client_type(), factory).await?;
    }
    for (port, app) in [("transfer", token_transfer), ("gmpport", message_gateway)] {
        run.application(router, port, app).await?;
    }
    let mut deployment = Deployment {
        router,
        deployment_height,
        qbft_factory,
        ibft2_factory,
        token_transfer,
        message_gateway,
        test_token: None,
        echo: None,
        raw_sender: None,
    };
    if options.demo {
        let names = ("Causeway Test".to_string(), "CWT".to_string()).abi_encode_params();
        deployment.test_token = Some(run.create("test-token", Contract::TestToken, &names).await?.0);
        deployment.echo = Some(run.create("echo", Contract::Echo, &[]).await?.0);
        let (raw_sender, _) = run.create("raw-sender", Contract::RawSender, &router.abi_encode()).await?;
        run.own_port(router, raw_sender).await?;
        deployment.raw_sender = Some(raw_sender);
    }
    Ok(deployment)
}

/// One deployment as it runs.
struct Run<'a> {
    chain: Chain,
    keys: &'a Keys,
    options: &'a DeployOptions,
    journal: &'a mut dyn DeployJournal,
}

impl Run<'_> {
    /// Creates a contract; its address and the block.
    async fn create(&mut self, step: &str, contract: Contract, arguments: &[u8]) -> Result<(Address, u64)> {
        let receipt = self.step(step, TxKind::Create, contract.creation_code(arguments)).await?;
        let address = receipt.contract_address.ok_or_else(|| self.chain.protocol("receipt", "a contract address", "none"))?;
        Ok((address, receipt.height()))
    }

    async fn client_type(&mut self, router: Address, name: &str, factory: Address) -> Result<()> {
        let height = self.chain.head().await?.height;
        let known = abi::Router::getClientFactoryCall { clientType: name.to_string() };
        if self.chain.view(router, &known, height).await? == Some(factory) {
            return Ok(());
        }
        let call = abi::Router::registerClientTypeCall { clientType: name.to_string(), factory };
        self.step(&format!("client-type-{name}"), TxKind::Call(router), call.abi_encode().into()).await.map(|_| ())
    }

    async fn application(&mut self, router: Address, port: &str, app: Address) -> Result<()> {
        let height = self.chain.head().await?.height;
        let known = abi::Router::getIBCAppCall { portId: port.to_string() };
        if self.chain.view(router, &known, height).await? == Some(app) {
            return Ok(());
        }
        let call = abi::Router::addIBCApp_1Call { portId: port.to_string(), app };
        self.step(&format!("application-{port}"), TxKind::Call(router), call.abi_encode().into()).await.map(|_| ())
    }

    /// Registers an application under its own address, which anybody may.
    async fn own_port(&mut self, router: Address, app: Address) -> Result<()> {
        let height = self.chain.head().await?.height;
        let port = app.to_string().to_lowercase();
        let known = abi::Router::getIBCAppCall { portId: port.clone() };
        if self.chain.view(router, &known, height).await? == Some(app) {
            return Ok(());
        }
        let call = abi::Router::addIBCApp_0Call { app };
        self.step(&format!("application-{port}"), TxKind::Call(router), call.abi_encode().into()).await.map(|_| ())
    }

    /// Runs one step, or finds it done: at the end its transaction is in a block and succeeded.
    async fn step(&mut self, step: &str, to: TxKind, input: Bytes) -> Result<RawReceipt> {
        loop {
            let signed = match self.journal.signed(step) {
                Some(signed) => signed,
                None => self.sign(step, to, &input).await?,
            };
            match single::settle(&self.chain, step, &signed).await? {
                Some(receipt) if receipt.succeeded() => {
                    self.journal.done(step);
                    return Ok(receipt);
                }
                Some(_) => {
                    let detail = format!("transaction {} reverted; remove the deployment's record of it to try again", signed.tx_id);
                    return Err(AdapterError::Invalid { what: "deployment", detail: format!("step {step}: {detail}") });
                }
                // Its nonce went to another transaction: only now may it be signed again.
                None => {
                    self.sign(step, to, &input).await?;
                }
            }
        }
    }

    async fn sign(&mut self, step: &str, to: TxKind, input: &Bytes) -> Result<SignedTx> {
        let signed = single::sign(&self.chain, self.keys, &self.options.signer, &self.options.fees, (to, input)).await?;
        let failed = |detail| AdapterError::Invalid { what: "deployment record", detail };
        self.journal.record(step, &signed).map_err(failed)?;
        Ok(signed)
    }
}
