//! What the journal's rows say when it is opened, and of lanes that open later.
//!
//! What it is not: it writes nothing but the schema of a new journal.

use super::actor::{Finished, Opening};
use super::codec::{self, Damaged};
use super::keys;
use super::table::Table;
use super::wire::{CountRow, CountsRow, SCHEMA_VERSION};
use crate::StartError;
use crate::packet::{Direction, PacketRecord, StateKind};
use causeway_store::{Store, Tree, Write};
use prost::Message;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Rows read in one step.
pub(super) const PAGE: usize = 1_000;

/// The refusal over a row of the meta tree.
fn damaged(key: &[u8]) -> impl Fn(Damaged) -> StartError {
    move |error| error.row("a figure of the journal itself", Tree::Meta, key)
}

pub(super) async fn schema(store: &dyn Store) -> Result<(), StartError> {
    match store.get(Tree::Meta, keys::SCHEMA).await? {
        None => Ok(store.commit(vec![Write::Put(Tree::Meta, keys::SCHEMA.to_vec(), SCHEMA_VERSION.to_be_bytes().to_vec())]).await?),
        Some(bytes) => {
            let bytes: [u8; 4] = bytes.as_slice().try_into().map_err(|_| damaged(keys::SCHEMA)(Damaged("length".into())))?;
            let found = u32::from_be_bytes(bytes);
            if found > SCHEMA_VERSION { Err(StartError::SchemaTooNew { found, known: SCHEMA_VERSION }) } else { Ok(()) }
        }
    }
}

/// What is pending, never what is finished.
pub(super) async fn pending(store: &dyn Store, lanes: &[Opening]) -> Result<Table, StartError> {
    let mut table = Table::new(lanes.iter().map(|lane| (lane.id, lane.chain.clone(), lane.end.clone())));
    let (mut after, mut left) = (None::<Vec<u8>>, BTreeMap::<String, u64>::new());
    loop {
        let rows = store.scan(Tree::Hot, keys::PACKETS, after.as_deref(), PAGE).await?;
        let Some((last, _)) = rows.last() else { break };
        after = Some(last.clone());
        for (key, bytes) in &rows {
            let record = codec::record(bytes).map_err(|error| error.row("a packet", Tree::Hot, key))?;
            // Packets of a path that is no longer configured stay in the store: only what carries them still ends.
            if table.lane_of(&record.key.chain, &record.key.end).is_none() {
                *left.entry(record.path.clone()).or_default() += 1;
            }
            table.apply(Arc::new(record));
        }
    }
    for (path, packets) in left {
        let advice = "`causeway packet list` shows them, and they go on when it is put back";
        tracing::warn!(path, packets, "packets of a path that is not configured wait; {advice}");
    }
    Ok(table)
}

/// Number of the newest change.
pub(super) async fn change(store: &dyn Store) -> Result<u64, StartError> {
    let Some(bytes) = store.get(Tree::Meta, keys::CHANGE).await? else { return Ok(0) };
    Ok(u64::from_be_bytes(bytes.as_slice().try_into().map_err(|_| damaged(keys::CHANGE)(Damaged("length".into())))?))
}

pub(super) async fn counts(store: &dyn Store) -> Result<Finished, StartError> {
    let Some(bytes) = store.get(Tree::Meta, keys::COUNTS).await? else { return Ok(Finished::new()) };
    let row: CountsRow = codec::decode(&bytes).map_err(damaged(keys::COUNTS))?;
    let mut counts = Finished::new();
    for count in row.counts {
        let state = StateKind::parse(&count.state).ok_or_else(|| damaged(keys::COUNTS)(Damaged(count.state.clone())))?;
        let direction = if count.b_to_a { Direction::BToA } else { Direction::AToB };
        counts.insert((count.path, direction, state), count.count);
    }
    Ok(counts)
}

/// The row that [`counts`] reads.
pub(super) fn counts_row(finished: &Finished) -> Vec<u8> {
    let row = |((path, direction, state), count): (&(String, Direction, StateKind), &u64)| CountRow {
        path: path.clone(),
        b_to_a: *direction == Direction::BToA,
        state: state.as_str().to_owned(),
        count: *count,
    };
    CountsRow { counts: finished.iter().map(row).collect() }.encode_to_vec()
}

/// A packet of the store. It was whole when the journal was opened: where it is no longer, the next start refuses the journal with what to do.
pub(super) fn whole(row: &[u8], bytes: &[u8]) -> Option<PacketRecord> {
    let decoded = codec::record(bytes);
    decoded.map_err(|error| tracing::error!(error = %error.row("a packet", Tree::Hot, row), "a packet is left as it was")).ok()
}
