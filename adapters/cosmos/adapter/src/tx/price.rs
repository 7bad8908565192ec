//! What a unit of gas costs now: as configured, or as the chain says, never above what the operator allows.
//!
//! What a node refused as too little is learnt from its own words and offered from then on, for a while. Called by [`super::build`] and
//! [`super::broadcast`].

use crate::chain::{Chain, Query, Result};
use crate::config::{DynamicPrice, GasPrice, PriceSource, Pricing};
use crate::rpc::short;
use causeway_adapter::{AdapterError, FeePolicy};
use prost::Message;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

#[cfg(test)]
mod tests;

/// For how long what the chain said is used without asking again.
const QUOTE_AGE_MAX: Duration = Duration::from_secs(3);
/// For how long a price is offered that a node asked for.
const LEARNT_AGE_MAX: Duration = Duration::from_secs(600);
/// How many times a configured price a node may ask for, where the operator set no limit.
const LEARNT_TIMES_MAX: u128 = 10;

/// Prices that are remembered.
#[derive(Debug, Clone, Default)]
pub(crate) struct Prices {
    known: Arc<Mutex<Known>>,
}

#[derive(Debug, Default)]
struct Known {
    quoted: Option<(Instant, GasPrice)>,
    learnt: Option<(Instant, GasPrice)>,
}

impl Prices {
    fn quoted(&self) -> Option<GasPrice> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.quoted.filter(|(at, _)| at.elapsed() < QUOTE_AGE_MAX).map(|(_, price)| price)
    }

    fn learnt(&self) -> Option<GasPrice> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.learnt.filter(|(at, _)| at.elapsed() < LEARNT_AGE_MAX).map(|(_, price)| price)
    }

    fn note_quoted(&self, price: GasPrice) {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).quoted = Some((Instant::now(), price));
    }

    /// A node asked for so much a unit of gas.
    pub(crate) fn note_learnt(&self, price: GasPrice) {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).learnt = Some((Instant::now(), price));
    }
}

/// The price to offer now.
///
/// # Errors
/// [`AdapterError::Invalid`] naming the limit that the chain's price is above; what the chain answers where it is asked.
pub(crate) async fn price(chain: &Chain, fees: &FeePolicy) -> Result<GasPrice> {
    let (asked, limit) = match &chain.config.gas_price {
        Pricing::Fixed(price) => {
            let limit = fees.gas_price_max.map_or(price.times(LEARNT_TIMES_MAX), GasPrice::whole);
            (*price, Limit { name: "gas_price_max", price: limit })
        }
        Pricing::Dynamic(dynamic) => (quote(chain, dynamic).await?, Limit { name: "gas_price.max", price: dynamic.max }),
    };
    let asked = chain.prices.learnt().map_or(asked, |learnt| asked.max(learnt.min(limit.price)));
    // The limit of the operator for every family counts whole units.
    let whole = fees.gas_price_max.map(|max| Limit { name: "gas_price_max", price: GasPrice::whole(max) });
    match [Some(limit), whole].into_iter().flatten().find(|limit| asked > limit.price) {
        None => Ok(asked),
        Some(Limit { name, price }) => {
            let detail = format!("gas costs {asked} {} a unit now, {name} allows {price}; raise it or wait", chain.config.gas_denom);
            Err(AdapterError::Invalid { what: "fees", detail })
        }
    }
}

struct Limit {
    name: &'static str,
    price: GasPrice,
}

/// What the chain says, with the operator's allowance for a rise until the block; capped at the limit as long as the chain's own price is
/// within it.
async fn quote(chain: &Chain, dynamic: &DynamicPrice) -> Result<GasPrice> {
    if let Some(price) = chain.prices.quoted() {
        return Ok(price);
    }
    let denom = &chain.config.gas_denom;
    let base = match dynamic.source {
        PriceSource::Feemarket => {
            let request = FeemarketRequest { denom: denom.clone() };
            let answer: FeemarketResponse = ask(chain, "/feemarket.feemarket.v1.Query/GasPrice", &request, "feemarket").await?;
            let coin = answer.price.unwrap_or_default();
            if coin.denom != *denom {
                return Err(chain.protocol("gas-price", format!("a price in {denom}"), coin.denom));
            }
            scaled(chain, &coin.amount)?
        }
        PriceSource::Osmosis => {
            let answer: BaseFeeResponse = ask(chain, "/osmosis.txfees.v1beta1.Query/GetEipBaseFee", &Empty {}, "osmosis").await?;
            scaled(chain, &answer.base_fee)?
        }
        PriceSource::Node => {
            let answer: ConfigResponse = ask(chain, "/cosmos.base.node.v1beta1.Service/Config", &Empty {}, "node").await?;
            of_denom(&answer.minimum_gas_price, denom).ok_or_else(|| {
                let detail = format!("the node takes no fees in {denom}: its minimum prices are `{}`", short(&answer.minimum_gas_price));
                AdapterError::Invalid { what: "gas_denom", detail }
            })?
        }
    };
    let price = base.percent(u128::from(dynamic.multiplier_percent));
    let price = if base <= dynamic.max { price.min(dynamic.max) } else { price };
    chain.prices.note_quoted(price);
    Ok(price)
}

