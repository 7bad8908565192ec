//! What the chain's state says of packets: listings of the application, and reads of single keys where those fail.
//!
//! Before ibc-go 10.7 a listing fails for good once a stored sequence has the byte 0x2F in it (cosmos/ibc-go#8778); then the keys of the
//! window are read one by one, many a request. Called by [`crate::adapter`].

use crate::chain::{Chain, Query, Result};
use causeway_adapter::{AdapterError, PacketState};
use causeway_cosmos_proto::cosmos::base::query::v1beta1::PageRequest;
use causeway_cosmos_proto::ibc::core::channel::v2 as channel;
use causeway_types::{ClientId, Hash, PacketEnd, Sequence, path};
use prost::Message;
use std::collections::{BTreeMap, BTreeSet};

/// Entries of one page of a listing.
const PAGE_MAX: u32 = 1_000;
/// Keys read one by one in one call of [`commitments`], where listings fail.
const WINDOW_MAX: u64 = 1_000;
/// Most packets asked for at once.
const PACKETS_MAX: usize = 10_000;
/// Pages of one listing of [`packet_states`]: enough for the most packets, twice.
const PAGES_MAX: usize = 20;
/// Commitments below which keys are read one by one: a listing would cost as much.
const LISTING_MIN: usize = 8;

mod classic;
#[cfg(test)]
mod tests;

pub(crate) use classic::Listings;

const QUERY: &str = "/ibc.core.channel.v2.Query";

pub(crate) async fn commitments(
    chain: &Chain,
    listings: &Listings,
    end: &PacketEnd,
    from: Sequence,
    limit: u32,
) -> Result<(Vec<Sequence>, Option<Sequence>)> {
    if limit == 0 {
        return Ok((Vec::new(), Sequence::new(from.get().saturating_sub(1)).ok()));
    }
    let limit = limit.min(PAGE_MAX);
    let client = match end {
        PacketEnd::Client(client) => client,
        PacketEnd::Channel(channel) => return classic::commitments(chain, listings, channel, from, limit as usize).await,
    };
    if let Some((page, more)) = listing(chain, client, from, limit).await? {
        let sequences: Vec<Sequence> = page.into_keys().collect();
        let last = if more { sequences.last().copied() } else { None };
        return Ok((sequences, last));
    }
    by_key(chain, client, from, limit as usize).await
}

/// One page of the chain's listing and whether there is more; `None` when the chain cannot list.
async fn listing(chain: &Chain, client: &ClientId, from: Sequence, limit: u32) -> Result<Option<(BTreeMap<Sequence, Hash>, bool)>> {
    let pagination = PageRequest { key: from.get().to_be_bytes().to_vec(), limit: u64::from(limit), ..PageRequest::default() };
    let request = channel::QueryPacketCommitmentsRequest { client_id: client.to_string(), pagination: Some(pagination) };
    let response = chain.query(Query::grpc(&format!("{QUERY}/PacketCommitments"), &request)).await?;
    if response.code != 0 {
        tracing::debug!(client = %client, log = crate::rpc::short(&response.log), "the chain cannot list commitments; keys are read one by one");
        return Ok(None);
    }
    let answer: channel::QueryPacketCommitmentsResponse = chain.decode(&response, "commitments")?;
    let more = answer.pagination.is_some_and(|page| !page.next_key.is_empty());
    if answer.commitments.len() > limit as usize {
        return Err(chain.protocol("commitments-page", format!("at most {limit}"), answer.commitments.len()));
    }
    let mut page = BTreeMap::new();
    for state in answer.commitments {
        let sequence = Sequence::new(state.sequence).ok().filter(|sequence| *sequence >= from);
        let (Some(sequence), Ok(hash)) = (sequence, Hash::try_from(state.data.as_slice())) else {
            return Err(chain.protocol("commitments-entry", format!("32 bytes at a sequence from {from} on"), state.sequence));
        };
        page.insert(sequence, hash);
    }
    Ok(Some((page, more)))
}

