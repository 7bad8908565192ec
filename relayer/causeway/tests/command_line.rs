//! The released binary's command line: every documented command parses, and wrong ones end with the documented code and one line.
//! Nothing here needs a chain.

use std::process::{Command, Output};

fn causeway(arguments: &[&str], folder: &std::path::Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_causeway")).args(arguments).current_dir(folder).env_remove("CAUSEWAY_CONFIG").output().expect("starts")
}

fn code(output: &Output) -> i32 {
    output.status.code().expect("ends by itself")
}

#[test]
fn every_documented_command_has_help() {
    let folder = tempfile::tempdir().expect("a folder");
    let commands: [&[&str]; 18] = [
        &["demo"],
        &["init"],
        &["config", "check"],
        &["key", "add"],
        &["key", "list"],
        &["key", "show"],
        &["key", "delete"],
        &["contracts", "deploy"],
        &["trust", "show"],
        &["trust", "set"],
        &["path", "create"],
        &["start"],
        &["status"],
        &["packet", "list"],
        &["packet", "retry"],
        &["packet", "send"],
        &["adapter", "serve"],
        &["adapter", "check"],
    ];
    for command in commands {
        let output = causeway(&[command, &["--help"]].concat(), folder.path());
        assert_eq!(code(&output), 0, "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

#[test]
fn a_new_configuration_is_valid_and_is_not_replaced() {
    let folder = tempfile::tempdir().expect("a folder");
    assert_eq!(code(&causeway(&["init"], folder.path())), 0);
    assert_eq!(code(&causeway(&["config", "check"], folder.path())), 0);
    let again = causeway(&["init"], folder.path());
    assert_eq!(code(&again), 1);
    assert!(String::from_utf8_lossy(&again.stderr).contains("--force"));
}

#[test]
fn failures_have_their_code_and_one_line() {
    let folder = tempfile::tempdir().expect("a folder");
    let cases: [(&[&str], i32, &str); 5] = [
        (&["start"], 64, "causeway init"),
        (&["--config", "elsewhere.toml", "config", "check"], 64, "elsewhere.toml"),
        (&["status", "--endpoint", "http://127.0.0.1:1"], 69, "is `causeway start` running"),
        (&["key", "show", "nobody"], 77, "does not exist"),
        (&["no-such-command"], 2, "no-such-command"),
    ];
    for (arguments, expected, text) in cases {
        let output = causeway(arguments, folder.path());
        let line = String::from_utf8_lossy(&output.stderr).to_string();
        assert_eq!(code(&output), expected, "{arguments:?}: {line}");
        assert!(line.contains(text), "{arguments:?}: `{line}` does not say `{text}`");
    }
    let output = causeway(&["--json", "start"], folder.path());
    let answer: serde_json::Value = serde_json::from_slice(&output.stdout).expect("one object");
    assert_eq!(answer["exit_code"], 64);
}
