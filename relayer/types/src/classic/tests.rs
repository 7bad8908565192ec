//! Bytes of classic packets. The hashes were computed apart from this code, from the layout in ibc-go `modules/core/04-channel/types/packet.go`.
#![allow(clippy::unwrap_used, reason = "tests")]

use super::*;
use crate::Height;
use alloc::string::String;

fn end(channel: &str) -> ChannelEndId {
    ChannelEndId { port: PortId::new("transfer").unwrap(), channel: ChannelId::new(channel).unwrap() }
}

fn packet(timeout: Timeout) -> Packet {
    let data = br#"{"amount":"1","denom":"stake","receiver":"bob","sender":"alice"}"#.to_vec();
    Packet { sequence: Sequence::new(7).unwrap(), source: end("channel-0"), dest: end("channel-1"), data, timeout }
}

#[test]
fn commitments_are_the_ones_of_the_layout() {
    let by_time = Timeout { height: None, timestamp_ns: Some(1_700_000_000_000_000_000) };
    let by_height = Timeout { height: Some(Height { revision: 1, number: 1_000 }), timestamp_ns: None };
    let cases = [
        (by_time, "2816bd9f7a02dbcb31c69a891d39d8976321901dbce9a6f447d8cc1594d3329a"),
        (by_height, "09181498921bc0f9c2dad9b2a60918d917284ce7d797b8c12f57099caa984833"),
    ];
    for (timeout, expected) in cases {
        assert_eq!(hex::encode(packet(timeout).commitment()), expected, "{timeout:?}");
    }
    let ack = "08f7557ed51826fe18d84512bf24ec75001edbaf2123a477df72a0a9f3640a7c";
    assert_eq!(hex::encode(Acknowledgement(br#"{"result":"AQ=="}"#.to_vec()).commitment()), ack);
}

#[test]
fn paths_read_as_the_host_writes_them() {
    let sequence = Sequence::new(7).unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    assert_eq!(text(packet_commitment_path(&end("channel-0"), sequence)), "commitments/ports/transfer/channels/channel-0/sequences/7");
    assert_eq!(text(packet_receipt_path(&end("channel-0"), sequence)), "receipts/ports/transfer/channels/channel-0/sequences/7");
    assert_eq!(text(packet_acknowledgement_path(&end("channel-0"), sequence)), "acks/ports/transfer/channels/channel-0/sequences/7");
    assert_eq!(text(next_sequence_recv_path(&end("channel-0"))), "nextSequenceRecv/ports/transfer/channels/channel-0");
    assert_eq!(text(channel_path(&end("channel-0"))), "channelEnds/ports/transfer/channels/channel-0");
    assert_eq!(text(connection_path(&ConnectionId::new("connection-0").unwrap())), "connections/connection-0");
    let client = ClientId::new("07-tendermint-0").unwrap();
    assert_eq!(text(client_state_path(&client)), "clients/07-tendermint-0/clientState");
    let height = Height { revision: 1, number: 9 };
    assert_eq!(text(consensus_state_path(&client, height)), "clients/07-tendermint-0/consensusStates/1-9");
}

#[test]
fn a_packet_expires_at_the_first_of_its_timeouts() {
    let height = |number| Height { revision: 1, number };
    let both = Timeout { height: Some(height(100)), timestamp_ns: Some(5_000) };
    for (at, time_ns, expected) in [(99, 4_999, false), (100, 0, true), (1, 5_000, true), (101, 9_000, true)] {
        assert_eq!(both.elapsed(height(at), time_ns), expected, "height {at}, time {time_ns}");
    }
    let of_another_revision = Timeout { height: Some(Height { revision: 2, number: 1 }), timestamp_ns: None };
    assert!(!of_another_revision.elapsed(height(1_000_000), u64::MAX));
}

#[test]
fn what_is_out_of_bounds_is_refused() {
    assert!(packet(Timeout { height: None, timestamp_ns: None }).validate().is_err());
    let mut empty = packet(Timeout { height: None, timestamp_ns: Some(1) });
    assert!(empty.validate().is_ok());
    empty.data.clear();
    assert!(empty.validate().is_err());
    assert!(PortId::new("t").is_err());
    assert!(PortId::new("a/b").is_err());
    assert!(ChannelId::new("chan").is_err());
    assert!(ConnectionId::new("conn").is_err());
}
