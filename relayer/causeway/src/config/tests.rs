//! The sample parses, and every wrong value is refused by key, value and what is allowed.

use super::*;

fn refused(text: &str) -> String {
    parse(text, Path::new("/base")).expect_err("must be refused")
}

fn with(from: &str, to: &str) -> String {
    assert!(SAMPLE.contains(from), "the sample no longer holds `{from}`");
    SAMPLE.replacen(from, to, 1)
}

#[test]
fn the_sample_is_valid_and_paths_are_taken_from_its_folder() {
    let config = parse(SAMPLE, Path::new("/base")).expect("the sample is valid");
    assert_eq!(config.chains.len(), 2);
    assert_eq!(config.relayer.store, Path::new("/base/causeway-data"));
    let evm = config.chains[0].evm.as_ref().expect("the sample has an EVM chain");
    assert_eq!(evm.keys["relayer"].keystore, Path::new("/base/keys/relayer.json"));
}

/// Everything that stands behind `# `, with comments of its own cut off, is valid as well: a reader takes it over as it is.
fn uncommented(text: &str, from: &str) -> String {
    let rest = text.split_once(from).unwrap_or_else(|| panic!("the sample no longer holds `{from}`")).1;
    let lines = rest.lines().filter_map(|line| line.strip_prefix("# ")).filter(|line| line.starts_with('[') || line.contains(" = "));
    lines.filter(|line| !line.contains('`')).map(|line| format!("{line}\n")).collect()
}

