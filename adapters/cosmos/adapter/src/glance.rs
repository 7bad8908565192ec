//! One look at a node a block: its head and, in the same request, the next block whole, which is usually there when it is due.
//!
//! What does not come with it is asked for in the usual way, and errors are told then. Called by [`crate::watch`].

use crate::answers::{Block, BlockResults, Commit};
use crate::blocks::{Blocks, tx_ids_of};
use crate::chain::{Chain, ChainHead, Result, at};
use crate::rpc::{Answer, Call, parse};
use serde::de::DeserializeOwned;
use serde_json::json;
use std::time::Duration;

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
    let Ok(mut answers) = chain.rpc.glimpse(calls).await else {
        // It may be too much together; if it is the node, it says so again.
        return Ok(Glance { head: chain.head().await?, next: Next::NotAsked });
    };
    let name = chain.rpc.first_name();
    let status = answers.pop().ok_or_else(|| chain.protocol("json-rpc-batch", "a status", "none"))?;
    let head = chain.head_from(&parse(&name, "status", &status.map_err(|failure| failure.into_error(&name))?)?)?;
    chain.heads.note(head);
    let mut answers = answers.into_iter();
    let results = read::<BlockResults>(answers.next()).and_then(|told| chain.results_of(next, told).ok());
    let ids = read::<Block>(answers.next()).and_then(|told| tx_ids_of(chain, next, told).ok());
    if let Some(told) = read::<Commit>(answers.next()) {
        // A header of another height is asked for again by whoever needs it.
        drop(chain.keep_header(next, told));
    }
    ids.iter().for_each(|ids| blocks.keep(next, ids));
    let next = results.filter(|_| head.number >= next).map_or(Next::NotYet, Next::Told);
    Ok(Glance { head, next })
}

/// An answer, if it came and parses.
fn read<T: DeserializeOwned>(answer: Option<Answer>) -> Option<T> {
    serde_json::from_str(answer?.ok()?.get()).ok()
}
