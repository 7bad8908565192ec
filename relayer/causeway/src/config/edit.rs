//! Changes to the configuration file that keep the operator's comments and order.

use super::{EndConfig, PathConfig};
use crate::exit::{Code, Failure};
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
    // Written beside it and renamed, so that a crash leaves either the old file or the new one.
    let temporary = file.with_extension("toml.new");
    std::fs::write(&temporary, document.to_string()).map_err(|error| fail(error.to_string()))?;
    std::fs::rename(&temporary, file).map_err(|error| fail(error.to_string()))
}
