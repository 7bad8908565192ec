//! Opening a connection and a channel of IBC classic: four steps each, every one proven to the other chain and verified here first.
//!
//! Source: cosmos/ibc `spec/core/ics-003-connection-semantics` and `ics-004-channel-and-packet-semantics` (who proves what to whom).

use super::{ChannelSetup, NewChannel, Proven, Side};
use crate::error::StartError;
use causeway_adapter::{AdapterError, Message, OpenStep};
use causeway_types::classic::{ChannelEnd, ChannelEndId, ChannelId, ConnectionEnd, ConnectionId, HandshakeState, Order, PortId};
use causeway_types::{Claim, ClientId};

/// One end: the side that hosts it, and its client.
pub(super) type Of<'s> = (&'s Side<'s>, &'s ClientId);

/// Opens a channel, and a connection for it unless there is one. Answers the channel's ends on `a` and on `b`, and its order.
pub(super) async fn open(a: Of<'_>, b: Of<'_>, setup: &ChannelSetup) -> Result<([ChannelEndId; 2], Order), StartError> {
    let (end_a, connection_b) = match setup {
        ChannelSetup::New(new) => begin(a, b, new).await?,
        ChannelSetup::Begun(end) => {
            let begun = a.0.channel(end).await?;
            if begun.state == HandshakeState::Closed {
                return Err(a.0.unexpected("channel-init", format!("{end} is closed; name one that is open or was begun")));
            }
            (end.clone(), finished_connection(a, b, &begun.connection).await?)
        }
    };
    let begun = a.0.channel(&end_a).await?;
    let end_b = match begun.counterparty.clone().filter(|_| begun.state == HandshakeState::Open) {
        Some(channel) => ChannelEndId { port: begun.counterparty_port.clone(), channel },
        None => answer(b, a, (&end_a, &begun), connection_b).await?,
    };
    let end_b = agree(a, b, (&end_a, end_b)).await?;
    Ok(([end_a, end_b], begun.order))
}

fn channel_id(side: &Side<'_>, step: &'static str, text: &str) -> Result<ChannelId, StartError> {
    ChannelId::new(text).map_err(|error| side.unexpected(step, error))
}

/// Begins a channel on `a`; answers its end there, and the connection's end on `b`.
async fn begin(a: Of<'_>, b: Of<'_>, new: &NewChannel) -> Result<(ChannelEndId, ConnectionId), StartError> {
    let (connection_a, connection_b) = match &new.connection_a {
        Some(id) => (id.clone(), finished_connection(a, b, id).await?),
        None => open_connection(a, b).await?,
    };
    let end = ChannelEnd {
        state: HandshakeState::Init,
        order: new.order,
        counterparty_port: new.port_b.clone(),
        counterparty: None,
        connection: connection_a,
        version: new.version.clone(),
    };
    let init = open_channel(OpenStep::Init, &new.port_a, None, &end);
    let channel = channel_id(a.0, "channel-init", &a.0.step("channel-init", init, None).await?)?;
    Ok((ChannelEndId { port: new.port_a.clone(), channel }, connection_b))
}

/// The message that answers a begun channel over the connection's end on the answering chain.
pub(crate) fn try_message((id, begun): (&ChannelEndId, &ChannelEnd), connection: ConnectionId) -> Message {
    let end = ChannelEnd {
        state: HandshakeState::TryOpen,
        counterparty_port: id.port.clone(),
        counterparty: Some(id.channel.clone()),
        connection,
        ..begun.clone()
    };
    open_channel(OpenStep::Try, &begun.counterparty_port, None, &end)
}

/// The message that agrees, at the end that began, with an answer: the application there had the last word on the version.
pub(crate) fn ack_message((own, at): (&ChannelEndId, &ChannelEnd), (answer, answered): (&ChannelEndId, &ChannelEnd)) -> Message {
    let (counterparty, version) = (Some(answer.channel.clone()), answered.version.clone());
    let after = ChannelEnd { state: HandshakeState::Open, counterparty, version, ..at.clone() };
    open_channel(OpenStep::Ack, &own.port, Some(own.channel.clone()), &after)
}

/// The message with which the end that answered takes notice of the agreement.
pub(crate) fn confirm_message(own: &ChannelEndId, at: &ChannelEnd) -> Message {
    let after = ChannelEnd { state: HandshakeState::Open, ..at.clone() };
    open_channel(OpenStep::Confirm, &own.port, Some(own.channel.clone()), &after)
}

/// Answers on `b` the channel that was begun on `a`.
async fn answer(
    b: Of<'_>,
    a: Of<'_>,
    (end_a, begun): (&ChannelEndId, &ChannelEnd),
    connection: ConnectionId,
) -> Result<ChannelEndId, StartError> {
    let message = try_message((end_a, begun), connection);
    let text = b.0.step("channel-try", message, Some((b.1, a.0, Seen::Channel(end_a)))).await?;
    Ok(ChannelEndId { port: begun.counterparty_port.clone(), channel: channel_id(b.0, "channel-try", &text)? })
}

