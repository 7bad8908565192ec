//! What people and programs see: tables for the former, one JSON object for the latter.

use crate::exit::Failure;
use comfy_table::{Table, presets::UTF8_HORIZONTAL_ONLY};
use serde_json::{Value, json};
use time::OffsetDateTime;

/// Prints a failure: one line on standard error, or one JSON object on standard output when a program asked and has no answer yet.
pub(crate) fn failure(failure: &Failure, as_json: bool) {
    if as_json && !failure.answered {
        println!("{}", json!({ "error": failure.message, "exit_code": failure.code as u8 }));
    } else {
        eprintln!("error: {}", failure.message);
    }
}

/// The exit code of a program that a shell ended for writing to nobody: 128 and the number of SIGPIPE.
const NO_READER: i32 = 141;

/// Whoever reads the output may go away (`| head`): that ends a command without a word, as it ends other programs.
pub(crate) fn end_with_the_reader() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let text = panic.payload_as_str().unwrap_or_default();
        if text.starts_with("failed printing to stdout") && text.contains("Broken pipe") {
            std::process::exit(NO_READER);
        }
        usual(panic);
    }));
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

/// Names and what they stand for, one a row: no header, for there is nothing that it could say.
pub(crate) fn facts(rows: Vec<Vec<String>>) -> String {
    let mut table = Table::new();
    table.load_style(UTF8_HORIZONTAL_ONLY);
    for row in rows {
        table.add_row(row);
    }
    table.to_string()
}

/// A time as people read it, in UTC as of RFC 3339 and as seen from now: `2026-11-26T10:20:32Z (in 58m)`.
pub(crate) fn moment(at_s: u64, now_s: u64) -> String {
    let time = i64::try_from(at_s).ok().and_then(|at_s| OffsetDateTime::from_unix_timestamp(at_s).ok());
    // Senders choose timeouts as they like; what is beyond the year 9999 has no date.
    let Some(time) = time else { return format!("unix second {at_s}") };
    let (hour, minute, second) = time.to_hms();
    let date = format!("{:04}-{:02}-{:02}T{hour:02}:{minute:02}:{second:02}Z", time.year(), u8::from(time.month()), time.day());
    let seen = if at_s > now_s { format!("in {}", age(at_s.abs_diff(now_s))) } else { format!("{} ago", age(at_s.abs_diff(now_s))) };
    format!("{date} ({seen})")
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_those_of_utc_and_tell_how_far_away_they_are() {
        for (at_s, now_s, expected) in [
            (0, 0, "1970-01-01T00:00:00Z (0s ago)"),
            (951_782_399, 951_782_459, "2000-02-28T23:59:59Z (60s ago)"),
            (951_782_400, 0, "2000-02-29T00:00:00Z (in 11016d)"),
            (1_795_688_432, 1_795_684_952, "2026-11-26T10:20:32Z (in 58m)"),
            (253_402_300_799, 253_402_300_799, "9999-12-31T23:59:59Z (0s ago)"),
            (u64::MAX, 0, "unix second 18446744073709551615"),
            (253_402_300_800, 0, "unix second 253402300800"),
        ] {
            assert_eq!(moment(at_s, now_s), expected);
        }
    }

    #[test]
    fn facts_have_no_header() {
        let table = facts(vec![vec!["state".to_string(), "dead".to_string()]]);
        assert_eq!(table.lines().filter(|line| line.chars().any(char::is_alphanumeric)).count(), 1, "{table}");
        assert!(table.lines().nth(1).is_some_and(|line| line.contains("dead")), "{table}");
    }
}
