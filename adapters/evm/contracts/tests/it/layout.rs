//! Batches in encodings that the ABI allows and no encoder writes: offsets that point backwards, out of a message. What was proven must be
//! what runs (refuse.md C2, P5), and a receiver's words for an empty tank are no reason (C1).

use crate::support::Pair;
use crate::support::evm::{GAS, Outcome};
use crate::support::pair::{ALICE, Block, RELAYER, batch, written_ack};
use alloy::primitives::U256;
use alloy::sol_types::SolCall;
use causeway_evm_contracts::abi::{Echo, HostileApp, Kind, MessageOutcome, Packet, RelayBatch, Router};
use causeway_evm_contracts::refusal;

/// The calldata of `relayBatch` with words that can be aimed elsewhere.
struct Calldata(Vec<u8>);

impl Calldata {
    fn new(batch: RelayBatch) -> Self {
        Self(Router::relayBatchCall { batch }.abi_encode())
    }

    fn word(&self, at: usize) -> usize {
        U256::from_be_slice(&self.0[at..at + 32]).to()
    }

    /// Where the batch structure starts.
    const BATCH: usize = 4 + 32;

    /// Where the only message starts.
    fn message(&self) -> usize {
        let list = Self::BATCH + self.word(Self::BATCH + 5 * 32);
        list + 32 + self.word(list + 32)
    }

    /// Where the only message's payload starts.
    fn payload(&self) -> usize {
        let packet = self.message() + self.word(self.message() + 32);
        let first = packet + self.word(packet + 4 * 32) + 32;
        first + self.word(first)
    }

    /// Where the last node of the batch starts, its length included.
    fn last_node(&self) -> usize {
        let list = Self::BATCH + self.word(Self::BATCH + 3 * 32);
        list + 32 + self.word(list + 32 * self.word(list))
    }

    /// Makes the offset at `at`, counted from `base`, name `target`, which lies before it.
    fn aim_back(&mut self, at: usize, base: usize, target: usize) {
        assert!(target < base);
        let offset = U256::ZERO.wrapping_sub(U256::from(base - target));
        self.0[at..at + 32].copy_from_slice(&offset.to_be_bytes::<32>());
    }
}

fn one(client_id: &str, block: &Block, message: (Kind, Packet, Vec<u8>), hidden: &[u8]) -> Calldata {
    let mut relayed = batch(client_id, block, None, &[message]);
    relayed.nodes.push(hidden.to_vec().into());
    Calldata::new(relayed)
}

/// The one result of a batch, and its reason.
fn result(out: &Outcome) -> (MessageOutcome, String) {
    let event = out.clone().must().events::<Router::MessageResult>().remove(0);
    (out.answer::<Router::relayBatchCall>().remove(0), refusal::describe(&event.reason))
}

#[test]
fn refuses_c2_acknowledgement_that_lies_outside_of_its_message() {
    let mut pair = Pair::new();
    let denom = pair.a.token_denom();
    let before = pair.a.balance(pair.a.token, ALICE);
    let (packet, _) = pair.a.transfer(&denom, 500, "nobody");
    let block = pair.a_to_b();
    let ack = written_ack(&pair.b.recv(&packet, &block));
    let block = pair.b_to_a();
    // The proof is of the error acknowledgement; the message that runs would hold an empty one, and nothing would be refunded.
    let mut call = one(&pair.a.client_id, &block, (Kind::Ack, packet.clone(), ack.clone()), &ack);
    call.aim_back(call.message() + 2 * 32, call.message(), call.last_node());
    let out = pair.a.evm.send(RELAYER, pair.a.router, call.0.into(), GAS);
    assert_eq!(result(&out), (MessageOutcome::Failed, "OffsetInvalid".to_owned()));
    pair.a.relay(&batch(&pair.a.client_id, &block, None, &[(Kind::Ack, packet, ack)])).must();
    assert_eq!(pair.a.balance(pair.a.token, ALICE), before);
}

#[test]
fn refuses_c2_payload_that_lies_outside_of_its_message() {
    let mut pair = Pair::new();
    let packet = pair.a.raw("hostile", b"the value that was sent");
    let block = pair.a_to_b();
    let payload = &packet.payloads[0];
    let parts: [&[u8]; 5] = [
        payload.sourcePort.as_bytes(),
        payload.destPort.as_bytes(),
        payload.version.as_bytes(),
        payload.encoding.as_bytes(),
        &payload.value,
    ];
    for (index, part) in parts.into_iter().enumerate() {
        let mut call = one(&pair.b.client_id, &block, (Kind::Recv, packet.clone(), Vec::new()), part);
        call.aim_back(call.payload() + index * 32, call.payload(), call.last_node());
        let out = pair.b.evm.send(RELAYER, pair.b.router, call.0.into(), GAS);
        assert_eq!(result(&out), (MessageOutcome::Failed, "OffsetInvalid".to_owned()), "part {index}");
    }
    assert_eq!(pair.b.evm.view(pair.b.app, &HostileApp::callsCall {}), U256::ZERO);
    pair.b.relay(&batch(&pair.b.client_id, &block, None, &[(Kind::Recv, packet, Vec::new())])).must();
    assert_eq!(pair.b.evm.view(pair.b.app, &HostileApp::callsCall {}), U256::from(1));
}

#[test]
fn refuses_c1_reason_of_a_receiver_that_ran_out_below() {
    let mut pair = Pair::new();
    let rounds = U256::from(3_000);
    let packet = pair.a.message(pair.b.echo, Echo::workOrExplainCall { rounds }.abi_encode());
    let refused = pair.a.message(pair.b.echo, Echo::failCall { reason: "no".to_owned() }.abi_encode());
    let block = pair.a_to_b();
    let messages = [(Kind::Recv, packet.clone(), Vec::new()), (Kind::Recv, refused, Vec::new())];
    let starved = batch(&pair.b.client_id, &block, None, &messages);
    let out = pair.b.relay(&starved);
    assert_eq!(out.answer::<Router::relayBatchCall>(), vec![MessageOutcome::Failed, MessageOutcome::ErrorAck]);
    // Every amount of gas: delivered, or nothing written.
    let state = pair.b.evm.clone();
    let mut applied = 0;
    for promise in (450_000..4_000_000).step_by(50_000) {
        pair.b.evm = state.clone();
        let relayed = RelayBatch { minGasPerMessage: promise, ..batch(&pair.b.client_id, &block, None, &messages[..1]) };
        match pair.b.relay(&relayed).answer::<Router::relayBatchCall>()[0] {
            MessageOutcome::Applied => applied += 1,
            MessageOutcome::Failed => {}
            _ => panic!("starved into an error acknowledgement by a promise of {promise}"),
        }
    }
    assert!(applied > 10, "with enough gas it is delivered");
}
