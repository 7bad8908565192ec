//! The chain as this adapter reads it: heads, headers, validators, blocks and queries of its application, many calls a request.
//!
//! Not here: what events, proofs and transactions mean. Called by the modules that implement the operations of the seam.

use crate::answers::{AbciQuery, AbciResponse, BlockResults, Commit, Status, Validators};
use crate::clients::Held;
use crate::config::Config;
use crate::header::{timestamp, validator_set};
use crate::headers::Headers;
use crate::heads::Heads;
use crate::memory::Asked;
use crate::rpc::{self, Answer, Call, Failure, FailureKind, Rpc, parse};
use crate::tx::price::Prices;
use causeway_adapter::AdapterError;
use causeway_cosmos_proto::tendermint::types;
use causeway_types::{Head, Height};
use prost::Message;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};
use std::time::Duration;

#[cfg(test)]
mod tests;

/// Result of a read.
pub(crate) type Result<T> = core::result::Result<T, AdapterError>;

/// Validators on one page; CometBFT gives no more.
const VALIDATORS_PAGE: u64 = 100;
/// Most validators of a set (CometBFT `MaxVotesCount`).
const VALIDATORS_MAX: u64 = 10_000;
/// For how long a head may be used again where an older one does no harm.
const HEAD_AGE_MAX: Duration = Duration::from_millis(50);

/// The newest block as a node tells it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ChainHead {
    pub(crate) number: u64,
    pub(crate) time_s: u64,
    /// The oldest block the node has.
    pub(crate) earliest: u64,
}

/// A query of the application.
#[derive(Debug, Clone)]
pub(crate) struct Query {
    path: String,
    data: Vec<u8>,
    height: u64,
    prove: bool,
}

impl Query {
    /// A gRPC query at the newest state.
    pub(crate) fn grpc(path: &str, request: &impl Message) -> Self {
        Self { path: path.to_string(), data: request.encode_to_vec(), height: 0, prove: false }
    }

    /// A query of the application itself, at the newest state.
    pub(crate) fn app(path: &str, data: Vec<u8>) -> Self {
        Self { path: path.to_string(), data, height: 0, prove: false }
    }

    /// The value under a key of a store, at a height.
    pub(crate) fn store(store: &str, key: Vec<u8>, height: u64, prove: bool) -> Self {
        Self { path: format!("store/{store}/key"), data: key, height, prove }
    }

    /// The same at an older state.
    pub(crate) fn at(self, height: u64) -> Self {
        Self { height, ..self }
    }

    pub(crate) fn call(&self) -> Call {
        let params = json!({
            "path": self.path, "data": hex::encode(&self.data), "height": self.height.to_string(), "prove": self.prove,
        });
        Call::new("abci_query", params)
    }
}

/// Configuration and endpoints of one chain.
#[derive(Debug, Clone)]
pub(crate) struct Chain {
    pub(crate) config: Arc<Config>,
    pub(crate) rpc: Rpc,
    pub(crate) revision: u64,
    pub(crate) prices: Prices,
    pub(crate) heads: Heads,
    pub(crate) headers: Headers,
    /// Whether a node was found to lack the service that simulates.
    pub(crate) lacks_tx_service: Arc<AtomicBool>,
    /// What clients hold, as told of late.
    pub(crate) held: Held,
    /// Numbers of accounts that were asked for; they never change.
    pub(crate) accounts: Arc<Mutex<BTreeMap<String, u64>>>,
    /// Held while a head is asked for that several may need.
    asking_head: Arc<tokio::sync::Mutex<()>>,
}

impl Chain {
    /// Checks the configuration and prepares the endpoints.
    pub(crate) fn new(config: &Config) -> Result<Self> {
        config.validate().map_err(|error| AdapterError::Invalid { what: "configuration", detail: error.to_string() })?;
        let (rpc, revision) = (Rpc::new(config)?, config.revision());
        let (prices, heads, headers) = (Prices::default(), Heads::default(), Headers::default());
        let (lacks_tx_service, held, accounts, asking_head) = Default::default();
        let config = Arc::new(config.clone());
        Ok(Self { config, rpc, revision, prices, heads, headers, lacks_tx_service, held, accounts, asking_head })
    }

    /// A height of this chain.
    pub(crate) fn height(&self, number: u64) -> Height {
        Height { revision: self.revision, number }
    }

