//! Configurations in the forms that operators have, and what is written from them: compared with files beside the tests. To write those
//! anew after a change that is meant, run the test with CAUSEWAY_BLESS set, and read the difference.

use super::without::WITHOUT_COUNTERPART;
use super::*;
use std::path::{Path, PathBuf};

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/hermes")
}

fn of(name: &str) -> Import {
    let text = std::fs::read_to_string(fixtures().join(format!("{name}.toml"))).expect("a fixture");
    import(&text).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// What is written, and what is said of it, as one text.
fn golden(import: &Import) -> String {
    let notes: String = import.notes.iter().map(|note| format!("# {:<10} {}: {}\n", note.fate.word(), note.key, note.text)).collect();
    let next: String = import.next.iter().map(|command| format!("# $ {command}\n")).collect();
    format!("{}\n# --- what became of each key\n{notes}# --- what is left to do\n{next}", import.text)
}

#[test]
fn what_is_written_is_valid_and_as_recorded() {
    for name in ["minimal", "full", "osmosis", "ethermint", "before-1.0"] {
        let import = of(name);
        let config =
            crate::config::parse(&import.text, Path::new("/base")).unwrap_or_else(|error| panic!("{name}: {error}\n{}", import.text));
        assert_eq!(config.chains.iter().map(|chain| chain.name.as_str()).collect::<Vec<_>>(), import.chains, "{name}");
        let (file, text) = (fixtures().join("written").join(format!("{name}.toml")), golden(&import));
        if std::env::var_os("CAUSEWAY_BLESS").is_some() {
            std::fs::create_dir_all(fixtures().join("written")).expect("a folder");
            std::fs::write(&file, &text).expect("written");
        }
        assert_eq!(text, std::fs::read_to_string(&file).unwrap_or_default(), "{name}: {}", file.display());
    }
}

#[test]
fn nothing_is_passed_over_in_silence() {
    for name in ["minimal", "full", "osmosis", "ethermint", "before-1.0"] {
        let text = std::fs::read_to_string(fixtures().join(format!("{name}.toml"))).expect("a fixture");
        let (table, import): (toml::Table, _) = (toml::from_str(&text).expect("TOML"), of(name));
        for chain in table["chains"].as_array().expect("chains") {
            let id = chain["id"].as_str().expect("an id");
            if chain.get("type").and_then(|kind| kind.as_str()).is_some_and(|kind| kind != "CosmosSdk") {
                continue;
            }
            // The type stays silent where it is the one that there is; an empty text is none.
            let silent = |key: &str, value: &toml::Value| ["id", "type"].contains(&key) || value.as_str() == Some("");
            for (key, _) in chain.as_table().expect("a table").iter().filter(|(key, value)| !silent(key, value)) {
                let place = format!("chains.{id}.{key}");
                assert!(import.notes.iter().any(|note| note.key == place || note.key.starts_with(&format!("{place}."))), "{name}: {place}");
            }
        }
    }
}

#[test]
fn unknown_keys_are_named() {
    let unknown: Vec<_> = of("full").notes.into_iter().filter(|note| note.fate == Fate::Unknown).map(|note| note.key).collect();
    assert_eq!(unknown, ["chains.cosmoshub-4.colour"]);
}

#[test]
fn wrong_values_are_refused_by_key_and_expectation() {
    let minimal = std::fs::read_to_string(fixtures().join("minimal.toml")).expect("a fixture");
    let cases = [
        ("id = 'ibc-0'", "", "chains[0].id is missing"),
        ("rpc_addr = 'http://127.0.0.1:26657'", "rpc_addr = 7", "chains.ibc-0.rpc_addr = 7: expected a text"),
        ("price = 0.001", "price = -1", "gas_price.price = -1"),
        ("price = 0.001", "price = 'cheap'", "gas_price.price"),
        ("gas_price = { price = 0.001, denom = 'stake' }", "", "gas_price is missing"),
        ("store_prefix = 'ibc'", "store_prefix = 'ibc'\nclock_drift = 'soon'", "clock_drift = \"soon\": expected a duration"),
        ("store_prefix = 'ibc'", "store_prefix = 'ibc'\nmax_gas = 'much'", "max_gas = \"much\": expected a whole number"),
        (
            "store_prefix = 'ibc'",
            "store_prefix = 'ibc'\npacket_filter = { policy = 'maybe', list = [] }",
            "expected allow, deny or allowall",
        ),
        ("store_prefix = 'ibc'", "store_prefix = 'ibc'\npacket_filter = { policy = 'allow', list = [['transfer']] }", "[port, channel]"),
        ("store_prefix = 'ibc'", "store_prefix = 'ibc'\npacket_filter = { policy = 'allow', list = [['a b', '*']] }", "packet_filter.list"),
        ("store_prefix = 'ibc'", "store_prefix = 'ibc'\naddress_type = { derivation = 'solana' }", "expected cosmos or ethermint"),
        ("id = 'ibc-1'", "id = 'ibc-0'", "there twice"),
        ("[[chains]]", "[chains", "not TOML"),
    ];
    for (from, to, expected) in cases {
        assert!(minimal.contains(from), "the fixture no longer holds `{from}`");
        let message = import(&minimal.replacen(from, to, 1)).expect_err(to);
        assert!(message.contains(expected), "`{message}` does not say `{expected}`");
        assert!(!message.contains('\n'), "{message}");
    }
    assert!(import("[global]\nlog_level = 'info'\n").expect_err("no chain").contains("[[chains]]"));
}

/// The document for operators tells of every key that has no counterpart.
#[test]
fn the_document_lists_every_key_without_a_counterpart() {
    let document = include_str!("../../../../docs/from-hermes.md");
    for (section, key, _) in WITHOUT_COUNTERPART {
        assert!(document.contains(&format!("`{key}`")), "docs/from-hermes.md does not tell of {section}.{key}");
    }
}
