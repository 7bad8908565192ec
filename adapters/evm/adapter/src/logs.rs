//! Events of the router: filters, ranges that adapt to the provider, strict decoding.
//!
//! Logs are hints (the state is the truth), yet a log outside what was asked for is refused: it would be a silent gap or a forgery.
//! Called by [`crate::watch`].

use crate::chain::{Chain, Result, quantity};
use crate::convert::packet_from;
use crate::rpc::{Call, FailureKind, parse};
use alloy::primitives::{Address, B256, Bytes, U64, keccak256};
use alloy::sol_types::SolEvent;
use causeway_adapter::{AdapterError, Event, LocatedEvent};
use causeway_evm_contracts::abi::{QbftLightClient, Router, UpdateResult};
use causeway_types::{Acknowledgement, ClientId, Height, Packet, PacketEnd, Sequence, TxId, v2};
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::atomic::{AtomicU64, Ordering};

#[cfg(test)]
mod tests;

/// A log as nodes print it.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RawLog {
    pub(crate) address: Address,
    pub(crate) topics: Vec<B256>,
    pub(crate) data: Bytes,
    #[serde(default)]
    block_number: Option<U64>,
    #[serde(default)]
    transaction_hash: Option<B256>,
    #[serde(default)]
    log_index: Option<U64>,
    #[serde(default)]
    removed: bool,
}

impl RawLog {
    fn block(&self) -> u64 {
        self.block_number.map_or(0, |number| number.to())
    }

    fn index(&self) -> u64 {
        self.log_index.map_or(0, |number| number.to())
    }
}

/// How many blocks one `eth_getLogs` covers; learnt from the provider's refusals.
#[derive(Debug)]
pub(crate) struct LogRange {
    blocks: AtomicU64,
    max: u64,
}

impl LogRange {
    pub(crate) fn new(start: u64, max: u64) -> Self {
        Self { blocks: AtomicU64::new(start.max(1)), max: max.max(1) }
    }

    /// Blocks to cover now.
    pub(crate) fn blocks(&self) -> u64 {
        self.blocks.load(Ordering::Relaxed)
    }

    /// Half, after a refusal; `false` when it is a single block already.
    fn shrink(&self, tried: u64) -> bool {
        self.blocks.store((tried / 2).max(1), Ordering::Relaxed);
        tried > 1
    }

    /// A quarter more, after a range that was used in full was answered.
    fn grow(&self, used: u64) {
        let now = self.blocks();
        if used >= now {
            self.blocks.store((now + now / 4 + 1).min(self.max), Ordering::Relaxed);
        }
    }
}

/// Logs of some contracts, by their topics.
#[derive(Debug, Clone)]
pub(crate) struct Filter {
    pub(crate) addresses: Vec<Address>,
    pub(crate) topics: Value,
}

/// The logs of `[from, to]` that match any of the filters, in chain order; `to` may come back smaller than asked, because the
/// provider refused the range.
pub(crate) async fn logs(chain: &Chain, range: &LogRange, filters: &[Filter], from: u64, to: u64) -> Result<(u64, Vec<RawLog>)> {
    let mut to = to.min(from.saturating_add(range.blocks() - 1));
    loop {
        match collect(chain, filters, from, to).await? {
            Some(logs) => {
                range.grow(to - from + 1);
                return Ok((to, logs));
            }
            None => {
                let tried = to - from + 1;
                if !range.shrink(tried) {
                    let detail = "the provider refuses the range of one block".to_string();
                    return Err(AdapterError::BlockTooLarge { height: Height::new(from), detail });
                }
                to = from + range.blocks() - 1;
                tracing::debug!(blocks = range.blocks(), "provider refused the range of logs");
            }
        }
    }
}

