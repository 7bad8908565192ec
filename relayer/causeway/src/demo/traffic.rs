//! The packets of the demo, as a dApp sends them.

use super::plan::Class;
use super::side::Side;
use crate::exit::Failure;
use alloy::primitives::{Address, B256, Bytes, U256};
use alloy::sol_types::SolCall;
use causeway_evm_contracts as contracts;

/// Tokens a transfer moves, in the smallest unit.
pub(crate) const AMOUNT: u64 = 1_000;
/// The address that receives transfers on either chain; nobody has its key.
pub(crate) const RECEIVER: Address = Address::repeat_byte(0x51);

/// Sends one packet of a class from `from` to `to`, to be received before `timeout_s` (unix seconds). Returns the transaction.
pub(crate) async fn send(from: &mut Side, to: &Side, class: Class, timeout_s: u64, tag: u64) -> Result<B256, Failure> {
    match class {
        Class::Transfer | Class::Expired | Class::Rival => transfer(from, timeout_s).await,
        Class::Message => {
            let payload = contracts::abi::Echo::echoCall { data: Bytes::from(tag.to_be_bytes().to_vec()) }.abi_encode();
            message(from, to, payload.into(), timeout_s).await
        }
        Class::Reverting => {
            let payload = contracts::abi::Echo::failCall { reason: "asked to".to_string() }.abi_encode();
            message(from, to, payload.into(), timeout_s).await
        }
        Class::Poison => poison(from, timeout_s).await,
    }
}

async fn transfer(from: &mut Side, timeout_s: u64) -> Result<B256, Failure> {
    let call = contracts::abi::TokenTransfer::sendTransferCall {
        m: contracts::abi::SendTransfer {
            sourceClient: from.client.clone(),
            denom: format!("{:#x}", from.at.token),
            amount: U256::from(AMOUNT),
            receiver: format!("{RECEIVER:#x}"),
            timeoutTimestamp: timeout_s,
            memo: String::new(),
        },
    };
    from.dapp.send(from.at.transfer, &call).await
}

async fn message(from: &mut Side, to: &Side, payload: Bytes, timeout_s: u64) -> Result<B256, Failure> {
    let call = contracts::abi::Echo::sendCall {
        gateway: from.at.gateway,
        call: contracts::abi::SendCall {
            sourceClient: from.client.clone(),
            timeoutTimestamp: timeout_s,
            receiver: format!("{:#x}", to.at.echo),
            salt: Bytes::new(),
            payload,
            memo: String::new(),
        },
    };
    from.dapp.send(from.at.echo, &call).await
}

async fn poison(from: &mut Side, timeout_s: u64) -> Result<B256, Failure> {
    let call = contracts::abi::RawSender::sendCall {
        m: contracts::abi::MsgSendPacket {
            sourceClient: from.client.clone(),
            timeoutTimestamp: timeout_s,
            payload: contracts::abi::Payload {
                sourcePort: format!("{:#x}", from.at.raw),
                destPort: "nobody-listens-here".to_string(),
                version: "raw-1".to_string(),
                encoding: "application/octet-stream".to_string(),
                value: Bytes::from_static(b"poison"),
            },
        },
    };
    from.dapp.send(from.at.raw, &call).await
}
