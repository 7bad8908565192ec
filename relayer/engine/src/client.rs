//! One client by hand: brought to a height of the chain it follows, by updates that are verified here first.
//!
//! What it is not: no part of a running engine, which updates its clients by itself; the store must be free. An update that was on its way when
//! an earlier call was stopped is followed to its end. `causeway client update` and `causeway client upgrade` call it.

use crate::chain::{Judged, TrustError};
use crate::config::ChainSpec;
use crate::error::StartError;
use crate::handshake::{Progress, Side, chain_below, pays};
use crate::journal::{Journal, Op, served};
use crate::{Env, Retention};
use causeway_adapter::{AdapterError, ClientView, Message, Plan, TrustedState};
use causeway_store::Store;
use causeway_types::{ClientId, Height};
use futures::future::BoxFuture;
use std::sync::Arc;

/// Headers asked for on the way to one height.
const LOOKS_MAX: usize = 64;
/// What the step is called in the journal.
const STEP: &str = "update";

/// Which client, and how far.
#[derive(Debug, Clone)]
pub struct ClientSetup {
    /// The chain that hosts it.
    pub host: ChainSpec,
    /// The chain that it follows.
    pub source: ChainSpec,
    /// The client.
    pub client: ClientId,
    /// The height that it shall hold; none: the newest. Families whose clients cannot be brought to every height bring it to the next.
    pub to: Option<Height>,
}

/// A client that was brought to a height.
#[derive(Debug, Clone)]
pub struct Brought {
    /// Where it was before.
    pub before: Height,
    /// The height that it was brought to, as verified here; the client holds the same.
    pub at: TrustedState,
    /// Updates that it took; none: it was there already.
    pub updates: usize,
}

/// Looks at the host until an update's time has come.
const WAITS_MAX: usize = 300;

/// An update, what it proves, and the host's time from which on it is taken, unix seconds.
type Verified = (Vec<u8>, TrustedState, Option<u64>);

/// Brings a client to a height. `report` is called at every step.
///
/// # Errors
/// [`StartError`] naming what is wrong; call again once the cause is gone.
pub async fn bring(
    setup: &ClientSetup,
    store: Arc<dyn Store>,
    env: Env,
    report: &(dyn Fn(Progress) + Send + Sync),
) -> Result<Brought, StartError> {
    pays(&setup.host)?;
    let (journal, actor) = Journal::open(Arc::clone(&store), &[], &env, Retention { finished_ms: 0, changes: 0 }).await?;
    let mut actor: BoxFuture<'static, ()> = Box::pin(actor);
    let work = async {
        let host = chain_below(&setup.host, &journal, &env, (report, None)).await?;
        let view = host.call("client", host.adapter().client(&setup.client)).await;
        let latest = view.ok().map(|view| view.latest);
        let source = chain_below(&setup.source, &journal, &env, (report, latest)).await?;
        // No path has a name with a space in it: the journal keeps the two apart.
        let name = format!("client {}/{}", setup.host.id, setup.client);
        let side = Side { name: &name, host: &host, source: &source, journal: &journal, report };
        side.bring(setup).await
    };
    served(&mut actor, work).await
}

/// The verified state of a chain at a height, from its root of trust or from what was verified after it. Nothing is sent.
///
/// # Errors
/// [`StartError`] naming what is wrong.
pub async fn verified(source: &ChainSpec, height: Height, store: Arc<dyn Store>, env: Env) -> Result<TrustedState, StartError> {
    let (journal, actor) = Journal::open(Arc::clone(&store), &[], &env, Retention { finished_ms: 0, changes: 0 }).await?;
    let mut actor: BoxFuture<'static, ()> = Box::pin(actor);
    let work = async {
        let source = chain_below(source, &journal, &env, (&|_| {}, Some(height))).await?;
        let id = source.id().clone();
        let Some(view) = source.unseen(&source.trust.latest()) else { return Err(StartError::NotProvable { chain: id, height }) };
        match source.trust.verified_at(&source, &view, height, &journal).await {
            Ok(state) => Ok(state),
            Err(TrustError::Adapter(error)) => Err(StartError::Adapter { chain: id, error }),
            Err(TrustError::Violation(violation)) => Err(StartError::Verification { chain: id, violation }),
            Err(_) => Err(StartError::NotProvable { chain: id, height }),
        }
    };
    served(&mut actor, work).await
}

