//! Headers as nodes print them, turned back into the bytes that the chain hashes.
//!
//! Known trailing fields are kept in the order of the forks that added them. A field this list does not know changes the hash, and
//! the header is refused by name instead of being sent on wrong. Called by [`crate::chain`].

use alloy::primitives::{Address, B64, B256, Bytes, U256};
use alloy::rlp::{BufMut, Encodable};
use causeway_adapter::AdapterError;
use causeway_evm_light_client::{Header, Kind};
use serde::Deserialize;

#[cfg(test)]
mod tests;

/// The fields of a block that make its header. What else the node prints is not looked at.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RawHeader {
    pub(crate) hash: B256,
    parent_hash: B256,
    sha3_uncles: B256,
    miner: Address,
    state_root: B256,
    transactions_root: B256,
    receipts_root: B256,
    logs_bloom: Bytes,
    difficulty: U256,
    number: U256,
    pub(crate) gas_limit: U256,
    gas_used: U256,
    timestamp: U256,
    extra_data: Bytes,
    mix_hash: B256,
    nonce: B64,
    #[serde(default)]
    pub(crate) base_fee_per_gas: Option<U256>,
    #[serde(default)]
    withdrawals_root: Option<B256>,
    #[serde(default)]
    blob_gas_used: Option<U256>,
    #[serde(default)]
    excess_blob_gas: Option<U256>,
    #[serde(default)]
    parent_beacon_block_root: Option<B256>,
    #[serde(default)]
    requests_hash: Option<B256>,
    #[serde(default)]
    block_access_list_hash: Option<B256>,
}

/// A header with its bytes, whose hash is the one that the node reported.
#[derive(Debug, Clone)]
pub(crate) struct FetchedHeader {
    /// RLP, seals included.
    pub(crate) rlp: Vec<u8>,
    /// Its parts.
    pub(crate) parsed: Header,
}

impl RawHeader {
    /// The RLP that the node hashes, extra data complete.
    fn rlp(&self) -> Vec<u8> {
        let base: [&dyn Encodable; 15] = [
            &self.parent_hash,
            &self.sha3_uncles,
            &self.miner,
            &self.state_root,
            &self.transactions_root,
            &self.receipts_root,
            &self.logs_bloom,
            &self.difficulty,
            &self.number,
            &self.gas_limit,
            &self.gas_used,
            &self.timestamp,
            &self.extra_data,
            &self.mix_hash,
            &self.nonce,
        ];
        let mut payload = Vec::with_capacity(1_024);
        base.into_iter().for_each(|field| field.encode(&mut payload));
        let trailing: [Option<&dyn Encodable>; 7] = [
            self.base_fee_per_gas.as_ref().map(|field| field as &dyn Encodable),
            self.withdrawals_root.as_ref().map(|field| field as &dyn Encodable),
            self.blob_gas_used.as_ref().map(|field| field as &dyn Encodable),
            self.excess_blob_gas.as_ref().map(|field| field as &dyn Encodable),
            self.parent_beacon_block_root.as_ref().map(|field| field as &dyn Encodable),
            self.requests_hash.as_ref().map(|field| field as &dyn Encodable),
            self.block_access_list_hash.as_ref().map(|field| field as &dyn Encodable),
        ];
        trailing.into_iter().flatten().for_each(|field| field.encode(&mut payload));
        let mut rlp = Vec::with_capacity(payload.len() + 4);
        alloy::rlp::Header { list: true, payload_length: payload.len() }.encode(&mut rlp);
        rlp.put_slice(&payload);
        rlp
    }

    /// Encodes the header and compares its normalised hash with the reported one.
    ///
    /// # Errors
    /// [`AdapterError::Protocol`] with the rule `header-hash`, or the verifier's rule for a header that has no sound structure.
    pub(crate) fn fetched(&self, kind: Kind, endpoint: &str) -> Result<FetchedHeader, AdapterError> {
        let rlp = self.rlp();
        let protocol = |rule: &'static str, expected: String, found: String| AdapterError::Protocol {
            endpoint: endpoint.to_string(),
            rule,
            expected,
            found,
        };
        let parsed = Header::parse(kind, &rlp).map_err(|violation| protocol(violation.rule(), violation.expected, violation.found))?;
        if parsed.normalised_hash != self.hash.0 {
            let found = format!("{} from its fields; a field that is not known, or another consensus", B256::from(parsed.normalised_hash));
            return Err(protocol("header-hash", self.hash.to_string(), found));
        }
        Ok(FetchedHeader { rlp, parsed })
    }
}

/// The two fields by which heads are shown and compared.
#[derive(Debug, Clone, Copy, Deserialize)]
pub(crate) struct RawHead {
    pub(crate) hash: B256,
    pub(crate) number: U256,
    pub(crate) timestamp: U256,
    #[serde(default, rename = "gasLimit")]
    pub(crate) gas_limit: U256,
    #[serde(default, rename = "baseFeePerGas")]
    pub(crate) base_fee_per_gas: Option<U256>,
}

impl RawHead {
    /// Height and time, when both are numbers a block may have.
    pub(crate) fn checked(&self) -> Option<(u64, u64)> {
        let below = |number: &U256| u64::try_from(*number).ok().filter(|number| number >> 63 == 0);
        Some((below(&self.number)?, below(&self.timestamp)?))
    }
}