    /// A protocol error about an answer.
    pub(crate) fn protocol(&self, rule: &'static str, expected: impl ToString, found: impl ToString) -> AdapterError {
        AdapterError::Protocol {
            endpoint: self.rpc.first_name(),
            rule,
            expected: expected.to_string(),
            found: crate::rpc::short(&found.to_string()),
        }
    }

    /// The seam's form of a head.
    pub(crate) fn seam_head(&self, head: ChainHead) -> Head {
        Head { height: self.height(head.number), time_s: Some(head.time_s) }
    }

    /// A head from what a node printed.
    pub(crate) fn head_from(&self, status: &Status) -> Result<ChainHead> {
        let sync = &status.sync_info;
        let time = timestamp(&sync.latest_block_time).and_then(|time| u64::try_from(time.seconds).ok());
        let time_s = time.ok_or_else(|| self.protocol("head-time", "a time after 1970", &sync.latest_block_time))?;
        let head = ChainHead { number: sync.latest_block_height.unsigned(), time_s, earliest: sync.earliest_block_height.unsigned() };
        if head.number == 0 {
            return Err(AdapterError::Unreachable { endpoint: self.rpc.first_name(), detail: "it has no block yet".to_string() });
        }
        Ok(head)
    }

    /// The newest block. It is final: more than two thirds committed it.
    pub(crate) async fn head(&self) -> Result<ChainHead> {
        let answer = self.rpc.together(vec![Call::new("status", json!({}))]).await?.pop();
        let name = self.rpc.first_name();
        let raw =
            answer.ok_or_else(|| self.protocol("json-rpc-batch", "one answer", "none"))?.map_err(|failure| failure.into_error(&name))?;
        let head = self.head_from(&parse(&name, "status", &raw)?)?;
        self.heads.note(head);
        Ok(head)
    }

    /// The newest block or one of just now: for questions that come by the hundred.
    pub(crate) async fn recent_head(&self) -> Result<ChainHead> {
        self.head_within(HEAD_AGE_MAX).await
    }

    /// The newest block, or the one that a node told within `age_max`.
    pub(crate) async fn head_within(&self, age_max: Duration) -> Result<ChainHead> {
        match self.heads.within(age_max) {
            Some(head) => Ok(head),
            None => self.head().await,
        }
    }

    /// A block that is there and at least so high, if one is known without asking; else the newest, which need not be asked for before the next
    /// one is due.
    pub(crate) async fn head_above(&self, number: u64) -> Result<ChainHead> {
        if let Some((head, is_due)) = self.expected_head()
            && (head.number >= number || !is_due)
        {
            return Ok(head);
        }
        // One at a time: who waited has the answer of the one before.
        let _alone = self.asking_head.lock().await;
        if let Some(head) = self.heads.within(HEAD_AGE_MAX) {
            return Ok(head);
        }
        match self.head_with_header(number).await {
            Some(head) => Ok(head),
            None => self.head().await,
        }
    }

    /// The newest block, asked for along with a header: who needs that height to be there needs its header next.
    async fn head_with_header(&self, number: u64) -> Option<ChainHead> {
        if number == 0 || self.rpc.size() < 2 {
            return None;
        }
        let asked = self.headers.asking();
        let mut answers = self.rpc.glimpse(vec![at("commit", number), Call::new("status", json!({}))]).await.ok()?;
        let head = self.head_from(&rpc::told(answers.pop())?).ok()?;
        self.heads.note(head);
        if let Some(told) = rpc::told(answers.pop()) {
            // One of another height is asked for again by whoever needs it.
            drop(self.keep_header(asked, number, told));
        }
        Some(head)
    }

    /// The head that is known without asking, and whether the next block may be there.
    pub(crate) fn expected_head(&self) -> Option<(ChainHead, bool)> {
        let usual = Duration::from_millis(self.config.block_interval_ms);
        Some((self.heads.within(usual * 2)?, self.heads.is_due(usual)))
    }

    /// How long to wait before the next block is asked for.
    pub(crate) fn pause(&self) -> Duration {
        self.heads.pause(Duration::from_millis(self.config.block_interval_ms))
    }

    /// Answers of queries in order, each with the code the application gave.
    pub(crate) async fn queries(&self, queries: &[Query]) -> Result<Vec<AbciResponse>> {
        let answers = self.rpc.together(queries.iter().map(Query::call).collect()).await?;
        self.responses(queries, answers)
    }

