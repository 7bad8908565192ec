//! Finding packets again that state only names by hash: by the node's index where it has one, else by reading blocks backwards.
//!
//! Called by [`crate::adapter`].

use crate::answers::TxSearch;
use crate::blocks::Blocks;
use crate::chain::{Chain, Result};
use crate::events;
use crate::rpc::parse;
use crate::watch::scan;
use causeway_adapter::{AdapterError, Event, HydrateKind, HydrateRequest, Hydrated, LocatedEvent};
use causeway_types::classic::ChannelEndId;
use causeway_types::{PacketEnd, Sequence, TxId};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

#[cfg(test)]
mod tests;

/// Most sequences of one request.
const HYDRATE_MAX: usize = 1_000;
/// Transactions on one page of a search, and pages of one search.
const PAGE: u64 = 30;
const PAGES_MAX: u64 = 40;
/// Blocks read backwards in one call where no range is given and the index does not help.
const SCAN_BLOCKS_MAX: u64 = 20_000;
/// Blocks asked for at once.
const SCAN_BLOCKS_STEP: u64 = 40;
/// Events that are kept for the next questions.
const KEPT_MAX: usize = 20_000;

/// What happened to packets of one end, by sequence.
type Events = BTreeMap<Sequence, LocatedEvent>;

/// What reading blocks found beside what was asked for: the next questions are about that, and would read the same blocks again.
#[derive(Debug, Clone, Default)]
pub(crate) struct Kept {
    events: Arc<Mutex<BTreeMap<(PacketEnd, bool), Events>>>,
}

impl Kept {
    fn key(request: &HydrateRequest) -> (PacketEnd, bool) {
        (request.end.clone(), request.kind == HydrateKind::Sent)
    }

    fn take(&self, request: &HydrateRequest) -> Events {
        let mut events = self.events.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(known) = events.get_mut(&Self::key(request)) else { return BTreeMap::new() };
        request.sequences.iter().filter_map(|sequence| known.remove_entry(sequence)).collect()
    }

    /// Keeps events; of too many all are forgotten, since a place for each is not worth a search for the least useful.
    fn keep(&self, request: &HydrateRequest, found: Events) {
        let mut events = self.events.lock().unwrap_or_else(PoisonError::into_inner);
        if events.values().map(BTreeMap::len).sum::<usize>() + found.len() > KEPT_MAX {
            events.clear();
        }
        events.entry(Self::key(request)).or_default().extend(found.into_iter().take(KEPT_MAX));
    }
}

struct Search<'a> {
    chain: &'a Chain,
    blocks: &'a Blocks,
    request: &'a HydrateRequest,
    missing: BTreeSet<Sequence>,
    found: Events,
    /// Others of the same end and kind.
    beside: Events,
}

pub(crate) async fn hydrate(chain: &Chain, (blocks, kept): (&Blocks, &Kept), request: HydrateRequest) -> Result<Vec<Hydrated>> {
    if request.sequences.len() > HYDRATE_MAX {
        let detail = format!("{} sequences; at most {HYDRATE_MAX} are looked for at once", request.sequences.len());
        return Err(AdapterError::Invalid { what: "hydrate", detail });
    }
    let found = kept.take(&request);
    let missing: BTreeSet<Sequence> = request.sequences.iter().copied().filter(|sequence| !found.contains_key(sequence)).collect();
    let mut search = Search { chain, blocks, request: &request, missing, found, beside: BTreeMap::new() };
    // In a range that is known the blocks themselves are the shorter way.
    let indexed = if request.range.is_none() && !search.missing.is_empty() { search.by_index().await? } else { false };
    if request.range.is_none() && !search.missing.is_empty() {
        search.leave_out_unwritten().await?;
    }
    if !search.missing.is_empty() {
        search.by_blocks(indexed).await?;
    }
    let (mut found, beside) = (search.found, search.beside);
    kept.keep(&request, beside);
    let answer = |sequence: &Sequence| found.remove(sequence).map_or(Hydrated::Unavailable(*sequence), Hydrated::Found);
    Ok(request.sequences.iter().map(answer).collect())
}

