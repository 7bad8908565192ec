//! What chains say that gas costs, and what is made of it.
#![allow(clippy::unwrap_used, reason = "tests")]

use super::{BaseFeeResponse, ConfigResponse, DecCoin, FeemarketRequest, FeemarketResponse, of_denom, price, required};
use crate::chain::Chain;
use crate::config::{DynamicPrice, GasPrice, PriceSource, Pricing};
use crate::scripted::{query, serve};
use causeway_adapter::{AdapterError, FeePolicy};
use prost::Message;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

fn gas(text: &str) -> GasPrice {
    text.parse().unwrap()
}

fn policy(gas_price_max: Option<u128>) -> FeePolicy {
    FeePolicy { gas_headroom_percent: 120, gas_price_max, replace_bump_percent: 0, replaces_price: None }
}

/// A chain whose three services all say `base`, in 10^-18 of `uatom`, and how often it was asked.
async fn chain(source: PriceSource, base: &'static str, max: &str, multiplier_percent: u32) -> (Chain, Arc<AtomicU64>) {
    let asked = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&asked);
    let mut config = serve(move |method, params| {
        assert_eq!(method, "abci_query");
        count.fetch_add(1, Ordering::Relaxed);
        let data = hex::decode(params["data"].as_str().unwrap()).unwrap();
        match params["path"].as_str().unwrap() {
            "/feemarket.feemarket.v1.Query/GasPrice" => {
                let denom = FeemarketRequest::decode(data.as_slice()).unwrap().denom;
                let price = Some(DecCoin { denom, amount: base.to_string() });
                query(0, "", &FeemarketResponse { price }.encode_to_vec())
            }
            "/osmosis.txfees.v1beta1.Query/GetEipBaseFee" => query(0, "", &BaseFeeResponse { base_fee: base.to_string() }.encode_to_vec()),
            "/cosmos.base.node.v1beta1.Service/Config" => {
                query(0, "", &ConfigResponse { minimum_gas_price: "7ibc/uatom,0.02uatom,3stake".to_string() }.encode_to_vec())
            }
            path => query(6, &format!("unknown query path: {path}"), &[]),
        }
    })
    .await;
    config.gas_denom = "uatom".to_string();
    config.gas_price = Pricing::Dynamic(DynamicPrice { source, max: gas(max), multiplier_percent });
    (Chain::new(&config).unwrap(), asked)
}

#[tokio::test]
async fn the_chain_is_asked_for_its_price() {
    for source in [PriceSource::Feemarket, PriceSource::Osmosis, PriceSource::Node] {
        let (chain, asked) = chain(source, "20000000000000000", "0.5", 150).await;
        assert_eq!(price(&chain, &policy(None)).await.unwrap(), gas("0.03"), "{source:?}");
        // The next transaction just after does not ask again.
        price(&chain, &policy(None)).await.unwrap();
        assert_eq!(asked.load(Ordering::Relaxed), 1);
    }
}

#[tokio::test]
async fn no_more_is_paid_than_is_allowed() {
    // The allowance for a rise ends at the limit; a price above it is refused by name.
    let (chain, _) = self::chain(PriceSource::Feemarket, "20000000000000000", "0.025", 200).await;
    assert_eq!(price(&chain, &policy(None)).await.unwrap(), gas("0.025"));
    let (chain, _) = self::chain(PriceSource::Osmosis, "30000000000000000", "0.025", 100).await;
    let error = price(&chain, &policy(None)).await.unwrap_err();
    assert!(matches!(&error, AdapterError::Invalid { what: "fees", detail } if detail.contains("gas_price.max allows 0.025")), "{error}");
    // The limit of all families counts as well.
    let (chain, _) = self::chain(PriceSource::Feemarket, "5000000000000000000", "100", 100).await;
    assert_eq!(price(&chain, &policy(Some(5))).await.unwrap(), gas("5"));
    let error = price(&chain, &policy(Some(4))).await.unwrap_err().to_string();
    assert!(error.contains("gas_price_max allows 4"), "{error}");
}

#[tokio::test]
async fn answers_that_are_no_price_are_refused() {
    for base in ["", "-1", "x", "0.1", "1000000000000000000000000000000000000"] {
        let (chain, _) = self::chain(PriceSource::Osmosis, base, "1", 100).await;
        let error = price(&chain, &policy(None)).await.unwrap_err();
        assert!(matches!(error, AdapterError::Protocol { rule: "gas-price", .. }), "{base}: {error}");
    }
    let mut config = serve(|_, _| query(6, "unknown query path: unknown request", &[])).await;
    config.gas_price = Pricing::Dynamic(DynamicPrice { source: PriceSource::Feemarket, max: gas("1"), multiplier_percent: 100 });
    let error = price(&Chain::new(&config).unwrap(), &policy(None)).await.unwrap_err();
    assert!(matches!(&error, AdapterError::Invalid { what: "gas_price", detail } if detail.contains("choose another source")), "{error}");
}

#[tokio::test]
async fn what_a_node_asks_for_is_offered_from_then_on() {
    let mut config = serve(|_, _| query(6, "", &[])).await;
    config.gas_price = Pricing::Fixed(gas("0.02"));
    let chain = Chain::new(&config).unwrap();
    assert_eq!(price(&chain, &policy(None)).await.unwrap(), gas("0.02"));
    chain.prices.note_learnt(gas("0.05"));
    assert_eq!(price(&chain, &policy(None)).await.unwrap(), gas("0.05"));
    // Not without end: ten times what is configured, or the limit.
    chain.prices.note_learnt(gas("9"));
    assert_eq!(price(&chain, &policy(None)).await.unwrap(), gas("0.2"));
    assert_eq!(price(&chain, &policy(Some(1))).await.unwrap(), gas("1"));
    let error = price(&chain, &policy(Some(0))).await.unwrap_err().to_string();
    assert!(error.contains("gas costs 0.02 stake a unit now, gas_price_max allows 0"), "{error}");
}

#[test]
fn fees_asked_for_are_read_from_the_words_of_nodes() {
    for (log, expected) in [
        ("insufficient fees; got: 5stake required: 10stake: insufficient fee", Some(10)),
        ("insufficient fees; got:  required: 3uatom,12stake: insufficient fee", Some(12)),
        ("error checking fee: got: 5stake required: 7.2stake, minGasPrice: 0.01stake: insufficient fee", Some(8)),
        ("error checking fee: got: 5stake required: 7.000stake", Some(7)),
        ("insufficient fees; got: 5stake required: 3uatom: insufficient fee", None),
        ("insufficient fees; got: 5stake required: 99999999999999999999999999999999999999999stake", None),
        ("out of gas", None),
        ("required: ", None),
    ] {
        assert_eq!(required(log, "stake"), expected, "{log}");
    }
    assert_eq!(of_denom("0.025stake,1uatom", "uatom"), Some(gas("1")));
    assert_eq!(of_denom("0.025stake", "take"), None);
    assert_eq!(of_denom("", "stake"), None);
}
