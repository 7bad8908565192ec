//! Every command line of the documents parses. Names in capitals stand for what the reader fills in.

use super::Cli;
use clap::Parser;
use clap::error::ErrorKind;
use std::path::{Path, PathBuf};

/// What is filled in where a name would not do: a height, a hash, addresses.
const FILLED: [(&str, &str); 7] = [
    ("H", "7"),
    ("N", "7"),
    ("0x…", "0x00"),
    ("E", "0x00000000000000000000000000000000000000e0"),
    ("R", "0x00000000000000000000000000000000000000e1"),
    ("ADDRESS", "0x00000000000000000000000000000000000000e2"),
    ("GAS", "300000"),
];

/// A command without what it needs names it: that is how a text speaks of a command.
const MISSING: [ErrorKind; 3] =
    [ErrorKind::MissingRequiredArgument, ErrorKind::MissingSubcommand, ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand];

/// Words of a command line as a shell splits them: quotes hold together, a comment or another command ends it.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None);
    for c in line.chars() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (Some(_), c) => word.get_or_insert_default().push(c),
            (None, '\'' | '"') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, '#' | '&' | ';' | '|') if word.is_none() => break,
            (None, c) if c.is_whitespace() => words.extend(word.take()),
            (None, c) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
        .into_iter()
        .map(|word| FILLED.iter().find(|(name, _)| *name == word).map_or(word.clone(), |(_, value)| (*value).to_string()))
        .collect()
}

/// Command lines in a text: lines that are indented by four, and what stands between back quotes.
fn commands(text: &str) -> Vec<String> {
    let block = text.lines().filter_map(|line| line.strip_prefix("    ")).map(str::trim);
    let inline = text.lines().filter(|line| !line.starts_with("    ")).flat_map(|line| line.split('`').skip(1).step_by(2));
    let is_command = |line: &&str| line.starts_with("causeway ") && !line.contains("causeway help ");
    block.chain(inline).filter(is_command).map(str::to_string).collect()
}

#[test]
fn every_documented_command_line_parses() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut files: Vec<PathBuf> =
        ["README.md", "config/causeway.toml", "config/cosmos.toml", "CONTRIBUTING.md", "SECURITY.md"].map(|name| root.join(name)).to_vec();
    let docs = std::fs::read_dir(root.join("docs")).expect("docs").map(|entry| entry.expect("an entry").path());
    files.extend(docs.filter(|path| path.extension().is_some_and(|extension| extension == "md")));
    let (mut count, mut wrong) = (0, Vec::new());
    for file in files {
        for line in commands(&std::fs::read_to_string(&file).expect("readable")) {
            count += 1;
            if let Err(error) = Cli::try_parse_from(words(&line))
                && !MISSING.contains(&error.kind())
            {
                wrong.push(format!("{}: {line}: {error}", file.display()));
            }
        }
    }
    assert!(count > 60, "{count} command lines found");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn words_are_split_as_a_shell_does() {
    assert_eq!(
        words("causeway path discover hub --only 'ica*/*' --add   # comment"),
        ["causeway", "path", "discover", "hub", "--only", "ica*/*", "--add"]
    );
    assert_eq!(
        words("causeway trust set a --height H --hash \"0x…\" && true"),
        ["causeway", "trust", "set", "a", "--height", "7", "--hash", "0x00"]
    );
}
