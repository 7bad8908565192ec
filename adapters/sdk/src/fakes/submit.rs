//! The adapter of a fake chain as a destination: build, sign, broadcast, outcome.

use super::adapter::{FakeAdapter, address};
use super::chain::State;
use super::faults::take;
use super::host::{Failure, Host, Now};
use super::pool::{self, PoolTx, TxBody};
use super::wire;
use crate::adapter::Result;
use crate::{
    AdapterError, BroadcastResult, BuildRequest, Built, Impossible, Message, MessageResult, Outcome, RejectReason, Rejected, SignedTx,
    Slot, SlotOrdering,
};
use causeway_types::{Hash, TxId};
use std::sync::atomic::Ordering;

impl FakeAdapter {
    fn check_slot(&self, state: &State, request: &BuildRequest) -> Result<()> {
        let account = state.accounts.get(&request.signer);
        let account = account.ok_or_else(|| AdapterError::NotFound { what: "key", name: request.signer.clone() })?;
        match (self.chain.config().slot_ordering, &request.slot) {
            (SlotOrdering::RandomWithExpiry, Slot::Expiry(_)) => Ok(()),
            (SlotOrdering::RandomWithExpiry, Slot::Number(_)) | (_, Slot::Expiry(_)) => Err(AdapterError::Invalid {
                what: "slot",
                detail: "the chain orders transactions in the other way; see its description".into(),
            }),
            (_, Slot::Number(used)) if *used < account.next => Err(AdapterError::SlotMismatch { used: *used, expected: account.next }),
            _ => Ok(()),
        }
    }

    fn price(&self, state: &State, request: &BuildRequest) -> u128 {
        let suggested = self.chain.config().gas_price.max(state.faults.gas_price_min);
        let bump = u128::from(request.fees.replace_bump_percent.saturating_add(100));
        let replacing = request.fees.replaces_price.map_or(0, |old| old.saturating_mul(bump).div_ceil(100));
        suggested.max(replacing).min(request.fees.gas_price_max.unwrap_or(u128::MAX))
    }

    /// The host as it will be once the signer's waiting transactions are in: what a simulation starts from.
    fn ahead(&self, state: &State, request: &BuildRequest, now: Now) -> Host {
        let mut host = state.host.clone();
        let earlier = |slot: &Slot| match (slot, &request.slot) {
            (Slot::Number(waiting), Slot::Number(ours)) => waiting < ours,
            _ => true,
        };
        let waiting = state.pool.iter().filter(|tx| tx.body.signer == request.signer && earlier(&tx.body.slot));
        for tx in waiting {
            let _results = pool::run(&mut host, &tx.body, now, (self.chain.config().atomic, false));
        }
        host
    }

    pub(super) fn assemble(&self, state: &mut State, request: BuildRequest) -> Result<Built> {
        self.check_slot(state, &request)?;
        let limits = self.chain.config().limits;
        let time_s = self.chain.inner.shared.now_s.load(Ordering::SeqCst);
        let now = Now { block: state.tip().saturating_add(1), time_s };
        let mut host = self.ahead(state, &request, now);
        let simulate = request.simulate && !state.faults.blind_simulation;
        let (mut included, mut rejected) = (Vec::new(), Vec::new());
        let (mut bytes, mut gas, mut alone) = (0_u64, 0_u64, false);
        for (index, message) in request.messages.iter().enumerate() {
            let (more_bytes, more_gas) = (pool::size(message, &request.proofs), pool::gas(message));
            let own = host.needs_own_transaction(message);
            let full = included.len() >= limits.messages_max as usize
                || bytes.saturating_add(more_bytes) > limits.tx_bytes_max
                || gas.saturating_add(more_gas) > limits.tx_gas_max;
            if full || alone || (own && !included.is_empty()) {
                rejected.push(Rejected { index, reason: RejectReason::NoRoom });
                continue;
            }
            if simulate && let Err(reason) = self.simulate(state, &mut host, (message, &request), now) {
                rejected.push(Rejected { index, reason });
                continue;
            }
            alone = own;
            bytes = bytes.saturating_add(more_bytes);
            gas = gas.saturating_add(more_gas);
            included.push(index);
        }
        let gas_limit = gas.saturating_mul(u64::from(request.fees.gas_headroom_percent.max(100))) / 100;
        let gas_price = self.price(state, &request);
        let slot = request.slot.clone();
        let unsigned = if included.is_empty() { Vec::new() } else { self.keep(state, request, &included, (gas_limit, gas_price))? };
        Ok(Built { unsigned, included, rejected, gas_limit, gas_price, slot })
    }

