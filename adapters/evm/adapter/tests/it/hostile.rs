//! A node that answers wrongly in every way: typed errors, no panic, nothing read without bound; and failover to one that does not.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use crate::common::{KEY, deployed, devnet, keys};
use axum::Router;
use axum::body::Body;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use causeway_adapter::{AdapterError, ChainAdapter, EventFilter, WatchRequest};
use causeway_evm_adapter::{Config, EvmAdapter, Keys, RpcConfig, SecretRef};
use causeway_types::{Claim, ClientId, Height, Packet, Payload, Sequence};
use serde_json::{Value, json};
use std::sync::Arc;

type Script = Arc<dyn Fn(&Value) -> Response + Send + Sync>;

/// Serves a script: every call of a request is answered by it alone, unless the script answers whole bodies.
async fn serve(script: Script) -> String {
    let handler = move |body: axum::body::Bytes| {
        let script = script.clone();
        async move { script(&serde_json::from_slice(&body).unwrap()) }
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, Router::new().fallback(axum::routing::post(handler))).await });
    format!("http://{address}")
}

/// The chain id truly, everything else by `result`.
fn results(result: impl Fn(&str) -> Value + Send + Sync + 'static) -> Script {
    Arc::new(move |request| {
        let one = |call: &Value| {
            let method = call["method"].as_str().unwrap();
            let result = if method == "eth_chainId" { json!("0x539") } else { result(method) };
            json!({ "jsonrpc": "2.0", "id": call["id"], "result": result })
        };
        let answer = match request.as_array() {
            Some(calls) => Value::Array(calls.iter().map(one).collect()),
            None => one(request),
        };
        answer.to_string().into_response()
    })
}

fn config(url: &str) -> Config {
    let mut config = Config::new(1337, url);
    config.router = Some("0x00000000000000000000000000000000000000aa".parse().unwrap());
    config.request_timeout_ms = 2_000;
    config.response_bytes_max = 65_536;
    config
}

fn packet() -> Packet {
    let payload = Payload { source_port: "a".into(), dest_port: "b".into(), version: "v".into(), encoding: "e".into(), value: vec![1] };
    Packet::V2(causeway_types::v2::Packet {
        sequence: Sequence::new(1).unwrap(),
        source_client: ClientId::new("qbft-0").unwrap(),
        dest_client: ClientId::new("qbft-1").unwrap(),
        timeout_timestamp_s: 5,
        payloads: vec![payload],
    })
}

/// Every reading operation, none of which may succeed or panic.
async fn all_fail(adapter: &EvmAdapter, what: &str) {
    let client = ClientId::new("qbft-0").unwrap();
    let one = Sequence::new(1).unwrap();
    let claim = Claim::Commitment { packet: packet(), locator: None };
    let filter = EventFilter { ends: vec![client.clone().into()], clients: vec![client.clone()], connections: Vec::new() };
    let watch = WatchRequest { after: Height::new(1), filter, blocks_max: 10, events_max: 10, wait_ms: 0 };
    assert!(adapter.status().await.is_err(), "{what}: status");
    assert!(adapter.watch(watch).await.is_err(), "{what}: watch");
    assert!(adapter.commitments(&client.clone().into(), one, 10).await.is_err(), "{what}: commitments");
    assert!(adapter.packet_states(&client.clone().into(), &[one]).await.is_err(), "{what}: packet states");
    assert!(adapter.client(&client).await.is_err(), "{what}: client");
    assert!(adapter.consensus(&client, Height::new(1)).await.is_err(), "{what}: consensus");
    assert!(adapter.root(Some(Height::new(1))).await.is_err(), "{what}: root");
    assert!(adapter.fetch(std::slice::from_ref(&claim), Height::new(1)).await.is_err(), "{what}: fetch");
    assert!(adapter.account(KEY).await.is_err(), "{what}: account");
}

#[tokio::test]
async fn results_of_the_wrong_type_are_protocol_errors() {
    let head = json!({ "hash": format!("0x{}", "11".repeat(32)), "number": "0x9", "timestamp": "0x9" });
    for wrong in [
        json!(null),
        json!(1),
        json!("x"),
        json!("0x"),
        json!([]),
        json!([1]),
        json!({}),
        json!({ "number": -1 }),
        json!("0xzz"),
        json!(true),
    ] {
        let (shown, head) = (wrong.to_string(), head.clone());
        let always = serve(results({
            let wrong = wrong.clone();
            move |_| wrong.clone()
        }))
        .await;
        all_fail(&EvmAdapter::new(&config(&always), keys(1337)).unwrap(), &shown).await;
        // With a head that is sound, what is asked at it is wrong.
        let after_head = serve(results(move |method| if method == "eth_getBlockByNumber" { head.clone() } else { wrong.clone() })).await;
        let adapter = EvmAdapter::new(&config(&after_head), keys(1337)).unwrap();
        let states = adapter.packet_states(&ClientId::new("qbft-0").unwrap().into(), &[Sequence::new(1).unwrap()]).await;
        assert!(matches!(states, Err(AdapterError::Protocol { .. })), "{shown}: {states:?}");
    }
}

