//! Promises about what is proven: updates and evidence verify with the family's light client, and anything else is refused.

use super::{Check, Fault, Subject, broken, driven, ensure, skip, state};
use crate::{Absence, AdapterError, ClientView, Evidence, EvidenceItem, Plan, Provable, TrustedState, Verdict};
use causeway_types::{Claim, Height, Locator, Packet, Sequence};
use std::collections::BTreeMap;

/// Most bytes of one update or proof that are changed, spread over it.
const FLIPS_MAX: usize = 200;
/// How often the chain is moved on until something is provable.
const ADVANCES_MAX: usize = 20;

pub(super) async fn start(subject: &Subject) -> Result<TrustedState, Fault> {
    let light_client = subject.light_client()?;
    let (height, hash) = subject.root.ok_or(Fault::Skipped("no root of trust was given"))?;
    let (found, update) = subject.adapter.root(Some(height)).await?;
    ensure(found == height, || format!("asked for the header at {height}, found {found}"))?;
    let trusted =
        light_client.verify_root(&hash, &update).map_err(|violation| Fault::Broken(format!("the root does not verify: {violation}")))?;
    ensure(trusted.height == height, || format!("the header at {height} says that it is {}", trusted.height))?;
    Ok(trusted)
}

pub(super) async fn now_s(subject: &Subject) -> Result<u64, Fault> {
    let head = subject.adapter.status().await?.head;
    Ok(subject.judge.1.max(head.time_s.unwrap_or(0)))
}

async fn step(subject: &Subject, trusted: &TrustedState, update: &[u8]) -> Result<TrustedState, Fault> {
    let now_s = now_s(subject).await?;
    match subject.light_client()?.verify_update(trusted, update, &subject.judge.0, now_s) {
        Verdict::Success(trusted) => Ok(trusted),
        Verdict::NotEnoughTrust { found, needed } => broken(format!("from {} only {found} of {needed} signers are known", trusted.height)),
        Verdict::Invalid(violation) => broken(format!("an update from {} does not verify: {violation}", trusted.height)),
    }
}

/// Walks a plan for the client elsewhere, from the root of trust, which it holds as its latest.
pub(super) async fn walk(subject: &Subject, need: Option<Height>) -> Result<TrustedState, Fault> {
    let root = start(subject).await?;
    let elsewhere = subject.elsewhere()?;
    let view = elsewhere.host.client(&elsewhere.client).await?;
    if view.latest != root.height {
        return skip("the root of trust is not the latest height of the client elsewhere");
    }
    walk_from(subject, (root, &view), need).await
}

/// Walks a plan from what the view holds as its latest; every step must verify from a height that is known by then.
pub(super) async fn walk_from(
    subject: &Subject,
    (mut last, view): (TrustedState, &ClientView),
    need: Option<Height>,
) -> Result<TrustedState, Fault> {
    let elsewhere = subject.elsewhere()?;
    let limits = elsewhere.host.describe().await?.limits;
    let Plan::Steps(steps) = subject.adapter.plan_update(view, need, limits).await? else { return skip("the height is not there yet") };
    let mut known = BTreeMap::from([(last.height, last.clone())]);
    for planned in &steps {
        let Some(trusted) = known.get(&planned.trusted) else {
            return broken(format!("a step builds on {}, which no earlier step reached", planned.trusted));
        };
        last = step(subject, trusted, &planned.update).await?;
        ensure(last.height == planned.resulting, || format!("a step to {} ends at {}", planned.resulting, last.height))?;
        known.insert(last.height, last.clone());
    }
    let reached = need.is_none_or(|need| last.height >= need);
    ensure(reached, || format!("the plan ends at {}, {need:?} was needed", last.height))?;
    Ok(last)
}

pub(super) async fn root(subject: &Subject) -> Check {
    start(subject).await?;
    let (newest, _) = subject.adapter.root(None).await?;
    let (again, _) = subject.adapter.root(Some(newest)).await?;
    ensure(newest == again, || format!("the newest header is {newest}, asked for by height it is {again}"))
}

/// Places at which bytes are changed: all, or so many evenly spread.
fn places(length: usize) -> impl Iterator<Item = usize> {
    (0..length).step_by(length.div_ceil(FLIPS_MAX).max(1))
}

fn flipped(bytes: &[u8], at: usize) -> Vec<u8> {
    let mut changed = bytes.to_vec();
    if let Some(byte) = changed.get_mut(at) {
        *byte ^= 1;
    }
    changed
}

pub(super) async fn root_flips(subject: &Subject) -> Check {
    start(subject).await?;
    let (light_client, root) = (subject.light_client()?, subject.root);
    let Some((height, hash)) = root else { return skip("no root of trust was given") };
    let (_, update) = subject.adapter.root(Some(height)).await?;
    let mut same = 0;
    for at in places(update.len()) {
        if let Ok(trusted) = light_client.verify_root(&hash, &flipped(&update, at)) {
            // A seal may be one more than is needed: then its loss changes nothing, and what is trusted must be the same block.
            ensure(trusted.block_hash == hash, || format!("byte {at} of the update changed, and another block is trusted"))?;
            same += 1;
        }
    }
    ensure(same < FLIPS_MAX / 2, || format!("{same} changed bytes went unnoticed"))
}

