//! The chain as a client sees it: blocks, transactions, proofs at old heights, bursts.
#![allow(clippy::unwrap_used, clippy::panic, reason = "the whole file is a test")]

use crate::common::{Rpc, deploy, dynamic, ether, free, manual, sign, signer, start, store, word};
use alloy::network::EthereumWallet;
use alloy::primitives::{Address, B256, U256, keccak256};
use alloy::providers::{Provider, ProviderBuilder};
use alloy::rpc::types::{EIP1186AccountProofResponse, TransactionRequest};
use alloy::trie::{Nibbles, TrieAccount, proof::verify_proof};
use causeway_evm_devnet::{BaseFee, DevnetConfig, Fork};
use serde_json::json;
use std::time::Duration;

/// Fetches a proof at a height and checks every node of it against that block's root.
async fn verified(rpc: &Rpc, account: Address, slots: &[B256], number: u64) -> Vec<U256> {
    let tag = format!("{number:#x}");
    let block = rpc.call("eth_getBlockByNumber", json!([tag, false])).await;
    let root: B256 = serde_json::from_value(block["stateRoot"].clone()).unwrap();
    let proof = rpc.call("eth_getProof", json!([account, slots, tag])).await;
    let proof: EIP1186AccountProofResponse = serde_json::from_value(proof).unwrap();
    let leaf = TrieAccount { nonce: proof.nonce, balance: proof.balance, storage_root: proof.storage_hash, code_hash: proof.code_hash };
    let expected = (leaf != TrieAccount::default()).then(|| alloy::rlp::encode(leaf));
    verify_proof(root, Nibbles::unpack(keccak256(account)), expected, &proof.account_proof).unwrap();
    for (slot, entry) in slots.iter().zip(&proof.storage_proof) {
        let expected = (!entry.value.is_zero()).then(|| alloy::rlp::encode(entry.value));
        if proof.storage_hash == alloy::trie::EMPTY_ROOT_HASH {
            assert!(entry.proof.is_empty() && expected.is_none());
            continue;
        }
        let key = Nibbles::unpack(keccak256(slot));
        verify_proof(proof.storage_hash, key, expected, &entry.proof).unwrap();
    }
    proof.storage_proof.iter().map(|entry| entry.value).collect()
}

