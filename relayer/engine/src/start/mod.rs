//! The start: everything is checked before anything runs.
//!
//! Order: adapters answer and are who they should be; clients exist and fit the paths; roots of trust hold; the journal opens; clients hold
//! what was verified. Only then is the journal bound to roots that are new, and actors are spawned, and nothing fails any more: a start that
//! refuses, or that nobody waits for, leaves neither a task nor a binding behind. Every refusal is a [`StartError`] that says what to do.

mod connections;
pub(crate) mod roots;
mod signers;

use crate::chain::{Chain, TrustError};
use crate::channel::ChannelKeeper;
use crate::clearer::Clearer;
use crate::config::{ChainSpec, End, EngineConfig, PathSpec};
use crate::error::StartError;
use crate::evidence::{self, Doubted, Prosecutor};
use crate::halts::Cause;
use crate::handle::{Running, Tasks};
use crate::journal::{Journal, codec, keys, served, wire};
use crate::keeper::Keeper;
use crate::opener::{Connected, Opener};
use crate::packet::Direction;
use crate::shared::{Beginning, Path, Shared};
use crate::warden::Warden;
use crate::watcher::Watcher;
use crate::worker::Worker;
use crate::{Env, metrics};
use causeway_adapter::description::SEAM_VERSION;
use causeway_adapter::{AdapterError, ClientView, Description};
use causeway_store::{Store, Tree};
use causeway_types::classic::{ChannelEnd, ChannelEndId, HandshakeState, Order};
use causeway_types::{ChainId, Height};
use futures::future::BoxFuture;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// Attempts of a call at the start, a second apart.
const PATIENCE: u32 = 5;

/// Calls a chain that may not be up yet: a few attempts, then the refusal.
pub(crate) async fn ask<T, F>(env: &Env, spec: &ChainSpec, call: impl Fn() -> F) -> Result<T, StartError>
where
    F: Future<Output = Result<T, AdapterError>>,
{
    let mut attempts = 0_u32;
    loop {
        attempts = attempts.saturating_add(1);
        let error = match call().await {
            Ok(answer) => return Ok(answer),
            Err(error) => error,
        };
        let lasting = error.retry() == causeway_adapter::Retry::Never;
        if lasting || attempts >= PATIENCE {
            return Err(StartError::Adapter { chain: spec.id.clone(), error });
        }
        env.clock.sleep(Duration::from_secs(1)).await;
    }
}

/// Who the adapter and its chain are, checked against the configuration.
pub(crate) async fn describe(env: &Env, spec: &ChainSpec) -> Result<Description, StartError> {
    let description = ask(env, spec, || spec.family.adapter.describe()).await?;
    if description.seam_version != SEAM_VERSION {
        return Err(StartError::SeamVersion { chain: spec.id.clone(), expected: SEAM_VERSION, found: description.seam_version });
    }
    match &spec.native_chain_id {
        Some(expected) if *expected != description.native_chain_id => {
            Err(StartError::ChainIdMismatch { chain: spec.id.clone(), expected: expected.clone(), found: description.native_chain_id })
        }
        _ => Ok(description),
    }
}

/// A client of a path, if it is what the path says.
async fn client(env: &Env, config: &EngineConfig, path: &Path, direction: Direction) -> Result<ClientView, StartError> {
    let (source, host) = (path.from(direction), path.to(direction));
    let find = |id: &ChainId| config.chains.iter().find(|spec| spec.id == *id);
    let (Some(source_spec), Some(host_spec)) = (find(&source.chain), find(&host.chain)) else {
        return Err(StartError::ClientMissing { chain: host.chain.clone(), client: host.client.clone() });
    };
    let (chain, client) = (host.chain.clone(), host.client.clone());
    let view = match ask(env, host_spec, || host_spec.family.adapter.client(&host.client)).await {
        Ok(view) => view,
        Err(StartError::Adapter { error: AdapterError::NotFound { .. }, .. }) => return Err(StartError::ClientMissing { chain, client }),
        Err(error) => return Err(error),
    };
    let expected = source_spec.family.light_client.client_type();
    if view.client_type != expected {
        let (expected, found) = (expected.to_owned(), view.client_type.into());
        return Err(StartError::ClientType { chain, client, source_chain: source.chain.clone(), expected, found });
    }
    if let Some(id) = &host.channel {
        let end = channel(env, host_spec, (id, host), (source, path.spec.order)).await?;
        path.note_channel(direction.reverse(), end);
        return Ok(view);
    }
    let registered = view.counterparty.as_ref().map(|end| end.client_id.as_str()).unwrap_or("none");
    if registered != source.client.as_str() {
        return Err(StartError::CounterpartyMismatch { chain, client, expected: source.client.clone(), found: registered.to_owned() });
    }
    Ok(view)
}

