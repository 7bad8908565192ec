//! What an operator's tools see: health over gRPC and HTTP, reflection, figures, and addresses that are refused.

use crate::common::{FakeRelay, Served, config, metrics};
use causeway_api::{Api, ApiConfig, ApiError};
use causeway_proto::admin::v1::GetStatusRequest;
use causeway_types::{Head, Height};
use std::collections::BTreeSet;
use std::net::SocketAddr;
use tokio_util::sync::CancellationToken;
use tonic_health::pb::{HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient};
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;
use tonic_reflection::pb::v1::{ServerReflectionRequest, ServerReflectionResponse};

async fn health(served: &Served, service: &str) -> ServingStatus {
    let mut client = HealthClient::new(served.channel().await);
    client.check(HealthCheckRequest { service: service.into() }).await.unwrap().into_inner().status()
}

#[tokio::test]
async fn health_follows_the_engine() {
    let served = Served::start(FakeRelay::with_packets(1)).await;
    for service in ["", "causeway.relay.v1.Relay", "causeway.admin.v1.Admin"] {
        // The reporter's task may run a moment after the listener.
        while health(&served, service).await != ServingStatus::Serving {
            tokio::task::yield_now().await;
        }
    }
    assert_eq!((served.get("/healthz").await.0, served.get("/readyz").await.0), (200, 200));

    served.relay.content.lock().unwrap().head = None;
    let (code, body) = served.get("/readyz").await;
    assert!(code == 503 && body.contains("no answer yet from: alpha"), "{body}");
    assert_eq!(served.get("/healthz").await.0, 200, "a silent chain is no reason to restart");

    served.relay.content.lock().unwrap().head = Some(Head { height: Height::new(9), time_s: None });
    for (halted, code) in [(vec![None, None], 200), (vec![None, Some("frozen".to_owned())], 200), (vec![Some("frozen".to_owned())], 503)] {
        let named = halted.iter().any(Option::is_some);
        served.relay.content.lock().unwrap().halted = halted;
        let (found, body) = served.get("/readyz").await;
        assert_eq!((found, body.contains("path alpha-beta is halted: frozen")), (code, named), "{body}");
    }

    served.relay.fail("the disk is full");
    while health(&served, "").await != ServingStatus::NotServing {
        tokio::task::yield_now().await;
    }
    for page in ["/healthz", "/readyz"] {
        let (code, body) = served.get(page).await;
        assert!(code == 503 && body.contains("the disk is full"), "{page}: {body}");
    }
}

async fn reflect(served: &Served, request: MessageRequest) -> MessageResponse {
    let mut client = ServerReflectionClient::new(served.channel().await);
    let request = ServerReflectionRequest { host: String::new(), message_request: Some(request) };
    let mut answers = client.server_reflection_info(tokio_stream::once(request)).await.unwrap().into_inner();
    let answer: ServerReflectionResponse = answers.message().await.unwrap().unwrap();
    answer.message_response.unwrap()
}

#[tokio::test]
async fn reflection_lists_what_is_served_and_describes_it() {
    let served = Served::start(FakeRelay::with_packets(1)).await;
    let MessageResponse::ListServicesResponse(list) = reflect(&served, MessageRequest::ListServices(String::new())).await else {
        panic!("no list of services")
    };
    let names: BTreeSet<_> = list.service.into_iter().map(|service| service.name).collect();
    for expected in ["causeway.relay.v1.Relay", "causeway.admin.v1.Admin", "grpc.health.v1.Health", "grpc.reflection.v1.ServerReflection"] {
        assert!(names.contains(expected), "{expected} is missing in {names:?}");
    }
    assert!(!names.contains("causeway.adapter.v1.Adapter"), "the seam is not served here");
    for symbol in ["causeway.relay.v1.Packet", "causeway.admin.v1.Admin", "grpc.health.v1.Health"] {
        let answer = reflect(&served, MessageRequest::FileContainingSymbol(symbol.into())).await;
        assert!(matches!(answer, MessageResponse::FileDescriptorResponse(_)), "{symbol}: {answer:?}");
    }
}

#[tokio::test]
async fn figures_are_rendered_for_prometheus() {
    let served = Served::start(FakeRelay::with_packets(1)).await;
    served.admin().await.get_status(GetStatusRequest {}).await.unwrap();
    metrics::histogram!("causeway_stage_duration_seconds", "path" => "alpha-beta", "stage" => "delivered").record(0.2);
    let (code, body) = served.get("/metrics").await;
    assert_eq!(code, 200);
    assert!(body.contains("text/plain; version=0.0.4"), "{body}");
    assert!(body.contains("causeway_api_requests_total{method=\"GetStatus\",code=\"ok\"}"), "{body}");
    let bucket = "causeway_stage_duration_seconds_bucket{path=\"alpha-beta\",stage=\"delivered\",le=\"0.25\"}";
    assert!(body.contains(bucket), "{body}");
    assert_eq!(served.get("/nothing").await.0, 404);
}

async fn start(config: ApiConfig) -> Result<Api, ApiError> {
    Api::start(config, FakeRelay::with_packets(1), metrics(), &CancellationToken::new()).await
}

#[tokio::test]
async fn addresses_that_are_open_or_taken_are_refused_by_name() {
    let open = SocketAddr::from(([0, 0, 0, 0], 0));
    let error = start(ApiConfig { grpc_listen: open, ..config() }).await.unwrap_err().to_string();
    assert!(error.contains("grpc_listen = 0.0.0.0:0 is not loopback"), "{error}");
    let error = start(ApiConfig { http_listen: open, ..config() }).await.unwrap_err().to_string();
    assert!(error.contains("http_listen"), "{error}");
    let taken = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let error = start(ApiConfig { http_listen: taken.local_addr().unwrap(), ..config() }).await.unwrap_err();
    assert!(matches!(&error, ApiError::Listen { what: "http_listen", .. }), "{error}");
    assert!(error.to_string().contains("choose another port"), "{error}");
}