#[tokio::test]
async fn it_starts_mines_deploys_and_proves() {
    let config = DevnetConfig { auto_mine: true, block_period: Duration::from_millis(50), ..manual() };
    let (chain, rpc) = start(config).await;
    let hash = rpc.send(&sign(free(0, None, crate::common::STORE.into()), &signer(0))).await;
    let receipt = loop {
        let receipt = rpc.receipt(hash).await;
        if !receipt.is_null() {
            break receipt;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    };
    let contract: Address = serde_json::from_value(receipt["contractAddress"].clone()).unwrap();
    let number: U256 = serde_json::from_value(receipt["blockNumber"].clone()).unwrap();
    assert_eq!(verified(&rpc, contract, &[word(7)], number.to()).await, [U256::ZERO]);
    chain.stop().await;
}

#[tokio::test]
async fn proofs_hold_at_old_heights_and_end_with_the_window() {
    let (chain, rpc) = start(DevnetConfig { state_window_blocks: 8, ..manual() }).await;
    let contract = deploy(&chain, &rpc).await;
    for i in 1..=7u64 {
        let slot = U256::from(if i % 3 == 0 { 1 } else { i });
        // The third and the sixth clear slot 1.
        let value = if i % 3 == 0 { 0 } else { 100 + i };
        rpc.send(&sign(free(i, Some(contract), store(slot, value)), &signer(0))).await;
        chain.control().mine_one().unwrap();
    }
    let slots: Vec<B256> = (1..=8).map(word).collect();
    let expected = |values: [u64; 8]| values.map(U256::from).to_vec();
    let at = |number| verified(&rpc, contract, &slots, number);
    assert_eq!(at(1).await, expected([0; 8]));
    assert_eq!(at(2).await, expected([101, 0, 0, 0, 0, 0, 0, 0]));
    assert_eq!(at(3).await, expected([101, 102, 0, 0, 0, 0, 0, 0]));
    assert_eq!(at(4).await, expected([0, 102, 0, 0, 0, 0, 0, 0]));
    assert_eq!(at(8).await, expected([0, 102, 0, 104, 105, 0, 107, 0]));
    // An account that does not exist, too.
    assert_eq!(verified(&rpc, Address::repeat_byte(9), &slots[..1], 8).await, [U256::ZERO]);
    let refused = rpc.refused("eth_getProof", json!([contract, slots, "0x0"])).await;
    assert!(refused.starts_with("missing trie node"), "{refused}");
    let refused = rpc.refused("eth_getProof", json!([contract, slots, "0x9"])).await;
    assert_eq!(refused, "header not found");
}

#[tokio::test]
async fn a_burst_of_a_thousand_transactions_is_included_in_order() {
    let config = DevnetConfig { auto_mine: true, block_period: Duration::from_millis(200), ..manual() };
    let (chain, rpc) = start(config).await;
    chain.control().pause();
    let contract = deploy(&chain, &rpc).await;
    chain.control().resume();
    let mut hashes = Vec::new();
    for i in 0..250u64 {
        for account in 0..4u32 {
            let nonce = i + u64::from(account == 0);
            let slot = U256::from(i * 4 + u64::from(account) + 1);
            let tx = free(nonce, Some(contract), store(slot, i + 1));
            hashes.push(rpc.send(&sign(tx, &signer(account))).await);
        }
    }
    while chain.control().pool_transactions() > 0 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    for hash in &hashes {
        assert_eq!(rpc.receipt(*hash).await["status"], "0x1");
    }
    let logs = rpc.call("eth_getLogs", json!([{ "fromBlock": "0x0", "address": contract }])).await;
    assert_eq!(logs.as_array().unwrap().len(), 1_000);
    chain.control().pause();
    let head = chain.control().mine_one().unwrap();
    let slots: Vec<B256> = (1..=1_001).map(word).collect();
    let values = verified(&rpc, contract, &slots, head).await;
    assert_eq!(values.iter().filter(|value| value.is_zero()).count(), 1);
    chain.stop().await;
}

#[tokio::test]
async fn alloys_provider_can_use_it_on_every_fork() {
    for fork in [Fork::Berlin, Fork::London, Fork::Shanghai, Fork::Cancun] {
        let config = DevnetConfig { fork, auto_mine: true, block_period: Duration::from_millis(30), ..manual() };
        let (chain, rpc) = start(config).await;
        drop(rpc);
        let wallet = EthereumWallet::from(signer(0));
        let provider = ProviderBuilder::new().wallet(wallet).connect_http(chain.rpc_url().parse().unwrap());
        let mut request = TransactionRequest::default().to(Address::repeat_byte(5)).value(ether(1));
        if fork == Fork::Berlin {
            request = request.gas_price(0);
        }
        let pending = provider.send_transaction(request).await.unwrap();
        let receipt = pending.get_receipt().await.unwrap();
        assert!(receipt.status());
        assert_eq!(provider.get_balance(Address::repeat_byte(5)).await.unwrap(), ether(1));
        let number = receipt.block_number.unwrap();
        let block = provider.get_block(number.into()).full().await.unwrap().unwrap();
        assert_eq!(block.transactions.len(), 1);
        let trailing = [
            block.header.base_fee_per_gas.is_some(),
            block.header.withdrawals_root.is_some(),
            block.header.parent_beacon_block_root.is_some(),
        ];
        assert_eq!(trailing, [fork >= Fork::London, fork >= Fork::Shanghai, fork >= Fork::Cancun]);
        chain.stop().await;
    }
}

#[tokio::test]
async fn london_orders_by_tip_and_moves_the_base_fee() {
    let gwei = 1_000_000_000u128;
    let config = DevnetConfig { fork: Fork::London, base_fee: BaseFee::Market(1_000_000_000), block_gas_limit: 1_000_000, ..manual() };
    let (chain, rpc) = start(config).await;
    let to = Address::repeat_byte(1);
    let low = rpc.send(&sign(dynamic(0, 5 * gwei, gwei, Default::default(), to), &signer(0))).await;
    let high = rpc.send(&sign(dynamic(0, 5 * gwei, 2 * gwei, Default::default(), to), &signer(1))).await;
    // Below the base fee: it waits.
    let wait = rpc.send(&sign(dynamic(0, gwei / 2, 0, Default::default(), to), &signer(2))).await;
    chain.control().mine_one().unwrap();
    let (high, low) = (rpc.receipt(high).await, rpc.receipt(low).await);
    assert_eq!((&high["transactionIndex"], &low["transactionIndex"]), (&json!("0x0"), &json!("0x1")));
    assert!(rpc.receipt(wait).await.is_null());
    let fee = |block: &serde_json::Value| -> u128 {
        let fee: U256 = serde_json::from_value(block["baseFeePerGas"].clone()).unwrap();
        fee.to()
    };
    let one = rpc.call("eth_getBlockByNumber", json!(["0x1", false])).await;
    assert_eq!(fee(&one), gwei * 7 / 8, "genesis was empty");
    chain.control().mine(2).unwrap();
    assert_eq!(rpc.receipt(wait).await, json!(null));
    chain.control().mine(8).unwrap();
    assert_eq!(rpc.receipt(wait).await["status"], "0x1", "the base fee has fallen below its price");
}

#[tokio::test]
async fn two_chains_of_one_seed_agree_and_stop_cleanly() {
    let (a, rpc_a) = start(manual()).await;
    let (b, rpc_b) = start(DevnetConfig { chain_id: 2, seed: 1, ..manual() }).await;
    assert_ne!(a.rpc_url(), b.rpc_url());
    assert_eq!(rpc_a.call("eth_chainId", json!([])).await, "0x7a69");
    assert_eq!(rpc_b.call("eth_chainId", json!([])).await, "0x2");
    assert_ne!(a.control().validators(), b.control().validators());
    let (c, _) = start(manual()).await;
    assert_eq!(a.control().validators(), c.control().validators());
    let url = a.rpc_url();
    for chain in [a, b, c] {
        chain.stop().await;
    }
    let address = url.trim_start_matches("http://").to_owned();
    tokio::net::TcpStream::connect(address).await.expect_err("the port is closed");
}
