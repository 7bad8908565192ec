//! Packets between two chains: transfers and messages, there and back, with errors and timeouts. Not hostile behaviour: `hostile.rs`.

use crate::support::Pair;
use crate::support::pair::{ALICE, batch, echo_payload, written_ack};
use alloy::primitives::U256;
use alloy::sol_types::SolCall;
use causeway_evm_contracts::abi::{Echo, Kind, MessageOutcome, Router, TokenTransfer};

const ERROR_ACK: &str = "4774d4a575993f963b1c06573736617a457abef8589178db8d10c94b4ab511ab";

#[test]
fn a_transfer_goes_there_and_back() {
    let mut pair = Pair::new();
    let packet = pair.delivered_transfer(100);
    let (denom, voucher) = pair.voucher();
    assert_eq!(pair.b.balance(voucher, ALICE), 100);
    assert_eq!(pair.a.balance(pair.a.token, pair.a.transfer), 100);
    let block = pair.b_to_a();
    let ack = br#"{"result":"AQ=="}"#;
    let out = pair.a.ack(&packet, ack, &block).must();
    assert_eq!(out.events::<Router::AckPacket>().len(), 1);
    // Again: the commitment is gone.
    assert_eq!(pair.a.ack(&packet, ack, &block).must().events::<Router::Noop>().len(), 1);

    let (back, _) = pair.b.transfer(&denom, 40, &ALICE.to_string());
    assert_eq!(pair.b.balance(voucher, ALICE), 60);
    let block = pair.b_to_a();
    let before = pair.a.balance(pair.a.token, ALICE);
    assert_eq!(written_ack(&pair.a.recv(&back, &block)), ack);
    assert_eq!(pair.a.balance(pair.a.token, ALICE), before + 40);
    assert_eq!(pair.a.recv(&back, &block).must().events::<Router::Noop>().len(), 1, "a second delivery changes nothing");
    assert_eq!(pair.a.balance(pair.a.token, ALICE), before + 40);
}

#[test]
fn an_error_acknowledgement_refunds() {
    let mut pair = Pair::new();
    let before = pair.a.balance(pair.a.token, ALICE);
    let denom = pair.a.token_denom();
    let (packet, _) = pair.a.transfer(&denom, 100, "not an address");
    let block = pair.a_to_b();
    let out = pair.b.recv(&packet, &block).must();
    assert_eq!(out.events::<Router::IBCAppRecvPacketCallbackError>().len(), 1);
    assert_eq!(hex::encode(written_ack(&out)), ERROR_ACK);
    let block = pair.b_to_a();
    pair.a.ack(&packet, &hex::decode(ERROR_ACK).expect("hex"), &block).must();
    assert_eq!(pair.a.balance(pair.a.token, ALICE), before);
}

#[test]
fn a_timeout_refunds_and_only_when_it_is_due() {
    let mut pair = Pair::new();
    let before = pair.a.balance(pair.a.token, ALICE);
    let denom = pair.a.token_denom();
    let (packet, _) = pair.a.transfer(&denom, 100, &ALICE.to_string());
    let committed = pair.a_to_b();
    let early = pair.b_to_a();
    assert_eq!(pair.a.timeout(&packet, &early).error(), "IBCInvalidTimeoutTimestamp");
    pair.b.evm.time += 700;
    let due = pair.b_to_a();
    pair.a.timeout(&packet, &due).must();
    assert_eq!(pair.a.balance(pair.a.token, ALICE), before);
    // It cannot be received any more, not even with a good proof.
    pair.b.evm.time = packet.timeoutTimestamp;
    assert_eq!(pair.b.recv(&packet, &committed).error(), "IBCInvalidTimeoutTimestamp");
}

#[test]
fn a_received_packet_cannot_time_out() {
    let mut pair = Pair::new();
    let packet = pair.delivered_transfer(100);
    pair.b.evm.time += 700;
    let block = pair.b_to_a();
    assert_eq!(pair.a.timeout(&packet, &block).error(), "ProofPresent");
}

