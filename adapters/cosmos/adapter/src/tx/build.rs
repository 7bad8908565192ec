//! Building one transaction: choose, simulate, leave out what would fail, size the gas, bound its life.
//!
//! A transaction is all or nothing on these chains, so that what would fail must be left out: the simulation names the message, or, where
//! a message makes the chain panic and nothing is named, the shortest failing beginning of the list does. Called by [`crate::adapter`].

use super::message::{client_of, message, packet_of};
use super::outcome::noop;
use super::simulate::{Simulated, simulate};
use super::{Terms, account, missing_key, price, reason, sign_doc};
use crate::chain::{Chain, Result};
use crate::keys::{Keys, Signer};
use causeway_adapter::{AdapterError, BuildRequest, Built, HostLimits, Message, RejectReason, Rejected, Slot};
use causeway_cosmos_proto::Any;
use causeway_types::{PacketEnd, Sequence};
use prost::Message as _;
use std::collections::BTreeMap;

/// Rounds of leaving something out before the rest waits for the next transaction.
const ROUNDS_MAX: usize = 24;
/// Bytes of a transaction around its messages: key, signature, fee, memo, lengths.
const TX_BYTES_AROUND: u64 = 1_024;
/// Gas a message where nothing was simulated: what the largest of them takes on chains in use, rounded up.
const BLIND_MESSAGE_GAS: u64 = 400_000;
/// Gas around messages: signature, bytes, fees.
const BLIND_TX_GAS: u64 = 200_000;
/// Least gas of any transaction.
const GAS_MIN: u64 = 60_000;

/// One message with its place in the request.
#[derive(Debug, Clone)]
struct Item {
    index: usize,
    message: Any,
}

/// Everything one build needs to know.
struct Job<'a> {
    chain: &'a Chain,
    request: &'a BuildRequest,
    signer: &'a Signer,
    terms: Terms,
    rejected: Vec<Rejected>,
}

/// Limits of one transaction as configured.
pub(crate) fn limits(chain: &Chain) -> HostLimits {
    HostLimits { messages_max: chain.config.messages_max, tx_bytes_max: chain.config.tx_bytes_max, tx_gas_max: chain.config.tx_gas_max }
}

pub(crate) async fn build(chain: &Chain, keys: &Keys, request: &BuildRequest) -> Result<Built> {
    let signer = keys.signer(&request.signer).ok_or_else(|| missing_key(&request.signer))?;
    let Slot::Number(sequence) = request.slot else {
        return Err(AdapterError::Invalid {
            what: "slot",
            detail: "an account of this chain orders its transactions by number".to_string(),
        });
    };
    let price = price::price(chain, &request.fees).await?;
    let state = match request.simulate {
        true => account::for_simulation(chain, signer.address(), sequence).await?,
        false => account::state(chain, signer.address()).await?,
    };
    if sequence < state.sequence {
        return Err(AdapterError::SlotMismatch { used: sequence, expected: state.sequence });
    }
    let timeout_height = state.height.saturating_add(chain.config.timeout_blocks);
    let terms = Terms { sequence, account_number: state.number, gas_limit: chain.config.tx_gas_max, price, timeout_height };
    let mut job = Job { chain, request, signer, terms, rejected: Vec::new() };
    let items = job.choose()?;
    let (items, gas_limit) = if request.simulate { job.simulated(items).await? } else { job.blind(items).await? };
    job.finish(items, gas_limit)
}

