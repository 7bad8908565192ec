//! The JSON-RPC server: HTTP POST on loopback, one request or a batch. What a request may
//! cost is bounded; what a request says is never trusted. Called by the crate's root.

mod accounts;
mod blocks;
mod calls;
mod envelope;
mod fees;
mod logs;
mod served;
#[cfg(test)]
mod tests;
mod transactions;

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::faults::Outage;
use crate::node::Node;
use envelope::{Params, RpcError, RpcResult};
use served::Served;

/// HTTP requests that are worked on at a time; others wait.
const CONCURRENT_REQUESTS: usize = 32;

#[derive(Debug, Clone)]
struct Server {
    node: Arc<Node>,
    permits: Arc<Semaphore>,
}

/// Serves until it is cancelled.
pub(crate) async fn serve(node: Arc<Node>, listener: TcpListener, stop: CancellationToken) {
    let body_bytes = node.config.rpc.body_bytes;
    let server = Server { node, permits: Arc::new(Semaphore::new(CONCURRENT_REQUESTS)) };
    let app = Router::new().route("/", post(handle)).layer(DefaultBodyLimit::max(body_bytes)).with_state(server);
    let served = axum::serve(listener, app).with_graceful_shutdown(stop.cancelled_owned()).await;
    if let Err(error) = served {
        tracing::error!(%error, "the RPC server ended");
    }
}

async fn handle(State(server): State<Server>, body: Bytes) -> Response {
    server.node.requests[0].fetch_add(1, Ordering::Relaxed);
    let faults = server.node.faults();
    if let Some(delay) = faults.delay {
        tokio::time::sleep(delay).await;
    }
    match faults.outage {
        Some(Outage::Unavailable) => return StatusCode::SERVICE_UNAVAILABLE.into_response(),
        Some(Outage::TooManyRequests) => return StatusCode::TOO_MANY_REQUESTS.into_response(),
        Some(Outage::Nonsense) => return "<html>bad gateway</html>".into_response(),
        None => {}
    }
    let Ok(_permit) = server.permits.acquire().await else {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    };
    let node = server.node.clone();
    match tokio::task::spawn_blocking(move || respond(&node, &body)).await {
        Ok(Some(answer)) => ([(header::CONTENT_TYPE, "application/json")], answer.to_string()).into_response(),
        Ok(None) => StatusCode::NO_CONTENT.into_response(),
        Err(error) => {
            tracing::error!(%error, "a request panicked");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// The answer to an HTTP body; notifications have none.
fn respond(node: &Arc<Node>, body: &[u8]) -> Option<serde_json::Value> {
    envelope::respond(body, node.config.rpc.batch_requests, |method, params| {
        node.requests[1].fetch_add(1, Ordering::Relaxed);
        // One view a request: the lies and the head do not change under it.
        dispatch(&Served::new(node), method, params)
    })
}

fn dispatch(served: &Served<'_>, method: &str, params: &Params) -> RpcResult {
    let node = served.node;
    match method {
        "web3_clientVersion" => Ok("causeway-evm-devnet/v0.1.0".into()),
        "net_version" => Ok(node.config.chain_id.to_string().into()),
        "net_listening" => Ok(true.into()),
        "net_peerCount" => Ok("0x0".into()),
        "eth_chainId" => Ok(quantity(node.config.chain_id)),
        "eth_syncing" | "eth_mining" => Ok(false.into()),
        "eth_accounts" => Ok(serde_json::json!([])),
        "eth_blockNumber" => Ok(quantity(served.head)),
        "eth_getBlockByNumber" => blocks::by_number(served, params),
        "eth_getBlockByHash" => blocks::by_hash(served, params),
        "eth_getHeaderByNumber" => blocks::header_by_number(served, params),
        "eth_getBlockTransactionCountByNumber" => blocks::transaction_count(served, params),
        "eth_getBlockReceipts" => blocks::receipts(served, params),
        "qbft_getValidatorsByBlockNumber" | "ibft_getValidatorsByBlockNumber" | "istanbul_getValidators" => {
            blocks::validators(served, params)
        }
        "eth_getBalance" => accounts::balance(served, params),
        "eth_getTransactionCount" => accounts::transaction_count(served, params),
        "eth_getCode" => accounts::code(served, params),
        "eth_getStorageAt" => accounts::storage_at(served, params),
        "eth_getProof" => accounts::proof(served, params),
        "eth_call" => calls::call(served, params),
        "eth_estimateGas" => calls::estimate_gas(served, params),
        "eth_gasPrice" => fees::gas_price(served),
        "eth_maxPriorityFeePerGas" => fees::priority_fee(served),
        "eth_feeHistory" => fees::history(served, params),
        "eth_sendRawTransaction" => transactions::send_raw(served, params),
        "eth_getTransactionByHash" => transactions::by_hash(served, params),
        "eth_getTransactionReceipt" => transactions::receipt(served, params),
        "eth_getLogs" => logs::logs(served, params),
        _ => Err(RpcError::unknown_method(method)),
    }
}

/// A JSON-RPC quantity.
fn quantity(value: impl Into<u128>) -> serde_json::Value {
    format!("{:#x}", value.into()).into()
}

/// A value as JSON.
fn json(value: impl serde::Serialize) -> RpcResult {
    serde_json::to_value(value).map_err(|error| RpcError::internal(&error.to_string()))
}
