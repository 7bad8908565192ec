//! Setting up a path: roots verified, a client created on each side, both views verified; then counterparties are registered (IBC v2), or a
//! connection and a channel opened (IBC classic).
//!
//! Every step is journaled before its transaction is broadcast; after a crash the same call looks the outcome up and goes on. Calling it
//! again for a finished path verifies and changes nothing. `causeway path create` calls it, with no engine running on the same store.

pub(crate) mod channel;
mod connection;
mod proof;
pub(crate) mod step;

use crate::chain::{Chain, TrustError};
use crate::config::{ChainSpec, ConfigError, Deadlines, End, Filter, PathSpec};
use crate::journal::{Journal, served};
use crate::start::{ask, describe, roots};
use crate::{Env, Retention, StartError};
use causeway_adapter::{AdapterError, ClientView, Counterparty, Message, TrustedState};
use causeway_store::Store;
use causeway_types::classic::{ChannelEndId, ConnectionId, Order, PortId};
use causeway_types::{ClientId, Height, Sequence};
pub use connection::finish_connections;
use futures::future::BoxFuture;
pub(crate) use proof::Proven;
use std::sync::Arc;
use step::Steps;

/// What to set up.
#[derive(Debug, Clone)]
pub struct PathSetup {
    /// Name of the path: also what a resumed set-up is found by.
    pub name: String,
    /// One chain.
    pub a: ChainSpec,
    /// The other.
    pub b: ChainSpec,
    /// A client on `a` that exists already, instead of a new one.
    pub client_a: Option<ClientId>,
    /// A client on `b` that exists already, instead of a new one.
    pub client_b: Option<ClientId>,
    /// The channel to open; none: a path of IBC v2.
    pub channel: Option<ChannelSetup>,
}

/// A channel of IBC classic to open.
#[derive(Debug, Clone)]
pub enum ChannelSetup {
    /// A new one.
    New(NewChannel),
    /// One that somebody began on `a`, an application for example; what it says of itself decides.
    Begun(ChannelEndId),
}

/// A channel that nobody has begun.
#[derive(Debug, Clone)]
pub struct NewChannel {
    /// The application's port on `a`.
    pub port_a: PortId,
    /// The application's port on `b`.
    pub port_b: PortId,
    /// What the applications shall speak, for example `ics20-1`.
    pub version: String,
    /// How packets follow each other.
    pub order: Order,
    /// A connection on `a` that is open already, instead of a new one.
    pub connection_a: Option<ConnectionId>,
}

/// How far a set-up has come; for progress on a terminal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// Which step.
    pub step: &'static str,
    /// On which chain.
    pub chain: causeway_types::ChainId,
    /// What it is about or gave: a client id, a transaction id, a height.
    pub detail: String,
}

pub(crate) type Report<'r> = &'r (dyn Fn(Progress) + Send + Sync);

/// Sets a path up, or goes on where an earlier call stopped. `report` is called at every step.
///
/// # Errors
/// [`StartError`] naming the step; call again once the cause is gone.
pub async fn create_path(setup: PathSetup, store: Arc<dyn Store>, env: Env, report: Report<'_>) -> Result<PathSpec, StartError> {
    [&setup.a, &setup.b].into_iter().try_for_each(pays)?;
    let (journal, actor) = Journal::open(Arc::clone(&store), &[], &env, Retention { finished_ms: 0, changes: 0 }).await?;
    let mut actor: BoxFuture<'static, ()> = Box::pin(actor);
    served(&mut actor, run(&setup, &journal, &env, report)).await
}

/// Whether there is a key that pays on the chain.
pub(crate) fn pays(spec: &ChainSpec) -> Result<(), StartError> {
    if !spec.signers.is_empty() {
        return Ok(());
    }
    let key = format!("chain {}: signers", spec.id);
    Err(ConfigError { key, value: "none".into(), allowed: "name at least one key that pays".into() }.into())
}

