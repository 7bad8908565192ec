//! What the chain's state says of packets of IBC classic.
//!
//! Keys hold sequences as decimal text, so that listings are in the order of text: a whole listing is read and sorted, and kept for as long
//! as a caller pages through it. Source: ibc-go `modules/core/04-channel/keeper/grpc_query.go`, `modules/core/24-host/packet_keys.go`.

use super::{LISTING_MIN, PAGE_MAX, Said, ask_three, raw_hashes};
use crate::chain::{Chain, Query, Result};
use causeway_cosmos_proto::cosmos::base::query::v1beta1::PageRequest;
use causeway_cosmos_proto::ibc::core::channel::v1 as channel;
use causeway_types::classic::{ChannelEndId, packet_commitment_path};
use causeway_types::{Hash, Sequence};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

const QUERY: &str = "/ibc.core.channel.v1.Query";
/// Pages of a whole listing: 100,000 commitments of one channel.
const PAGES_MAX: usize = 100;
/// Pages read for the commitments of named packets, before they are read key by key.
const NEAR_PAGES_MAX: usize = 3;
/// For how long a listing that is paged through is kept.
const KEPT: Duration = Duration::from_secs(30);
/// Listings that are kept.
const LISTINGS_MAX: usize = 16;

/// Listings that callers page through.
#[derive(Debug, Default)]
pub(crate) struct Listings {
    kept: Mutex<BTreeMap<ChannelEndId, (Instant, Vec<Sequence>)>>,
}

impl Listings {
    fn get(&self, end: &ChannelEndId) -> Option<Vec<Sequence>> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.get(end).filter(|(at, _)| at.elapsed() < KEPT).map(|(_, all)| all.clone())
    }

    fn keep(&self, end: &ChannelEndId, all: &[Sequence]) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|_, (at, _)| at.elapsed() < KEPT);
        if kept.len() < LISTINGS_MAX {
            kept.insert(end.clone(), (Instant::now(), all.to_vec()));
        }
    }
}

pub(super) async fn commitments(
    chain: &Chain,
    listings: &Listings,
    end: &ChannelEndId,
    from: Sequence,
    limit: usize,
) -> Result<(Vec<Sequence>, Option<Sequence>)> {
    // A new listing begins at the first sequence; later pages go on in the same one.
    let known = if from.get() > 1 { listings.get(end) } else { None };
    let all = match known {
        Some(all) => all,
        None => {
            let all = list(chain, end).await?;
            listings.keep(end, &all);
            all
        }
    };
    let mut rest = all.into_iter().filter(|sequence| *sequence >= from);
    let page: Vec<Sequence> = rest.by_ref().take(limit).collect();
    let last = if rest.next().is_some() { page.last().copied() } else { None };
    Ok((page, last))
}

async fn list(chain: &Chain, end: &ChannelEndId) -> Result<Vec<Sequence>> {
    let (mut all, mut key) = (BTreeSet::new(), Vec::new());
    for _ in 0..PAGES_MAX {
        let (page, next) = self::page(chain, end, key).await?;
        all.extend(page.into_keys());
        if next.is_empty() {
            break;
        }
        key = next;
    }
    Ok(all.into_iter().collect())
}

/// Commitments from a key on, in the order of text, and the key of the next page.
async fn page(chain: &Chain, end: &ChannelEndId, key: Vec<u8>) -> Result<(BTreeMap<Sequence, Hash>, Vec<u8>)> {
    let pagination = PageRequest { key, limit: u64::from(PAGE_MAX), ..PageRequest::default() };
    let request = channel::QueryPacketCommitmentsRequest {
        port_id: end.port.to_string(),
        channel_id: end.channel.to_string(),
        pagination: Some(pagination),
    };
    let response = chain.query(Query::grpc(&format!("{QUERY}/PacketCommitments"), &request)).await?;
    let answer: channel::QueryPacketCommitmentsResponse = chain.decode(&response, "commitments")?;
    if answer.commitments.len() > PAGE_MAX as usize {
        return Err(chain.protocol("commitments-page", format!("at most {PAGE_MAX}"), answer.commitments.len()));
    }
    let mut page = BTreeMap::new();
    for state in answer.commitments {
        let (Ok(sequence), Ok(hash)) = (Sequence::new(state.sequence), Hash::try_from(state.data.as_slice())) else {
            return Err(chain.protocol("commitments-entry", "32 bytes at a sequence", state.sequence));
        };
        page.insert(sequence, hash);
    }
    Ok((page, answer.pagination.unwrap_or_default().next_key))
}

pub(super) async fn said(chain: &Chain, end: &ChannelEndId, numbers: &[u64]) -> Result<Said> {
    let (port_id, channel_id, sequences) = (end.port.to_string(), end.channel.to_string(), numbers.to_vec());
    let questions = [
        Query::grpc(
            &format!("{QUERY}/UnreceivedPackets"),
            &channel::QueryUnreceivedPacketsRequest {
                port_id: port_id.clone(),
                channel_id: channel_id.clone(),
                packet_commitment_sequences: sequences.clone(),
            },
        ),
        Query::grpc(
            &format!("{QUERY}/UnreceivedAcks"),
            &channel::QueryUnreceivedAcksRequest {
                port_id: port_id.clone(),
                channel_id: channel_id.clone(),
                packet_ack_sequences: sequences.clone(),
            },
        ),
        Query::grpc(
            &format!("{QUERY}/PacketAcknowledgements"),
            &channel::QueryPacketAcknowledgementsRequest { port_id, channel_id, pagination: None, packet_commitment_sequences: sequences },
        ),
    ];
    let (unreceived, unacked, acks) = ask_three::<
        channel::QueryUnreceivedPacketsResponse,
        channel::QueryUnreceivedAcksResponse,
        channel::QueryPacketAcknowledgementsResponse,
    >(chain, &questions)
    .await?;
    let acks = acks.acknowledgements.into_iter().map(|ack| (ack.sequence, ack.data));
    Ok(Said::new(unreceived.sequences, unacked.sequences, acks))
}

/// Commitments of packets that still have one: from a few pages that begin at the first of them, else key by key.
pub(super) async fn hashes_of(chain: &Chain, end: &ChannelEndId, live: BTreeSet<Sequence>) -> Result<BTreeMap<Sequence, Hash>> {
    let mut found: BTreeMap<Sequence, Hash> = BTreeMap::new();
    let mut missing = live;
    for _ in 0..NEAR_PAGES_MAX {
        let (Some(first), true) = (missing.first().copied(), missing.len() >= LISTING_MIN) else { break };
        let (page, _) = page(chain, end, format!("/{first}").into_bytes()).await?;
        let before = missing.len();
        found.extend(page.into_iter().filter(|(sequence, _)| missing.remove(sequence)));
        if missing.len() == before {
            break;
        }
    }
    let missing: Vec<Sequence> = missing.into_iter().collect();
    let hashes = raw_hashes(chain, missing.iter().map(|sequence| packet_commitment_path(end, *sequence))).await?;
    found.extend(missing.into_iter().zip(hashes).filter_map(|(sequence, hash)| Some((sequence, hash?))));
    Ok(found)
}
