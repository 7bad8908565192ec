//! Users of a chain: tokens, transfers, messages and raw packets sent through the
//! deployed applications, with transactions of their own. It relays nothing.

use std::time::Duration;

use alloy::primitives::{Address, B256, Bytes, U256, hex};
use alloy::sol_types::SolCall;
use anyhow::{Result, anyhow};
use causeway_evm_contracts::abi;
use serde_json::json;

use crate::evm::{Account, Call, Rpc};
use crate::site::Contracts;

/// Longest that a transaction may stay out of a block; later rounds take seconds.
const MINED_LIMIT: Duration = Duration::from_secs(60);

/// Tokens that a user begins with.
pub const SUPPLY: u64 = 1_000_000_000;

/// Tokens that a transfer moves.
pub const AMOUNT: u64 = 1_000;

/// Who receives transfers; nobody has the key.
pub const RECEIVER: Address = Address::repeat_byte(0x51);

/// A port that no application listens on.
pub const NO_PORT: &str = "nobody-listens-here";

/// Seconds for packets that shall be delivered.
pub const LONG_S: u64 = 3_600;

/// What is sent, and with it how it must end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A token transfer: acknowledged with success.
    Transfer,
    /// A message to a receiver that answers: acknowledged with success.
    Message,
    /// A message to a receiver that reverts: acknowledged with an error.
    Refused,
    /// A transfer to text that is no address: acknowledged with an error, tokens back.
    BadReceiver,
    /// A packet to a port that does not exist: times out.
    Poison,
    /// A transfer that nobody delivers in time: times out, tokens back.
    Expired,
}

impl Kind {
    /// Whether its tokens are moved for good.
    #[must_use]
    pub fn moves_tokens(self) -> bool {
        self == Self::Transfer
    }

    /// Whether the sender takes tokens into escrow for it.
    #[must_use]
    pub fn is_transfer(self) -> bool {
        matches!(self, Self::Transfer | Self::BadReceiver | Self::Expired)
    }

    /// Whether it ends without an acknowledgement.
    #[must_use]
    pub fn times_out(self) -> bool {
        matches!(self, Self::Poison | Self::Expired)
    }

    /// Whether its acknowledgement is an error.
    #[must_use]
    pub fn is_error(self) -> bool {
        matches!(self, Self::Refused | Self::BadReceiver)
    }
}

/// A user with a key, a node and a nonce of its own.
#[derive(Debug)]
pub struct User {
    account: Account,
    rpc: Rpc,
    chain_id: u64,
    nonce: u64,
}

/// The way packets go: where they start, through which client, and where they arrive.
#[derive(Debug, Clone)]
pub struct Way {
    /// Contracts where they start.
    pub from: Contracts,
    /// Client there.
    pub client: String,
    /// Contracts where they arrive.
    pub to: Contracts,
}

impl User {
    /// A user whose nonce is the node's.
    ///
    /// # Errors
    /// When the node does not answer.
    pub async fn new(account: Account, rpc: Rpc, chain_id: u64) -> Result<Self> {
        let nonce: U256 = rpc.call("eth_getTransactionCount", json!([account.address(), "pending"])).await?;
        Ok(Self { account, rpc, chain_id, nonce: nonce.try_into()? })
    }

    /// Its address.
    #[must_use]
    pub fn address(&self) -> Address {
        self.account.address()
    }

    /// Its node.
    #[must_use]
    pub fn rpc(&self) -> &Rpc {
        &self.rpc
    }

    /// Mints tokens for the user and lets the transfer application take them.
    ///
    /// # Errors
    /// When the chain refuses.
    pub async fn fund(&mut self, at: &Contracts) -> Result<()> {
        let amount = U256::from(SUPPLY);
        let to = self.address();
        self.send(at.token, &abi::TestToken::mintCall { to, amount }).await?;
        let approve = abi::TestToken::approveCall { spender: at.transfer, value: amount };
        let last = self.send(at.token, &approve).await?;
        self.mined(last).await
    }

