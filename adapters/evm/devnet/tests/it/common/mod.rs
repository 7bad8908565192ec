//! What the tests of the embedded chain share: a tiny contract, an HTTP client, and
//! signed transactions. Called by the other files of this folder.
#![allow(
    dead_code,
    unreachable_pub,
    missing_docs,
    missing_debug_implementations,
    clippy::unwrap_used,
    clippy::panic,
    reason = "part of test binaries, each of which uses a part of it"
)]

use alloy::consensus::{SignableTransaction, TxEip1559, TxEnvelope, TxLegacy};
use alloy::eips::eip2718::Encodable2718;
use alloy::primitives::{Address, B256, Bytes, TxKind, U256, hex};
use alloy::signers::SignerSync;
use alloy::signers::local::PrivateKeySigner;
use causeway_evm_devnet::{Devnet, DevnetConfig, DevnetHandle, dev_key};
use serde_json::{Value, json};

/// Stores the second word of its input in the slot that the first word names, and logs
/// the value with the slot as topic. Without input it reverts.
pub const STORE: [u8; 44] = hex!(
    "602180600b6000396000f3"
    "3615601b576020356000355560203560005260003560206000a100"
    "5b60006000fd"
);

pub const CHAIN_ID: u64 = 31_337;

pub fn ether(n: u64) -> U256 {
    U256::from(n) * U256::from(10).pow(U256::from(18))
}

/// A chain that makes blocks only when it is told to.
pub fn manual() -> DevnetConfig {
    let config = DevnetConfig { chain_id: CHAIN_ID, auto_mine: false, ..DevnetConfig::default() };
    config.fund_dev_accounts(4, ether(1_000))
}

pub async fn start(config: DevnetConfig) -> (DevnetHandle, Rpc) {
    let chain = Devnet::start(config).await.unwrap();
    let rpc = Rpc::new(chain.rpc_url());
    (chain, rpc)
}

pub fn signer(index: u32) -> PrivateKeySigner {
    PrivateKeySigner::from_bytes(&dev_key(0, index)).unwrap()
}

pub fn word(value: u64) -> B256 {
    B256::from(U256::from(value))
}

/// Input of `STORE`.
pub fn store(slot: U256, value: u64) -> Bytes {
    [slot.to_be_bytes::<32>(), U256::from(value).to_be_bytes::<32>()].concat().into()
}

/// A legacy transaction without a fee.
pub fn free(nonce: u64, to: Option<Address>, input: Bytes) -> TxLegacy {
    TxLegacy {
        chain_id: Some(CHAIN_ID),
        nonce,
        gas_price: 0,
        gas_limit: 200_000,
        to: to.map_or(TxKind::Create, TxKind::Call),
        value: U256::ZERO,
        input,
    }
}

pub fn dynamic(nonce: u64, fee: u128, tip: u128, input: Bytes, to: Address) -> TxEip1559 {
    TxEip1559 {
        chain_id: CHAIN_ID,
        nonce,
        gas_limit: 200_000,
        max_fee_per_gas: fee,
        max_priority_fee_per_gas: tip,
        to: TxKind::Call(to),
        value: U256::ZERO,
        access_list: Default::default(),
        input,
    }
}

/// The raw bytes of a signed transaction.
pub fn sign<T>(tx: T, signer: &PrivateKeySigner) -> Bytes
where
    T: SignableTransaction<alloy::primitives::Signature>,
    TxEnvelope: From<alloy::consensus::Signed<T>>,
{
    let signature = signer.sign_hash_sync(&tx.signature_hash()).unwrap();
    TxEnvelope::from(tx.into_signed(signature)).encoded_2718().into()
}

/// JSON-RPC over HTTP, raw.
pub struct Rpc {
    client: reqwest::Client,
    url: String,
}

impl Rpc {
    pub fn new(url: String) -> Self {
        // Another test of this process may have been first.
        drop(rustls::crypto::ring::default_provider().install_default());
        Self { client: reqwest::Client::new(), url }
    }

    pub async fn post(&self, body: impl Into<reqwest::Body>) -> (u16, String) {
        let answer = self.client.post(&self.url).body(body).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    pub async fn try_call(&self, method: &str, params: Value) -> Result<Value, Value> {
        let request = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        let (_, body) = self.post(request.to_string()).await;
        let mut answer: Value = serde_json::from_str(&body).unwrap();
        match answer.get_mut("error") {
            Some(error) => Err(error.take()),
            None => Ok(answer["result"].take()),
        }
    }

    pub async fn call(&self, method: &str, params: Value) -> Value {
        self.try_call(method, params).await.unwrap_or_else(|e| panic!("{method}: {e}"))
    }

    /// The message of the error that a method must end with.
    pub async fn refused(&self, method: &str, params: Value) -> String {
        let error = self.try_call(method, params).await.expect_err("an error was expected");
        error["message"].as_str().unwrap().to_owned()
    }

    pub async fn send(&self, raw: &Bytes) -> B256 {
        let hash = self.call("eth_sendRawTransaction", json!([raw])).await;
        serde_json::from_value(hash).unwrap()
    }

    pub async fn send_refused(&self, raw: &Bytes) -> String {
        self.refused("eth_sendRawTransaction", json!([raw])).await
    }

    pub async fn receipt(&self, hash: B256) -> Value {
        self.call("eth_getTransactionReceipt", json!([hash])).await
    }
}

/// Deploys `STORE` from account 0 in the next block and returns its address.
pub async fn deploy(chain: &DevnetHandle, rpc: &Rpc) -> Address {
    let hash = rpc.send(&sign(free(0, None, STORE.into()), &signer(0))).await;
    chain.control().mine_one().unwrap();
    let receipt = rpc.receipt(hash).await;
    assert_eq!(receipt["status"], "0x1", "{receipt}");
    serde_json::from_value(receipt["contractAddress"].clone()).unwrap()
}