/// The same by reading each key of a window.
async fn by_key(chain: &Chain, client: &ClientId, from: Sequence, limit: usize) -> Result<(Vec<Sequence>, Option<Sequence>)> {
    let request = channel::QueryNextSequenceSendRequest { client_id: client.to_string() };
    let response = chain.query(Query::grpc(&format!("{QUERY}/NextSequenceSend"), &request)).await?;
    let next = if response.code == 0 {
        chain.decode::<channel::QueryNextSequenceSendResponse>(&response, "next-sequence")?.next_sequence_send
    } else {
        0
    };
    let last = next.saturating_sub(1);
    let end = from.get().saturating_add(WINDOW_MAX - 1).min(last);
    let sequences: Vec<Sequence> = (from.get()..=end).filter_map(|number| Sequence::new(number).ok()).collect();
    let hashes = raw_hashes(chain, sequences.iter().map(|sequence| path::packet_commitment(client, *sequence))).await?;
    let mut found = Vec::new();
    for (sequence, hash) in sequences.iter().zip(hashes) {
        if hash.is_none() {
            continue;
        }
        if found.len() >= limit {
            // This one was not looked at: the next call starts with it.
            return Ok((found, Sequence::new(sequence.get() - 1).ok()));
        }
        found.push(*sequence);
    }
    Ok((found, sequences.last().copied().filter(|sequence| sequence.get() < last)))
}

/// A listing of these sequences, where they lie close enough together for one.
async fn listing_near(chain: &Chain, client: &ClientId, sequences: &BTreeSet<Sequence>) -> Option<(BTreeMap<Sequence, Hash>, bool)> {
    let is_near = sequences.len() >= LISTING_MIN && span(sequences) as usize <= sequences.len().saturating_mul(2);
    let first = sequences.first().filter(|_| is_near)?;
    listing(chain, client, *first, span(sequences)).await.ok().flatten()
}

/// Entries from the first to the last of these sequences, at most a page.
fn span(sequences: &BTreeSet<Sequence>) -> u32 {
    let ends = sequences.first().zip(sequences.last());
    let entries = ends.map_or(1, |(first, last)| last.get().saturating_sub(first.get()).saturating_add(1));
    u32::try_from(entries).unwrap_or(PAGE_MAX).min(PAGE_MAX)
}

/// Values of keys at the newest state; what is not 32 bytes is no hash.
async fn raw_hashes(chain: &Chain, keys: impl Iterator<Item = Vec<u8>>) -> Result<Vec<Option<Hash>>> {
    let queries: Vec<Query> = keys.map(|key| Query::store(&chain.config.store_name, key, 0, false)).collect();
    let answers = chain.queries(&queries).await?;
    let one = |response: crate::answers::AbciResponse| match response.code {
        0 => Ok(Hash::try_from(response.value.0.as_slice()).ok()),
        _ => Err(chain.refused(&response, "store")),
    };
    answers.into_iter().map(one).collect()
}

/// What a chain says of packets before their commitments are read.
struct Said {
    unreceived: BTreeSet<u64>,
    live: BTreeSet<u64>,
    acks: BTreeMap<u64, Hash>,
}

impl Said {
    /// What is not 32 bytes is no acknowledgement's commitment.
    fn new(unreceived: Vec<u64>, live: Vec<u64>, acks: impl Iterator<Item = (u64, Vec<u8>)>) -> Self {
        Self {
            unreceived: unreceived.into_iter().collect(),
            live: live.into_iter().collect(),
            acks: acks.filter_map(|(sequence, data)| Some((sequence, Hash::try_from(data.as_slice()).ok()?))).collect(),
        }
    }
}

pub(crate) async fn packet_states(chain: &Chain, end: &PacketEnd, sequences: &[Sequence]) -> Result<Vec<PacketState>> {
    if sequences.len() > PACKETS_MAX {
        let detail = format!("{} sequences; at most {PACKETS_MAX} are answered at once", sequences.len());
        return Err(AdapterError::Invalid { what: "packet states", detail });
    }
    if sequences.is_empty() {
        return Ok(Vec::new());
    }
    let numbers: Vec<u64> = sequences.iter().map(|sequence| sequence.get()).collect();
    let mut near = None;
    let Said { unreceived, live, acks } = match end {
        PacketEnd::Client(client) => {
            // Asked at the same moment, so that it travels along; where it is needed after all, what failed is asked for again.
            let all: BTreeSet<Sequence> = sequences.iter().copied().collect();
            let (told, page) = futures::join!(said(chain, client, &numbers), listing_near(chain, client, &all));
            near = page;
            told?
        }
        PacketEnd::Channel(channel) => classic::said(chain, channel, &numbers).await?,
    };
    let live: BTreeSet<Sequence> =
        numbers.into_iter().filter(|number| live.contains(number)).filter_map(|number| Sequence::new(number).ok()).collect();
    let hashes = match end {
        PacketEnd::Client(client) => hashes_of(chain, client, live, near).await?,
        PacketEnd::Channel(channel) => classic::hashes_of(chain, channel, live).await?,
    };
    let state = |sequence: &Sequence| PacketState {
        sequence: *sequence,
        received: !unreceived.contains(&sequence.get()),
        ack_commitment: acks.get(&sequence.get()).copied(),
        commitment: hashes.get(sequence).copied(),
    };
    Ok(sequences.iter().map(state).collect())
}