/// A channel of a path: open or closed by now (what is on its way is brought to its end), in the path's order, to the channel at the other end, and over the client of this one.
async fn channel(
    env: &Env,
    spec: &ChainSpec,
    (id, end): (&ChannelEndId, &End),
    (other, order): (&End, Order),
) -> Result<ChannelEnd, StartError> {
    let found = ask(env, spec, || spec.family.adapter.channel(id)).await?;
    let connection = ask(env, spec, || spec.family.adapter.connection(&found.connection)).await?;
    let counterparty = found.counterparty.clone().map(|channel| ChannelEndId { port: found.counterparty_port.clone(), channel });
    let text = |end: Option<&ChannelEndId>| end.map_or_else(|| "none".to_owned(), ToString::to_string);
    let closed = found.state == HandshakeState::Closed;
    if closed {
        tracing::warn!(chain = %spec.id, channel = %id, "channel is closed: what is on its way is brought to its end, nothing new is relayed");
    }
    let found_end = found.clone();
    let rules = [
        ("its state", if closed { "closed" } else { "open" }.to_owned(), format!("{:?}", found.state).to_lowercase()),
        ("its order", format!("{order:?}").to_lowercase(), format!("{:?}", found.order).to_lowercase()),
        ("its other end", text(other.channel.as_ref()), text(counterparty.as_ref())),
        ("its client", end.client.to_string(), connection.client.to_string()),
        ("the delay of its connection", "0 s".to_owned(), format!("{} s", connection.delay_ns.div_ceil(1_000_000_000))),
        ("the client at its other end", other.client.to_string(), connection.counterparty_client.to_string()),
    ];
    for (what, expected, found) in rules {
        if expected != found {
            let (chain, channel) = (spec.id.clone(), id.clone());
            return Err(StartError::ChannelMismatch { chain, channel, what, expected: expected.into(), found: found.into() });
        }
    }
    Ok(found_end)
}

/// Starts an engine.
pub(crate) async fn start(config: EngineConfig, store: Arc<dyn Store>, env: Env) -> Result<Running, StartError> {
    config.validate()?;
    metrics::describe();
    config.chains.iter().for_each(|spec| metrics::alarms(&spec.id));
    let descriptions = futures::future::try_join_all(config.chains.iter().map(|spec| describe(&env, spec))).await?;
    let mut followed: BTreeMap<ChainId, Height> = BTreeMap::new();
    let (connected, opened) = connected(&env, &config, &mut followed).await?;
    let specs = config.paths.iter().cloned().chain(opened).enumerate();
    let paths: Vec<Arc<Path>> = specs.map(|(index, spec)| Arc::new(Path::new(index, spec))).collect();
    let openings: Vec<_> = paths.iter().flat_map(|path| path.openings()).collect();
    let (journal, actor) = Journal::open(Arc::clone(&store), &openings, &env, config.retention).await?;
    let accused = evidence::accused(store.as_ref()).await?;
    for path in &paths {
        for direction in [Direction::AToB, Direction::BToA] {
            let mut view = client(&env, &config, path, direction).await?;
            let host = path.to(direction);
            if view.frozen {
                // The word of one endpoint refuses no start.
                config.chains.iter().filter(|spec| spec.id == host.chain).for_each(|spec| spec.family.adapter.distrust());
                view = client(&env, &config, path, direction).await?;
            }
            // Evidence freezes clients, one after the other: the others must still be told.
            if view.frozen && !accused.contains(&path.from(direction).chain) {
                return Err(StartError::ClientFrozen { chain: host.chain.clone(), client: host.client.clone() });
            }
            lower(&mut followed, &path.from(direction).chain, view.latest);
            path.note_view(direction, view);
        }
    }
    let (mut chains, mut bindings) = (BTreeMap::new(), Vec::new());
    for (spec, description) in config.chains.iter().zip(descriptions) {
        let (trust, binding) = roots::unbound(&env, spec, store.as_ref(), followed.get(&spec.id).copied()).await?;
        bindings.extend(binding);
        let chain = Chain::new(spec.clone(), description, trust, env.clone(), config.deadlines);
        if let Some(bytes) = store.get(Tree::Meta, &keys::spend(&spec.id)).await? {
            chain.seen().spent = spent(&bytes).map_err(|error| error.row("what was spent", Tree::Meta, &keys::spend(&spec.id)))?;
        }
        if let Some(bytes) = store.get(Tree::Meta, &keys::cursor(&spec.id)).await? {
            let cursor = codec::height(&bytes).map_err(|error| error.row("a cursor", Tree::Meta, &keys::cursor(&spec.id)))?;
            chain.seen().cursor = Some(cursor);
        }
        let doubted = evidence::recall(store.as_ref(), &chain).await?;
        doubted.iter().for_each(|doubted| doubt(&paths, (&chain, doubted)));
        condemn(&paths, &chain);
        chains.insert(spec.id.clone(), Arc::new(chain));
    }
    let signers = signers::Signers::read(&chains, store.as_ref()).await?;
    let (lanes, settled) = (signers.lanes.clone(), signers.settled.clone());
    let shared = Arc::new(Shared::new(Beginning { config, env: env.clone(), journal, chains, paths, connected, lanes, settled }));
    let mut actor: BoxFuture<'static, ()> = Box::pin(actor);
    served(&mut actor, agree(&shared)).await?;
    if !bindings.is_empty() {
        store.commit(bindings).await?;
    }
    let running = Running::new(Arc::clone(&shared));
    running.tasks.spawn_untracked("journal", actor);
    spawn(&running.tasks, &shared, signers);
    Ok(running)
}

