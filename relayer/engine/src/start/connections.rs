//! Connections whose channels are finished when others begin them: checked at the start, with the channels that are to be relayed already.

use super::ask;
use crate::config::{ChainSpec, EngineConfig, HandshakeSpec, PathSpec};
use crate::error::StartError;
use crate::opener::{Connected, Pair};
use crate::{ConfigError, Env};
use causeway_adapter::ClientView;
use causeway_types::classic::{ChannelEnd, ChannelEndId, ConnectionEnd, ConnectionId, HandshakeState};
use causeway_types::{ChainId, Sequence};
use tokio::sync::Notify;

type Held = (ChannelEndId, ChannelEnd);

fn chain<'c>(config: &'c EngineConfig, id: &ChainId) -> Result<&'c ChainSpec, StartError> {
    let unknown = || ConfigError { key: "handshakes".into(), value: id.to_string(), allowed: "name a chain that is configured".into() };
    config.chains.iter().find(|spec| spec.id == *id).ok_or_else(|| unknown().into())
}

/// A connection end that is open and delays nothing.
async fn connection(env: &Env, spec: &ChainSpec, id: &ConnectionId) -> Result<ConnectionEnd, StartError> {
    let end = ask(env, spec, || spec.family.adapter.connection(id)).await?;
    let rules = [
        ("its state", "open".to_owned(), end.state.as_str().to_owned()),
        ("its delay", "0 s".to_owned(), format!("{} s", end.delay_ns.div_ceil(1_000_000_000))),
    ];
    rules.into_iter().try_for_each(|rule| hold(spec, id, rule)).map(|()| end)
}

fn hold(spec: &ChainSpec, id: &ConnectionId, (what, expected, found): (&'static str, String, String)) -> Result<(), StartError> {
    if expected == found {
        return Ok(());
    }
    let (chain, connection) = (spec.id.clone(), id.clone());
    Err(StartError::ConnectionMismatch { chain, connection, what, expected: expected.into(), found: found.into() })
}

/// Both ends of the connection, which must fit each other, and the clients that it stands on.
pub(super) async fn connect(env: &Env, config: &EngineConfig, spec: &HandshakeSpec) -> Result<(Connected, [ClientView; 2]), StartError> {
    let (a, b) = (chain(config, &spec.a)?, chain(config, &spec.b)?);
    for chain in [a, b] {
        if chain.signers.is_empty() {
            let key = format!("chain {}: signers", chain.id);
            return Err(ConfigError { key, value: "none".into(), allowed: "name at least one key that pays".into() }.into());
        }
    }
    let at_a = connection(env, a, &spec.connection_a).await?;
    let Some(connection_b) = at_a.counterparty.clone() else {
        let (chain, connection) = (a.id.clone(), spec.connection_a.clone());
        let (expected, found) = ("a connection".into(), "none".into());
        return Err(StartError::ConnectionMismatch { chain, connection, what: "its other end", expected, found });
    };
    let at_b = connection(env, b, &connection_b).await?;
    let back = at_b.counterparty.as_ref().map_or_else(|| "none".to_owned(), ToString::to_string);
    let rules = [
        ("its other end", spec.connection_a.to_string(), back),
        ("its client", at_a.counterparty_client.to_string(), at_b.client.to_string()),
        ("the client at its other end", at_a.client.to_string(), at_b.counterparty_client.to_string()),
    ];
    rules.into_iter().try_for_each(|rule| hold(b, &connection_b, rule))?;
    let views =
        [ask(env, a, || a.family.adapter.client(&at_a.client)).await?, ask(env, b, || b.family.adapter.client(&at_b.client)).await?];
    let connections = [spec.connection_a.clone(), connection_b];
    let clients = [at_a.client, at_b.client];
    Ok((Connected { spec: spec.clone(), connections, clients, news: Notify::new() }, views))
}

/// The paths of the connection's channels: those that are open, and those that are closed and have something left to do.
pub(super) async fn paths(env: &Env, config: &EngineConfig, connected: &Connected) -> Result<Vec<PathSpec>, StartError> {
    let (a, b) = (chain(config, &connected.spec.a)?, chain(config, &connected.spec.b)?);
    let [connection_a, connection_b] = &connected.connections;
    let on_a: Vec<Held> = ask(env, a, || a.family.adapter.channels(connection_a)).await?;
    let on_b: Vec<Held> = ask(env, b, || b.family.adapter.channels(connection_b)).await?;
    let mut paths: Vec<PathSpec> = connected
        .pairs(&on_a, &on_b)
        .into_iter()
        .filter_map(|pair| if let Pair::Open { a, on_a, b } = pair { Some(connected.path((&a, &on_a), &b)) } else { None })
        .collect();
    for (first, second) in connected.closed(&on_a, &on_b) {
        let half = first.1.state != HandshakeState::Closed || second.1.state != HandshakeState::Closed;
        if half || waits(env, a, &first.0).await? || waits(env, b, &second.0).await? {
            paths.push(connected.path((&first.0, &first.1), &second.0));
        }
    }
    Ok(paths)
}

/// Whether a packet that was sent from this end is not finished.
async fn waits(env: &Env, spec: &ChainSpec, id: &ChannelEndId) -> Result<bool, StartError> {
    let Ok(first) = Sequence::new(1) else { return Ok(false) };
    let end = id.clone().into();
    Ok(!ask(env, spec, || spec.family.adapter.commitments(&end, first, 1)).await?.0.is_empty())
}
