//! Reads a configuration of Hermes (1.x) and says what becomes of every key of it. Pure: no file, no network.
//!
//! What it is not: no copy of keys, and no guess about what only a chain knows. Called by `causeway config import-hermes`.
//! Sources of the format: informalsystems/hermes `config.toml`, `crates/relayer/src/config.rs`, `crates/relayer/src/chain/cosmos/config.rs`.

mod chain;
mod global;
mod reader;
#[cfg(test)]
mod tests;
mod without;
mod write;

use reader::Section;

/// What becomes of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It is in the new configuration, perhaps in another unit.
    Taken,
    /// Nothing is needed for what it did: why is in the note.
    NotNeeded,
    /// A person must look at it.
    Look,
    /// Hermes itself knows no such key in the versions this was written for.
    Unknown,
}

impl Fate {
    /// The word for it in answers.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Taken => "taken",
            Self::NotNeeded => "not-needed",
            Self::Look => "look",
            Self::Unknown => "unknown",
        }
    }
}

/// One key and what becomes of it. Never a value that could hold a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Note {
    /// The key with the chain that it belongs to, for example `chains.osmosis-1.max_gas`.
    pub(crate) key: String,
    /// What becomes of it.
    pub(crate) fate: Fate,
    /// In words.
    pub(crate) text: String,
}

/// Notes as they are made.
#[derive(Debug, Default)]
struct Notes(Vec<Note>);

impl Notes {
    fn add(&mut self, key: String, fate: Fate, text: impl Into<String>) {
        self.0.push(Note { key, fate, text: text.into() });
    }

    /// A number that must lie within bounds; it is moved to the nearest allowed one, and that is noted.
    fn bounded(&mut self, key: String, ours: &str, value: u64, (min, max): (u64, u64)) -> u64 {
        let allowed = value.clamp(min, max);
        if allowed == value {
            self.add(key, Fate::Taken, format!("{ours} = {value}"));
        } else {
            self.add(key, Fate::Look, format!("{ours} = {allowed}: {value} is outside {min} to {max}"));
        }
        allowed
    }
}

/// A configuration of ours, and where it came from.
#[derive(Debug)]
pub(crate) struct Import {
    /// The new file.
    pub(crate) text: String,
    /// Names of the chains in it.
    pub(crate) chains: Vec<String>,
    /// What became of every key, in the order of reading.
    pub(crate) notes: Vec<Note>,
    /// Commands that finish the move, in order.
    pub(crate) next: Vec<String>,
}

/// Reads a configuration of Hermes.
///
/// # Errors
/// One line that names the key, its value and what is expected, when the file is no TOML, a required key is missing or a value has the
/// wrong form. Keys that are not known are no error: they are noted.
pub(crate) fn import(text: &str) -> Result<Import, String> {
    let mut root = Section::root(text)?;
    let mut notes = Notes::default();
    let global = global::read(&mut root, &mut notes)?;
    let mut chains: Vec<chain::Chain> = Vec::new();
    for section in root.sections("chains")? {
        let Some(chain) = chain::read(section, &mut notes)? else { continue };
        if chains.iter().any(|other| other.name == chain.name) {
            return Err(format!("chains.{}: the chain is there twice; remove one", chain.name));
        }
        chains.push(chain);
    }
    if chains.is_empty() {
        return Err("there is no [[chains]] that can be taken over; is this a configuration of Hermes?".to_string());
    }
    root.rest(&mut notes);
    Ok(Import {
        text: write::configuration(&global, &chains, &notes.0),
        chains: chains.iter().map(|chain| chain.name.clone()).collect(),
        next: write::next_steps(&chains),
        notes: notes.0,
    })
}
