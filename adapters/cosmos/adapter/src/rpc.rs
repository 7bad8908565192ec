//! JSON-RPC to several endpoints: batches, failover, bounded answers, typed errors.
//!
//! The same rules as every family's transport: an answer is bounded while it is read, credentials never reach an error, an endpoint whose
//! answers did not verify or that lags is asked last. Not here: what the answers mean. Called by every module that asks the chain.
//!
//! - [`Rpc::batch`]: many calls in as few HTTP requests as the provider takes, answered in order;
//! - [`Rpc::together`]: a few calls, in the company of what others ask at the same moment;
//! - [`Rpc::glimpse`]: a few calls about what may not be there yet;
//! - [`Rpc::call`], [`Rpc::get`]: one call;
//! - [`failure`]: what a node's error means.

mod company;
mod endpoint;
pub(crate) mod failure;
#[cfg(test)]
mod tests;
mod wire;

use crate::config::Config;
use causeway_adapter::AdapterError;
use causeway_adapter::heads::supported;
use endpoint::Endpoint;
pub(crate) use failure::{Failure, FailureKind};
use futures::stream::{StreamExt, TryStreamExt};
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_json::value::RawValue;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// HTTP requests in flight for one batch.
const REQUESTS_IN_FLIGHT: usize = 4;
/// Times an endpoint is asked again with smaller batches before its refusal counts as an answer.
const SHRINKS_MAX: u32 = 10;

/// Blocks that an endpoint may be behind or above the supported head before it is asked last.
const APART_BLOCKS_MAX: u64 = 5;

/// Rules that an answer to many calls breaks when it is too large, or takes too long, as one.
const ANSWER_SIZE: &str = "answer-size";
const ANSWER_TIME: &str = "answer-time";

/// Whether fewer calls at once may be answered, and what was broken, for errors about one that was not.
pub(crate) fn too_much(error: &AdapterError) -> Option<String> {
    match error {
        AdapterError::Protocol { rule, expected, .. } if [ANSWER_SIZE, ANSWER_TIME].contains(rule) => {
            Some(format!("{rule}: expected {expected}"))
        }
        _ => None,
    }
}

/// One call.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) method: &'static str,
    pub(crate) params: Value,
}

impl Call {
    pub(crate) fn new(method: &'static str, params: Value) -> Self {
        Self { method, params }
    }
}

/// What a node answered to one call.
pub(crate) type Answer = Result<Box<RawValue>, Failure>;

/// The endpoints of one chain.
#[derive(Debug, Clone)]
pub(crate) struct Rpc {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    endpoints: Vec<Endpoint>,
    next_id: AtomicU64,
    batch_calls: AtomicUsize,
    company: company::Company,
}

impl Rpc {
    /// Reads the credentials and prepares the endpoints; opens no connection.
    pub(crate) fn new(config: &Config) -> Result<Self, AdapterError> {
        let invalid = |error: crate::ConfigError| AdapterError::Invalid { what: "configuration", detail: error.to_string() };
        let endpoints = config.rpc.iter().enumerate().map(|(index, rpc)| Endpoint::new(config, index, rpc));
        let endpoints = endpoints.collect::<Result<Vec<_>, _>>().map_err(invalid)?;
        let (next_id, batch_calls) = (AtomicU64::new(1), AtomicUsize::new(config.batch_calls_max.max(1)));
        Ok(Self { shared: Arc::new(Shared { endpoints, next_id, batch_calls, company: company::Company::default() }) })
    }

    /// The endpoint that would be asked first, for errors about answers.
    pub(crate) fn first_name(&self) -> String {
        self.order()
            .first()
            .and_then(|index| self.shared.endpoints.get(*index))
            .map(|endpoint| endpoint.name().to_string())
            .unwrap_or_default()
    }

