//! The bytes of JSON-RPC: a request body from calls, and answers from a body that may be anything.
//!
//! Called by [`super::endpoint`].

use super::{Answer, Call, Failure, short};
use causeway_adapter::AdapterError;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

#[derive(Serialize)]
struct Request<'a> {
    jsonrpc: &'static str,
    id: u64,
    method: &'static str,
    params: &'a Value,
}

#[derive(Deserialize)]
struct Response {
    #[serde(default)]
    id: Value,
    #[serde(default)]
    result: Option<Box<RawValue>>,
    #[serde(default)]
    error: Option<ErrorBody>,
}

#[derive(Deserialize)]
struct ErrorBody {
    #[serde(default)]
    code: i64,
    #[serde(default)]
    message: String,
    /// CometBFT puts the reason here.
    #[serde(default)]
    data: Value,
}

/// What came for a request.
#[derive(Debug)]
pub(super) enum Reply {
    /// One answer a call, in order.
    Answers(Vec<Answer>),
    /// The whole batch was refused as too large.
    BatchRefused,
}

/// The body for calls whose ids start at `first_id`. A single call is not wrapped into a batch.
pub(super) fn body<'a>(calls: &'a [Call], first_id: u64) -> Result<Vec<u8>, serde_json::Error> {
    let request = |(call, id): (&'a Call, u64)| Request { jsonrpc: "2.0", id, method: call.method, params: &call.params };
    let mut requests: Vec<_> = calls.iter().zip(first_id..).map(request).collect();
    match (requests.len(), requests.pop()) {
        (1, Some(only)) => serde_json::to_vec(&only),
        (_, Some(last)) => {
            requests.push(last);
            serde_json::to_vec(&requests)
        }
        (_, None) => serde_json::to_vec(&requests),
    }
}

/// Reads the answers. Every id must come exactly once; the order may be any.
pub(super) fn replies(endpoint: &str, calls: usize, first_id: u64, body: &[u8]) -> Result<Reply, AdapterError> {
    let protocol = |rule: &'static str, expected: String, found: String| AdapterError::Protocol {
        endpoint: endpoint.to_string(),
        rule,
        expected,
        found,
    };
    let text = std::str::from_utf8(body).map_err(|_| protocol("json-rpc", "JSON".to_string(), "bytes that are no text".to_string()))?;
    let not_json = |error: serde_json::Error| protocol("json-rpc", format!("an answer of JSON-RPC ({error})"), short(text));
    let responses: Vec<Response> = if text.trim_start().starts_with('[') {
        serde_json::from_str(text).map_err(not_json)?
    } else {
        let single: Response = serde_json::from_str(text).map_err(not_json)?;
        if calls != 1 {
            return single_for_batch(&protocol, single);
        }
        vec![single]
    };
    if responses.len() != calls {
        return Err(protocol("json-rpc-batch", format!("{calls} answers"), format!("{}", responses.len())));
    }
    let mut answers: Vec<Option<Answer>> = Vec::new();
    answers.resize_with(calls, || None);
    for response in responses {
        let found = short(&response.id.to_string());
        let at = response.id.as_u64().and_then(|id| id.checked_sub(first_id)).and_then(|at| usize::try_from(at).ok());
        let place = at.and_then(|at| answers.get_mut(at));
        match place {
            Some(place @ None) => *place = Some(answer(response)),
            Some(_) => return Err(protocol("json-rpc-id", "each id once".to_string(), format!("id {found} twice"))),
            None => return Err(protocol("json-rpc-id", "the id of a request".to_string(), format!("id {found}"))),
        }
    }
    let answers: Option<Vec<Answer>> = answers.into_iter().collect();
    answers.map(Reply::Answers).ok_or_else(|| protocol("json-rpc-batch", "every id".to_string(), "one is missing".to_string()))
}

/// A single answer to a batch: the provider refuses batches, or this size.
fn single_for_batch(protocol: &dyn Fn(&'static str, String, String) -> AdapterError, single: Response) -> Result<Reply, AdapterError> {
    match answer(single) {
        Ok(_) => Err(protocol("json-rpc-batch", "a list of answers".to_string(), "a single result".to_string())),
        Err(failure) if failure.kind() == super::FailureKind::RateLimited && !failure.message.to_lowercase().contains("batch") => {
            Err(failure.into_error(""))
        }
        Err(_) => Ok(Reply::BatchRefused),
    }
}

fn answer(response: Response) -> Answer {
    match (response.result, response.error) {
        (_, Some(error)) => Err(Failure::new(error.code, &error.message, error.data.as_str())),
        (Some(raw), None) => Ok(raw),
        (None, None) => Err(Failure::new(0, "neither a result nor an error", None)),
    }
}
