//! Building one transaction: choose, simulate, leave out what would fail, price, size the gas.
//!
//! Gas is not taken from `eth_estimateGas` alone. A batch succeeds although messages in it fail, so an estimator that searches for
//! the least gas with which the transaction succeeds would starve the messages. The limit is therefore checked by a call with
//! exactly that much gas. Called by [`crate::adapter`].

use super::batch::{self, Item, Plan};
use super::fees::{self, Market, Price};
use super::reason::classify;
use super::{Draft, missing_key, unsigned};
use crate::chain::{Chain, Result, quantity};
use crate::keys::Keys;
use crate::rpc::{Failure, FailureKind, parse};
use alloy::primitives::{Address, Bytes, TxKind, U64};
use alloy::sol_types::SolCall;
use causeway_adapter::{AdapterError, BuildRequest, Built, FeePolicy, HostLimits, Message, RejectReason, Rejected, Slot};
use causeway_evm_contracts::abi::{CounterpartyInfo, Kind, MessageOutcome, Router, UpdateResult};
use serde_json::{Value, json};

/// What the router keeps back from each message beside the promise: the share that the 63/64 rule holds, and its own work.
const PROMISE_SHARE: u64 = 63;
const PROMISE_WORK: u64 = 150_000;
/// Gas of a message where the node's estimate says less; the call that follows corrects it.
const MESSAGE_GAS_GUESS: u64 = 120_000;
/// Rounds of raising the limit, or of leaving messages out, before the build gives up.
const ROUNDS_MAX: usize = 8;

/// Everything one build needs to know.
struct Job<'a> {
    chain: &'a Chain,
    request: &'a BuildRequest,
    from: Address,
    nonce: u64,
    market: Market,
    price: Price,
    /// Most gas of a transaction: the configuration's and the block's.
    gas_max: u64,
}

/// Limits of one transaction as configured.
pub(crate) fn limits(chain: &Chain) -> HostLimits {
    HostLimits { messages_max: chain.config.messages_max, tx_bytes_max: chain.config.tx_bytes_max, tx_gas_max: chain.config.tx_gas_max }
}

pub(crate) async fn build(chain: &Chain, keys: &Keys, request: &BuildRequest) -> Result<Built> {
    let from = keys.address(&request.signer).ok_or_else(|| missing_key(&request.signer))?;
    let Slot::Number(nonce) = request.slot else {
        return Err(AdapterError::Invalid { what: "slot", detail: "an EVM account orders its transactions by number".to_string() });
    };
    let market = fees::market(chain, from).await?;
    if nonce < market.nonce {
        return Err(AdapterError::SlotMismatch { used: nonce, expected: market.nonce });
    }
    let price = fees::price(chain.config.fee_mode, &market, &request.fees)?;
    let gas_max = chain.config.tx_gas_max.min(market.head.gas_limit);
    let job = Job { chain, request, from, nonce, market, price, gas_max };
    match choose(&request.messages) {
        Choice::Nothing => job.nothing(Vec::new()),
        Choice::Direct(index) => job.direct(index).await,
        Choice::Batch(update) => job.batch(update).await,
    }
}

/// What the next transaction is.
enum Choice<'a> {
    Nothing,
    /// One message with a call of its own.
    Direct(usize),
    /// Packet messages, with an update first.
    Batch(Option<(usize, &'a str, &'a [u8])>),
}

/// The first message decides. A single update directly before packets goes into their batch.
fn choose(messages: &[Message]) -> Choice<'_> {
    let is_packet = |message: &Message| batch::packet_of(message).is_some();
    match messages {
        [] => Choice::Nothing,
        [Message::UpdateClient { client_id, update }, next, ..] if is_packet(next) => Choice::Batch(Some((0, client_id.as_str(), update))),
        [Message::MarkExpired { .. }, ..] if !messages.iter().any(is_packet) => Choice::Direct(0),
        [first, ..] if is_packet(first) || matches!(first, Message::MarkExpired { .. }) => Choice::Batch(None),
        _ => Choice::Direct(0),
    }
}

/// How a simulated call ended.
enum Simulated {
    Returned(Bytes),
    Reverted(Vec<u8>),
}