    /// One query that keeps the node busy: in a request of its own, so that nothing else waits for it.
    pub(crate) async fn query_alone(&self, query: &Query) -> Result<AbciResponse> {
        let answers = self.rpc.batch(vec![query.call()]).await?;
        self.responses(core::slice::from_ref(query), answers)?.pop().ok_or_else(|| self.protocol("json-rpc-batch", "one answer", "none"))
    }

    fn responses(&self, queries: &[Query], answers: Vec<Answer>) -> Result<Vec<AbciResponse>> {
        let name = self.rpc.first_name();
        let one = |(query, answer): (&Query, Answer)| match answer {
            Ok(raw) => {
                let told = parse::<AbciQuery>(&name, "abci_query", &raw)?.response;
                Ok(AbciResponse { path: query.path.clone(), ..told })
            }
            Err(failure) => Err(failure.into_error(&name)),
        };
        queries.iter().zip(answers).map(one).collect()
    }

    /// One query.
    pub(crate) async fn query(&self, query: Query) -> Result<AbciResponse> {
        let mut answers = self.queries(&[query]).await?;
        answers.pop().ok_or_else(|| self.protocol("json-rpc-batch", "one answer", "none"))
    }

    /// The decoded answer of a gRPC query that must succeed.
    pub(crate) fn decode<M: Message + Default>(&self, response: &AbciResponse, rule: &'static str) -> Result<M> {
        if response.code != 0 {
            return Err(self.refused(response, rule));
        }
        M::decode(response.value.0.as_slice()).map_err(|error| self.protocol(rule, "the answer's message", error))
    }

    /// What an application's refusal of a query means where nothing better is known.
    pub(crate) fn refused(&self, response: &AbciResponse, rule: &'static str) -> AdapterError {
        let text = response.log.to_lowercase();
        if text.contains("unknown query path") || text.contains("unknown request") && text.contains("path") {
            let (path, log) = (&response.path, crate::rpc::short(&response.log));
            let detail = match needed_for(path) {
                Some(needed) => format!("the chain does not answer {path}, which needs {needed}: {log}"),
                None => format!("the chain does not answer {path}: {log}"),
            };
            return AdapterError::Invalid { what: "chain", detail };
        }
        self.protocol(rule, "an answer", format!("code {} of {}: {}", response.code, response.codespace, response.log))
    }

    /// A refusal of a read of old state: pruned, or not there yet.
    pub(crate) fn state_refused(&self, response: &AbciResponse, number: u64, head: u64) -> AdapterError {
        let text = response.log.to_lowercase();
        let asked = self.height(number);
        if text.contains("height in the future") || number > head {
            return AdapterError::Lagging { found: self.height(head), needed: asked };
        }
        let gone = ["version does not exist", "failed to load state", "pruned", "version mismatch", "invalid height", "no longer"];
        if gone.iter().any(|part| text.contains(part)) {
            return AdapterError::HeightPruned { asked, oldest: asked.plus(1) };
        }
        self.refused(response, "state")
    }

    /// A refusal of a call about a block.
    pub(crate) fn block_refused(&self, failure: Failure, number: u64, head: ChainHead) -> AdapterError {
        let asked = self.height(number);
        match failure.kind() {
            FailureKind::Pruned => AdapterError::HeightPruned { asked, oldest: self.height(head.earliest.max(number.saturating_add(1))) },
            FailureKind::NoResults if number >= head.number => AdapterError::Lagging { found: asked.minus(1), needed: asked },
            FailureKind::NoResults => {
                AdapterError::HeightPruned { asked, oldest: self.height(head.earliest.max(number.saturating_add(1))) }
            }
            FailureKind::UnknownBlock => AdapterError::Lagging { found: self.height(head.number), needed: asked },
            _ => failure.into_error(&self.rpc.first_name()),
        }
    }

    /// Signed headers at heights.
    pub(crate) async fn signed_headers(&self, numbers: &[u64]) -> Result<Vec<types::SignedHeader>> {
        let known: Vec<_> = numbers.iter().filter_map(|number| self.headers.header(*number)).collect();
        if known.len() == numbers.len() {
            return Ok(known);
        }
        let asked = self.headers.asking();
        let answers = self.rpc.together(numbers.iter().map(|number| at("commit", *number)).collect()).await?;
        let name = self.rpc.first_name();
        let mut headers = Vec::with_capacity(numbers.len());
        for (answer, number) in answers.into_iter().zip(numbers) {
            let raw = match answer {
                Ok(raw) => raw,
                Err(failure) => return Err(self.block_refused(failure, *number, self.recent_head().await?)),
            };
            headers.push(self.keep_header(asked, *number, parse(&name, "commit", &raw)?)?);
        }
        Ok(headers)
    }

