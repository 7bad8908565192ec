//! Watching over real gRPC: resumed without loss, filtered, bounded in memory, ended with a reason.

use crate::common::{FakeRelay, Served};
use causeway_api::WatchLimits;
use causeway_engine::StateKind;
use causeway_proto::relay::v1::{State, WatchPacketsRequest, WatchPacketsResponse};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use tonic::{Code, Status, Streaming};

async fn watch(served: &Served, request: WatchPacketsRequest) -> Result<Streaming<WatchPacketsResponse>, Status> {
    Ok(served.packets().await.watch_packets(request).await?.into_inner())
}

fn from(cursor: u64) -> WatchPacketsRequest {
    WatchPacketsRequest { cursor, ..Default::default() }
}

#[tokio::test]
async fn a_client_that_comes_back_with_its_cursor_misses_nothing() {
    let served = Served::start(FakeRelay::with_packets(1)).await;
    for _ in 0..1_000 {
        served.relay.change(1, StateKind::Observed);
    }
    let (mut seen, mut cursor, mut connections) = (BTreeSet::new(), 0, 0);
    while seen.len() < 1_000 {
        let mut stream = watch(&served, from(cursor)).await.unwrap();
        connections += 1;
        // Two messages are handled, a third arrives and is lost with the client before its cursor is stored.
        for stored in [true, true, false] {
            let Some(message) = stream.message().await.unwrap() else { panic!("the stream ended") };
            seen.extend(message.changes.iter().map(|change| change.number));
            if stored {
                cursor = message.cursor;
            }
            if seen.len() == 1_000 {
                break;
            }
        }
    }
    assert!(connections > 1, "the changes came in several messages");
    assert_eq!((seen.first(), seen.last()), (Some(&1), Some(&1_000)));
}

#[tokio::test]
async fn new_changes_arrive_and_silence_is_told_by_heartbeats() {
    let limits = WatchLimits { heartbeat: Duration::from_millis(20), ..WatchLimits::default() };
    let served = Served::with(FakeRelay::with_packets(2), limits).await;
    let mut stream = watch(&served, from(0)).await.unwrap();
    let beat = stream.message().await.unwrap().unwrap();
    assert!(beat.changes.is_empty() && beat.cursor == 0 && !beat.gap);
    served.relay.change(2, StateKind::Delivering);
    let change = loop {
        let message = stream.message().await.unwrap().unwrap();
        if let Some(change) = message.changes.into_iter().next() {
            break change;
        }
    };
    assert_eq!((change.number, change.state()), (1, State::Delivering));
    let packet = change.packet.unwrap();
    assert!(packet.payloads[0].value.is_empty() && packet.payloads[0].value_bytes == 1_000);
}

#[tokio::test]
async fn a_gap_is_said_and_a_cursor_from_the_future_refused() {
    let served = Served::start(FakeRelay::with_packets(1)).await;
    served.relay.content.lock().unwrap().dropped = 10;
    served.relay.change(1, StateKind::Observed);
    let mut stream = watch(&served, from(3)).await.unwrap();
    let message = stream.message().await.unwrap().unwrap();
    assert!(message.gap && message.cursor == 11 && message.changes[0].number == 11);
    assert_eq!(watch(&served, from(12)).await.unwrap_err().code(), Code::OutOfRange);
    assert_eq!(watch(&served, from(u64::MAX)).await.unwrap_err().code(), Code::OutOfRange);
    let hostile = WatchPacketsRequest { source_chain: "a/b".into(), ..from(0) };
    assert_eq!(watch(&served, hostile).await.unwrap_err().code(), Code::InvalidArgument);
}

#[tokio::test]
async fn changes_of_other_paths_are_left_out_but_the_cursor_moves_on() {
    let limits = WatchLimits { heartbeat: Duration::from_millis(20), ..WatchLimits::default() };
    let served = Served::with(FakeRelay::with_packets(1), limits).await;
    for _ in 0..500 {
        served.relay.change(1, StateKind::Observed);
    }
    for request in
        [WatchPacketsRequest { path: "another".into(), ..from(0) }, WatchPacketsRequest { source_chain: "beta".into(), ..from(0) }]
    {
        let mut stream = watch(&served, request).await.unwrap();
        let message = stream.message().await.unwrap().unwrap();
        assert!(message.changes.is_empty(), "nothing of it is wanted");
        assert_eq!(message.cursor, 500, "the heartbeat carries the cursor past what was left out");
    }
}