/// The last two steps, where they have not been taken. Answers the end on `b` that the one on `a` agreed with: somebody else's answer may have
/// been the first.
async fn agree(a: Of<'_>, b: Of<'_>, (end_a, mut end_b): (&ChannelEndId, ChannelEndId)) -> Result<ChannelEndId, StartError> {
    let at_a = a.0.channel(end_a).await?;
    if at_a.state == HandshakeState::Init {
        let message = ack_message((end_a, &at_a), (&end_b, &b.0.channel(&end_b).await?));
        a.0.step("channel-ack", message, Some((a.1, b.0, Seen::Channel(&end_b)))).await?;
    } else if let Some(agreed) = at_a.counterparty.filter(|agreed| *agreed != end_b.channel) {
        a.0.say("channel-ack", format!("{end_a} agreed with {agreed}, which somebody else answered with"));
        end_b.channel = agreed;
    }
    let at_b = b.0.channel(&end_b).await?;
    if at_b.state != HandshakeState::Open {
        let message = confirm_message(&end_b, &at_b);
        b.0.step("channel-confirm", message, Some((b.1, a.0, Seen::Channel(end_a)))).await?;
    }
    Ok(end_b)
}

fn open_channel(step: OpenStep, port: &PortId, id: Option<ChannelId>, end: &ChannelEnd) -> Message {
    let proof = (step != OpenStep::Init).then_some((0, 0));
    Message::OpenChannel { step, port: port.clone(), id, end: end.clone(), proof }
}

fn open_connection_step(step: OpenStep, id: Option<&ConnectionId>, end: &ConnectionEnd) -> Message {
    let proof = (step != OpenStep::Init).then_some((0, 0));
    Message::OpenConnection { step, id: id.cloned(), end: end.clone(), proof }
}

/// A connection that is there already: open, and between these clients.
async fn named_connection(a: Of<'_>, b: Of<'_>, id: &ConnectionId) -> Result<ConnectionId, StartError> {
    let end = a.0.connection(id).await?;
    fits(a, b, (id, &end))?;
    match end.counterparty.filter(|_| end.state == HandshakeState::Open) {
        Some(other) => Ok(other),
        None => Err(a.0.unexpected("connection", format!("{id} is not open after its handshake; run the command again"))),
    }
}

/// A connection that is there already, between these clients. Where others only began it, its handshake is finished.
pub(super) async fn finished_connection(a: Of<'_>, b: Of<'_>, id: &ConnectionId) -> Result<ConnectionId, StartError> {
    let end = a.0.connection(id).await?;
    fits(a, b, (id, &end))?;
    match (end.state, end.counterparty.clone()) {
        // Begun on `a`. An answer that others gave, and `a` does not know of, stays what it is: half of nothing.
        (HandshakeState::Init, _) => {
            answer_connection(a, b, (id, end)).await?;
        }
        // Begun on `b`, and answered on `a`.
        (HandshakeState::TryOpen, Some(other)) => {
            agree_connection(b, a, (&other, id)).await?;
            confirm_connection(a, b, (id, &other)).await?;
        }
        (_, Some(other)) => confirm_connection(b, a, (&other, id)).await?,
        (_, None) => {}
    }
    named_connection(a, b, id).await
}

/// Whether a connection stands on these clients and delays nothing.
fn fits(a: Of<'_>, b: Of<'_>, (id, end): (&ConnectionId, &ConnectionEnd)) -> Result<(), StartError> {
    let refused = |detail: String| Err(a.0.unexpected("connection", detail));
    if end.delay_ns > 0 {
        let seconds = end.delay_ns.div_ceil(1_000_000_000);
        return refused(format!("{id} delays every proof by {seconds} s, which this relay does not wait for; use a connection without"));
    }
    if end.client != *a.1 || end.counterparty_client != *b.1 {
        let found = format!("{} and {}", end.client, end.counterparty_client);
        return refused(format!("{id} stands on clients {found}, not on {} and {}; name those clients", a.1, b.1));
    }
    Ok(())
}

async fn open_connection(a: Of<'_>, b: Of<'_>) -> Result<(ConnectionId, ConnectionId), StartError> {
    let at_a = ConnectionEnd {
        state: HandshakeState::Init,
        client: a.1.clone(),
        counterparty_client: b.1.clone(),
        counterparty: None,
        counterparty_prefix: prefix(a.0),
        delay_ns: 0,
    };
    let init = open_connection_step(OpenStep::Init, None, &at_a);
    let id_a = connection_id(a.0, "connection-init", &a.0.step("connection-init", init, None).await?)?;
    let id_b = answer_connection(a, b, (&id_a, at_a)).await?;
    Ok((id_a, id_b))
}

