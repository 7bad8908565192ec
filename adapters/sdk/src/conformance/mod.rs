//! The conformance suite: the promises of the seam, each with a stable name, tried on any adapter, in process or remote.
//!
//! What it is not: a test of a chain. It needs nothing but the seam; what only a test can cause (a packet, a block) comes from a [`Driver`],
//! and without one the promises that need it are skipped, so that the suite may be pointed at a live chain: it then only reads.
//!
//! Who calls it: `causeway adapter check`, and the tests of every adapter.

mod classic;
mod describe;
mod evidence;
mod overtaken;
mod state;
mod submit;
#[cfg(test)]
mod tests;
mod watch;

use crate::{AdapterError, ChainAdapter, ClientParams, Description, LightClient, Message, ProofGroup};
use async_trait::async_trait;
use causeway_types::classic::ChannelEndId;
use causeway_types::{ClientId, Hash, Height, Packet, PacketEnd};
use futures::future::BoxFuture;
use std::fmt::{self, Debug};
use std::sync::Arc;

/// What a test makes happen on the chain behind the adapter.
#[async_trait]
pub trait Driver: Send + Sync + Debug {
    /// Makes the chain finalise what was broadcast or sent: blocks are mined, or waited for.
    ///
    /// # Errors
    /// A message when it cannot.
    async fn advance(&self) -> Result<(), String>;

    /// Sends a packet from this chain through `client`; final when this returns.
    ///
    /// # Errors
    /// A message when it cannot.
    async fn send(&self, client: &ClientId) -> Result<Packet, String>;

    /// `count` messages that this chain takes now on `client`, new at every call, with their evidence. The one at index `poison`, if any,
    /// is one that the chain refuses for good (an unknown port).
    ///
    /// # Errors
    /// A message when it cannot.
    async fn deliverable(&self, client: &ClientId, count: usize, poison: Option<usize>) -> Result<(Vec<Message>, Vec<ProofGroup>), String>;

    /// Brings the client of this chain that another hosts to this chain's newest height, as another relayer does: from another account.
    ///
    /// # Errors
    /// A message when it cannot.
    async fn overtake(&self, elsewhere: &Elsewhere) -> Result<(), String>;
}

/// Where a client of the examined chain is hosted.
#[derive(Debug, Clone)]
pub struct Elsewhere {
    /// The host.
    pub host: Arc<dyn ChainAdapter>,
    /// The client there that follows the examined chain.
    pub client: ClientId,
}

/// What the examined chain has of IBC classic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Channels {
    /// Nothing, as no chain of the family: the adapter says that connections and channels are unsupported.
    Unsupported,
    /// Nothing that was named.
    Unnamed,
    /// A channel, whose end on the chain is looked at, and the end of the connection below it.
    End(ChannelEndId),
}

/// What is examined, and with what help. Promises for which something is missing are skipped.
#[derive(Debug, Clone)]
pub struct Subject {
    /// The adapter.
    pub adapter: Arc<dyn ChainAdapter>,
    /// The light client of its chain.
    pub light_client: Option<Arc<dyn LightClient>>,
    /// The root of trust: a client height and the hash of its block. Best the height that the client elsewhere holds as its latest.
    pub root: Option<(Height, Hash)>,
    /// Policy and time (unix seconds) with which updates are judged.
    pub judge: (ClientParams, u64),
    /// A client on the examined chain whose packets are looked at.
    pub client: Option<ClientId>,
    /// What the examined chain has of IBC classic.
    pub channels: Channels,
    /// Where a client of the examined chain is hosted.
    pub elsewhere: Option<Elsewhere>,
    /// The key with which transactions are built. Nothing is broadcast without a driver.
    pub signer: Option<String>,
    /// Where the chain is to be moved.
    pub driver: Option<Arc<dyn Driver>>,
    /// How many blocks back events are looked at.
    pub lookback_blocks: u64,
}

/// How a promise stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Kept, as far as was seen.
    Kept,
    /// Broken.
    Broken,
    /// Not tried: the subject lacks what is needed.
    Skipped,
}

impl fmt::Display for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Kept => "kept",
            Self::Broken => "BROKEN",
            Self::Skipped => "skipped",
        })
    }
}

/// One promise after the examination.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PromiseResult {
    /// Its stable name.
    pub name: &'static str,
    /// How it stands.
    pub standing: Standing,
    /// What was seen: why it is broken, or why it was skipped.
    pub detail: String,
}

/// All promises.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// In the order of [`promises`].
    pub promises: Vec<PromiseResult>,
}

impl Report {
    /// Whether no promise is broken.
    pub fn kept(&self) -> bool {
        self.promises.iter().all(|promise| promise.standing != Standing::Broken)
    }

    /// Names of the broken promises.
    pub fn broken(&self) -> Vec<&'static str> {
        self.promises.iter().filter(|promise| promise.standing == Standing::Broken).map(|promise| promise.name).collect()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for promise in &self.promises {
            writeln!(f, "{:<40} {:<8} {}", promise.name, promise.standing, promise.detail)?;
        }
        Ok(())
    }
}