async fn said(chain: &Chain, client: &ClientId, numbers: &[u64]) -> Result<Said> {
    let (client_id, sequences) = (client.to_string(), numbers.to_vec());
    let questions = [
        Query::grpc(
            &format!("{QUERY}/UnreceivedPackets"),
            &channel::QueryUnreceivedPacketsRequest { client_id: client_id.clone(), sequences: sequences.clone() },
        ),
        Query::grpc(
            &format!("{QUERY}/UnreceivedAcks"),
            &channel::QueryUnreceivedAcksRequest { client_id: client_id.clone(), packet_ack_sequences: sequences.clone() },
        ),
        Query::grpc(
            &format!("{QUERY}/PacketAcknowledgements"),
            &channel::QueryPacketAcknowledgementsRequest { client_id, pagination: None, packet_commitment_sequences: sequences },
        ),
    ];
    let (unreceived, unacked, acks) = ask_three::<
        channel::QueryUnreceivedPacketsResponse,
        channel::QueryUnreceivedAcksResponse,
        channel::QueryPacketAcknowledgementsResponse,
    >(chain, &questions)
    .await
    .map_err(without_v2)?;
    let acks = acks.acknowledgements.into_iter().map(|ack| (ack.sequence, ack.data));
    Ok(Said::new(unreceived.sequences, unacked.sequences, acks))
}

/// A chain that does not know these questions is of an age before IBC v2.
fn without_v2(error: AdapterError) -> AdapterError {
    match error {
        AdapterError::Invalid { what: "chain", .. } => {
            AdapterError::Unsupported { operation: "IBC v2 on a chain before ibc-go 10 (its channels are opened with --classic)" }
        }
        other => other,
    }
}

/// The answers to the three questions of [`Said`], asked in one request.
async fn ask_three<U: Message + Default, L: Message + Default, A: Message + Default>(
    chain: &Chain,
    questions: &[Query; 3],
) -> Result<(U, L, A)> {
    let answers = chain.queries(questions).await?;
    let [unreceived, unacked, acks] = answers.as_slice() else {
        return Err(chain.protocol("json-rpc-batch", "3 answers", answers.len()));
    };
    Ok((
        chain.decode(unreceived, "unreceived-packets")?,
        chain.decode(unacked, "unreceived-acks")?,
        chain.decode(acks, "acknowledgements")?,
    ))
}

/// Commitments of packets that still have one: from listings where they lie close together, else key by key.
async fn hashes_of(
    chain: &Chain,
    client: &ClientId,
    live: BTreeSet<Sequence>,
    near: Option<(BTreeMap<Sequence, Hash>, bool)>,
) -> Result<BTreeMap<Sequence, Hash>> {
    let mut near = near;
    let mut found: BTreeMap<Sequence, Hash> = BTreeMap::new();
    let mut missing = live;
    for _ in 0..PAGES_MAX {
        let (Some(first), true) = (missing.first().copied(), missing.len() >= LISTING_MIN) else { break };
        let page = match near.take() {
            Some(page) => Some(page),
            None => listing(chain, client, first, span(&missing)).await?,
        };
        let Some((page, more)) = page else { break };
        let last = page.last_key_value().map(|(sequence, _)| *sequence);
        found.extend(page.into_iter().filter(|(sequence, _)| missing.remove(sequence)));
        // Sequences the page went past lost their commitment meanwhile.
        if let Some(last) = last {
            missing.retain(|sequence| *sequence > last);
        }
        if !more {
            missing.clear();
        }
    }
    let missing: Vec<Sequence> = missing.into_iter().collect();
    let hashes = raw_hashes(chain, missing.iter().map(|sequence| path::packet_commitment(client, *sequence))).await?;
    found.extend(missing.into_iter().zip(hashes).filter_map(|(sequence, hash)| Some((sequence, hash?))));
    Ok(found)
}
