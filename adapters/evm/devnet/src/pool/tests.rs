//! The pool's order, gaps, replacement, limits and refusals.

use alloy::consensus::transaction::{Recovered, SignerRecoverable};
use alloy::consensus::{SignableTransaction, Transaction, TxEnvelope, TxLegacy};
use alloy::primitives::{Address, TxKind, U256};
use alloy::signers::{SignerSync, local::PrivateKeySigner};

use super::{Pool, PoolError};
use crate::config::dev_key;
use crate::state::World;

fn key(account: u32) -> PrivateKeySigner {
    PrivateKeySigner::from_bytes(&dev_key(0, account)).unwrap()
}

fn tx(account: u32, nonce: u64, gas_price: u128) -> Recovered<TxEnvelope> {
    let tx = TxLegacy {
        chain_id: Some(1),
        nonce,
        gas_price,
        gas_limit: 21_000,
        to: TxKind::Call(Address::ZERO),
        value: U256::ZERO,
        input: Default::default(),
    };
    let signature = key(account).sign_hash_sync(&tx.signature_hash()).unwrap();
    TxEnvelope::from(tx.into_signed(signature)).try_into_recovered().unwrap()
}

fn world() -> World {
    let rich = U256::from(10u64.pow(18));
    World::funded(&[(key(0).address(), rich), (key(1).address(), rich)])
}

fn order(pool: &Pool, gas: u64) -> Vec<(Address, u64)> {
    let candidates = pool.candidates(&world(), 0, gas);
    candidates.iter().map(|tx| (tx.signer(), tx.nonce())).collect()
}

#[test]
fn the_best_tip_goes_first_and_each_sender_by_nonce_up_to_the_gap() {
    let mut pool = Pool::new(100);
    for tx in [tx(0, 1, 90), tx(0, 0, 10), tx(0, 3, 99), tx(1, 0, 20), tx(1, 1, 5)] {
        pool.add(tx, &world()).unwrap();
    }
    let (a, b) = (key(0).address(), key(1).address());
    assert_eq!(order(&pool, 30_000_000), [(b, 0), (a, 0), (a, 1), (b, 1)]);
    assert_eq!(pool.next_nonce(&a, 0), 2);
    assert_eq!(pool.next_nonce(&Address::ZERO, 7), 7);
    pool.add(tx(0, 2, 1), &world()).unwrap();
    assert_eq!(pool.next_nonce(&a, 0), 4);
    assert_eq!(order(&pool, 30_000_000).len(), 6);
}

#[test]
fn a_replacement_pays_a_tenth_more() {
    let mut pool = Pool::new(100);
    let old = tx(0, 0, 100);
    pool.add(old.clone(), &world()).unwrap();
    assert_eq!(pool.add(old.clone(), &world()), Err(PoolError::AlreadyKnown));
    assert_eq!(pool.add(tx(0, 0, 109), &world()), Err(PoolError::Underpriced));
    pool.add(tx(0, 0, 110), &world()).unwrap();
    assert!(pool.get(old.tx_hash()).is_none());
    assert_eq!(pool.len(), 1);
    // Free transactions can be replaced by those that pay anything.
    pool.add(tx(1, 0, 0), &world()).unwrap();
    pool.add(tx(1, 0, 1), &world()).unwrap();
}

#[test]
fn limits_and_balances_are_kept() {
    let mut pool = Pool::new(2);
    pool.add(tx(0, 0, 0), &world()).unwrap();
    pool.add(tx(0, 1, 0), &world()).unwrap();
    assert_eq!(pool.add(tx(0, 2, 0), &world()), Err(PoolError::Full));
    // A replacement needs no room.
    pool.add(tx(0, 1, 10), &world()).unwrap();
    let poor = Pool::new(2).add(tx(2, 0, 1), &world()).unwrap_err();
    let words = "insufficient funds for gas * price + value: balance 0, tx cost 21000, overshot 21000";
    assert_eq!(poor.to_string(), words);
}

#[test]
fn pruning_drops_what_the_state_has_overtaken() {
    let mut pool = Pool::new(10);
    for nonce in 0..3 {
        pool.add(tx(0, nonce, 0), &world()).unwrap();
    }
    let mut moved = world();
    let sender = key(0).address();
    let mut account = revm::state::Account::from(moved.info(&sender).unwrap());
    account.info.nonce = 2;
    account.mark_touch();
    moved.apply([(sender, account)].into_iter().collect());
    pool.prune([sender], &moved);
    assert_eq!(pool.len(), 1);
    assert_eq!(pool.add(tx(0, 1, 9), &moved), Err(PoolError::NonceTooLow { next: 2, found: 1 }));
    pool.remove(tx(0, 2, 0).tx_hash());
    assert_eq!(pool.len(), 0);
}
