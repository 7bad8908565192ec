//! Tests of the fake families: packets go both ways between every two of them, lies are refused, and the awkward properties hold.

use super::*;
use crate::*;
use causeway_types::{Acknowledgement, Claim, ClientId, Height, Packet};

const FEES: FeePolicy = FeePolicy { gas_headroom_percent: 120, gas_price_max: None, replace_bump_percent: 15, replaces_price: None };

fn pair(left: FakeFamily, right: FakeFamily) -> FakePair {
    FakeWorld::pair(left, right, FakeWait::Immediate).unwrap()
}

/// A side of a pair, with the client on it.
struct Side<'a> {
    chain: &'a FakeChain,
    client: &'a ClientId,
}

async fn slot(chain: &FakeChain) -> Slot {
    match chain.adapter().account("relayer").await.unwrap().next_slot {
        Some(number) => Slot::Number(number),
        None => Slot::Expiry(chain.height().plus(10)),
    }
}

async fn submit(world: &FakeWorld, chain: &FakeChain, messages: Vec<Message>, proofs: Vec<ProofGroup>) -> (Built, Vec<MessageResult>) {
    let adapter = chain.adapter();
    let request = BuildRequest { signer: "relayer".into(), messages, proofs, slot: slot(chain).await, fees: FEES, simulate: true };
    let built = adapter.build(request).await.unwrap();
    if built.unsigned.is_empty() {
        return (built, Vec::new());
    }
    let tx = adapter.sign("relayer", &built).await.unwrap();
    assert_eq!(adapter.broadcast(&tx).await.unwrap(), BroadcastResult::Accepted);
    world.tick(1);
    world.tick(1);
    let Outcome::Included { results, .. } = adapter.outcome(&tx).await.unwrap() else { panic!("not included") };
    (built, results)
}

/// Proves a claim about `from` on `to`: waits until it is provable, updates the client, fetches, verifies, encodes.
async fn prove(world: &FakeWorld, from: &FakeChain, to: &Side<'_>, claim: &Claim) -> ProofGroup {
    let (source, host) = (from.adapter(), to.chain.adapter());
    let need = loop {
        match source.provable(claim).await.unwrap() {
            Provable::From(height) | Provable::Exactly(height) => break height,
            Provable::Later { .. } => world.tick(1),
        }
    };
    let view = host.client(to.client).await.unwrap();
    let limits = host.describe().await.unwrap().limits;
    let Plan::Steps(steps) = source.plan_update(&view, Some(need), limits).await.unwrap() else { panic!("not yet") };
    let light_client = from.light_client();
    for step in &steps {
        let trusted = from.trusted(step.trusted).unwrap();
        let verdict = light_client.verify_update(&trusted, &step.update, &from.config().params, world.now_s());
        assert_eq!(verdict, Verdict::Success(from.trusted(step.resulting).unwrap()));
        while step.not_before_s.is_some_and(|time| world.now_s() < time) {
            world.tick(1);
        }
        let update = light_client.encode_update(&view.host_encoding, &step.update).unwrap();
        let (built, results) = submit(world, to.chain, vec![Message::UpdateClient { client_id: to.client.clone(), update }], vec![]).await;
        assert_eq!(results, vec![MessageResult::Applied { created: None }], "{:?}", built.rejected);
    }
    let height = if steps.is_empty() && from.config().family != FakeFamily::BlockBound {
        view.latest
    } else {
        steps.last().map_or(need, |s| s.resulting)
    };
    let evidence = source.fetch(core::slice::from_ref(claim), height).await.unwrap();
    light_client.verify_claim(&from.trusted(height).unwrap(), claim, &evidence, 0).unwrap();
    ProofGroup { client_id: to.client.clone(), evidence: light_client.encode_evidence(&view.host_encoding, &evidence).unwrap() }
}

async fn acknowledgement(chain: &FakeChain, packet: &Packet) -> Acknowledgement {
    let request = HydrateRequest { end: packet.dest(), kind: HydrateKind::Acknowledged, sequences: vec![packet.sequence()], range: None };
    match chain.adapter().hydrate(request).await.unwrap().remove(0) {
        Hydrated::Found(LocatedEvent { event: Event::Acknowledged { acknowledgement, .. }, .. }) => acknowledgement,
        other => panic!("{other:?}"),
    }
}