impl Job<'_> {
    fn nothing(&self, rejected: Vec<Rejected>) -> Result<Built> {
        self.built(None, Vec::new(), rejected, 0)
    }

    fn built(&self, input: Option<Bytes>, included: Vec<usize>, mut rejected: Vec<Rejected>, gas_limit: u64) -> Result<Built> {
        rejected.sort_by_key(|rejected| rejected.index);
        let unsigned = match input {
            None => Vec::new(),
            Some(input) => {
                fees::check_balance(self.chain, self.from, &self.market, gas_limit, self.price)?;
                let draft = Draft { to: TxKind::Call(self.chain.router), input, gas_limit, nonce: self.nonce };
                unsigned(self.chain.config.chain_id, draft, self.price)?
            }
        };
        let slot = self.request.slot.clone();
        Ok(Built { unsigned, included, rejected, gas_limit, gas_price: self.price.highest(), slot })
    }

    fn call_params(&self, input: &Bytes, gas: Option<u64>) -> Value {
        let mut call = json!({ "from": self.from, "to": self.chain.router, "data": input });
        if let (Some(gas), Some(fields)) = (gas, call.as_object_mut()) {
            fields.insert("gas".to_string(), json!(quantity(gas)));
        }
        call
    }

    /// Calls the router with inputs, each with its gas, at the newest block.
    async fn simulate(&self, inputs: &[(Bytes, u64)]) -> Result<Vec<Simulated>> {
        let calls = inputs.iter().map(|(input, gas)| self.call_params(input, Some(*gas))).collect();
        let height = self.market.head.height;
        let answers = self.chain.calls(calls, height).await?;
        answers.into_iter().map(|answer| self.simulated(answer)).collect()
    }

    fn simulated(&self, answer: core::result::Result<Bytes, Failure>) -> Result<Simulated> {
        match answer {
            Ok(bytes) => Ok(Simulated::Returned(bytes)),
            Err(failure) if failure.kind() == FailureKind::Reverted => Ok(Simulated::Reverted(failure.revert.unwrap_or_default())),
            Err(failure) => Err(self.chain.state_error(failure, self.market.head.height)),
        }
    }

    /// The node's estimate; `None` when it says that the transaction would fail.
    async fn estimate(&self, input: &Bytes) -> Result<Option<u64>> {
        match self.chain.rpc.call("eth_estimateGas", json!([self.call_params(input, None)])).await? {
            Ok(raw) => parse::<U64>(&self.chain.rpc.first_name(), "eth_estimateGas", &raw).map(|gas| Some(gas.to())),
            Err(failure) if matches!(failure.kind(), FailureKind::Reverted | FailureKind::InsufficientFunds) => Ok(None),
            Err(failure) => Err(failure.into_error(&self.chain.rpc.first_name())),
        }
    }

    // One message alone

    async fn direct(&self, index: usize) -> Result<Built> {
        let others = (0..self.request.messages.len()).filter(|other| *other != index);
        let mut rejected: Vec<Rejected> = others.map(|index| Rejected { index, reason: RejectReason::NoRoom }).collect();
        let Some(message) = self.request.messages.get(index) else { return self.nothing(rejected) };
        let Some(input) = direct_input(message) else {
            let reason = RejectReason::Refused("this chain proves absence; no transaction marks expiry".to_string());
            rejected.push(Rejected { index, reason });
            return self.nothing(rejected);
        };
        if self.request.simulate {
            let simulated = self.simulate(&[(input.clone(), self.gas_max)]).await?.into_iter().next();
            if let Some(reason) = simulated.and_then(|simulated| refusal(message, simulated)) {
                rejected.push(Rejected { index, reason });
                return self.nothing(rejected);
            }
        }
        if input.len() as u64 + batch::TX_BYTES_AROUND > self.chain.config.tx_bytes_max {
            let reason = RejectReason::Refused(format!("{} bytes; the chain takes {}", input.len(), self.chain.config.tx_bytes_max));
            rejected.push(Rejected { index, reason });
            return self.nothing(rejected);
        }
        let gas = self.estimate(&input).await?.unwrap_or(self.gas_max);
        let gas = fees::with_headroom(gas, &self.request.fees).min(self.gas_max);
        self.built(Some(input), vec![index], rejected, gas)
    }

    // Many packets

    async fn batch(&self, update: Option<(usize, &str, &[u8])>) -> Result<Built> {
        let mut rejected = Vec::new();
        let mut plan = batch::plan(self.request, update, limits(self.chain), &mut rejected)?;
        if update.is_some_and(|(_, client, _)| client != plan.client_id) {
            return self.direct(0).await;
        }
        let mut message_gas = self.chain.config.message_gas_min;
        for _ in 0..ROUNDS_MAX {
            if plan.items.is_empty() {
                // An update for nobody is not worth its gas.
                rejected.extend(plan.update.iter().map(|(index, _)| Rejected { index: *index, reason: RejectReason::NoRoom }));
                return self.nothing(rejected);
            }
            if self.request.simulate && self.drop_failing(&mut plan, &mut message_gas, &mut rejected).await? {
                continue;
            }
            let input = plan.input(message_gas)?;
            match self.gas_for(&plan, &input, message_gas).await? {
                Gas::Limit(gas) => return self.built(Some(input), plan.included(), rejected, gas),
                Gas::TooMany(keep) => {
                    let dropped = plan.items.split_off(keep.clamp(1, plan.items.len() - 1));
                    rejected.extend(dropped.into_iter().map(|item| Rejected { index: item.index, reason: RejectReason::NoRoom }));
                }
                Gas::Never => {
                    let text = format!("it needs more than {} gas, the most of one transaction here", self.gas_max);
                    rejected.extend(
                        plan.items.drain(..).map(|item| Rejected { index: item.index, reason: RejectReason::Refused(text.clone()) }),
                    );
                }
            }
        }
        Err(AdapterError::Invalid { what: "batch", detail: "the chain judged it differently each time; try again".to_string() })
    }

    /// Simulates the batch and leaves out what would fail; whether anything changed.
    async fn drop_failing(&self, plan: &mut Plan, message_gas: &mut u64, rejected: &mut Vec<Rejected>) -> Result<bool> {
        let input = plan.input(*message_gas)?;
        let simulated = self.simulate(&[(input, self.gas_max)]).await?.into_iter().next();
        let results = match simulated {
            Some(Simulated::Returned(bytes)) => self.results(&bytes, plan.items.len())?,
            Some(Simulated::Reverted(reason)) => {
                // What reverts as a whole (a refused update, a missing role, a pause) is every message's.
                let reasons = plan.items.drain(..).map(|item| Rejected { index: item.index, reason: whole(&reason) });
                rejected.extend(reasons);
                return Ok(true);
            }
            None => return Err(self.chain.protocol("json-rpc-batch", "one answer", "none")),
        };
        if results.iter().all(|result| matches!(result, MessageOutcome::Applied | MessageOutcome::ErrorAck)) {
            return Ok(false);
        }
        let mut failed = Vec::new();
        let mut kept = Vec::new();
        for (item, result) in std::mem::take(&mut plan.items).into_iter().zip(results) {
            match result {
                MessageOutcome::Noop => rejected.push(Rejected { index: item.index, reason: RejectReason::AlreadyDone }),
                MessageOutcome::Failed => failed.push(item),
                _ => kept.push(item),
            }
        }
        let hungry = self.explain(plan, failed, rejected).await?;
        if kept.is_empty() && !hungry.is_empty() {
            // Each would pass alone with more gas: promise more, unless that is all a transaction can have.
            if message_gas.saturating_mul(2) > self.gas_max {
                let text = format!("it needs more than {message_gas} gas");
                rejected.extend(hungry.into_iter().map(|item| Rejected { index: item.index, reason: RejectReason::Refused(text.clone()) }));
            } else {
                *message_gas *= 2;
                plan.items = hungry;
            }
            return Ok(true);
        }
        rejected.extend(hungry.into_iter().map(|item| Rejected { index: item.index, reason: RejectReason::NoRoom }));
        plan.items = kept;
        Ok(true)
    }

    /// Finds out why messages fail, by calls of their own; answers those that pass alone.
    async fn explain(&self, plan: &Plan, failed: Vec<Item>, rejected: &mut Vec<Rejected>) -> Result<Vec<Item>> {
        let inputs: Vec<(Bytes, u64)> = failed.iter().map(|item| (plan.alone(item), self.gas_max)).collect();
        let mut hungry = Vec::new();
        for (item, simulated) in failed.into_iter().zip(self.simulate(&inputs).await?) {
            match simulated {
                Simulated::Returned(_) => hungry.push(item),
                Simulated::Reverted(reason) => {
                    let reason = classify(&reason, item.kind == Kind::Timeout);
                    rejected.push(Rejected { index: item.index, reason });
                }
            }
        }
        Ok(hungry)
    }

    fn results(&self, bytes: &Bytes, expected: usize) -> Result<Vec<MessageOutcome>> {
        let results = Router::relayBatchCall::abi_decode_returns(bytes);
        let results = results.map_err(|error| self.chain.protocol("abi", "the results of relayBatch", error))?;
        if results.len() == expected { Ok(results) } else { Err(self.chain.protocol("abi", format!("{expected} results"), results.len())) }
    }

    /// A limit with which every message of the batch does what it did with all the gas there is.
    async fn gas_for(&self, plan: &Plan, input: &Bytes, message_gas: u64) -> Result<Gas> {
        let promise = message_gas + message_gas / PROMISE_SHARE + PROMISE_WORK;
        let count = plan.items.len();
        let guess = 21_000 + 16 * input.len() as u64 + MESSAGE_GAS_GUESS * count as u64;
        let estimate = self.estimate(input).await?.unwrap_or(0).max(guess);
        let mut limit = with_promise(estimate, promise, &self.request.fees);
        for _ in 0..ROUNDS_MAX {
            if limit > self.gas_max {
                // The guess may be too high for what fits; the most there is decides.
                limit = self.gas_max;
            }
            if !self.request.simulate {
                return Ok(Gas::Limit(limit));
            }
            let simulated = self.simulate(&[(input.clone(), limit)]).await?.into_iter().next();
            let done = match simulated {
                Some(Simulated::Returned(bytes)) => {
                    let results = self.results(&bytes, count)?;
                    results.iter().take_while(|result| !matches!(result, MessageOutcome::Failed)).count()
                }
                _ => 0,
            };
            if done == count {
                return Ok(Gas::Limit(limit));
            }
            if limit == self.gas_max {
                return Ok(match (done, count) {
                    (_, 1) => Gas::Never,
                    (0, _) => Gas::TooMany(count / 2),
                    (done, _) => Gas::TooMany(done),
                });
            }
            limit = limit.saturating_add(limit / 2);
        }
        Ok(Gas::TooMany(count / 2))
    }
}

