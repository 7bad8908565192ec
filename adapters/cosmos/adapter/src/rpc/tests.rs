//! Whom to ask first.

use super::*;

/// Three endpoints, of which nothing is asked.
fn three() -> Rpc {
    let mut config = Config::new("chaina-1", "http://127.0.0.1:1");
    config.rpc.extend((2..=3).flat_map(|port| Config::new("chaina-1", format!("http://127.0.0.1:{port}")).rpc));
    Rpc::new(&config).unwrap()
}

/// The ports of the endpoints, first asked first.
fn ports(rpc: &Rpc) -> Vec<&str> {
    rpc.order().into_iter().map(|index| rpc.shared.endpoints[index].name().rsplit(':').next().unwrap()).collect()
}

fn heads(rpc: &Rpc, heights: [u64; 3]) -> u64 {
    let names: Vec<String> = rpc.shared.endpoints.iter().map(|endpoint| endpoint.name().to_string()).collect();
    let told: Vec<(&str, u64)> = names.iter().map(String::as_str).zip(heights).collect();
    rpc.note_heads(&told)
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_behind_or_above_what_others_support_is_asked_last() {
    let rpc = three();
    assert_eq!(heads(&rpc, [94, 100, 100]), 100);
    assert_eq!(ports(&rpc), ["2", "3", "1"]);
    assert_eq!(heads(&rpc, [1_000_000, 100, 99]), 100);
    assert_eq!(ports(&rpc), ["2", "3", "1"]);
    assert_eq!(heads(&rpc, [104, 105, 99]), 104, "one that is ahead by a block or two is not stray");
    assert_eq!(ports(&rpc), ["1", "2", "3"]);
    assert_eq!(heads(&rpc, [0, 105, 105]), 105);
    assert_eq!(ports(&rpc), ["2", "3", "1"], "without a block");
    assert_eq!(heads(&rpc, [105, 105, 105]), 105);
    // Of two that remain neither outvotes the other, until one of them is caught.
    rpc.distrust_first();
    assert_eq!(heads(&rpc, [100, 1_000_000, 101]), 1_000_000);
    assert_eq!(ports(&rpc), ["2", "3", "1"]);
    rpc.distrust_first();
    assert_eq!(heads(&rpc, [100, 1_000_000, 101]), 101);
    assert_eq!(ports(&rpc).first(), Some(&"3"));
}

/// A provider that does not know us is a matter for later: nothing is wrong with the configuration of a chain.
#[tokio::test]
async fn refused_access_is_typed() {
    for status in [401, 403] {
        let answer = move || async move { (axum::http::StatusCode::from_u16(status).unwrap(), "") };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let app = axum::Router::new().route("/", axum::routing::post(answer));
        drop(tokio::spawn(async move { axum::serve(listener, app).await }));
        let rpc = Rpc::new(&Config::new("chaina-1", url)).unwrap();
        let error = rpc.call("status", serde_json::json!({})).await.unwrap_err();
        assert!(matches!(&error, AdapterError::Denied { detail, .. } if detail.contains(&status.to_string())), "{error}");
    }
}
