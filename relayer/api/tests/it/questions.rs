//! Questions and commands over real gRPC: right answers, and hostile requests refused with the right code and what is allowed.

use crate::common::{FakeRelay, Served, exchange, id, key};
use causeway_engine::StateKind;
use causeway_proto::admin::v1 as admin;
use causeway_proto::relay::v1 as wire;
use tonic::Code;

#[tokio::test]
async fn a_packet_is_told_by_its_id_with_all_bytes() {
    let served = Served::start(FakeRelay::with_packets(3)).await;
    let mut client = served.packets().await;
    let request = wire::GetPacketRequest { id: Some(id("alpha", "client-0", 3)) };
    let packet = client.get_packet(request).await.unwrap().into_inner().packet.unwrap();
    assert_eq!(packet.state(), wire::State::Completed);
    assert_eq!(packet.finisher(), wire::Finisher::Other);
    assert_eq!(packet.receipt(), wire::Receipt::None);
    assert_eq!((packet.dest_client.as_str(), packet.timeout_timestamp_s), ("client-1", 1_900_000_000));
    assert_eq!((packet.payloads[0].value.len(), packet.payloads[0].value_bytes), (1_000, 1_000));
    let ack = packet.acknowledgement.unwrap();
    assert_eq!((ack.kind(), ack.app_acknowledgements), (wire::AckKind::Success, vec![vec![1]]));
    assert_eq!(packet.sent.unwrap().transaction, format!("0x{}", "ab".repeat(32)));
}

#[tokio::test]
async fn a_dead_packet_tells_how_often_it_was_refused_and_when_it_is_tried_again() {
    let served = Served::start(FakeRelay::with_packets(3)).await;
    let mut client = served.packets().await;
    let packet =
        client.get_packet(wire::GetPacketRequest { id: Some(id("alpha", "client-0", 2)) }).await.unwrap().into_inner().packet.unwrap();
    assert_eq!((packet.state(), packet.attempts, packet.retry_at_ms), (wire::State::Dead, 6, Some(9_000)));
    assert_eq!(packet.reason, "the receiver has no such port");
}

#[tokio::test]
async fn packets_are_found_by_their_transaction() {
    let served = Served::start(FakeRelay::with_packets(450)).await;
    let mut client = served.packets().await;
    let ask = |transaction: String| wire::FindPacketsRequest { chain: "alpha".into(), transaction };
    let found = client.find_packets(ask("ab".repeat(32))).await.unwrap().into_inner();
    assert_eq!((found.packets.len(), found.further.len()), (200, 250));
    assert_eq!(found.further[0].sequence, 201);
    assert!(found.packets[0].payloads[0].value.is_empty(), "lists carry no bytes");
    let none = client.find_packets(ask(format!("0x{}", "cd".repeat(32)))).await.unwrap().into_inner();
    assert!(none.packets.is_empty() && none.further.is_empty());
}

#[tokio::test]
async fn lists_are_filtered_and_paged_without_loss_or_repetition() {
    let served = Served::start(FakeRelay::with_packets(30)).await;
    let mut client = served.packets().await;
    let cases = [
        (wire::ListPacketsRequest::default(), 30),
        (wire::ListPacketsRequest { pending_only: true, ..Default::default() }, 20),
        (wire::ListPacketsRequest { state: wire::State::Dead.into(), ..Default::default() }, 10),
        (wire::ListPacketsRequest { state: wire::State::Parked.into(), ..Default::default() }, 0),
        (wire::ListPacketsRequest { direction: wire::Direction::BToA.into(), ..Default::default() }, 0),
        (wire::ListPacketsRequest { path: "alpha-beta".into(), source_chain: "alpha".into(), ..Default::default() }, 30),
        (wire::ListPacketsRequest { source_chain: "beta".into(), ..Default::default() }, 0),
    ];
    for (request, expected) in cases {
        for page_size in [0, 1, 7, 200] {
            let mut request = wire::ListPacketsRequest { page_size, ..request.clone() };
            let mut sequences = Vec::new();
            loop {
                let page = client.list_packets(request.clone()).await.unwrap().into_inner();
                sequences.extend(page.packets.into_iter().map(|packet| packet.id.unwrap().sequence));
                if page.next_page_token.is_empty() {
                    break;
                }
                request.page_token = page.next_page_token;
            }
            assert_eq!(sequences.len(), expected, "{request:?}");
            assert!(sequences.is_sorted_by(|a, b| a < b), "{request:?}: {sequences:?}");
        }
    }
}