async fn run(setup: &PathSetup, journal: &Journal, env: &Env, report: Report<'_>) -> Result<PathSpec, StartError> {
    let a = chain(&setup.a, journal, env, report).await?;
    let b = chain(&setup.b, journal, env, report).await?;
    for chain in [&a, &b] {
        match setup.channel {
            Some(_) => hosts_channels(chain).await?,
            None => hosts_packets_of_clients(chain).await?,
        }
    }
    let side = |host, source| Side { name: &setup.name, host, source, journal, report };
    let (on_a, on_b) = (side(&a, &b), side(&b, &a));
    let client_a = on_a.client("client-a", setup.client_a.as_ref()).await?;
    let client_b = on_b.client("client-b", setup.client_b.as_ref()).await?;
    on_a.verify(&client_a).await?;
    on_b.verify(&client_b).await?;
    let (channels, order) = match &setup.channel {
        None => {
            on_a.counterparty("counterparty-a", &client_a, &client_b).await?;
            on_b.counterparty("counterparty-b", &client_b, &client_a).await?;
            ([None, None], Order::Unordered)
        }
        Some(channel) => {
            let (ends, order) = channel::open((&on_a, &client_a), (&on_b, &client_b), channel).await?;
            (ends.map(Some), order)
        }
    };
    let end = |chain: &Chain, client, channel| End { chain: chain.id().clone(), client, channel };
    let [channel_a, channel_b] = channels;
    let (a, b) = (end(&a, client_a, channel_a), end(&b, client_b, channel_b));
    Ok(PathSpec { name: setup.name.clone(), a, b, order, filter: Filter::default() })
}

async fn chain(spec: &ChainSpec, journal: &Journal, env: &Env, report: Report<'_>) -> Result<Chain, StartError> {
    chain_below(spec, journal, env, (report, None)).await
}

/// A chain with what is trusted of it. Where the root is taken on first use, it is not above the height that a client holds.
pub(crate) async fn chain_below(
    spec: &ChainSpec,
    journal: &Journal,
    env: &Env,
    (report, followed): (Report<'_>, Option<Height>),
) -> Result<Chain, StartError> {
    let description = describe(env, spec).await?;
    let trust = roots::establish(env, spec, journal.store().as_ref(), followed).await?;
    let height = trust.latest().height;
    report(Progress { step: "root", chain: spec.id.clone(), detail: format!("trusted up to height {height}") });
    Ok(Chain::new(spec.clone(), description, trust, env.clone(), Deadlines::default()))
}

/// Refuses a chain whose family has no channels, before anything is paid for.
async fn hosts_channels(chain: &Chain) -> Result<(), StartError> {
    let Ok(first) = ConnectionId::new("connection-0") else { return Ok(()) };
    match chain.call("connection", chain.adapter().connection(&first)).await {
        Err(error @ AdapterError::Unsupported { .. }) => Err(StartError::Adapter { chain: chain.id().clone(), error }),
        _ => Ok(()),
    }
}

/// Refuses a chain that has no IBC v2, before anything is paid for. What else is wrong with the answer is not looked at: no such client may be there.
async fn hosts_packets_of_clients(chain: &Chain) -> Result<(), StartError> {
    let (Ok(client), Ok(first)) = (ClientId::new("client-0"), Sequence::new(1)) else { return Ok(()) };
    match chain.call("packet-states", chain.adapter().packet_states(&client.into(), &[first])).await {
        Err(error @ AdapterError::Unsupported { .. }) => Err(StartError::Adapter { chain: chain.id().clone(), error }),
        _ => Ok(()),
    }
}

/// One side of the path: a host and the chain that its client follows.
pub(crate) struct Side<'s> {
    pub(crate) name: &'s str,
    pub(crate) host: &'s Chain,
    pub(crate) source: &'s Chain,
    pub(crate) journal: &'s Journal,
    pub(crate) report: Report<'s>,
}

