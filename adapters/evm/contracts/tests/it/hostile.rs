//! What attackers try on the contracts: starved gas, reentrancy, floods, lying clients, poisoned batches. One test a rule of
//! refuse.md C1 to C3, C7, C8 and O2; C4 to C6 and C9 are in `conformance.rs`.

use crate::support::Pair;
use crate::support::evm::Outcome;
use crate::support::pair::{ALICE, Block, MIN_GAS, OWNER, RELAYER, batch, commitment_path, echo_payload, height};
use alloy::primitives::{Address, Bytes, U256, address};
use alloy::sol_types::{SolCall, SolValue};
use causeway_evm_contracts::abi::{
    self, ConsensusState, CounterpartyInfo, Echo, Height, HostileApp, HostileClient, Kind, MessageOutcome, MsgRecvPacket, MsgTimeoutPacket,
    Packet, Payload, QbftLightClient, RelayBatch, Router, TokenPacket, TokenTransfer,
};
use causeway_evm_contracts::{Contract, refusal};

const MALLORY: Address = address!("0x6666000000000000000000000000000000000006");

fn results(out: &Outcome) -> Vec<MessageOutcome> {
    out.answer::<Router::relayBatchCall>()
}

fn reasons(out: &Outcome) -> Vec<String> {
    out.events::<Router::MessageResult>().iter().map(|event| refusal::describe(&event.reason)).collect()
}

fn recvs(packets: Vec<Packet>) -> Vec<(Kind, Packet, Vec<u8>)> {
    packets.into_iter().map(|packet| (Kind::Recv, packet, Vec::new())).collect()
}

fn received(pair: &Pair, packet: &Packet) -> bool {
    pair.b.evm.view(pair.b.router, &Router::isPacketReceivedCall { destClient: packet.destClient.clone(), sequence: packet.sequence })
}

fn recv_call(packet: &Packet, block: &Block) -> Router::recvPacketCall {
    let proof = block.proof(&commitment_path(&packet.sourceClient, packet.sequence));
    Router::recvPacketCall { m: MsgRecvPacket { packet: packet.clone(), proofCommitment: proof, proofHeight: height(block) } }
}

#[test]
fn refuses_c1_starved_callback() {
    let mut pair = Pair::new();
    let packet = pair.a.message(pair.b.echo, echo_payload(&[7; 600]));
    let block = pair.a_to_b();
    let call = recv_call(&packet, &block);
    let before = pair.b.evm.clone();
    let mut delivered = 0;
    for gas in (60_000..1_200_000).step_by(4_000) {
        pair.b.evm = before.clone();
        let out = pair.b.evm.call_with_gas(RELAYER, pair.b.router, &call, gas);
        assert_eq!(out.ok, received(&pair, &packet), "a receipt is written exactly when the transaction succeeds");
        if out.ok {
            let written = out.events::<Router::WriteAcknowledgement>();
            assert_ne!(written[0].acknowledgements[0].len(), 32, "starved into an error acknowledgement with {gas} gas");
            delivered += 1;
        }
    }
    assert!(delivered > 0, "with enough gas it is delivered");
}

#[test]
fn refuses_c1_batch_below_the_floor() {
    let mut pair = Pair::new();
    let packets = vec![pair.a.message(pair.b.echo, echo_payload(b"1")), pair.a.message(pair.b.echo, echo_payload(b"2"))];
    let block = pair.a_to_b();
    let good = batch(&pair.b.client_id, &block, None, &recvs(packets.clone()));
    let low = RelayBatch { minGasPerMessage: MIN_GAS - 1, ..good.clone() };
    assert_eq!(pair.b.relay(&low).error(), "MinGasTooLow");
    // Enough for the proofs, not for the promise: nothing is written, and it can be tried again.
    let out = pair.b.evm.call_with_gas(RELAYER, pair.b.router, &Router::relayBatchCall { batch: good.clone() }, 600_000);
    assert_eq!(results(&out)[1], MessageOutcome::Failed);
    assert_eq!(reasons(&out)[1], "InsufficientGas");
    assert!(!received(&pair, &packets[1]));
    assert_eq!(results(&pair.b.relay(&good))[1], MessageOutcome::Applied);
}

