//! The chain as this adapter reads it: heads, headers, storage and calls, each at a fixed block.
//!
//! Not here: events, proofs and transactions. Called by the modules that implement the operations of the seam.

use crate::config::Config;
use crate::header::{FetchedHeader, RawHead, RawHeader};
use crate::rpc::{Call, Failure, FailureKind, Rpc, parse};
use alloy::primitives::{Address, B256, Bytes, U256, keccak256};
use alloy::sol_types::SolCall;
use causeway_adapter::AdapterError;
use causeway_evm_light_client::{Kind, storage};
use causeway_types::{ClientId, Head, Height};
use serde_json::{Value, json};
use std::sync::Arc;

/// Result of a read.
pub(crate) type Result<T> = core::result::Result<T, AdapterError>;

/// A number as JSON-RPC writes it.
pub(crate) fn quantity(number: u64) -> String {
    format!("0x{number:x}")
}

/// The newest block as a node tells it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ChainHead {
    pub(crate) height: u64,
    pub(crate) time_s: u64,
    pub(crate) gas_limit: u64,
    pub(crate) base_fee: Option<u128>,
}

impl ChainHead {
    pub(crate) fn head(&self) -> Head {
        Head { height: Height::new(self.height), time_s: Some(self.time_s) }
    }
}

/// Configuration and endpoints of one chain.
#[derive(Debug, Clone)]
pub(crate) struct Chain {
    pub(crate) config: Arc<Config>,
    pub(crate) rpc: Rpc,
    pub(crate) router: Address,
    pub(crate) kind: Kind,
}

impl Chain {
    /// A protocol error about an answer.
    pub(crate) fn protocol(&self, rule: &'static str, expected: impl ToString, found: impl ToString) -> AdapterError {
        AdapterError::Protocol {
            endpoint: self.rpc.first_name(),
            rule,
            expected: expected.to_string(),
            found: crate::rpc::short(&found.to_string()),
        }
    }

    /// A head from what a node printed.
    pub(crate) fn head_from(&self, raw: Option<RawHead>) -> Result<ChainHead> {
        let raw = raw.ok_or_else(|| self.protocol("head", "a block", "null"))?;
        let (height, time_s) = raw.checked().ok_or_else(|| self.protocol("head", "numbers below 2^63", raw.number))?;
        Ok(ChainHead {
            height,
            time_s,
            gas_limit: u64::try_from(raw.gas_limit).unwrap_or(u64::MAX),
            base_fee: raw.base_fee_per_gas.map(|fee| u128::try_from(fee).unwrap_or(u128::MAX)),
        })
    }

    /// The newest block. It is final: blocks of these chains are sealed by a quorum.
    pub(crate) async fn head(&self) -> Result<ChainHead> {
        let raw: Option<RawHead> = self.rpc.get("eth_getBlockByNumber", json!(["latest", false])).await?;
        self.head_from(raw)
    }

    /// Headers at heights, each with the bytes that hash to what the node reports.
    pub(crate) async fn headers(&self, heights: &[u64]) -> Result<Vec<FetchedHeader>> {
        let calls = heights.iter().map(|height| Call::new("eth_getBlockByNumber", json!([quantity(*height), false]))).collect();
        let answers = self.rpc.batch(calls).await?;
        let name = self.rpc.first_name();
        answers
            .into_iter()
            .zip(heights)
            .map(|(answer, height)| {
                let raw = answer.map_err(|failure| self.state_error(failure, *height))?;
                let raw: Option<RawHeader> = parse(&name, "eth_getBlockByNumber", &raw)?;
                let raw =
                    raw.ok_or(AdapterError::Lagging { found: Height::new(height.saturating_sub(1)), needed: Height::new(*height) })?;
                let header = raw.fetched(self.kind, &name)?;
                if header.parsed.number != *height {
                    return Err(self.protocol("header-height", height, header.parsed.number));
                }
                Ok(header)
            })
            .collect()
    }

    /// One header.
    pub(crate) async fn header(&self, height: u64) -> Result<FetchedHeader> {
        self.headers(&[height]).await?.pop().ok_or_else(|| self.protocol("json-rpc-batch", "one answer", "none"))
    }