impl Side<'_> {
    async fn bring(&self, setup: &ClientSetup) -> Result<Brought, StartError> {
        self.steps().settle(STEP).await?;
        let view = self.active(&setup.client).await?;
        let before = view.latest;
        if let Some(to) = setup.to.filter(|to| *to <= before) {
            return Ok(Brought { before, at: self.held(&view, to).await?, updates: 0 });
        }
        let (base, from) = self.base(view).await?;
        let verified = match setup.to {
            Some(to) => self.exactly(&base, from.clone(), to).await?,
            None => self.planned(&base, None).await?,
        };
        let mut at = from;
        let updates = verified.len();
        for (update, state, not_before_s) in verified {
            self.wait_until(not_before_s).await?;
            self.send(&base, update).await?;
            self.say(STEP, format!("{} holds height {} of {}", setup.client, state.height, self.source.id()));
            at = state;
        }
        Ok(Brought { before, at, updates })
    }

    /// The client, if it can be updated.
    async fn active(&self, client: &ClientId) -> Result<ClientView, StartError> {
        let view = self.usable(client).await?;
        match view.expires_at_s.map(|at| self.host.now_s().saturating_sub(at)) {
            Some(ago_s) if ago_s > 0 => Err(StartError::ClientExpired { chain: self.host.id().clone(), client: client.clone(), ago_s }),
            _ => Ok(view),
        }
    }

    /// A height that is not above the client's newest, if the client holds it.
    async fn held(&self, view: &ClientView, height: Height) -> Result<TrustedState, StartError> {
        match self.agreed_at(view, height).await {
            Err(StartError::Adapter { error: AdapterError::NotFound { .. }, .. }) => Err(StartError::ClientPast {
                chain: self.host.id().clone(),
                client: view.client_id.clone(),
                latest: view.latest,
                asked: height,
            }),
            held => held,
        }
    }

    /// The newest height of the client that can be verified: where it is not its newest, the state below that was verified before.
    async fn base(&self, view: ClientView) -> Result<(ClientView, TrustedState), StartError> {
        let error = match self.agreed_at(&view, view.latest).await {
            Ok(trusted) => return Ok((view, trusted)),
            Err(error @ StartError::NotProvable { .. }) => error,
            Err(error) => return Err(error),
        };
        let Some(lower) = self.source.trust.at_most(view.latest).filter(|lower| lower.height < view.latest) else { return Err(error) };
        let trusted = self.agreed_at(&view, lower.height).await?;
        Ok((ClientView { latest: lower.height, latest_time_s: lower.time_s, ..view }, trusted))
    }

    /// Updates to exactly a height, halving the distance where too few known signers sealed one.
    async fn exactly(&self, view: &ClientView, from: TrustedState, to: Height) -> Result<Vec<Verified>, StartError> {
        let (mut at, mut found, mut goals) = (from, Vec::new(), vec![to]);
        for _ in 0..LOOKS_MAX {
            let Some(goal) = goals.last().copied() else { return Ok(found) };
            let update = match self.source.call("update_at", self.source.adapter().update_at(at.height, goal)).await {
                Ok(update) => update,
                Err(AdapterError::Unsupported { .. }) => return self.planned(view, Some(to)).await,
                Err(error) => return Err(StartError::Adapter { chain: self.source.id().clone(), error }),
            };
            match self.source.trust.judge_for(self.source, view, &at, &update) {
                Ok((state, writes)) => {
                    self.journal.commit(writes.into_iter().map(Op::Write).collect()).await?;
                    at = state.clone();
                    found.push((update, state, None));
                    goals.pop();
                }
                Err(Judged::NotEnoughTrust { .. })
                    if goal.revision == at.height.revision && goal.number > at.height.number.saturating_add(1) =>
                {
                    goals.push(at.height.plus((goal.number - at.height.number) / 2));
                }
                Err(judged) => return Err(self.refused(judged, goal)),
            }
        }
        Err(StartError::NotProvable { chain: self.source.id().clone(), height: to })
    }

    /// Updates as the followed chain's adapter plans them.
    async fn planned(&self, view: &ClientView, need: Option<Height>) -> Result<Vec<Verified>, StartError> {
        let limits = self.host.description.limits;
        let failed = |error| StartError::Adapter { chain: self.source.id().clone(), error };
        let plan = self.source.call("plan_update", self.source.adapter().plan_update(view, need, limits)).await.map_err(failed)?;
        let Plan::Steps(steps) = plan else {
            return Err(StartError::NotProvable { chain: self.source.id().clone(), height: need.unwrap_or(view.latest) });
        };
        let mut found = Vec::with_capacity(steps.len());
        for step in steps {
            let base = self.source.trust.verified_at(self.source, view, step.trusted, self.journal).await;
            let base = base.map_err(|_| StartError::NotProvable { chain: self.source.id().clone(), height: step.trusted })?;
            let judged = self.source.trust.judge_for(self.source, view, &base, &step.update);
            let (state, writes) = judged.map_err(|judged| self.refused(judged, step.resulting))?;
            self.journal.commit(writes.into_iter().map(Op::Write).collect()).await?;
            found.push((step.update, state, step.not_before_s));
        }
        Ok(found)
    }

    fn refused(&self, judged: Judged, height: Height) -> StartError {
        let chain = self.source.id().clone();
        match judged {
            Judged::NotEnoughTrust { .. } => StartError::NotProvable { chain, height },
            Judged::Invalid(violation) => StartError::Verification { chain, violation },
        }
    }

    async fn wait_until(&self, host_time_s: Option<u64>) -> Result<(), StartError> {
        let Some(at) = host_time_s else { return Ok(()) };
        for _ in 0..WAITS_MAX {
            let status = self.host.call("status", self.host.adapter().status()).await;
            let status = status.map_err(|error| StartError::Adapter { chain: self.host.id().clone(), error })?;
            if status.head.time_s.is_none_or(|time_s| time_s >= at) {
                return Ok(());
            }
            self.host.env.clock.sleep(self.host.poll_interval()).await;
        }
        Err(self.unexpected(STEP, format!("an update is taken from second {at} on only; run the command again")))
    }

    async fn send(&self, view: &ClientView, update: Vec<u8>) -> Result<(), StartError> {
        let encoded = self.source.light_client().encode_update(&view.host_encoding, &update);
        let update = encoded.map_err(|violation| StartError::Verification { chain: self.source.id().clone(), violation })?;
        let message = Message::UpdateClient { client_id: view.client_id.clone(), update };
        self.steps().run(STEP, &[message], &[]).await?;
        self.steps().forget(STEP).await
    }
}
