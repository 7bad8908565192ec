//! Configuration: defaults, bounds, unknown keys, prices, revisions.

use super::{Config, GasPrice, revision_of};

const SAMPLE: &str = r#"
chain_id = "chaina-1"
rpc = [{ url = "http://127.0.0.1:26657" }]
address_prefix = "cosmos"
gas_denom = "stake"
gas_price = "0.025"
"#;

#[test]
fn a_small_table_is_enough() {
    let config: Config = toml::from_str(SAMPLE).unwrap();
    config.validate().unwrap();
    let mut expected = Config::new("chaina-1", "http://127.0.0.1:26657");
    expected.gas_price = "0.025".parse().unwrap();
    assert_eq!(config, expected);
    assert_eq!(config.revision(), 1);
    assert_eq!(toml::from_str::<Config>(&toml::to_string(&config).unwrap()).unwrap(), config);
}

#[test]
fn unknown_keys_and_bad_values_are_refused() {
    assert!(toml::from_str::<Config>(&format!("{SAMPLE}\ntypo = 1")).is_err());
    let check = |change: &dyn Fn(&mut Config), key: &str| {
        let mut config: Config = toml::from_str(SAMPLE).unwrap();
        change(&mut config);
        let error = config.validate().unwrap_err().to_string();
        assert!(error.starts_with(key), "{error}");
    };
    check(&|config| config.rpc.clear(), "rpc (count)");
    check(&|config| config.batch_calls_max = 0, "batch_calls_max");
    check(&|config| config.memo = "x".repeat(257), "memo");
    check(&|config| config.address_prefix = "Cosmos".into(), "address_prefix");
    check(&|config| config.gas_denom = "u atom".into(), "gas_denom");
    check(&|config| config.fee_granter = Some("cosmos1nobody".into()), "fee_granter");
    check(&|config| config.rpc[0].url = Some("ftp://x".into()), "rpc[0].url");
    check(&|config| config.chain_id = String::new(), "chain_id");
}

#[test]
fn prices_are_exact_and_round_up() {
    let price = |text: &str| text.parse::<GasPrice>();
    assert_eq!(price("0.025").unwrap().fee(200_001), 5_001);
    assert_eq!(price("0").unwrap().fee(u64::MAX), 0);
    assert_eq!(price("3").unwrap().fee(7), 21);
    assert_eq!(price("0.000000000000000001").unwrap().fee(1), 1);
    assert_eq!(price("0.025").unwrap().ceil(), 1);
    assert_eq!(price("12.50").unwrap().to_string(), "12.5");
    for bad in ["", ".", "1.", "-1", "1e3", "0.0000000000000000001", "9999999999999999999"] {
        assert!(price(bad).is_err(), "{bad}");
    }
}

#[test]
fn revisions_follow_the_chain_id() {
    for (chain_id, revision) in [
        ("chaina-1", 1),
        ("cosmoshub-4", 4),
        ("plain", 0),
        ("x-01", 0),
        ("x--1", 0),
        ("two-parts-22", 22),
        ("end-", 0),
        ("a-1", 1),
        ("-1", 0),
    ] {
        assert_eq!(revision_of(chain_id), revision, "{chain_id}");
    }
}
