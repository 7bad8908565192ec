//! `causeway config import-hermes`: a configuration from one of Hermes, and what became of every key of it.

use crate::cli::Global;
use crate::exit::{Code, Failure};
use crate::hermes::{self, Fate, Import};
use crate::{config, output};
use serde_json::json;
use std::path::{Path, PathBuf};

/// Longest file that is read, bytes.
const FILE_BYTES_MAX: u64 = 16 << 20;

/// Take over a configuration of Hermes.
#[derive(Debug, clap::Args)]
pub(super) struct ImportHermes {
    /// Configuration of Hermes, usually ~/.hermes/config.toml.
    file: PathBuf,
    /// Where the new configuration is written [default: what --config names].
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Replace a file that is already there.
    #[arg(long)]
    force: bool,
}

impl ImportHermes {
    /// Reads, writes and tells.
    pub(super) fn execute(self, global: &Global) -> Result<(), Failure> {
        let fail = |path: &Path, error: String| Failure::new(Code::BadConfig, format!("{}: {error}", path.display()));
        let import =
            hermes::import(&read(&self.file).map_err(|error| fail(&self.file, error))?).map_err(|error| fail(&self.file, error))?;
        let out = self.out.unwrap_or_else(|| global.config.clone());
        // What is written is valid, or nothing is written.
        config::parse(&import.text, out.parent().unwrap_or(Path::new("."))).map_err(|error| fail(&self.file, error))?;
        config::write_new(&out, &import.text, self.force)?;
        if global.json {
            output::json_object(&answer(&import, &out));
        } else {
            print(&import, &out);
        }
        Ok(())
    }
}

fn read(file: &Path) -> Result<String, String> {
    let bytes = std::fs::metadata(file)
        .map_err(|error| format!("cannot be read: {error}; name the configuration of Hermes, most often ~/.hermes/config.toml"))?
        .len();
    if bytes > FILE_BYTES_MAX {
        return Err(format!("{bytes} bytes; at most {FILE_BYTES_MAX} are read"));
    }
    std::fs::read_to_string(file)
        .map_err(|error| format!("cannot be read: {error}; name the configuration of Hermes, most often ~/.hermes/config.toml"))
}

fn answer(import: &Import, out: &Path) -> serde_json::Value {
    let note = |note: &hermes::Note| json!({ "key": note.key, "fate": note.fate.word(), "text": note.text });
    json!({
        "written": out.display().to_string(),
        "chains": import.chains,
        "keys": import.notes.iter().map(note).collect::<Vec<_>>(),
        "next": import.next,
    })
}

fn print(import: &Import, out: &Path) {
    let of = |fate: Fate| import.notes.iter().filter(move |note| note.fate == fate);
    println!("Wrote {}: {} chains, {} keys taken over.", out.display(), import.chains.len(), of(Fate::Taken).count());
    let sections = [
        (Fate::Look, "Look at these"),
        (Fate::Unknown, "Not known here, and nothing became of them"),
        (Fate::NotNeeded, "Nothing is needed for these"),
    ];
    for (fate, title) in sections {
        let rows: Vec<Vec<String>> = of(fate).map(|note| vec![note.key.clone(), note.text.clone()]).collect();
        if !rows.is_empty() {
            println!("\n{title}:\n{}", output::table(&["key of Hermes", "what becomes of it"], rows));
        }
    }
    println!("\nKeys are not copied. Put the words of each account into a file, and finish the move:");
    for command in &import.next {
        println!("  {command}");
    }
}