async fn check_round_trip(left: FakeFamily, right: FakeFamily, port: &str) {
    let FakePair { world, left, right, left_client, right_client } = pair(left, right);
    let packet = left.send_to(&left_client, port, b"hello", world.now_s() + 1_000).unwrap();
    world.tick(1);
    let claim = Claim::Commitment { packet: packet.clone(), locator: None };
    let to = Side { chain: &right, client: &right_client };
    let proof = prove(&world, &left, &to, &claim).await;
    let receive = Message::Receive { packet: packet.clone(), proof: (0, 0) };
    let (_, results) = submit(&world, &right, vec![receive.clone()], vec![proof.clone()]).await;
    let expected = if port == PORT_REFUSE { MessageResult::ErrorAck } else { MessageResult::Applied { created: None } };
    assert_eq!(results, vec![expected]);
    assert!(right.has_receipt(&packet));
    let (built, _) = submit(&world, &right, vec![receive], vec![proof]).await;
    assert_eq!(built.rejected, vec![Rejected { index: 0, reason: RejectReason::AlreadyDone }]);

    let acknowledgement = acknowledgement(&right, &packet).await;
    assert_eq!(acknowledgement.is_error(), port == PORT_REFUSE);
    let claim = Claim::Ack { packet: packet.clone(), acknowledgement: acknowledgement.clone(), locator: None };
    let to = Side { chain: &left, client: &left_client };
    let proof = prove(&world, &right, &to, &claim).await;
    let message = Message::Acknowledge { packet: packet.clone(), acknowledgement, proof: (0, 0) };
    let (_, results) = submit(&world, &left, vec![message], vec![proof]).await;
    assert_eq!(results, vec![MessageResult::Applied { created: None }]);
    assert!(!left.has_commitment(&packet));
}

#[tokio::test]
async fn packets_go_round_between_every_two_families() {
    for left in FakeFamily::ALL {
        for right in FakeFamily::ALL {
            for port in [PORT_ECHO, PORT_REFUSE] {
                check_round_trip(left, right, port).await;
            }
        }
    }
}

#[tokio::test]
async fn packets_time_out_between_every_two_families() {
    for left in FakeFamily::ALL {
        for right in FakeFamily::ALL {
            let FakePair { world, left, right, left_client, .. } = pair(left, right);
            let packet = left.send_to(&left_client, "nowhere", b"x", world.now_s() + 20).unwrap();
            world.tick(30);
            let claim = if right.config().family.absence() == Absence::Provable {
                Claim::NoReceipt { packet: packet.clone() }
            } else {
                let (_, results) = submit(&world, &right, vec![Message::MarkExpired { packet: packet.clone() }], vec![]).await;
                assert_eq!(results, vec![MessageResult::Applied { created: None }]);
                Claim::Expired { packet: packet.clone(), locator: None }
            };
            let to = Side { chain: &left, client: &left_client };
            let proof = prove(&world, &right, &to, &claim).await;
            let message = Message::Timeout { packet: packet.clone(), order: causeway_types::classic::Order::Unordered, proof: (0, 0) };
            let (_, results) = submit(&world, &left, vec![message], vec![proof]).await;
            assert_eq!(results, vec![MessageResult::Applied { created: None }]);
            assert!(!left.has_commitment(&packet));
        }
    }
}