#[tokio::test]
async fn bodies_that_are_no_answer_are_typed_errors() {
    let bodies: Vec<(&str, Script)> = vec![
        ("html", Arc::new(|_| "<html>502</html>".into_response())),
        ("empty", Arc::new(|_| "".into_response())),
        ("no text", Arc::new(|_| vec![0xff, 0xfe, 0x00].into_response())),
        ("status 500", Arc::new(|_| (StatusCode::INTERNAL_SERVER_ERROR, "oops").into_response())),
        ("wrong ids", Arc::new(|_| json!({ "jsonrpc": "2.0", "id": 99_999, "result": "0x1" }).to_string().into_response())),
        ("missing elements", Arc::new(|_| "[]".into_response())),
        ("deep", Arc::new(|_| "[".repeat(50_000).into_response())),
        ("redirect", Arc::new(|_| (StatusCode::FOUND, [("location", "http://127.0.0.1:1/")], "").into_response())),
    ];
    for (what, script) in bodies {
        let url = serve(script).await;
        let adapter = EvmAdapter::new(&config(&url), keys(1337)).unwrap();
        all_fail(&adapter, what).await;
    }
}

#[tokio::test]
async fn an_answer_without_end_is_cut_off() {
    let endless: Script = Arc::new(|_| {
        let chunk = || Ok::<_, std::io::Error>(axum::body::Bytes::from(vec![b' '; 16_384]));
        Body::from_stream(futures::stream::repeat_with(chunk)).into_response()
    });
    let adapter = EvmAdapter::new(&config(&serve(endless).await), Keys::none()).unwrap();
    let error = adapter.root(None).await.unwrap_err();
    assert!(matches!(error, AdapterError::Protocol { rule: "answer-size", .. }), "{error}");
}

#[tokio::test]
async fn limits_and_refused_credentials_are_typed() {
    let limited: Script = Arc::new(|_| (StatusCode::TOO_MANY_REQUESTS, [("retry-after", "7")], "").into_response());
    let adapter = EvmAdapter::new(&config(&serve(limited).await), Keys::none()).unwrap();
    assert!(matches!(adapter.root(None).await, Err(AdapterError::RateLimited { retry_after_ms: 7_000, .. })));
    for status in [StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN] {
        let denied: Script = Arc::new(move |_| (status, "").into_response());
        let error = EvmAdapter::connect(&config(&serve(denied).await), Keys::none()).await.unwrap_err();
        assert!(matches!(&error, AdapterError::Denied { detail, .. } if detail.contains(status.as_str())), "{error}");
    }
    let other: Script = Arc::new(|request| json!({ "jsonrpc": "2.0", "id": request["id"], "result": "0x1" }).to_string().into_response());
    let error = EvmAdapter::connect(&config(&serve(other).await), Keys::none()).await.unwrap_err();
    assert!(matches!(&error, AdapterError::Invalid { what: "chain id", detail } if detail.contains("serves chain 1,")), "{error}");
}

#[tokio::test]
async fn credentials_never_reach_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    std::fs::write(&file, "http://user:hunter2@127.0.0.1:1/v3/s3cr3t-token").unwrap();
    let mut config = config("http://127.0.0.1:1");
    config.rpc = vec![RpcConfig { url: None, url_secret: Some(SecretRef::File(file)), headers: Default::default() }];
    let adapter = EvmAdapter::new(&config, Keys::none()).unwrap();
    let error = adapter.root(None).await.unwrap_err();
    for text in [error.to_string(), format!("{error:?}"), format!("{:?}", adapter.status().await)] {
        assert!(text.contains("127.0.0.1:1") && !text.contains("hunter2") && !text.contains("s3cr3t"), "{text}");
    }
}

/// refuse.md O1: what fails over is judged as before, and endpoints that disagree are told apart.
#[tokio::test(flavor = "multi_thread")]
async fn a_failing_endpoint_is_left_out_and_disagreement_is_told() {
    let (node, mut config, _) = deployed(devnet(1337)).await;
    let html = serve(Arc::new(|_| "<html>".into_response())).await;
    let forged = json!({ "hash": format!("0x{}", "11".repeat(32)), "number": "0x1", "timestamp": "0x9" });
    let forger = serve(results(move |method| if method == "eth_syncing" { json!(false) } else { forged.clone() })).await;
    config.rpc.insert(0, RpcConfig::plain(html));
    let adapter = EvmAdapter::connect(&config, Keys::none()).await.unwrap();
    adapter.root(None).await.unwrap();
    let status = adapter.status().await.unwrap();
    assert!(status.endpoints[0].error.is_some() && status.endpoints[1].head.is_some() && status.divergence.is_none(), "{status:?}");
    config.rpc.push(RpcConfig::plain(forger));
    let status = EvmAdapter::new(&config, Keys::none()).unwrap().status().await.unwrap();
    assert!(status.divergence.as_ref().is_some_and(|text| text.starts_with("block 1 is")), "{status:?}");
    node.stop().await;
}
