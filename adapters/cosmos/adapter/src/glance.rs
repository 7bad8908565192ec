//! One look at a node a block: its head and, in the same request, the next block whole, which is usually there when it is due.
//!
//! What does not come with it is asked for in the usual way, and errors are told then. Called by [`crate::watch`].

use crate::answers::{Block, BlockResults, Commit};
use crate::blocks::{Blocks, tx_ids_of};
use crate::chain::{Chain, ChainHead, Result, at};
use crate::memory::Asked;
use crate::rpc::{self, Answer, Call};
use serde_json::json;
use std::time::Duration;

#[cfg(test)]
mod tests;

/// Calls of one look.
const CALLS: usize = 4;
/// Blocks after which headers that nobody asked for are no longer asked for along with the rest.
const HEADERS_ASKED_BLOCKS: u32 = 20;

/// What a node told.
#[derive(Debug)]
pub(crate) struct Glance {
    pub(crate) head: ChainHead,
    pub(crate) next: Next,
}

/// The results of the block after the last one that was read.
#[derive(Debug)]
pub(crate) enum Next {
    Told(BlockResults),
    /// The block may be there, its results are not yet.
    NotYet,
    /// They are to be asked for, whatever the answer.
    NotAsked,
}

/// Asks for the head and for block `next`; its transactions and its header are kept where others look for them.
pub(crate) async fn glance(chain: &Chain, blocks: &Blocks, next: u64) -> Result<Glance> {
    if chain.rpc.size() < CALLS {
        return Ok(Glance { head: chain.head().await?, next: Next::NotAsked });
    }
    let mut calls = vec![at("block_results", next), at("block", next)];
    if chain.headers.are_asked_for(Duration::from_millis(chain.config.block_interval_ms) * HEADERS_ASKED_BLOCKS) {
        calls.push(at("commit", next));
    }
    // Calls are answered one after the other: a block that comes in between is in the last answer at least.
    calls.push(Call::new("status", json!({})));
    let asked = chain.headers.asking();
    let told = chain.rpc.glimpse(calls).await.ok().and_then(|answers| told(chain, blocks, (next, asked), answers));
    match told {
        Some(told) => Ok(told),
        // It may be too much together; if it is the endpoint, others are asked as usual.
        None => Ok(Glance { head: chain.head().await?, next: Next::NotAsked }),
    }
}

/// What the answers tell; `None` if there is no head among them.
fn told(chain: &Chain, blocks: &Blocks, (next, asked): (u64, Asked), mut answers: Vec<Answer>) -> Option<Glance> {
    let head = chain.head_from(&rpc::told(answers.pop())?).ok()?;
    chain.heads.note(head);
    let mut answers = answers.into_iter();
    let results = answers.next()?;
    let is_late = matches!(&results, Err(failure) if failure.kind().is_of_a_block_to_come());
    let results = rpc::told::<BlockResults>(Some(results)).and_then(|told| chain.results_of(next, told).ok());
    let ids = rpc::told::<Block>(answers.next()).and_then(|told| tx_ids_of(chain, next, told).ok());
    if let Some(told) = rpc::told::<Commit>(answers.next()) {
        // A header of another height is asked for again by whoever needs it.
        drop(chain.keep_header(asked, next, told));
    }
    ids.iter().for_each(|ids| blocks.keep(next, ids));
    let next = match results.filter(|_| head.number >= next) {
        Some(results) => Next::Told(results),
        None if is_late && head.number <= next => Next::NotYet,
        None => Next::NotAsked,
    };
    Some(Glance { head, next })
}
