//! The JSON-RPC server: what clients match on, its limits, and the lies it can tell.
#![allow(clippy::unwrap_used, clippy::panic, reason = "the whole file is a test")]

use crate::common::{CHAIN_ID, STORE, deploy, dynamic, ether, free, manual, sign, signer, start, store};
use alloy::consensus::{TxEip2930, TxLegacy};
use alloy::primitives::{Address, Bytes, TxKind, U256};
use causeway_evm_devnet::{DevnetConfig, Fork, Outage, RpcLimits};
use serde_json::{Value, json};

#[tokio::test]
async fn transactions_are_refused_in_geths_words() {
    let (chain, rpc) = start(manual()).await;
    let to = Some(Address::repeat_byte(1));
    let first = sign(free(0, to, Bytes::new()), &signer(0));
    rpc.send(&first).await;
    assert_eq!(rpc.send_refused(&first).await, "already known");
    let mut other = free(0, to, Bytes::new());
    other.gas_limit = 50_000;
    let refused = rpc.send_refused(&sign(other.clone(), &signer(0))).await;
    assert_eq!(refused, "replacement transaction underpriced");
    chain.control().mine_one().unwrap();
    let mined = rpc.send_refused(&first).await;
    assert_eq!(mined, "nonce too low: next nonce 1, tx nonce 0");
    let refused = rpc.send_refused(&sign(other, &signer(0))).await;
    assert_eq!(refused, "nonce too low: next nonce 1, tx nonce 0");
}

#[tokio::test]
async fn transactions_that_can_never_run_are_refused() {
    let (_chain, rpc) = start(manual()).await;
    let changed = |change: fn(&mut TxLegacy)| {
        let mut tx = free(0, Some(Address::repeat_byte(1)), Bytes::new());
        change(&mut tx);
        sign(tx, &signer(0))
    };
    let funds = "insufficient funds for gas * price + value";
    for (tx, words) in [
        (changed(|tx| tx.value = ether(1_001)), funds),
        (changed(|tx| tx.gas_price = u128::MAX), funds),
        (changed(|tx| tx.gas_limit = 30_000_001), "exceeds block gas limit"),
        (changed(|tx| tx.gas_limit = 20_999), "intrinsic gas too low"),
        (changed(|tx| tx.chain_id = Some(1)), "invalid chain id for signer"),
        (changed(|tx| tx.chain_id = None), "only replay-protected (EIP-155)"),
        (changed(|tx| tx.input = vec![0; 128 * 1024].into()), "oversized data"),
        (changed(|tx| tx.nonce = u64::MAX), "nonce has max value"),
    ] {
        let refused = rpc.send_refused(&tx).await;
        assert!(refused.starts_with(words), "{refused}");
    }
    let dynamic = sign(dynamic(0, 0, 0, Bytes::new(), Address::ZERO), &signer(0));
    assert_eq!(rpc.send_refused(&dynamic).await, "transaction type not supported");
    for raw in ["0x", "0x00", "0x02", "0xc0", "0xf8", "0xffffffffffffffffffffff", "0x7f01"] {
        let refused = rpc.refused("eth_sendRawTransaction", json!([raw])).await;
        assert!(refused.starts_with("transaction does not decode"), "{raw}: {refused}");
    }
}

