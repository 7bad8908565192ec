//! The released binary's command line: every documented command parses, and wrong ones end with the documented code and one line.
//! Nothing here needs a chain.

use std::process::{Command, Output, Stdio};

fn causeway(arguments: &[&str], folder: &std::path::Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_causeway")).args(arguments).current_dir(folder).env_remove("CAUSEWAY_CONFIG").output().expect("starts")
}

fn code(output: &Output) -> i32 {
    output.status.code().expect("ends by itself")
}

#[test]
fn every_documented_command_has_help() {
    let folder = tempfile::tempdir().expect("a folder");
    let commands: [&[&str]; 38] = [
        &["demo"],
        &["init"],
        &["config", "check"],
        &["config", "import-hermes"],
        &["health"],
        &["key", "add"],
        &["key", "list"],
        &["key", "show"],
        &["key", "delete"],
        &["key", "balance"],
        &["contracts", "deploy"],
        &["contracts", "admin"],
        &["contracts", "admin", "show"],
        &["contracts", "admin", "pause"],
        &["contracts", "admin", "unpause"],
        &["contracts", "admin", "grant"],
        &["contracts", "admin", "revoke"],
        &["contracts", "admin", "open-relaying"],
        &["contracts", "admin", "close-relaying"],
        &["contracts", "admin", "transfer-ownership"],
        &["contracts", "admin", "accept-ownership"],
        &["contracts", "admin", "port-gas"],
        &["contracts", "admin", "recover-client"],
        &["contracts", "admin", "restart-client"],
        &["trust", "show"],
        &["trust", "set"],
        &["path", "create"],
        &["path", "discover"],
        &["path", "list"],
        &["start"],
        &["status"],
        &["packet", "list"],
        &["packet", "retry"],
        &["packet", "clear"],
        &["packet", "pending"],
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
fn acts_on_a_router_parse_or_say_what_is_allowed() {
    let folder = tempfile::tempdir().expect("a folder");
    assert_eq!(code(&causeway(&["init"], folder.path())), 0);
    let account = "0x00000000000000000000000000000000000000aa";
    let act = |words: &[&str]| causeway(&[&["contracts", "admin"], words].concat(), folder.path());
    for (words, expected) in [
        (vec!["grant", "king", account, "--chain", "alpha"], "relayer, pauser, id-customizer, recoverer, port-gas"),
        (vec!["grant", "pauser", "0x12", "--chain", "alpha"], "0x12"),
        (vec!["pause"], "--chain"),
        (vec!["port-gas", "transfer", "lots", "--chain", "alpha"], "lots"),
        (vec!["restart-client", "qbft-0", "--chain", "alpha", "--follows", "beta", "--height", "7"], "--hash"),
    ] {
        let output = act(&words);
        assert_eq!(code(&output), 2, "{words:?}");
        assert!(String::from_utf8_lossy(&output.stderr).contains(expected), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
    }
    for words in [
        vec!["pause", "--chain", "gamma"],
        vec!["recover-client", "qbft-0", "qbft-1", "--chain", "gamma"],
        vec!["restart-client", "qbft-0", "--chain", "alpha", "--follows", "beta", "--height", "7", "--hash", "0x12"],
    ] {
        let output = act(&words);
        assert_eq!(code(&output), 64, "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

#[test]
fn a_new_configuration_is_valid_and_is_not_replaced() {
    let folder = tempfile::tempdir().expect("a folder");
    assert_eq!(code(&causeway(&["init"], folder.path())), 0);
    assert_eq!(code(&causeway(&["config", "check"], folder.path())), 0);
    let again = causeway(&["init"], folder.path());
    assert_eq!(code(&again), 1);
    let line = String::from_utf8_lossy(&again.stderr).to_string();
    assert!(line.contains("exists already") && line.contains("--force") && !line.contains("os error"), "{line}");
    // The other family's, and a key where it names it.
    assert_eq!(code(&causeway(&["init", "--family", "cosmos", "--force"], folder.path())), 0);
    assert_eq!(code(&causeway(&["config", "check"], folder.path())), 0);
    std::fs::write(folder.path().join("passphrase"), "correct horse battery staple").expect("written");
    let added = causeway(&["key", "add", "relayer", "--chain", "alpha", "--passphrase-file", "passphrase", "--json"], folder.path());
    assert_eq!(code(&added), 0, "{}", String::from_utf8_lossy(&added.stdout));
    let answer: serde_json::Value = serde_json::from_slice(&added.stdout).expect("one object");
    assert!(answer["address"].as_str().is_some_and(|address| address.starts_with("cosmos1")), "{answer}");
    assert!(folder.path().join("keys/alpha/relayer.json").is_file());
}

/// What an operator of Hermes does first: nothing is lost in silence, and what is written is valid at once.
#[test]
fn a_configuration_of_hermes_is_taken_over() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/hermes/full.toml");
    let import = causeway(&["config", "import-hermes", file, "--json"], folder.path());
    assert_eq!(code(&import), 0, "{}", String::from_utf8_lossy(&import.stdout));
    let answer: serde_json::Value = serde_json::from_slice(&import.stdout).expect("one object");
    assert_eq!(answer["chains"], serde_json::json!(["cosmoshub-4", "neutron-1"]));
    let of = |key: &str| answer["keys"].as_array().expect("keys").iter().find(|note| note["key"] == key).map(|note| note["fate"].clone());
    assert_eq!(of("chains.cosmoshub-4.max_gas"), Some("taken".into()));
    assert_eq!(of("chains.cosmoshub-4.grpc_addr"), Some("not-needed".into()));
    assert_eq!(of("chains.cosmoshub-4.colour"), Some("unknown".into()));
    assert_eq!(of("chains.neutron-1.ccv_consumer_chain"), Some("look".into()));
    // The address of a node may hold a token: it is written into the file, and nowhere else.
    assert!(!String::from_utf8_lossy(&import.stdout).contains("token"));
    assert_eq!(code(&causeway(&["config", "check"], folder.path())), 0);
    let again = causeway(&["config", "import-hermes", file], folder.path());
    assert_eq!(code(&again), 1);
    assert!(String::from_utf8_lossy(&again.stderr).contains("--force"));
    let table = causeway(&["config", "import-hermes", file, "--force"], folder.path());
    let text = String::from_utf8_lossy(&table.stdout).to_string();
    for part in
        ["Look at these", "chains.cosmoshub-4.colour", "causeway path discover cosmoshub-4 --only 'ica*/*'", "causeway key add hub-main"]
    {
        assert!(text.contains(part), "`{part}` is not in:\n{text}");
    }
    let missing = causeway(&["config", "import-hermes", "nowhere.toml"], folder.path());
    assert_eq!(code(&missing), 64);
    assert!(String::from_utf8_lossy(&missing.stderr).contains("nowhere.toml"));
}

#[test]
fn failures_have_their_code_and_one_line() {
    let folder = tempfile::tempdir().expect("a folder");
    let cases: [(&[&str], i32, &str); 7] = [
        (&["start"], 64, "causeway init"),
        (&["--config", "elsewhere.toml", "config", "check"], 64, "elsewhere.toml"),
        (&["status", "--endpoint", "http://127.0.0.1:1"], 69, "is `causeway start` running"),
        (&["key", "show", "nobody"], 77, "does not exist"),
        (&["packet", "clear", "--endpoint", "http://127.0.0.1:1"], 69, "is `causeway start` running"),
        (&["packet", "pending", "nothing"], 64, "causeway init"),
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

/// What somebody new does wrong: each time one line says what is wrong and what to do next, in words and not in numbers of the system.
#[test]
fn refusals_say_what_to_do_next() {
    let folder = tempfile::tempdir().expect("a folder");
    assert_eq!(code(&causeway(&["init"], folder.path())), 0);
    let cases: [(&[&str], i32, &str); 15] = [
        (&["--config", ".", "health"], 64, "--config FILE"),
        (&["--config", "nowhere/causeway.toml", "init"], 1, "its folder does not exist"),
        (&["trust", "show", "gamma"], 64, "there are: alpha, beta"),
        (&["trust", "show", "alpha"], 64, "`causeway contracts deploy --chain alpha`"),
        (&["trust", "set", "alpha", "--height", "7", "--hash", "0x12"], 64, "`causeway trust show CHAIN`"),
        (&["contracts", "deploy", "--chain", "alpha"], 77, "`causeway key add relayer --chain alpha`"),
        (&["contracts", "admin", "show", "--chain", "alpha"], 64, "`causeway contracts deploy --chain alpha`"),
        (&["key", "balance"], 77, "`causeway key add relayer --chain alpha`"),
        (&["key", "add", "new", "--import-file", "nowhere", "--passphrase-file", "nowhere"], 77, "name another source"),
        (&["start"], 64, "`causeway path create CHAIN CHAIN`"),
        (&["packet", "pending", "nothing"], 64, "`causeway path create CHAIN CHAIN`"),
        (&["packet", "show", "seven"], 64, "`causeway packet list`"),
        (&["status", "--endpoint", "127.0.0.1:1"], 69, "http://127.0.0.1:1"),
        (&["status", "--endpoint", "http://"], 64, "http://HOST:PORT"),
        (&["config", "import-hermes", "nowhere"], 64, "~/.hermes/config.toml"),
    ];
    for (arguments, expected, text) in cases {
        let output = causeway(arguments, folder.path());
        let line = String::from_utf8_lossy(&output.stderr).to_string();
        assert_eq!(code(&output), expected, "{arguments:?}: {line}");
        assert_eq!(line.lines().count(), 1, "{arguments:?}: {line}");
        assert!(line.contains(text) && !line.contains("os error"), "{arguments:?}: `{line}` does not say `{text}`");
    }
    for list in ["path", "client", "key"] {
        let output = causeway(&[list, "list"], folder.path());
        let text = String::from_utf8_lossy(&output.stdout).to_string();
        assert!(code(&output) == 0 && text.contains("`causeway "), "{list} list: {text}");
    }
}

#[test]
fn a_reader_that_goes_away_ends_a_command_without_a_word() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_causeway"));
    let mut running = command.args(["completions", "bash"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("starts");
    drop(running.stdout.take());
    let output = running.wait_with_output().expect("ends");
    assert_eq!((code(&output), output.stderr.as_slice()), (141, &b""[..]));
}