impl Search<'_> {
    /// The sequence of an event of the end and kind that is asked for.
    fn wanted(&self, event: &Event) -> Option<Sequence> {
        let sequence = match (event, self.request.kind) {
            (Event::Sent { packet }, HydrateKind::Sent) if packet.source() == self.request.end => packet.sequence(),
            (Event::Acknowledged { packet, .. }, HydrateKind::Acknowledged) if packet.dest() == self.request.end => packet.sequence(),
            _ => return None,
        };
        Some(sequence)
    }

    fn take(&mut self, located: LocatedEvent) {
        if let Some(sequence) = self.wanted(&located.event) {
            let place = if self.missing.remove(&sequence) { &mut self.found } else { &mut self.beside };
            place.entry(sequence).or_insert(located);
        }
    }

    /// Of what has no commitment or acknowledgement in state there is nothing to find, least of all by reading blocks down to the oldest: the
    /// packet has ended, or its application has not acknowledged it yet, which may take as long as a packet that it sent on.
    async fn leave_out_unwritten(&mut self) -> Result<()> {
        let missing: Vec<Sequence> = self.missing.iter().copied().collect();
        for state in crate::state::packet_states(self.chain, &self.request.end, &missing).await? {
            let written = match self.request.kind {
                HydrateKind::Sent => state.commitment,
                HydrateKind::Acknowledged => state.ack_commitment,
            };
            if written.is_none() {
                self.missing.remove(&state.sequence);
            }
        }
        Ok(())
    }

    /// Asks the index for runs of sequences; answers whether the node has one.
    async fn by_index(&mut self) -> Result<bool> {
        let kind = if self.request.kind == HydrateKind::Sent { "send_packet" } else { "write_acknowledgement" };
        let end = indexed_end(kind, self.request);
        for (first, last) in runs(&self.missing) {
            let query = if first == last {
                format!("{end} AND {kind}.packet_sequence='{first}'")
            } else {
                format!("{end} AND {kind}.packet_sequence>={first} AND {kind}.packet_sequence<={last}")
            };
            for page in 1..=PAGES_MAX {
                let params = json!({
                    "query": query, "prove": false, "page": page.to_string(), "per_page": PAGE.to_string(), "order_by": "asc",
                });
                let Ok(raw) = self.chain.rpc.call("tx_search", params).await? else { return Ok(page > 1) };
                let answer: TxSearch = parse(&self.chain.rpc.first_name(), "tx_search", &raw)?;
                let txs = answer.txs.unwrap_or_default();
                let full = txs.len() as u64 >= PAGE;
                self.take_txs(txs);
                if !full {
                    break;
                }
            }
        }
        Ok(true)
    }

    fn take_txs(&mut self, txs: Vec<crate::answers::Tx>) {
        for tx in txs.into_iter().filter(|tx| tx.tx_result.code == 0) {
            let Ok(id) = TxId::new(tx.hash.0) else { continue };
            for (index, raw) in (0_u32..).zip(tx.tx_result.events.iter().flatten()) {
                if let Some(event) = events::event(raw) {
                    self.take(LocatedEvent { height: self.chain.height(tx.height.unsigned()), tx: id.clone(), index, event });
                }
            }
        }
    }

    /// Reads blocks from the newest of the range to the oldest until all are found.
    async fn by_blocks(&mut self, indexed: bool) -> Result<()> {
        let head = self.chain.head().await?;
        let lowest = head.number.saturating_sub(SCAN_BLOCKS_MAX).max(head.earliest).max(1);
        let (low, high) = self
            .request
            .range
            .map_or((lowest, head.number), |(from, to)| (from.number.max(head.earliest).max(1), to.number.min(head.number)));
        if self.request.range.is_none() && !indexed {
            tracing::info!(end = %self.request.end, missing = self.missing.len(), "no index: packets are looked for in blocks, newest first");
        }
        let mut to = high;
        while to >= low && !self.missing.is_empty() {
            let mut from = to.saturating_sub(SCAN_BLOCKS_STEP - 1).max(low);
            let next = from.saturating_sub(1);
            while from <= to {
                let wanted = |event: &Event| self.wanted(event).is_some();
                let found = match scan(self.chain, (self.blocks, None), (from, to), head, &wanted).await {
                    Ok(found) => found,
                    // What is no longer there cannot be found; what is not there yet comes as an event.
                    Err(AdapterError::HeightPruned { .. } | AdapterError::Lagging { .. }) => break,
                    Err(AdapterError::BlockTooLarge { height, .. }) => {
                        from = height.number.max(from).saturating_add(1);
                        continue;
                    }
                    Err(error) => return Err(error),
                };
                from = from.saturating_add(found.len() as u64);
                found.into_iter().flat_map(|(_, events)| events).for_each(|located| self.take(located));
            }
            if next == 0 {
                break;
            }
            to = next;
        }
        Ok(())
    }
}

/// What the index is asked for an end. Source: ibc-go `modules/core/04-channel/types/events.go` and `v2/types/events.go`.
fn indexed_end(kind: &str, request: &HydrateRequest) -> String {
    let sent = request.kind == HydrateKind::Sent;
    match &request.end {
        PacketEnd::Client(client) => {
            let side = if sent { "packet_source_client" } else { "packet_dest_client" };
            format!("{kind}.{side}='{client}'")
        }
        PacketEnd::Channel(ChannelEndId { port, channel }) => {
            let side = if sent { "packet_src" } else { "packet_dst" };
            format!("{kind}.{side}_channel='{channel}' AND {kind}.{side}_port='{port}'")
        }
    }
}

/// Neighbouring sequences as first and last; a hole of a few does not end a run.
fn runs(sequences: &BTreeSet<Sequence>) -> Vec<(u64, u64)> {
    const HOLE_MAX: u64 = 5;
    let mut runs: Vec<(u64, u64)> = Vec::new();
    for number in sequences.iter().map(|sequence| sequence.get()) {
        match runs.last_mut() {
            Some((_, last)) if number <= last.saturating_add(HOLE_MAX) => *last = number,
            _ => runs.push((number, number)),
        }
    }
    runs
}