/// Halts the paths of a chain against which evidence stands, before any actor of theirs runs.
fn condemn(paths: &[Arc<Path>], source: &Chain) {
    let Some(height) = source.trust.conflict.borrow().as_ref().map(|conflict| conflict.height) else { return };
    for path in paths {
        for direction in [Direction::AToB, Direction::BToA] {
            if path.from(direction).chain == *source.id() {
                path.halts.begin(source.id(), Cause::Misbehaviour(direction), evidence::words(source.id(), height));
            }
        }
    }
}

/// Halts the paths of a client that held something else than was verified, until its host takes that back.
fn doubt(paths: &[Arc<Path>], (source, doubted): (&Chain, &Doubted)) {
    for path in paths {
        for direction in path.directions_of(&doubted.host, &doubted.client) {
            if path.from(direction).chain == *source.id() {
                path.halts.begin(&doubted.host, Cause::Mismatch(direction, doubted.height), doubted.what.clone());
            }
        }
    }
}

/// The lowest height that a client of a chain holds: its root of trust must not be above it.
fn lower(followed: &mut BTreeMap<ChainId, Height>, chain: &ChainId, latest: Height) {
    let lowest = followed.entry(chain.clone()).or_insert(latest);
    *lowest = latest.min(*lowest);
}

/// Connections whose channels are finished, and the paths of those that are there already and that no path of the configuration has.
async fn connected(
    env: &Env,
    config: &EngineConfig,
    followed: &mut BTreeMap<ChainId, Height>,
) -> Result<(Vec<Arc<Connected>>, Vec<PathSpec>), StartError> {
    let (mut all, mut opened) = (Vec::new(), Vec::new());
    for spec in &config.handshakes {
        let (one, [on_a, on_b]) = connections::connect(env, config, spec).await?;
        lower(followed, &spec.b, on_a.latest);
        lower(followed, &spec.a, on_b.latest);
        for path in connections::paths(env, config, &one).await? {
            let taken = |known: &PathSpec| known.name == path.name || [&known.a, &known.b].contains(&&path.a);
            if !config.paths.iter().chain(&opened).any(taken) {
                opened.push(path);
            }
        }
        all.push(Arc::new(one));
    }
    Ok((all, opened))
}

fn spent(bytes: &[u8]) -> Result<(u64, u128), codec::Damaged> {
    let row: wire::SpendRow = codec::decode(bytes)?;
    Ok((row.day, codec::amount(&row.spent)?))
}