#[test]
fn refuses_c1_out_of_gas_is_no_reason() {
    let mut pair = Pair::new();
    let burned = pair.a.raw("hostile", b"x");
    let burner = pair.a.message(pair.b.echo, Echo::burnCall {}.abi_encode());
    let silent = pair.a.message(pair.b.echo, Echo::failSilentlyCall {}.abi_encode());
    let good = pair.a.message(pair.b.echo, echo_payload(b"x"));
    let block = pair.a_to_b();
    pair.b.evm.call(OWNER, pair.b.app, &HostileApp::setModeCall { mode_: 3 }).must();
    assert_eq!(pair.b.recv(&burned, &block).error(), "IBCFailedCallback");
    let messages = recvs(vec![burned.clone(), burner, silent, good]);
    let out = pair.b.relay(&batch(&pair.b.client_id, &block, None, &messages));
    use MessageOutcome::{Applied, Failed};
    assert_eq!(results(&out), vec![Failed, Failed, Failed, Applied]);
    assert!(!received(&pair, &burned));
}

#[test]
fn refuses_c1_less_than_the_floor_of_a_port() {
    let mut pair = Pair::new();
    let packet = pair.a.raw("hostile", b"x");
    let block = pair.a_to_b();
    // A receiver that says no, in words, when it is given less than a million gas.
    pair.b.evm.call(OWNER, pair.b.app, &HostileApp::setModeCall { mode_: 6 }).must();
    let promise =
        |pair: &Pair, gas| RelayBatch { minGasPerMessage: gas, ..batch(&pair.b.client_id, &block, None, &recvs(vec![packet.clone()])) };
    let least = promise(&pair, MIN_GAS);
    let state = pair.b.evm.clone();
    // Without a floor of its own a stingy relayer turns its packet into an error acknowledgement.
    assert_eq!(results(&pair.b.relay(&least)), vec![MessageOutcome::ErrorAck]);
    pair.b.evm = state;
    let floor = Router::setPortGasFloorCall { portId: "hostile".to_owned(), gasFloor: U256::from(1_010_000) };
    pair.b.evm.call(OWNER, pair.b.router, &floor).must();
    let out = pair.b.relay(&least);
    assert_eq!((results(&out), reasons(&out)), (vec![MessageOutcome::Failed], vec!["InsufficientGas".to_owned()]));
    // Every amount of gas, in a batch and alone: delivered, or nothing written.
    let state = pair.b.evm.clone();
    let (mut delivered, call) = (0, recv_call(&packet, &block));
    for gas in (450_000..2_000_000).step_by(10_000) {
        pair.b.evm = state.clone();
        let out = pair.b.relay(&promise(&pair, gas));
        assert_ne!(results(&out), vec![MessageOutcome::ErrorAck], "starved by a promise of {gas}");
        pair.b.evm = state.clone();
        let out = pair.b.evm.call_with_gas(RELAYER, pair.b.router, &call, gas);
        assert_eq!(out.ok, received(&pair, &packet));
        if out.ok {
            let written = out.events::<Router::WriteAcknowledgement>();
            assert_eq!(written[0].acknowledgements[0].as_ref(), b"ok", "starved into an error acknowledgement with {gas} gas");
            delivered += 1;
        }
    }
    assert!(delivered > 0, "with enough gas it is delivered");
    pair.b.evm = state;
    assert_eq!(results(&pair.b.relay(&promise(&pair, 1_200_000))), vec![MessageOutcome::Applied]);
}

#[test]
fn refuses_c1_less_than_the_floor_of_a_port_for_answers() {
    let mut pair = Pair::new();
    let packet = pair.a.raw("hostile", b"x");
    let late = pair.a.raw("nowhere", b"y");
    let block = pair.a_to_b();
    let ack = crate::support::pair::written_ack(&pair.b.recv(&packet, &block));
    pair.b.evm.time += 700;
    let block = pair.b_to_a();
    let floor = Router::setPortGasFloorCall { portId: "hostile".to_owned(), gasFloor: U256::from(1_000_000) };
    pair.a.evm.call(OWNER, pair.a.router, &floor).must();
    let messages = [(Kind::Ack, packet, ack), (Kind::Timeout, late, Vec::new())];
    let relayed = batch(&pair.a.client_id, &block, None, &messages);
    let out = pair.a.relay(&relayed);
    assert_eq!((results(&out), reasons(&out)), (vec![MessageOutcome::Failed; 2], vec!["InsufficientGas".to_owned(); 2]));
    let generous = RelayBatch { minGasPerMessage: 1_200_000, ..relayed };
    assert_eq!(results(&pair.a.relay(&generous)), vec![MessageOutcome::Applied; 2]);
}

