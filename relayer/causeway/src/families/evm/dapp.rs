//! A user of an EVM chain: signs and sends transactions, reads receipts and view functions, as a dApp does.
//!
//! This is not the relayer's side: it trusts its own node. Used by `packet send` and the demo.

use crate::exit::{Code, Failure, OrFail};
use alloy::consensus::{SignableTransaction, TxEnvelope, TxLegacy};
use alloy::eips::eip2718::Encodable2718;
use alloy::network::TxSignerSync;
use alloy::primitives::{Address, B256, Bytes, TxKind, U256};
use alloy::providers::{Provider, ProviderBuilder, RootProvider};
use alloy::rpc::types::{TransactionReceipt, TransactionRequest};
use alloy::signers::local::PrivateKeySigner;
use alloy::sol_types::{SolCall, SolEvent};
use causeway_evm_contracts::{abi, refusal};
use std::time::Duration;

/// Gas limit of a call; what is not used is not paid.
const CALL_GAS: u64 = 1_500_000;
/// How long a receipt may take.
const RECEIPT_TIMEOUT: Duration = Duration::from_secs(60);
/// Time between two looks for a receipt.
const RECEIPT_POLL: Duration = Duration::from_millis(50);

/// A user on one chain.
#[derive(Debug)]
pub(crate) struct Dapp {
    name: String,
    provider: RootProvider,
    user: PrivateKeySigner,
    chain_id: u64,
    nonce: u64,
    gas_price: u128,
}

impl Dapp {
    /// Connects a user to a chain.
    ///
    /// # Errors
    /// Exit codes 64 and 69 for the address and the node.
    pub(crate) async fn connect(name: &str, url: &str, user: PrivateKeySigner) -> Result<Self, Failure> {
        let url: url::Url = url.parse().or_fail(Code::BadConfig)?;
        let provider = ProviderBuilder::default().connect_http(url);
        let chain_id = provider.get_chain_id().await.or_fail(Code::Unavailable)?;
        let nonce = provider.get_transaction_count(user.address()).await.or_fail(Code::Unavailable)?;
        let gas_price = provider.get_gas_price().await.or_fail(Code::Unavailable)?;
        Ok(Self { name: name.to_string(), provider, user, chain_id, nonce, gas_price })
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
        self.send_raw(to, call.abi_encode().into()).await
    }

    /// Sends a call and waits until it has succeeded.
    pub(crate) async fn call(&mut self, to: Address, call: &impl SolCall) -> Result<(), Failure> {
        let hash = self.send(to, call).await?;
        self.receipt(hash).await.map(|_| ())
    }

    async fn send_raw(&mut self, to: Address, input: Bytes) -> Result<B256, Failure> {
        let mut tx = TxLegacy {
            chain_id: Some(self.chain_id),
            nonce: self.nonce,
            gas_price: self.gas_price,
            gas_limit: CALL_GAS,
            to: TxKind::Call(to),
            value: U256::ZERO,
            input,
        };
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
                tokio::time::sleep(RECEIPT_POLL).await;
            }
        };
        let receipt = tokio::time::timeout(RECEIPT_TIMEOUT, wait)
            .await
            .map_err(|_| Failure::new(Code::Unavailable, format!("{}: transaction {hash} is in no block after a minute", self.name)))??;
        if receipt.status() {
            return Ok(receipt);
        }
        let reason = self.revert_reason(&receipt).await.unwrap_or_else(|| "check balances, allowances and the timeout".to_string());
        Err(Failure::new(Code::Failed, format!("{}: transaction {hash} reverted: {reason}", self.name)))
    }

    /// Why a transaction reverted, as far as the node can tell by running it again.
    async fn revert_reason(&self, receipt: &TransactionReceipt) -> Option<String> {
        let tx = self.provider.get_transaction_by_hash(receipt.transaction_hash).await.ok()??;
        let block = alloy::eips::BlockId::number(receipt.block_number?);
        let error = self.provider.call(tx.into_request()).block(block).await.err()?;
        let data = error.as_error_resp()?.as_revert_data()?;
        Some(refusal::describe(&data))
    }

    /// The sequence of the packet that a transaction sent through `router`.
    pub(crate) async fn sent_sequence(&self, router: Address, hash: B256) -> Result<u64, Failure> {
        let receipt = self.receipt(hash).await?;
        let found = receipt.logs().iter().find_map(|log| {
            let is_send = log.address() == router && log.topics().first() == Some(&abi::Router::SendPacket::SIGNATURE_HASH);
            is_send.then(|| log.topics().get(2).copied()).flatten()
        });
        let sequence = found.ok_or_else(|| Failure::new(Code::Failed, format!("{}: transaction {hash} sent no packet", self.name)))?;
        Ok(U256::from_be_bytes(sequence.0).saturating_to())
    }

    /// Calls a view function at the newest block.
    pub(crate) async fn view<C: SolCall>(&self, to: Address, call: &C) -> Result<C::Return, Failure> {
        let request = TransactionRequest::default().to(to).input(call.abi_encode().into());
        let answer = self.provider.call(request).await.or_fail(Code::Unavailable)?;
        C::abi_decode_returns(&answer).or_fail(Code::Failed)
    }
}