pub(super) async fn consensus(subject: &Subject) -> Check {
    let trusted = start(subject).await?;
    let elsewhere = subject.elsewhere()?;
    let held = match elsewhere.host.consensus(&elsewhere.client, trusted.height).await {
        Err(AdapterError::NotFound { .. }) => return skip("the client elsewhere does not hold the root of trust's height"),
        held => held?,
    };
    let expected = subject.light_client()?.consensus_hash(&trusted);
    ensure(held.hash == expected, || {
        format!("the client holds {}, the verified header gives {}", hex::encode(held.hash), hex::encode(expected))
    })
}

pub(super) async fn plan(subject: &Subject) -> Check {
    if let Ok(driver) = subject.driver() {
        for _ in 0..3 {
            driven(driver.advance().await)?;
        }
    }
    walk(subject, None).await.map(|_| ())
}

pub(super) async fn not_yet(subject: &Subject) -> Check {
    let elsewhere = subject.elsewhere()?;
    let view = elsewhere.host.client(&elsewhere.client).await?;
    let limits = elsewhere.host.describe().await?.limits;
    match subject.adapter.plan_update(&view, Some(view.latest.plus(1_000_000)), limits).await {
        Ok(Plan::NotYet { retry_after_ms }) => ensure(retry_after_ms > 0, || "asks to be asked again at once".into()),
        other => broken(format!("for a height far ahead: {other:?}")),
    }
}

/// A claim that holds here, with evidence and the verified height of the evidence.
pub(super) struct Proven {
    pub(super) claim: Claim,
    pub(super) trusted: TrustedState,
    pub(super) evidence: Evidence,
}

/// Of a packet that lives here.
async fn proven(subject: &Subject) -> Result<Proven, Fault> {
    subject.light_client()?;
    let client = subject.client()?;
    if let Ok(driver) = subject.driver() {
        let _packet = driven(driver.send(client).await)?;
    }
    let Some((packet, located)) = state::sent(subject).await?.pop() else { return skip("no packet waits on this client") };
    let locator = Some(Locator { block: located.height.number, transaction: located.tx, index: located.index });
    prove(subject, Claim::Commitment { packet, locator }).await
}

/// Evidence for a claim that holds, at the end of a plan that reaches it; nothing of it is verified but the height.
pub(super) async fn prove(subject: &Subject, claim: Claim) -> Result<Proven, Fault> {
    let mut height = None;
    for _ in 0..ADVANCES_MAX {
        match subject.adapter.provable(&claim).await? {
            Provable::From(found) | Provable::Exactly(found) => {
                height = Some(found);
                break;
            }
            Provable::Later { .. } => match subject.driver() {
                Ok(driver) => driven(driver.advance().await)?,
                Err(_) => return skip("the claim is not provable yet"),
            },
        }
    }
    let Some(height) = height else { return broken(format!("not provable after {ADVANCES_MAX} blocks")) };
    let trusted = walk(subject, Some(height)).await?;
    let evidence = subject.adapter.fetch(core::slice::from_ref(&claim), trusted.height).await?;
    ensure(evidence.height == trusted.height, || format!("evidence for {} though {} was asked for", evidence.height, trusted.height))?;
    ensure(evidence.each.len() == 1, || format!("{} items for one claim", evidence.each.len()))?;
    Ok(Proven { claim, trusted, evidence })
}

pub(super) async fn verifies(subject: &Subject) -> Check {
    let Proven { claim, trusted, evidence } = proven(subject).await?;
    let light_client = subject.light_client()?;
    let verified = light_client.verify_claim(&trusted, &claim, &evidence, 0);
    verified.map_err(|violation| Fault::Broken(format!("evidence of a packet that state holds does not verify: {violation}")))?;
    let twice = [claim.clone(), claim.clone()];
    let both = subject.adapter.fetch(&twice, trusted.height).await?;
    ensure(both.each.len() == twice.len(), || format!("{} items for {} claims", both.each.len(), twice.len()))?;
    for (index, claim) in twice.iter().enumerate() {
        let verified = light_client.verify_claim(&trusted, claim, &both, index);
        verified.map_err(|violation| Fault::Broken(format!("item {index} of two does not verify: {violation}")))?;
    }
    Ok(())
}

pub(super) async fn flips(subject: &Subject) -> Check {
    let Proven { claim, trusted, evidence } = proven(subject).await?;
    let light_client = subject.light_client()?;
    light_client
        .verify_claim(&trusted, &claim, &evidence, 0)
        .map_err(|violation| Fault::Broken(format!("it does not even verify unchanged: {violation}")))?;
    refuses_flips(subject, &Proven { claim, trusted, evidence })
}

