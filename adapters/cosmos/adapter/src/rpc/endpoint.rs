//! One endpoint: HTTP with a deadline and a bound on the answer, and how well it has answered of late.
//!
//! Its name is host and port; address, headers and bodies never reach an error or a log. Called by [`super`].

use super::{Call, wire};
use crate::config::{Config, ConfigError, RpcConfig, parse_url};
use causeway_adapter::AdapterError;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;
use tokio::time::Instant;

/// Longest time a failing endpoint is put behind the others.
const PENALTY_MAX: Duration = Duration::from_secs(30);

/// Times for which an endpoint whose answer did not verify is put behind the others.
const DISTRUST_MIN: Duration = Duration::from_secs(15);
const DISTRUST_MAX: Duration = Duration::from_secs(3_600);

#[derive(Debug)]
pub(super) struct Endpoint {
    name: String,
    url: reqwest::Url,
    client: reqwest::Client,
    chain_id: String,
    bytes_max: usize,
    timeout_ms: u64,
    /// Whether its chain id was compared.
    checked: AtomicBool,
    health: Mutex<Health>,
    standing: Mutex<Standing>,
}

#[derive(Debug, Default)]
struct Health {
    failures: u32,
    blocked_until: Option<Instant>,
}

/// What its answers were worth, apart from whether they came.
#[derive(Debug, Default)]
struct Standing {
    strays: bool,
    refusals: u32,
    distrusted_until: Option<Instant>,
}