    fn simulate(
        &self,
        state: &State,
        host: &mut Host,
        (message, request): (&Message, &BuildRequest),
        now: Now,
    ) -> core::result::Result<(), RejectReason> {
        if matches!(message, Message::Receive { packet, .. } if state.faults.lie_received.contains(&packet.sequence().get())) {
            return Err(RejectReason::AlreadyDone);
        }
        match host.execute(message, &request.proofs, now) {
            Ok((MessageResult::Noop, _)) => Err(RejectReason::AlreadyDone),
            Ok(_) => Ok(()),
            Err(Failure::Refused(text)) => Err(RejectReason::Refused(text)),
            Err(Failure::Stale(text)) => Err(RejectReason::Stale(text)),
        }
    }

    /// Keeps the content of a transaction; its bytes on the wire are a name for it.
    fn keep(&self, state: &mut State, request: BuildRequest, included: &[usize], (gas_limit, gas_price): (u64, u128)) -> Result<Vec<u8>> {
        let needed = u128::from(gas_limit).saturating_mul(gas_price);
        let balance = state.accounts.get(&request.signer).map_or(0, |account| account.balance);
        if balance < needed {
            return Err(AdapterError::InsufficientFunds {
                address: address(&request.signer),
                balance: balance.to_string(),
                needed: needed.to_string(),
                denom: "fake".into(),
            });
        }
        let name = state.next_salt(&self.chain.config().name);
        let messages = included.iter().filter_map(|index| request.messages.get(*index).cloned()).collect();
        let body = TxBody { signer: request.signer, slot: request.slot, gas_limit, gas_price, messages, proofs: request.proofs };
        state.bodies.insert(name, body);
        Ok(name.to_vec())
    }

    pub(super) fn seal(&self, state: &State, signer: &str, built: &Built) -> Result<SignedTx> {
        let invalid = |detail: &str| AdapterError::Invalid { what: "transaction", detail: detail.into() };
        let body = Hash::try_from(built.unsigned.as_slice()).ok().and_then(|name| state.bodies.get(&name));
        let body = body.ok_or_else(|| invalid("it was not built here"))?;
        if body.signer != signer {
            return Err(invalid("it was built for another key"));
        }
        let signature = wire::hash(&[b"tx", signer.as_bytes(), &built.unsigned]);
        let raw = [built.unsigned.as_slice(), &signature].concat();
        let tx_id = TxId::new(wire::hash(&[b"tx-id", &raw])).map_err(|error| invalid(&error.to_string()))?;
        Ok(SignedTx { tx_id, raw, account: address(signer), slot: built.slot.clone() })
    }

    pub(super) fn submit(&self, state: &mut State, tx: &SignedTx) -> Result<BroadcastResult> {
        let invalid = || AdapterError::Invalid { what: "transaction", detail: "its signature is wrong".into() };
        let (name, signature) = tx.raw.split_at_checked(32).ok_or_else(invalid)?;
        let body = Hash::try_from(name).ok().and_then(|name| state.bodies.get(&name)).cloned().ok_or_else(invalid)?;
        if wire::hash(&[b"tx", body.signer.as_bytes(), name]).as_slice() != signature {
            return Err(invalid());
        }
        if take(&mut state.faults.drop_broadcasts) {
            return Ok(BroadcastResult::Accepted);
        }
        let arrived = state.tip();
        let result = state.admit(self.chain.config().slot_ordering, PoolTx { id: tx.tx_id.clone(), body, arrived });
        if take(&mut state.faults.lose_broadcast_answers) {
            return Err(AdapterError::Unreachable { endpoint: self.endpoint(), detail: "connection reset".into() });
        }
        Ok(result)
    }

    pub(super) fn look_up(&self, state: &mut State, tx: &SignedTx) -> Outcome {
        if take(&mut state.faults.outcome_unknown) {
            return Outcome::Unknown;
        }
        let final_block = state.final_block();
        if let Some(found) = state.included.get(&tx.tx_id) {
            if found.block > final_block {
                return Outcome::Pending;
            }
            return Outcome::Included {
                height: self.chain.config().family.chain_height(found.block),
                gas_used: found.gas_used,
                fee: found.fee,
                results: found.results.clone(),
            };
        }
        if state.pool.iter().any(|waiting| waiting.id == tx.tx_id) {
            return Outcome::Pending;
        }
        match &tx.slot {
            Slot::Expiry(height) if height.number <= final_block => Outcome::Impossible(Impossible::Expired),
            Slot::Expiry(_) => Outcome::Unknown,
            Slot::Number(number) => {
                let account = state.accounts.iter().find(|(name, _)| address(name) == tx.account).map(|(_, account)| account);
                match account.and_then(|account| account.used.get(number)) {
                    Some((_, block)) if *block <= final_block => Outcome::Impossible(Impossible::SlotUsed),
                    _ => Outcome::Unknown,
                }
            }
        }
    }
}
