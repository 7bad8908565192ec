//! Promises about what an adapter says of itself, and about what is not there.

use super::{Channels, Check, Fault, Subject, broken, ensure, skip};
use crate::AdapterError;
use crate::description::SEAM_VERSION;
use causeway_types::classic::{ChannelEndId, ChannelId, ConnectionId, PortId};
use causeway_types::{ClientId, Height, IdError};

/// Longest text in a description, bytes.
const TEXT_MAX: usize = 256;
/// Most entries of a list in a description.
const LIST_MAX: usize = 64;

pub(super) async fn version(subject: &Subject) -> Check {
    let found = subject.describe().await?.seam_version;
    ensure(found == SEAM_VERSION, || format!("the adapter speaks version {found}, this suite {SEAM_VERSION}"))
}

pub(super) async fn stable(subject: &Subject) -> Check {
    let first = subject.describe().await?;
    ensure(first == subject.describe().await?, || "two descriptions differ".into())?;
    for (what, text) in
        [("family", &first.family), ("chain id", &first.native_chain_id), ("offered client type", &first.offered_client_type)]
    {
        ensure((1..=TEXT_MAX).contains(&text.len()), || format!("{what} has {} bytes, expected 1 to {TEXT_MAX}", text.len()))?;
    }
    for (what, list) in [("client types", &first.hosted_client_types), ("host encodings", &first.host_encodings)] {
        let sound = list.len() <= LIST_MAX && list.iter().all(|text| (1..=TEXT_MAX).contains(&text.len()));
        ensure(sound, || format!("{what} are out of bounds"))?;
    }
    let limits = first.limits;
    ensure(limits.messages_max > 0 && limits.tx_bytes_max > 0 && limits.tx_gas_max > 0, || "a limit of a transaction is zero".into())
}

pub(super) async fn status(subject: &Subject) -> Check {
    let first = subject.adapter.status().await?;
    ensure(!first.endpoints.is_empty(), || "no endpoint is named".into())?;
    if let Ok(driver) = subject.driver() {
        super::driven(driver.advance().await)?;
    }
    let second = subject.adapter.status().await?;
    ensure(second.head.height >= first.head.height, || format!("the head went from {} to {}", first.head.height, second.head.height))?;
    let older = matches!((first.head.time_s, second.head.time_s), (Some(before), Some(after)) if after < before);
    ensure(!older, || "the head's time went back".into())
}

fn nobody() -> Result<ClientId, super::Fault> {
    ClientId::new("no-such-client-4294967295").or_else(|error| broken(error.to_string()))
}

pub(super) async fn unknown_client(subject: &Subject) -> Check {
    match subject.adapter.client(&nobody()?).await {
        Err(AdapterError::NotFound { .. }) => Ok(()),
        other => broken(format!("expected a not-found error, found {other:?}")),
    }
}

pub(super) async fn unknown_key(subject: &Subject) -> Check {
    match subject.adapter.account("no-such-key").await {
        Err(AdapterError::NotFound { .. } | AdapterError::Invalid { .. }) => Ok(()),
        other => broken(format!("expected a not-found error, found {other:?}")),
    }
}

pub(super) async fn unknown_height(subject: &Subject) -> Check {
    let client = subject.client()?;
    let view = subject.adapter.client(client).await?;
    let Some(number) = view.latest.number.checked_add(1_000_000) else { return skip("the client is at the last height") };
    match subject.adapter.consensus(client, Height { number, ..view.latest }).await {
        Err(AdapterError::NotFound { .. }) => Ok(()),
        other => broken(format!("expected a not-found error, found {other:?}")),
    }
}

/// No channel has this name, nor a connection; where there are none at all, that is what is said.
pub(super) async fn unknown_channel(subject: &Subject) -> Check {
    let invalid = |error: IdError| Fault::Broken(error.to_string());
    let port = PortId::new("no-such-port").map_err(invalid)?;
    let id = ChannelEndId { port, channel: ChannelId::new("channel-4294967295").map_err(invalid)? };
    let connection = ConnectionId::new("connection-4294967295").map_err(invalid)?;
    let answers = [
        ("channel", subject.adapter.channel(&id).await.map(|_| ())),
        ("connection", subject.adapter.connection(&connection).await.map(|_| ())),
    ];
    for (what, answer) in answers {
        let said = matches!(
            (&answer, &subject.channels),
            (Err(AdapterError::NotFound { .. }), Channels::End(_) | Channels::Unnamed)
                | (Err(AdapterError::Unsupported { .. }), Channels::Unsupported | Channels::Unnamed)
        );
        ensure(said, || format!("of a {what} that nobody opened, with {:?}: {answer:?}", subject.channels))?;
    }
    Ok(())
}