/// Why a promise is not kept.
#[derive(Debug)]
enum Fault {
    Broken(String),
    Skipped(&'static str),
}

type Check = Result<(), Fault>;

impl From<AdapterError> for Fault {
    fn from(error: AdapterError) -> Self {
        Self::Broken(format!("the call failed: {error}"))
    }
}

fn broken<T>(detail: impl Into<String>) -> Result<T, Fault> {
    Err(Fault::Broken(detail.into()))
}

fn skip<T>(why: &'static str) -> Result<T, Fault> {
    Err(Fault::Skipped(why))
}

/// Broken with `detail` unless `condition` holds.
fn ensure(condition: bool, detail: impl FnOnce() -> String) -> Check {
    if condition { Ok(()) } else { broken(detail()) }
}

impl Subject {
    /// What its packets leave from and arrive at.
    fn end(&self) -> Result<PacketEnd, Fault> {
        self.client().map(|client| client.clone().into())
    }

    fn client(&self) -> Result<&ClientId, Fault> {
        self.client.as_ref().ok_or(Fault::Skipped("no client on the chain was named"))
    }

    fn driver(&self) -> Result<&dyn Driver, Fault> {
        self.driver.as_deref().ok_or(Fault::Skipped("nothing may be changed on this chain"))
    }

    fn light_client(&self) -> Result<&dyn LightClient, Fault> {
        self.light_client.as_deref().ok_or(Fault::Skipped("no light client of this family is built in"))
    }

    fn elsewhere(&self) -> Result<&Elsewhere, Fault> {
        self.elsewhere.as_ref().ok_or(Fault::Skipped("no client of this chain on another was named"))
    }

    fn signer(&self) -> Result<&str, Fault> {
        self.signer.as_deref().ok_or(Fault::Skipped("no key was named"))
    }

    async fn describe(&self) -> Result<Description, Fault> {
        Ok(self.adapter.describe().await?)
    }
}

/// A trouble of the driver is not the adapter's.
fn driven<T>(result: Result<T, String>) -> Result<T, Fault> {
    result.map_err(|error| Fault::Broken(format!("the chain could not be driven: {error}")))
}

type Promise = (&'static str, for<'a> fn(&'a Subject) -> BoxFuture<'a, Check>);

/// A promise under its name.
macro_rules! promise {
    ($name:literal, $module:ident :: $check:ident) => {
        ($name, |subject| Box::pin($module::$check(subject)))
    };
}

/// In this order: a chain's packets are looked at before its transactions, and the client elsewhere is followed before others bring it forward.
const PROMISES: &[Promise] = &[
    promise!("seam-version-matches", describe::version),
    promise!("describe-is-stable-and-bounded", describe::stable),
    promise!("status-is-monotone", describe::status),
    promise!("unknown-client-is-not-found", describe::unknown_client),
    promise!("unknown-key-is-not-found", describe::unknown_key),
    promise!("unknown-height-is-not-found", describe::unknown_height),
    promise!("unknown-channel-is-not-found", describe::unknown_channel),
    promise!("watch-is-in-order", watch::in_order),
    promise!("watch-leaves-no-gap", watch::no_gap),
    promise!("watch-resumes-from-a-cursor", watch::resumes),
    promise!("watch-honours-the-filter", watch::filtered),
    promise!("watch-beats-within-the-wait", watch::heartbeat),
    promise!("watch-never-runs-ahead", watch::ahead),
    promise!("events-agree-with-state", state::events_agree),
    promise!("commitments-are-paged-and-ascending", state::commitments),
    promise!("packet-states-keep-the-order", state::order),
    promise!("hydrate-agrees-with-state", state::hydrate),
    promise!("client-and-consensus-agree", state::client),
    promise!("root-verifies", evidence::root),
    promise!("root-flips-are-refused", evidence::root_flips),
    promise!("consensus-equals-verified-header", evidence::consensus),
    promise!("plan-steps-verify-in-order", evidence::plan),
    promise!("plan-says-not-yet", evidence::not_yet),
    promise!("evidence-verifies", evidence::verifies),
    promise!("evidence-flips-are-refused", evidence::flips),
    promise!("a-false-claim-is-never-proven", evidence::false_claim),
    promise!("an-absent-commitment-is-proven", evidence::no_commitment),
    promise!("channel-ends-are-proven", classic::ends),
    promise!("a-false-end-is-never-proven", classic::false_ends),
    promise!("pruned-height-is-a-typed-error", evidence::pruned),
    promise!("future-height-is-a-typed-error", evidence::future),
    promise!("a-height-that-others-brought-is-proven", overtaken::height),
    promise!("plan-begins-where-the-view-says", overtaken::plan),
    promise!("build-accounts-for-every-message", submit::accounts),
    promise!("build-leaves-out-poison-and-names-it", submit::poison),
    promise!("build-keeps-the-limits", submit::limits),
    promise!("a-used-slot-is-refused", submit::used_slot),
    promise!("broadcast-is-idempotent", submit::idempotent),
    promise!("outcome-gives-a-result-a-message", submit::outcome),
    promise!("outcome-is-unknown-before-broadcast", submit::unknown),
    promise!("only-final-loss-is-impossible", submit::impossible),
    promise!("delivery-twice-is-a-noop", submit::noop),
];

/// The names of all promises.
pub fn promises() -> Vec<&'static str> {
    PROMISES.iter().map(|(name, _)| *name).collect()
}

/// Tries every promise.
pub async fn run(subject: &Subject) -> Report {
    let mut report = Report { promises: Vec::with_capacity(PROMISES.len()) };
    for (name, check) in PROMISES {
        let (standing, detail) = match check(subject).await {
            Ok(()) => (Standing::Kept, String::new()),
            Err(Fault::Broken(detail)) => (Standing::Broken, detail),
            Err(Fault::Skipped(why)) => (Standing::Skipped, why.to_owned()),
        };
        report.promises.push(PromiseResult { name, standing, detail });
    }
    report
}
