//! Which transactions blocks contain: their ids by height, fetched once and kept for a while.
//!
//! Called where results, which name no transaction, must be matched with transactions.

use crate::answers::Block;
use crate::chain::{Chain, Result, at};
use crate::rpc::parse;
use causeway_types::TxId;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Blocks whose transaction ids are kept.
const KEPT_MAX: usize = 512;
/// Transactions of a block that are kept at most: a block of more is fetched again.
const KEPT_TXS_MAX: usize = 5_000;

/// Transaction ids by height.
#[derive(Debug, Clone, Default)]
pub(crate) struct Blocks {
    known: Arc<Mutex<BTreeMap<u64, Arc<Vec<TxId>>>>>,
}

impl Blocks {
    /// The transaction ids of blocks, in their order.
    pub(crate) async fn tx_ids(&self, chain: &Chain, numbers: &[u64]) -> Result<BTreeMap<u64, Arc<Vec<TxId>>>> {
        let mut found = BTreeMap::new();
        let mut missing = Vec::new();
        {
            let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            for number in numbers {
                match known.get(number) {
                    Some(ids) => drop(found.insert(*number, ids.clone())),
                    None => missing.push(*number),
                }
            }
        }
        let answers = self.fetch(chain, &missing).await?;
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        for (number, ids) in missing.into_iter().zip(answers) {
            if ids.len() <= KEPT_TXS_MAX {
                known.insert(number, ids.clone());
            }
            found.insert(number, ids);
        }
        while known.len() > KEPT_MAX {
            known.pop_first();
        }
        Ok(found)
    }

    async fn fetch(&self, chain: &Chain, numbers: &[u64]) -> Result<Vec<Arc<Vec<TxId>>>> {
        if numbers.is_empty() {
            return Ok(Vec::new());
        }
        let answers = chain.rpc.together(numbers.iter().map(|number| at("block", *number)).collect()).await?;
        let name = chain.rpc.first_name();
        let mut all = Vec::with_capacity(numbers.len());
        for (answer, number) in answers.into_iter().zip(numbers) {
            let raw = match answer {
                Ok(raw) => raw,
                Err(failure) => return Err(chain.block_refused(failure, *number, chain.recent_head().await?)),
            };
            let block = parse::<Block>(&name, "block", &raw)?.block;
            if block.header.height.unsigned() != *number {
                return Err(chain.protocol("block-height", number, block.header.height.0));
            }
            let ids = block.data.txs.unwrap_or_default().iter().filter_map(|tx| tx_id(&tx.0)).collect();
            all.push(Arc::new(ids));
        }
        Ok(all)
    }
}

/// What the chain calls a transaction: the SHA-256 of its bytes.
pub(crate) fn tx_id(bytes: &[u8]) -> Option<TxId> {
    TxId::new(Sha256::digest(bytes).to_vec()).ok()
}
