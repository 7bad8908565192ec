//! JSON-RPC towards an EVM node, and accounts that sign legacy transactions at
//! gas price zero. It is the tests' own view of a chain, not the adapter's.

use std::time::Duration;

use alloy::consensus::{SignableTransaction, TxEnvelope, TxLegacy};
use alloy::eips::eip2718::Encodable2718;
use alloy::network::TxSignerSync;
use alloy::primitives::{Address, B256, Bytes, TxKind, U256};
use alloy::signers::local::PrivateKeySigner;
use anyhow::{Context, Result, anyhow, bail};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::poll;

/// Longest that one call may take; the node is on this machine.
const CALL_LIMIT: Duration = Duration::from_secs(10);

/// A JSON-RPC endpoint.
#[derive(Debug, Clone)]
pub struct Rpc {
    url: String,
    http: reqwest::Client,
}

impl Rpc {
    /// An endpoint at `url`; nothing is sent yet.
    ///
    /// # Errors
    /// When no HTTP client can be made.
    pub fn new(url: impl Into<String>) -> Result<Self> {
        // The client insists on a TLS provider even for plain HTTP; a second
        // installation is refused, which is fine.
        drop(rustls::crypto::ring::default_provider().install_default());
        let http = reqwest::Client::builder().timeout(CALL_LIMIT).no_proxy().build()?;
        Ok(Self { url: url.into(), http })
    }

    /// Where calls go.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Calls `method` and reads its result as `T`.
    ///
    /// # Errors
    /// When the node cannot be reached, answers an error, or something that is no `T`.
    pub async fn call<T: DeserializeOwned>(&self, method: &str, params: Value) -> Result<T> {
        let request = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
        let response = self.http.post(&self.url).json(&request).send().await?;
        let mut answer: Value = response.json().await.with_context(|| format!("answer to {method}"))?;
        if let Some(error) = answer.get("error") {
            bail!("{method} at {}: {error}", self.url);
        }
        let result = answer.get_mut("result").map(Value::take).unwrap_or_default();
        serde_json::from_value(result).with_context(|| format!("result of {method}"))
    }

    /// The newest block's number.
    ///
    /// # Errors
    /// As [`Rpc::call`].
    pub async fn height(&self) -> Result<u64> {
        let height: U256 = self.call("eth_blockNumber", json!([])).await?;
        u64::try_from(height).map_err(|_| anyhow!("height {height} is no 64-bit number"))
    }

    /// A block's JSON, transactions as hashes.
    ///
    /// # Errors
    /// As [`Rpc::call`], and when there is no such block.
    pub async fn block(&self, height: u64) -> Result<Value> {
        let block: Value = self.call("eth_getBlockByNumber", json!([format!("{height:#x}"), false])).await?;
        if block.is_null() {
            bail!("no block {height} at {}", self.url);
        }
        Ok(block)
    }

    /// Waits until the chain is at least `height` long and returns where it is.
    ///
    /// # Errors
    /// When it is not after `limit`.
    pub async fn wait_for_height(&self, height: u64, limit: Duration) -> Result<u64> {
        let what = format!("block {height} at {}", self.url);
        poll::until(&what, limit, || async {
            let now = self.height().await?;
            Ok((now >= height).then_some(now))
        })
        .await
    }

    /// Waits for a transaction's receipt.
    ///
    /// # Errors
    /// When there is none after `limit`.
    pub async fn wait_for_receipt(&self, hash: B256, limit: Duration) -> Result<Value> {
        let what = format!("receipt of {hash}");
        poll::until(&what, limit, || async {
            let receipt: Option<Value> = self.call("eth_getTransactionReceipt", json!([hash])).await?;
            Ok(receipt)
        })
        .await
    }
}

/// An account with its key, known to the genesis block as rich.
#[derive(Debug, Clone)]
pub struct Account {
    signer: PrivateKeySigner,
}

impl Account {
    /// A new account with a random key.
    #[must_use]
    pub fn random() -> Self {
        Self { signer: PrivateKeySigner::random() }
    }

    /// Its address.
    #[must_use]
    pub fn address(&self) -> Address {
        self.signer.address()
    }

    /// Its private key as 64 hex digits, for a keystore or a node.
    #[must_use]
    pub fn private_key_hex(&self) -> String {
        hex::encode(self.signer.to_bytes())
    }

    /// The key itself.
    #[must_use]
    pub fn signer(&self) -> &PrivateKeySigner {
        &self.signer
    }

    /// Signs a legacy transaction with replay protection, gas price zero.
    ///
    /// # Errors
    /// When it cannot be signed.
    pub fn sign(&self, chain_id: u64, nonce: u64, call: Call) -> Result<Bytes> {
        let mut tx = TxLegacy {
            chain_id: Some(chain_id),
            nonce,
            gas_price: 0,
            gas_limit: call.gas_limit,
            to: call.to,
            value: call.value,
            input: call.input,
        };
        let signature = self.signer.sign_transaction_sync(&mut tx)?;
        Ok(TxEnvelope::Legacy(tx.into_signed(signature)).encoded_2718().into())
    }

    /// Signs and sends, and returns the transaction's hash; the nonce is the node's pending one.
    ///
    /// # Errors
    /// When the node refuses the transaction.
    pub async fn send(&self, rpc: &Rpc, call: Call) -> Result<B256> {
        let chain_id: U256 = rpc.call("eth_chainId", json!([])).await?;
        let nonce: U256 = rpc.call("eth_getTransactionCount", json!([self.address(), "pending"])).await?;
        let raw = self.sign(chain_id.try_into()?, nonce.try_into()?, call)?;
        rpc.call("eth_sendRawTransaction", json!([raw])).await
    }

    /// As [`Account::send`], then waits for the receipt.
    ///
    /// # Errors
    /// When the transaction is refused, not mined within `limit`, or reverts.
    pub async fn transact(&self, rpc: &Rpc, call: Call, limit: Duration) -> Result<Value> {
        let hash = self.send(rpc, call).await?;
        let receipt = rpc.wait_for_receipt(hash, limit).await?;
        if receipt["status"] != "0x1" {
            bail!("transaction {hash} reverted: {receipt}");
        }
        Ok(receipt)
    }
}

/// What a transaction does.
#[derive(Debug, Clone)]
pub struct Call {
    /// The callee, or a creation.
    pub to: TxKind,
    /// Wei.
    pub value: U256,
    /// Call data, or initialisation code.
    pub input: Bytes,
    /// Gas limit.
    pub gas_limit: u64,
}

impl Call {
    /// A call of `to` with `input`.
    #[must_use]
    pub fn to(to: Address, input: impl Into<Bytes>) -> Self {
        Self { to: TxKind::Call(to), value: U256::ZERO, input: input.into(), gas_limit: 5_000_000 }
    }

    /// The creation of a contract.
    #[must_use]
    pub fn create(init_code: impl Into<Bytes>) -> Self {
        Self { to: TxKind::Create, value: U256::ZERO, input: init_code.into(), gas_limit: 20_000_000 }
    }
}
