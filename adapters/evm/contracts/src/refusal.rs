//! Names of what a contract refused: from the four bytes of a custom error to words.
//!
//! Not a full decoder: arguments are decoded with the types of [`abi`](crate::abi). Called when a simulation or a receipt carries a reason.

use std::collections::HashMap;
use std::sync::OnceLock;

use alloy::primitives::keccak256;
use alloy::sol_types::{Revert, SolError};
use serde_json::Value;

use crate::artifact::Contract;

/// The custom errors of all contracts by selector, with their signatures.
fn errors() -> &'static HashMap<[u8; 4], String> {
    static ERRORS: OnceLock<HashMap<[u8; 4], String>> = OnceLock::new();
    ERRORS.get_or_init(|| {
        let mut all = HashMap::new();
        for contract in Contract::ALL {
            for item in contract.artifact()["abi"].as_array().into_iter().flatten() {
                if item["type"] == "error" {
                    let text = signature(item);
                    let hash = keccak256(text.as_bytes());
                    all.insert([hash[0], hash[1], hash[2], hash[3]], text);
                }
            }
        }
        all
    })
}

/// The canonical signature of a function, event or error of an ABI, as in `Transfer(address,address,uint256)`.
#[must_use]
pub fn signature(item: &Value) -> String {
    let inputs: Vec<String> = item["inputs"].as_array().into_iter().flatten().map(canonical_type).collect();
    format!("{}({})", item["name"].as_str().unwrap_or_default(), inputs.join(","))
}

fn canonical_type(parameter: &Value) -> String {
    let kind = parameter["type"].as_str().unwrap_or_default();
    kind.strip_prefix("tuple").map_or_else(
        || kind.to_owned(),
        |suffix| {
            let inner: Vec<String> = parameter["components"].as_array().into_iter().flatten().map(canonical_type).collect();
            format!("({}){suffix}", inner.join(","))
        },
    )
}

/// The name of the custom error in a reason to revert, such as `RouterPaused`; `None` for what no contract here declares.
#[must_use]
pub fn error_name(reason: &[u8]) -> Option<&'static str> {
    let selector: [u8; 4] = reason.get(..4)?.try_into().ok()?;
    errors().get(&selector).and_then(|text| text.split('(').next())
}

/// The rule of docs/evm-formats.md section 2 that a reason names, such as `seal-duplicate`.
#[must_use]
pub fn rule(reason: &[u8]) -> Option<String> {
    error_name(reason).map(kebab)
}

/// A reason to revert in words: the custom error's name, the text of `Error(string)`, or the bytes.
#[must_use]
pub fn describe(reason: &[u8]) -> String {
    if reason.is_empty() {
        return "reverted without a reason".to_owned();
    }
    if let Some(name) = error_name(reason) {
        return name.to_owned();
    }
    Revert::abi_decode(reason).map_or_else(|_| format!("0x{}", hex::encode(reason)), |revert| revert.reason)
}

fn kebab(name: &str) -> String {
    let mut text = String::with_capacity(name.len() + 4);
    for (index, letter) in name.chars().enumerate() {
        if letter.is_ascii_uppercase() && index > 0 {
            text.push('-');
        }
        text.push(letter.to_ascii_lowercase());
    }
    text
}
