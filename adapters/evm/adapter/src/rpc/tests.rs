//! Answers as hostile as they come, what errors mean, and whom to ask first.

use super::failure::{Failure, FailureKind};
use super::wire::{Reply, body, replies};
use super::*;
use serde_json::json;

fn calls(count: usize) -> Vec<Call> {
    (0..count).map(|_| Call::new("eth_blockNumber", json!([]))).collect()
}

fn read(count: usize, text: &str) -> Result<Reply, AdapterError> {
    replies("node:1", count, 10, text.as_bytes())
}

#[test]
fn answers_come_in_any_order_and_each_finds_its_call() {
    let text = r#"[{"jsonrpc":"2.0","id":11,"result":"b"},{"jsonrpc":"2.0","id":10,"error":{"code":-32000,"message":"no"}}]"#;
    let Reply::Answers(answers) = read(2, text).unwrap() else { panic!("refused") };
    assert_eq!(answers[0].as_ref().unwrap_err().message, "no");
    assert_eq!(answers[1].as_ref().unwrap().get(), "\"b\"");
}

#[test]
fn hostile_batches_are_typed_errors() {
    for text in [
        "",
        "<html>bad gateway</html>",
        "null",
        "{}",
        "[]",
        "[1,2]",
        "[null,null]",
        r#"[{"jsonrpc":"2.0","id":10,"result":1}]"#,
        r#"[{"jsonrpc":"2.0","id":10,"result":1},{"jsonrpc":"2.0","id":10,"result":1}]"#,
        r#"[{"jsonrpc":"2.0","id":10,"result":1},{"jsonrpc":"2.0","id":12,"result":1}]"#,
        r#"[{"jsonrpc":"2.0","id":10,"result":1},{"jsonrpc":"2.0","id":9,"result":1}]"#,
        r#"[{"jsonrpc":"2.0","id":10,"result":1},{"jsonrpc":"2.0","id":"11","result":1}]"#,
        r#"[{"jsonrpc":"2.0","id":10,"result":1},{"jsonrpc":"2.0","id":null,"result":1}]"#,
        r#"[{"jsonrpc":"2.0","id":10,"result":1},{"jsonrpc":"2.0","id":11}]"#,
        r#"[{"jsonrpc":"2.0","id":10,"result":1},{"jsonrpc":"2.0","id":11,"result":1},{"jsonrpc":"2.0","id":12,"result":1}]"#,
        r#"{"jsonrpc":"2.0","id":10,"result":1}"#,
        "[{\"jsonrpc\":\"2.0\"",
        &"[".repeat(100_000),
    ] {
        let reply = read(2, text);
        assert!(matches!(reply, Err(AdapterError::Protocol { .. })), "{text:.80}: {reply:?}");
    }
    assert!(replies("node:1", 1, 1, &[0xff, 0xfe]).is_err());
}

#[test]
fn a_single_error_for_a_batch_means_a_smaller_batch() {
    for message in ["batch size too large", "batch limit 20 exceeded", "batch requests are not supported"] {
        let text = json!({"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":message}}).to_string();
        assert!(matches!(read(2, &text), Ok(Reply::BatchRefused)), "{message}");
    }
    let text = json!({"jsonrpc":"2.0","id":null,"error":{"code":429,"message":"too many requests"}}).to_string();
    assert!(matches!(read(2, &text), Err(AdapterError::RateLimited { .. })));
}

#[test]
fn one_call_is_no_batch() {
    assert!(body(&calls(1), 1).unwrap().starts_with(b"{"));
    assert!(body(&calls(2), 1).unwrap().starts_with(b"["));
}

#[test]
fn error_texts_of_the_clients_in_use_are_understood() {
    for (code, message, kind) in [
        (-32005, "query returned more than 10000 results", FailureKind::RangeTooWide),
        (-32602, "Log response size exceeded. You can make eth_getLogs requests with up to a 2K block range", FailureKind::RangeTooWide),
        (-32000, "Requested range exceeds maximum RPC range limit", FailureKind::RangeTooWide),
        (-32600, "eth_getLogs is limited to a 10,000 blocks range", FailureKind::RangeTooWide),
        (-32005, "daily request count exceeded, request rate limited", FailureKind::RateLimited),
        (429, "slow down", FailureKind::RateLimited),
        (-32000, "missing trie node 1234 (path ) state 0x is not available", FailureKind::Pruned),
        (-32000, "World state unavailable for block", FailureKind::Pruned),
        (-32000, "header not found", FailureKind::UnknownBlock),
        (-32000, "execution reverted", FailureKind::Reverted),
        (3, "execution reverted: x", FailureKind::Reverted),
        (-32601, "the method eth_getProof does not exist", FailureKind::NoMethod),
        (-32000, "insufficient funds for gas * price + value", FailureKind::InsufficientFunds),
        (-32004, "Upfront cost exceeds account balance", FailureKind::InsufficientFunds),
        (-32000, "something new", FailureKind::Other),
    ] {
        assert_eq!(Failure::new(code, message, None).kind(), kind, "{message}");
    }
}