/// refuse.md H10: a verification's result is taken from nobody but the router itself.
#[test]
fn refuses_c2_self_call_by_others_and_shows_the_real_relayer() {
    let mut pair = Pair::new();
    let packet = pair.a.raw("hostile", b"x");
    let block = pair.a_to_b();
    let relayed = batch(&pair.b.client_id, &block, None, &recvs(vec![packet]));
    let forged = Router::relayOneCall { v: abi::Verified { relayer: MALLORY, ..forged_ends(&pair) }, m: relayed.messages[0].clone() };
    assert_eq!(pair.b.evm.call(MALLORY, pair.b.router, &forged).error(), "NotSelf");
    let through = Router::multicallCall { calls: vec![forged.abi_encode().into()] };
    assert_eq!(pair.b.evm.call(MALLORY, pair.b.router, &through).error(), "NotSelf");
    pair.b.relay(&relayed).must();
    assert_eq!(pair.b.evm.view(pair.b.app, &HostileApp::lastRelayerCall {}), RELAYER);
}

fn forged_ends(pair: &Pair) -> abi::Verified {
    abi::Verified {
        relayer: MALLORY,
        clientHash: alloy::primitives::keccak256(&pair.b.client_id),
        counterpartyHash: alloy::primitives::keccak256(&pair.a.client_id),
        timestampSeconds: U256::MAX,
    }
}

#[test]
fn refuses_c2_floods_of_return_data() {
    let mut pair = Pair::new();
    let packets = vec![pair.a.raw("hostile", b"1"), pair.a.raw("hostile", b"2")];
    let block = pair.a_to_b();
    pair.b.evm.call(OWNER, pair.b.app, &HostileApp::setModeCall { mode_: 4 }).must();
    let messages = recvs(packets);
    let relayed = batch(&pair.b.client_id, &block, None, &messages);
    let out = pair.b.relay(&relayed);
    assert_eq!(reasons(&out), ["AcknowledgementTooLarge", "AcknowledgementTooLarge"]);
    pair.b.evm.call(OWNER, pair.b.app, &HostileApp::setModeCall { mode_: 5 }).must();
    let out = pair.b.relay(&relayed);
    assert_eq!(results(&out), vec![MessageOutcome::ErrorAck; 2]);
    let errors = out.events::<Router::IBCAppRecvPacketCallbackError>();
    assert!(errors.iter().all(|error| error.reason.len() <= 256), "a reason is capped");
}

#[test]
fn refuses_c2_messages_after_a_freeze_and_keeps_the_freeze() {
    let mut pair = Pair::new();
    let packets = vec![pair.a.raw("hostile", b"1"), pair.a.raw("hostile", b"2")];
    let block = pair.a_to_b();
    let trusted = pair.b.latest();
    // Two blocks of one height, sealed by the same validators.
    let fork = |pair: &mut Pair, beneficiary: usize| {
        let mut spec = pair.a.world.spec();
        spec.number = trusted + 5;
        spec.timestamp_s = pair.b.evm.time;
        spec.beneficiary = pair.a.world.keys[beneficiary].address;
        abi::Update {
            trustedHeight: trusted,
            trustedValidators: spec.validators.iter().map(|address| Address::from(*address)).collect(),
            header: spec.seal(pair.a.world.quorum()).into(),
            accountProof: vec![],
        }
    };
    let both = abi::Misbehaviour { a: fork(&mut pair, 0), b: fork(&mut pair, 1) };
    let plan = QbftLightClient::misbehaviourCall { misbehaviourMsg: both.abi_encode().into() }.abi_encode();
    let arm = HostileApp::armCall { target_: pair.b.client, plan_: plan.into() };
    pair.b.evm.call(OWNER, pair.b.app, &arm).must();
    let relayed = RelayBatch { minGasPerMessage: 5_000_000, ..batch(&pair.b.client_id, &block, None, &recvs(packets)) };
    let out = pair.b.relay(&relayed);
    assert_eq!(results(&out), vec![MessageOutcome::Applied, MessageOutcome::Failed], "{:?}", reasons(&out));
    assert_eq!(reasons(&out)[1], "ClientNotActive");
    assert!(matches!(pair.b.evm.view(pair.b.client, &QbftLightClient::statusCall {}), abi::ClientStatus::Frozen));
    // A batch whose own update proves a fork keeps the freeze although every message fails.
    let again = pair.b.update(&block);
    assert_eq!(again.error(), "ClientFrozen");
}

