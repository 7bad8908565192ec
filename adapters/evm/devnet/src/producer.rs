//! Building, executing and sealing one block on top of a head. No clock and no tasks:
//! `node` says when and with what. Called by `node`.

use std::collections::HashSet;
use std::sync::Arc;

use alloy::consensus::proofs::{calculate_receipt_root, calculate_transaction_root};
use alloy::consensus::{EMPTY_OMMER_ROOT_HASH, Header, Receipt, ReceiptEnvelope, Transaction, TxEnvelope, TxType, transaction::Recovered};
use alloy::eips::eip1559::BaseFeeParams;
use alloy::eips::{Encodable2718, calc_next_block_base_fee};
use alloy::primitives::{Address, B256, Bloom, U256};
use alloy::rlp::Encodable;
use alloy::trie::EMPTY_ROOT_HASH;
use revm::context::result::{EVMError, ExecutionResult, InvalidTransaction};

use crate::chain::{Block, Chain, Included};
use crate::config::{BaseFee, DevnetConfig, Fork};
use crate::error::DevnetError;
use crate::executor::{self, Environment, View};
use crate::header::{BFT_MIX_HASH, Extra, Vote};
use crate::state::World;
use crate::validators::{Keyring, ValidatorSet, quorum};

/// The first bytes of every `extraData`.
fn vanity() -> B256 {
    B256::right_padding_from(b"causeway devnet")
}

/// What the consensus decided about the next block before anything runs.
#[derive(Debug)]
pub(crate) struct Plan<'a> {
    pub(crate) config: &'a DevnetConfig,
    pub(crate) keyring: &'a Keyring,
    pub(crate) set: &'a ValidatorSet,
    /// Key indices of validators that do not answer.
    pub(crate) down: &'a HashSet<u32>,
    /// The round to begin with; a proposer that is down raises it.
    pub(crate) round: u32,
    pub(crate) vote: Option<Vote>,
    pub(crate) timestamp: u64,
}

/// A block with the state after it, and transactions that can never run.
#[derive(Debug)]
pub(crate) struct Produced {
    pub(crate) block: Block,
    pub(crate) state: World,
    pub(crate) dropped: Vec<B256>,
}

/// The genesis block on a funded state.
pub(crate) fn genesis(plan: &Plan<'_>, state: &World) -> Block {
    let header = Header {
        state_root: state.root(),
        gas_limit: plan.config.block_gas_limit,
        timestamp: plan.timestamp,
        base_fee_per_gas: first_base_fee(plan.config),
        ..empty_header(plan.config.fork)
    };
    let extra = Extra { seals: Vec::new(), ..extra(plan, 0) };
    finish(plan, header, extra, Vec::new())
}

/// The next block on `parent`, with as many of `candidates` as fit.
pub(crate) fn produce(plan: &Plan<'_>, chain: &Arc<Chain>, candidates: Vec<Recovered<TxEnvelope>>) -> Result<Produced, DevnetError> {
    let (parent, world) = chain.head();
    let number = parent.header.number + 1;
    let (round, proposer) = proposer(plan, number)?;
    let env = Environment {
        chain_id: plan.config.chain_id,
        fork: plan.config.fork,
        number,
        timestamp: plan.timestamp.max(parent.header.timestamp),
        beneficiary: proposer,
        gas_limit: plan.config.block_gas_limit,
        base_fee: next_base_fee(plan.config, &parent.header),
    };
    let mut view = View { world, chain: chain.clone() };
    let (txs, dropped) = execute(&mut view, &env, candidates)?;
    let mut header = Header {
        parent_hash: parent.hash,
        beneficiary: proposer,
        state_root: view.world.root(),
        number,
        gas_limit: env.gas_limit,
        gas_used: txs.iter().map(|tx| tx.gas_used).sum(),
        timestamp: env.timestamp,
        base_fee_per_gas: env.base_fee,
        ..empty_header(plan.config.fork)
    };
    commit_to_transactions(&mut header, &txs);
    let mut extra = extra(plan, round);
    let digest = extra.digest(&header);
    extra.seals = sealers(plan, number).map(|key| plan.keyring.seal(key, digest)).collect();
    Ok(Produced { block: finish(plan, header, extra, txs), state: view.world, dropped })
}

/// The base fee of the block after `parent`, wei per gas; none before London.
pub(crate) fn next_base_fee(config: &DevnetConfig, parent: &Header) -> Option<u64> {
    match config.base_fee {
        _ if config.fork < Fork::London => None,
        BaseFee::Fixed(fee) => Some(fee),
        BaseFee::Market(first) => Some(calc_next_block_base_fee(
            parent.gas_used,
            parent.gas_limit,
            parent.base_fee_per_gas.unwrap_or(first),
            BaseFeeParams::ethereum(),
        )),
    }
}

fn first_base_fee(config: &DevnetConfig) -> Option<u64> {
    let (BaseFee::Fixed(fee) | BaseFee::Market(fee)) = config.base_fee;
    (config.fork >= Fork::London).then_some(fee)
}

/// The first round from the planned one on whose proposer is up, if a quorum is.
fn proposer(plan: &Plan<'_>, number: u64) -> Result<(u32, Address), DevnetError> {
    let total = plan.set.len();
    let up = plan.set.rotated(0).filter(|(_, key)| !plan.down.contains(key)).count();
    let needed = quorum(total);
    if up < needed {
        return Err(DevnetError::NoQuorum { up, total, needed });
    }
    let mut turns = plan.set.rotated(number.wrapping_add(u64::from(plan.round)));
    let skipped = turns.position(|(_, key)| !plan.down.contains(&key)).unwrap_or_default();
    let round = plan.round.saturating_add(u32::try_from(skipped).unwrap_or_default());
    let first = plan.set.rotated(number.wrapping_add(u64::from(round))).next();
    first.map(|(address, _)| (round, address)).ok_or(DevnetError::NoQuorum { up, total, needed })
}

