//! Transactions of a network's own accounts: messages as JSON, which the node puts into bytes, signed here with the account's key. Nothing of the
//! product takes part.

use alloy::primitives::FixedBytes;
use alloy::signers::k256::ecdsa::signature::Signer;
use alloy::signers::k256::ecdsa::{Signature, SigningKey};
use anyhow::{Context, Result};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use super::Account;
use super::rest::Rest;
use crate::cli::text;
use crate::protobuf::{field, number};

/// A transaction's fee: what is paid, in `stake`, for how much gas.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fee {
    pub(super) amount: u64,
    pub(super) gas: usize,
}

/// The bytes of a transaction on the chain `chain_id`, of the account's next number by the chain's state.
pub(super) fn signed(rest: Rest, chain_id: &str, account: &Account, messages: &[Value], fee: Fee) -> Result<Vec<u8>> {
    let secret: FixedBytes<32> = account.secret.parse().context("the account's key")?;
    let key = SigningKey::from_slice(secret.as_slice())?;
    let info = rest.get(&format!("/cosmos/auth/v1beta1/account_info/{}", account.address))?;
    let amount = if fee.amount == 0 { json!([]) } else { json!([{ "denom": "stake", "amount": fee.amount.to_string() }]) };
    let public_key = BASE64_STANDARD.encode(key.verifying_key().to_encoded_point(true).as_bytes());
    let signer = json!({
        "public_key": { "@type": "/cosmos.crypto.secp256k1.PubKey", "key": public_key },
        "mode_info": { "single": { "mode": "SIGN_MODE_DIRECT" } },
        "sequence": text(&info, "/info/sequence")?,
    });
    let unsigned = json!({ "tx": {
        "body": { "messages": messages, "memo": "", "timeout_height": "0", "extension_options": [], "non_critical_extension_options": [] },
        "auth_info": {
            "signer_infos": [signer],
            "fee": { "amount": amount, "gas_limit": fee.gas.to_string(), "payer": "", "granter": "" },
        },
        "signatures": [],
    } });
    let encoded = rest.post("/cosmos/tx/v1beta1/encode", &unsigned)?;
    // Body and signers, which the document that is signed and the transaction both begin with.
    let both = BASE64_STANDARD.decode(text(&encoded, "/tx_bytes")?)?;
    let account_number = text(&info, "/info/account_number")?.parse()?;
    let document = [&both[..], &field(3, chain_id.as_bytes()), &number(4, account_number)].concat();
    let signature: Signature = key.sign(&document);
    Ok([both, field(3, &signature.to_bytes())].concat())
}