async fn ask<M: Message + Default>(chain: &Chain, path: &str, request: &impl Message, source: &str) -> Result<M> {
    let response = chain.query(Query::grpc(path, request)).await?;
    if response.code == 0 {
        return chain.decode(&response, "gas-price");
    }
    let detail = format!(
        "the node does not answer {path}, which gas_price.source = \"{source}\" asks: {}; choose another source or a fixed price",
        short(&response.log)
    );
    Err(AdapterError::Invalid { what: "gas_price", detail })
}

/// A decimal of the chain: times 10^18, as digits without a point. Source: cosmossdk.io/math `LegacyDec.Marshal`.
fn scaled(chain: &Chain, text: &str) -> Result<GasPrice> {
    let price = text.parse().ok().and_then(GasPrice::scaled);
    price.ok_or_else(|| chain.protocol("gas-price", "a price below 10^18", text))
}

/// The price in one denomination of a list such as `0.025stake,1uatom`.
pub(crate) fn of_denom(list: &str, denom: &str) -> Option<GasPrice> {
    let amount = |coin: &str| coin.trim().strip_suffix(denom).map(str::to_string);
    list.split(',').find_map(|coin| amount(coin)?.parse().ok())
}

/// The fee that a node asks for in `insufficient fees; got: 5stake required: 10stake`, in a denomination.
/// Source: cosmos-sdk `x/auth/ante/validator_tx_fee.go`; skip-mev/feemarket `x/feemarket/ante/fee.go` words it `got: … required: …` too.
pub(crate) fn required(log: &str, denom: &str) -> Option<u128> {
    let (_, rest) = log.split_once("required: ")?;
    let list = rest.split([':', ' ']).next()?;
    let amount = |coin: &str| coin.trim().strip_suffix(denom).map(str::to_string);
    // A decimal price may come where a fee is meant: the digits before the point.
    let whole = |text: String| -> Option<u128> {
        let (whole, part) = text.split_once('.').unwrap_or((&text, ""));
        let up = u128::from(part.bytes().any(|digit| digit != b'0'));
        whole.parse::<u128>().ok()?.checked_add(up)
    };
    list.trim_end_matches('.').split(',').find_map(|coin| whole(amount(coin)?))
}

/// Source: skip-mev/feemarket `proto/feemarket/feemarket/v1/query.proto`.
#[derive(Clone, PartialEq, ::prost::Message)]
struct FeemarketRequest {
    #[prost(string, tag = "1")]
    denom: String,
}

#[derive(Clone, PartialEq, ::prost::Message)]
struct FeemarketResponse {
    #[prost(message, optional, tag = "1")]
    price: Option<DecCoin>,
}

/// Source: cosmos-sdk `proto/cosmos/base/v1beta1/coin.proto`.
#[derive(Clone, PartialEq, ::prost::Message)]
struct DecCoin {
    #[prost(string, tag = "1")]
    denom: String,
    #[prost(string, tag = "2")]
    amount: String,
}

#[derive(Clone, Copy, PartialEq, Eq, ::prost::Message)]
struct Empty {}

/// Source: osmosis-labs/osmosis `proto/osmosis/txfees/v1beta1/query.proto` `QueryEipBaseFeeResponse`.
#[derive(Clone, PartialEq, ::prost::Message)]
struct BaseFeeResponse {
    #[prost(string, tag = "1")]
    base_fee: String,
}

/// Source: cosmos-sdk `proto/cosmos/base/node/v1beta1/query.proto` `ConfigResponse`.
#[derive(Clone, PartialEq, ::prost::Message)]
struct ConfigResponse {
    #[prost(string, tag = "1")]
    minimum_gas_price: String,
}
