//! The price of gas: a decimal number, kept exactly. Called by the configuration and by the fees of transactions.

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
