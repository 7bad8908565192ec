//! Transactions of a fake chain: what they hold, how they wait, how a block executes them.

use super::chain::{FakeChainConfig, State};
use super::host::{Failure, Host, Now};
use super::wire;
use crate::{BroadcastResult, Event, LocatedEvent, Message, MessageResult, ProofGroup, Slot, SlotOrdering};
use causeway_types::{Height, TxId};

/// What a transaction does.
#[derive(Debug, Clone)]
pub(super) struct TxBody {
    pub(super) signer: String,
    pub(super) slot: Slot,
    pub(super) gas_limit: u64,
    pub(super) gas_price: u128,
    pub(super) messages: Vec<Message>,
    pub(super) proofs: Vec<ProofGroup>,
}

/// A transaction that waits.
#[derive(Debug, Clone)]
pub(super) struct PoolTx {
    pub(super) id: TxId,
    pub(super) body: TxBody,
    pub(super) arrived: u64,
}

/// A transaction in a block.
#[derive(Debug, Clone)]
pub(super) struct Included {
    pub(super) block: u64,
    pub(super) gas_used: u64,
    pub(super) fee: u128,
    pub(super) results: Vec<MessageResult>,
}

/// Gas of a message.
pub(super) fn gas(message: &Message) -> u64 {
    match message {
        Message::CreateClient { .. } => 200_000,
        Message::RegisterCounterparty { .. } => 40_000,
        Message::UpdateClient { .. } | Message::SubmitMisbehaviour { .. } => 60_000,
        Message::Receive { .. } => 80_000,
        Message::Acknowledge { .. } | Message::Timeout { .. } | Message::TimeoutOnClose { .. } => 50_000,
        Message::MarkExpired { .. } | Message::CloseChannel { .. } | Message::OpenConnection { .. } | Message::OpenChannel { .. } => 30_000,
    }
}

/// Bytes of a message, with its evidence.
pub(super) fn size(message: &Message, proofs: &[ProofGroup]) -> u64 {
    let evidence = |(group, item): (usize, usize)| proofs.get(group).and_then(|g| g.evidence.each.get(item)).map_or(0, Vec::len);
    let payloads = |packet: &causeway_types::Packet| packet.data_len().saturating_add(packet.ports().len().saturating_mul(64));
    let bytes = match message {
        Message::CreateClient { initial, .. } => initial.len(),
        Message::RegisterCounterparty { .. } => 64,
        Message::UpdateClient { update, .. } => update.len(),
        Message::SubmitMisbehaviour { misbehaviour, .. } => misbehaviour.len(),
        Message::Receive { packet, proof } | Message::Timeout { packet, proof, .. } => payloads(packet).saturating_add(evidence(*proof)),
        Message::Acknowledge { packet, acknowledgement, proof } => {
            let acks = acknowledgement.parts().iter().map(Vec::len).sum::<usize>();
            payloads(packet).saturating_add(acks).saturating_add(evidence(*proof))
        }
        Message::TimeoutOnClose { packet, proof, closed, .. } => {
            payloads(packet).saturating_add(evidence(*proof)).saturating_add(evidence(*closed))
        }
        Message::MarkExpired { packet } => payloads(packet),
        Message::CloseChannel { proof, .. } => evidence(*proof).saturating_add(64),
        Message::OpenConnection { .. } | Message::OpenChannel { .. } => 64,
    };
    (bytes as u64).saturating_add(100)
}

/// Runs the messages of a transaction. An atomic chain undoes all when one fails.
pub(super) fn run(host: &mut Host, body: &TxBody, now: Now, (atomic, hide): (bool, bool)) -> (Vec<MessageResult>, Vec<Event>) {
    let before = atomic.then(|| host.clone());
    let (mut results, mut events) = (Vec::new(), Vec::new());
    let mut failed = false;
    for message in &body.messages {
        if failed && atomic {
            results.push(MessageResult::NotExecuted);
            continue;
        }
        match execute(host, body, message, now) {
            Ok((result, more)) => {
                results.push(result);
                events.extend(more);
            }
            Err(failure) => {
                failed = true;
                results.push(MessageResult::Failed(failure.text().to_owned()));
            }
        }
    }
    if let (true, Some(before)) = (failed, before) {
        *host = before;
        for result in &mut results {
            if hide || !matches!(result, MessageResult::Failed(_)) {
                *result = MessageResult::NotExecuted;
            }
        }
        events.clear();
    }
    (results, events)
}

fn execute(host: &mut Host, body: &TxBody, message: &Message, now: Now) -> Result<(MessageResult, Vec<Event>), Failure> {
    if body.messages.len() > 1 && host.needs_own_transaction(message) {
        return Err(Failure::Refused("an update across a period needs a transaction of its own".into()));
    }
    host.execute(message, &body.proofs, now)
}