#[test]
fn refuses_c2_batch_update_that_is_a_fork_but_freezes() {
    let mut pair = Pair::new();
    let packet = pair.a.raw("hostile", b"1");
    let trusted = pair.b.latest();
    let block = pair.a_to_b();
    let mut spec = pair.a.world.spec();
    (spec.number, spec.timestamp_s) = (block.height, block.time);
    spec.beneficiary = pair.a.world.keys[2].address;
    let forked = abi::Update {
        trustedHeight: trusted,
        trustedValidators: spec.validators.iter().map(|address| Address::from(*address)).collect(),
        header: spec.seal(pair.a.world.quorum()).into(),
        accountProof: vec![],
    };
    let mut relayed = batch(&pair.b.client_id, &block, None, &recvs(vec![packet]));
    relayed.update = forked.abi_encode().into();
    let out = pair.b.relay(&relayed);
    assert_eq!(results(&out), vec![MessageOutcome::Failed]);
    assert_eq!(reasons(&out), ["ClientFrozen"]);
    assert!(matches!(pair.b.evm.view(pair.b.client, &QbftLightClient::statusCall {}), abi::ClientStatus::Frozen));
}

#[test]
fn refuses_c2_batch_over_a_prefix_that_it_cannot_prove_but_freezes() {
    let mut pair = Pair::new();
    let packet = pair.a.raw("hostile", b"1");
    let trusted = pair.a.seal();
    let block = pair.a.seal();
    pair.b.evm.time = block.time;
    let init = pair.a.init(&trusted);
    pair.b.create_client(&init);
    let info = CounterpartyInfo { clientId: pair.a.client_id.clone(), merklePrefix: vec![Bytes::from_static(b"ibc"), Bytes::new()] };
    let register = Router::registerCounterpartyCall { clientId: pair.b.client_id.clone(), info };
    pair.b.evm.call(OWNER, pair.b.router, &register).must();
    pair.b.update(&block).must();
    let mut spec = pair.a.world.spec();
    (spec.number, spec.timestamp_s) = (block.height, block.time);
    spec.beneficiary = pair.a.world.keys[2].address;
    let forked = abi::Update {
        trustedHeight: trusted.height,
        trustedValidators: spec.validators.iter().map(|address| Address::from(*address)).collect(),
        header: spec.seal(pair.a.world.quorum()).into(),
        accountProof: vec![],
    };
    let mut relayed = batch(&pair.b.client_id, &block, None, &recvs(vec![packet]));
    relayed.update = forked.abi_encode().into();
    let out = pair.b.relay(&relayed);
    assert_eq!((results(&out), reasons(&out)), (vec![MessageOutcome::Failed], vec!["CounterpartyInvalid".to_owned()]));
    assert!(matches!(pair.b.evm.view(pair.b.client, &QbftLightClient::statusCall {}), abi::ClientStatus::Frozen));
}

/// A client of Mallory's own on A, which says yes to everything.
fn mallorys_client(pair: &mut Pair) -> (Address, String) {
    let client = pair.a.evm.deploy(MALLORY, Contract::HostileClient, &[]);
    let info = CounterpartyInfo { clientId: "evil-0".to_owned(), merklePrefix: vec![Bytes::new()] };
    let out = pair.a.evm.call(MALLORY, pair.a.router, &Router::addClient_1Call { info, client });
    (client, out.answer::<Router::addClient_1Call>())
}

fn theft(pair: &Pair, client_id: &str, amount: u64) -> Packet {
    let value = TokenPacket {
        denom: format!("transfer/evil-0/{}", pair.a.token_denom()),
        sender: MALLORY.to_string(),
        receiver: MALLORY.to_string(),
        amount: U256::from(amount),
        memo: String::new(),
    };
    Packet {
        sequence: 1,
        sourceClient: "evil-0".to_owned(),
        destClient: client_id.to_owned(),
        timeoutTimestamp: pair.a.evm.time + 100,
        payloads: vec![Payload {
            sourcePort: "transfer".to_owned(),
            destPort: "transfer".to_owned(),
            version: "ics20-1".to_owned(),
            encoding: "application/x-solidity-abi".to_owned(),
            value: value.abi_encode().into(),
        }],
    }
}

