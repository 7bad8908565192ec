//! Packets between two real networks, there and back, through nothing but the seam.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "tests")]

use crate::common::{KEY, deliver, now_s, provable, prove, send, send_expiring, updates, world};
use causeway_adapter::{ChainAdapter, Event, EventFilter, Message, MessageResult, WatchRequest};
use causeway_types::{Claim, Packet};

#[tokio::test(flavor = "multi_thread")]
async fn packets_are_received_acknowledged_and_timed_out() {
    let Some((a, b)) = world().await else { return };
    let started = tokio::time::Instant::now();
    let packets = send(&a, 20, now_s(&a).await + 3_600).await;
    let claims: Vec<Claim> = packets.iter().map(|packet| Claim::Commitment { packet: packet.clone(), locator: None }).collect();
    let need = provable(&a, &claims[0]).await;
    let (mut messages, trusted) = updates(&b, &a, need).await;
    let group = prove(&b, &a, &claims, &trusted).await;
    messages.extend(packets.iter().cloned().enumerate().map(|(item, packet)| Message::Receive { packet, proof: (0, item) }));
    let results = deliver(&b, KEY, messages, vec![group]).await;
    assert!(results.iter().all(|result| *result == MessageResult::Applied { created: None }), "{results:?}");

    let head = b.adapter.status().await.unwrap().head.height;
    let request = WatchRequest {
        after: head.minus(30),
        filter: EventFilter { ends: vec![b.client.clone().into()], clients: vec![b.client.clone()], connections: Vec::new() },
        blocks_max: 100,
        events_max: 1_000,
        wait_ms: 0,
    };
    let events = b.adapter.watch(request).await.unwrap().events;
    let acks: Vec<(Packet, causeway_types::Acknowledgement)> = events
        .into_iter()
        .filter_map(|located| match located.event {
            Event::Acknowledged { packet, acknowledgement } => Some((packet, acknowledgement)),
            _ => None,
        })
        .collect();
    assert_eq!(acks.iter().map(|(packet, _)| packet.clone()).collect::<Vec<_>>(), packets);
    let claims: Vec<Claim> = acks
        .iter()
        .map(|(packet, acknowledgement)| Claim::Ack { packet: packet.clone(), acknowledgement: acknowledgement.clone(), locator: None })
        .collect();
    let need = provable(&b, &claims[0]).await;
    let (mut messages, trusted) = updates(&a, &b, need).await;
    let group = prove(&a, &b, &claims, &trusted).await;
    messages.extend(acks.into_iter().enumerate().map(|(item, (packet, acknowledgement))| Message::Acknowledge {
        packet,
        acknowledgement,
        proof: (0, item),
    }));
    let results = deliver(&a, KEY, messages, vec![group]).await;
    assert!(results.iter().all(|result| *result == MessageResult::Applied { created: None }), "{results:?}");
    println!("20 packets received and acknowledged in {:?}", started.elapsed());

    let packets = send_expiring(&a, 3).await;
    let claims: Vec<Claim> = packets.iter().map(|packet| Claim::NoReceipt { packet: packet.clone() }).collect();
    let need = provable(&b, &claims[0]).await;
    let (mut messages, trusted) = updates(&a, &b, need).await;
    let group = prove(&a, &b, &claims, &trusted).await;
    messages.extend(packets.into_iter().enumerate().map(|(item, packet)| Message::Timeout {
        packet,
        order: causeway_types::classic::Order::Unordered,
        proof: (0, item),
    }));
    let results = deliver(&a, KEY, messages, vec![group]).await;
    assert!(results.iter().all(|result| *result == MessageResult::Applied { created: None }), "{results:?}");
    let (live, _) = a.adapter.commitments(&a.client.clone().into(), causeway_types::Sequence::new(1).unwrap(), 1_000).await.unwrap();
    assert!(live.is_empty(), "{live:?}");
}