    /// Sends a call without waiting.
    ///
    /// # Errors
    /// When the node refuses it.
    pub async fn send(&mut self, to: Address, call: &impl SolCall) -> Result<B256> {
        let raw = self.account.sign(self.chain_id, self.nonce, Call::to(to, call.abi_encode()))?;
        let hash = self.rpc.call("eth_sendRawTransaction", json!([raw])).await?;
        self.nonce += 1;
        Ok(hash)
    }

    /// Waits until a transaction has succeeded.
    ///
    /// # Errors
    /// When it has not, or is in no block in time.
    pub async fn mined(&self, hash: B256) -> Result<()> {
        let receipt = self.rpc.wait_for_receipt(hash, MINED_LIMIT).await?;
        if receipt["status"] != "0x1" {
            return Err(anyhow!("transaction {hash} reverted: {receipt}"));
        }
        Ok(())
    }

    /// Sends one packet of a kind, `timeout_s` from the newest block's time on.
    ///
    /// # Errors
    /// When the node refuses it.
    pub async fn packet(&mut self, way: &Way, kind: Kind, timeout_s: u64) -> Result<B256> {
        let timeout = head_time_s(&self.rpc).await? + timeout_s;
        let data = Bytes::from(hex!("cafe").to_vec());
        match kind {
            Kind::Transfer | Kind::Expired => {
                let receiver = format!("{RECEIVER:#x}");
                self.transfer(way, receiver, timeout).await
            }
            Kind::BadReceiver => self.transfer(way, "nobody".to_owned(), timeout).await,
            Kind::Message => {
                let call = abi::Echo::echoCall { data };
                self.message(way, call.abi_encode(), timeout).await
            }
            Kind::Refused => {
                let reason = "asked to".to_owned();
                let call = abi::Echo::failCall { reason };
                self.message(way, call.abi_encode(), timeout).await
            }
            Kind::Poison => {
                let payload = abi::Payload {
                    sourcePort: format!("{:#x}", way.from.raw),
                    destPort: NO_PORT.to_owned(),
                    version: "raw-1".to_owned(),
                    encoding: "application/octet-stream".to_owned(),
                    value: data,
                };
                let m = abi::MsgSendPacket { sourceClient: way.client.clone(), timeoutTimestamp: timeout, payload };
                self.send(way.from.raw, &abi::RawSender::sendCall { m }).await
            }
        }
    }

    async fn transfer(&mut self, way: &Way, receiver: String, timeout: u64) -> Result<B256> {
        let m = abi::SendTransfer {
            sourceClient: way.client.clone(),
            denom: format!("{:#x}", way.from.token),
            amount: U256::from(AMOUNT),
            receiver,
            timeoutTimestamp: timeout,
            memo: String::new(),
        };
        let call = abi::TokenTransfer::sendTransferCall { m };
        self.send(way.from.transfer, &call).await
    }

    async fn message(&mut self, way: &Way, payload: Vec<u8>, timeout: u64) -> Result<B256> {
        let call = abi::SendCall {
            sourceClient: way.client.clone(),
            timeoutTimestamp: timeout,
            receiver: format!("{:#x}", way.to.echo),
            salt: Bytes::new(),
            payload: payload.into(),
            memo: String::new(),
        };
        let gateway = way.from.gateway;
        let echo = way.from.echo;
        self.send(echo, &abi::Echo::sendCall { gateway, call }).await
    }
}

/// Time of a node's newest block, unix seconds.
///
/// # Errors
/// When it does not answer.
pub async fn head_time_s(rpc: &Rpc) -> Result<u64> {
    let height = rpc.height().await?;
    let time: U256 = serde_json::from_value(rpc.block(height).await?["timestamp"].clone())?;
    Ok(time.try_into()?)
}

/// Calls a view function at a node's newest block.
///
/// # Errors
/// When it reverts or answers something else.
pub async fn view<C: SolCall>(rpc: &Rpc, to: Address, call: &C) -> Result<C::Return> {
    let data = Bytes::from(call.abi_encode());
    let answer: Bytes = rpc.call("eth_call", json!([{ "to": to, "data": data }, "latest"])).await?;
    Ok(C::abi_decode_returns(&answer)?)
}