#[tokio::test]
async fn free_legacy_and_access_list_transactions_run_on_berlin() {
    let (chain, rpc) = start(manual()).await;
    assert_eq!(rpc.call("eth_gasPrice", json!([])).await, "0x0");
    // This sender owns nothing at all.
    let poor = signer(99);
    let legacy = rpc.send(&sign(free(0, None, STORE.into()), &poor)).await;
    let listed = TxEip2930 {
        chain_id: CHAIN_ID,
        nonce: 1,
        gas_price: 0,
        gas_limit: 100_000,
        to: TxKind::Call(Address::repeat_byte(2)),
        ..TxEip2930::default()
    };
    let listed = rpc.send(&sign(listed, &poor)).await;
    let count = |tag| rpc.call("eth_getTransactionCount", json!([poor.address(), tag]));
    assert_eq!(count("pending").await, "0x2");
    assert_eq!(count("latest").await, "0x0");
    let pending = rpc.call("eth_getTransactionByHash", json!([legacy])).await;
    assert_eq!(pending["blockNumber"], Value::Null);
    chain.control().mine_one().unwrap();
    assert_eq!(count("latest").await, "0x2");
    for (hash, kind) in [(legacy, "0x0"), (listed, "0x1")] {
        let receipt = rpc.receipt(hash).await;
        assert_eq!((&receipt["status"], &receipt["type"]), (&json!("0x1"), &json!(kind)));
        assert_eq!(receipt["effectiveGasPrice"], "0x0");
    }
    let block = rpc.call("eth_getBlockByNumber", json!(["latest", true])).await;
    assert_eq!(block["transactions"].as_array().unwrap().len(), 2);
    assert_eq!(block["difficulty"], "0x1");
    assert!(block.get("baseFeePerGas").is_none());
    let same = rpc.call("eth_getBlockByHash", json!([block["hash"], true])).await;
    assert_eq!(same, block);
    let receipts = rpc.call("eth_getBlockReceipts", json!(["latest"])).await;
    assert_eq!(receipts[1], rpc.receipt(listed).await);
    let count = rpc.call("eth_getBlockTransactionCountByNumber", json!(["latest"])).await;
    assert_eq!(count, "0x2");
}

#[tokio::test]
async fn calls_and_estimates_answer_as_geth_does() {
    let (chain, rpc) = start(DevnetConfig { fork: Fork::London, ..manual() }).await;
    let mut create = dynamic(0, 2_000_000_000, 0, STORE.into(), Address::ZERO);
    create.to = TxKind::Create;
    let hash = rpc.send(&sign(create, &signer(0))).await;
    chain.control().mine_one().unwrap();
    let contract = rpc.receipt(hash).await["contractAddress"].clone();
    let code = rpc.call("eth_getCode", json!([contract, "latest"])).await;
    assert_eq!(code, format!("{}", Bytes::from(&STORE[11..])));

    let from = signer(0).address();
    let input = store(U256::from(5), 6);
    let request = json!({ "from": from, "to": contract, "input": input });
    assert_eq!(rpc.call("eth_call", json!([request, "latest"])).await, "0x");
    assert_eq!(rpc.call("eth_getStorageAt", json!([contract, "0x5", "latest"])).await.as_str().unwrap().len(), 66);
    let gas: U256 = serde_json::from_value(rpc.call("eth_estimateGas", json!([request])).await).unwrap();
    let mut tx = dynamic(1, 2_000_000_000, 1, input, serde_json::from_value(contract.clone()).unwrap());
    tx.gas_limit = gas.to();
    let hash = rpc.send(&sign(tx, &signer(0))).await;
    chain.control().mine_one().unwrap();
    let receipt = rpc.receipt(hash).await;
    assert_eq!(receipt["status"], "0x1", "the estimate was enough");
    let used: U256 = serde_json::from_value(receipt["gasUsed"].clone()).unwrap();
    assert!(gas <= used * U256::from(11) / U256::from(10) + U256::from(2_500), "{gas} for {used}");

    let history = rpc.call("eth_feeHistory", json!(["0x2", "latest", [10.0, 90.0]])).await;
    assert_eq!(history["baseFeePerGas"].as_array().unwrap().len(), 3);
    assert_eq!(history["reward"][1], json!(["0x1", "0x1"]));
    assert_eq!(history["oldestBlock"], "0x1");
}