impl Job<'_> {
    fn reject(&mut self, index: usize, reason: RejectReason) {
        self.rejected.push(Rejected { index, reason });
    }

    /// The messages that fit by number and bytes, in order; the rest has no room.
    fn choose(&mut self) -> Result<Vec<Item>> {
        let limits = limits(self.chain);
        let mut items = Vec::new();
        let mut bytes = TX_BYTES_AROUND + self.chain.config.memo.len() as u64;
        let mut full = false;
        for (index, one) in self.request.messages.iter().enumerate() {
            let Some(encoded) = message(index, one, &self.request.proofs, self.signer.address())? else {
                self.reject(index, RejectReason::Refused("this chain proves absence; no transaction marks expiry".to_string()));
                continue;
            };
            let added = encoded.encoded_len() as u64 + 8;
            full = full || items.len() >= limits.messages_max as usize || bytes.saturating_add(added) > limits.tx_bytes_max;
            if full {
                self.reject(index, RejectReason::NoRoom);
                continue;
            }
            bytes += added;
            items.push(Item { index, message: encoded });
        }
        Ok(items)
    }

    async fn simulate(&self, items: &[Item]) -> Result<Simulated> {
        let messages: Vec<Any> = items.iter().map(|item| item.message.clone()).collect();
        simulate(self.chain, self.signer, &messages, self.terms).await
    }

    /// Leaves out what the chain would refuse and what is done, until the rest passes; answers it with its gas limit.
    async fn simulated(&mut self, mut items: Vec<Item>) -> Result<(Vec<Item>, u64)> {
        for _ in 0..ROUNDS_MAX {
            if !self.is_worth_it(&items) {
                break;
            }
            match self.simulate(&items).await? {
                Simulated::Failed(log) => {
                    let named = reason::message_index(&log).filter(|at| *at < items.len());
                    let (at, log) = match named {
                        Some(at) => (at, log),
                        None => self.first_failing(&items, log).await?,
                    };
                    self.leave_out(&mut items, at, &log);
                }
                Simulated::Passed { gas_used, height, responses } => {
                    self.terms.timeout_height = height.max(1).saturating_add(self.chain.config.timeout_blocks);
                    if self.drop_done(&mut items, &responses) {
                        continue;
                    }
                    let gas = self.with_headroom(gas_used);
                    if gas <= self.chain.config.tx_gas_max {
                        return Ok((items, gas));
                    }
                    self.shrink(&mut items, gas)?;
                }
            }
        }
        let rest: Vec<usize> = items.iter().map(|item| item.index).collect();
        rest.into_iter().for_each(|index| self.reject(index, RejectReason::NoRoom));
        Ok((Vec::new(), 0))
    }

    /// An update alone, when something else was asked for and nothing of it is left, is not worth a fee.
    fn is_worth_it(&self, items: &[Item]) -> bool {
        let is_more =
            |index: usize| self.request.messages.get(index).is_some_and(|message| !matches!(message, Message::UpdateClient { .. }));
        let asked = (0..self.request.messages.len()).any(is_more);
        !items.is_empty() && (!asked || items.iter().any(|item| is_more(item.index)))
    }

    /// The last message of the shortest beginning that fails, and what the chain says of it.
    async fn first_failing(&self, items: &[Item], log: String) -> Result<(usize, String)> {
        let (mut passing, mut failing, mut why) = (0, items.len(), log);
        while failing - passing > 1 {
            let middle = passing + (failing - passing) / 2;
            match self.simulate(items.get(..middle).unwrap_or_default()).await? {
                Simulated::Passed { .. } => passing = middle,
                Simulated::Failed(log) => {
                    // A shorter list may be named more exactly.
                    if let Some(at) = reason::message_index(&log).filter(|at| *at < middle) {
                        return Ok((at, log));
                    }
                    (failing, why) = (middle, log);
                }
            }
        }
        Ok((failing.saturating_sub(1), why))
    }

    /// Leaves out one message; with an update go the packets that need it.
    fn leave_out(&mut self, items: &mut Vec<Item>, at: usize, log: &str) {
        let item = items.remove(at);
        let mut reason = reason::classify(log);
        if let Some(Message::UpdateClient { client_id, .. }) = self.request.messages.get(item.index) {
            let why = format!("the update of {client_id} before it is refused");
            let dependent = |index: usize| {
                self.request.messages.get(index).is_some_and(|message| client_of(message, &self.request.proofs) == Some(client_id))
            };
            let (gone, kept): (Vec<Item>, Vec<Item>) = std::mem::take(items).into_iter().partition(|item| dependent(item.index));
            *items = kept;
            gone.iter().for_each(|item| self.rejected.push(Rejected { index: item.index, reason: RejectReason::Stale(why.clone()) }));
            if let RejectReason::Refused(why) = reason {
                reason = RejectReason::Stale(why);
            }
        }
        self.reject(item.index, reason);
    }

    /// Leaves out packets of which the simulation says that nothing would happen.
    fn drop_done(&mut self, items: &mut Vec<Item>, responses: &[Any]) -> bool {
        let done: Vec<usize> = items.iter().zip(responses).filter(|(_, response)| noop(response)).map(|(item, _)| item.index).collect();
        items.retain(|item| !done.contains(&item.index));
        done.iter().for_each(|index| self.rejected.push(Rejected { index: *index, reason: RejectReason::AlreadyDone }));
        !done.is_empty()
    }

    /// Keeps so many messages from the front as should fit the gas of a transaction.
    fn shrink(&mut self, items: &mut Vec<Item>, gas: u64) -> Result<()> {
        let max = self.chain.config.tx_gas_max;
        if items.len() <= 1 {
            let item = items.pop();
            let why = format!("it needs {gas} gas, a transaction may have {max}; raise tx_gas_max");
            item.into_iter().for_each(|item| self.reject(item.index, RejectReason::Refused(why.clone())));
            return Ok(());
        }
        let share = u128::from(max) * items.len() as u128 / u128::from(gas.max(1));
        let keep = usize::try_from(share).unwrap_or(1).clamp(1, items.len() - 1);
        items.split_off(keep).iter().for_each(|item| self.reject(item.index, RejectReason::NoRoom));
        Ok(())
    }

    /// Without simulation: only what state says is done is left out, because a chain refuses transactions that do nothing else.
    async fn blind(&mut self, mut items: Vec<Item>) -> Result<(Vec<Item>, u64)> {
        let mut asked: BTreeMap<PacketEnd, Vec<Sequence>> = BTreeMap::new();
        for (packet, end, _) in items.iter().filter_map(|item| packet_of(self.request.messages.get(item.index)?)) {
            asked.entry(end).or_default().push(packet.sequence());
        }
        let mut done = Vec::new();
        for (end, sequences) in asked {
            for state in crate::state::packet_states(self.chain, &end, &sequences).await? {
                done.extend(items.iter().filter_map(|item| {
                    let (packet, of, at_source) = packet_of(self.request.messages.get(item.index)?)?;
                    let gone = if at_source { state.commitment.is_none() } else { state.received };
                    (of == end && packet.sequence() == state.sequence && gone).then_some(item.index)
                }));
            }
        }
        items.retain(|item| !done.contains(&item.index));
        done.iter().for_each(|index| self.rejected.push(Rejected { index: *index, reason: RejectReason::AlreadyDone }));
        if !self.is_worth_it(&items) {
            items.drain(..).for_each(|item| self.rejected.push(Rejected { index: item.index, reason: RejectReason::NoRoom }));
        }
        let gas = BLIND_TX_GAS.saturating_add(BLIND_MESSAGE_GAS.saturating_mul(items.len() as u64));
        Ok((items, gas.min(self.chain.config.tx_gas_max)))
    }

    fn with_headroom(&self, gas_used: u64) -> u64 {
        let percent = u128::from(self.request.fees.gas_headroom_percent.max(100));
        let gas = (u128::from(gas_used) * percent).div_ceil(100);
        u64::try_from(gas).unwrap_or(u64::MAX).max(GAS_MIN)
    }

    fn finish(mut self, items: Vec<Item>, gas_limit: u64) -> Result<Built> {
        self.rejected.sort_by_key(|rejected| rejected.index);
        let included: Vec<usize> = items.iter().map(|item| item.index).collect();
        let messages: Vec<Any> = items.into_iter().map(|item| item.message).collect();
        let unsigned = if messages.is_empty() {
            Vec::new()
        } else {
            sign_doc(&self.chain.config, self.signer, messages, Terms { gas_limit, ..self.terms }).encode_to_vec()
        };
        let gas_price = self.terms.price.ceil();
        Ok(Built { unsigned, included, rejected: self.rejected, gas_limit, gas_price, slot: self.request.slot.clone() })
    }
}