    /// Storage words of the router at one block, in batches.
    pub(crate) async fn storage(&self, slots: &[B256], height: u64) -> Result<Vec<B256>> {
        let block = quantity(height);
        let calls = slots.iter().map(|slot| Call::new("eth_getStorageAt", json!([self.router, slot, block]))).collect();
        let name = self.rpc.first_name();
        self.rpc
            .batch(calls)
            .await?
            .into_iter()
            .map(|answer| {
                let raw = answer.map_err(|failure| self.state_error(failure, height))?;
                // Some clients cut leading zeros, and even half a byte; a number takes all of it, and refuses more than 32 bytes.
                let word: String = parse(&name, "eth_getStorageAt", &raw)?;
                let digits = word.strip_prefix("0x").filter(|digits| !digits.is_empty() && digits.len() <= 64);
                let number = digits.and_then(|digits| U256::from_str_radix(digits, 16).ok());
                number.map(B256::from).ok_or_else(|| self.protocol("storage-word", "1 to 64 hexadecimal digits", &word))
            })
            .collect()
    }

    /// `eth_call`s at one block; each answers the bytes or what the node said.
    pub(crate) async fn calls(&self, calls: Vec<Value>, height: u64) -> Result<Vec<core::result::Result<Bytes, Failure>>> {
        self.calls_at(calls, &quantity(height)).await
    }

    /// The same at a block that is named by its number or a tag.
    pub(crate) async fn calls_at(&self, calls: Vec<Value>, block: &str) -> Result<Vec<core::result::Result<Bytes, Failure>>> {
        let calls = calls.into_iter().map(|call| Call::new("eth_call", json!([call, block]))).collect();
        let name = self.rpc.first_name();
        let one = |answer: crate::rpc::Answer| match answer {
            Ok(raw) => parse(&name, "eth_call", &raw).map(Ok),
            Err(failure) => Ok(Err(failure)),
        };
        self.rpc.batch(calls).await?.into_iter().map(one).collect()
    }

    /// A view call that must answer; a revert is `None`.
    pub(crate) async fn view<C: SolCall>(&self, to: Address, call: &C, height: u64) -> Result<Option<C::Return>> {
        let answers = self.calls(vec![view_call(to, call)], height).await?;
        let answer = answers.into_iter().next().ok_or_else(|| self.protocol("json-rpc-batch", "one answer", "none"))?;
        self.decode_view::<C>(answer, height)
    }

    /// The result of a view call; `None` when it reverted.
    pub(crate) fn decode_view<C: SolCall>(&self, answer: core::result::Result<Bytes, Failure>, height: u64) -> Result<Option<C::Return>> {
        match answer {
            Ok(bytes) => C::abi_decode_returns(&bytes)
                .map(Some)
                .map_err(|error| self.protocol("abi", format!("the result of {}", C::SIGNATURE), error)),
            Err(failure) if failure.kind() == FailureKind::Reverted => Ok(None),
            Err(failure) => Err(self.state_error(failure, height)),
        }
    }

    /// A refusal of a read at a block.
    pub(crate) fn state_error(&self, failure: Failure, height: u64) -> AdapterError {
        let asked = Height::new(height);
        match failure.kind() {
            FailureKind::Pruned => AdapterError::HeightPruned { asked, oldest: asked.plus(1) },
            FailureKind::UnknownBlock => AdapterError::Lagging { found: asked.minus(1), needed: asked },
            _ => failure.into_error(&self.rpc.first_name()),
        }
    }
}

/// The parameters of a view call.
pub(crate) fn view_call<C: SolCall>(to: Address, call: &C) -> Value {
    json!({ "to": to, "data": Bytes::from(call.abi_encode()) })
}

/// Slot of a commitment path in the router.
pub(crate) fn slot(path: &[u8]) -> B256 {
    storage::slot_of(path).into()
}

/// Slot of the last sequence that was sent through a client: mapping(string => uint64) beside the commitments.
pub(crate) fn sent_slot(client: &ClientId) -> B256 {
    let base = U256::from_be_bytes(storage::IBCSTORE_STORAGE_SLOT).saturating_add(U256::from(1));
    keccak256([client.as_str().as_bytes(), &base.to_be_bytes::<32>()].concat())
}
