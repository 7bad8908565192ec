//! The seam's operations for one EVM chain; each is implemented in a module of its own.
//!
//! Called by the engine, in process or through the gRPC host.

use crate::chain::{Chain, Result};
use crate::config::Config;
use crate::contracts::Contracts;
use crate::header::RawHead;
use crate::keys::Keys;
use crate::light_client::HOST_ENCODING;
use crate::logs::LogRange;
use crate::rpc::{Answer, Call, Rpc, parse};
use crate::{plan, proofs, state, submitted, tx, watch};
use alloy::primitives::{Address, B256};
use async_trait::async_trait;
use causeway_adapter::{
    Absence, Account, AdapterError, BroadcastResult, BuildRequest, Built, ChainAdapter, ChainStatus, ClientView, ConsensusView,
    Description, EndpointStatus, Evidence, HeaderClock, HostLimits, HydrateRequest, Hydrated, Outcome, PacketState, Plan, Provable,
    SignedTx, SlotOrdering, WatchBatch, WatchRequest, description::SEAM_VERSION,
};
use causeway_types::{Claim, ClientId, Height, PacketEnd, Sequence, TxId};
use serde_json::{Value, json};
use std::sync::Arc;

/// One EVM chain.
#[derive(Debug)]
pub struct EvmAdapter {
    chain: Chain,
    keys: Keys,
    logs: LogRange,
    contracts: Contracts,
}

impl EvmAdapter {
    /// Prepares the endpoints and asks one of them for its chain id.
    ///
    /// # Errors
    /// [`AdapterError::Invalid`] for a configuration that cannot work or an endpoint of another chain; what the endpoints say
    /// when none of them answers.
    pub async fn connect(config: &Config, keys: Keys) -> Result<Self> {
        let adapter = Self::new(config, keys)?;
        adapter.chain.head().await?;
        // All endpoints are asked once, so that one that is behind is not the first to be believed.
        let head = status(&adapter.chain).await?.head;
        tracing::info!(chain_id = config.chain_id, height = head.height.number, "connected");
        Ok(adapter)
    }

    /// An adapter to ask a chain with, be there a router or not; whatever needs one is refused by the chain.
    ///
    /// # Errors
    /// As [`Self::connect`].
    pub async fn probe(config: &Config, keys: Keys) -> Result<Self> {
        let adapter = Self::at(config, config.router.unwrap_or(Address::ZERO), keys)?;
        adapter.chain.head().await?;
        Ok(adapter)
    }

    /// As [`Self::connect`], without asking: for a relayer that starts while the node is down.
    ///
    /// # Errors
    /// [`AdapterError::Invalid`] for a configuration that cannot work.
    pub fn new(config: &Config, keys: Keys) -> Result<Self> {
        Self::at(config, config.router().map_err(invalid)?, keys)
    }

    fn at(config: &Config, router: Address, keys: Keys) -> Result<Self> {
        let chain = open(config, router)?;
        let logs = LogRange::new(config.log_range_start, config.log_range_max);
        Ok(Self { chain, keys, logs, contracts: Contracts::default() })
    }

    pub(crate) fn chain(&self) -> &Chain {
        &self.chain
    }

    pub(crate) fn keys(&self) -> &Keys {
        &self.keys
    }
}

fn invalid(error: crate::ConfigError) -> AdapterError {
    AdapterError::Invalid { what: "configuration", detail: error.to_string() }
}

/// A chain with a given router; deployments have none yet.
pub(crate) fn open(config: &Config, router: Address) -> Result<Chain> {
    config.validate().map_err(invalid)?;
    Ok(Chain { config: Arc::new(config.clone()), rpc: Rpc::new(config)?, router, kind: config.client_kind.into() })
}

/// The client of an end: the router speaks IBC v2 alone.
pub(crate) fn own(end: &PacketEnd) -> Result<&ClientId> {
    end.client().ok_or(AdapterError::Unsupported { operation: "IBC classic" })
}

#[async_trait]
impl ChainAdapter for EvmAdapter {
    async fn describe(&self) -> Result<Description> {
        let config = &self.chain.config;
        Ok(Description {
            seam_version: SEAM_VERSION,
            adapter_version: env!("CARGO_PKG_VERSION").to_string(),
            family: "evm".to_string(),
            native_chain_id: config.chain_id.to_string(),
            hosted_client_types: vec!["qbft".to_string(), "ibft2".to_string()],
            offered_client_type: config.client_kind.client_type().to_string(),
            host_encodings: vec![HOST_ENCODING.to_string()],
            absence: Absence::Provable,
            header_clock: HeaderClock::Header,
            state_window_blocks: Some(config.state_window_blocks).filter(|blocks| *blocks > 0),
            slot_ordering: SlotOrdering::SequentialReplaceable,
            limits: tx::build::limits(&self.chain),
            block_interval_ms: config.block_interval_ms,
            fee_denom: config.fee_denom.clone(),
            merkle_prefix: vec![Vec::new()],
        })
    }

    async fn status(&self) -> Result<ChainStatus> {
        status(&self.chain).await
    }

    async fn watch(&self, request: WatchRequest) -> Result<WatchBatch> {
        watch::watch(&self.chain, &self.logs, &self.contracts, request).await
    }

    async fn commitments(&self, end: &PacketEnd, from: Sequence, limit: u32) -> Result<(Vec<Sequence>, Option<Sequence>)> {
        state::commitments(&self.chain, own(end)?, from, limit).await
    }

    async fn packet_states(&self, end: &PacketEnd, sequences: &[Sequence]) -> Result<Vec<PacketState>> {
        state::packet_states(&self.chain, own(end)?, sequences).await
    }

