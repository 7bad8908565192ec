//! Sending from a chain of the Cosmos family: token transfers, over IBC v2 and over channels.

use super::{Sender, Sent, What, parsed};
use crate::exit::{Code, Failure, OrFail};
use crate::{families, relayer};
use causeway_adapter::{AdapterError, ChainAdapter};
use causeway_cosmos_adapter::{Config, CosmosAdapter, Transfer};

pub(super) async fn send(sender: &Sender<'_>, config: &Config, what: What) -> Result<Sent, Failure> {
    let What::Transfer { token, amount, to, memo } = what else {
        let message = "from chains of the Cosmos family, transfers are sent by hand: packet send … transfer --token … --amount … --to …";
        return Err(Failure::new(Code::BadConfig, message));
    };
    let fail = |error: AdapterError| {
        let code = if let AdapterError::Invalid { .. } | AdapterError::InsufficientFunds { .. } = error {
            Code::Failed
        } else {
            Code::Unavailable
        };
        Failure::new(code, format!("chain \"{}\": {error}", sender.chain.name))
    };
    let keys = families::cosmos::unlock(&sender.chain.name, config, std::slice::from_ref(&sender.key)).await?;
    let adapter = CosmosAdapter::connect(config, keys).await.map_err(fail)?;
    // Expiry is judged by the other chain's clock; the sending chain's own is closer to it than this machine's.
    let now_s = adapter.status().await.map_err(fail)?.head.time_s.unwrap_or_default();
    let timeout_s = now_s.saturating_add(sender.lifetime_s);
    let transfer =
        Transfer { end: sender.end.packets(), denom: token, amount: parsed("--amount", &amount)?, receiver: to, memo, timeout_s };
    let fees = relayer::fee_policy(&sender.chain.fees).or_fail(Code::BadConfig)?;
    let sent = adapter.send_transfer(&sender.key, &transfer, &fees).await.map_err(fail)?;
    Ok(Sent { sequence: sent.sequence.get(), transaction: sent.tx_id.to_string(), timeout_s })
}