#[test]
fn revert_bytes_are_found_wherever_clients_put_them() {
    for data in ["\"0x1234\"", "\"Reverted 0x1234\"", "{\"data\":\"0x1234\",\"x\":1}"] {
        assert_eq!(Failure::new(3, "execution reverted", Some(data)).revert, Some(vec![0x12, 0x34]), "{data}");
    }
    for data in ["1", "null", "\"0xzz\"", "not json", "\"\""] {
        assert_eq!(Failure::new(3, "execution reverted", Some(data)).revert, None, "{data}");
    }
}

#[test]
fn texts_from_outside_are_cut() {
    let failure = Failure::new(1, &"x".repeat(100_000), None);
    assert_eq!(failure.message.len(), 200);
    assert_eq!(short("a\nb\u{1b}[31m"), "a b [31m");
}

/// Three endpoints, of which nothing is asked.
fn three() -> Rpc {
    let mut config = Config::new(1, "http://127.0.0.1:1");
    config.rpc.extend((2..=3).flat_map(|port| Config::new(1, format!("http://127.0.0.1:{port}")).rpc));
    Rpc::new(&config).unwrap()
}

/// The ports of the endpoints, first asked first.
fn ports(rpc: &Rpc) -> Vec<&str> {
    rpc.order().into_iter().map(|index| rpc.shared.endpoints[index].name().rsplit(':').next().unwrap()).collect()
}

fn heads(rpc: &Rpc, heights: [u64; 3]) -> u64 {
    let names: Vec<String> = rpc.shared.endpoints.iter().map(|endpoint| endpoint.name().to_string()).collect();
    let told: Vec<(&str, u64)> = names.iter().map(String::as_str).zip(heights).collect();
    rpc.note_heads(&told)
}

#[tokio::test(start_paused = true)]
async fn distrusted_endpoints_are_asked_last_for_longer_each_time() {
    let rpc = three();
    assert_eq!(ports(&rpc), ["1", "2", "3"]);
    rpc.distrust_first();
    assert_eq!((ports(&rpc), rpc.first_name()), (vec!["2", "3", "1"], "127.0.0.1:2".to_string()));
    // Answering does not make up for an answer that was wrong.
    rpc.shared.endpoints[0].note(None);
    assert_eq!(ports(&rpc), ["2", "3", "1"]);
    // Silence counts less than a lie, and an endpoint that lied twice comes after one that lied once.
    rpc.shared.endpoints[1].note(Some(&missing("127.0.0.1:2")));
    assert_eq!(ports(&rpc), ["3", "2", "1"]);
    rpc.shared.endpoints[1].note(None);
    tokio::time::advance(std::time::Duration::from_secs(29)).await;
    assert_eq!(ports(&rpc), ["2", "3", "1"]);
    tokio::time::advance(std::time::Duration::from_secs(2)).await;
    assert_eq!(ports(&rpc), ["1", "2", "3"], "half a minute later it is good again");
    rpc.distrust_first();
    rpc.distrust_first();
    assert_eq!(ports(&rpc), ["3", "2", "1"]);
    tokio::time::advance(std::time::Duration::from_secs(31)).await;
    assert_eq!(ports(&rpc), ["2", "3", "1"], "the second time lasts a minute");
    tokio::time::advance(std::time::Duration::from_secs(31)).await;
    assert_eq!(ports(&rpc), ["1", "2", "3"]);
}

#[tokio::test(start_paused = true)]
async fn lagging_endpoints_are_asked_last_until_they_catch_up() {
    let rpc = three();
    heads(&rpc, [95, 100, 100]);
    assert_eq!(ports(&rpc), ["1", "2", "3"], "five blocks are nothing");
    heads(&rpc, [93, 100, 99]);
    assert_eq!(ports(&rpc), ["2", "3", "1"]);
    // One that lied comes even after one that is behind, and one that is silent too.
    rpc.distrust_first();
    assert_eq!(ports(&rpc), ["3", "1", "2"]);
    rpc.shared.endpoints[2].note(Some(&missing("127.0.0.1:3")));
    assert_eq!(ports(&rpc), ["1", "3", "2"]);
    rpc.shared.endpoints[2].note(None);
    // Time alone does not bring it back, catching up does.
    tokio::time::advance(std::time::Duration::from_secs(3_600)).await;
    assert_eq!(ports(&rpc), ["2", "3", "1"]);
    heads(&rpc, [200, 100, 200]);
    assert_eq!(ports(&rpc), ["1", "3", "2"]);
    heads(&rpc, [200, 200, 200]);
    assert_eq!(ports(&rpc), ["1", "2", "3"]);
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_above_what_others_support_is_asked_last() {
    let rpc = three();
    assert_eq!(heads(&rpc, [1_000_000, 100, 99]), 100);
    assert_eq!(ports(&rpc), ["2", "3", "1"]);
    assert_eq!(heads(&rpc, [104, 105, 99]), 104, "one that is ahead by a block or two is not stray");
    assert_eq!(ports(&rpc), ["1", "2", "3"]);
    // Of two that remain neither outvotes the other, until one of them is caught.
    rpc.distrust_first();
    assert_eq!(heads(&rpc, [100, 1_000_000, 101]), 1_000_000);
    assert_eq!(ports(&rpc), ["2", "3", "1"]);
    rpc.distrust_first();
    assert_eq!(heads(&rpc, [100, 1_000_000, 101]), 101);
    assert_eq!(ports(&rpc).first(), Some(&"3"));
}
