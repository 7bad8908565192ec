//! Watching final blocks, and finding packets again that state only names by hash.
//!
//! Called by [`crate::adapter`].

use crate::adapter::own;
use crate::chain::{Chain, ChainHead, Result};
use crate::contracts::Contracts;
use crate::logs::{
    Filter, LogRange, RawLog, client_topic, client_topics, contract_topics, decode, decode_contract, logs, moved, packet_topics,
};
use alloy::primitives::{B256, U256};
use alloy::sol_types::SolEvent;
use causeway_adapter::{AdapterError, Event, HydrateKind, HydrateRequest, Hydrated, LocatedEvent, WatchBatch, WatchRequest};
use causeway_evm_contracts::abi::Router;
use causeway_types::{ClientId, Height, PacketEnd, Sequence};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use tokio::time::Instant;

/// Sequences in one topic list: providers bound the size of filters.
const TOPIC_SEQUENCES_MAX: usize = 100;
/// Most sequences of one request.
const HYDRATE_MAX: usize = 1_000;
/// Clients in one topic list.
const FILTER_CLIENTS_MAX: usize = 100;
/// Longest wait of one watch.
const WAIT_MS_MAX: u64 = 60_000;

pub(crate) async fn watch(chain: &Chain, range: &LogRange, contracts: &Contracts, request: WatchRequest) -> Result<WatchBatch> {
    let ends: BTreeSet<&ClientId> = request.filter.ends.iter().filter_map(PacketEnd::client).chain(&request.filter.clients).collect();
    if ends.len() > FILTER_CLIENTS_MAX {
        let detail = format!("{} clients; at most {FILTER_CLIENTS_MAX} are watched at once", ends.len());
        return Err(AdapterError::Invalid { what: "filter", detail });
    }
    let after = request.after.number;
    let head = wait_for_block(chain, after, request.wait_ms).await?;
    if head.height <= after {
        return behind_or_idle(&request, head);
    }
    let from = after + 1;
    let to = head.height.min(after.saturating_add(request.blocks_max.max(1)));
    let clients: Vec<ClientId> = ends.into_iter().cloned().collect();
    if clients.is_empty() {
        return Ok(WatchBatch { cursor: Height::new(to), head: head.head(), events: Vec::new() });
    }
    let topics: Vec<B256> = clients.iter().map(client_topic).collect();
    let of_clients = contracts.of(chain, &request.filter.clients.iter().cloned().collect()).await?;
    let of_router = |topics: Value| Filter { addresses: vec![chain.router], topics };
    let mut filters = vec![of_router(json!([packet_topics(), topics])), of_router(json!([client_topics()]))];
    if !of_clients.is_empty() {
        filters.push(Filter { addresses: of_clients.keys().copied().collect(), topics: json!([contract_topics()]) });
    }
    let (to, found) = logs(chain, range, &filters, from, to).await?;
    found.iter().filter_map(moved).for_each(|client| contracts.forget(&client));
    let event = |log: &RawLog| match of_clients.get(&log.address) {
        Some(client) => decode_contract(log, client),
        None => decode(log, &clients),
    };
    let events: Vec<LocatedEvent> = found.iter().filter_map(event).filter(|located| request.filter.wants(&located.event)).collect();
    let (cursor, events) = cut(without_repeats(events), request.events_max as usize, to);
    Ok(WatchBatch { cursor: Height::new(cursor), head: head.head(), events })
}

/// Without the router's word of an update where the client's contract told the heights that it brought.
fn without_repeats(events: Vec<LocatedEvent>) -> Vec<LocatedEvent> {
    let told = |located: &LocatedEvent| match &located.event {
        Event::ClientUpdated { client, heights } => Some((located.tx.clone(), client.clone(), !heights.is_empty())),
        _ => None,
    };
    let with_heights: BTreeSet<_> = events.iter().filter_map(told).filter(|(_, _, heights)| *heights).collect();
    let repeats =
        |located: &LocatedEvent| told(located).is_some_and(|(tx, client, heights)| !heights && with_heights.contains(&(tx, client, true)));
    events.into_iter().filter(|located| !repeats(located)).collect()
}

/// No new block: idle at the cursor. A head below the cursor is a node that fell behind.
fn behind_or_idle(request: &WatchRequest, head: ChainHead) -> Result<WatchBatch> {
    if head.height < request.after.number {
        return Err(AdapterError::Lagging { found: Height::new(head.height), needed: request.after });
    }
    Ok(WatchBatch { cursor: request.after, head: head.head(), events: Vec::new() })
}

