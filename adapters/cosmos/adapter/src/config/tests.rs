//! Configuration: defaults, bounds, unknown keys, prices, revisions.

use super::{Config, DynamicPrice, GasPrice, PriceSource, Pricing, revision_of};

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
    expected.gas_price = Pricing::Fixed("0.025".parse().unwrap());
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
fn prices_may_follow_the_chain() {
    let read = |price: &str| toml::from_str::<Config>(&SAMPLE.replace("\"0.025\"", price));
    let config = read("{ source = \"feemarket\", max = \"0.5\" }").unwrap();
    let max = "0.5".parse().unwrap();
    assert_eq!(config.gas_price, Pricing::Dynamic(DynamicPrice { source: PriceSource::Feemarket, max, multiplier_percent: 120 }));
    assert_eq!(toml::from_str::<Config>(&toml::to_string(&config).unwrap()).unwrap(), config);
    for source in ["osmosis", "node"] {
        read(&format!("{{ source = \"{source}\", max = \"1\", multiplier_percent = 100 }}")).unwrap().validate().unwrap();
    }
    for bad in
        ["{ source = \"moon\", max = \"1\" }", "{ source = \"node\" }", "{ source = \"node\", max = \"1\", typo = 1 }", "0.025", "[]"]
    {
        let error = read(bad).unwrap_err().to_string();
        assert!(error.contains("gas_price"), "{error}");
    }
    let error = read("{ source = \"node\", max = \"1\", multiplier_percent = 99 }").unwrap().validate().unwrap_err().to_string();
    assert!(error.starts_with("gas_price.multiplier_percent = 99"), "{error}");
}

#[test]
fn a_fee_asked_for_gives_the_least_price_that_pays_it() {
    for (fee, gas) in [(0, 1), (1, 3), (10, 200_000), (7, 7), (u128::from(u64::MAX), 1), (5_001, 200_001)] {
        let price = GasPrice::of_fee(fee, gas);
        assert!(price.fee(gas) >= fee && price.fee(gas) <= fee + 1, "{fee} for {gas}: {price}");
    }
    assert_eq!(GasPrice::whole(2).percent(125).to_string(), "2.5");
    assert_eq!("0.000000000000000001".parse::<GasPrice>().unwrap().percent(101).to_string(), "0.000000000000000002");
    assert_eq!(GasPrice::scaled(25_000_000_000_000_000).unwrap().to_string(), "0.025");
    assert!(GasPrice::scaled(u128::MAX).is_none());
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