/// Exactly a quorum seals, and the members that do change from block to block.
fn sealers<'a>(plan: &'a Plan<'_>, number: u64) -> impl Iterator<Item = u32> + 'a {
    plan.set.rotated(number).map(|(_, key)| key).filter(|key| !plan.down.contains(key)).take(quorum(plan.set.len()))
}

fn extra(plan: &Plan<'_>, round: u32) -> Extra {
    Extra { kind: plan.config.kind, vanity: vanity(), validators: plan.set.addresses(), vote: plan.vote, round, seals: Vec::new() }
}

/// What every header of these chains has in common, with the trailing fields of the fork.
fn empty_header(fork: Fork) -> Header {
    let cancun = fork >= Fork::Cancun;
    Header {
        ommers_hash: EMPTY_OMMER_ROOT_HASH,
        transactions_root: EMPTY_ROOT_HASH,
        receipts_root: EMPTY_ROOT_HASH,
        difficulty: U256::ONE,
        mix_hash: BFT_MIX_HASH,
        withdrawals_root: (fork >= Fork::Shanghai).then_some(EMPTY_ROOT_HASH),
        blob_gas_used: cancun.then_some(0),
        excess_blob_gas: cancun.then_some(0),
        parent_beacon_block_root: cancun.then_some(B256::ZERO),
        ..Header::default()
    }
}

fn finish(plan: &Plan<'_>, mut header: Header, extra: Extra, txs: Vec<Included>) -> Block {
    header.extra_data = extra.encode();
    let body: usize = txs.iter().map(|included| included.tx.encode_2718_len()).sum();
    Block {
        hash: extra.block_hash(&header),
        size_bytes: (header.length() + body) as u64,
        signers: plan.set.rotated(0).map(|(_, key)| key).collect(),
        header,
        extra,
        txs,
    }
}

fn commit_to_transactions(header: &mut Header, txs: &[Included]) {
    if txs.is_empty() {
        return;
    }
    let bodies: Vec<&TxEnvelope> = txs.iter().map(|included| included.tx.inner()).collect();
    let receipts: Vec<&ReceiptEnvelope> = txs.iter().map(|included| &included.receipt).collect();
    header.transactions_root = calculate_transaction_root(&bodies);
    header.receipts_root = calculate_receipt_root(&receipts);
    header.logs_bloom = receipts.iter().fold(Bloom::ZERO, |bloom, r| bloom | *r.logs_bloom());
}

/// Runs the candidates in order. One that does not fit, or cannot run yet, takes the later
/// ones of its sender with it; one that never can is reported.
fn execute(view: &mut View, env: &Environment, candidates: Vec<Recovered<TxEnvelope>>) -> Result<(Vec<Included>, Vec<B256>), DevnetError> {
    let (mut done, mut dropped) = (Vec::new(), Vec::new());
    let mut skipped = HashSet::new();
    let (mut gas, mut logs) = (0u64, 0u64);
    for tx in candidates {
        if env.gas_limit - gas < 21_000 {
            break;
        }
        if skipped.contains(&tx.signer()) {
            continue;
        }
        if tx.gas_limit() > env.gas_limit - gas {
            skipped.insert(tx.signer());
            continue;
        }
        match executor::run(view, env, executor::tx_env(&tx)) {
            Ok(out) => {
                view.world.apply(out.state);
                gas += out.result.tx_gas_used();
                let included = include(tx, out.result, env, (gas, logs));
                logs += included.receipt.logs().len() as u64;
                done.push(included);
            }
            Err(EVMError::Transaction(reason)) => {
                skipped.insert(tx.signer());
                // Too high a nonce heals by itself, too low a fee may.
                let heals = matches!(reason, InvalidTransaction::NonceTooHigh { .. } | InvalidTransaction::GasPriceLessThanBasefee);
                if !heals {
                    tracing::debug!(tx = %tx.tx_hash(), %reason, "transaction dropped");
                    dropped.push(*tx.tx_hash());
                }
            }
            Err(other) => return Err(DevnetError::Internal(other.to_string())),
        }
    }
    Ok((done, dropped))
}

fn include(tx: Recovered<TxEnvelope>, result: ExecutionResult, env: &Environment, (cumulative_gas, first_log): (u64, u64)) -> Included {
    let created = tx.to().is_none().then(|| tx.signer().create(tx.nonce()));
    let (status, gas_used) = (result.is_success(), result.tx_gas_used());
    // Logs of a reverted transaction never happened.
    let logs = if status { result.into_logs() } else { Vec::new() };
    let receipt = Receipt { status: status.into(), cumulative_gas_used: cumulative_gas, logs }.with_bloom();
    let receipt = match tx.tx_type() {
        TxType::Legacy => ReceiptEnvelope::Legacy(receipt),
        TxType::Eip2930 => ReceiptEnvelope::Eip2930(receipt),
        TxType::Eip1559 => ReceiptEnvelope::Eip1559(receipt),
        TxType::Eip4844 => ReceiptEnvelope::Eip4844(receipt),
        TxType::Eip7702 => ReceiptEnvelope::Eip7702(receipt),
    };
    let gas_price = tx.effective_gas_price(env.base_fee);
    Included { tx, receipt, gas_used, gas_price, created: created.filter(|_| status), first_log }
}
