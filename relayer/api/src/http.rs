//! The HTTP side: /metrics, /healthz, /readyz. Everything else is 404.
//!
//! What it is not: no gateway to the gRPC services.

use crate::health::Health;
use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use metrics_exporter_prometheus::PrometheusHandle;

#[derive(Debug, Clone)]
struct Pages {
    metrics: PrometheusHandle,
    health: Health,
}

pub(crate) fn router(metrics: PrometheusHandle, health: Health) -> Router {
    Router::new()
        .route("/metrics", get(figures))
        .route("/healthz", get(alive))
        .route("/readyz", get(ready))
        .with_state(Pages { metrics, health })
}

async fn figures(State(pages): State<Pages>) -> Response {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], pages.metrics.render() + &crate::process::lines())
        .into_response()
}

/// Alive unless the engine stopped by itself: then only a restart helps.
async fn alive(State(pages): State<Pages>) -> Response {
    answer(pages.health.failure().map_or(Ok(Vec::new()), Err))
}

/// Ready while packets are relayed: not before every chain has answered, not while every path is halted, and not while stopping.
async fn ready(State(pages): State<Pages>) -> Response {
    answer(pages.health.ready())
}

/// `ok`, and a line for each thing that is not.
fn answer(state: Result<Vec<String>, String>) -> Response {
    match state {
        Ok(but) => (StatusCode::OK, but.iter().fold("ok\n".to_owned(), |text, line| text + line + "\n")).into_response(),
        Err(why) => (StatusCode::SERVICE_UNAVAILABLE, format!("{why}\n")).into_response(),
    }
}