fn deliver(pair: &mut Pair, packet: &Packet) -> Outcome {
    let m = MsgRecvPacket {
        packet: packet.clone(),
        proofCommitment: Bytes::new(),
        proofHeight: Height { revisionNumber: 0, revisionHeight: 1 },
    };
    pair.a.evm.call(MALLORY, pair.a.router, &Router::recvPacketCall { m })
}

#[test]
fn refuses_c3_escrow_of_another_client() {
    let mut pair = Pair::new();
    pair.delivered_transfer(1000);
    let (_, client_id) = mallorys_client(&mut pair);
    let packet = theft(&pair, &client_id, 1);
    let out = deliver(&mut pair, &packet).must();
    let errors = out.events::<Router::IBCAppRecvPacketCallbackError>();
    assert_eq!(refusal::error_name(&errors[0].reason), Some("EscrowTooSmall"));
    assert_eq!(pair.a.balance(pair.a.token, MALLORY), 0);
    assert_eq!(pair.a.balance(pair.a.token, pair.a.transfer), 1000);
    let mine = TokenTransfer::escrowedCall { clientId: pair.a.client_id.clone(), token: pair.a.token };
    assert_eq!(pair.a.evm.view(pair.a.transfer, &mine), U256::from(1000));
}

#[test]
fn refuses_c3_hostile_client_code() {
    let mut pair = Pair::new();
    let (client, client_id) = mallorys_client(&mut pair);
    let packet = theft(&pair, &client_id, 1);
    for mode in 1..=3 {
        pair.a.evm.call(MALLORY, client, &HostileClient::setModeCall { mode_: U256::from(mode) }).must();
        let out = deliver(&mut pair, &packet);
        assert!(!out.ok, "mode {mode}");
        assert!(out.gas < 30_000_000, "a client used {} gas", out.gas);
        assert!(out.output.len() < 1024, "a client's answer is capped");
        let relayed = RelayBatch {
            clientId: client_id.clone(),
            update: Bytes::new(),
            proofHeight: 1,
            nodes: vec![],
            minGasPerMessage: MIN_GAS,
            messages: vec![abi::RelayMessage { kind: Kind::Recv, packet: packet.clone(), acknowledgement: Bytes::new(), nodes: vec![] }],
        };
        assert_eq!(results(&pair.a.relay(&relayed)), vec![MessageOutcome::Failed], "mode {mode}");
    }
}

#[test]
fn refuses_c3_packets_of_another_client_under_mallorys_proof() {
    let mut pair = Pair::new();
    let honest = pair.delivered_transfer(10);
    let (_, client_id) = mallorys_client(&mut pair);
    // Mallory's client proves anything; the batch names it, the packet names the honest one.
    let mut stolen = theft(&pair, &client_id, 5);
    (stolen.destClient, stolen.sourceClient) = (pair.a.client_id.clone(), pair.b.client_id.clone());
    let message = |kind, packet: &Packet| abi::RelayMessage {
        kind,
        packet: packet.clone(),
        acknowledgement: Bytes::from_static(b"x"),
        nodes: vec![],
    };
    let relayed = RelayBatch {
        clientId: client_id,
        update: Bytes::new(),
        proofHeight: 1,
        nodes: vec![],
        minGasPerMessage: MIN_GAS,
        messages: vec![message(Kind::Recv, &stolen), message(Kind::Ack, &honest), message(Kind::Timeout, &honest)],
    };
    let out = pair.a.relay(&relayed);
    assert_eq!(results(&out), vec![MessageOutcome::Failed; 3]);
    assert_eq!(reasons(&out), ["WrongClient"; 3]);
}

#[test]
fn refuses_c7_proof_of_another_height() {
    let mut pair = Pair::new();
    let first = pair.a.raw("hostile", b"1");
    let old = pair.a_to_b();
    pair.a.raw("hostile", b"2");
    let new = pair.a_to_b();
    let mut call = recv_call(&first, &old);
    call.m.proofHeight = height(&new);
    assert_eq!(pair.b.evm.call(RELAYER, pair.b.router, &call).error(), "ProofNodeHash");
    call.m.proofHeight.revisionHeight = new.height + 1;
    assert_eq!(pair.b.evm.call(RELAYER, pair.b.router, &call).error(), "TrustedHeightUnknown");
    call.m.proofHeight = Height { revisionNumber: 1, revisionHeight: old.height };
    assert_eq!(pair.b.evm.call(RELAYER, pair.b.router, &call).error(), "RevisionMustBeZero");
}

