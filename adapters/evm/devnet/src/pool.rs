//! Transactions that wait for a block, by sender and nonce. Refuses with the words that
//! geth uses, because clients match on them. Called by `node` and by the RPC server.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BinaryHeap, HashMap};

use alloy::consensus::{Transaction, TxEnvelope, transaction::Recovered};
use alloy::primitives::{Address, B256, U256};
use thiserror::Error;

use crate::state::World;

/// Nonces of one sender that may wait, gaps included.
const SENDER_TRANSACTIONS: usize = 4_096;
/// A replacement must raise both fees by this, in percent.
const PRICE_BUMP_PERCENT: u128 = 10;

/// Why the pool does not take a transaction. The messages are geth's.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(crate) enum PoolError {
    #[error("already known")]
    AlreadyKnown,
    #[error("nonce too low: next nonce {next}, tx nonce {found}")]
    NonceTooLow { next: u64, found: u64 },
    #[error("replacement transaction underpriced")]
    Underpriced,
    #[error(
        "insufficient funds for gas * price + value: balance {balance}, tx cost {cost}, overshot {}",
        cost.saturating_sub(*balance)
    )]
    Funds { balance: U256, cost: U256 },
    #[error("txpool is full")]
    Full,
    #[error("account limit exceeded: {limit} transactions of this sender wait")]
    SenderFull { limit: usize },
}

#[derive(Debug, Clone)]
struct Waiting {
    tx: Recovered<TxEnvelope>,
    arrival: u64,
}

/// The pool.
#[derive(Debug)]
pub(crate) struct Pool {
    senders: HashMap<Address, BTreeMap<u64, Waiting>>,
    by_hash: HashMap<B256, (Address, u64)>,
    arrivals: u64,
    limit: usize,
}

impl Pool {
    pub(crate) fn new(limit: usize) -> Self {
        Self { senders: HashMap::new(), by_hash: HashMap::new(), arrivals: 0, limit }
    }

    /// Takes a transaction, or replaces one of the same nonce that pays less.
    pub(crate) fn add(&mut self, tx: Recovered<TxEnvelope>, state: &World) -> Result<(), PoolError> {
        let (sender, nonce, hash) = (tx.signer(), tx.nonce(), *tx.tx_hash());
        if self.by_hash.contains_key(&hash) {
            return Err(PoolError::AlreadyKnown);
        }
        let next = state.nonce(&sender);
        if nonce < next {
            return Err(PoolError::NonceTooLow { next, found: nonce });
        }
        let (balance, cost) = (state.balance(&sender), cost(&tx));
        if balance < cost {
            return Err(PoolError::Funds { balance, cost });
        }
        let known = self.senders.get(&sender);
        match known.and_then(|queue| queue.get(&nonce)) {
            Some(old) if !outbids(&tx, &old.tx) => return Err(PoolError::Underpriced),
            Some(old) => {
                self.by_hash.remove(old.tx.tx_hash());
            }
            None if self.by_hash.len() >= self.limit => return Err(PoolError::Full),
            None if known.is_some_and(|queue| queue.len() >= SENDER_TRANSACTIONS) => {
                return Err(PoolError::SenderFull { limit: SENDER_TRANSACTIONS });
            }
            None => {}
        }
        self.arrivals += 1;
        self.by_hash.insert(hash, (sender, nonce));
        let waiting = Waiting { tx, arrival: self.arrivals };
        self.senders.entry(sender).or_default().insert(nonce, waiting);
        Ok(())
    }

    /// A transaction that waits.
    pub(crate) fn get(&self, hash: &B256) -> Option<&Recovered<TxEnvelope>> {
        let (sender, nonce) = self.by_hash.get(hash)?;
        Some(&self.senders.get(sender)?.get(nonce)?.tx)
    }

