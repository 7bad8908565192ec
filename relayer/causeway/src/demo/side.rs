//! One chain of the demo with a user on it: sends transactions, reads receipts, looks at balances.
//!
//! This is the dApp's side, not the relayer's: it trusts its own node, as a dApp does.

use crate::exit::{Code, Failure, OrFail};
use alloy::consensus::{SignableTransaction, TxEnvelope, TxLegacy};
use alloy::eips::eip2718::Encodable2718;
use alloy::network::TxSignerSync;
use alloy::primitives::{Address, B256, Bytes, TxKind, U256};
use alloy::providers::{Provider, ProviderBuilder, RootProvider};
use alloy::rpc::types::{TransactionReceipt, TransactionRequest};
use alloy::signers::local::PrivateKeySigner;
use alloy::sol_types::{SolCall, SolEvent};
use causeway_evm_contracts as contracts;
use std::time::Duration;

/// Gas limit of the user's transactions; the demo's chains charge nothing for what is not used.
const GAS_LIMIT: u64 = 1_500_000;
/// How long a receipt may take.
const RECEIPT_TIMEOUT: Duration = Duration::from_secs(60);

/// Addresses of what the demo uses on one chain.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Addresses {
    /// The router.
    pub(crate) router: Address,
    /// ICS-20.
    pub(crate) transfer: Address,
    /// General messages.
    pub(crate) gateway: Address,
    /// A token to send.
    pub(crate) token: Address,
    /// A receiver that answers or reverts.
    pub(crate) echo: Address,
    /// Sends to ports that do not exist.
    pub(crate) raw: Address,
}

/// One chain with its user.
#[derive(Debug)]
pub(crate) struct Side {
    /// The name in the configuration.
    pub(crate) name: String,
    /// The client on this chain that follows the other.
    pub(crate) client: String,
    /// What is deployed.
    pub(crate) at: Addresses,
    provider: RootProvider,
    user: PrivateKeySigner,
    chain_id: u64,
    nonce: u64,
}

/// A packet that was sent.
#[derive(Debug, Clone)]
pub(crate) struct Sent {
    /// Its sequence under the client.
    pub(crate) sequence: u64,
}

impl Side {
    /// Connects a user to a chain.
    pub(crate) async fn connect(name: &str, url: &str, user: PrivateKeySigner, at: Addresses) -> Result<Self, Failure> {
        let url: url::Url = url.parse().or_fail(Code::BadConfig)?;
        let provider = ProviderBuilder::default().connect_http(url);
        let chain_id = provider.get_chain_id().await.or_fail(Code::Unavailable)?;
        let nonce = provider.get_transaction_count(user.address()).await.or_fail(Code::Unavailable)?;
        Ok(Self { name: name.to_string(), client: String::new(), at, provider, user, chain_id, nonce })
    }

    /// The user's address.
    pub(crate) fn user(&self) -> Address {
        self.user.address()
    }

    /// Time of the newest block, unix seconds.
    pub(crate) async fn time_s(&self) -> Result<u64, Failure> {
        let block = self.provider.get_block(alloy::eips::BlockId::latest()).await.or_fail(Code::Unavailable)?;
        Ok(block.map_or(0, |block| block.header.timestamp))
    }

    /// Sends a call and returns its hash without waiting.
    pub(crate) async fn send(&mut self, to: Address, call: &impl SolCall) -> Result<B256, Failure> {
        self.send_raw(TxKind::Call(to), call.abi_encode().into()).await
    }

    /// Creates a contract and returns its address once it is there.
    pub(crate) async fn create(&mut self, code: Bytes) -> Result<Address, Failure> {
        let hash = self.send_raw(TxKind::Create, code).await?;
        let receipt = self.receipt(hash).await?;
        receipt.contract_address.ok_or_else(|| Failure::new(Code::Failed, format!("{}: creation {hash} left no contract", self.name)))
    }

    async fn send_raw(&mut self, to: TxKind, input: Bytes) -> Result<B256, Failure> {
        let gas_limit = if to.is_create() { 6 * GAS_LIMIT } else { GAS_LIMIT };
        let mut tx =
            TxLegacy { chain_id: Some(self.chain_id), nonce: self.nonce, gas_price: 0, gas_limit, to, value: U256::ZERO, input };
        let signature = self.user.sign_transaction_sync(&mut tx).or_fail(Code::Key)?;
        let envelope = TxEnvelope::from(tx.into_signed(signature));
        let pending = self.provider.send_raw_transaction(&envelope.encoded_2718()).await.or_fail(Code::Unavailable)?;
        self.nonce += 1;
        Ok(*pending.tx_hash())
    }

    /// Waits for a receipt; a reverted transaction is a failure.
    pub(crate) async fn receipt(&self, hash: B256) -> Result<TransactionReceipt, Failure> {
        let wait = async {
            loop {
                if let Some(receipt) = self.provider.get_transaction_receipt(hash).await.or_fail(Code::Unavailable)? {
                    return Ok(receipt);
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        let receipt = tokio::time::timeout(RECEIPT_TIMEOUT, wait)
            .await
            .map_err(|_| Failure::new(Code::Unavailable, format!("{}: transaction {hash} is in no block after a minute", self.name)))??;
        if receipt.status() { Ok(receipt) } else { Err(Failure::new(Code::Failed, format!("{}: transaction {hash} reverted", self.name))) }
    }

    /// The packet that a transaction sent.
    pub(crate) async fn sent(&self, hash: B256) -> Result<Sent, Failure> {
        let receipt = self.receipt(hash).await?;
        let found = receipt.logs().iter().find_map(|log| {
            let topic = log.topics().first()?;
            let is_send = log.address() == self.at.router && *topic == contracts::abi::Router::SendPacket::SIGNATURE_HASH;
            is_send.then(|| log.topics().get(2).copied()).flatten()
        });
        let sequence = found.ok_or_else(|| Failure::new(Code::Failed, format!("{}: transaction {hash} sent no packet", self.name)))?;
        Ok(Sent { sequence: U256::from_be_bytes(sequence.0).saturating_to() })
    }

    /// Calls a view function at the newest block.
    pub(crate) async fn view<C: SolCall>(&self, to: Address, call: &C) -> Result<C::Return, Failure> {
        let request = TransactionRequest::default().to(to).input(call.abi_encode().into());
        let answer = self.provider.call(request).await.or_fail(Code::Unavailable)?;
        C::abi_decode_returns(&answer).or_fail(Code::Failed)
    }
}