/// What the gas of a batch came to.
enum Gas {
    Limit(u64),
    /// Only so many of its messages fit.
    TooMany(usize),
    /// Not even its one message fits.
    Never,
}

fn with_promise(estimate: u64, promise: u64, policy: &FeePolicy) -> u64 {
    fees::with_headroom(estimate, policy).saturating_add(promise)
}

/// A revert of the whole batch: the update, the router's state, or the account. None of it is a message's own fault.
fn whole(reason: &[u8]) -> RejectReason {
    RejectReason::Stale(causeway_evm_contracts::refusal::describe(reason))
}

/// Input of a message that has a call of its own.
fn direct_input(message: &Message) -> Option<Bytes> {
    let text = |id: &causeway_types::ClientId| id.as_str().to_string();
    let input = match message {
        Message::CreateClient { client_type, initial } => {
            Router::createClientCall { clientType: client_type.clone(), init: initial.clone().into() }.abi_encode()
        }
        Message::RegisterCounterparty { client_id, counterparty } => {
            let prefix = counterparty.merkle_prefix.iter().map(|part| Bytes::copy_from_slice(part)).collect();
            let info = CounterpartyInfo { clientId: text(&counterparty.client_id), merklePrefix: prefix };
            Router::registerCounterpartyCall { clientId: text(client_id), info }.abi_encode()
        }
        Message::UpdateClient { client_id, update } => {
            Router::updateClientCall { clientId: text(client_id), updateMsg: update.clone().into() }.abi_encode()
        }
        Message::SubmitMisbehaviour { client_id, misbehaviour } => {
            Router::submitMisbehaviourCall { clientId: text(client_id), misbehaviourMsg: misbehaviour.clone().into() }.abi_encode()
        }
        _ => return None,
    };
    Some(input.into())
}

/// Why a message with a call of its own is left out; `None` when it is worth sending.
fn refusal(message: &Message, simulated: Simulated) -> Option<RejectReason> {
    match simulated {
        Simulated::Reverted(reason) => {
            let frozen = causeway_evm_contracts::refusal::error_name(&reason) == Some("ClientFrozen");
            let done = frozen && matches!(message, Message::SubmitMisbehaviour { .. });
            Some(if done { RejectReason::AlreadyDone } else { classify(&reason, false) })
        }
        Simulated::Returned(bytes) => {
            let noop = matches!(message, Message::UpdateClient { .. })
                && Router::updateClientCall::abi_decode_returns(&bytes).is_ok_and(|result| result == UpdateResult::NoOp);
            noop.then_some(RejectReason::AlreadyDone)
        }
    }
}