/// The sample with everything commented in that looks like a key or a table; of two that name one key the later one stays.
fn all_commented_in(sample: &str) -> String {
    let mut lines: Vec<String> = Vec::new();
    let mut places: std::collections::HashMap<String, usize> = std::collections::HashMap::new();
    for line in sample.lines() {
        let bare = line.strip_prefix("# ").unwrap_or(line);
        let key = bare.split_once(" = ").map(|(key, _)| key).filter(|key| key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_'));
        let is_table = bare.starts_with('[') && bare.ends_with(']');
        if is_table {
            places.clear();
        }
        match key {
            Some(key) => match places.insert(key.to_string(), lines.len()) {
                Some(before) => {
                    places.insert(key.to_string(), before);
                    lines[before] = bare.to_string();
                }
                None => lines.push(bare.to_string()),
            },
            None if is_table => lines.push(bare.to_string()),
            None => {}
        }
    }
    let text = lines.join("\n").replace("0x…", &format!("0x{}", "ab".repeat(32)));
    text.replace("cosmos1…", "cosmos10d07y265gmmuvt4z0w9aw880jnsr700j6zn9kn")
}

/// Keys of a table, as its reader names them when it meets one that it does not know.
fn keys_of<T: serde::de::DeserializeOwned>() -> Vec<String> {
    let error = toml::from_str::<T>("no_such_key = 1").err().expect("an unknown key").message().to_string();
    let names = error.split('`').skip(1).step_by(2).map(str::to_string);
    let names: Vec<String> = names.filter(|name| name != "no_such_key").collect();
    assert!(!names.is_empty(), "{error}");
    names
}

/// Whoever reads the sample sees every key that there is.
#[test]
fn the_sample_for_cosmos_chains_shows_every_key() {
    use causeway_cosmos_adapter as cosmos;
    let tables = [
        keys_of::<Config>(),
        keys_of::<Relayer>(),
        keys_of::<super::file::Api>(),
        keys_of::<ChainConfig>(),
        keys_of::<Trust>(),
        keys_of::<Fees>(),
        keys_of::<PathConfig>(),
        keys_of::<EndConfig>(),
        keys_of::<super::handshake::HandshakeConfig>(),
        keys_of::<cosmos::Config>(),
        keys_of::<cosmos::RpcConfig>(),
        keys_of::<cosmos::KeyConfig>(),
        keys_of::<cosmos::DynamicPrice>(),
    ];
    // The other family has a sample of its own.
    for key in tables.into_iter().flatten().filter(|key| key != "evm") {
        let shown = [format!("{key} = "), format!("[{key}]"), format!(".{key}]"), format!(".{key}."), format!("[[{key}]]")];
        assert!(shown.iter().any(|form| SAMPLE_COSMOS.contains(form.as_str())), "config/cosmos.toml does not show `{key}`");
    }
}

#[test]
fn the_sample_for_cosmos_chains_is_valid_and_so_is_what_it_comments_out() {
    let config = parse(SAMPLE_COSMOS, Path::new("/base")).expect("the sample is valid");
    let cosmos = config.chains[0].cosmos.as_ref().expect("the sample has a Cosmos chain");
    assert_eq!(cosmos.keys["relayer"].keystore, Path::new("/base/keys/alpha/relayer.json"));
    let config = parse(&all_commented_in(SAMPLE_COSMOS), Path::new("/base")).expect("what is commented out is valid");
    assert_eq!((config.paths.len(), config.handshakes.len()), (2, 1));
    assert_eq!(config.paths[1].a.parse().expect("an end").packets().to_string(), "transfer/channel-0");
    let (alpha, cosmos) = (&config.chains[0], config.chains[0].cosmos.as_ref().expect("a Cosmos chain"));
    assert_eq!((alpha.signers.len(), alpha.trust.as_ref().map(|trust| trust.height)), (2, Some(1)));
    assert!(matches!(cosmos.gas_price, causeway_cosmos_adapter::Pricing::Dynamic(_)) && cosmos.fee_granter.is_some());
    // The defaults that it shows are the defaults.
    let defaults = causeway_cosmos_adapter::Config::new("alpha-1", "http://127.0.0.1:26657");
    for (key, value) in [
        ("tx_gas_max", defaults.tx_gas_max),
        ("messages_max", defaults.messages_max.into()),
        ("tx_bytes_max", defaults.tx_bytes_max),
        ("timeout_blocks", defaults.timeout_blocks),
        ("batch_calls_max", defaults.batch_calls_max as u64),
        ("request_timeout_ms", defaults.request_timeout_ms),
        ("response_bytes_max", defaults.response_bytes_max as u64),
        ("state_window_blocks", defaults.state_window_blocks),
        ("block_interval_ms", defaults.block_interval_ms),
    ] {
        assert!(SAMPLE_COSMOS.contains(&format!("# {key} = {value}")), "{key} = {value}");
    }
}

#[test]
fn the_cosmos_chain_and_the_channel_of_the_sample_are_valid() {
    let text = format!("{SAMPLE}{}", uncommented(SAMPLE, "every key explained.\n"));
    let text = text.replace("\"delta\"", "\"alpha\"");
    let config = parse(&text, Path::new("/base")).expect("what is commented out is valid");
    assert_eq!(config.chain("gamma").expect("there").cosmos.as_ref().map(|cosmos| cosmos.chain_id.as_str()), Some("gamma-1"));
    assert_eq!(config.paths.len(), 2);
}

#[test]
fn wrong_values_are_named() {
    let cases = [
        (with("store = ", "stroe = "), "stroe"),
        (with("grpc_listen = \"127.0.0.1:7600\"", "grpc_listen = \"0.0.0.0:7600\""), "allow_remote"),
        (with("name = \"beta\"", "name = \"alpha\""), "configured twice"),
        (
            format!(
                "{SAMPLE}\n[[path]]\nname = \"half\"\na = {{ chain = \"alpha\", client = \"qbft-0\", channel = \"transfer/channel-0\" }}\n\
                 b = {{ chain = \"beta\", client = \"qbft-0\" }}\n"
            ),
            "path \"half\": a channel is named at one end only",
        ),
        (with("name = \"alpha\"", "name = \"al/pha\""), "only letters"),
        (with("# trusting_period_s = 1209600", "trusting_period_s = 5"), "trusting_period_s = 5"),
        (with("chain_id = 1337", "chain_id = 0"), "chain_id = 0"),
        (with("[relayer]", "[relayer]\nclear_interval_s = 0"), "clear_interval_s = 0"),
        (with("signers = [\"relayer\"]", "signers = [\"spare\"]"), "keys.spare"),
        (with("signers = [\"relayer\"]", "signers = [\"relayer\"]\nadapter = \"ftp://x\""), "adapter"),
        (
            format!(
                "{SAMPLE}\n[[path]]\nname = \"p\"\na = {{ chain = \"alpha\", client = \"qbft-0\" }}\nb = {{ chain = \"gamma\", client = \"qbft-0\" }}\n"
            ),
            "gamma",
        ),
        (
            format!(
                "{SAMPLE}\n[[path]]\nname = \"p\"\na = {{ chain = \"alpha\", client = \"qbft-0\" }}\nb = {{ chain = \"alpha\", client = \"qbft-1\" }}\n"
            ),
            "two chains",
        ),
    ];
    for (text, expected) in cases {
        let message = refused(&text);
        assert!(message.contains(expected), "`{message}` does not name `{expected}`");
    }
}

fn path_with(line: &str) -> String {
    format!(
        "{SAMPLE}\n[[path]]\nname = \"p\"\na = {{ chain = \"alpha\", client = \"qbft-0\" }}\nb = {{ chain = \"beta\", client = \"qbft-0\" }}\n{line}\n"
    )
}

#[test]
fn what_a_path_relays_is_bounded() {
    let good = "allow_senders = [\"0xabc*\"]\ndeny_senders = [\"*\"]\npayload_bytes_max = 262144";
    let config = parse(&path_with(good), Path::new("/base")).expect("valid");
    let path = &config.paths[0];
    assert_eq!((path.allow_senders.as_slice(), path.payload_bytes_max), (["0xabc*".to_string()].as_slice(), Some(262_144)));
    let long = format!("deny_senders = [\"{}\"]", "x".repeat(257));
    for (line, expected) in [
        ("payload_bytes_max = 0", "payload_bytes_max = 0: allowed are 1 to 262144"),
        ("payload_bytes_max = 262145", "payload_bytes_max = 262145"),
        ("allow_senders = [\"\"]", "allow_senders"),
        ("deny_ports = [\"a\\u0007\"]", "deny_ports"),
        (long.as_str(), "deny_senders"),
        ("allow_sender = []", "allow_senders"),
    ] {
        let message = refused(&path_with(line));
        assert!(message.contains(expected), "`{message}` does not name `{expected}`");
    }
}

#[test]
fn a_spend_cap_is_a_positive_number() {
    let with_cap = |cap: &str| with("# [chain.fees]", &format!("[chain.fees]\nspend_cap_per_day = {cap}"));
    let config = parse(&with_cap("\"340282366920938463463374607431768211455\""), Path::new("/base")).expect("valid");
    assert_eq!(config.chains[0].fees.spend_cap_per_day(), Ok(Some(u128::MAX)));
    for wrong in ["\"0\"", "\"-1\"", "\"1e18\"", "\"\"", "1"] {
        let message = refused(&with_cap(wrong));
        assert!(message.contains("spend_cap_per_day"), "{wrong}: {message}");
    }
}

#[test]
fn what_does_not_parse_is_told_in_one_line() {
    let cases = [
        (with("store = ", "stroe = "), vec!["line 6", "stroe = \"causeway-data\"", "expected one of `store`"]),
        (with("chain_id = 1337", "chain_id = \"x\""), vec!["line ", "chain_id = \"x\"", "u64"]),
        (with("# store_backend = \"sled\"", "store_backend = \"rocks\""), vec!["store_backend = \"rocks\"", "`sled` or `redb`"]),
        (with("[relayer]", "[relayer"), vec!["line 4", "[relayer"]),
        (format!("{SAMPLE}\n[[chain]]\nsigners = []\n"), vec!["line ", "missing field `name`"]),
    ];
    for (text, expected) in cases {
        let message = refused(&text);
        assert_eq!(message.lines().count(), 1, "{message}");
        for part in expected {
            assert!(message.contains(part), "`{message}` does not say `{part}`");
        }
    }
    let secret = refused(&with("passphrase = { env = \"CAUSEWAY_PASSPHRASE\" }", "passphrase = 77123"));
    assert!(secret.contains("`passphrase`") && !secret.contains("77123"), "{secret}");
    assert_eq!(secret.lines().count(), 1, "{secret}");
}

#[test]
fn edits_keep_comments_and_are_idempotent() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("causeway.toml");
    std::fs::write(&file, SAMPLE).expect("written");
    let path = PathConfig {
        name: "alpha-beta".to_string(),
        a: EndConfig { chain: "alpha".to_string(), client: "qbft-0".to_string(), channel: None },
        b: EndConfig { chain: "beta".to_string(), client: "qbft-1".to_string(), channel: None },
        ordered: false,
        allow_ports: Vec::new(),
        deny_ports: Vec::new(),
        allow_senders: Vec::new(),
        deny_senders: Vec::new(),
        payload_bytes_max: None,
    };
    append_path(&file, &path).expect("appended");
    append_path(&file, &path).expect("left alone");
    set_chain_values(&file, "beta", "trust", &[("height", 7.into()), ("hash", "0x00".into())]).expect("set");
    let text = std::fs::read_to_string(&file).expect("read");
    assert!(text.contains("# Keys that are commented out show their defaults."));
    assert_eq!(text.matches("\nname = \"alpha-beta\"").count(), 1);
    let hash = format!("0x{}", "11".repeat(32));
    set_chain_values(&file, "beta", "trust", &[("hash", hash.as_str().into())]).expect("set again");
    let config = load(&file).expect("still valid");
    assert_eq!(config.paths.len(), 1);
    assert_eq!(config.chain("beta").expect("there").trust.as_ref().map(|trust| trust.height), Some(7));
    set_chain_values(&file, "gamma", "trust", &[]).expect_err("no such chain");
}

