//! Watching final blocks: results in order from a cursor, many heights a request, never a gap.
//!
//! A block's results name no transaction; blocks in which something was found are fetched for the hashes of theirs. Called by
//! [`crate::adapter`].

use crate::answers::BlockResults;
use crate::blocks::Blocks;
use crate::chain::{Chain, ChainHead, Result};
use crate::events::{Found, located, of_block};
use crate::glance::{Glance, Next, glance};
use crate::rpc::too_much;
use crate::tx::pooled::Pooled;
use causeway_adapter::{AdapterError, Event, LocatedEvent, WatchBatch, WatchRequest};
use causeway_types::TxId;
use std::time::Duration;
use tokio::time::Instant;

#[cfg(test)]
mod tests;

/// Clients and channels in one filter.
const FILTER_NAMES_MAX: usize = 1_000;
/// Least and most of a step in waiting for results.
const STEP_MIN: Duration = Duration::from_millis(10);
const STEP_MAX: Duration = Duration::from_millis(250);
/// Longest wait of one watch.
const WAIT_MS_MAX: u64 = 60_000;
/// Blocks of which so few are new that their transactions are asked for before it is known whether they matter.
const NEAR_BLOCKS: u64 = 3;

pub(crate) async fn watch(chain: &Chain, (blocks, pooled): (&Blocks, &Pooled), request: WatchRequest) -> Result<WatchBatch> {
    let filter = &request.filter;
    let names = filter.ends.len().saturating_add(filter.clients.len()).saturating_add(filter.connections.len());
    if names > FILTER_NAMES_MAX {
        let detail = format!("{names} clients, channels and connections; at most {FILTER_NAMES_MAX} are watched at once");
        return Err(AdapterError::Invalid { what: "filter", detail });
    }
    if request.after.revision != chain.revision {
        // The chain took the place of another: that one's blocks are not here, and state tells what they left to do.
        return Err(AdapterError::HeightPruned { asked: request.after, oldest: chain.height(1) });
    }
    let after = request.after.number;
    let deadline = Instant::now() + Duration::from_millis(request.wait_ms.min(WAIT_MS_MAX));
    let Glance { head, next: mut told } = wait_for_block(chain, blocks, after, deadline).await?;
    if head.number < after {
        return Err(AdapterError::Lagging { found: chain.height(head.number), needed: request.after });
    }
    let mut batch = WatchBatch { cursor: chain.height(after), head: chain.seam_head(head), events: Vec::new() };
    let to = head.number.min(after.saturating_add(request.blocks_max.max(1)));
    if names == 0 {
        batch.cursor = chain.height(to);
        return Ok(batch);
    }
    let wanted = |event: &Event| request.filter.wants(event);
    let mut next = after.saturating_add(1);
    let mut patience = Patience::new(chain);
    while next <= to && batch.events.len() < request.events_max as usize {
        let found = match std::mem::replace(&mut told, Next::NotAsked) {
            Next::Told(block) => sorted(chain, (blocks, Some(pooled)), vec![block], wanted).await,
            Next::NotYet => Err(AdapterError::Lagging { found: chain.height(after), needed: chain.height(next) }),
            Next::NotAsked => scan(chain, (blocks, Some(pooled)), (next, to), head, wanted).await,
        };
        let found = match found {
            Ok(found) => found,
            // The newest block is stored before it is executed: its results come a little later.
            Err(AdapterError::Lagging { .. }) if batch.cursor.number == after && Instant::now() + patience.pause < deadline => {
                patience.wait().await;
                continue;
            }
            Err(AdapterError::Lagging { .. }) => break,
            // What is complete is given first; the error comes with the next call.
            Err(_) if batch.cursor.number > after => break,
            Err(error) => return Err(error),
        };
        next = next.saturating_add(found.len() as u64);
        if batch.cursor.number == after {
            patience.over(chain);
        }
        if !take(chain, found, request.events_max as usize, &mut batch) {
            break;
        }
    }
    Ok(batch)
}

/// Waiting for the results of a block that is there: for most of the time that those of the last one took, then in ever longer steps.
struct Patience {
    since: Instant,
    pause: Duration,
    step: Duration,
    /// About when they came, as far as was waited: in the middle of the last pause.
    came: Duration,
}

impl Patience {
    fn new(chain: &Chain) -> Self {
        let usual = Duration::from_millis(chain.config.block_interval_ms);
        let (step, lag) = ((usual / 16).clamp(STEP_MIN, STEP_MAX), chain.heads.lag().min(usual));
        Self { since: Instant::now(), pause: step.max(lag * 3 / 4), step: step.max(lag / 8), came: Duration::ZERO }
    }

    async fn wait(&mut self) {
        tokio::time::sleep(self.pause).await;
        self.came = self.since.elapsed().saturating_sub(self.pause / 2);
        self.pause = self.step;
        self.step *= 2;
    }

    fn over(&self, chain: &Chain) {
        chain.heads.note_lag(self.came);
    }
}

/// Adds whole blocks to the batch until it is full; answers whether it has room.
fn take(chain: &Chain, found: Vec<(u64, Vec<LocatedEvent>)>, events_max: usize, batch: &mut WatchBatch) -> bool {
    for (number, events) in found {
        // A first block with more events than asked for comes whole: half of it would be a gap.
        if !batch.events.is_empty() && batch.events.len() + events.len() > events_max {
            return false;
        }
        batch.events.extend(events);
        batch.cursor = chain.height(number);
    }
    true
}

