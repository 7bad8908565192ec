//! Every command line that an error or a hint advises is one that parses: found in the sources by its form, not listed here.

use super::*;
use clap::CommandFactory;
use std::path::Path;

/// Lines of a source file that are no comments, with continued strings put together.
fn code(file: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(file).expect("a source file");
    let mut lines: Vec<String> = Vec::new();
    let mut continued = false;
    for line in text.lines() {
        let part = line.trim_start();
        let whole = part.strip_suffix('\\');
        match lines.last_mut().filter(|_| continued) {
            Some(last) => last.push_str(whole.unwrap_or(part)),
            None => lines.push(whole.unwrap_or(part).to_owned()),
        }
        continued = whole.is_some();
    }
    lines.retain(|line| !line.starts_with("//"));
    lines
}

/// Source files whose texts people see. What is written for somebody who comes from Hermes is held by the documents' own test.
fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if path.is_dir() && !matches!(name, "tests" | "target" | "examples" | "benches" | "cli" | "hermes") {
            sources(&path, found);
        } else if name.ends_with(".rs") && name != "tests.rs" {
            found.push(path);
        }
    }
}

/// Command lines after `causeway `, each with whether it stands in backquotes. What stands in them is a command line, whatever its first
/// word; elsewhere the first word must be a command.
fn advised(line: &str) -> Vec<(String, bool)> {
    let mut all = Vec::new();
    for (at, _) in line.match_indices("causeway ") {
        let rest = &line[at + "causeway ".len()..];
        let first: String = rest.chars().take_while(char::is_ascii_lowercase).collect();
        let quoted = line[..at].ends_with('`');
        if quoted || Cli::command().get_subcommands().any(|command| command.get_name() == first) {
            all.push((rest.split('`').next().unwrap_or(rest).to_owned(), quoted && rest.contains('`')));
        }
    }
    all
}

/// Placeholders become values: `{id}` that of a packet, `ACCOUNT` an address, `{name}` and `NAME` a number, which is a name as well.
fn filled(advice: &str) -> Vec<String> {
    let mut words = vec!["causeway".to_owned()];
    for word in advice.split_whitespace() {
        let placeholder = word.contains('{') || word.chars().all(|c| c.is_ascii_uppercase() || c == '_');
        let value = match word {
            "{id}" => "alpha/client-0/7",
            "ACCOUNT" => "0x00000000000000000000000000000000000000aa",
            _ => "7",
        };
        words.push(if placeholder { value.to_owned() } else { word.to_owned() });
    }
    words
}

#[test]
fn advice_parses_as_the_command_it_names() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut files = Vec::new();
    for folder in ["relayer", "adapters"] {
        sources(&root.join(folder), &mut files);
    }
    let mut count = 0;
    for file in files {
        for line in code(&file) {
            for (advice, quoted) in advised(&line) {
                assert!(quoted, "{}: put `causeway {advice}` into backquotes, so that its end is seen", file.display());
                let parsed = Cli::try_parse_from(filled(&advice));
                assert!(
                    parsed.is_ok(),
                    "{}: `causeway {advice}`: {}",
                    file.display(),
                    parsed.err().map(|e| e.to_string()).unwrap_or_default()
                );
                count += 1;
            }
        }
    }
    assert!(count > 15, "only {count} found: the pattern no longer fits");
}

#[test]
fn advice_that_does_not_parse_is_seen() {
    for wrong in ["trust reset {chain} --height H --hash X", "key add", "trust set {chain} --height H", "path create CHAIN"] {
        assert!(Cli::try_parse_from(filled(wrong)).is_err(), "{wrong}");
    }
    let found = advised("run `causeway key add`, `causeway evidnce list` while causeway is calm, or causeway start");
    assert_eq!(found, [("key add".to_owned(), true), ("evidnce list".to_owned(), true), ("start".to_owned(), false)]);
}
