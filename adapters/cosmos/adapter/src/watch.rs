//! Watching final blocks: results in order from a cursor, many heights a request, never a gap.
//!
//! A block's results name no transaction; blocks in which something was found are fetched for the hashes of theirs. Called by
//! [`crate::adapter`].

use crate::answers::BlockResults;
use crate::blocks::Blocks;
use crate::chain::{Chain, ChainHead, Result};
use crate::events::{Found, client_of, located, of_block};
use causeway_adapter::{AdapterError, LocatedEvent, WatchBatch, WatchRequest};
use causeway_types::ClientId;
use std::time::Duration;
use tokio::time::Instant;

/// Clients in one filter.
const FILTER_CLIENTS_MAX: usize = 1_000;
/// Longest wait of one watch.
const WAIT_MS_MAX: u64 = 60_000;
/// Blocks whose results are held at once.
const BLOCKS_AT_ONCE: u64 = 100;

pub(crate) async fn watch(chain: &Chain, blocks: &Blocks, request: WatchRequest) -> Result<WatchBatch> {
    if request.filter.clients.len() > FILTER_CLIENTS_MAX {
        let detail = format!("{} clients; at most {FILTER_CLIENTS_MAX} are watched at once", request.filter.clients.len());
        return Err(AdapterError::Invalid { what: "filter", detail });
    }
    let after = request.after.number;
    let head = wait_for_block(chain, after, request.wait_ms).await?;
    if head.number < after {
        return Err(AdapterError::Lagging { found: chain.height(head.number), needed: request.after });
    }
    let mut batch = WatchBatch { cursor: chain.height(after), head: chain.seam_head(head), events: Vec::new() };
    let clients = &request.filter.clients;
    let to = head.number.min(after.saturating_add(request.blocks_max.max(1)));
    if clients.is_empty() {
        batch.cursor = chain.height(to);
        return Ok(batch);
    }
    let mut next = after.saturating_add(1);
    while next <= to && batch.events.len() < request.events_max as usize {
        let end = to.min(next.saturating_add(BLOCKS_AT_ONCE - 1));
        let results = match chain.block_results(next, end, head).await {
            Ok(results) => results,
            // The newest block is stored before its results are.
            Err(AdapterError::Lagging { .. }) => break,
            // What is complete is given first; the error comes with the next call.
            Err(_) if batch.cursor.number > after => break,
            Err(error) => return Err(error),
        };
        next = next.saturating_add(results.len() as u64);
        if !take(chain, blocks, results, (clients, request.events_max as usize), &mut batch).await? {
            break;
        }
    }
    Ok(batch)
}

/// Adds whole blocks to the batch until it is full; answers whether it has room.
async fn take(
    chain: &Chain,
    blocks: &Blocks,
    results: Vec<BlockResults>,
    (clients, events_max): (&[ClientId], usize),
    batch: &mut WatchBatch,
) -> Result<bool> {
    let wanted = |event: &causeway_adapter::Event| clients.contains(client_of(event));
    let found: Vec<(u64, Vec<Found>)> = results.iter().map(|block| (block.height.unsigned(), of_block(block, wanted))).collect();
    let busy: Vec<u64> =
        found.iter().filter(|(_, found)| found.iter().any(|one| one.tx_index.is_some())).map(|(number, _)| *number).collect();
    let hashes = blocks.tx_ids(chain, &busy).await?;
    for (number, found) in found {
        // A first block with more events than asked for comes whole: half of it would be a gap.
        if !batch.events.is_empty() && batch.events.len() + found.len() > events_max {
            return Ok(false);
        }
        for one in found {
            let tx = match one.tx_index {
                Some(at) => hashes.get(&number).and_then(|ids| ids.get(at)).cloned(),
                // What a block did by itself is named by its height.
                None => causeway_types::TxId::new(number.to_be_bytes()).ok(),
            };
            let tx = tx.ok_or_else(|| chain.protocol("block-transactions", "a transaction a result", format!("fewer at {number}")))?;
            batch.events.push(located(one, chain.height(number), tx));
        }
        batch.cursor = chain.height(number);
    }
    Ok(true)
}

/// Asks for the head until it is above `after` or the time is over.
async fn wait_for_block(chain: &Chain, after: u64, wait_ms: u64) -> Result<ChainHead> {
    let deadline = Instant::now() + Duration::from_millis(wait_ms.min(WAIT_MS_MAX));
    let pause = Duration::from_millis((chain.config.block_interval_ms / 4).clamp(10, 1_000));
    loop {
        let head = chain.head().await?;
        if head.number > after || Instant::now() + pause > deadline {
            return Ok(head);
        }
        tokio::time::sleep(pause).await;
    }
}

/// The events of blocks `from` to `to` that `wanted` takes, with their places.
pub(crate) async fn scan(
    chain: &Chain,
    blocks: &Blocks,
    (from, to): (u64, u64),
    head: ChainHead,
    wanted: impl Fn(&causeway_adapter::Event) -> bool + Copy,
) -> Result<(u64, Vec<LocatedEvent>)> {
    let results = chain.block_results(from, to, head).await?;
    let done = from.saturating_add(results.len() as u64).saturating_sub(1);
    let found: Vec<(u64, Vec<Found>)> = results.iter().map(|block| (block.height.unsigned(), of_block(block, wanted))).collect();
    let busy: Vec<u64> =
        found.iter().filter(|(_, found)| found.iter().any(|one| one.tx_index.is_some())).map(|(number, _)| *number).collect();
    let hashes = blocks.tx_ids(chain, &busy).await?;
    let mut events = Vec::new();
    for (number, found) in found {
        for one in found {
            let Some(tx) = one.tx_index.and_then(|at| hashes.get(&number)?.get(at).cloned()) else { continue };
            events.push(located(one, chain.height(number), tx));
        }
    }
    Ok((done, events))
}