#[tokio::test]
async fn hostile_fields_are_refused_by_name() {
    let served = Served::start(FakeRelay::with_packets(3)).await;
    let mut client = served.packets().await;
    let long = "x".repeat(5_000);
    let ids = [
        (None, Code::InvalidArgument, "id: missing"),
        (Some(id("", "client-0", 1)), Code::InvalidArgument, "id.chain: "),
        (Some(id("al/pha", "client-0", 1)), Code::InvalidArgument, "only letters"),
        (Some(id(&long, "client-0", 1)), Code::InvalidArgument, "1 to 64 characters"),
        (Some(id("alpha", "abc", 1)), Code::InvalidArgument, "id.client: "),
        (Some(id("alpha", "client\u{0}0", 1)), Code::InvalidArgument, "id.client: "),
        (Some(id("alpha", "client-0", 0)), Code::InvalidArgument, "sequences start at 1"),
        (Some(id("alpha", "client-0", u64::MAX)), Code::NotFound, "not known"),
        (Some(id("gamma", "client-0", 1)), Code::NotFound, "not known"),
    ];
    for (id, code, text) in ids {
        let error = client.get_packet(wire::GetPacketRequest { id: id.clone() }).await.unwrap_err();
        assert_eq!(error.code(), code, "{id:?}: {error}");
        assert!(error.message().contains(text) && error.message().len() < 600, "{id:?}: {error}");
    }
    let lists = [
        (wire::ListPacketsRequest { page_size: 201, ..Default::default() }, Code::InvalidArgument, "page_size: 1 to 200"),
        (wire::ListPacketsRequest { page_size: u32::MAX, ..Default::default() }, Code::InvalidArgument, "page_size: 1 to 200"),
        (wire::ListPacketsRequest { state: 15, ..Default::default() }, Code::InvalidArgument, "state: 0 to 14"),
        (wire::ListPacketsRequest { direction: -1, ..Default::default() }, Code::InvalidArgument, "direction: 0 to 2"),
        (wire::ListPacketsRequest { source_chain: "a b".into(), ..Default::default() }, Code::InvalidArgument, "source_chain: "),
        (wire::ListPacketsRequest { path: long.clone(), ..Default::default() }, Code::InvalidArgument, "path: 1 to 128"),
        (wire::ListPacketsRequest { page_token: long.clone(), ..Default::default() }, Code::InvalidArgument, "page_token: "),
        (wire::ListPacketsRequest { page_token: "garbage".into(), ..Default::default() }, Code::OutOfRange, "begin without one"),
    ];
    for (request, code, text) in lists {
        let error = client.list_packets(request).await.unwrap_err();
        assert_eq!(error.code(), code, "{error}");
        assert!(error.message().contains(text), "{error}");
    }
    let finds = [
        ("alpha", "", Code::InvalidArgument, "1 to 64 bytes"),
        ("alpha", "0xzz", Code::InvalidArgument, "hexadecimal"),
        ("alpha", "0xabc", Code::InvalidArgument, "hexadecimal"),
        ("alpha", long.as_str(), Code::InvalidArgument, "transaction: "),
        ("beta", "0xabcd", Code::NotFound, "`causeway status` lists them"),
    ];
    for (chain, transaction, code, text) in finds {
        let request = wire::FindPacketsRequest { chain: chain.into(), transaction: transaction.into() };
        let error = client.find_packets(request).await.unwrap_err();
        assert_eq!(error.code(), code, "{error}");
        assert!(error.message().contains(text) && error.message().len() < 600, "{error}");
    }
}

#[tokio::test]
async fn oversized_requests_and_garbage_bytes_do_no_harm() {
    let served = Served::start(FakeRelay::with_packets(1)).await;
    let mut client = served.packets().await;
    let request = wire::ListPacketsRequest { page_token: "x".repeat(1 << 20), ..Default::default() };
    let error = client.list_packets(request).await.unwrap_err();
    assert!(matches!(error.code(), Code::OutOfRange | Code::ResourceExhausted), "{error}");
    for address in [served.api.grpc_address(), served.api.http_address()] {
        exchange(address, &[0xff; 100_000]).await;
        exchange(address, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff").await;
    }
    let request = wire::GetPacketRequest { id: Some(id("alpha", "client-0", 1)) };
    client.get_packet(request).await.unwrap();
    assert_eq!(served.get("/healthz").await.0, 200);
}

#[tokio::test]
async fn operators_see_status_and_command() {
    let served = Served::start(FakeRelay::with_packets(3)).await;
    served.relay.change(1, StateKind::Dead);
    let mut client = served.admin().await;
    let status = client.get_status(admin::GetStatusRequest {}).await.unwrap().into_inner();
    assert_eq!((status.version.as_str(), status.change), ("1.2.3", 1));
    let chain = &status.chains[0];
    assert_eq!((chain.head.unwrap().number, chain.head_time_s), (9, Some(1_700_000_000)));
    assert_eq!(chain.wallets[0].balance, u128::MAX.to_string());
    assert_eq!(chain.watch_error.len(), 1_024, "texts from outside are cut");
    assert_eq!(status.paths[0].clients[1].expires_in_s, Some(-5));
    assert_eq!((status.paths[0].packets[0].state(), status.paths[0].packets[0].count), (wire::State::Dead, 4));

    let retry = |sequence| admin::RetryPacketRequest { id: Some(id("alpha", "client-0", sequence)) };
    client.retry_packet(retry(2)).await.unwrap();
    assert_eq!(served.relay.content.lock().unwrap().retried, [key(2)]);
    assert_eq!(client.retry_packet(retry(3)).await.unwrap_err().code(), Code::FailedPrecondition);
    assert_eq!(client.retry_packet(retry(4)).await.unwrap_err().code(), Code::NotFound);
    assert_eq!(client.retry_packet(retry(0)).await.unwrap_err().code(), Code::InvalidArgument);
    let clear = |path: &str| admin::ClearPathRequest { path: path.into() };
    client.clear_path(clear("alpha-beta")).await.unwrap();
    assert_eq!(served.relay.content.lock().unwrap().cleared, ["alpha-beta"]);
    assert_eq!(client.clear_path(clear("other")).await.unwrap_err().code(), Code::NotFound);
    assert_eq!(client.clear_path(clear("")).await.unwrap_err().code(), Code::InvalidArgument);
}