#[test]
fn refuses_c8_expired_client_and_recovers_by_the_named_authority() {
    let mut pair = Pair::new();
    let packet = pair.a.raw("hostile", b"1");
    let block = pair.a_to_b();
    let state = ConsensusState {
        timestamp: block.time + 86_400 * 8,
        storageRoot: block.root.into(),
        validatorsHash: alloy::primitives::keccak256(block.validators.concat()),
    };
    let recover = |state: &ConsensusState, height| QbftLightClient::recoverCall { height, state: state.clone() };
    let client = pair.b.client;
    assert_eq!(pair.b.evm.call(OWNER, client, &recover(&state, block.height + 9)).error(), "RecoveryNotNeeded");
    pair.b.evm.time = block.time + 86_400 * 7 + 1;
    assert_eq!(pair.b.recv(&packet, &block).error(), "TrustingPeriod");
    assert_eq!(pair.b.evm.call(MALLORY, client, &recover(&state, block.height + 9)).error(), "NotRecoverer");
    assert_eq!(pair.b.evm.call(OWNER, client, &recover(&state, block.height)).error(), "HeightNotNewer");
    assert_eq!(pair.b.evm.call(OWNER, client, &recover(&state, block.height + 9)).error(), "TimeInFuture");
    pair.b.evm.time = block.time + 86_400 * 8;
    pair.b.evm.call(OWNER, client, &recover(&state, block.height + 9)).must();
    // States from before the recovery no longer count.
    let known = |height| QbftLightClient::hasConsensusStateCall { height };
    assert!(!pair.b.evm.view(client, &known(block.height)));
    assert!(pair.b.evm.view(client, &known(block.height + 9)));
}

/// Arms B's hostile application with a call and delivers a packet to it; answers what the inner call was told.
fn reenter(pair: &mut Pair, packet: &Packet, block: &Block, plan: Vec<u8>) -> String {
    let arm = HostileApp::armCall { target_: pair.b.router, plan_: plan.into() };
    pair.b.evm.call(OWNER, pair.b.app, &arm).must();
    pair.b.recv(packet, block).must();
    assert!(!pair.b.evm.view(pair.b.app, &HostileApp::lastOkCall {}), "the inner call went through");
    refusal::describe(&pair.b.evm.view(pair.b.app, &HostileApp::lastAnswerCall {}))
}

#[test]
fn refuses_reentrance_from_a_receiver() {
    let mut pair = Pair::new();
    let packets: Vec<_> = (0..6).map(|n| pair.a.raw("hostile", &[n])).collect();
    let outgoing = pair.b.raw("nowhere", b"x");
    let block = pair.a_to_b();
    let other = pair.a.raw("hostile", b"other");
    let later = pair.a_to_b();
    let relayed = batch(&pair.b.client_id, &later, None, &recvs(vec![other.clone()]));
    let timeout = MsgTimeoutPacket { packet: outgoing, proofTimeout: Bytes::new(), proofHeight: height(&block) };
    let send = abi::MsgSendPacket {
        sourceClient: pair.b.client_id.clone(),
        timeoutTimestamp: pair.b.evm.time + 50,
        payload: other.payloads[0].clone(),
    };
    let update = Router::updateClientCall { clientId: pair.b.client_id.clone(), updateMsg: Bytes::new() };
    let plans = [
        recv_call(&other, &later).abi_encode(),
        Router::relayBatchCall { batch: relayed }.abi_encode(),
        Router::timeoutPacketCall { m: timeout }.abi_encode(),
        Router::sendPacketCall { m: send }.abi_encode(),
        update.abi_encode(),
        Router::multicallCall { calls: vec![recv_call(&other, &later).abi_encode().into()] }.abi_encode(),
    ];
    for (packet, plan) in packets.iter().zip(plans) {
        assert_eq!(reenter(&mut pair, packet, &block, plan), "Reentered");
    }
}