    /// A signed header as a node tells it.
    pub(crate) fn keep_header(&self, asked: Asked, number: u64, told: Commit) -> Result<types::SignedHeader> {
        let signed = types::SignedHeader::from(told.signed_header);
        let found = signed.header.as_ref().map_or(0, |header| header.height);
        if u64::try_from(found) != Ok(number) {
            return Err(self.protocol("header-height", number, found));
        }
        self.headers.keep_header(asked, number, &signed);
        Ok(signed)
    }

    /// The validators of a height, whole.
    pub(crate) async fn validators(&self, number: u64, proposer: Option<&[u8]>) -> Result<types::ValidatorSet> {
        if let Some(known) = self.headers.validators(number) {
            return Ok(validator_set(known, proposer));
        }
        let asked = self.headers.asking();
        let (first, total) = self.validators_page(number, 1).await?;
        if total > VALIDATORS_MAX {
            return Err(self.protocol("validators-count", format!("at most {VALIDATORS_MAX}"), total));
        }
        let mut all = first;
        for page in 2..=total.div_ceil(VALIDATORS_PAGE) {
            all.extend(self.validators_page(number, page).await?.0);
        }
        if all.len() as u64 != total || all.is_empty() {
            return Err(self.protocol("validators-count", total, all.len()));
        }
        let validators = all.into_iter().map(TryInto::try_into).collect::<core::result::Result<Vec<_>, String>>();
        let validators = validators.map_err(|found| self.protocol("validator-key", "ed25519 or secp256k1", found))?;
        self.headers.keep_validators(asked, number, &validators);
        Ok(validator_set(validators, proposer))
    }

    async fn validators_page(&self, number: u64, page: u64) -> Result<(Vec<crate::header::Validator>, u64)> {
        let params = json!({ "height": number.to_string(), "page": page.to_string(), "per_page": VALIDATORS_PAGE.to_string() });
        match self.rpc.call("validators", params).await? {
            Ok(raw) => {
                let found: Validators = parse(&self.rpc.first_name(), "validators", &raw)?;
                if found.block_height.unsigned() != number {
                    return Err(self.protocol("validators-height", number, found.block_height.0));
                }
                Ok((found.validators, found.total.unsigned()))
            }
            Err(failure) => Err(self.block_refused(failure, number, self.recent_head().await?)),
        }
    }

    /// Results of blocks `from` to `to`, as many from the start as are there; at least one, or the reason.
    pub(crate) async fn block_results(&self, from: u64, to: u64, head: ChainHead) -> Result<Vec<BlockResults>> {
        let calls = (from..=to).map(|number| at("block_results", number)).collect();
        // What is not there yet is asked of the other endpoints as well, and that shall not be done with everything that travels along.
        let answers = if self.rpc.is_single() { self.rpc.together(calls).await? } else { self.rpc.batch(calls).await? };
        let name = self.rpc.first_name();
        let mut results = Vec::with_capacity(answers.len());
        for (answer, number) in answers.into_iter().zip(from..=to) {
            match answer {
                Ok(raw) => results.push(self.results_of(number, parse(&name, "block_results", &raw)?)?),
                Err(_) if !results.is_empty() => break,
                Err(failure) => return Err(self.block_refused(failure, number, head)),
            }
        }
        Ok(results)
    }

    /// The results of a block as a node tells them.
    pub(crate) fn results_of(&self, number: u64, told: BlockResults) -> Result<BlockResults> {
        if told.height.unsigned() != number {
            return Err(self.protocol("block-results-height", number, told.height.0));
        }
        Ok(told)
    }
}

/// Which chains know a query that older ones lack, where that is known.
fn needed_for(path: &str) -> Option<&'static str> {
    match path {
        "/cosmos.auth.v1beta1.Query/AccountInfo" => Some("Cosmos SDK 0.47 or later"),
        _ if path.starts_with("/ibc.core.") && path.contains(".v2.Query/") => Some("ibc-go 10 or later: IBC v2 begins there"),
        _ => None,
    }
}

/// A call about one block.
pub(crate) fn at(method: &'static str, number: u64) -> Call {
    Call::new(method, json!({ "height": number.to_string() }))
}

/// A result that a node answers with null where nothing is.
pub(crate) fn is_null(raw: &serde_json::value::RawValue) -> bool {
    serde_json::from_str::<Value>(raw.get()).is_ok_and(|value| value.is_null())
}