impl Endpoint {
    pub(super) fn new(config: &Config, index: usize, rpc: &RpcConfig) -> Result<Self, ConfigError> {
        let key = |name: &str| format!("rpc[{index}].{name}");
        let secret =
            |name: String, source: &causeway_keystore::SecretRef| source.read().map_err(|detail| ConfigError::Secret { key: name, detail });
        let url = match (&rpc.url, &rpc.url_secret) {
            (Some(url), _) => parse_url(&key("url"), url)?,
            (None, Some(source)) => parse_url(&key("url_secret"), secret(key("url_secret"), source)?.expose())?,
            (None, None) => parse_url(&key("url"), "")?,
        };
        let mut headers = HeaderMap::new();
        for (name, source) in &rpc.headers {
            let value = secret(key("headers"), source)?;
            let form = |_| ConfigError::Form { key: key("headers"), found: name.clone(), allowed: "a header name and a printable value" };
            let header = HeaderName::from_bytes(name.as_bytes()).map_err(|_| ()).map_err(form)?;
            let mut value = HeaderValue::from_str(value.expose()).map_err(|_| ()).map_err(form)?;
            value.set_sensitive(true);
            headers.insert(header, value);
        }
        // Fails only when the process has chosen a provider already, which is as good.
        drop(rustls::crypto::ring::default_provider().install_default());
        let client = reqwest::Client::builder()
            .default_headers(headers)
            .timeout(Duration::from_millis(config.request_timeout_ms))
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|error| ConfigError::Secret { key: key("url"), detail: error.without_url().to_string() })?;
        Ok(Self {
            name: format!("{}:{}", url.host_str().unwrap_or_default(), url.port_or_known_default().unwrap_or_default()),
            url,
            client,
            chain_id: config.chain_id.clone(),
            bytes_max: config.response_bytes_max,
            timeout_ms: config.request_timeout_ms,
            checked: AtomicBool::new(false),
            health: Mutex::new(Health::default()),
            standing: Mutex::new(Standing::default()),
        })
    }

    /// Host and port.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Lower is healthier: refused answers count before silence, silence before a head that nobody shares.
    pub(super) fn score(&self) -> (u32, bool, bool, u32) {
        let now = Instant::now();
        let health = self.health.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let blocked = health.blocked_until.is_some_and(|until| until > now);
        let failures = if blocked { health.failures } else { 0 };
        drop(health);
        let standing = self.standing.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let refusals = if standing.distrusted_until.is_some_and(|until| until > now) { standing.refusals } else { 0 };
        (refusals, blocked, standing.strays, failures)
    }

    /// What it said did not verify: it is asked after the others, each time for longer. Answering does not make up for it.
    pub(super) fn distrust(&self) {
        let mut standing = self.standing.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        standing.refusals = standing.refusals.saturating_add(1);
        let penalty = DISTRUST_MIN.saturating_mul(1 << standing.refusals.min(10)).min(DISTRUST_MAX);
        standing.distrusted_until = Some(Instant::now() + penalty);
    }

    /// Whether what it said last did not verify, not long ago.
    pub(super) fn is_distrusted(&self) -> bool {
        self.score().0 > 0
    }

    /// Whether it is behind the supported head, or above it.
    pub(super) fn note_stray(&self, strays: bool) {
        self.standing.lock().unwrap_or_else(std::sync::PoisonError::into_inner).strays = strays;
    }

    /// Remembers how a request ended; each failure in a row doubles the time behind the others.
    pub(super) fn note(&self, error: Option<&AdapterError>) {
        let mut health = self.health.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if error.is_some() {
            health.failures = health.failures.saturating_add(1);
            let penalty = Duration::from_millis(250).saturating_mul(1 << health.failures.min(10)).min(PENALTY_MAX);
            health.blocked_until = Some(Instant::now() + penalty);
        } else {
            *health = Health::default();
        }
    }

    /// Compares the chain id before the endpoint is used for the first time.
    pub(super) async fn check_chain(&self, ids: &AtomicU64) -> Result<(), AdapterError> {
        if self.checked.load(Ordering::Relaxed) {
            return Ok(());
        }
        let call = [Call::new("status", serde_json::json!({}))];
        let wire::Reply::Answers(answers) = self.post(&call, ids).await? else { return Err(super::missing(&self.name)) };
        let raw = answers.into_iter().next().ok_or_else(|| super::missing(&self.name))?;
        let raw = raw.map_err(|failure| failure.into_error(&self.name))?;
        let found: crate::answers::Status = super::parse(&self.name, "status", &raw)?;
        let found = found.node_info.network;
        if found != self.chain_id {
            return Err(AdapterError::Invalid {
                what: "chain id",
                detail: format!(
                    "{} serves chain {}, configured is {}; correct chain_id or the address",
                    self.name,
                    super::short(&found),
                    self.chain_id
                ),
            });
        }
        self.checked.store(true, Ordering::Relaxed);
        Ok(())
    }

    /// One HTTP request.
    pub(super) async fn post(&self, calls: &[Call], ids: &AtomicU64) -> Result<wire::Reply, AdapterError> {
        let first_id = ids.fetch_add(calls.len() as u64, Ordering::Relaxed);
        let method = if calls.iter().all(|call| Some(call.method) == calls.first().map(|first| first.method)) {
            calls.first().map_or("none", |call| call.method)
        } else {
            "mixed"
        };
        let started = Instant::now();
        let reply = self.exchange(calls, first_id).await;
        let asked = || calls.iter().map(|call| call.params["path"].as_str().unwrap_or(call.method)).collect::<Vec<_>>();
        tracing::trace!(endpoint = %self.name, ms = started.elapsed().as_millis(), asked = ?asked(), "asked");
        let result = reply.as_ref().err().map_or("ok", AdapterError::label);
        metrics::counter!("cosmos_rpc_requests_total", "method" => method, "result" => result).increment(1);
        metrics::histogram!("cosmos_rpc_request_duration_seconds", "method" => method).record(started.elapsed().as_secs_f64());
        for call in calls {
            metrics::counter!("cosmos_rpc_calls_total", "method" => call.method).increment(1);
        }
        if let Ok(wire::Reply::Answers(answers)) = &reply {
            for (call, answer) in calls.iter().zip(answers) {
                // That a block is not there yet is no error of anybody's.
                if answer.as_ref().is_err_and(|failure| !failure.kind().is_of_a_block_to_come()) {
                    metrics::counter!("cosmos_rpc_call_errors_total", "method" => call.method).increment(1);
                }
            }
        }
        reply
    }

    async fn exchange(&self, calls: &[Call], first_id: u64) -> Result<wire::Reply, AdapterError> {
        let invalid = |error: serde_json::Error| AdapterError::Invalid { what: "request", detail: error.to_string() };
        let body = wire::body(calls, first_id).map_err(invalid)?;
        let request = self.client.post(self.url.clone()).header("content-type", "application/json").body(body);
        // Of several calls that were answered in no time, fewer may be; one that was not answered at all tells of the node.
        let first = |error: reqwest::Error| if error.is_timeout() && calls.len() > 1 { self.too_slow() } else { self.unreachable(error) };
        let mut response = request.send().await.map_err(first)?;
        let status = response.status();
        if status.as_u16() == 429 {
            let seconds = response.headers().get("retry-after").and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
            let retry_after_ms = seconds.unwrap_or(1).clamp(1, 600) * 1_000;
            return Err(AdapterError::RateLimited { endpoint: self.name.clone(), retry_after_ms });
        }
        if matches!(status.as_u16(), 401 | 403) {
            return Err(AdapterError::Denied { endpoint: self.name.clone(), detail: format!("HTTP status {status}") });
        }
        let mut body = Vec::new();
        let next = |error: reqwest::Error| if error.is_timeout() { self.too_slow() } else { self.unreachable(error) };
        while let Some(chunk) = response.chunk().await.map_err(next)? {
            if body.len() + chunk.len() > self.bytes_max {
                return Err(AdapterError::Protocol {
                    endpoint: self.name.clone(),
                    rule: super::ANSWER_SIZE,
                    expected: format!("at most {} bytes", self.bytes_max),
                    found: "more".to_string(),
                });
            }
            body.extend_from_slice(&chunk);
        }
        if status.as_u16() == 413 && calls.len() > 1 {
            return Ok(wire::Reply::BatchRefused);
        }
        let replies = wire::replies(&self.name, calls.len(), first_id, &body);
        if !status.is_success() && replies.is_err() {
            return Err(AdapterError::Unreachable { endpoint: self.name.clone(), detail: format!("HTTP status {status}") });
        }
        replies
    }

    fn too_slow(&self) -> AdapterError {
        AdapterError::Protocol {
            endpoint: self.name.clone(),
            rule: super::ANSWER_TIME,
            expected: format!("a whole answer within {} ms", self.timeout_ms),
            found: "a part of it, or none".to_string(),
        }
    }

    fn unreachable(&self, error: reqwest::Error) -> AdapterError {
        // The error without its address; its causes name no address but may name the host.
        let detail = causeway_adapter::innermost(&error.without_url()).to_string();
        AdapterError::Unreachable { endpoint: self.name.clone(), detail: super::short(&detail) }
    }
}
