//! A node that answers from a script, over real HTTP: for what no test network says on demand.
//!
//! Only in tests. It answers single calls and batches; a script gets the method and its parameters and answers a result or an error.
#![allow(clippy::unwrap_used, reason = "test support")]

use crate::config::Config;
use axum::{Json, Router, extract::State, routing::post};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

type Script = Arc<dyn Fn(&str, &Value) -> Value + Send + Sync>;

/// Chain id of scripted nodes.
pub(crate) const CHAIN_ID: &str = "chaina-1";

/// Serves a script, and answers a configuration with the node as its only endpoint. `status` is answered for it.
pub(crate) async fn serve(script: impl Fn(&str, &Value) -> Value + Send + Sync + 'static) -> Config {
    serve_few(usize::MAX, script).await
}

/// The same of a node that never answers more than so many calls at once.
pub(crate) async fn serve_few(calls_max: usize, script: impl Fn(&str, &Value) -> Value + Send + Sync + 'static) -> Config {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let script: Script = Arc::new(script);
    let app = Router::new().route("/", post(answer)).with_state((script, calls_max));
    drop(tokio::spawn(async move { axum::serve(listener, app).await }));
    Config::new(CHAIN_ID, url)
}

async fn answer(State((script, calls_max)): State<(Script, usize)>, Json(body): Json<Value>) -> Json<Value> {
    if body.as_array().is_some_and(|calls| calls.len() > calls_max) {
        return std::future::pending().await;
    }
    Json(match body {
        Value::Array(calls) => calls.iter().map(|call| one(&script, call)).collect(),
        call => one(&script, &call),
    })
}

fn one(script: &Script, call: &Value) -> Value {
    let method = call["method"].as_str().unwrap();
    let mut answer = match method {
        "status" => result(json!({
            "node_info": { "network": CHAIN_ID },
            "sync_info": { "latest_block_height": "100", "latest_block_time": "2026-11-23T02:54:29Z", "earliest_block_height": "1" },
        })),
        _ => script(method, &call["params"]),
    };
    answer["jsonrpc"] = "2.0".into();
    answer["id"] = call["id"].clone();
    answer
}

/// A node that tells its status once, and refuses every call after that.
pub(crate) async fn serve_once() -> Config {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let told = Arc::new(AtomicBool::new(false));
    let app = Router::new().route("/", post(answer_once)).with_state(told);
    drop(tokio::spawn(async move { axum::serve(listener, app).await }));
    Config::new(CHAIN_ID, url)
}

async fn answer_once(State(told): State<Arc<AtomicBool>>, Json(body): Json<Value>) -> Json<Value> {
    let script: Script = Arc::new(|_, _| error("too many requests"));
    let answer = |call: &Value| match told.swap(true, Ordering::Relaxed) {
        false => one(&script, call),
        true => json!({ "jsonrpc": "2.0", "id": call["id"], "error": { "code": -32603, "message": "too many requests" } }),
    };
    Json(match &body {
        Value::Array(calls) => calls.iter().map(answer).collect(),
        call => answer(call),
    })
}

/// A result.
pub(crate) fn result(result: Value) -> Value {
    json!({ "result": result })
}

/// A refusal in CometBFT's words.
pub(crate) fn error(data: &str) -> Value {
    json!({ "error": { "code": -32603, "message": "Internal error", "data": data } })
}

/// The application's answer to a query: code, log, and the message.
pub(crate) fn query(code: u32, log: &str, value: &[u8]) -> Value {
    let codespace = if code == 0 { "" } else { "sdk" };
    result(json!({ "response": { "code": code, "log": log, "codespace": codespace, "value": STANDARD.encode(value), "height": "100" } }))
}