    async fn hydrate(&self, request: HydrateRequest) -> Result<Vec<Hydrated>> {
        watch::hydrate(&self.chain, &self.logs, request).await
    }

    async fn client(&self, client: &ClientId) -> Result<ClientView> {
        state::client(&self.chain, client).await
    }

    async fn consensus(&self, client: &ClientId, height: Height) -> Result<ConsensusView> {
        state::consensus(&self.chain, client, height).await
    }

    async fn root(&self, height: Option<Height>) -> Result<(Height, Vec<u8>)> {
        plan::root(&self.chain, height).await
    }

    async fn plan_update(&self, view: &ClientView, need: Option<Height>, limits: HostLimits) -> Result<Plan> {
        plan::plan_update(&self.chain, view, need, limits).await
    }

    async fn update_at(&self, trusted: Height, height: Height) -> Result<Vec<u8>> {
        submitted::update_at(&self.chain, trusted, height).await
    }

    async fn submitted(&self, client: &ClientId, height: Height, tx: &TxId) -> Result<Vec<Vec<u8>>> {
        submitted::submitted(&self.chain, client, height, tx).await
    }

    async fn provable(&self, claim: &Claim) -> Result<Provable> {
        proofs::provable(&self.chain, claim).await
    }

    async fn fetch(&self, claims: &[Claim], height: Height) -> Result<Evidence> {
        proofs::fetch(&self.chain, claims, height).await
    }

    async fn build(&self, request: BuildRequest) -> Result<Built> {
        tx::build::build(&self.chain, &self.keys, &request).await
    }

    async fn sign(&self, signer: &str, built: &Built) -> Result<SignedTx> {
        tx::sign(self.chain.config.chain_id, &self.keys, signer, built)
    }

    async fn broadcast(&self, tx: &SignedTx) -> Result<BroadcastResult> {
        tx::broadcast(&self.chain, tx).await
    }

    async fn outcome(&self, tx: &SignedTx) -> Result<Outcome> {
        tx::outcome::outcome(&self.chain, tx).await
    }

    async fn account(&self, signer: &str) -> Result<Account> {
        let address = self.keys.address(signer).ok_or_else(|| tx::missing_key(signer))?;
        let market = tx::fees::market(&self.chain, address).await?;
        Ok(Account {
            address: address.to_checksum(None),
            balance: u128::try_from(market.balance).unwrap_or(u128::MAX),
            next_slot: Some(market.nonce),
        })
    }

    fn distrust(&self) {
        self.chain.rpc.distrust_first();
    }
}

/// Heads of all endpoints, the one that they support, and their hashes at a height that all of them have.
async fn status(chain: &Chain) -> Result<ChainStatus> {
    let questions = [Call::new("eth_getBlockByNumber", json!(["latest", false])), Call::new("eth_syncing", json!([]))];
    let mut endpoints = Vec::new();
    let mut heads = Vec::new();
    let mut last_error = None;
    for (endpoint, answers) in chain.rpc.everywhere(&questions).await {
        match answers.and_then(|answers| head_and_sync(chain, &endpoint, answers)) {
            Ok((head, syncing)) => {
                heads.push(head);
                endpoints.push(EndpointStatus { endpoint, head: Some(head.head()), syncing, error: None });
            }
            Err(error) => {
                endpoints.push(EndpointStatus { endpoint, head: None, syncing: false, error: Some(error.to_string()) });
                last_error = Some(error);
            }
        }
    }
    let Some(lowest) = heads.iter().map(|head| head.height).min() else {
        return Err(last_error.unwrap_or_else(|| chain.protocol("head", "an endpoint that answers", "none")));
    };
    let told: Vec<(&str, u64)> = endpoints.iter().filter_map(|one| Some((one.endpoint.as_str(), one.head?.height.number))).collect();
    let supported = chain.rpc.note_heads(&told);
    let best = heads.iter().filter(|head| head.height <= supported).max_by_key(|head| head.height);
    let best = best.ok_or_else(|| chain.protocol("head", "an endpoint with a supported head", "none"))?;
    let divergence = if heads.len() > 1 { divergence(chain, lowest).await } else { None };
    Ok(ChainStatus { head: best.head(), endpoints, divergence })
}

fn head_and_sync(chain: &Chain, endpoint: &str, answers: Vec<Answer>) -> Result<(crate::chain::ChainHead, bool)> {
    let raw = answers.into_iter().collect::<core::result::Result<Vec<_>, _>>().map_err(|failure| failure.into_error(endpoint))?;
    let [head, syncing] = raw.as_slice() else { return Err(chain.protocol("json-rpc-batch", "2 answers", raw.len())) };
    let head = chain.head_from(parse::<Option<RawHead>>(endpoint, "eth_getBlockByNumber", head)?)?;
    let syncing: Value = parse(endpoint, "eth_syncing", syncing)?;
    Ok((head, syncing != Value::Bool(false)))
}

/// What the endpoints disagree on at a height.
async fn divergence(chain: &Chain, height: u64) -> Option<String> {
    let question = [Call::new("eth_getBlockByNumber", json!([crate::chain::quantity(height), false]))];
    let mut first: Option<(String, B256)> = None;
    for (endpoint, answers) in chain.rpc.everywhere(&question).await {
        let raw = answers.ok().and_then(|mut answers| answers.pop()).and_then(core::result::Result::ok);
        let Some(head) = raw.and_then(|raw| parse::<Option<RawHead>>(&endpoint, "eth_getBlockByNumber", &raw).ok().flatten()) else {
            continue;
        };
        match &first {
            None => first = Some((endpoint, head.hash)),
            Some((other, hash)) if *hash != head.hash => {
                return Some(format!("block {height} is {hash} at {other} and {} at {endpoint}", head.hash));
            }
            Some(_) => {}
        }
    }
    None
}