impl Side<'_> {
    pub(crate) fn say(&self, step: &'static str, detail: String) {
        (self.report)(Progress { step, chain: self.host.id().clone(), detail });
    }

    pub(crate) fn steps(&self) -> Steps<'_> {
        Steps { path: self.name, host: self.host, journal: self.journal, report: self.report }
    }

    /// The client: the one given, the one an earlier call made, or a new one.
    async fn client(&self, step: &'static str, given: Option<&ClientId>) -> Result<ClientId, StartError> {
        if let Some(client) = given {
            return Ok(client.clone());
        }
        if let Some(client) = self.steps().finished(step).await? {
            return self.parse(step, &client);
        }
        let trusted = self.newest().await;
        let encoding = self.host.description.host_encodings.first().cloned().unwrap_or_default();
        let light_client = self.source.light_client();
        let initial = light_client.encode_initial(&encoding, &trusted, &self.source.spec.params);
        let initial = initial.map_err(|violation| StartError::Verification { chain: self.source.id().clone(), violation })?;
        let message = Message::CreateClient { client_type: light_client.client_type().to_owned(), initial };
        let created = self.steps().run(step, &[message], &[]).await?;
        self.parse(step, &created)
    }

    fn parse(&self, step: &'static str, text: &str) -> Result<ClientId, StartError> {
        ClientId::new(text).map_err(|error| StartError::SetupRefused { chain: self.host.id().clone(), step, detail: error.to_string() })
    }

    /// The newest height of the source that can be verified now.
    async fn newest(&self) -> TrustedState {
        let latest = self.source.trust.latest();
        let Ok((height, _)) = self.source.call("root", self.source.adapter().root(None)).await else { return latest };
        let Some(view) = self.source.unseen(&latest) else { return latest };
        self.source.trust.verified_at(self.source, &view, height, self.journal).await.unwrap_or(latest)
    }

    pub(crate) async fn view(&self, client: &ClientId) -> Result<ClientView, StartError> {
        let (chain, client_id) = (self.host.id().clone(), client.clone());
        match ask(&self.host.env, &self.host.spec, || self.host.adapter().client(client)).await {
            Err(StartError::Adapter { error: AdapterError::NotFound { .. }, .. }) => {
                Err(StartError::ClientMissing { chain, client: client_id })
            }
            result => result,
        }
    }

    async fn counterparty(&self, step: &'static str, client: &ClientId, other: &ClientId) -> Result<(), StartError> {
        match self.view(client).await?.counterparty {
            Some(known) if known.client_id == *other => {
                self.say(step, format!("{client} names {other} already"));
                Ok(())
            }
            Some(known) => Err(StartError::CounterpartyMismatch {
                chain: self.host.id().clone(),
                client: client.clone(),
                expected: other.clone(),
                found: known.client_id.to_string(),
            }),
            None => {
                let merkle_prefix = self.source.description.merkle_prefix.clone();
                let counterparty = Counterparty { client_id: other.clone(), merkle_prefix };
                let message = Message::RegisterCounterparty { client_id: client.clone(), counterparty };
                self.steps().run(step, &[message], &[]).await.map(drop)
            }
        }
    }

    /// What the host says of the client fits what was verified of the chain it follows.
    pub(crate) async fn verify(&self, client: &ClientId) -> Result<(), StartError> {
        let view = self.usable(client).await?;
        self.agreed_at(&view, view.latest).await?;
        self.say("verified", format!("{client} follows {} from height {}", self.source.id(), view.latest));
        Ok(())
    }

    /// The client, if it is of the type that follows the source and is not frozen.
    pub(crate) async fn usable(&self, client: &ClientId) -> Result<ClientView, StartError> {
        let view = self.view(client).await?;
        let (chain, client) = (self.host.id().clone(), client.clone());
        let expected = self.source.light_client().client_type();
        if view.client_type != expected {
            let (expected, found) = (expected.to_owned(), view.client_type.into());
            return Err(StartError::ClientType { chain, client, source_chain: self.source.id().clone(), expected, found });
        }
        if view.frozen { Err(StartError::ClientFrozen { chain, client }) } else { Ok(view) }
    }

    /// The trusted state of a height that the client holds; it holds the same as was verified here.
    pub(crate) async fn agreed_at(&self, view: &ClientView, height: Height) -> Result<TrustedState, StartError> {
        let (chain, client) = (self.host.id().clone(), &view.client_id);
        let trusted = match self.source.trust.verified_at(self.source, view, height, self.journal).await {
            Ok(trusted) => trusted,
            Err(TrustError::NothingBelow(latest)) => {
                let (chain, root) = (self.source.id().clone(), self.source.trust.latest().height);
                return Err(StartError::RootTooNew { chain, root, client: client.clone(), latest });
            }
            Err(_) => return Err(StartError::NotProvable { chain: self.source.id().clone(), height }),
        };
        let consensus = ask(&self.host.env, &self.host.spec, || self.host.adapter().consensus(client, height)).await?;
        let expected = self.source.light_client().consensus_hash(&trusted);
        if consensus.hash == expected {
            return Ok(trusted);
        }
        Err(StartError::ConsensusMismatch { chain, client: client.clone(), height, expected, found: Box::new(consensus.hash) })
    }
}
