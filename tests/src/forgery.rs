//! Headers of a Cosmos network that never were, signed by its real validator, and put into the client on another network by hand: what a
//! validator can do that signs two chains. Nothing of the product takes part in submitting them.

use anyhow::{Context, Result};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use causeway_cosmos_light_client::fixtures::{Block, KeyKind, Validator};
use serde_json::Value;

use crate::chains::simd::Network;
use crate::protobuf::field;

/// A header of `network`, a network of one validator, of a height and a time (unix nanoseconds), with a state that the chain never had; built
/// on a height that a client holds.
///
/// # Errors
/// When the validator's key or power cannot be read.
pub fn header(network: &Network, (trusted, height): (u64, u64), time_ns: u64) -> Result<Vec<u8>> {
    let set = network.query(&["comet-validator-set"])?;
    let power = set.pointer("/validators/0/voting_power").and_then(Value::as_str).context("a validator set without power")?;
    let validator = Validator::of(KeyKind::Ed25519, network.validator_secret(0)?, power.parse()?);
    let block = |height: u64| Ok::<_, anyhow::Error>(Block::new(u32::try_from(height)?, std::slice::from_ref(&validator)));
    let of_chain = |block: Block| Block { chain_id: network.chain_id().to_owned(), time_ns, ..block };
    let (base, forged) = (of_chain(block(trusted)?), of_chain(block(height)?));
    Ok(forged.header(Some(&base)))
}

/// Updates a client on `host` with a header, as its user.
///
/// # Errors
/// When the chain refuses it.
pub async fn submit(host: &Network, client: &str, header: &[u8]) -> Result<String> {
    let signer = host.account("user")?.address.clone();
    let any = |url: &str, value: &[u8]| [field(1, url.as_bytes()), field(2, value)].concat();
    let header = any("/ibc.lightclients.tendermint.v1.Header", header);
    let message = [field(1, client.as_bytes()), field(2, &header), field(3, signer.as_bytes())].concat();
    let body = field(1, &any("/ibc.core.client.v1.MsgUpdateClient", &message));
    // The node's own tool writes the message as the JSON that its other tools take.
    let decoded = host.run_json(&["tx", "decode", &BASE64_STANDARD.encode(field(1, &body))])?;
    let message = decoded.pointer("/body/messages/0").context("no message in the decoded transaction")?.clone();
    host.submit("user", &[message]).await
}