impl State {
    /// Takes a transaction into the pool, by the rules of the chain's slots.
    pub(super) fn admit(&mut self, ordering: SlotOrdering, tx: PoolTx) -> BroadcastResult {
        if self.included.contains_key(&tx.id) || self.pool.iter().any(|other| other.id == tx.id) {
            return BroadcastResult::AlreadyKnown;
        }
        let refuse = |reason: String, slot_conflict| BroadcastResult::Refused { reason, slot_conflict };
        match (ordering, &tx.body.slot) {
            (SlotOrdering::RandomWithExpiry, Slot::Expiry(height)) => {
                if height.number < self.tip().saturating_add(1) {
                    return refuse(format!("expired at {height}"), false);
                }
            }
            (SlotOrdering::RandomWithExpiry, Slot::Number(_)) | (_, Slot::Expiry(_)) => {
                return refuse("slot of the wrong kind".into(), false);
            }
            (_, Slot::Number(number)) => {
                let same = |other: &PoolTx| other.body.signer == tx.body.signer && other.body.slot == tx.body.slot;
                let next = self.accounts.get(&tx.body.signer).map_or(0, |account| account.next);
                if *number < next {
                    return refuse(format!("slot {number} is used, next is {next}"), true);
                }
                if let Some(at) = self.pool.iter().position(same) {
                    let needed = self.pool.get(at).map_or(0, |old| old.body.gas_price.saturating_mul(110) / 100);
                    if ordering == SlotOrdering::Sequential {
                        return refuse(format!("slot {number} is taken by a waiting transaction"), true);
                    }
                    if tx.body.gas_price < needed {
                        return refuse(format!("replacement underpriced: needs {needed}"), true);
                    }
                    self.pool.remove(at);
                }
                if ordering == SlotOrdering::Sequential {
                    let waiting = self.pool.iter().filter(|other| other.body.signer == tx.body.signer).count() as u64;
                    if *number != next.saturating_add(waiting) {
                        return refuse(format!("slot {number} does not fit, expected {}", next.saturating_add(waiting)), true);
                    }
                }
            }
        }
        self.pool.push(tx);
        BroadcastResult::Accepted
    }

    /// Executes what may go into the block.
    pub(super) fn run_pool(&mut self, now: Now, config: &FakeChainConfig) -> Vec<LocatedEvent> {
        let mut located = Vec::new();
        self.pool.retain(|tx| !matches!(tx.body.slot, Slot::Expiry(height) if height.number < now.block));
        // As real pools do: a transaction whose slot somebody else has used is thrown out.
        let accounts = &self.accounts;
        self.pool.retain(|tx| match tx.body.slot {
            Slot::Number(number) => accounts.get(&tx.body.signer).is_none_or(|account| number >= account.next),
            Slot::Expiry(_) => true,
        });
        if self.faults.reorder {
            self.pool.reverse();
        }
        while let Some(at) = self.pool.iter().position(|tx| self.ready(tx, now)) {
            let tx = self.pool.remove(at);
            located.extend(self.include(tx, now, config));
        }
        located
    }

    fn ready(&self, tx: &PoolTx, now: Now) -> bool {
        let waited = now.block.saturating_sub(tx.arrived) > self.faults.inclusion_delay_blocks;
        let priced = tx.body.gas_price >= self.faults.gas_price_min;
        let in_order = match tx.body.slot {
            Slot::Number(number) => self.accounts.get(&tx.body.signer).is_some_and(|account| account.next == number),
            Slot::Expiry(_) => true,
        };
        waited && priced && in_order
    }

    fn include(&mut self, tx: PoolTx, now: Now, config: &FakeChainConfig) -> Vec<LocatedEvent> {
        let (results, events) = run(&mut self.host, &tx.body, now, (config.atomic, self.faults.hide_failure));
        let gas_used = tx.body.messages.iter().map(gas).sum::<u64>().min(tx.body.gas_limit);
        let fee = u128::from(gas_used).saturating_mul(tx.body.gas_price);
        let account = self.accounts.entry(tx.body.signer.clone()).or_default();
        account.balance = account.balance.saturating_sub(fee);
        if let Slot::Number(number) = tx.body.slot {
            account.used.insert(number, (Some(tx.id.clone()), now.block));
            account.next = number.saturating_add(1);
        }
        let height: Height = config.family.chain_height(now.block);
        let id = tx.id.clone();
        self.included.insert(tx.id, Included { block: now.block, gas_used, fee, results });
        events.into_iter().zip(0_u32..).map(|(event, index)| LocatedEvent { height, tx: id.clone(), index, event }).collect()
    }

    /// A number that no other transaction has.
    pub(super) fn next_salt(&mut self, name: &str) -> causeway_types::Hash {
        self.salt = self.salt.saturating_add(1);
        wire::hash(&[b"salt", name.as_bytes(), &self.salt.to_be_bytes()])
    }
}
