//! Simulation: what the chain says a transaction would do.
//!
//! Called by [`super::build`].

use super::{Terms, raw, reason, sign_doc};
use crate::chain::{Chain, Query, Result};
use crate::config::GasPrice;
use crate::keys::Signer;
use causeway_adapter::AdapterError;
use causeway_cosmos_proto::Any;
use causeway_cosmos_proto::cosmos::tx::v1beta1::{SimulateRequest, SimulateResponse};
use std::sync::atomic::Ordering;

/// Bytes of a signature; a simulation does not check them.
const SIGNATURE_BYTES: usize = 64;

/// Sequences tried, one after the other, while a node goes through what waits.
const SEQUENCES_MAX: usize = 4;

/// The code with which an application refuses a query that it does not know. Source: cosmos-sdk `types/errors/errors.go`.
const UNKNOWN_REQUEST: u32 = 6;

/// How a simulation ended.
#[derive(Debug)]
pub(crate) enum Simulated {
    /// All messages went through.
    Passed {
        gas_used: u64,
        /// Height of the state it ran on.
        height: u64,
        responses: Vec<Any>,
    },
    /// It failed; the text may name a message.
    Failed(String),
}

/// Runs messages as one transaction on the newest state.
pub(crate) async fn simulate(chain: &Chain, signer: &Signer, messages: &[Any], terms: Terms) -> Result<Simulated> {
    match in_sequence(chain, signer, messages, terms).await? {
        Simulated::Failed(log) if reason::is_of_no_message(&log) => paid(chain, signer, messages, terms, log).await,
        ended => Ok(ended),
    }
}

/// The sequence may be one that follows transactions that wait; where the node does not have those, it is run with the sequence the node
/// expects, which changes nothing of what messages do. After each block a node goes through what waits once more, so that what it expects may
/// rise from one call to the next: only one above ours says that ours is used.
async fn in_sequence(chain: &Chain, signer: &Signer, messages: &[Any], terms: Terms) -> Result<Simulated> {
    let (ours, mut terms) = (terms.sequence, terms);
    for _ in 0..SEQUENCES_MAX {
        let log = match once(chain, signer, messages, terms).await? {
            Simulated::Failed(log) => log,
            passed => return Ok(passed),
        };
        match reason::sequences(&log) {
            Some((expected, _)) if expected > ours => return Err(AdapterError::SlotMismatch { used: ours, expected }),
            Some((expected, _)) => terms.sequence = expected,
            None => return Ok(Simulated::Failed(log)),
        }
    }
    Err(chain.protocol("simulation", "one expected sequence", "another at every call"))
}

/// A simulation pays as if all the gas of a transaction were used (cosmos-sdk `x/auth/ante/fee.go`), which a wallet or a grant may not have
/// though it has enough. Where nothing but the fee is refused, what these messages need is asked for.
async fn paid(chain: &Chain, signer: &Signer, messages: &[Any], terms: Terms, log: String) -> Result<Simulated> {
    let poor = |log: &str| {
        let payer = chain.config.fee_granter.as_deref().unwrap_or(signer.address());
        reason::insufficient_funds(chain, payer, log)
    };
    let free = Terms { price: GasPrice::whole(0), ..terms };
    let Simulated::Passed { gas_used, .. } = in_sequence(chain, signer, messages, free).await? else {
        return if reason::is_poor(&log) { Err(poor(&log)) } else { Ok(Simulated::Failed(log)) };
    };
    let fitting = Terms { gas_limit: gas_used.saturating_add(gas_used / 2).min(terms.gas_limit), ..terms };
    match in_sequence(chain, signer, messages, fitting).await? {
        Simulated::Failed(log) => Err(poor(&log)),
        passed => Ok(passed),
    }
}

async fn once(chain: &Chain, signer: &Signer, messages: &[Any], terms: Terms) -> Result<Simulated> {
    let doc = sign_doc(&chain.config, signer, messages.to_vec(), terms);
    let request = SimulateRequest { tx_bytes: raw(doc, vec![0; SIGNATURE_BYTES]), ..SimulateRequest::default() };
    if chain.lacks_tx_service.load(Ordering::Relaxed) {
        return without_service(chain, request.tx_bytes).await;
    }
    let response = chain.query_alone(&Query::grpc("/cosmos.tx.v1beta1.Service/Simulate", &request)).await?;
    if response.code == UNKNOWN_REQUEST && response.log.contains("unknown query path") {
        // It is a matter of the node's configuration: asked once.
        chain.lacks_tx_service.store(true, Ordering::Relaxed);
        return without_service(chain, request.tx_bytes).await;
    }
    if response.code != 0 {
        return Ok(Simulated::Failed(response.log));
    }
    let answer: SimulateResponse = chain.decode(&response, "simulation")?;
    let gas_used = answer.gas_info.ok_or_else(|| chain.protocol("simulation", "gas", "none"))?.gas_used;
    let result = answer.result.ok_or_else(|| chain.protocol("simulation", "a result", "none"))?;
    let responses = result.msg_responses;
    Ok(Simulated::Passed { gas_used, height: response.height.unsigned(), responses })
}

/// Nodes that serve neither gRPC nor REST lack the service; the application's own simulation is always there, and answers JSON without the
/// messages' responses. Source: cosmos-sdk `baseapp/abci.go` `handleQueryApp`.
async fn without_service(chain: &Chain, tx_bytes: Vec<u8>) -> Result<Simulated> {
    let response = chain.query_alone(&Query::app("app/simulate", tx_bytes)).await?;
    if response.code != 0 {
        return Ok(Simulated::Failed(response.log));
    }
    let answer: serde_json::Value =
        serde_json::from_slice(&response.value.0).map_err(|error| chain.protocol("simulation", "JSON", error))?;
    let gas_used = answer.pointer("/gas_info/gas_used").and_then(|gas| gas.as_str()?.parse().ok());
    let gas_used = gas_used.ok_or_else(|| chain.protocol("simulation", "gas", "none"))?;
    Ok(Simulated::Passed { gas_used, height: response.height.unsigned(), responses: Vec::new() })
}