#[tokio::test]
async fn every_changed_byte_of_evidence_and_updates_is_refused() {
    for family in FakeFamily::ALL {
        let FakePair { world, left, right, left_client, right_client } = pair(family, FakeFamily::Lagged);
        let packets: Vec<_> = (0..5).map(|_| left.send_to(&left_client, PORT_ECHO, b"v", world.now_s() + 100).unwrap()).collect();
        world.tick(1);
        let claim = Claim::Commitment { packet: packets[2].clone(), locator: None };
        let to = Side { chain: &right, client: &right_client };
        let height = prove(&world, &left, &to, &claim).await.evidence.height;
        let good = left.adapter().fetch(core::slice::from_ref(&claim), height).await.unwrap();
        let (trusted, light_client) = (left.trusted(height).unwrap(), left.light_client());
        let EvidenceItem::Bytes(bytes) = good.each[0].clone() else { panic!("not so") };
        for at in 0..bytes.len() {
            let mut bad = good.clone();
            let mut changed = bytes.clone();
            changed[at] ^= 1 << (at % 8);
            bad.each[0] = EvidenceItem::Bytes(changed);
            assert!(light_client.verify_claim(&trusted, &claim, &bad, 0).is_err(), "{family:?} byte {at}");
        }
        let (_, update) = left.adapter().root(None).await.unwrap();
        let start = left.trusted(left.config().family.client_height(0)).unwrap();
        for at in 0..update.len() {
            let mut changed = update.clone();
            changed[at] ^= 1 << (at % 8);
            let verdict = light_client.verify_update(&start, &changed, &left.config().params, world.now_s());
            assert!(matches!(verdict, Verdict::Invalid(_)), "{family:?} byte {at}: {verdict:?}");
        }
    }
}

#[test]
fn client_heights_and_blocks_agree() {
    for family in FakeFamily::ALL {
        for block in 0..2_000 {
            assert_eq!(family.block_of(family.client_height(block)), Some(block), "{family:?}");
            assert!(family.client_height(block) < family.client_height(block + 1));
        }
    }
    assert_eq!(FakeFamily::Slotted.block_of(Height::new(101)), None);
    assert_eq!(FakeFamily::Slotted.block_of(Height::new(3)), None);
}

#[tokio::test]
async fn slotted_plans_take_a_step_a_period_and_wait_their_time() {
    let FakePair { world, left, right, right_client, .. } = pair(FakeFamily::Slotted, FakeFamily::Lagged);
    for _ in 0..PERIOD_BLOCKS * 3 {
        world.tick(1);
    }
    let view = right.adapter().client(&right_client).await.unwrap();
    let limits = right.config().limits;
    let Plan::Steps(steps) = left.adapter().plan_update(&view, None, limits).await.unwrap() else { panic!("not yet") };
    assert!(steps.len() >= 2 && steps.iter().any(|step| step.own_transaction) && steps.iter().all(|step| step.not_before_s.is_some()));
    let far = view.latest.plus(1_000);
    assert!(matches!(left.adapter().plan_update(&view, Some(far), limits).await.unwrap(), Plan::NotYet { .. }));
}

#[tokio::test]
async fn rotated_validators_need_steps_between() {
    let FakePair { world, left, right, right_client, .. } = pair(FakeFamily::Lagged, FakeFamily::Clockless);
    for _ in 0..6 {
        left.rotate_validators(1);
        world.tick(1);
    }
    let view = right.adapter().client(&right_client).await.unwrap();
    let Plan::Steps(steps) = left.adapter().plan_update(&view, None, right.config().limits).await.unwrap() else { panic!("not yet") };
    assert!(steps.len() > 1, "{}", steps.len());
    let last = steps.last().unwrap();
    let trusted = left.trusted(view.latest).unwrap();
    let verdict = left.light_client().verify_update(&trusted, &last.update, &left.config().params, world.now_s());
    assert!(matches!(verdict, Verdict::NotEnoughTrust { .. }), "{verdict:?}");
}

#[tokio::test]
async fn misbehaviour_freezes_the_client() {
    for family in FakeFamily::ALL {
        let FakePair { world, left, right, right_client, .. } = pair(family, FakeFamily::BlockBound);
        world.tick(1);
        world.tick(1);
        let (height, start) = (family.client_height(1), family.client_height(0));
        let a = left.fork_update(height, start).unwrap();
        let b = left.adapter().update_at(start, height).await.unwrap();
        let light_client = left.light_client();
        let trusted = left.trusted(start).unwrap();
        light_client.verify_misbehaviour(&trusted, &a, &b, &left.config().params).unwrap();
        assert!(light_client.verify_misbehaviour(&trusted, &a, &a, &left.config().params).is_err());
        let misbehaviour = light_client.encode_misbehaviour("fake-wrapped", &a, &b).unwrap();
        let message = Message::SubmitMisbehaviour { client_id: right_client.clone(), misbehaviour };
        submit(&world, &right, vec![message], vec![]).await;
        assert!(right.adapter().client(&right_client).await.unwrap().frozen);
    }
}

