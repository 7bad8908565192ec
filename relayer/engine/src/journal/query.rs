//! The journal's read side: questions of people and programs. None of it is on the path of a packet.

use super::actor::{Finished, Journal, Op, lock};
use super::codec::{self, Damaged};
use super::{keys, wire};
use crate::handle::{Change, Changes, PacketFilter, Page};
use crate::packet::StateKind;
use crate::{PacketRecord, QueryError};
use causeway_store::{StoreError, Tree, Write};
use causeway_types::{ChainId, PacketKey, TxId};
use tokio::sync::watch;

/// Rows looked at in one step.
const STEP: usize = 500;
/// Rows looked at for one page, whatever of them fits the filter.
const PAGE_ROWS_MAX: usize = 5_000;
/// Steps of forgetting in one go.
const AGE_STEPS: usize = 20;

fn damaged(error: Damaged) -> QueryError {
    QueryError::Damaged(error.0)
}

fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        use std::fmt::Write;
        // Writing to a String cannot fail.
        let _infallible = write!(text, "{byte:02x}");
        text
    })
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    if text.len() > 1_024 || !text.is_ascii() {
        return None;
    }
    let digits: Vec<u8> = text.chars().map(|c| c.to_digit(16).and_then(|d| u8::try_from(d).ok())).collect::<Option<_>>()?;
    digits.chunks(2).map(|pair| if let [high, low] = pair { Some(high * 16 + low) } else { None }).collect()
}

/// How far a list of packets has come: the row that was looked at last.
struct Place {
    tree: Tree,
    after: Option<Vec<u8>>,
}

impl Place {
    const BEGIN: Self = Self { tree: Tree::Hot, after: None };

    fn parse(text: &str) -> Option<Self> {
        let (tree, row) = text.split_at_checked(1)?;
        let tree = match tree {
            "h" => Tree::Hot,
            "c" => Tree::Cold,
            _ => return None,
        };
        Some(Self { tree, after: Some(from_hex(row)?).filter(|row| !row.is_empty()) })
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let tree = if self.tree == Tree::Hot { "h" } else { "c" };
        write!(f, "{tree}{}", to_hex(self.after.as_deref().unwrap_or_default()))
    }
}

impl Journal {
    /// One packet, pending or finished.
    pub(crate) async fn packet(&self, key: &PacketKey) -> Result<Option<PacketRecord>, QueryError> {
        if let Some(record) = self.table(|table| table.get(key)) {
            return Ok(Some(record.as_ref().clone()));
        }
        let row = keys::packet(key);
        for tree in [Tree::Cold, Tree::Hot] {
            if let Some(bytes) = self.store.get(tree, &row).await? {
                return codec::record(&bytes).map(Some).map_err(damaged);
            }
        }
        Ok(None)
    }

    /// A page: pending packets, then finished ones. It ends with the last row that was looked at, so that it may hold less than asked for,
    /// even nothing, and yet have one after it.
    pub(crate) async fn packets(&self, filter: &PacketFilter, cursor: Option<&str>, limit: usize) -> Result<Page, QueryError> {
        let bad = || QueryError::BadCursor(cursor.unwrap_or_default().chars().take(80).collect());
        let mut place = cursor.map_or(Some(Place::BEGIN), Place::parse).ok_or_else(bad)?;
        let limit = limit.clamp(1, 1_000);
        let (mut packets, mut left) = (Vec::new(), PAGE_ROWS_MAX);
        while left > 0 {
            let asked = STEP.min(left);
            let rows = self.store.scan(place.tree, keys::PACKETS, place.after.as_deref(), asked).await?;
            let ended = rows.len() < asked;
            left = left.saturating_sub(rows.len());
            for (row, bytes) in rows {
                let record = codec::record(&bytes).map_err(damaged)?;
                place.after = Some(row);
                if !wanted(filter, &record) {
                    continue;
                }
                packets.push(record);
                if packets.len() == limit {
                    return Ok(Page { packets, next: Some(place.to_string()) });
                }
            }
            if ended && place.tree == Tree::Hot && !filter.pending_only {
                place = Place { tree: Tree::Cold, after: None };
            } else if ended {
                return Ok(Page { packets, next: None });
            }
        }
        Ok(Page { packets, next: Some(place.to_string()) })
    }