/// Every client holds what was verified of the chain it follows.
async fn agree(shared: &Shared) -> Result<(), StartError> {
    for path in shared.paths().iter() {
        for direction in [Direction::AToB, Direction::BToA] {
            let (source_end, host_end) = (path.from(direction), path.to(direction));
            let (Some(source), Some(host)) = (shared.chains.get(&source_end.chain), shared.chains.get(&host_end.chain)) else { continue };
            let Some(view) = path.view(direction) else { continue };
            if path.halted().is_some() || source.trust.conflict.borrow().is_some() {
                continue;
            }
            let trusted = match source.trust.verified_at(source, &view, view.latest, &shared.journal).await {
                Ok(trusted) => trusted,
                Err(error) => {
                    unverified(source, (host.id(), &view), error)?;
                    continue;
                }
            };
            let consensus = || ask(&shared.env, &host.spec, || host.adapter().consensus(&host_end.client, view.latest));
            let expected = source.light_client().consensus_hash(&trusted);
            let mut found = consensus().await?.hash;
            if found != expected {
                // The word of one endpoint refuses no start.
                host.adapter().distrust();
                found = consensus().await?.hash;
            }
            if found == expected {
                continue;
            }
            let (chain, client, height) = (host_end.chain.clone(), host_end.client.clone(), view.latest);
            // Where updates wait to be examined, the one that did it may be among them: its warden convicts with it.
            if shared.watched(&chain, &client).left(shared.journal.store().as_ref()).await?.is_empty() {
                return Err(StartError::ConsensusMismatch { chain, client, height, expected, found: Box::new(found) });
            }
            let what = format!("client {client} on {chain} holds another {} at height {height} than was verified", source.id());
            path.halts.begin(&chain, Cause::Mismatch(direction, height), what);
        }
    }
    Ok(())
}

/// What to make of a client height that could not be verified at the start.
fn unverified(source: &Chain, (host, view): (&ChainId, &ClientView), error: TrustError) -> Result<(), StartError> {
    let (chain, trusted) = (source.id().clone(), source.trust.latest().height);
    if view.latest.revision > trusted.revision {
        return Err(StartError::OtherRevision { host: host.clone(), client: view.client_id.clone(), latest: view.latest, chain, trusted });
    }
    match error {
        TrustError::NothingBelow(_) => {
            let root = source.trust.latest().height;
            Err(StartError::RootTooNew { chain, root, client: view.client_id.clone(), latest: view.latest })
        }
        TrustError::Violation(violation) => Err(StartError::Verification { chain, violation }),
        // The state of an old height may be pruned; the workers then build on a height that was verified before.
        error => {
            tracing::warn!(%chain, client = %view.client_id, height = %view.latest, %error, "the client's newest height cannot be verified now");
            Ok(())
        }
    }
}

fn spawn(tasks: &Arc<Tasks>, shared: &Arc<Shared>, signers: signers::Signers) {
    signers.spawn(tasks, shared);
    for chain in shared.chains.values() {
        let cursor = chain.seen().cursor;
        tasks.spawn("prosecutor", Box::pin(Prosecutor::new(Arc::clone(shared), Arc::clone(chain)).run()));
        tasks.spawn("watcher", Box::pin(Watcher::new(Arc::clone(shared), Arc::clone(chain), cursor).run()));
    }
    for path in shared.paths().iter() {
        spawn_path(tasks, shared, path);
    }
    for one in &shared.connected {
        let ends = (shared.chains.get(&one.spec.a).cloned(), shared.chains.get(&one.spec.b).cloned());
        if let (Some(a), Some(b)) = ends {
            let opener = Opener::new(Arc::clone(shared), Arc::clone(tasks), Arc::clone(one), [a, b]);
            tasks.spawn("opener", Box::pin(opener.run()));
        }
    }
    tasks.spawn("keeper", Box::pin(Keeper::new(Arc::clone(shared)).run()));
}

/// Starts the actors of a path: at the start, or when its channel was opened.
pub(crate) fn spawn_path(tasks: &Tasks, shared: &Arc<Shared>, path: &Arc<Path>) {
    let find = |id: &ChainId| shared.chains.get(id).cloned();
    let (Some(a), Some(b)) = (find(&path.spec.a.chain), find(&path.spec.b.chain)) else { return };
    for (direction, source, host) in [(Direction::AToB, &a, &b), (Direction::BToA, &b, &a)] {
        let clearer = Clearer::new(Arc::clone(shared), Arc::clone(path), direction, Arc::clone(source));
        let chains = (Arc::clone(source), Arc::clone(host));
        // One for each client, however many paths stand on it.
        let watched = shared.watched(&path.to(direction).chain, &path.to(direction).client);
        if watched.is_unguarded() {
            tasks.spawn("warden", Box::pin(Warden::new(Arc::clone(shared), watched, chains.clone()).run()));
        }
        let worker: BoxFuture<'static, ()> = Box::pin(Worker::new(Arc::clone(shared), Arc::clone(path), direction, chains).run());
        tasks.spawn("worker", worker);
        tasks.spawn("clearer", Box::pin(clearer.run()));
    }
    if path.spec.a.channel.is_some() {
        tasks.spawn("channel", Box::pin(ChannelKeeper::new(Arc::clone(shared), Arc::clone(path), [a, b]).run()));
    }
}