#[tokio::test]
async fn slots_are_refused_replaced_and_used_up() {
    let FakePair { world, right, left_client, left, .. } = pair(FakeFamily::Slotted, FakeFamily::Lagged);
    let adapter = left.adapter();
    let message = Message::RegisterCounterparty {
        client_id: left_client.clone(),
        counterparty: Counterparty { client_id: ClientId::new("fake-lagged-9").unwrap(), merkle_prefix: vec![] },
    };
    let request = BuildRequest {
        signer: "relayer".into(),
        messages: vec![message],
        proofs: vec![],
        slot: Slot::Number(0),
        fees: FEES,
        simulate: false,
    };
    let first = adapter.build(request.clone()).await.unwrap();
    let first = (adapter.sign("relayer", &first).await.unwrap(), first.gas_price);
    left.faults(|faults| faults.gas_price_min = 11);
    assert_eq!(adapter.broadcast(&first.0).await.unwrap(), BroadcastResult::Accepted);
    assert_eq!(adapter.broadcast(&first.0).await.unwrap(), BroadcastResult::AlreadyKnown);
    world.tick(1);
    world.tick(1);
    assert_eq!(adapter.outcome(&first.0).await.unwrap(), Outcome::Pending);
    let dearer = BuildRequest { fees: FeePolicy { replaces_price: Some(first.1), ..FEES }, ..request };
    let second = adapter.build(dearer).await.unwrap();
    let second = adapter.sign("relayer", &second).await.unwrap();
    assert_eq!(adapter.broadcast(&second).await.unwrap(), BroadcastResult::Accepted);
    world.tick(1);
    world.tick(1);
    assert!(matches!(adapter.outcome(&second).await.unwrap(), Outcome::Included { .. }));
    assert_eq!(adapter.outcome(&first.0).await.unwrap(), Outcome::Impossible(Impossible::SlotUsed));
    assert!(matches!(adapter.broadcast(&first.0).await.unwrap(), BroadcastResult::Refused { slot_conflict: true, .. }));
    drop(right);
}

#[tokio::test]
async fn an_atomic_failure_names_the_message_and_the_rest_is_not_executed() {
    let FakePair { world, left, right, left_client, right_client } = pair(FakeFamily::Slotted, FakeFamily::Lagged);
    let good = left.send_to(&left_client, PORT_ECHO, b"a", world.now_s() + 1_000).unwrap();
    let poison = left.send_to(&left_client, "nowhere", b"b", world.now_s() + 1_000).unwrap();
    world.tick(1);
    let claims: Vec<_> = [&good, &poison].map(|packet| Claim::Commitment { packet: packet.clone(), locator: None }).to_vec();
    let to = Side { chain: &right, client: &right_client };
    let height = prove(&world, &left, &to, &claims[1]).await.evidence.height;
    let evidence = left.adapter().fetch(&claims, height).await.unwrap();
    let group =
        ProofGroup { client_id: right_client.clone(), evidence: left.light_client().encode_evidence("fake-plain", &evidence).unwrap() };
    let messages: Vec<_> =
        [good, poison.clone()].into_iter().enumerate().map(|(i, packet)| Message::Receive { packet, proof: (0, i) }).collect();
    right.faults(|faults| faults.blind_simulation = true);
    let (_, results) = submit(&world, &right, messages.clone(), vec![group.clone()]).await;
    assert_eq!(results[0], MessageResult::NotExecuted);
    assert!(matches!(&results[1], MessageResult::Failed(text) if text.contains("unknown port")));
    right.faults(|faults| faults.blind_simulation = false);
    let (built, results) = submit(&world, &right, messages, vec![group]).await;
    assert_eq!(results, vec![MessageResult::Applied { created: None }]);
    assert!(matches!(&built.rejected[0], Rejected { index: 1, reason: RejectReason::Refused(_) }));
}
