//! Promises about the stream of events.

use super::{Check, Fault, Subject, broken, driven, ensure, skip};
use crate::{Event, EventFilter, LocatedEvent, WatchBatch, WatchRequest};
use causeway_types::{Height, PacketEnd};
use core::time::Duration;

/// Most answers that are asked for while catching up.
const ROUNDS_MAX: usize = 10_000;
/// What is allowed on top of the wait that was asked for, milliseconds.
const WAIT_SLACK_MS: u64 = 5_000;

fn request(after: Height, ends: Vec<PacketEnd>, blocks_max: u64) -> WatchRequest {
    let clients = ends.iter().filter_map(PacketEnd::client).cloned().collect();
    WatchRequest { after, filter: EventFilter { ends, clients, connections: Vec::new() }, blocks_max, events_max: 10_000, wait_ms: 0 }
}

async fn start(subject: &Subject) -> Result<(Height, Height), Fault> {
    let head = subject.adapter.status().await?.head.height;
    Ok((head.minus(subject.lookback_blocks), head))
}

/// Events of `client` from the start of the lookback to `head`, by steps of `blocks_max`, each answer checked.
pub(super) async fn collect(subject: &Subject, blocks_max: u64) -> Result<Vec<LocatedEvent>, Fault> {
    let end = subject.end()?;
    let (mut after, head) = start(subject).await?;
    let mut events = Vec::new();
    for _ in 0..ROUNDS_MAX {
        if after >= head {
            return Ok(events);
        }
        let batch = subject.adapter.watch(request(after, vec![end.clone()], blocks_max)).await?;
        check(after, &batch)?;
        ensure(batch.cursor > after, || format!("the cursor stays at {after} below the head {head}"))?;
        after = batch.cursor;
        events.extend(batch.events.into_iter().filter(|event| event.height <= head));
    }
    broken(format!("not caught up after {ROUNDS_MAX} answers"))
}

fn check(after: Height, batch: &WatchBatch) -> Result<(), Fault> {
    ensure(batch.cursor >= after && batch.cursor <= batch.head.height, || {
        format!("cursor {} is outside {after} to head {}", batch.cursor, batch.head.height)
    })?;
    let mut last = after;
    for event in &batch.events {
        ensure(event.height > after && event.height <= batch.cursor, || {
            format!("event at {} outside ({after}, {}]", event.height, batch.cursor)
        })?;
        ensure(event.height >= last, || format!("event at {} after one at {last}", event.height))?;
        last = event.height;
    }
    Ok(())
}

/// Makes sure that there is something to see, where that is allowed.
async fn prepare(subject: &Subject) -> Check {
    if let (Ok(driver), Ok(client)) = (subject.driver(), subject.client()) {
        for _ in 0..3 {
            let _packet = driven(driver.send(client).await)?;
        }
    }
    Ok(())
}

pub(super) async fn in_order(subject: &Subject) -> Check {
    prepare(subject).await?;
    collect(subject, 1_000).await.map(|_| ())
}

/// refuse.md O5: state is held against the events.
pub(super) async fn no_gap(subject: &Subject) -> Check {
    prepare(subject).await?;
    let end = subject.end()?;
    let mut last: Option<u64> = None;
    for located in collect(subject, 1_000).await? {
        let Event::Sent { packet } = located.event else { continue };
        if packet.source() != end {
            continue;
        }
        let found = packet.sequence().get();
        if let Some(before) = last {
            ensure(before.checked_add(1) == Some(found), || format!("packet {found} follows {before}"))?;
        }
        last = Some(found);
    }
    let Some(last) = last else { return skip("no packet was sent in the blocks looked at") };
    let from = causeway_types::Sequence::new(last).map_err(|error| Fault::Broken(error.to_string()))?;
    let (live, _) = subject.adapter.commitments(&end, from, 10).await?;
    let missed = live.iter().any(|sequence| sequence.get() > last);
    if missed && subject.driver().is_ok() {
        return broken(format!("state holds packets after {last} that no event told of"));
    }
    Ok(())
}

pub(super) async fn resumes(subject: &Subject) -> Check {
    let (whole, parts) = (collect(subject, 1_000).await?, collect(subject, 1).await?);
    // The chain may have moved on between the two; what both cover must be the same.
    let common = whole.len().min(parts.len());
    let same = whole.iter().zip(&parts).all(|(a, b)| a == b) && (whole.len() == parts.len() || subject.driver().is_err());
    ensure(same, || format!("{} events in one answer, {} block by block, {common} compared", whole.len(), parts.len()))
}

pub(super) async fn filtered(subject: &Subject) -> Check {
    let end = subject.end()?;
    let (after, _) = start(subject).await?;
    let none = subject.adapter.watch(request(after, Vec::new(), 1_000)).await?;
    ensure(none.events.is_empty(), || format!("{} events without a client in the filter", none.events.len()))?;
    let one = subject.adapter.watch(request(after, vec![end.clone()], 1_000)).await?;
    for located in &one.events {
        let of = match &located.event {
            Event::Sent { packet } => packet.source(),
            Event::Acknowledged { packet, .. } => packet.dest(),
            Event::Completed { end, .. } | Event::TimedOut { end, .. } => end.clone(),
            Event::ClientUpdated { client, .. } | Event::ClientFrozen { client } => client.clone().into(),
            Event::ChannelChanged { id, .. } => id.clone().into(),
        };
        ensure(of == end, || format!("an event of {of} though only {end} was asked for"))?;
    }
    Ok(())
}

pub(super) async fn heartbeat(subject: &Subject) -> Check {
    let head = subject.adapter.status().await?.head.height;
    let wait_ms = 200;
    let asked = WatchRequest { wait_ms, ..request(head, Vec::new(), 10) };
    let limit = Duration::from_millis(wait_ms + WAIT_SLACK_MS);
    match tokio::time::timeout(limit, subject.adapter.watch(asked)).await {
        Ok(batch) => check(head, &batch?),
        Err(_) => broken(format!("no answer within {} ms", wait_ms + WAIT_SLACK_MS)),
    }
}

pub(super) async fn ahead(subject: &Subject) -> Check {
    let after = subject.adapter.status().await?.head.height.plus(1_000_000);
    match subject.adapter.watch(request(after, Vec::new(), 10)).await {
        Err(_) => Ok(()),
        Ok(batch) => ensure(batch.cursor == after && batch.events.is_empty(), || {
            format!("asked after {after}, which no block has reached, and got cursor {}", batch.cursor)
        }),
    }
}