#[test]
fn a_message_is_answered() {
    let mut pair = Pair::new();
    let receiver = pair.b.echo;
    let packet = pair.a.message(receiver, echo_payload(b"hello"));
    let block = pair.a_to_b();
    let ack = written_ack(&pair.b.recv(&packet, &block));
    assert_eq!(pair.b.evm.view(receiver, &Echo::answersCall {}), U256::from(1));
    let block = pair.b_to_a();
    pair.a.ack(&packet, &ack, &block).must();
    assert_eq!(pair.a.evm.view(pair.a.echo, &Echo::resultsCall {}), U256::from(1));
    let result = pair.a.evm.view(pair.a.echo, &Echo::lastResultCall {});
    let answer = Echo::echoCall::abi_decode_returns(&result).expect("the receiver's answer");
    assert_eq!(answer.as_ref(), b"hello");
}

#[test]
fn a_message_that_fails_or_times_out_is_heard_of() {
    let mut pair = Pair::new();
    let payload = Echo::failCall { reason: "no".to_owned() }.abi_encode();
    let failing = pair.a.message(pair.b.echo, payload);
    let late = pair.a.message(pair.b.echo, echo_payload(b"late"));
    let block = pair.a_to_b();
    let ack = written_ack(&pair.b.recv(&failing, &block));
    assert_eq!(hex::encode(&ack), ERROR_ACK);
    pair.b.evm.time += 700;
    let block = pair.b_to_a();
    pair.a.ack(&failing, &ack, &block).must();
    pair.a.timeout(&late, &block).must();
    assert_eq!(pair.a.evm.view(pair.a.echo, &Echo::failuresCall {}), U256::from(1));
    assert_eq!(pair.a.evm.view(pair.a.echo, &Echo::timeoutsCall {}), U256::from(1));
}

#[test]
fn a_batch_updates_receives_and_acknowledges_with_shared_nodes() {
    let mut pair = Pair::new();
    let denom = pair.a.token_denom();
    let mut messages: Vec<_> = (0..20).map(|_| (Kind::Recv, pair.a.transfer(&denom, 5, &ALICE.to_string()).0, Vec::new())).collect();
    messages.push((Kind::Recv, pair.a.message(pair.b.echo, echo_payload(b"x")), Vec::new()));
    let trusted = pair.b.latest();
    let block = pair.a.seal();
    pair.b.evm.time = block.time;
    let relayed = batch(&pair.b.client_id, &block, Some(trusted), &messages);
    let out = pair.b.relay(&relayed);
    let results = out.answer::<Router::relayBatchCall>();
    assert_eq!(results, vec![MessageOutcome::Applied; 21]);
    let written = out.events::<Router::WriteAcknowledgement>();
    // The same again: all known.
    let again = batch(&pair.b.client_id, &block, None, &messages);
    assert_eq!(pair.b.relay(&again).answer::<Router::relayBatchCall>(), vec![MessageOutcome::Noop; 21]);

    let trusted = pair.a.latest();
    let block = pair.b.seal();
    pair.a.evm.time = block.time;
    let acks: Vec<_> = written.iter().map(|w| (Kind::Ack, w.packet.clone(), w.acknowledgements[0].to_vec())).collect();
    let relayed = batch(&pair.a.client_id, &block, Some(trusted), &acks);
    assert_eq!(pair.a.relay(&relayed).answer::<Router::relayBatchCall>(), vec![MessageOutcome::Applied; 21]);
    let held = pair.a.evm.view(pair.a.transfer, &TokenTransfer::escrowedCall { clientId: pair.a.client_id.clone(), token: pair.a.token });
    assert_eq!(held, U256::from(100));
}

#[test]
fn batched_timeouts_refund() {
    let mut pair = Pair::new();
    let before = pair.a.balance(pair.a.token, ALICE);
    let denom = pair.a.token_denom();
    let messages: Vec<_> = (0..5).map(|_| (Kind::Timeout, pair.a.transfer(&denom, 5, &ALICE.to_string()).0, Vec::new())).collect();
    pair.b.evm.time += 700;
    let block = pair.b_to_a();
    let relayed = batch(&pair.a.client_id, &block, None, &messages);
    assert_eq!(pair.a.relay(&relayed).answer::<Router::relayBatchCall>(), vec![MessageOutcome::Applied; 5]);
    assert_eq!(pair.a.balance(pair.a.token, ALICE), before);
}
