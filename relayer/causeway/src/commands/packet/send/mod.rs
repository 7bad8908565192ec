//! `causeway packet send`: a packet by hand, the way a user or an application sends one. For trying a path; not for value.

mod cosmos;
mod evm;
#[cfg(test)]
mod tests;

use crate::cli::Global;
use crate::config::{self, ChainConfig, Config, EndConfig};
use crate::exit::{Code, Failure, OrFail};
use crate::{families, output};
use alloy::primitives::{Address, Bytes};
use causeway_engine::End;
use serde_json::json;

/// Send a packet by hand, as a user or an application would.
#[derive(Debug, clap::Args)]
pub(super) struct Send {
    /// Path to send on.
    #[arg(long)]
    path: String,
    /// Chain to send from.
    #[arg(long, value_name = "CHAIN")]
    from: String,
    /// Key that sends; not one that a running relayer signs with [default: the chain's first signer].
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
    /// A token transfer.
    Transfer {
        /// Token here: the address of an ERC-20 token, or a denomination of a Cosmos chain.
        #[arg(long)]
        token: String,
        /// Amount in its smallest unit.
        #[arg(long)]
        amount: String,
        /// Receiver there.
        #[arg(long)]
        to: String,
        /// Text for the receiving application.
        #[arg(long, default_value = "")]
        memo: String,
    },
    /// A general message: call a contract on the other chain. From EVM chains.
    Message {
        /// The contract to call there.
        #[arg(long)]
        to: Address,
        /// Call data, hexadecimal.
        #[arg(long)]
        data: Bytes,
    },
    /// Any payload to any port, through the demo's RawSender (contracts deploy --demo-apps). From EVM chains.
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

/// A packet that was sent.
struct Sent {
    sequence: u64,
    transaction: String,
    timeout_s: u64,
}

/// Where and by whom.
struct Sender<'a> {
    chain: &'a ChainConfig,
    end: End,
    key: String,
    /// From now on, by the clock that the packet's expiry is counted with.
    lifetime_s: u64,
}

impl Send {
    /// Sends it and prints its id.
    pub(super) async fn execute(self, global: &Global) -> Result<(), Failure> {
        let config = config::load(&global.config)?;
        let chain = config.chain(&self.from).or_fail(Code::BadConfig)?;
        let end = self.end(&config)?.parse().or_fail(Code::BadConfig)?;
        let key = chain.signer_or_first(self.signer.as_deref()).or_fail(Code::BadConfig)?;
        if let What::Transfer { to, memo, .. } = &self.what
            && memo.is_empty()
        {
            check_receiver(self.destination(&config)?, to)?;
        }
        if let Some(warning) = shared_account(chain, &key) {
            eprintln!("warning: {warning}");
        }
        let packets = end.packets();
        let sender = Sender { chain, end, key, lifetime_s: self.timeout_s };
        let sent = match (&chain.evm, &chain.cosmos) {
            (Some(evm), _) => evm::send(&sender, evm, self.what).await?,
            (_, Some(cosmos)) => cosmos::send(&sender, cosmos, self.what).await?,
            _ => return Err(Failure::new(Code::BadConfig, format!("chain \"{}\" has no family", chain.name))),
        };
        let id = format!("{}/{packets}/{}", chain.name, sent.sequence);
        if global.json {
            output::json_object(&json!({ "id": id, "transaction": sent.transaction, "timeout_timestamp_s": sent.timeout_s }));
        } else {
            println!("Sent {id} in transaction {}. Follow it with `causeway packet show {id}`", sent.transaction);
        }
        Ok(())
    }

    fn destination<'a>(&self, config: &'a Config) -> Result<&'a ChainConfig, Failure> {
        let path = config.path(&self.path).or_fail(Code::BadConfig)?;
        let end = if path.a.chain == self.from { &path.b } else { &path.a };
        config.chain(&end.chain).or_fail(Code::BadConfig)
    }

    fn end<'a>(&self, config: &'a Config) -> Result<&'a EndConfig, Failure> {
        let path = config.path(&self.path).or_fail(Code::BadConfig)?;
        [&path.a, &path.b].into_iter().find(|end| end.chain == self.from).ok_or_else(|| {
            Failure::new(Code::BadConfig, format!("path \"{}\" joins {} and {}, not {}", path.name, path.a.chain, path.b.chain, self.from))
        })
    }
}

/// A transfer to what is no account is received, refused and returned, for the price of three transactions. Where a memo goes along, it may say
/// who receives.
fn check_receiver(chain: &ChainConfig, to: &str) -> Result<(), Failure> {
    let wrong = families::tables(chain).into_iter().find_map(|family| family.check_account(to).err());
    let Some(form) = wrong else { return Ok(()) };
    let to: String = to.chars().take(100).collect();
    let message =
        format!("--to {to} is no account of chain \"{}\": expected {form}; what another reads out of a memo needs a --memo", chain.name);
    Err(Failure::new(Code::BadConfig, message))
}

/// What to say where the key that sends also relays: two programs must not sign with one account.
fn shared_account(chain: &ChainConfig, key: &str) -> Option<String> {
    let relays = chain.signers.iter().any(|signer| signer == key);
    relays.then(|| {
        format!(
            "key `{key}` is one of the signers of chain \"{}\": while a relayer runs, both use the same account sequences and refuse each \
             other's transactions; name another key with --signer",
            chain.name
        )
    })
}

/// An argument in the form that the chain's family has.
fn parsed<T: std::str::FromStr<Err: std::fmt::Display>>(option: &str, text: &str) -> Result<T, Failure> {
    text.parse().map_err(|error| Failure::new(Code::BadConfig, format!("{option} {text}: {error}")))
}
