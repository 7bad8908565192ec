//! Promises about a client that somebody else brought further than what was verified here: the height it holds is proven from an older one, and
//! plans begin at the older one where the view says so.

use super::evidence::{now_s, start, walk, walk_from};
use super::{Check, Fault, Subject, broken, driven, ensure, skip};
use crate::{AdapterError, ClientView, TrustedState, Verdict};

/// How far below the root of trust an older block is looked for, where nothing may be changed: client heights may have gaps.
const LOOKS_MAX: u64 = 32;

/// A verified height, and the client elsewhere at a newer one.
struct Overtaken {
    verified: TrustedState,
    view: ClientView,
}

/// Somebody brings the client above what is verified; on a chain that is only read, a block below what the client holds takes that place.
async fn overtaken(subject: &Subject, verified: TrustedState) -> Result<Overtaken, Fault> {
    let elsewhere = subject.elsewhere()?;
    let view = elsewhere.host.client(&elsewhere.client).await?;
    if view.latest > verified.height {
        return Ok(Overtaken { verified, view });
    }
    let Ok(driver) = subject.driver() else {
        return Ok(Overtaken { verified: older(subject, &verified).await?, view });
    };
    driven(driver.advance().await)?;
    driven(driver.overtake(elsewhere).await)?;
    let view = elsewhere.host.client(&elsewhere.client).await?;
    let ahead = if view.latest > verified.height { Ok(()) } else { Err(format!("the client is at {} yet", view.latest)) };
    driven(ahead)?;
    Ok(Overtaken { verified, view })
}

async fn older(subject: &Subject, verified: &TrustedState) -> Result<TrustedState, Fault> {
    let light_client = subject.light_client()?;
    for below in 1..=LOOKS_MAX.min(verified.height.number.saturating_sub(1)) {
        let update = match subject.adapter.root(Some(verified.height.minus(below))).await {
            Err(AdapterError::NotFound { .. }) => continue,
            found => found?.1,
        };
        let trusted = light_client.block_hash(&update).and_then(|hash| light_client.verify_root(&hash, &update));
        return trusted.map_err(|violation| Fault::Broken(format!("an older block does not verify: {violation}")));
    }
    skip("there is no block below the root of trust")
}

/// The block of a height that somebody brought to the client is shown to who knows an older one, and it is the block that the client holds.
pub(super) async fn height(subject: &Subject) -> Check {
    let verified = if subject.driver().is_ok() { walk(subject, None).await? } else { start(subject).await? };
    let Overtaken { verified, view } = overtaken(subject, verified).await?;
    let update = match subject.adapter.update_at(verified.height, view.latest).await {
        // Verifiers of such a family keep what they know of signers themselves: the header alone is enough.
        Err(AdapterError::Unsupported { .. }) => subject.adapter.root(Some(view.latest)).await?.1,
        found => found?,
    };
    let light_client = subject.light_client()?;
    let found = match light_client.verify_update(&verified, &update, &subject.judge.0, now_s(subject).await?) {
        Verdict::Success(found) => found,
        Verdict::NotEnoughTrust { .. } => return skip("too few who signed the height are known at the older one"),
        Verdict::Invalid(violation) => return broken(format!("from {} to {} does not verify: {violation}", verified.height, view.latest)),
    };
    ensure(found.height == view.latest, || format!("asked for the update to {}, found one to {}", view.latest, found.height))?;
    let elsewhere = subject.elsewhere()?;
    let held = elsewhere.host.consensus(&elsewhere.client, view.latest).await?.hash;
    let expected = light_client.consensus_hash(&found);
    ensure(held == expected, || format!("the client holds {}, the proven block gives {}", hex::encode(held), hex::encode(expected)))
}

/// What is verified lies below what the client holds: the plan begins there, for nothing above it is known.
pub(super) async fn plan(subject: &Subject) -> Check {
    let Overtaken { verified, view } = overtaken(subject, start(subject).await?).await?;
    if let Ok(driver) = subject.driver() {
        driven(driver.advance().await)?;
    }
    let newest = view.latest;
    let lower = ClientView { latest: verified.height, latest_time_s: verified.time_s, ..view };
    let reached = walk_from(subject, (verified, &lower), None).await?.height;
    ensure(reached >= newest, || format!("the plan ends at {reached}, below {newest}, which the client holds"))
}
