//! A loopback proxy in front of a node that passes everything on until it is told to
//! lie: then it changes one byte of what the node says about headers or proofs, or the newest height. It is
//! the hostile endpoint of the tests, and it never lies on its own.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};

use anyhow::{Context, Result};
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::Value;

/// What the proxy does to answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Lie {
    /// Nothing.
    None = 0,
    /// A seal of every header: its hash stays what it was.
    Seal = 1,
    /// A node of every storage proof.
    StorageProof = 2,
    /// A node of every account proof.
    AccountProof = 3,
    /// No answer at all: the connection is there, the node is not.
    Silence = 4,
    /// The chain id.
    ChainId = 5,
    /// CometBFT: a signature of every commit.
    CommitSignature = 6,
    /// CometBFT: a byte of every proof of a store.
    StoreProof = 7,
    /// CometBFT: the root of the application's state in every header.
    AppHash = 8,
    /// The newest block: a million above the true one.
    Head = 9,
}

/// A running proxy. It ends with the runtime that it was started on.
#[derive(Debug)]
pub struct Liar {
    url: String,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    node: String,
    http: reqwest::Client,
    lie: AtomicU8,
    told: AtomicU64,
}

impl Liar {
    /// Starts a truthful proxy in front of `node`.
    ///
    /// # Errors
    /// When there is no port.
    pub async fn start(node: &str) -> Result<Self> {
        drop(rustls::crypto::ring::default_provider().install_default());
        let http = reqwest::Client::builder().no_proxy().build()?;
        let shared = Arc::new(Shared { node: node.to_owned(), http, lie: AtomicU8::new(Lie::None as u8), told: AtomicU64::new(0) });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        let pages = Router::new().fallback(answer).with_state(shared.clone());
        tokio::spawn(async move { axum::serve(listener, pages).await });
        Ok(Self { url, shared })
    }

    /// Where it listens.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// What it does from now on.
    pub fn tell(&self, lie: Lie) {
        self.shared.lie.store(lie as u8, Ordering::SeqCst);
    }

    /// How many answers it has changed.
    #[must_use]
    pub fn lies_told(&self) -> u64 {
        self.shared.told.load(Ordering::SeqCst)
    }
}

async fn answer(State(shared): State<Arc<Shared>>, request: Bytes) -> Response {
    match shared.pass_on(request).await {
        Ok(body) => ([(header::CONTENT_TYPE, "application/json")], body).into_response(),
        Err(error) => (StatusCode::BAD_GATEWAY, format!("{error:#}")).into_response(),
    }
}

impl Shared {
    async fn pass_on(&self, request: Bytes) -> Result<Vec<u8>> {
        let lie = self.lie.load(Ordering::SeqCst);
        if lie == Lie::Silence as u8 {
            self.told.fetch_add(1, Ordering::SeqCst);
            anyhow::bail!("the node is not there");
        }
        let asked: Value = serde_json::from_slice(&request)?;
        let answer = self.http.post(&self.node).header(header::CONTENT_TYPE, "application/json").body(request).send().await?;
        let mut answer: Value = serde_json::from_slice(&answer.bytes().await?)?;
        match (&asked, &mut answer) {
            (Value::Array(calls), Value::Array(answers)) => {
                for answer in answers {
                    let call = calls.iter().find(|call| call["id"] == answer["id"]);
                    self.twist(lie, call.context("an answer to no call")?, answer);
                }
            }
            (call, answer) => self.twist(lie, call, answer),
        }
        Ok(serde_json::to_vec(&answer)?)
    }

    fn twist(&self, lie: u8, call: &Value, answer: &mut Value) {
        let result = &mut answer["result"];
        let method = call["method"].as_str().unwrap_or_default();
        let is = |wanted: Lie| lie == wanted as u8;
        let changed = match method {
            "eth_getBlockByNumber" | "eth_getBlockByHash" if is(Lie::Seal) => flip_last(result.pointer_mut("/extraData")),
            "eth_getProof" if is(Lie::StorageProof) => flip_last(result.pointer_mut("/storageProof/0/proof/0")),
            "eth_getProof" if is(Lie::AccountProof) => flip_last(result.pointer_mut("/accountProof/1")),
            "eth_getBlockByNumber" if is(Lie::Head) && call["params"][0] == "latest" => raise(result.pointer_mut("/number")),
            "status" if is(Lie::Head) => raise(result.pointer_mut("/sync_info/latest_block_height")),
            "eth_chainId" if is(Lie::ChainId) => {
                *result = Value::from("0x7a69");
                true
            }
            "commit" if is(Lie::CommitSignature) => flip_base64(result.pointer_mut("/signed_header/commit/signatures/0/signature")),
            "commit" if is(Lie::AppHash) => flip_last(result.pointer_mut("/signed_header/header/app_hash")),
            "abci_query" if is(Lie::StoreProof) => flip_base64(result.pointer_mut("/response/proofOps/ops/0/data")),
            _ => false,
        };
        if changed {
            self.told.fetch_add(1, Ordering::SeqCst);
        }
    }
}

/// A height a million above: hexadecimal as Ethereum's nodes print it, or decimal as CometBFT's do.
fn raise(height: Option<&mut Value>) -> bool {
    let Some(Value::String(text)) = height else {
        return false;
    };
    let raised = match text.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16).map(|number| format!("{:#x}", number + 1_000_000)),
        None => text.parse::<u64>().map(|number| (number + 1_000_000).to_string()),
    };
    raised.map(|raised| *text = raised).is_ok()
}

/// Changes a character in the middle of base64 text.
fn flip_base64(text: Option<&mut Value>) -> bool {
    let Some(Value::String(text)) = text else {
        return false;
    };
    let place = text.len() / 2;
    let Some(digit) = text.get(place..=place) else {
        return false;
    };
    let other = if digit == "A" { "B" } else { "A" };
    text.replace_range(place..=place, other);
    true
}

/// Flips a bit some bytes before the end of hex text: inside the last seal, or the last child of a node.
fn flip_last(text: Option<&mut Value>) -> bool {
    let Some(Value::String(text)) = text else {
        return false;
    };
    let Some(place) = text.len().checked_sub(21).filter(|place| *place > 2) else {
        return false;
    };
    let digit = text[place..=place].to_owned();
    let other = if digit == "0" { "1" } else { "0" };
    text.replace_range(place..=place, other);
    true
}