/// A client that asks for little is told how far it has come, and need not begin anew when it is cut off.
#[tokio::test]
async fn a_long_way_without_anything_wanted_is_told_in_parts() {
    let served = Served::start(FakeRelay::with_packets(1)).await;
    for _ in 0..12_000 {
        served.relay.change(1, StateKind::Observed);
    }
    let mut stream = watch(&served, WatchPacketsRequest { path: "another".into(), ..from(0) }).await.unwrap();
    let mut cursors = Vec::new();
    for _ in 0..2 {
        let message = stream.message().await.unwrap().unwrap();
        assert!(message.changes.is_empty(), "nothing of it is wanted");
        cursors.push(message.cursor);
    }
    assert!(cursors[0] <= 6_000 && cursors[1] <= 12_000 && cursors.is_sorted_by(|a, b| a < b), "{cursors:?}");
}

#[tokio::test]
async fn a_client_that_does_not_read_is_disconnected_and_holds_little() {
    let limits = WatchLimits { stall_max: Duration::from_millis(50), ..WatchLimits::default() };
    let served = Served::with(FakeRelay::with_packets(1), limits).await;
    served.relay.content.lock().unwrap().endless = true;
    let mut stream = watch(&served, from(0)).await.unwrap();
    let holders = Arc::strong_count(&served.relay);
    // The client's task lets go of the relay when it gives up.
    while Arc::strong_count(&served.relay) >= holders {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let (mut messages, mut cursor) = (0, 0);
    let error = loop {
        match stream.message().await {
            Ok(Some(message)) => {
                assert_eq!(message.changes[0].number, cursor + 1, "what arrives before the end has no gap");
                (messages, cursor) = (messages + 1, message.cursor);
            }
            Ok(None) => panic!("the stream ended without a reason"),
            Err(error) => break error,
        }
    };
    assert_eq!(error.code(), Code::ResourceExhausted);
    assert!(error.message().contains("last cursor"), "{error}");
    assert!((1..=16).contains(&messages), "{messages} messages were held for a client that did not read");
    assert!(watch(&served, from(cursor)).await.is_ok(), "it may come back");
}

#[tokio::test]
async fn places_are_limited_and_given_back() {
    let limits = WatchLimits { clients_max: 2, ..WatchLimits::default() };
    let served = Served::with(FakeRelay::with_packets(1), limits).await;
    let first = watch(&served, from(0)).await.unwrap();
    let _second = watch(&served, from(0)).await.unwrap();
    let refused = watch(&served, from(0)).await.unwrap_err();
    assert_eq!(refused.code(), Code::ResourceExhausted);
    assert!(refused.message().contains("2 clients"), "{refused}");
    drop(first);
    // The server learns of the reset soon, not at once.
    while watch(&served, from(0)).await.is_err() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn stopping_ends_streams_with_a_reason() {
    let served = Served::start(FakeRelay::with_packets(1)).await;
    let mut stream = watch(&served, from(0)).await.unwrap();
    let address = served.api.grpc_address();
    let reading = tokio::spawn(async move { stream.message().await.unwrap_err() });
    assert!(served.api.shutdown(Duration::from_secs(10)).await, "everything drained");
    let error = reading.await.unwrap();
    assert_eq!(error.code(), Code::Unavailable);
    assert!(error.message().contains("last cursor"), "{error}");
    assert!(tokio::net::TcpStream::connect(address).await.is_err(), "nobody listens any more");
}

#[tokio::test]
async fn an_idle_client_that_never_reads_cannot_hold_up_the_end() {
    let served = Served::start(FakeRelay::with_packets(1)).await;
    served.relay.content.lock().unwrap().endless = true;
    let _unread = watch(&served, from(0)).await.unwrap();
    served.stop.cancel();
    // The unread stream keeps its connection; the deadline decides.
    let _drained = served.api.shutdown(Duration::from_millis(200)).await;
}
