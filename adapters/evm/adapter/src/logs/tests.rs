//! Logs as events, what is left out, and ranges that learn.

use super::*;
use crate::convert::packet_to;
use alloy::primitives::U256;
use alloy::sol_types::SolValue;
use causeway_types::Payload;
use causeway_types::v2::Packet;

fn client() -> ClientId {
    ClientId::new("qbft-0").unwrap()
}

fn packet() -> Packet {
    let payload = Payload { source_port: "a".into(), dest_port: "b".into(), version: "v".into(), encoding: "e".into(), value: vec![1] };
    Packet {
        sequence: Sequence::new(5).unwrap(),
        source_client: client(),
        dest_client: ClientId::new("qbft-7").unwrap(),
        timeout_timestamp_s: 9,
        payloads: vec![payload],
    }
}

fn log(topics: Vec<B256>, data: Vec<u8>) -> RawLog {
    RawLog {
        address: Address::repeat_byte(1),
        topics,
        data: data.into(),
        block_number: Some(U64::from(12)),
        transaction_hash: Some(B256::repeat_byte(2)),
        log_index: Some(U64::from(3)),
        removed: false,
    }
}

/// A packet event of the client, in the form that the router writes.
fn packet_log(signature: B256, data: Vec<u8>) -> RawLog {
    log(vec![signature, client_topic(&client()), B256::from(U256::from(5))], data)
}

#[test]
fn packet_events_are_decoded_with_their_place() {
    let sent = packet_log(Router::SendPacket::SIGNATURE_HASH, (packet_to(&packet()),).abi_encode_params());
    let located = decode(&sent, &[client()]).unwrap();
    assert_eq!((located.height, located.index, located.tx.as_bytes()), (Height::new(12), 3, [2; 32].as_slice()));
    assert_eq!(located.event, Event::Sent { packet: causeway_types::Packet::V2(packet()) });
    assert_eq!(decode(&sent, &[ClientId::new("qbft-1").unwrap()]), None, "another's packet");
    for (signature, event) in [
        (Router::AckPacket::SIGNATURE_HASH, Event::Completed { end: client().into(), sequence: packet().sequence }),
        (Router::TimeoutPacket::SIGNATURE_HASH, Event::TimedOut { end: client().into(), sequence: packet().sequence }),
    ] {
        assert_eq!(decode(&packet_log(signature, Vec::new()), &[client()]).unwrap().event, event);
    }
}

/// refuse.md O3: written anew, an acknowledgement with a key twice, or with spaces, would be another one.
#[test]
fn refuses_o3_an_acknowledgement_written_anew() {
    let mut received = packet();
    (received.source_client, received.dest_client) = (received.dest_client.clone(), client());
    for written in [r#"{"result":"AQ==","result":"Ag==", "x" :1}"#, "{\"error\":\"\\u0041\"}\n", "no JSON \u{0}"] {
        let data = (packet_to(&received), vec![Bytes::copy_from_slice(written.as_bytes())]).abi_encode_params();
        let event = decode(&packet_log(Router::WriteAcknowledgement::SIGNATURE_HASH, data), &[client()]).map(|located| located.event);
        let Some(Event::Acknowledged { acknowledgement, .. }) = event else { panic!("{written}: {event:?}") };
        assert_eq!(acknowledgement.parts(), [written.as_bytes()]);
    }
}

#[test]
fn client_events_are_those_of_the_clients_asked_for() {
    for (result, event) in [
        (0_u64, Some(Event::ClientUpdated { client: client(), heights: Vec::new() })),
        (1, Some(Event::ClientFrozen { client: client() })),
        (2, None),
    ] {
        let data = ("qbft-0".to_string(), result).abi_encode_params();
        let updated = log(vec![Router::ICS02ClientUpdated::SIGNATURE_HASH], data);
        assert_eq!(decode(&updated, &[client()]).map(|located| located.event), event);
        assert_eq!(decode(&updated, &[]), None);
    }
}

#[test]
fn logs_that_say_two_things_or_nothing_are_left_out() {
    let mut other = packet();
    other.source_client = ClientId::new("qbft-9").unwrap();
    let data = (packet_to(&other),).abi_encode_params();
    let good = (packet_to(&packet()),).abi_encode_params();
    for bad in [
        packet_log(Router::SendPacket::SIGNATURE_HASH, data),
        packet_log(Router::SendPacket::SIGNATURE_HASH, Vec::new()),
        packet_log(Router::SendPacket::SIGNATURE_HASH, good[..good.len() / 2].to_vec()),
        packet_log(B256::ZERO, good.clone()),
        log(vec![Router::AckPacket::SIGNATURE_HASH, client_topic(&client())], Vec::new()),
        log(vec![Router::AckPacket::SIGNATURE_HASH, client_topic(&client()), B256::repeat_byte(0xff)], Vec::new()),
        log(Vec::new(), good),
    ] {
        assert_eq!(decode(&bad, &[client()]), None, "{bad:?}");
    }
}

#[test]
fn a_range_shrinks_to_one_block_and_grows_to_its_bound() {
    let range = LogRange::new(1_000, 5_000);
    let mut halvings = 0;
    while range.shrink(range.blocks()) {
        halvings += 1;
    }
    assert_eq!((range.blocks(), halvings), (1, 9));
    for _ in 0..100 {
        range.grow(range.blocks());
    }
    assert_eq!(range.blocks(), 5_000);
    range.grow(10);
    assert_eq!(range.blocks(), 5_000, "a short range teaches nothing");
}
