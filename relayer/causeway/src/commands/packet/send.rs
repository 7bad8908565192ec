//! `causeway packet send`: a packet by hand, the way a dApp on an EVM chain sends one. For trying a path; not for value.

use crate::cli::Global;
use crate::config::{self, ChainConfig, Config, EndConfig};
use crate::exit::{Code, Failure, OrFail};
use crate::families::evm::{self, dapp::Dapp};
use crate::output;
use alloy::primitives::{Address, B256, Bytes, U256};
use causeway_evm_contracts::abi;
use serde_json::json;

/// Send a packet by hand, as a dApp would.
#[derive(Debug, clap::Args)]
pub(super) struct Send {
    /// Path to send on.
    #[arg(long)]
    path: String,
    /// Chain to send from.
    #[arg(long, value_name = "CHAIN")]
    from: String,
    /// Key that sends [default: the chain's first signer].
    #[arg(long)]
    signer: Option<String>,
    /// Seconds from now until the packet times out; at most a day.
    #[arg(long, default_value_t = 3_600, value_parser = clap::value_parser!(u64).range(1..=86_399))]
    timeout_s: u64,
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// A general message: call a contract on the other chain.
    Message {
        /// The contract to call there.
        #[arg(long)]
        to: Address,
        /// Call data, hexadecimal.
        #[arg(long)]
        data: Bytes,
    },
    /// A token transfer.
    Transfer {
        /// ERC-20 token here.
        #[arg(long)]
        token: Address,
        /// Amount in its smallest unit.
        #[arg(long)]
        amount: U256,
        /// Receiver there.
        #[arg(long)]
        to: Address,
    },
    /// Any payload to any port, through the demo's RawSender (contracts deploy --demo-apps).
    Raw {
        /// Address of the RawSender.
        #[arg(long)]
        app: Address,
        /// Port there.
        #[arg(long)]
        port: String,
        /// Payload, hexadecimal.
        #[arg(long, default_value = "0x00")]
        data: Bytes,
    },
}

impl Send {
    /// Sends it and prints its id.
    pub(super) async fn execute(self, global: &Global) -> Result<(), Failure> {
        let config = config::load(&global.config)?;
        let chain = config.chain(&self.from).or_fail(Code::BadConfig)?;
        let end = self.end(&config)?;
        let evm = chain.evm.as_ref().ok_or_else(|| Failure::new(Code::BadConfig, "packets are sent by hand on EVM chains only"))?;
        let router = evm.router().or_fail(Code::BadConfig)?;
        let mut dapp = self.dapp(chain, evm).await?;
        let timeout_s = dapp.time_s().await?.saturating_add(self.timeout_s);
        let hash = self.what.send(&mut dapp, evm, &end.client, timeout_s).await?;
        let sequence = dapp.sent_sequence(router, hash).await?;
        let id = format!("{}/{}/{sequence}", chain.name, end.client);
        if global.json {
            output::json_object(&json!({ "id": id, "transaction": hash.to_string(), "timeout_timestamp_s": timeout_s }));
        } else {
            println!("Sent {id} in transaction {hash}. Follow it with: causeway packet show {id}");
        }
        Ok(())
    }

    fn end<'a>(&self, config: &'a Config) -> Result<&'a EndConfig, Failure> {
        let path = config.paths.iter().find(|path| path.name == self.path);
        let path = path.ok_or_else(|| {
            Failure::new(Code::BadConfig, format!("path \"{}\" is not configured; causeway path list shows them", self.path))
        })?;
        [&path.a, &path.b].into_iter().find(|end| end.chain == self.from).ok_or_else(|| {
            Failure::new(Code::BadConfig, format!("path \"{}\" joins {} and {}, not {}", path.name, path.a.chain, path.b.chain, self.from))
        })
    }

    async fn dapp(&self, chain: &ChainConfig, evm: &causeway_evm_adapter::Config) -> Result<Dapp, Failure> {
        let signer = chain.signer_or_first(self.signer.as_deref()).or_fail(Code::BadConfig)?;
        let keys = evm::unlock(evm, std::slice::from_ref(&signer)).await?;
        let key = keys.signer(&signer).cloned().ok_or_else(|| Failure::new(Code::Key, format!("key `{signer}` does not exist")))?;
        let url = evm.rpc.first().and_then(|rpc| rpc.url.clone());
        let url = url.ok_or_else(|| Failure::new(Code::BadConfig, "sending by hand needs an endpoint with a plain url"))?;
        Dapp::connect(&chain.name, &url, key).await
    }
}

impl What {
    async fn send(self, dapp: &mut Dapp, evm: &causeway_evm_adapter::Config, client: &str, timeout_s: u64) -> Result<B256, Failure> {
        let missing =
            |what: &str| Failure::new(Code::BadConfig, format!("{what} is not in the configuration; causeway contracts deploy writes it"));
        match self {
            Self::Message { to, data } => {
                let gateway = evm.message_gateway.ok_or_else(|| missing("message_gateway"))?;
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
            Self::Transfer { token, amount, to } => {
                let transfer = evm.token_transfer.ok_or_else(|| missing("token_transfer"))?;
                dapp.call(token, &abi::TestToken::approveCall { spender: transfer, value: amount }).await?;
                let m = abi::SendTransfer {
                    sourceClient: client.to_string(),
                    denom: format!("{token:#x}"),
                    amount,
                    receiver: format!("{to:#x}"),
                    timeoutTimestamp: timeout_s,
                    memo: String::new(),
                };
                dapp.send(transfer, &abi::TokenTransfer::sendTransferCall { m }).await
            }
            Self::Raw { app, port, data } => {
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
}