/// Whatever byte of the evidence is changed, it no longer verifies.
pub(super) fn refuses_flips(subject: &Subject, Proven { claim, trusted, evidence }: &Proven) -> Check {
    let light_client = subject.light_client()?;
    let refused = |changed: &Evidence| light_client.verify_claim(trusted, claim, changed, 0).is_err();
    for at in places(evidence.shared.len()) {
        let changed = Evidence { shared: flipped(&evidence.shared, at), ..evidence.clone() };
        ensure(refused(&changed), || format!("byte {at} of the shared part changed, and it still verifies"))?;
    }
    if let Some(EvidenceItem::Bytes(bytes)) = evidence.each.first() {
        for at in places(bytes.len()) {
            let changed = Evidence { each: vec![EvidenceItem::Bytes(flipped(bytes, at))], ..evidence.clone() };
            ensure(refused(&changed), || format!("byte {at} of the item changed, and it still verifies"))?;
        }
    }
    Ok(())
}

pub(super) async fn false_claim(subject: &Subject) -> Check {
    let Proven { claim, trusted, .. } = proven(subject).await?;
    let Claim::Commitment { mut packet, locator } = claim else { return Ok(()) };
    match &mut packet {
        Packet::V2(packet) => packet.timeout_timestamp_s = packet.timeout_timestamp_s.wrapping_add(1),
        Packet::Classic(packet) => packet.data.push(0),
    }
    let claim = Claim::Commitment { packet, locator };
    let Ok(evidence) = subject.adapter.fetch(core::slice::from_ref(&claim), trusted.height).await else { return Ok(()) };
    let not_so = matches!(evidence.each.as_slice(), [EvidenceItem::NotSo]);
    let proven = subject.light_client()?.verify_claim(&trusted, &claim, &evidence, 0).is_ok();
    ensure(!proven, || "a packet that was never sent is proven".into())?;
    ensure(not_so, || "a claim that does not hold is not answered with `not so`".into())
}

/// That a commitment is gone is proven where absence can be, and never of a packet that lives.
pub(super) async fn no_commitment(subject: &Subject) -> Check {
    let source = subject.end()?;
    let sequence = Sequence::new(u64::MAX - 1).map_err(|error| Fault::Broken(error.to_string()))?;
    let claim = Claim::NoCommitment { source, sequence };
    if subject.describe().await?.absence == Absence::ByMarkExpired {
        return match subject.adapter.provable(&claim).await {
            Err(AdapterError::Unsupported { .. }) => Ok(()),
            other => broken(format!("absence cannot be proven of this chain, and yet: {other:?}")),
        };
    }
    let Proven { claim: lives, trusted, .. } = proven(subject).await?;
    match subject.adapter.provable(&claim).await? {
        Provable::From(_) | Provable::Exactly(_) => {}
        Provable::Later { .. } => return broken("the absence of a packet that was never sent cannot be proven"),
    }
    let Some(packet) = lives.packet() else { return Ok(()) };
    let denied = Claim::NoCommitment { source: packet.source(), sequence: packet.sequence() };
    let claims = [claim, denied];
    let evidence = subject.adapter.fetch(&claims, trusted.height).await?;
    let [never_sent, denied] = claims;
    let light_client = subject.light_client()?;
    let verified = light_client.verify_claim(&trusted, &never_sent, &evidence, 0);
    verified.map_err(|violation| Fault::Broken(format!("the absence of a packet that was never sent does not verify: {violation}")))?;
    let refused = light_client.verify_claim(&trusted, &denied, &evidence, 1).is_err();
    ensure(refused, || "the absence of a packet that lives is proven".into())?;
    ensure(matches!(evidence.each.get(1), Some(EvidenceItem::NotSo)), || "a claim that does not hold is not answered with `not so`".into())
}

pub(super) async fn pruned(subject: &Subject) -> Check {
    let Some(window) = subject.describe().await?.state_window_blocks else { return skip("state is kept for ever") };
    let Some((packet, _)) = state::sent(subject).await?.pop() else { return skip("no packet waits on this client") };
    let (newest, _) = subject.adapter.root(None).await?;
    // Client heights may grow faster than blocks, so the root's own height is taken where it is old enough.
    let Some((old, _)) = subject.root.filter(|(height, _)| newest.number.saturating_sub(height.number) > window.saturating_mul(3)) else {
        return skip("the chain is younger than its window, or no old root of trust was given");
    };
    match subject.adapter.fetch(&[Claim::Commitment { packet, locator: None }], old).await {
        Err(AdapterError::HeightPruned { oldest, .. }) => ensure(oldest > old, || format!("{old} is pruned, but the oldest is {oldest}")),
        // Some nodes keep more than they promise.
        Ok(_) => Ok(()),
        other => broken(format!("expected a pruned-height error, found {other:?}")),
    }
}

pub(super) async fn future(subject: &Subject) -> Check {
    let Some((packet, _)) = state::sent(subject).await?.pop() else { return skip("no packet waits on this client") };
    let (newest, _) = subject.adapter.root(None).await?;
    match subject.adapter.fetch(&[Claim::Commitment { packet, locator: None }], newest.plus(1_000_000)).await {
        Err(AdapterError::Lagging { .. } | AdapterError::NotFound { .. }) => Ok(()),
        other => broken(format!("expected a lagging or not-found error, found {other:?}")),
    }
}