#[tokio::test]
async fn calls_that_fail_say_why_and_history_is_callable() {
    let (chain, rpc) = start(manual()).await;
    let (contract, from) = (deploy(&chain, &rpc).await, signer(0).address());
    chain.control().mine_one().unwrap();
    let reverting = json!({ "from": from, "to": contract });
    for method in ["eth_call", "eth_estimateGas"] {
        let error = rpc.try_call(method, json!([reverting, "latest"])).await.unwrap_err();
        assert_eq!(error, json!({ "code": 3, "message": "execution reverted", "data": "0x" }));
    }
    let dear = json!({ "from": Address::repeat_byte(9), "to": contract, "value": "0x1" });
    let refused = rpc.refused("eth_call", json!([dear, "latest"])).await;
    assert!(refused.starts_with("insufficient funds"), "{refused}");
    let tight = json!({ "to": contract, "gas": "0x5300", "input": store(U256::ONE, 1) });
    let refused = rpc.refused("eth_call", json!([tight, "latest"])).await;
    assert!(refused.contains("gas"), "{refused}");
    // Contracts may be named as the caller, and old state can be called.
    let from_contract = json!({ "from": contract, "to": contract, "input": store(U256::ONE, 1) });
    assert_eq!(rpc.call("eth_call", json!([from_contract, "0x1"])).await, "0x");
}

#[tokio::test]
async fn batches_and_bodies_are_bounded_and_hostile_input_is_survived() {
    let rpc_limits = RpcLimits { batch_requests: 5, body_bytes: 10_000, ..RpcLimits::default() };
    let (chain, rpc) = start(DevnetConfig { rpc: rpc_limits, ..manual() }).await;
    let request = json!({ "jsonrpc": "2.0", "id": 1, "method": "eth_blockNumber" });
    let (_, body) = rpc.post(Value::Array(vec![request.clone(); 5]).to_string()).await;
    assert_eq!(serde_json::from_str::<Value>(&body).unwrap().as_array().unwrap().len(), 5);
    assert_eq!(chain.control().requests(), (1, 5));
    let (_, body) = rpc.post(Value::Array(vec![request; 6]).to_string()).await;
    assert!(body.contains("batch too large"), "{body}");
    assert_eq!(rpc.post(vec![b' '; 10_001]).await.0, 413);
    let huge = format!("0x{}", "f".repeat(65));
    for (method, params) in [
        ("eth_getBlockByNumber", json!(["0xffffffffffffffff", true])),
        ("eth_getBlockByNumber", json!([huge])),
        ("eth_getBalance", json!([Address::ZERO, "0xffffffffffffffff"])),
        ("eth_getProof", json!([Address::ZERO, [huge], "latest"])),
        ("eth_getProof", json!([Address::ZERO, "x", "latest"])),
        ("eth_getLogs", json!([{ "fromBlock": "0x0", "toBlock": "0xffffffffffffffff" }])),
        ("eth_getLogs", json!([{ "fromBlock": "0x5", "toBlock": "0x1" }])),
        ("eth_getLogs", json!([{ "blockHash": U256::ZERO }])),
        ("eth_getLogs", json!([{ "topics": [[], null, [], [], []] }])),
        ("eth_feeHistory", json!(["0xffffffffffffffff", "latest", [101.0]])),
        ("eth_feeHistory", json!(["0xffffffffffffffff", "latest", null])),
        ("eth_call", json!([{ "gas": "0xffffffffffffffff", "input": "0x5b600056" }, "latest"])),
        ("eth_estimateGas", json!([{ "input": "0x5b600056" }])),
        ("eth_call", json!([{ "gasPrice": "0xffffffffffffffffffffffffffffffff" }, "latest"])),
        ("eth_getTransactionReceipt", json!([7])),
        ("no_such_method", json!([])),
    ] {
        // Any answer will do, if it is one.
        drop(rpc.try_call(method, params).await);
    }
    assert_eq!(rpc.call("eth_blockNumber", json!([])).await, "0x0");
}