    /// Packets that a transaction sent.
    pub(crate) async fn by_source(&self, chain: &ChainId, tx: &TxId) -> Result<Vec<PacketRecord>, QueryError> {
        let prefix = keys::by_source(chain, tx);
        let mut found = Vec::new();
        for (row, _) in self.store.scan(Tree::Index, &prefix, None, 1_000).await? {
            let Some(key) = row.get(prefix.len()..) else { continue };
            for tree in [Tree::Hot, Tree::Cold] {
                if let Some(bytes) = self.store.get(tree, key).await? {
                    found.push(codec::record(&bytes).map_err(damaged)?);
                    break;
                }
            }
        }
        Ok(found)
    }

    /// Numbers of the newest change, now and whenever it grows.
    pub(crate) fn change_numbers(&self) -> watch::Receiver<u64> {
        self.shared.change.subscribe()
    }

    /// Changes after a number that is not from the future. A store may show what it has not made durable yet: a reader who was told of that
    /// would come back, after a kill, with a number that never was.
    pub(crate) async fn changes(&self, cursor: u64, limit: usize) -> Result<Changes, QueryError> {
        let durable = *self.shared.change.borrow();
        let rows = self.store.scan(Tree::Index, keys::CHANGES, Some(&keys::change(cursor)), limit.clamp(1, 1_000)).await?;
        let mut changes = Vec::with_capacity(rows.len());
        for (row, bytes) in rows {
            let number = row.get(keys::CHANGES.len()..).and_then(|number| number.try_into().ok()).map(u64::from_be_bytes);
            let number = number.ok_or_else(|| QueryError::Damaged("change number".into()))?;
            if number > durable {
                break;
            }
            let row: wire::ChangeRow = codec::decode(&bytes).map_err(damaged)?;
            let key = codec::packet_key(&row.chain, &row.end, row.sequence).map_err(damaged)?;
            let state = StateKind::parse(&row.state).ok_or_else(|| QueryError::Damaged(format!("change state {}", row.state)))?;
            let packet = self.packet(&key).await?;
            changes.push(Change { number, at_ms: row.at_ms, key, path: row.path, state, packet });
        }
        let gap = changes.first().is_some_and(|first| first.number > cursor.saturating_add(1));
        let cursor = changes.last().map_or(cursor, |last| last.number);
        Ok(Changes { changes, cursor, gap })
    }

    pub(crate) fn finished(&self) -> Finished {
        lock(&self.shared.finished).clone()
    }

    /// Forgets summaries of packets that finished longer than `keep_ms` ago.
    pub(crate) async fn age(&self, now_ms: u64, keep_ms: u64) -> Result<(), StoreError> {
        for _ in 0..AGE_STEPS {
            if self.age_step(now_ms.saturating_sub(keep_ms)).await? < STEP {
                break;
            }
        }
        Ok(())
    }

    /// How many rows were looked at and forgotten.
    async fn age_step(&self, oldest: u64) -> Result<usize, StoreError> {
        let stamp = keys::FINISHED.len();
        let (mut ops, mut count) = (Vec::new(), 0);
        for (row, _) in self.store.scan(Tree::Index, keys::FINISHED, None, STEP).await? {
            let at = row.get(stamp..stamp.saturating_add(8)).and_then(|at| at.try_into().ok()).map_or(u64::MAX, u64::from_be_bytes);
            if at >= oldest {
                break;
            }
            count += 1;
            let Some(key) = row.get(stamp.saturating_add(8)..).map(<[u8]>::to_vec) else { continue };
            if let Some(record) = self.store.get(Tree::Cold, &key).await?.and_then(|bytes| codec::record(&bytes).ok())
                && let Some(tx) = record.source_tx()
            {
                ops.push(Op::Write(Write::Delete(Tree::Index, keys::by_source_entry(&record.key.chain, tx, &record.key))));
            }
            ops.push(Op::Write(Write::Delete(Tree::Cold, key)));
            ops.push(Op::Write(Write::Delete(Tree::Index, row)));
        }
        self.commit(ops).await?;
        Ok(count)
    }
}

fn wanted(filter: &PacketFilter, record: &PacketRecord) -> bool {
    filter.path.as_ref().is_none_or(|path| *path == record.path)
        && filter.direction.is_none_or(|direction| direction == record.direction)
        && filter.state.is_none_or(|state| state == record.state.kind())
        && filter.source_chain.as_ref().is_none_or(|chain| *chain == record.key.chain)
        && !(filter.pending_only && record.state.kind().is_final())
}