#[test]
fn refuses_o2_timeout_replayed_inside_its_callback() {
    let mut pair = Pair::new();
    let packet = pair.a.raw("nowhere", b"x");
    pair.b.evm.time += 700;
    let block = pair.b_to_a();
    let proof = block.proof(&crate::support::pair::receipt_path(&packet.destClient, packet.sequence));
    let msg = MsgTimeoutPacket { packet: packet.clone(), proofTimeout: proof, proofHeight: height(&block) };
    let replay = Router::timeoutPacketCall { m: msg }.abi_encode();
    let arm = HostileApp::armCall { target_: pair.a.router, plan_: replay.into() };
    pair.a.evm.call(OWNER, pair.a.app, &arm).must();
    // The callback also sees that the commitment is gone before it runs.
    let relayed = batch(&pair.a.client_id, &block, None, &[(Kind::Timeout, packet.clone(), Vec::new())]);
    assert_eq!(results(&pair.a.relay(&relayed)), vec![MessageOutcome::Applied]);
    assert_eq!(refusal::describe(&pair.a.evm.view(pair.a.app, &HostileApp::lastAnswerCall {})), "Reentered");
    assert_eq!(pair.a.evm.view(pair.a.app, &HostileApp::timeoutsCall {}), U256::from(1));
    let probe = Router::getPacketCommitmentCall { sourceClient: packet.sourceClient.clone(), sequence: packet.sequence };
    let arm = HostileApp::armCall { target_: pair.a.router, plan_: probe.abi_encode().into() };
    let second = pair.a.raw("nowhere", b"y");
    pair.b.evm.time += 700;
    let block = pair.b_to_a();
    pair.a.evm.call(OWNER, pair.a.app, &arm).must();
    let probe = Router::getPacketCommitmentCall { sourceClient: second.sourceClient.clone(), sequence: second.sequence };
    let arm = HostileApp::armCall { target_: pair.a.router, plan_: probe.abi_encode().into() };
    pair.a.evm.call(OWNER, pair.a.app, &arm).must();
    pair.a.timeout(&second, &block).must();
    assert_eq!(pair.a.evm.view(pair.a.app, &HostileApp::lastAnswerCall {}).as_ref(), [0; 32]);
}

#[test]
fn poison_in_a_batch_harms_nothing_else() {
    let mut pair = Pair::new();
    let denom = pair.a.token_denom();
    let mut good = Vec::new();
    let mut messages = Vec::new();
    let add = |messages: &mut Vec<_>, packet: Packet| messages.push((Kind::Recv, packet, Vec::new()));
    for step in 0..4 {
        let (packet, _) = pair.a.transfer(&denom, 10, &ALICE.to_string());
        good.push(packet.clone());
        add(&mut messages, packet);
        let poison = match step {
            0 => pair.a.raw("nowhere", b"unknown port"),
            1 => pair.a.message(pair.b.echo, Echo::burnCall {}.abi_encode()),
            2 => pair.a.message(pair.b.echo, Echo::failCall { reason: "no".to_owned() }.abi_encode()),
            _ => {
                let mut forged = pair.a.transfer(&denom, 10, &ALICE.to_string()).0;
                forged.payloads[0].value = Bytes::from_static(b"forged");
                forged
            }
        };
        add(&mut messages, poison);
    }
    let mut foreign = good[0].clone();
    foreign.sourceClient = "qbft-9".to_owned();
    add(&mut messages, foreign);
    let block = pair.a_to_b();
    let out = pair.b.relay(&batch(&pair.b.client_id, &block, None, &messages));
    use MessageOutcome::{Applied, ErrorAck, Failed};
    assert_eq!(results(&out), vec![Applied, Failed, Applied, Failed, Applied, ErrorAck, Applied, Failed, Failed], "{:?}", reasons(&out));
    assert_eq!(reasons(&out)[1], "IBCAppNotFound");
    assert_eq!(reasons(&out)[7], "ProofNotAccepted");
    assert_eq!(pair.b.balance(pair.voucher().1, ALICE), 40);
}

#[test]
fn a_stubborn_callback_does_not_hold_the_acknowledgement() {
    let mut pair = Pair::new();
    let packet = pair.a.message(pair.b.echo, echo_payload(b"x"));
    pair.a.evm.call(ALICE, pair.a.echo, &Echo::setStubbornCall { stubborn_: true }).must();
    let block = pair.a_to_b();
    let ack = crate::support::pair::written_ack(&pair.b.recv(&packet, &block));
    let block = pair.b_to_a();
    let out = pair.a.ack(&packet, &ack, &block).must();
    assert_eq!(out.events::<abi::MessageGateway::CallbackFailed>().len(), 1);
    assert_eq!(out.events::<Router::AckPacket>().len(), 1);
}
