//! Verdicts on real and on made-up headers and proofs.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "tests"
)]

mod evidence;
mod headers;
mod proofs;
mod shapes;
mod signatures;
mod upgrades;
mod vectors;

use std::path::PathBuf;
use std::println;
use std::vec::Vec;

/// The shared vectors, or `None` after a line that says that they are absent.
fn shared(folder: &str) -> Option<Vec<(std::string::String, serde_json::Value)>> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../../shared/vectors").join(folder);
    if !folder.is_dir() {
        println!("skipped: no {}", folder.display());
        return None;
    }
    let mut files: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
    files.sort();
    let read = |path: PathBuf| {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        (name, serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap())
    };
    Some(files.into_iter().map(read).collect())
}
