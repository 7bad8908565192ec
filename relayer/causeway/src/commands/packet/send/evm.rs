//! Sending from an EVM chain: through the applications that `contracts deploy` put there.

use super::{Sender, Sent, What, parsed};
use crate::exit::{Code, Failure};
use crate::families::evm::{self, dapp::Dapp};
use alloy::primitives::{Address, B256, Bytes, U256};
use causeway_evm_adapter::Config;
use causeway_evm_contracts::abi;

pub(super) async fn send(sender: &Sender<'_>, config: &Config, what: What) -> Result<Sent, Failure> {
    let router = evm::router(&sender.chain.name, config)?;
    let mut dapp = connect(sender, config).await?;
    let timeout_s = dapp.time_s().await?.saturating_add(sender.lifetime_s);
    let hash = call(&mut dapp, (&sender.chain.name, config), what, (sender.end.client.as_str(), timeout_s)).await?;
    let sequence = dapp.sent_sequence(router, hash).await?;
    Ok(Sent { sequence, transaction: hash.to_string(), timeout_s })
}

async fn connect(sender: &Sender<'_>, config: &Config) -> Result<Dapp, Failure> {
    let key = &sender.key;
    let keys = evm::unlock(&sender.chain.name, config, std::slice::from_ref(key)).await?;
    let signer = keys.signer(key).cloned().ok_or_else(|| Failure::new(Code::Key, format!("key `{key}` does not exist")))?;
    let url = config.rpc.first().and_then(|rpc| rpc.url.clone());
    let url = url.ok_or_else(|| {
        Failure::new(Code::BadConfig, "sending by hand needs an endpoint with a plain url: let the first of `rpc` have one")
    })?;
    Dapp::connect(&sender.chain.name, &url, signer).await
}

async fn call(dapp: &mut Dapp, (chain, config): (&str, &Config), what: What, (client, timeout_s): (&str, u64)) -> Result<B256, Failure> {
    let missing = |what: &str| {
        let advice = format!("`causeway contracts deploy --chain {chain}` writes it");
        Failure::new(Code::BadConfig, format!("chain \"{chain}\": {what} is not in the configuration; {advice}"))
    };
    match what {
        What::Message { to, data } => {
            let gateway = config.message_gateway.ok_or_else(|| missing("message_gateway"))?;
            let m = abi::SendCall {
                sourceClient: client.to_string(),
                timeoutTimestamp: timeout_s,
                receiver: format!("{to:#x}"),
                salt: Bytes::new(),
                payload: data,
                memo: String::new(),
            };
            dapp.send(gateway, &abi::MessageGateway::sendCallCall { m }).await
        }
        What::Transfer { token, amount, to, memo } => {
            let transfer = config.token_transfer.ok_or_else(|| missing("token_transfer"))?;
            let (token, amount): (Address, U256) = (parsed("--token", &token)?, parsed("--amount", &amount)?);
            dapp.call(token, &abi::TestToken::approveCall { spender: transfer, value: amount }).await?;
            let m = abi::SendTransfer {
                sourceClient: client.to_string(),
                denom: format!("{token:#x}"),
                amount,
                // An address of the other chain is written as this application writes addresses.
                receiver: to.parse::<Address>().map_or(to, |to| format!("{to:#x}")),
                timeoutTimestamp: timeout_s,
                memo,
            };
            dapp.send(transfer, &abi::TokenTransfer::sendTransferCall { m }).await
        }
        What::Raw { app, port, data } => {
            let payload = abi::Payload {
                sourcePort: format!("{app:#x}"),
                destPort: port,
                version: "raw-1".to_string(),
                encoding: "application/octet-stream".to_string(),
                value: data,
            };
            let m = abi::MsgSendPacket { sourceClient: client.to_string(), timeoutTimestamp: timeout_s, payload };
            dapp.send(app, &abi::RawSender::sendCall { m }).await
        }
    }
}