/// `None` when the provider refused the range.
async fn collect(chain: &Chain, filters: &[Filter], from: u64, to: u64) -> Result<Option<Vec<RawLog>>> {
    let call = |filter: &Filter| {
        let Filter { addresses, topics } = filter;
        let of = if let [only] = addresses.as_slice() { json!(only) } else { json!(addresses) };
        Call::new("eth_getLogs", json!([{ "address": of, "fromBlock": quantity(from), "toBlock": quantity(to), "topics": topics }]))
    };
    let calls: Vec<Call> = filters.iter().map(call).collect();
    let mut logs = Vec::new();
    let answers = match chain.rpc.batch(calls).await {
        Ok(answers) => answers,
        // Too much to read is too much to ask for, unless it is a single block.
        Err(AdapterError::Protocol { rule: "answer-size", .. }) if to > from => return Ok(None),
        Err(AdapterError::Protocol { rule: "answer-size", expected, .. }) => {
            return Err(AdapterError::BlockTooLarge { height: Height::new(from), detail: format!("its logs are more than {expected}") });
        }
        Err(error) => return Err(error),
    };
    for (answer, filter) in answers.into_iter().zip(filters) {
        let found: Vec<RawLog> = match answer {
            Ok(raw) => parse(&chain.rpc.first_name(), "eth_getLogs", &raw)?,
            Err(failure) if failure.kind() == FailureKind::RangeTooWide => return Ok(None),
            Err(failure) => return Err(chain.state_error(failure, to)),
        };
        for log in found {
            check(chain, filter, &log, (from, to))?;
            logs.push(log);
        }
    }
    logs.sort_by_key(|log| (log.block(), log.index()));
    Ok(Some(logs))
}

/// What came is what was asked for.
fn check(chain: &Chain, filter: &Filter, log: &RawLog, (from, to): (u64, u64)) -> Result<()> {
    let complete = log.block_number.is_some() && log.transaction_hash.is_some() && log.log_index.is_some();
    if !complete || log.removed {
        return Err(chain.protocol("log-final", "a log of a final block", "a pending or removed one"));
    }
    if !filter.addresses.contains(&log.address) {
        return Err(chain.protocol("log-address", format!("{:?}", filter.addresses), log.address));
    }
    if !(from..=to).contains(&log.block()) {
        return Err(chain.protocol("log-range", format!("blocks {from} to {to}"), log.block()));
    }
    Ok(())
}

/// First topics of the packet events.
pub(crate) fn packet_topics() -> [B256; 4] {
    [
        Router::SendPacket::SIGNATURE_HASH,
        Router::WriteAcknowledgement::SIGNATURE_HASH,
        Router::AckPacket::SIGNATURE_HASH,
        Router::TimeoutPacket::SIGNATURE_HASH,
    ]
}

/// First topics of the router's client events, whose client is not indexed.
pub(crate) fn client_topics() -> [B256; 4] {
    [
        Router::ICS02ClientUpdated::SIGNATURE_HASH,
        Router::ICS02MisbehaviourSubmitted::SIGNATURE_HASH,
        Router::ICS02ClientMigrated::SIGNATURE_HASH,
        Router::ClientRecovered::SIGNATURE_HASH,
    ]
}

/// First topics of the events of a client's own contract.
pub(crate) fn contract_topics() -> [B256; 2] {
    [QbftLightClient::HeightTrusted::SIGNATURE_HASH, QbftLightClient::Frozen::SIGNATURE_HASH]
}

/// The client that got another contract with this log of the router.
pub(crate) fn moved(log: &RawLog) -> Option<ClientId> {
    let topics = || log.topics.iter().copied();
    let name = match *log.topics.first()? {
        Router::ICS02ClientMigrated::SIGNATURE_HASH => Router::ICS02ClientMigrated::decode_raw_log(topics(), &log.data).ok()?.clientId,
        Router::ClientRecovered::SIGNATURE_HASH => Router::ClientRecovered::decode_raw_log(topics(), &log.data).ok()?.clientId,
        _ => return None,
    };
    ClientId::new(&name).ok()
}

/// What the contract of a client tells: the height that it trusts now, whoever brought it, or that it froze.
pub(crate) fn decode_contract(log: &RawLog, client: &ClientId) -> Option<LocatedEvent> {
    let client = client.clone();
    let event = match *log.topics.first()? {
        QbftLightClient::HeightTrusted::SIGNATURE_HASH => {
            let trusted = QbftLightClient::HeightTrusted::decode_raw_log(log.topics.iter().copied(), &log.data).ok()?;
            Event::ClientUpdated { client, heights: vec![Height::new(trusted.height)] }
        }
        QbftLightClient::Frozen::SIGNATURE_HASH => Event::ClientFrozen { client },
        _ => return None,
    };
    located(log, event)
}

