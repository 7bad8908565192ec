//! Promises about state: it is the truth, and events, listings and searches agree with it.

use super::{Check, Fault, Subject, driven, ensure, skip, watch};
use crate::{Event, HydrateKind, HydrateRequest, Hydrated, LocatedEvent};
use causeway_types::{Packet, PacketEnd, Sequence};
use std::collections::BTreeSet;

/// A sequence that no chain has reached.
const FAR_SEQUENCE: u64 = 1 << 52;
/// Most packets looked at.
const SAMPLE_MAX: usize = 50;

pub(super) fn sequence(number: u64) -> Result<Sequence, Fault> {
    Sequence::new(number).map_err(|error| Fault::Broken(error.to_string()))
}

async fn live(subject: &Subject, end: &PacketEnd, limit: u32) -> Result<Vec<Sequence>, Fault> {
    let (mut all, mut from) = (Vec::new(), sequence(1)?);
    for _ in 0..1_000 {
        let (page, last) = subject.adapter.commitments(end, from, limit).await?;
        ensure(page.len() <= limit as usize, || format!("{} sequences, at most {limit} were asked for", page.len()))?;
        ensure(page.iter().all(|found| *found >= from), || format!("a sequence below {from}, from which was asked"))?;
        all.extend(page);
        let Some(last) = last else { break };
        ensure(last >= from, || format!("the listing goes back from {from} to {last}"))?;
        from = sequence(last.get().saturating_add(1))?;
    }
    Ok(all)
}

pub(super) async fn commitments(subject: &Subject) -> Check {
    let (client, end) = (subject.client()?, subject.end()?);
    if let Ok(driver) = subject.driver() {
        for _ in 0..2 {
            let _packet = driven(driver.send(client).await)?;
        }
    }
    let (one, many) = (live(subject, &end, 1).await?, live(subject, &end, 1_000).await?);
    ensure(many.windows(2).all(|pair| matches!(pair, [a, b] if a < b)), || "sequences do not ascend".into())?;
    ensure(one == many || subject.driver().is_err(), || format!("{} sequences one by one, {} in one answer", one.len(), many.len()))?;
    let sample: Vec<_> = many.into_iter().take(SAMPLE_MAX).collect();
    for state in subject.adapter.packet_states(&end, &sample).await? {
        ensure(state.commitment.is_some() || subject.driver().is_err(), || format!("{} is listed, but has no commitment", state.sequence))?;
    }
    Ok(())
}

pub(super) async fn order(subject: &Subject) -> Check {
    let end = subject.end()?;
    let asked = [sequence(3)?, sequence(1)?, sequence(FAR_SEQUENCE)?, sequence(2)?];
    let states = subject.adapter.packet_states(&end, &asked).await?;
    let found: Vec<_> = states.iter().map(|state| state.sequence).collect();
    ensure(found == asked, || format!("asked {asked:?}, found {found:?}"))?;
    let untouched = states.get(2).is_some_and(|state| !state.received && state.commitment.is_none() && state.ack_commitment.is_none());
    ensure(untouched, || format!("state says something of packet {FAR_SEQUENCE}, which nobody sent"))
}

/// Live packets sent from here, with their places.
pub(super) async fn sent(subject: &Subject) -> Result<Vec<(Packet, LocatedEvent)>, Fault> {
    let end = subject.end()?;
    let mut sequences = live(subject, &end, 1_000).await?;
    sequences.truncate(SAMPLE_MAX);
    let request = HydrateRequest { end: end.clone(), kind: HydrateKind::Sent, sequences, range: None };
    let mut found = Vec::new();
    for item in subject.adapter.hydrate(request).await? {
        if let Hydrated::Found(located) = item
            && let Event::Sent { packet } = &located.event
        {
            found.push((packet.clone(), located));
        }
    }
    Ok(found)
}

pub(super) async fn hydrate(subject: &Subject) -> Check {
    let end = subject.end()?;
    let mut sequences = live(subject, &end, 1_000).await?;
    sequences.truncate(SAMPLE_MAX);
    let far = sequence(FAR_SEQUENCE)?;
    sequences.push(far);
    let request = HydrateRequest { end: end.clone(), kind: HydrateKind::Sent, sequences: sequences.clone(), range: None };
    let items = subject.adapter.hydrate(request).await?;
    ensure(items.len() == sequences.len(), || format!("{} asked, {} answered", sequences.len(), items.len()))?;
    let states = subject.adapter.packet_states(&end, &sequences).await?;
    for ((asked, item), state) in sequences.iter().zip(&items).zip(&states) {
        match item {
            Hydrated::Unavailable(named) => ensure(named == asked, || format!("asked {asked}, {named} is unavailable"))?,
            Hydrated::Found(LocatedEvent { event: Event::Sent { packet }, .. }) => {
                ensure(packet.sequence() == *asked && *asked != far, || format!("asked {asked}, found {}", packet.sequence()))?;
                let agrees = state.commitment.is_none_or(|commitment| commitment == packet.commitment());
                ensure(agrees, || format!("packet {asked} does not hash to its commitment"))?;
            }
            Hydrated::Found(other) => return super::broken(format!("asked for a sent packet, found {other:?}")),
        }
    }
    Ok(())
}

pub(super) async fn events_agree(subject: &Subject) -> Check {
    let (client, end) = (subject.client()?, subject.end()?);
    if let Ok(driver) = subject.driver() {
        let _packet = driven(driver.send(client).await)?;
    }
    let events = watch::collect(subject, 1_000).await?;
    let done: BTreeSet<Sequence> = events
        .iter()
        .filter_map(|located| match &located.event {
            Event::Completed { sequence, .. } | Event::TimedOut { sequence, .. } => Some(*sequence),
            _ => None,
        })
        .collect();
    let mut seen = 0;
    for located in events.iter().rev().take(SAMPLE_MAX) {
        let (packet, acknowledgement) = match &located.event {
            Event::Sent { packet } => (packet, None),
            Event::Acknowledged { packet, acknowledgement } => (packet, Some(acknowledgement)),
            _ => continue,
        };
        seen += 1;
        let states = subject.adapter.packet_states(&end, &[packet.sequence()]).await?;
        let Some(state) = states.first() else { return super::broken("no state for a packet that was asked for") };
        if let Some(acknowledgement) = acknowledgement {
            let agrees = state.received && state.ack_commitment == Some(acknowledgement.commitment());
            ensure(agrees, || format!("packet {} was acknowledged by an event, state says otherwise", packet.sequence()))?;
        } else if let Some(commitment) = state.commitment {
            ensure(commitment == packet.commitment(), || format!("packet {} does not hash to its commitment", packet.sequence()))?;
        } else {
            let gone = done.contains(&packet.sequence()) || subject.driver().is_err();
            ensure(gone, || format!("packet {} was sent by an event, state has no commitment", packet.sequence()))?;
        }
    }
    if seen == 0 { skip("no packet event in the blocks looked at") } else { Ok(()) }
}

pub(super) async fn client(subject: &Subject) -> Check {
    let client = subject.client()?;
    let view = subject.adapter.client(client).await?;
    ensure(view.client_id == *client, || format!("asked {client}, found {}", view.client_id))?;
    let description = subject.describe().await?;
    ensure(description.host_encodings.contains(&view.host_encoding), || format!("encoding {} is not described", view.host_encoding))?;
    let consensus = subject.adapter.consensus(client, view.latest).await?;
    ensure(consensus.height == view.latest, || format!("asked for height {}, found {}", view.latest, consensus.height))
}
