//! Promises about the ends of channels and connections of IBC classic: those that stand are proven, and no others.

use super::evidence::{Proven, prove, refuses_flips};
use super::{Channels, Check, Fault, Subject, ensure, skip};
use crate::EvidenceItem;
use causeway_types::classic::{ChannelEnd, ChannelId, ConnectionEnd, ConnectionId, HandshakeState, Order, PortId};
use causeway_types::{Claim, ClientId, IdError};

/// What the chain says of the named channel's end and of its connection's, as claims.
async fn claims(subject: &Subject) -> Result<[Claim; 2], Fault> {
    let id = match &subject.channels {
        Channels::End(id) => id.clone(),
        Channels::Unsupported => return skip("chains of this family have no channels"),
        Channels::Unnamed => return skip("no channel on the chain was named"),
    };
    let end = subject.adapter.channel(&id).await?;
    let below = subject.adapter.connection(&end.connection).await?;
    Ok([Claim::Connection { id: end.connection.clone(), end: below }, Claim::Channel { id, end }])
}

pub(super) async fn ends(subject: &Subject) -> Check {
    for claim in claims(subject).await? {
        let kind = claim.kind();
        let Proven { claim, trusted, evidence } = prove(subject, claim).await?;
        let verified = subject.light_client()?.verify_claim(&trusted, &claim, &evidence, 0);
        verified
            .map_err(|violation| Fault::Broken(format!("evidence of a {kind} end that the chain reports does not verify: {violation}")))?;
    }
    Ok(())
}

/// Neither what the chain offers for another end nor the evidence of the true one proves another, nor does a changed byte pass.
pub(super) async fn false_ends(subject: &Subject) -> Check {
    for claim in claims(subject).await? {
        let proven = prove(subject, claim).await?;
        for (what, claim) in others(&proven.claim)? {
            refuted(subject, (what, &claim), &proven).await?;
        }
        refuses_flips(subject, &proven)?;
    }
    Ok(())
}

async fn refuted(subject: &Subject, (what, claim): (&str, &Claim), Proven { trusted, evidence, .. }: &Proven) -> Check {
    let (kind, light_client) = (claim.kind(), subject.light_client()?);
    let proven = light_client.verify_claim(trusted, claim, evidence, 0).is_ok();
    ensure(!proven, || format!("the evidence of a {kind} end proves one with another {what}"))?;
    let offered = subject.adapter.fetch(core::slice::from_ref(claim), trusted.height).await;
    let offered =
        offered.map_err(|error| Fault::Broken(format!("a {kind} end with another {what} is not answered but refused: {error}")))?;
    let proven = light_client.verify_claim(trusted, claim, &offered, 0).is_ok();
    ensure(!proven, || format!("a {kind} end with another {what} is proven"))?;
    let not_so = matches!(offered.each.as_slice(), [EvidenceItem::NotSo]);
    ensure(not_so, || format!("a {kind} end with another {what} is not answered with `not so`"))
}

/// The same end in one way otherwise each.
fn others(claim: &Claim) -> Result<Vec<(&'static str, Claim)>, Fault> {
    let invalid = |error: IdError| Fault::Broken(error.to_string());
    Ok(match claim {
        Claim::Connection { id, end } => {
            let counterparty = Some(ConnectionId::new("connection-4294967295").map_err(invalid)?);
            let client = ClientId::new("no-such-client-4294967295").map_err(invalid)?;
            let state = ConnectionEnd { state: another(end.state), ..end.clone() };
            let all = [
                ("state", state),
                ("counterparty", ConnectionEnd { counterparty, ..end.clone() }),
                ("delay", ConnectionEnd { delay_ns: end.delay_ns.saturating_add(1), ..end.clone() }),
                ("client at its counterparty", ConnectionEnd { counterparty_client: client, ..end.clone() }),
            ];
            all.map(|(what, end)| (what, Claim::Connection { id: id.clone(), end })).to_vec()
        }
        Claim::Channel { id, end } => {
            let counterparty = Some(ChannelId::new("channel-4294967295").map_err(invalid)?);
            let state = ChannelEnd { state: another(end.state), ..end.clone() };
            let order = if end.order == Order::Ordered { Order::Unordered } else { Order::Ordered };
            let connection = ConnectionId::new("connection-4294967295").map_err(invalid)?;
            let counterparty_port = PortId::new("no-such-port").map_err(invalid)?;
            let all = [
                ("state", state),
                ("counterparty", ChannelEnd { counterparty, ..end.clone() }),
                ("port at its counterparty", ChannelEnd { counterparty_port, ..end.clone() }),
                ("order", ChannelEnd { order, ..end.clone() }),
                ("connection", ChannelEnd { connection, ..end.clone() }),
                ("version", ChannelEnd { version: format!("{}-other", end.version), ..end.clone() }),
            ];
            all.map(|(what, end)| (what, Claim::Channel { id: id.clone(), end })).to_vec()
        }
        _ => Vec::new(),
    })
}

fn another(state: HandshakeState) -> HandshakeState {
    if state == HandshakeState::Open { HandshakeState::TryOpen } else { HandshakeState::Open }
}