/// Asks for the head until it is above `after` or the time is over.
async fn wait_for_block(chain: &Chain, after: u64, wait_ms: u64) -> Result<ChainHead> {
    let deadline = Instant::now() + Duration::from_millis(wait_ms.min(WAIT_MS_MAX));
    let pause = Duration::from_millis((chain.config.block_interval_ms / 4).clamp(10, 1_000));
    loop {
        let head = chain.head().await?;
        if head.height > after || Instant::now() + pause > deadline {
            return Ok(head);
        }
        tokio::time::sleep(pause).await;
    }
}

/// At most `max` events, but never part of a block; the cursor is the last block that is complete.
fn cut(mut events: Vec<LocatedEvent>, max: usize, to: u64) -> (u64, Vec<LocatedEvent>) {
    let Some(over) = events.get(max).map(|event| event.height.number) else { return (to, events) };
    let first = events.first().map_or(over, |event| event.height.number);
    // A first block with more events than asked for comes whole: half of it would be a gap.
    let last = if first == over { first } else { over - 1 };
    events.retain(|event| event.height.number <= last);
    (last, events)
}

pub(crate) async fn hydrate(chain: &Chain, range: &LogRange, request: HydrateRequest) -> Result<Vec<Hydrated>> {
    if request.sequences.len() > HYDRATE_MAX {
        let detail = format!("{} sequences; at most {HYDRATE_MAX} are looked for at once", request.sequences.len());
        return Err(AdapterError::Invalid { what: "hydrate", detail });
    }
    let client = own(&request.end)?;
    let head = chain.head().await?.height;
    let lowest = chain.config.deployment_height;
    let (low, high) = request.range.map_or((lowest, head), |(from, to)| (from.number.max(lowest), to.number.min(head)));
    let mut found: BTreeMap<Sequence, LocatedEvent> = BTreeMap::new();
    let mut high_next = Some(high).filter(|high| *high >= low);
    while let Some(to) = high_next {
        let missing: Vec<Sequence> = request.sequences.iter().filter(|sequence| !found.contains_key(sequence)).copied().collect();
        if missing.is_empty() {
            break;
        }
        let from = to.saturating_sub(range.blocks() - 1).max(low);
        // A refused range comes back shorter: its upper part is asked for next, with the range as it is then.
        let mut next = from;
        while next <= to {
            let (done, events) = match logs(chain, range, &hydrate_filters(chain, &request, client, &missing), next, to).await {
                // What cannot be read is not found.
                Err(AdapterError::BlockTooLarge { height, .. }) => (height.number.max(next), Vec::new()),
                found => found?,
            };
            take(&request, client, &events, &mut found);
            next = done + 1;
        }
        high_next = from.checked_sub(1).filter(|high| *high >= low);
    }
    let answer = |sequence: &Sequence| found.remove(sequence).map_or(Hydrated::Unavailable(*sequence), Hydrated::Found);
    Ok(request.sequences.iter().map(answer).collect())
}

fn hydrate_filters(chain: &Chain, request: &HydrateRequest, client: &ClientId, sequences: &[Sequence]) -> Vec<Filter> {
    let first = match request.kind {
        HydrateKind::Sent => Router::SendPacket::SIGNATURE_HASH,
        HydrateKind::Acknowledged => Router::WriteAcknowledgement::SIGNATURE_HASH,
    };
    let topic = |sequence: &Sequence| B256::from(U256::from(sequence.get()));
    let filter = |chunk: &[Sequence]| {
        let topics = json!([first, client_topic(client), chunk.iter().map(topic).collect::<Vec<_>>()]);
        Filter { addresses: vec![chain.router], topics }
    };
    sequences.chunks(TOPIC_SEQUENCES_MAX).map(filter).collect()
}

fn take(request: &HydrateRequest, client: &ClientId, logs: &[RawLog], found: &mut BTreeMap<Sequence, LocatedEvent>) {
    let clients = std::slice::from_ref(client);
    for located in logs.iter().filter_map(|log| decode(log, clients)) {
        let sequence = match (&located.event, request.kind) {
            (Event::Sent { packet }, HydrateKind::Sent) | (Event::Acknowledged { packet, .. }, HydrateKind::Acknowledged) => {
                packet.sequence()
            }
            _ => continue,
        };
        if request.sequences.contains(&sequence) {
            found.insert(sequence, located);
        }
    }
}
