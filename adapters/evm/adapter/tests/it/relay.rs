//! The adapter's operations against embedded chains with the real contracts: packets there and back, timeouts, poison.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use crate::common::{now_s, prove, raw_packet, transfer, update, world};
use causeway_adapter::{
    ChainAdapter, Event, HydrateKind, HydrateRequest, Hydrated, LightClient, Message, MessageResult, Provable, RejectReason,
};
use causeway_evm_contracts::abi;
use causeway_types::{Claim, Sequence};

const APPLIED: MessageResult = MessageResult::Applied { created: None };

#[tokio::test(flavor = "multi_thread")]
async fn packets_there_and_acknowledgements_back() {
    let (a, b) = world().await;
    let timeout = now_s(&a) + 3_600;
    for amount in 1..=3 {
        transfer(&a, amount, timeout).await;
    }
    let packets = a.sent().await;
    assert_eq!(packets.len(), 3);

    let claims: Vec<Claim> = packets.iter().map(|packet| Claim::Commitment { packet: packet.clone(), locator: None }).collect();
    assert!(matches!(a.adapter.provable(&claims[0]).await.unwrap(), Provable::From(_)));
    let (update_b, state) = update(&b, &a).await;
    let group = prove(&b, &a, &claims, &state).await;
    let mut messages = vec![update_b];
    messages.extend(packets.iter().enumerate().map(|(item, packet)| Message::Receive { packet: packet.clone(), proof: (0, item) }));
    let (results, gas) = b.deliver(messages.clone(), vec![group.clone()]).await;
    assert_eq!(results, vec![APPLIED; 4], "gas {gas}");

    // The client now holds what was verified here.
    let consensus = b.adapter.consensus(&b.client, state.height).await.unwrap();
    assert_eq!(consensus.hash, a.light_client.consensus_hash(&state));

    // Again: each is done, and nothing is sent.
    let again = b.build(messages[1..].to_vec(), vec![group]).await;
    assert!(again.included.is_empty() && again.unsigned.is_empty());
    assert!(again.rejected.iter().all(|rejected| rejected.reason == RejectReason::AlreadyDone), "{:?}", again.rejected);

    let sequences: Vec<Sequence> = packets.iter().map(|packet| packet.sequence()).collect();
    let states = b.adapter.packet_states(&b.client.clone().into(), &sequences).await.unwrap();
    let acks = b.acknowledged().await;
    for (state, (packet, ack)) in states.iter().zip(&acks) {
        assert!(state.received && state.sequence == packet.sequence());
        assert_eq!(state.ack_commitment, Some(ack.commitment()));
    }
    assert_eq!(a.adapter.commitments(&a.client.clone().into(), sequences[0], 100).await.unwrap(), (sequences.clone(), None));
    assert_eq!(
        a.adapter.commitments(&a.client.clone().into(), sequences[0], 2).await.unwrap(),
        (sequences[..2].to_vec(), Some(sequences[1]))
    );

    let claim = |(packet, acknowledgement): &(_, _)| Claim::Ack {
        packet: Clone::clone(packet),
        acknowledgement: Clone::clone(acknowledgement),
        locator: None,
    };
    let claims: Vec<Claim> = acks.iter().map(claim).collect();
    let (update_a, state) = update(&a, &b).await;
    let group = prove(&a, &b, &claims, &state).await;
    let mut messages = vec![update_a];
    messages.extend(acks.iter().enumerate().map(|(item, (packet, acknowledgement))| Message::Acknowledge {
        packet: packet.clone(),
        acknowledgement: acknowledgement.clone(),
        proof: (0, item),
    }));
    let (results, _) = a.deliver(messages, vec![group]).await;
    assert_eq!(results, vec![APPLIED; 4]);
    assert_eq!(a.adapter.commitments(&a.client.clone().into(), sequences[0], 100).await.unwrap(), (Vec::new(), None));
    assert_eq!(a.events().await.iter().filter(|located| matches!(located.event, Event::Completed { .. })).count(), 3);

    let request = HydrateRequest {
        end: a.client.clone().into(),
        kind: HydrateKind::Sent,
        sequences: vec![sequences[1], Sequence::new(99).unwrap()],
        range: None,
    };
    let hydrated = a.adapter.hydrate(request).await.unwrap();
    assert!(
        matches!(&hydrated[0], Hydrated::Found(located) if located.event == Event::Sent { packet: packets[1].clone() }),
        "{hydrated:?}"
    );
    assert_eq!(hydrated[1], Hydrated::Unavailable(Sequence::new(99).unwrap()));
}

#[tokio::test(flavor = "multi_thread")]
async fn poison_in_a_batch_is_named_and_the_rest_goes_on() {
    let (a, b) = world().await;
    let timeout = now_s(&a) + 3_600;
    transfer(&a, 5, timeout).await;
    raw_packet(&a, "nobody", timeout).await;
    transfer(&a, 6, timeout).await;
    // A receiver that refuses with a reason: the version of the payload is not the application's.
    raw_packet(&a, "transfer", timeout).await;
    let packets = a.sent().await;
    let claims: Vec<Claim> = packets.iter().map(|packet| Claim::Commitment { packet: packet.clone(), locator: None }).collect();
    let (update_b, state) = update(&b, &a).await;
    let group = prove(&b, &a, &claims, &state).await;
    let mut messages = vec![update_b];
    messages.extend(packets.iter().enumerate().map(|(item, packet)| Message::Receive { packet: packet.clone(), proof: (0, item) }));
    let built = b.build(messages, vec![group]).await;
    assert_eq!(built.included, [0, 1, 3, 4]);
    assert_eq!(built.rejected.len(), 1);
    assert!(matches!(&built.rejected[0].reason, RejectReason::Refused(why) if why.starts_with("IBCAppNotFound")), "{:?}", built.rejected);
    let (_, outcome) = b.settle(&built).await;
    let causeway_adapter::Outcome::Included { results, .. } = outcome else { panic!("{outcome:?}") };
    assert_eq!(results, [APPLIED, APPLIED, APPLIED, MessageResult::ErrorAck]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_packet_not_received_in_time_is_timed_out() {
    let (a, b) = world().await;
    transfer(&a, 7, now_s(&a) + 4).await;
    let packet = a.sent().await.remove(0);
    let claim = Claim::NoReceipt { packet: packet.clone() };
    assert!(matches!(b.adapter.provable(&claim).await.unwrap(), Provable::Later { .. }));
    b.node.control().advance_time(10);
    a.node.control().advance_time(10);
    for _ in 0..100 {
        if matches!(b.adapter.provable(&claim).await.unwrap(), Provable::From(_)) {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    let (update_a, state) = update(&a, &b).await;
    assert!(state.time_s.unwrap() >= packet.expires_at_s().unwrap());
    let group = prove(&a, &b, &[claim], &state).await;
    let (results, _) = a
        .deliver(vec![update_a, Message::Timeout { packet, order: causeway_types::classic::Order::Unordered, proof: (0, 0) }], vec![group])
        .await;
    assert_eq!(results, [APPLIED, APPLIED]);
    assert!(a.events().await.iter().any(|located| matches!(located.event, Event::TimedOut { .. })));
    let token = a.deployment.test_token.unwrap();
    a.call(token, abi::TestToken::transferCall { to: a.user.address(), value: alloy::primitives::U256::from(7) }).await;
}