    /// The nonce after all transactions of `sender` that can run one after the other.
    pub(crate) fn next_nonce(&self, sender: &Address, state_nonce: u64) -> u64 {
        let Some(queue) = self.senders.get(sender) else {
            return state_nonce;
        };
        let mut next = state_nonce;
        for nonce in queue.range(state_nonce..).map(|(nonce, _)| *nonce) {
            if nonce != next {
                break;
            }
            next += 1;
        }
        next
    }

    /// Transactions that wait.
    pub(crate) fn len(&self) -> usize {
        self.by_hash.len()
    }

    /// The runnable transactions in the order of a block: highest tip first, then first
    /// come, and every sender's by nonce. Sums of gas limits above `gas` end the list.
    pub(crate) fn candidates(&self, state: &World, base_fee: u64, gas: u64) -> Vec<Recovered<TxEnvelope>> {
        let mut heads = BinaryHeap::new();
        for (sender, queue) in &self.senders {
            self.offer(&mut heads, *sender, queue.get(&state.nonce(sender)), base_fee);
        }
        let (mut out, mut planned) = (Vec::new(), 0u64);
        while let Some((_, _, sender, nonce)) = heads.pop() {
            let Some(queue) = self.senders.get(&sender) else {
                continue;
            };
            let Some(waiting) = queue.get(&nonce) else {
                continue;
            };
            out.push(waiting.tx.clone());
            planned = planned.saturating_add(waiting.tx.gas_limit());
            // Gas limits overstate what is used; the producer stops at the real limit.
            if planned > gas.saturating_mul(16) {
                break;
            }
            self.offer(&mut heads, sender, queue.get(&(nonce + 1)), base_fee);
        }
        out
    }

    fn offer(
        &self,
        heads: &mut BinaryHeap<(u128, std::cmp::Reverse<u64>, Address, u64)>,
        sender: Address,
        waiting: Option<&Waiting>,
        base_fee: u64,
    ) {
        if let Some(waiting) = waiting
            && let Some(tip) = waiting.tx.effective_tip_per_gas(base_fee)
        {
            heads.push((tip, std::cmp::Reverse(waiting.arrival), sender, waiting.tx.nonce()));
        }
    }

    /// Drops a transaction that can never run.
    pub(crate) fn remove(&mut self, hash: &B256) {
        if let Some((sender, nonce)) = self.by_hash.remove(hash)
            && let Some(queue) = self.senders.get_mut(&sender)
        {
            queue.remove(&nonce);
            if queue.is_empty() {
                self.senders.remove(&sender);
            }
        }
    }

    /// Drops what the new state has overtaken, for the senders of the new block.
    pub(crate) fn prune(&mut self, senders: impl IntoIterator<Item = Address>, state: &World) {
        for sender in senders {
            let Some(queue) = self.senders.get_mut(&sender) else {
                continue;
            };
            let kept = queue.split_off(&state.nonce(&sender));
            for gone in std::mem::replace(queue, kept).into_values() {
                self.by_hash.remove(gone.tx.tx_hash());
            }
            if queue.is_empty() {
                self.senders.remove(&sender);
            }
        }
    }
}

/// The most a transaction can cost its sender, in wei.
fn cost(tx: &Recovered<TxEnvelope>) -> U256 {
    U256::from(tx.max_fee_per_gas()).saturating_mul(U256::from(tx.gas_limit())).saturating_add(tx.value())
}

fn outbids(new: &Recovered<TxEnvelope>, old: &Recovered<TxEnvelope>) -> bool {
    let beats = |new: u128, old: u128| {
        let step = (old.saturating_mul(PRICE_BUMP_PERCENT)).div_ceil(100).max(1);
        new >= old.saturating_add(step)
    };
    let tip = |tx: &Recovered<TxEnvelope>| tx.max_priority_fee_per_gas().unwrap_or_else(|| tx.max_fee_per_gas());
    beats(new.max_fee_per_gas(), old.max_fee_per_gas()) && beats(tip(new), tip(old))
}
