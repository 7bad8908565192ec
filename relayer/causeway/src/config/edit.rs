//! Changes to the configuration file that keep the operator's comments and order, and who may read it.

use super::{EndConfig, PathConfig};
use crate::exit::{Code, Failure};
use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use toml_edit::{ArrayOfTables, DocumentMut, InlineTable, Item, Table, Value, value};

/// Appends a `[[path]]`, or leaves the file alone when a path of that name is there with the same ends.
///
/// # Errors
/// Exit code 64 when the file cannot be read or written, or another path has the name.
pub(crate) fn append_path(file: &Path, path: &PathConfig) -> Result<(), Failure> {
    rewrite(file, |document| {
        let paths = document.entry("path").or_insert(Item::ArrayOfTables(ArrayOfTables::new()));
        let paths = paths.as_array_of_tables_mut().ok_or("`path` is not a list of tables; write paths as [[path]]")?;
        if paths.iter().any(|table| table.get("name").and_then(Item::as_str) == Some(&path.name)) {
            return Ok(());
        }
        let mut table = Table::new();
        table.insert("name", value(path.name.as_str()));
        table.insert("a", end(&path.a));
        table.insert("b", end(&path.b));
        if path.ordered {
            table.insert("ordered", value(true));
        }
        paths.push(table);
        Ok(())
    })
}

/// Sets values in the table `section` (for example `evm` or `trust`) of a `[[chain]]`.
///
/// # Errors
/// Exit code 64 when the file cannot be read or written or the chain is not there.
pub(crate) fn set_chain_values(file: &Path, chain: &str, section: &str, values: &[(&str, Value)]) -> Result<(), Failure> {
    rewrite(file, |document| {
        let chains = document.get_mut("chain").and_then(Item::as_array_of_tables_mut).ok_or("there is no [[chain]]")?;
        let table = chains
            .iter_mut()
            .find(|table| table.get("name").and_then(Item::as_str) == Some(chain))
            .ok_or("there is no [[chain]] of that name")?;
        let section = table.entry(section).or_insert(Item::Table(Table::new()));
        let section = section.as_table_like_mut().ok_or("the section is not a table")?;
        for (key, new) in values {
            section.insert(key, Item::Value(new.clone()));
        }
        Ok(())
    })
}

fn end(end: &EndConfig) -> Item {
    let mut table = InlineTable::new();
    table.insert("chain", end.chain.as_str().into());
    table.insert("client", end.client.as_str().into());
    if let Some(channel) = &end.channel {
        table.insert("channel", channel.as_str().into());
    }
    value(table)
}

fn rewrite(file: &Path, change: impl FnOnce(&mut DocumentMut) -> Result<(), &'static str>) -> Result<(), Failure> {
    let fail = |detail: String| Failure::new(Code::BadConfig, format!("cannot change configuration {}: {detail}", file.display()));
    let text = std::fs::read_to_string(file).map_err(|error| fail(error.to_string()))?;
    let mut document: DocumentMut =
        text.parse().map_err(|error: toml_edit::TomlError| fail(super::one_line(&text, error.message(), error.span())))?;
    change(&mut document).map_err(|detail| fail(detail.to_string()))?;
    replace(file, document.to_string().as_bytes()).map_err(|error| fail(error.to_string()))
}

/// Puts a new text in the place of a file, at the far end of links, with the file's mode and owner. It is written beside the file, brought
/// to the disk and renamed, so that a crash leaves either the old text or the new one.
fn replace(file: &Path, text: &[u8]) -> std::io::Result<()> {
    let file = std::fs::canonicalize(file)?;
    let missing = || std::io::Error::new(std::io::ErrorKind::NotFound, "the file lies in no folder");
    let folder = file.parent().ok_or_else(missing)?;
    let old = std::fs::metadata(&file)?;
    // Readable by nobody else until it has the mode of the old one.
    let mut new = tempfile::NamedTempFile::new_in(folder)?;
    new.write_all(text)?;
    keep_owner(new.path(), &old)?;
    new.as_file().set_permissions(old.permissions())?;
    new.as_file().sync_all()?;
    new.persist(&file)?;
    std::fs::File::open(folder)?.sync_all()
}

/// A service that reads the file through its owner or group must still read it afterwards.
fn keep_owner(new: &Path, old: &std::fs::Metadata) -> std::io::Result<()> {
    let now = std::fs::metadata(new)?;
    if (now.uid(), now.gid()) == (old.uid(), old.gid()) {
        return Ok(());
    }
    std::os::unix::fs::chown(new, Some(old.uid()), Some(old.gid())).map_err(|error| {
        let advice = format!("it belongs to user {} and group {}, which must stay; run this as that user or as root", old.uid(), old.gid());
        std::io::Error::new(error.kind(), format!("{advice}: {error}"))
    })
}