/// Asks for the head until it is above `after` or the time is over; the next block comes along if it is there by then.
async fn wait_for_block(chain: &Chain, blocks: &Blocks, after: u64, deadline: Instant) -> Result<Glance> {
    loop {
        let seen = match chain.expected_head() {
            // Told just now, and the next one is not to be expected yet.
            Some((head, false)) if head.number >= after => Glance { head, next: Next::NotAsked },
            _ => glance(chain, blocks, after.saturating_add(1)).await?,
        };
        let pause = chain.pause();
        if seen.head.number > after || Instant::now() + pause > deadline {
            return Ok(seen);
        }
        tokio::time::sleep(pause).await;
    }
}

/// Blocks from `from` on, at most to `to`, as many as are there and are answered at once, each with the events that `wanted` takes and their
/// places. What is too much is asked for in ever smaller parts; [`AdapterError::BlockTooLarge`] when the first block alone still is.
pub(crate) async fn scan(
    chain: &Chain,
    (blocks, pooled): (&Blocks, Option<&Pooled>),
    (from, to): (u64, u64),
    head: ChainHead,
    wanted: impl Fn(&Event) -> bool + Copy,
) -> Result<Vec<(u64, Vec<LocatedEvent>)>> {
    let mut to = to;
    loop {
        let end = blocks.span().end(from, to);
        let count = end.saturating_sub(from).saturating_add(1);
        let error = match read(chain, (blocks, pooled), (from, end), head, wanted).await {
            Ok(found) => {
                blocks.span().grow(count);
                return Ok(found);
            }
            Err(error) => error,
        };
        match (&error, too_much(&error)) {
            (AdapterError::BlockTooLarge { height, .. }, _) if height.number > from => to = height.number - 1,
            (_, Some(detail)) => {
                if !blocks.span().shrink(count) {
                    return Err(AdapterError::BlockTooLarge { height: chain.height(from), detail });
                }
                tracing::debug!(blocks = count / 2, %error, "results are asked for of fewer blocks at once");
            }
            _ => return Err(error),
        }
    }
}

async fn read(
    chain: &Chain,
    (blocks, pooled): (&Blocks, Option<&Pooled>),
    (from, to): (u64, u64),
    head: ChainHead,
    wanted: impl Fn(&Event) -> bool + Copy,
) -> Result<Vec<(u64, Vec<LocatedEvent>)>> {
    let results = if to - from < NEAR_BLOCKS {
        // A few new blocks are asked for whole, in the same request; what fails of it is asked for again below.
        let numbers: Vec<u64> = (from..=to).collect();
        let (results, _) = futures::join!(chain.block_results(from, to, head), blocks.tx_ids(chain, &numbers));
        results?
    } else {
        chain.block_results(from, to, head).await?
    };
    sorted(chain, (blocks, pooled), results, wanted).await
}

/// The wanted events of blocks with their places; what became of our own transactions is remembered.
async fn sorted(
    chain: &Chain,
    (blocks, pooled): (&Blocks, Option<&Pooled>),
    results: Vec<BlockResults>,
    wanted: impl Fn(&Event) -> bool + Copy,
) -> Result<Vec<(u64, Vec<LocatedEvent>)>> {
    let found: Vec<(u64, Vec<Found>)> = results.iter().map(|block| (block.height.unsigned(), of_block(block, wanted))).collect();
    let has_tx = |found: &[Found]| found.iter().any(|one| one.tx_index.is_some());
    // Ours may be in any block that has transactions, whatever became of them.
    let awaits = pooled.is_some_and(|pooled| !pooled.is_empty());
    let may_be_ours = |block: &BlockResults| awaits && block.txs_results.as_ref().is_some_and(|results| !results.is_empty());
    let is_busy = |((_, found), block): &(&(u64, Vec<Found>), &BlockResults)| has_tx(found) || may_be_ours(block);
    let busy: Vec<u64> = found.iter().zip(&results).filter(is_busy).map(|((number, _), _)| *number).collect();
    let ids = blocks.tx_ids(chain, &busy).await?;
    if let Some(pooled) = pooled {
        for block in results {
            let number = block.height.unsigned();
            let ids = ids.get(&number).map(|ids| ids.as_slice()).unwrap_or_default();
            pooled.read(number, ids.iter().cloned().zip(block.txs_results.unwrap_or_default()));
        }
    }
    let place = |number: u64, one: Found| {
        let tx = match one.tx_index {
            Some(at) => ids.get(&number).and_then(|ids| ids.get(at)).cloned(),
            // What a block did by itself is named by its height.
            None => TxId::new(number.to_be_bytes()).ok(),
        };
        let tx = tx.ok_or_else(|| chain.protocol("block-transactions", "a transaction a result", format!("fewer at {number}")))?;
        Ok(located(one, chain.height(number), tx))
    };
    let block = |(number, found): (u64, Vec<Found>)| {
        let events = found.into_iter().map(|one| place(number, one)).collect::<Result<Vec<_>>>()?;
        Ok((number, events))
    };
    found.into_iter().map(block).collect()
}
