//! What is only so for now ends with the code that is started again; what somebody must mend does not.

use super::*;
use causeway_adapter::AdapterError;
use std::io::ErrorKind;

#[test]
fn what_may_pass_by_itself_is_unavailable() {
    let (endpoint, detail) = (String::from("node:443"), String::from("HTTP status 401"));
    let cases = [
        (AdapterError::Denied { endpoint: endpoint.clone(), detail: detail.clone() }, Code::Unavailable),
        (AdapterError::Unreachable { endpoint, detail: detail.clone() }, Code::Unavailable),
        (AdapterError::Invalid { what: "chain id", detail }, Code::BadConfig),
    ];
    for (error, expected) in cases {
        let error = StartError::Adapter { chain: ChainId::new("alpha").expect("a name"), error };
        let failure = start_failure(&error);
        assert_eq!(failure.code, expected, "{failure}");
    }
    let address = "127.0.0.1:7601".parse().expect("an address");
    for (kind, expected) in [
        (ErrorKind::AddrInUse, Code::Unavailable),
        (ErrorKind::AddrNotAvailable, Code::Unavailable),
        (ErrorKind::PermissionDenied, Code::BadConfig),
    ] {
        let failure = api_failure(&ApiError::Listen { what: "api.http_listen", address, error: kind.into() });
        assert_eq!(failure.code, expected, "{failure}");
    }
    assert_eq!(api_failure(&ApiError::NotLoopback { what: "api.http_listen", address }).code, Code::BadConfig);
}

#[tokio::test]
async fn a_busy_port_is_unavailable_and_says_what_to_do() {
    let held = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let error = tokio::net::TcpListener::bind(held.local_addr().expect("bound")).await.expect_err("held");
    let failure = api_failure(&ApiError::Listen { what: "api.grpc_listen", address: held.local_addr().expect("bound"), error });
    assert_eq!(failure.code, Code::Unavailable);
    assert!(failure.message.contains("stop what holds it"), "{failure}");
}
