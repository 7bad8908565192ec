//! What people and programs see: tables for the former, one JSON object for the latter.

use crate::exit::Failure;
use comfy_table::{Table, presets::UTF8_HORIZONTAL_ONLY};
use serde_json::{Value, json};

/// Prints a failure: one line on standard error, or one JSON object on standard output when a program asked and has no answer yet.
pub(crate) fn failure(failure: &Failure, as_json: bool) {
    if as_json && !failure.answered {
        println!("{}", json!({ "error": failure.message, "exit_code": failure.code as u8 }));
    } else {
        eprintln!("error: {}", failure.message);
    }
}

/// Prints one JSON object.
pub(crate) fn json_object(value: &Value) {
    println!("{value}");
}

/// A table with a header and rows, without heavy lines.
pub(crate) fn table(header: &[&str], rows: Vec<Vec<String>>) -> String {
    let mut table = Table::new();
    table.load_style(UTF8_HORIZONTAL_ONLY).set_header(header.to_vec());
    for row in rows {
        table.add_row(row);
    }
    table.to_string()
}

/// Seconds as people read them: `45s`, `12m`, `3h`, `9d`.
pub(crate) fn age(seconds: u64) -> String {
    match seconds {
        0..=119 => format!("{seconds}s"),
        120..=7_199 => format!("{}m", seconds / 60),
        7_200..=172_799 => format!("{}h", seconds / 3_600),
        _ => format!("{}d", seconds / 86_400),
    }
}

/// Asks one question on the terminal.
///
/// # Errors
/// When there is no terminal to ask on.
pub(crate) fn ask_line(question: &str) -> Result<String, String> {
    use std::io::{IsTerminal, Write};
    if !std::io::stdin().is_terminal() {
        return Err("no terminal to ask on; --yes skips the question".to_string());
    }
    print!("{question}");
    std::io::stdout().flush().map_err(|error| error.to_string())?;
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).map_err(|error| error.to_string())?;
    Ok(line.trim().to_string())
}
