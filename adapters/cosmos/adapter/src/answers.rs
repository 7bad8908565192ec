//! Answers of CometBFT's RPC as they come, read leniently where versions differ and bounded by the transport.
//!
//! 0.37, 0.38 and 1.x differ in names and in whether numbers are texts; all of that ends here. Called by [`crate::chain`] and the modules
//! that read blocks.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Deserializer};

/// A number that is written as a text, as most of CometBFT's are, or as a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Num(pub(crate) i64);

impl<'de> Deserialize<'de> for Num {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Either {
            Number(i64),
            Text(String),
        }
        match Either::deserialize(deserializer)? {
            Either::Number(number) => Ok(Self(number)),
            Either::Text(text) => text.parse().map(Self).map_err(|_| serde::de::Error::custom("a number is not one")),
        }
    }
}

impl Num {
    /// The number where none below zero makes sense.
    pub(crate) fn unsigned(self) -> u64 {
        u64::try_from(self.0).unwrap_or_default()
    }
}

/// Bytes in base64; null is empty.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Base64(pub(crate) Vec<u8>);

impl<'de> Deserialize<'de> for Base64 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Option::<String>::deserialize(deserializer)?.unwrap_or_default();
        STANDARD.decode(text).map(Self).map_err(|_| serde::de::Error::custom("bytes are not base64"))
    }
}

/// Bytes in hexadecimal, upper or lower case.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Hex(pub(crate) Vec<u8>);

impl<'de> Deserialize<'de> for Hex {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Option::<String>::deserialize(deserializer)?.unwrap_or_default();
        hex::decode(text).map(Self).map_err(|_| serde::de::Error::custom("bytes are not hexadecimal"))
    }
}

/// `status`.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Status {
    pub(crate) node_info: NodeInfo,
    pub(crate) sync_info: SyncInfo,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct NodeInfo {
    pub(crate) network: String,
    #[serde(default)]
    pub(crate) version: String,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct SyncInfo {
    pub(crate) latest_block_height: Num,
    pub(crate) latest_block_time: String,
    #[serde(default)]
    pub(crate) earliest_block_height: Num,
    #[serde(default)]
    pub(crate) catching_up: bool,
}

/// `abci_query`.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct AbciQuery {
    pub(crate) response: AbciResponse,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct AbciResponse {
    /// The path of the query, which the answer does not repeat.
    #[serde(skip)]
    pub(crate) path: String,
    #[serde(default)]
    pub(crate) code: u32,
    #[serde(default)]
    pub(crate) log: String,
    #[serde(default)]
    pub(crate) codespace: String,
    #[serde(default)]
    pub(crate) key: Base64,
    #[serde(default)]
    pub(crate) value: Base64,
    #[serde(default)]
    pub(crate) height: Num,
    #[serde(default, rename = "proofOps", alias = "proof_ops")]
    pub(crate) proof_ops: Option<ProofOps>,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct ProofOps {
    #[serde(default)]
    pub(crate) ops: Vec<ProofOp>,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct ProofOp {
    #[serde(default)]
    pub(crate) data: Base64,
}

/// `block_results`.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct BlockResults {
    pub(crate) height: Num,
    #[serde(default, alias = "tx_results")]
    pub(crate) txs_results: Option<Vec<TxResult>>,
    /// Before 0.38.
    #[serde(default)]
    pub(crate) begin_block_events: Option<Vec<AbciEvent>>,
    /// Before 0.38.
    #[serde(default)]
    pub(crate) end_block_events: Option<Vec<AbciEvent>>,
    /// From 0.38 on.
    #[serde(default)]
    pub(crate) finalize_block_events: Option<Vec<AbciEvent>>,
}

/// What a transaction did.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct TxResult {
    #[serde(default)]
    pub(crate) code: u32,
    #[serde(default)]
    pub(crate) data: Base64,
    #[serde(default)]
    pub(crate) log: String,
    #[serde(default)]
    pub(crate) codespace: String,
    #[serde(default)]
    pub(crate) gas_used: Num,
    #[serde(default)]
    pub(crate) events: Option<Vec<AbciEvent>>,
}

/// One event.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct AbciEvent {
    #[serde(rename = "type")]
    pub(crate) kind: String,
    #[serde(default)]
    pub(crate) attributes: Option<Vec<Attribute>>,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Attribute {
    #[serde(default)]
    key: Option<String>,
    #[serde(default)]
    value: Option<String>,
}

impl AbciEvent {
    /// The first attribute of a name: in clear, or in base64 as nodes before 0.37 write both key and value.
    pub(crate) fn get(&self, name: &str) -> Option<String> {
        let attributes = self.attributes.as_deref().unwrap_or_default();
        let of = |key: &str| attributes.iter().find(|attribute| attribute.key.as_deref() == Some(key));
        if let Some(found) = of(name) {
            return found.value.clone();
        }
        let bytes = STANDARD.decode(of(&STANDARD.encode(name))?.value.as_deref()?).ok()?;
        String::from_utf8(bytes).ok()
    }
}

/// `tx`.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Tx {
    pub(crate) hash: Hex,
    pub(crate) height: Num,
    pub(crate) tx_result: TxResult,
}

/// `tx_search`.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct TxSearch {
    #[serde(default)]
    pub(crate) txs: Option<Vec<Tx>>,
}

/// `broadcast_tx_sync`.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct BroadcastTx {
    #[serde(default)]
    pub(crate) code: u32,
    #[serde(default)]
    pub(crate) log: String,
    #[serde(default)]
    pub(crate) codespace: String,
    pub(crate) hash: Hex,
}

/// `block`, of which only the transactions matter here.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Block {
    pub(crate) block: BlockBody,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct BlockBody {
    pub(crate) header: BlockHeight,
    pub(crate) data: BlockData,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct BlockHeight {
    pub(crate) height: Num,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct BlockData {
    #[serde(default)]
    pub(crate) txs: Option<Vec<Base64>>,
}

/// `commit`.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Commit {
    pub(crate) signed_header: crate::header::SignedHeader,
}

/// `validators`, one page.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Validators {
    pub(crate) block_height: Num,
    #[serde(default)]
    pub(crate) validators: Vec<crate::header::Validator>,
    pub(crate) total: Num,
}

#[cfg(test)]
mod tests;