#[tokio::test]
async fn logs_are_found_limited_dropped_and_reordered() {
    let rpc_limits = RpcLimits { log_range_blocks: 4, log_results: 5, ..RpcLimits::default() };
    let (chain, rpc) = start(DevnetConfig { rpc: rpc_limits, ..manual() }).await;
    let contract = deploy(&chain, &rpc).await;
    for i in 1..=6u64 {
        rpc.send(&sign(free(i, Some(contract), store(U256::from(i), i)), &signer(0))).await;
        if i % 3 == 0 {
            chain.control().mine_one().unwrap();
        }
    }
    let all = |from: u64, to: u64| json!([{ "fromBlock": format!("{from:#x}"), "toBlock": format!("{to:#x}") }]);
    let error = rpc.try_call("eth_getLogs", all(0, 3)).await.unwrap_err();
    assert_eq!(error, json!({ "code": -32_005, "message": "query returned more than 5 results" }));
    let logs = rpc.call("eth_getLogs", all(2, 2)).await;
    let indices: Vec<_> = logs.as_array().unwrap().iter().map(|log| log["logIndex"].clone()).collect();
    assert_eq!(indices, ["0x0", "0x1", "0x2"]);
    let topic = json!([{ "fromBlock": "0x0", "address": contract, "topics": [[crate::common::word(2), crate::common::word(5)]] }]);
    let found = rpc.call("eth_getLogs", topic).await;
    assert_eq!(found.as_array().unwrap().len(), 2);
    assert_eq!(found[1]["data"], format!("{}", crate::common::word(5)));
    let by_hash = json!([{ "blockHash": chain.control().block_hash(2).unwrap() }]);
    assert_eq!(rpc.call("eth_getLogs", by_hash).await, logs);

    chain.control().lie(|faults| faults.reorder_logs = true);
    let mut reversed = logs.as_array().unwrap().clone();
    reversed.reverse();
    assert_eq!(rpc.call("eth_getLogs", all(2, 2)).await, Value::Array(reversed));
    chain.control().lie(|faults| faults.drop_logs = true);
    assert_eq!(rpc.call("eth_getLogs", all(2, 2)).await, json!([]));
    chain.control().tell_the_truth();
    chain.control().mine(3).unwrap();
    let error = rpc.try_call("eth_getLogs", all(1, 5)).await.unwrap_err();
    assert_eq!(error["message"], "block range too large, max is 4 blocks");
}

#[tokio::test]
async fn the_server_hides_stalls_forgets_and_fails_on_demand() {
    let (chain, rpc) = start(manual()).await;
    chain.control().mine(5).unwrap();
    let head = || rpc.call("eth_blockNumber", json!([]));
    let block = |n: u64| rpc.call("eth_getBlockByNumber", json!([format!("{n:#x}"), false]));
    chain.control().freeze_served_head();
    chain.control().mine(2).unwrap();
    assert_eq!(head().await, "0x5");
    assert_eq!(block(6).await, Value::Null);
    assert_eq!(rpc.call("eth_getBlockByNumber", json!(["latest", false])).await["number"], "0x5");
    chain.control().lie(|faults| (faults.head_limit, faults.withheld_block) = (None, Some(4)));
    assert_eq!((block(4).await, head().await), (Value::Null, json!("0x7")));
    assert_eq!(block(5).await["number"], "0x5");

    chain.control().tell_the_truth();
    let raw = sign(free(0, Some(Address::ZERO), Bytes::new()), &signer(0));
    chain.control().lie(|faults| faults.swallow_transactions = true);
    let hash = rpc.send(&raw).await;
    assert_eq!(chain.control().pool_transactions(), 0);
    chain.control().tell_the_truth();
    rpc.send(&raw).await;
    chain.control().mine_one().unwrap();
    chain.control().lie(|faults| faults.drop_receipts = true);
    assert_eq!(rpc.receipt(hash).await, Value::Null);
    chain.control().tell_the_truth();
    assert_eq!(rpc.receipt(hash).await["status"], "0x1");

    for (outage, status) in [(Outage::Unavailable, 503), (Outage::TooManyRequests, 429), (Outage::Nonsense, 200)] {
        chain.control().lie(|faults| faults.outage = Some(outage));
        let (code, body) = rpc.post("{}").await;
        assert_eq!(code, status);
        serde_json::from_str::<Value>(&body).unwrap_err();
    }
    chain.control().outage_for(Outage::Unavailable, std::time::Duration::from_millis(5)).await;
    chain.control().lie(|faults| faults.delay = Some(std::time::Duration::from_millis(5)));
    assert_eq!(head().await, "0x8");
}
