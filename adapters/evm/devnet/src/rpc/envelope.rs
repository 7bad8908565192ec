//! JSON-RPC 2.0 itself: requests, batches, parameters, errors. Knows no method.
//! Called by `rpc`.

use alloy::primitives::Bytes;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

pub(super) type RpcResult = Result<Value, RpcError>;

/// A JSON-RPC error object.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct RpcError {
    code: i32,
    message: String,
    data: Option<Value>,
}

impl RpcError {
    /// What geth answers to most of what fails in a method.
    pub(super) fn server(message: impl Into<String>) -> Self {
        Self { code: -32_000, message: message.into(), data: None }
    }

    /// A limit of the provider (EIP-1474).
    pub(super) fn limit(message: impl Into<String>) -> Self {
        Self { code: -32_005, message: message.into(), data: None }
    }

    /// A call that reverted, with what it returned.
    pub(super) fn reverted(message: String, data: &Bytes) -> Self {
        Self { code: 3, message, data: Some(data.to_string().into()) }
    }

    pub(super) fn params(message: impl Into<String>) -> Self {
        Self { code: -32_602, message: message.into(), data: None }
    }

    pub(super) fn internal(message: &str) -> Self {
        Self { code: -32_603, message: message.into(), data: None }
    }

    pub(super) fn unknown_method(method: &str) -> Self {
        let shown: String = method.chars().take(64).collect();
        let message = format!("the method {shown} does not exist/is not available");
        Self { code: -32_601, message, data: None }
    }

    fn parse() -> Self {
        Self { code: -32_700, message: "parse error".into(), data: None }
    }

    fn request(message: &str) -> Self {
        Self { code: -32_600, message: message.into(), data: None }
    }

    fn answer(self, id: Value) -> Value {
        let mut error = json!({ "code": self.code, "message": self.message });
        if let (Some(data), Some(object)) = (self.data, error.as_object_mut()) {
            object.insert("data".into(), data);
        }
        json!({ "jsonrpc": "2.0", "id": id, "error": error })
    }
}

/// Positional parameters.
#[derive(Debug, Default)]
pub(super) struct Params(Vec<Value>);

impl Params {
    /// The parameter at `index`, which must be there.
    pub(super) fn required<T: DeserializeOwned>(&self, index: usize) -> Result<T, RpcError> {
        self.optional(index)?.ok_or_else(|| RpcError::params(format!("missing value for required argument {index}")))
    }

    /// The parameter at `index`; absent and null are none.
    pub(super) fn optional<T: DeserializeOwned>(&self, index: usize) -> Result<Option<T>, RpcError> {
        match self.0.get(index) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => T::deserialize(value).map(Some).map_err(|error| RpcError::params(format!("invalid argument {index}: {error}"))),
        }
    }
}

/// Answers a body with one request or a batch of at most `batch_max`.
pub(super) fn respond(body: &[u8], batch_max: usize, mut method: impl FnMut(&str, &Params) -> RpcResult) -> Option<Value> {
    match serde_json::from_slice(body) {
        Err(_) => Some(RpcError::parse().answer(Value::Null)),
        Ok(Value::Array(requests)) if requests.is_empty() => Some(RpcError::request("empty batch").answer(Value::Null)),
        Ok(Value::Array(requests)) if requests.len() > batch_max => Some(RpcError::request("batch too large").answer(Value::Null)),
        Ok(Value::Array(requests)) => {
            let answers: Vec<_> = requests.into_iter().filter_map(|request| one(request, &mut method)).collect();
            (!answers.is_empty()).then_some(Value::Array(answers))
        }
        Ok(request) => one(request, &mut method),
    }
}

fn one(request: Value, method: &mut impl FnMut(&str, &Params) -> RpcResult) -> Option<Value> {
    let Value::Object(mut request) = request else {
        return Some(RpcError::request("invalid request").answer(Value::Null));
    };
    let id = request.remove("id");
    let silent = id.is_none();
    let id = match id {
        None => Value::Null,
        Some(id @ (Value::Null | Value::String(_) | Value::Number(_))) => id,
        Some(_) => return Some(RpcError::request("invalid request id").answer(Value::Null)),
    };
    let Some(Value::String(name)) = request.remove("method") else {
        return Some(RpcError::request("method is missing").answer(id));
    };
    let params = match request.remove("params") {
        None | Some(Value::Null) => Params::default(),
        Some(Value::Array(params)) => Params(params),
        Some(_) => return Some(RpcError::params("non-array args").answer(id)),
    };
    let answer = match method(&name, &params) {
        Ok(result) => json!({ "jsonrpc": "2.0", "id": id, "result": result }),
        Err(error) => error.answer(id),
    };
    (!silent).then_some(answer)
}
