//! The recorder behind /metrics, and the figures of the services themselves.
//!
//! What it is not: it knows none of the engine's figures; the engine describes its own.

use metrics::{counter, describe_counter};
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle, PrometheusRecorder};
use tonic::{Code, Response, Status};

/// Bounds of every histogram of seconds: from a fast local chain to a packet that waits for a slow one.
const SECONDS: [f64; 14] = [0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3_600.0, 21_600.0];

/// Makes the recorder that /metrics renders and installs it for the process; the binary calls it once, before anything is counted.
///
/// # Errors
/// [`BuildError`] when a recorder is installed already.
pub fn install_recorder() -> Result<PrometheusHandle, BuildError> {
    let recorder = recorder()?;
    let handle = recorder.handle();
    metrics::set_global_recorder(recorder)?;
    describe_counter!("causeway_api_requests_total", "gRPC calls by method and status code");
    Ok(handle)
}

/// A recorder with the bounds of this product, not installed.
///
/// # Errors
/// [`BuildError`] when the bounds are refused.
fn recorder() -> Result<PrometheusRecorder, BuildError> {
    let builder = PrometheusBuilder::new().set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &SECONDS)?;
    Ok(builder.build_recorder())
}

/// Counts a call by its outcome and wraps its answer.
pub(crate) fn counted<T>(method: &'static str, result: Result<T, Status>) -> Result<Response<T>, Status> {
    let code = result.as_ref().err().map_or(Code::Ok, Status::code);
    counter!("causeway_api_requests_total", "method" => method, "code" => word(code)).increment(1);
    result.map(Response::new)
}

/// The codes that the services answer with.
fn word(code: Code) -> &'static str {
    match code {
        Code::Ok => "ok",
        Code::InvalidArgument => "invalid_argument",
        Code::NotFound => "not_found",
        Code::FailedPrecondition => "failed_precondition",
        Code::OutOfRange => "out_of_range",
        Code::ResourceExhausted => "resource_exhausted",
        Code::Unavailable => "unavailable",
        Code::Internal => "internal",
        _ => "other",
    }
}
