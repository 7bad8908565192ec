//! The price of gas: a decimal number, kept exactly, or where the chain is asked for one. Called by the configuration and by the fees of
//! transactions.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::str::FromStr;

/// Digits behind the point that a price may have, as in the chain's own decimal type.
const SCALE_DIGITS: usize = 18;
const SCALE: u128 = 1_000_000_000_000_000_000;

/// Price of one unit of gas, in the smallest unit of the fee denomination, with up to 18 decimal places.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct GasPrice {
    /// Times 10^18.
    scaled: u128,
}

impl GasPrice {
    /// The fee for `gas`, rounded up; saturates.
    pub fn fee(self, gas: u64) -> u128 {
        let gas = u128::from(gas);
        let (whole, part) = (self.scaled / SCALE, self.scaled % SCALE);
        // The part is below 10^18 and the gas below 2^64, so that their product fits.
        whole.saturating_mul(gas).saturating_add((part * gas).div_ceil(SCALE))
    }

    /// A price of whole units; saturates.
    pub fn whole(units: u128) -> Self {
        Self { scaled: units.saturating_mul(SCALE) }
    }

    /// A price from 10^-18 of units; `None` above what a price may be.
    pub fn scaled(scaled: u128) -> Option<Self> {
        (scaled < SCALE.saturating_mul(SCALE)).then_some(Self { scaled })
    }

    /// So much per hundred of it, rounded up; saturates.
    #[must_use]
    pub fn percent(self, percent: u128) -> Self {
        let (whole, part) = (self.scaled / 100, self.scaled % 100);
        Self { scaled: whole.saturating_mul(percent).saturating_add((part * percent).div_ceil(100)) }
    }

    /// So many times the price; saturates.
    #[must_use]
    pub fn times(self, count: u128) -> Self {
        Self { scaled: self.scaled.saturating_mul(count) }
    }

    /// The least price at which `gas` costs `fee`; saturates.
    pub fn of_fee(fee: u128, gas: u64) -> Self {
        let gas = u128::from(gas.max(1));
        let (whole, rest) = (fee / gas, fee % gas);
        // The rest is below 2^64, so that its product fits.
        Self { scaled: whole.saturating_mul(SCALE).saturating_add((rest * SCALE).div_ceil(gas)) }
    }

    /// The price in whole units, rounded up.
    pub fn ceil(self) -> u128 {
        self.scaled.div_ceil(SCALE)
    }
}

impl FromStr for GasPrice {
    type Err = String;

    /// Reads `0.025`, `3`, `0`.
    fn from_str(text: &str) -> Result<Self, String> {
        let refuse = || format!("`{}` is no price: a decimal number below 10^18, such as 0.025", text.chars().take(40).collect::<String>());
        let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
        let digits = |text: &str| !text.is_empty() && text.len() <= SCALE_DIGITS && text.bytes().all(|byte| byte.is_ascii_digit());
        if !digits(whole) || !digits(part) {
            return Err(refuse());
        }
        let whole: u128 = whole.parse().map_err(|_| refuse())?;
        let part: u128 = format!("{part:0<SCALE_DIGITS$}").parse().map_err(|_| refuse())?;
        Ok(Self { scaled: whole * SCALE + part })
    }
}

impl fmt::Display for GasPrice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, part) = (self.scaled / SCALE, self.scaled % SCALE);
        let part = format!("{part:0>SCALE_DIGITS$}");
        match part.trim_end_matches('0') {
            "" => write!(f, "{whole}"),
            part => write!(f, "{whole}.{part}"),
        }
    }
}

impl Serialize for GasPrice {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for GasPrice {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// Where the chain is asked what gas costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PriceSource {
    /// The fee market module of Skip, as on the Cosmos Hub: `feemarket.feemarket.v1.Query/GasPrice`.
    Feemarket,
    /// Osmosis' own: `osmosis.txfees.v1beta1.Query/GetEipBaseFee`.
    Osmosis,
    /// What the node takes at least: `cosmos.base.node.v1beta1.Service/Config`.
    Node,
}

/// A price that follows the chain's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DynamicPrice {
    /// Who is asked: `feemarket`, `osmosis` or `node`.
    pub source: PriceSource,
    /// Highest price that is paid, decimal, for example `"0.5"`.
    pub max: GasPrice,
    /// What is offered, in percent of the chain's price, so that a rise until the block does not matter. 100 to 1000, default 120.
    #[serde(default = "multiplier_percent")]
    pub multiplier_percent: u32,
}

fn multiplier_percent() -> u32 {
    120
}

/// What a unit of gas costs: a fixed price, or a table that says where the chain is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Pricing {
    /// `gas_price = "0.025"`.
    Fixed(GasPrice),
    /// `gas_price = { source = "feemarket", max = "0.5" }`.
    Dynamic(DynamicPrice),
}

impl Default for Pricing {
    fn default() -> Self {
        Self::Fixed(GasPrice::default())
    }
}

impl<'de> Deserialize<'de> for Pricing {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> serde::de::Visitor<'de> for Either {
            type Value = Pricing;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(
                    "a price such as \"0.025\", or { source = \"feemarket\", max = \"0.5\" } with source feemarket, osmosis or node",
                )
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Pricing, E> {
                text.parse().map(Pricing::Fixed).map_err(E::custom)
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(self, map: A) -> Result<Pricing, A::Error> {
                DynamicPrice::deserialize(serde::de::value::MapAccessDeserializer::new(map)).map(Pricing::Dynamic)
            }
        }
        deserializer.deserialize_any(Either)
    }
}