    /// Answers in the order of the calls. All calls of one HTTP request are answered by one endpoint.
    ///
    /// # Errors
    /// The last endpoint's, when none answered. A node's refusal of a single call is not an error here but its answer.
    pub(crate) async fn batch(&self, calls: Vec<Call>) -> Result<Vec<Answer>, AdapterError> {
        let size = self.size();
        if calls.len() <= size {
            return self.request(calls).await;
        }
        let chunks: Vec<Vec<Call>> = calls.chunks(size).map(<[Call]>::to_vec).collect();
        let answers: Vec<Vec<Answer>> =
            futures::stream::iter(chunks).map(|chunk| self.request(chunk)).buffered(REQUESTS_IN_FLIGHT).try_collect().await?;
        Ok(answers.into_iter().flatten().collect())
    }

    /// Whether there is one endpoint only.
    pub(crate) fn is_single(&self) -> bool {
        self.shared.endpoints.len() == 1
    }

    /// Calls of one request.
    pub(crate) fn size(&self) -> usize {
        self.shared.batch_calls.load(Ordering::Relaxed).max(1)
    }

    /// One call, its result parsed.
    pub(crate) async fn get<T: DeserializeOwned>(&self, method: &'static str, params: Value) -> Result<T, AdapterError> {
        match self.call(method, params).await? {
            Ok(raw) => parse(&self.first_name(), method, &raw),
            Err(failure) => Err(failure.into_error(&self.first_name())),
        }
    }

    /// One call.
    pub(crate) async fn call(&self, method: &'static str, params: Value) -> Result<Answer, AdapterError> {
        let mut answers = self.request(vec![Call::new(method, params)]).await?;
        answers.pop().ok_or_else(|| missing(&self.first_name()))
    }

    /// The same calls to every endpoint at once, for comparison.
    pub(crate) async fn everywhere(&self, calls: &[Call]) -> Vec<(String, Result<Vec<Answer>, AdapterError>)> {
        let asked = self.shared.endpoints.iter().map(|endpoint| async move {
            let answer = self.ask(endpoint, calls).await;
            endpoint.note(answer.as_ref().err());
            (endpoint.name().to_string(), answer)
        });
        futures::future::join_all(asked).await
    }

    /// Puts the endpoint that is asked first behind the others for a while: what it said did not verify.
    pub(crate) fn distrust_first(&self) {
        if let Some(endpoint) = self.order().first().and_then(|index| self.shared.endpoints.get(*index)) {
            tracing::warn!(endpoint = endpoint.name(), "an answer did not verify; other endpoints are asked first");
            endpoint.distrust();
        }
    }

    /// Remembers who is behind what the endpoints support together, and who is above it: one that catches up after a restart answers truly,
    /// and too late; one whose blocks nobody else has answers what nobody can check. Answers the supported height. Height 0: it has no block, or gave
    /// none.
    pub(crate) fn note_heads(&self, heads: &[(&str, u64)]) -> u64 {
        let known = |name: &str| self.shared.endpoints.iter().find(|endpoint| endpoint.name() == name);
        let stands = |name: &str| known(name).is_some_and(|endpoint| !endpoint.is_distrusted());
        let standing: Vec<u64> = heads.iter().filter(|(name, height)| *height > 0 && stands(name)).map(|(_, height)| *height).collect();
        let all: Vec<u64> = heads.iter().map(|(_, height)| *height).collect();
        let supported = supported(&standing).or_else(|| supported(&all)).unwrap_or_default();
        for (name, height) in heads {
            let strays = *height == 0 || supported.abs_diff(*height) > APART_BLOCKS_MAX;
            self.shared.endpoints.iter().filter(|endpoint| endpoint.name() == *name).for_each(|endpoint| endpoint.note_stray(strays));
        }
        supported
    }