fn located(log: &RawLog, event: Event) -> Option<LocatedEvent> {
    Some(LocatedEvent {
        height: Height::new(log.block()),
        tx: TxId::new(log.transaction_hash?.to_vec()).ok()?,
        index: u32::try_from(log.index()).ok()?,
        event,
    })
}

/// Topic of an indexed client id.
pub(crate) fn client_topic(client: &ClientId) -> B256 {
    keccak256(client.as_str().as_bytes())
}

/// The event of a log if it concerns one of the clients; `None` for what is of no interest.
///
/// A packet that breaks the protocol's bounds cannot have come from the router's own code path; it is skipped and logged, so that
/// one odd log does not stop the watcher.
pub(crate) fn decode(log: &RawLog, clients: &[ClientId]) -> Option<LocatedEvent> {
    let first = log.topics.first()?;
    let topic_client = log.topics.get(1).and_then(|topic| clients.iter().find(|client| client_topic(client) == *topic));
    let event =
        if packet_topics().contains(first) { packet_event(log, *first, topic_client?) } else { client_event(log, *first, clients)? };
    match event {
        Ok(event) => located(log, event),
        Err(detail) => {
            tracing::warn!(block = log.block(), index = log.index(), detail, "log left out");
            None
        }
    }
}

fn packet_event(log: &RawLog, first: B256, client: &ClientId) -> core::result::Result<Event, String> {
    let text = |error: alloy::sol_types::Error| error.to_string();
    let topics = || log.topics.iter().copied();
    match first {
        Router::SendPacket::SIGNATURE_HASH => {
            let sent = Router::SendPacket::decode_raw_log(topics(), &log.data).map_err(text)?;
            let packet = packet_from(sent.packet)?;
            same_client(client, &packet.source_client)?;
            Ok(Event::Sent { packet: Packet::V2(packet) })
        }
        Router::WriteAcknowledgement::SIGNATURE_HASH => {
            let written = Router::WriteAcknowledgement::decode_raw_log(topics(), &log.data).map_err(text)?;
            let packet = packet_from(written.packet)?;
            same_client(client, &packet.dest_client)?;
            let acknowledgement =
                v2::Acknowledgement { app_acknowledgements: written.acknowledgements.into_iter().map(|ack| ack.to_vec()).collect() };
            acknowledgement.validate().map_err(|error| error.to_string())?;
            Ok(Event::Acknowledged { packet: Packet::V2(packet), acknowledgement: Acknowledgement::V2(acknowledgement) })
        }
        _ => {
            let sequence = log.topics.get(2).and_then(|topic| u64::try_from(alloy::primitives::U256::from_be_bytes(topic.0)).ok());
            let sequence = sequence.and_then(|number| Sequence::new(number).ok()).ok_or("no sequence")?;
            let end = PacketEnd::Client(client.clone());
            if first == Router::AckPacket::SIGNATURE_HASH {
                Ok(Event::Completed { end, sequence })
            } else {
                Ok(Event::TimedOut { end, sequence })
            }
        }
    }
}

fn same_client(topic: &ClientId, packet: &ClientId) -> core::result::Result<(), String> {
    if topic == packet { Ok(()) } else { Err(format!("the topic names {topic}, the packet {packet}")) }
}

fn client_event(log: &RawLog, first: B256, clients: &[ClientId]) -> Option<core::result::Result<Event, String>> {
    let topics = || log.topics.iter().copied();
    let known = |name: &str| clients.iter().find(|client| client.as_str() == name).cloned();
    match first {
        Router::ICS02ClientUpdated::SIGNATURE_HASH => {
            let updated = Router::ICS02ClientUpdated::decode_raw_log(topics(), &log.data).ok()?;
            let client = known(&updated.clientId)?;
            match updated.result {
                UpdateResult::Misbehaviour => Some(Ok(Event::ClientFrozen { client })),
                UpdateResult::Update => Some(Ok(Event::ClientUpdated { client, heights: Vec::new() })),
                _ => None,
            }
        }
        Router::ICS02MisbehaviourSubmitted::SIGNATURE_HASH => {
            let submitted = Router::ICS02MisbehaviourSubmitted::decode_raw_log(topics(), &log.data).ok()?;
            Some(Ok(Event::ClientFrozen { client: known(&submitted.clientId)? }))
        }
        _ => None,
    }
}
