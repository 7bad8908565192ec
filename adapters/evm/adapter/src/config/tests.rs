//! Bounds, unknown keys and secrets of the configuration.

use super::*;

fn parse(text: &str) -> Result<Config, String> {
    let config: Config = toml::from_str(text).map_err(|error| error.to_string())?;
    config.validate().map_err(|error| error.to_string())?;
    Ok(config)
}

const MINIMAL: &str = "chain_id = 1337\nrpc = [{ url = \"http://127.0.0.1:8545\" }]\n";

#[test]
fn a_minimal_configuration_has_the_defaults_and_comes_back_the_same() {
    let config = parse(MINIMAL).unwrap();
    assert_eq!(config, Config::new(1337, "http://127.0.0.1:8545"));
    assert_eq!(parse(&toml::to_string(&config).unwrap()).unwrap(), config);
}

#[test]
fn what_is_not_allowed_is_named() {
    for (line, part) in [
        ("unknown_key = 1", "unknown_key"),
        ("batch_calls_max = 0", "batch_calls_max = 0"),
        ("request_timeout_ms = 1", "request_timeout_ms = 1"),
        ("log_range_start = 0", "log_range_start = 0"),
        ("log_range_start = 50\nlog_range_max = 49", "log_range_max = 49"),
        ("tx_bytes_max = 1", "tx_bytes_max = 1"),
        ("message_gas_min = 1", "message_gas_min = 1"),
        ("router = \"0x0000000000000000000000000000000000000000\"", "router"),
        ("router = \"0x12\"", "router"),
        ("client_kind = \"clique\"", "clique"),
        ("fee_mode = \"free\"", "free"),
        ("keys = { \"../x\" = { keystore = \"x\" } }", "keys"),
    ] {
        let error = parse(&format!("{MINIMAL}{line}\n")).unwrap_err();
        assert!(error.contains(part), "{line}: {error}");
    }
    for (rpc, part) in [
        ("[]", "rpc"),
        ("[{}]", "rpc[0].url"),
        ("[{ url = \"ftp://x\" }]", "rpc[0].url"),
        ("[{ url = \"http://a\", url_secret = { env = \"X\" } }]", "url_secret"),
        ("[{ url = \"http://a\", headers = { \"bad header\" = { env = \"X\" } } }]", "headers"),
    ] {
        let error = parse(&format!("chain_id = 1\nrpc = {rpc}\n")).unwrap_err();
        assert!(error.contains(part), "{rpc}: {error}");
    }
}

#[test]
fn an_address_with_a_token_is_never_repeated() {
    let error = parse("chain_id = 1\nrpc = [{ url = \"htp://user:s3cret@host/t0ken\" }]\n").unwrap_err();
    assert!(!error.contains("s3cret") && !error.contains("t0ken"), "{error}");
    assert_eq!(format!("{:?}", crate::Secret::new("s3cret")), "[hidden]");
}

#[test]
fn relative_paths_are_those_of_the_file() {
    let text = format!("{MINIMAL}keys = {{ relayer = {{ keystore = \"keys/relayer.json\", passphrase = {{ file = \"pass\" }} }} }}\n");
    let mut config = parse(&text).unwrap();
    config.resolve_paths(Path::new("/etc/causeway"));
    let key = &config.keys["relayer"];
    assert_eq!(key.keystore, Path::new("/etc/causeway/keys/relayer.json"));
    assert_eq!(key.passphrase, Some(SecretRef::File("/etc/causeway/pass".into())));
}

#[test]
fn secrets_are_read_from_files_and_their_absence_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pass");
    std::fs::write(&path, "open sesame\n").unwrap();
    assert_eq!(SecretRef::File(path.clone()).read().unwrap().expose(), "open sesame");
    assert!(SecretRef::Env("CAUSEWAY_TEST_NOT_SET".into()).read().unwrap_err().contains("CAUSEWAY_TEST_NOT_SET"));
    std::fs::write(&path, vec![b'x'; 70_000]).unwrap();
    assert!(SecretRef::File(path).read().unwrap_err().contains("70000"));
}