    /// Endpoints, the healthiest first; ties in the order of the configuration.
    fn order(&self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.shared.endpoints.len()).collect();
        order.sort_by_key(|index| self.shared.endpoints.get(*index).map(Endpoint::score));
        order
    }

    /// One HTTP request, at each endpoint in turn until one answers, and has what was asked for.
    async fn request(&self, calls: Vec<Call>) -> Result<Vec<Answer>, AdapterError> {
        let lacks = |answer: &Answer| matches!(answer, Err(failure) if failure.kind().is_endpoints_own());
        self.request_until(calls, |answers| !answers.iter().any(lacks)).await
    }

    /// One HTTP request, at each endpoint in turn until one answers: what it does not have the others are not asked for. For what may not be there yet.
    pub(crate) async fn glimpse(&self, calls: Vec<Call>) -> Result<Vec<Answer>, AdapterError> {
        self.request_until(calls, |_| true).await
    }

    async fn request_until(&self, calls: Vec<Call>, suffices: impl Fn(&[Answer]) -> bool) -> Result<Vec<Answer>, AdapterError> {
        let mut last = None;
        for index in self.order() {
            let Some(endpoint) = self.shared.endpoints.get(index) else { continue };
            match self.ask(endpoint, &calls).await {
                Ok(answers) => {
                    endpoint.note(None);
                    if suffices(&answers) || self.shared.endpoints.len() == 1 {
                        return Ok(answers);
                    }
                    last = Some(Ok(answers));
                }
                Err(error) => {
                    tracing::debug!(endpoint = endpoint.name(), %error, "endpoint left out");
                    endpoint.note(Some(&error));
                    // An answer that came, even a refusal, tells more than silence.
                    if !matches!(last, Some(Ok(_))) {
                        last = Some(Err(error));
                    }
                }
            }
        }
        last.unwrap_or_else(|| Err(missing("no endpoint")))
    }

    /// One endpoint, with smaller batches when it refuses the size.
    async fn ask(&self, endpoint: &Endpoint, calls: &[Call]) -> Result<Vec<Answer>, AdapterError> {
        endpoint.check_chain(&self.shared.next_id).await?;
        let mut size = calls.len().max(1);
        for _ in 0..SHRINKS_MAX {
            match self.ask_in_chunks(endpoint, calls, size).await? {
                Some(answers) => return Ok(answers),
                None => {
                    size = size.div_ceil(2);
                    self.shared.batch_calls.fetch_min(size, Ordering::Relaxed);
                    tracing::info!(endpoint = endpoint.name(), calls = size, "provider refused the batch; batches are smaller from now on");
                }
            }
        }
        Err(AdapterError::RateLimited { endpoint: endpoint.name().to_string(), retry_after_ms: 1_000 })
    }

    async fn ask_in_chunks(&self, endpoint: &Endpoint, calls: &[Call], size: usize) -> Result<Option<Vec<Answer>>, AdapterError> {
        let mut answers = Vec::with_capacity(calls.len());
        for chunk in calls.chunks(size) {
            match endpoint.post(chunk, &self.shared.next_id).await? {
                wire::Reply::Answers(chunk) => answers.extend(chunk),
                wire::Reply::BatchRefused if size > 1 => return Ok(None),
                wire::Reply::BatchRefused => return Err(missing(endpoint.name())),
            }
        }
        Ok(Some(answers))
    }
}

/// A result that is of use if it came and parses; who needs it asks again otherwise.
pub(crate) fn told<T: DeserializeOwned>(answer: Option<Answer>) -> Option<T> {
    serde_json::from_str(answer?.ok()?.get()).ok()
}

/// Parses a result; what does not fit is the endpoint's fault.
pub(crate) fn parse<T: DeserializeOwned>(endpoint: &str, rule: &'static str, raw: &RawValue) -> Result<T, AdapterError> {
    serde_json::from_str(raw.get()).map_err(|error| AdapterError::Protocol {
        endpoint: endpoint.to_string(),
        rule,
        expected: short(&error.to_string()),
        found: short(raw.get()),
    })
}

/// A text from outside, cut for an error.
pub(crate) fn short(text: &str) -> String {
    text.chars().take(200).map(|c| if c.is_control() { ' ' } else { c }).collect()
}

fn missing(endpoint: &str) -> AdapterError {
    AdapterError::Protocol {
        endpoint: endpoint.to_string(),
        rule: "json-rpc",
        expected: "an answer".to_string(),
        found: "none".to_string(),
    }
}
