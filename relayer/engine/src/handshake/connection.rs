//! Connections that others began and that are to carry channels: finished before an engine starts on them.
//!
//! What it is not: it begins none, and looks at nothing but the connections of the configuration. An engine refuses a connection that is not
//! open ([`crate::start`]).

use super::channel::finished_connection;
use super::{Report, Side, chain_below, pays};
use crate::config::{ChainSpec, EngineConfig, HandshakeSpec};
use crate::error::StartError;
use crate::journal::{Journal, served};
use crate::start::ask;
use crate::{Env, Retention};
use causeway_store::Store;
use causeway_types::classic::{ConnectionEnd, HandshakeState};
use causeway_types::{ChainId, ClientId};
use futures::future::BoxFuture;
use std::sync::Arc;

/// Takes the steps that are left of the configured connections which are not open at both ends; open ones cost two questions. `report` is called
/// at every step.
///
/// # Errors
/// [`StartError`] naming the step; call again once the cause is gone.
pub async fn finish_connections(config: &EngineConfig, store: Arc<dyn Store>, env: &Env, report: Report<'_>) -> Result<(), StartError> {
    for spec in &config.handshakes {
        let find = |id: &ChainId| config.chains.iter().find(|chain| chain.id == *id);
        // What the configuration does not hold is refused by the start itself.
        let (Some(a), Some(b)) = (find(&spec.a), find(&spec.b)) else { continue };
        let end = ask(env, a, || a.family.adapter.connection(&spec.connection_a)).await?;
        if !is_open(env, b, &end).await? {
            [a, b].into_iter().try_for_each(pays)?;
            finish((a, b), (spec, &end), (&store, env), report).await?;
        }
    }
    Ok(())
}

/// Whether a connection is open at both ends.
async fn is_open(env: &Env, other: &ChainSpec, end: &ConnectionEnd) -> Result<bool, StartError> {
    let Some(id) = end.counterparty.as_ref().filter(|_| end.state == HandshakeState::Open) else { return Ok(false) };
    Ok(ask(env, other, || other.family.adapter.connection(id)).await?.state == HandshakeState::Open)
}

async fn finish(
    (a, b): (&ChainSpec, &ChainSpec),
    (spec, end): (&HandshakeSpec, &ConnectionEnd),
    (store, env): (&Arc<dyn Store>, &Env),
    report: Report<'_>,
) -> Result<(), StartError> {
    let (journal, actor) = Journal::open(Arc::clone(store), &[], env, Retention { finished_ms: 0, changes: 0 }).await?;
    let mut actor: BoxFuture<'static, ()> = Box::pin(actor);
    let (client_a, client_b) = (&end.client, &end.counterparty_client);
    let held = |chain: &ChainSpec, client: &ClientId| {
        let (adapter, client) = (Arc::clone(&chain.family.adapter), client.clone());
        async move { adapter.client(&client).await.ok().map(|view| view.latest) }
    };
    let work = async {
        let (of_b, of_a) = (held(a, client_a).await, held(b, client_b).await);
        let a = chain_below(a, &journal, env, (report, of_a)).await?;
        let b = chain_below(b, &journal, env, (report, of_b)).await?;
        // No path has a name with a space in it: the journal keeps the two apart.
        let name = format!("connection {}/{}", spec.a, spec.connection_a);
        let side = |host, source| Side { name: &name, host, source, journal: &journal, report };
        let (on_a, on_b) = (side(&a, &b), side(&b, &a));
        on_a.verify(client_a).await?;
        on_b.verify(client_b).await?;
        finished_connection((&on_a, client_a), (&on_b, client_b), &spec.connection_a).await.map(drop)
    };
    served(&mut actor, work).await
}
