//! `causeway packet pending`: what the chains' own state says is on its way. Needs no running relayer, no key and no journal.
//!
//! What it is not: no proof. The endpoints are believed here, as by any explorer.

use crate::cli::Global;
use crate::config::{self, Config, PathConfig};
use crate::exit::{Code, Failure, OrFail};
use crate::{families, output};
use causeway_adapter::{ChainAdapter, PacketState};
use causeway_engine::End;
use causeway_types::Sequence;
use serde_json::{Value, json};
use std::sync::Arc;

/// Commitments asked for at once.
const PAGE: u32 = 500;
/// Pages read of one direction: 20,000 commitments.
const PAGES_MAX: usize = 40;

/// Show from the chains' state which packets are on their way; no relayer need run.
#[derive(Debug, clap::Args)]
pub(super) struct Pending {
    /// Name of the path.
    path: String,
}

/// What is on its way in one direction.
struct Direction {
    from: End,
    to: End,
    /// Sent, and not received.
    unreceived: Vec<Sequence>,
    /// Received, and its acknowledgement is written and has not come home.
    unacknowledged: Vec<Sequence>,
    /// Received, and no acknowledgement is written yet.
    unanswered: Vec<Sequence>,
    /// Whether the listing came to its end.
    complete: bool,
}

impl Pending {
    /// Asks both chains and prints.
    pub(super) async fn execute(self, global: &Global) -> Result<(), Failure> {
        let config = config::load(&global.config)?;
        let path = config.path(&self.path).or_fail(Code::BadConfig)?;
        let [a, b] = ends(path)?;
        let (chain_a, chain_b) = (connect(&config, &a).await?, connect(&config, &b).await?);
        let directions = [look((&a, &chain_a), (&b, &chain_b)).await?, look((&b, &chain_b), (&a, &chain_a)).await?];
        if global.json {
            output::json_object(&json!({ "path": path.name, "directions": directions.iter().map(Direction::json).collect::<Vec<_>>() }));
            return Ok(());
        }
        let rows = directions.iter().map(Direction::row).collect();
        println!("{}", output::table(&["from", "to", "not received", "not acknowledged", "no acknowledgement yet"], rows));
        if directions.iter().any(|direction| !direction.complete) {
            println!("There are more: {} commitments of a direction are looked at", PAGES_MAX as u32 * PAGE);
        }
        Ok(())
    }
}

fn ends(path: &PathConfig) -> Result<[End; 2], Failure> {
    Ok([path.a.parse().or_fail(Code::BadConfig)?, path.b.parse().or_fail(Code::BadConfig)?])
}

async fn connect(config: &Config, end: &End) -> Result<Arc<dyn ChainAdapter>, Failure> {
    let chain = config.chain(end.chain.as_str()).or_fail(Code::BadConfig)?;
    Ok(families::watch_only(chain).await?.adapter)
}

async fn look((from, source): (&End, &Arc<dyn ChainAdapter>), (to, dest): (&End, &Arc<dyn ChainAdapter>)) -> Result<Direction, Failure> {
    let mut found = Direction {
        from: from.clone(),
        to: to.clone(),
        unreceived: Vec::new(),
        unacknowledged: Vec::new(),
        unanswered: Vec::new(),
        complete: false,
    };
    let mut next = Sequence::new(1).or_fail(Code::Failed)?;
    for _ in 0..PAGES_MAX {
        let (sequences, last) = source.commitments(&from.packets(), next, PAGE).await.or_fail(Code::Unavailable)?;
        let states = dest.packet_states(&to.packets(), &sequences).await.or_fail(Code::Unavailable)?;
        states.iter().for_each(|state| found.put(state));
        // The listing goes on after what it looked at; one that does not move has ended.
        let Some(last) = last.filter(|last| *last >= next) else {
            found.complete = true;
            break;
        };
        next = Sequence::new(last.get().saturating_add(1)).or_fail(Code::Failed)?;
    }
    Ok(found)
}

impl Direction {
    fn put(&mut self, state: &PacketState) {
        let list = match (state.received, state.ack_commitment) {
            (false, _) => &mut self.unreceived,
            (true, Some(_)) => &mut self.unacknowledged,
            (true, None) => &mut self.unanswered,
        };
        list.push(state.sequence);
    }

    fn name(end: &End) -> String {
        format!("{} / {}", end.chain, end.packets())
    }

    fn row(&self) -> Vec<String> {
        let lists = [&self.unreceived, &self.unacknowledged, &self.unanswered];
        [Self::name(&self.from), Self::name(&self.to)].into_iter().chain(lists.map(|list| counted(list))).collect()
    }

    fn json(&self) -> Value {
        let end = |end: &End| json!({ "chain": end.chain.as_str(), "end": end.packets().to_string() });
        let numbers = |list: &[Sequence]| list.iter().map(|sequence| sequence.get()).collect::<Vec<_>>();
        json!({
            "from": end(&self.from),
            "to": end(&self.to),
            "unreceived": numbers(&self.unreceived),
            "unacknowledged": numbers(&self.unacknowledged),
            "unanswered": numbers(&self.unanswered),
            "complete": self.complete,
        })
    }
}

/// How many, and which as ranges: `5: 1-3, 7, 9`.
fn counted(list: &[Sequence]) -> String {
    let mut ranges: Vec<(u64, u64)> = Vec::new();
    for sequence in list.iter().map(|sequence| sequence.get()) {
        match ranges.last_mut() {
            Some((_, end)) if end.saturating_add(1) == sequence => *end = sequence,
            _ => ranges.push((sequence, sequence)),
        }
    }
    let shown: Vec<String> =
        ranges.iter().take(8).map(|(from, to)| if from == to { from.to_string() } else { format!("{from}-{to}") }).collect();
    match (list.len(), ranges.len()) {
        (0, _) => "0".to_string(),
        (count, 0..=8) => format!("{count}: {}", shown.join(", ")),
        (count, _) => format!("{count}: {}, …", shown.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sequences_are_shown_as_ranges() {
        let list = |numbers: &[u64]| counted(&numbers.iter().map(|number| Sequence::new(*number).expect("from 1")).collect::<Vec<_>>());
        assert_eq!(list(&[]), "0");
        assert_eq!(list(&[4]), "1: 4");
        assert_eq!(list(&[1, 2, 3, 7, 9, 10]), "6: 1-3, 7, 9-10");
        assert_eq!(list(&[1, 3, 5, 7, 9, 11, 13, 15, 17]), "9: 1, 3, 5, 7, 9, 11, 13, 15, …");
    }
}