/// Mode, owner and group of what a name leads to.
fn access(file: &Path) -> (u32, u32, u32) {
    use std::os::unix::fs::MetadataExt;
    let found = std::fs::metadata(file).expect("there");
    (found.mode() & 0o7777, found.uid(), found.gid())
}

#[test]
fn edits_keep_who_may_read_and_follow_links() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let folder = tempfile::tempdir().expect("a temporary folder");
    let elsewhere = tempfile::tempdir().expect("a temporary folder");
    for (name, mode) in [("secret.toml", 0o600), ("group.toml", 0o640), ("open.toml", 0o644)] {
        let real = elsewhere.path().join(name);
        std::fs::write(&real, SAMPLE).expect("written");
        std::fs::set_permissions(&real, std::fs::Permissions::from_mode(mode)).expect("set");
        // Only root may give files away; others keep their own group.
        if access(&real).1 == 0 {
            std::os::unix::fs::chown(&real, None, Some(7)).expect("given to a group");
        }
        let before = access(&real);
        // A link to a link, the second one relative.
        let (near, link) = (elsewhere.path().join(format!("near-{name}")), folder.path().join(name));
        symlink(name, &near).expect("linked");
        symlink(&near, &link).expect("linked");
        set_chain_values(&link, "beta", "trust", &[("height", 7.into())]).expect("set");
        assert!([&near, &link].iter().all(|link| link.is_symlink()), "{name}: a link was replaced");
        assert!(std::fs::read_to_string(&real).expect("read").contains("height = 7"), "{name}: the file behind the link is the old one");
        assert_eq!(access(&real), before, "{name}");
        assert_eq!(before.0, mode, "{name}");
    }
    let mut left: Vec<_> =
        std::fs::read_dir(elsewhere.path()).expect("a folder").map(|entry| entry.expect("an entry").file_name()).collect();
    left.sort();
    assert_eq!(left.len(), 6, "{left:?}");
}