fn prefix(side: &Side<'_>) -> Vec<u8> {
    side.source.description.merkle_prefix.first().cloned().unwrap_or_default()
}

fn connection_id(side: &Side<'_>, step: &'static str, text: &str) -> Result<ConnectionId, StartError> {
    ConnectionId::new(text).map_err(|error| side.unexpected(step, error))
}

/// Answers on `b` the connection that was begun on `a`, and has both ends opened.
async fn answer_connection(a: Of<'_>, b: Of<'_>, (id_a, at_a): (&ConnectionId, ConnectionEnd)) -> Result<ConnectionId, StartError> {
    let at_b = ConnectionEnd {
        state: HandshakeState::TryOpen,
        client: b.1.clone(),
        counterparty_client: a.1.clone(),
        counterparty: Some(id_a.clone()),
        counterparty_prefix: prefix(b.0),
        delay_ns: at_a.delay_ns,
    };
    let answer = open_connection_step(OpenStep::Try, None, &at_b);
    let text = b.0.step("connection-try", answer, Some((b.1, a.0, Seen::Connection(id_a)))).await?;
    let id_b = connection_id(b.0, "connection-try", &text)?;
    agree_connection(a, b, (id_a, &id_b)).await?;
    confirm_connection(b, a, (&id_b, id_a)).await?;
    Ok(id_b)
}

/// The end that began agrees with the answer, unless it has.
async fn agree_connection(a: Of<'_>, b: Of<'_>, (id_a, id_b): (&ConnectionId, &ConnectionId)) -> Result<(), StartError> {
    let at_a = a.0.connection(id_a).await?;
    if at_a.state == HandshakeState::Open {
        return Ok(());
    }
    let after = ConnectionEnd { state: HandshakeState::Open, counterparty: Some(id_b.clone()), ..at_a };
    let agree = open_connection_step(OpenStep::Ack, Some(id_a), &after);
    a.0.step("connection-ack", agree, Some((a.1, b.0, Seen::Connection(id_b)))).await.map(drop)
}

/// The end that answered takes notice of the agreement, unless it has.
async fn confirm_connection(b: Of<'_>, a: Of<'_>, (id_b, id_a): (&ConnectionId, &ConnectionId)) -> Result<(), StartError> {
    let at_b = b.0.connection(id_b).await?;
    if at_b.state == HandshakeState::Open {
        return Ok(());
    }
    let after = ConnectionEnd { state: HandshakeState::Open, ..at_b };
    let confirm = open_connection_step(OpenStep::Confirm, Some(id_b), &after);
    b.0.step("connection-confirm", confirm, Some((b.1, a.0, Seen::Connection(id_a)))).await.map(drop)
}

/// What of the other chain is proven.
#[derive(Clone, Copy)]
enum Seen<'s> {
    Connection(&'s ConnectionId),
    Channel(&'s ChannelEndId),
}

impl Side<'_> {
    pub(crate) fn unexpected(&self, step: &'static str, error: impl ToString) -> StartError {
        StartError::SetupRefused { chain: self.host.id().clone(), step, detail: error.to_string() }
    }

    pub(super) fn failed(&self, error: AdapterError) -> StartError {
        StartError::Adapter { chain: self.host.id().clone(), error }
    }

    async fn connection(&self, id: &ConnectionId) -> Result<ConnectionEnd, StartError> {
        self.host.call("connection", self.host.adapter().connection(id)).await.map_err(|error| self.failed(error))
    }

    pub(super) async fn channel(&self, id: &ChannelEndId) -> Result<ChannelEnd, StartError> {
        self.host.call("channel", self.host.adapter().channel(id)).await.map_err(|error| self.failed(error))
    }

    /// One step here; where something of the other side is needed, its proof goes along with the updates that it stands on.
    async fn step(
        &self,
        step: &'static str,
        message: Message,
        needs: Option<(&ClientId, &Side<'_>, Seen<'_>)>,
    ) -> Result<String, StartError> {
        if let Some(done) = self.steps().finished(step).await? {
            return Ok(done);
        }
        let Some((client, other, seen)) = needs else { return self.steps().run(step, &[message], &[]).await };
        let claim = match seen {
            Seen::Connection(id) => Claim::Connection { id: id.clone(), end: other.connection(id).await? },
            Seen::Channel(id) => Claim::Channel { id: id.clone(), end: other.channel(id).await? },
        };
        let Proven { ahead, updates, group } = self.proven(step, client, &claim).await?;
        let messages: Vec<Message> = ahead.into_iter().chain(updates).chain([message]).collect();
        self.steps().run(step, &messages, &[group]).await
    }
}
