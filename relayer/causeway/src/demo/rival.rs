//! Another relayer, in its simplest form: it delivers some packets before ours starts, so that ours has to notice.
//!
//! It keeps no journal and verifies nothing; the contracts do.

use crate::exit::{Code, Failure, OrFail};
use causeway_adapter::{
    BuildRequest, Event, EventFilter, Family, FeePolicy, Message, Outcome, Plan, ProofGroup, SignedTx, Slot, WatchRequest,
};
use causeway_types::{Claim, ClientId, Height, Packet};
use std::time::Duration;

/// How long one delivery may take.
const DEADLINE: Duration = Duration::from_secs(60);

/// Delivers the packets with these sequences, sent from `source` through `source_client`, to `dest_client` on `dest`.
pub(crate) async fn deliver(
    source: &Family,
    dest: &Family,
    clients: (&ClientId, &ClientId),
    sequences: &[u64],
    signer: &str,
) -> Result<(), Failure> {
    let packets = find(source, clients.0, sequences).await?;
    let tx = tokio::time::timeout(DEADLINE, submit(source, dest, clients.1, packets, signer))
        .await
        .map_err(|_| Failure::new(Code::Unavailable, "the rival relayer found no height to prove at within a minute"))??;
    settle(dest, &tx).await
}

async fn find(source: &Family, client: &ClientId, sequences: &[u64]) -> Result<Vec<Packet>, Failure> {
    let filter = EventFilter { ends: vec![client.clone().into()], clients: Vec::new(), connections: Vec::new() };
    let (mut packets, mut after) = (Vec::new(), Height::new(0));
    loop {
        let request = WatchRequest { after, filter: filter.clone(), blocks_max: 500, events_max: 1_000, wait_ms: 0 };
        let batch = source.adapter.watch(request).await.or_fail(Code::Unavailable)?;
        packets.extend(batch.events.into_iter().filter_map(|located| match located.event {
            Event::Sent { packet } if sequences.contains(&packet.sequence().get()) => Some(packet),
            _ => None,
        }));
        if batch.cursor >= batch.head.height {
            break;
        }
        after = batch.cursor;
    }
    if packets.len() == sequences.len() { Ok(packets) } else { Err(Failure::new(Code::Failed, "the rival relayer missed an event")) }
}

async fn submit(source: &Family, dest: &Family, client: &ClientId, packets: Vec<Packet>, signer: &str) -> Result<SignedTx, Failure> {
    let description = dest.adapter.describe().await.or_fail(Code::Unavailable)?;
    let view = dest.adapter.client(client).await.or_fail(Code::Unavailable)?;
    let (height, updates) = loop {
        match source.adapter.plan_update(&view, None, description.limits).await.or_fail(Code::Unavailable)? {
            Plan::Steps(steps) => break (steps.last().map_or(view.latest, |step| step.resulting), steps),
            Plan::NotYet { retry_after_ms } => tokio::time::sleep(Duration::from_millis(retry_after_ms)).await,
        }
    };
    let claims: Vec<_> = packets.iter().map(|packet| Claim::Commitment { packet: packet.clone(), locator: None }).collect();
    let evidence = source.adapter.fetch(&claims, height).await.or_fail(Code::Unavailable)?;
    let evidence = source.light_client.encode_evidence(&view.host_encoding, &evidence).or_fail(Code::Failed)?;
    let mut messages = Vec::new();
    for step in &updates {
        let update = source.light_client.encode_update(&view.host_encoding, &step.update).or_fail(Code::Failed)?;
        messages.push(Message::UpdateClient { client_id: client.clone(), update });
    }
    messages.extend(packets.into_iter().enumerate().map(|(item, packet)| Message::Receive { packet, proof: (0, item) }));
    let account = dest.adapter.account(signer).await.or_fail(Code::Unavailable)?;
    let request = BuildRequest {
        signer: signer.to_string(),
        messages,
        proofs: vec![ProofGroup { client_id: client.clone(), evidence }],
        slot: Slot::Number(account.next_slot.unwrap_or_default()),
        fees: FeePolicy { gas_headroom_percent: 150, gas_price_max: None, replace_bump_percent: 12, replaces_price: None },
        simulate: true,
    };
    let built = dest.adapter.build(request).await.or_fail(Code::Failed)?;
    if let Some(rejected) = built.rejected.first() {
        return Err(Failure::new(Code::Failed, format!("the rival relayer's delivery was rejected: {:?}", rejected.reason)));
    }
    let tx = dest.adapter.sign(signer, &built).await.or_fail(Code::Key)?;
    dest.adapter.broadcast(&tx).await.or_fail(Code::Unavailable)?;
    Ok(tx)
}

async fn settle(dest: &Family, tx: &SignedTx) -> Result<(), Failure> {
    let wait = async {
        loop {
            match dest.adapter.outcome(tx).await.or_fail(Code::Unavailable)? {
                Outcome::Included { .. } => return Ok(()),
                Outcome::Impossible(why) => return Err(Failure::new(Code::Failed, format!("the rival relayer's delivery: {why:?}"))),
                Outcome::Pending | Outcome::Unknown => tokio::time::sleep(Duration::from_millis(100)).await,
            }
        }
    };
    tokio::time::timeout(DEADLINE, wait).await.map_err(|_| Failure::new(Code::Unavailable, "the rival's transaction is in no block"))?
}
