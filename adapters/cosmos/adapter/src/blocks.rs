//! Which transactions blocks contain: their ids by height, fetched once and kept for a while.
//!
//! Called where results, which name no transaction, must be matched with transactions.

use crate::answers::Block;
use crate::chain::{Chain, Result, at};
use crate::rpc::{parse, too_much};
use causeway_adapter::AdapterError;
use causeway_types::TxId;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Blocks whose transaction ids are kept.
const KEPT_MAX: usize = 512;
/// Transactions of a block that are kept at most: a block of more is fetched again.
const KEPT_TXS_MAX: usize = 5_000;

/// Blocks whose results are asked for and held at once, where nothing speaks against it.
const SPAN_MAX: u64 = 100;

/// Transaction ids by height.
#[derive(Debug, Clone, Default)]
pub(crate) struct Blocks {
    known: Arc<Mutex<BTreeMap<u64, Arc<Vec<TxId>>>>>,
    span: Arc<Span>,
}

/// For how many blocks results are asked at once; learnt from answers that were too large or took too long.
#[derive(Debug)]
pub(crate) struct Span(AtomicU64);

impl Default for Span {
    fn default() -> Self {
        Self(AtomicU64::new(SPAN_MAX))
    }
}

impl Span {
    /// The last block to ask for, from a first one on.
    pub(crate) fn end(&self, from: u64, to: u64) -> u64 {
        to.min(from.saturating_add(self.0.load(Ordering::Relaxed).max(1) - 1))
    }

    /// Half, after so many were too much; `false` when it was one block already.
    pub(crate) fn shrink(&self, tried: u64) -> bool {
        self.0.store((tried / 2).max(1), Ordering::Relaxed);
        tried > 1
    }

    /// A quarter more, after a span that was used in full was answered.
    pub(crate) fn grow(&self, used: u64) {
        let now = self.0.load(Ordering::Relaxed);
        if used >= now {
            self.0.store((now + now / 4 + 1).min(SPAN_MAX), Ordering::Relaxed);
        }
    }
}

impl Blocks {
    /// For how many blocks results are asked at once.
    pub(crate) fn span(&self) -> &Span {
        &self.span
    }

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
        let answers = fetch(chain, &missing).await?;
        for (number, ids) in missing.into_iter().zip(answers) {
            self.keep(number, &ids);
            found.insert(number, ids);
        }
        Ok(found)
    }

    /// The transaction ids of a block that was told along with something else.
    pub(crate) fn keep(&self, number: u64, ids: &Arc<Vec<TxId>>) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if ids.len() <= KEPT_TXS_MAX {
            known.insert(number, Arc::clone(ids));
        }
        while known.len() > KEPT_MAX {
            known.pop_first();
        }
    }
}

/// The transaction ids of blocks, in ever smaller parts where they are too much at once.
async fn fetch(chain: &Chain, numbers: &[u64]) -> Result<Vec<Arc<Vec<TxId>>>> {
    let mut all = Vec::with_capacity(numbers.len());
    let mut count = numbers.len();
    while let Some(rest) = numbers.get(all.len()..).filter(|rest| !rest.is_empty()) {
        count = count.min(rest.len());
        let part = rest.get(..count).unwrap_or(rest);
        match fetch_part(chain, part).await {
            Ok(ids) => all.extend(ids),
            Err(error) => match (too_much(&error), part) {
                (Some(detail), [number]) => return Err(AdapterError::BlockTooLarge { height: chain.height(*number), detail }),
                (Some(_), _) => count = (count / 2).max(1),
                (None, _) => return Err(error),
            },
        }
    }
    Ok(all)
}

async fn fetch_part(chain: &Chain, numbers: &[u64]) -> Result<Vec<Arc<Vec<TxId>>>> {
    let answers = chain.rpc.together(numbers.iter().map(|number| at("block", *number)).collect()).await?;
    let name = chain.rpc.first_name();
    let mut all = Vec::with_capacity(numbers.len());
    for (answer, number) in answers.into_iter().zip(numbers) {
        let raw = match answer {
            Ok(raw) => raw,
            Err(failure) => return Err(chain.block_refused(failure, *number, chain.recent_head().await?)),
        };
        all.push(tx_ids_of(chain, *number, parse(&name, "block", &raw)?)?);
    }
    Ok(all)
}

/// The transaction ids of a block as a node tells it.
pub(crate) fn tx_ids_of(chain: &Chain, number: u64, told: Block) -> Result<Arc<Vec<TxId>>> {
    let block = told.block;
    if block.header.height.unsigned() != number {
        return Err(chain.protocol("block-height", number, block.header.height.0));
    }
    Ok(Arc::new(block.data.txs.unwrap_or_default().iter().filter_map(|tx| tx_id(&tx.0)).collect()))
}

/// What the chain calls a transaction: the SHA-256 of its bytes.
pub(crate) fn tx_id(bytes: &[u8]) -> Option<TxId> {
    TxId::new(Sha256::digest(bytes).to_vec()).ok()
}
