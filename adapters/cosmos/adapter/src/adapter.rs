//! The seam's operations for one ibc-go chain; each is implemented in a module of its own.
//!
//! Called by the engine, in process or through the gRPC host.

use crate::answers::{Commit, Status};
use crate::blocks::Blocks;
use crate::chain::{Chain, ChainHead, Query, Result, at};
use crate::clients::HOST_ENCODING;
use crate::config::Config;
use crate::hydrate::Kept;
use crate::keys::Keys;
use crate::rpc::{Answer, Call, parse};
use crate::state::Listings;
use crate::tx::pooled::Pooled;
use crate::{channels, clients, hydrate, plan, proofs, state, submitted, tx, watch};
use async_trait::async_trait;
use causeway_adapter::{
    Absence, Account, BroadcastResult, BuildRequest, Built, ChainAdapter, ChainStatus, ClientView, ConsensusView, Description,
    EndpointStatus, Evidence, HeaderClock, HostLimits, HydrateRequest, Hydrated, Outcome, PacketState, Plan, Provable, SignedTx,
    SlotOrdering, WatchBatch, WatchRequest, description::SEAM_VERSION,
};
use causeway_cosmos_proto::cosmos::staking::v1beta1::{QueryParamsRequest, QueryParamsResponse};
use causeway_cosmos_proto::tendermint::types;
use causeway_types::classic::{ChannelEnd, ChannelEndId, ConnectionEnd, ConnectionId};
use causeway_types::{Claim, ClientId, Height, PacketEnd, Sequence, TxId};
use serde_json::json;

/// Type of the light client that follows a CometBFT chain.
pub const CLIENT_TYPE: &str = "07-tendermint";

/// One ibc-go chain.
#[derive(Debug)]
pub struct CosmosAdapter {
    chain: Chain,
    keys: Keys,
    blocks: Blocks,
    pooled: Pooled,
    listings: Listings,
    kept: Kept,
}

impl CosmosAdapter {
    /// Prepares the endpoints and asks them for their heads.
    ///
    /// # Errors
    /// [`AdapterError::Invalid`] for a configuration that cannot work or an endpoint of another chain; what the endpoints say
    /// when none of them answers.
    pub async fn connect(config: &Config, keys: Keys) -> Result<Self> {
        let adapter = Self::new(config, keys)?;
        // All endpoints are asked at first, so that one that is behind, or has no block yet, is not the first to be believed.
        let head = status(&adapter.chain).await?.head;
        tracing::info!(chain_id = config.chain_id, height = head.height.number, "connected");
        Ok(adapter)
    }

    /// The same without asking: for a relayer that starts while the node is down.
    ///
    /// # Errors
    /// [`AdapterError::Invalid`] for a configuration that cannot work.
    pub fn new(config: &Config, keys: Keys) -> Result<Self> {
        Ok(Self {
            chain: Chain::new(config)?,
            keys,
            blocks: Blocks::default(),
            pooled: Pooled::default(),
            listings: Listings::default(),
            kept: Kept::default(),
        })
    }

    /// For how long stake stays bound after it is taken back, seconds: as configured, else as the chain says now.
    ///
    /// # Errors
    /// What the endpoints say.
    pub async fn unbonding_period_s(&self) -> Result<u64> {
        if let Some(period) = self.chain.config.unbonding_period_s {
            return Ok(period);
        }
        let response = self.chain.query(Query::grpc("/cosmos.staking.v1beta1.Query/Params", &QueryParamsRequest {})).await?;
        if response.code != 0 {
            return Err(self.chain.refused(&response, "staking parameters"));
        }
        let params: QueryParamsResponse = self.chain.decode(&response, "staking-params")?;
        let period = params.params.and_then(|params| params.unbonding_time).and_then(|period| u64::try_from(period.seconds).ok());
        period.ok_or_else(|| self.chain.protocol("staking-params", "an unbonding time", "none"))
    }

    pub(crate) fn chain(&self) -> &Chain {
        &self.chain
    }

    pub(crate) fn keys(&self) -> &Keys {
        &self.keys
    }

    /// The account of a key, as the chain writes it.
    pub fn key_address(&self, name: &str) -> Option<&str> {
        self.keys.address(name)
    }
}

#[async_trait]
impl ChainAdapter for CosmosAdapter {
    async fn describe(&self) -> Result<Description> {
        let config = &self.chain.config;
        Ok(Description {
            seam_version: SEAM_VERSION,
            adapter_version: env!("CARGO_PKG_VERSION").to_string(),
            family: "cosmos".to_string(),
            native_chain_id: config.chain_id.clone(),
            hosted_client_types: vec![CLIENT_TYPE.to_string()],
            offered_client_type: CLIENT_TYPE.to_string(),
            host_encodings: vec![HOST_ENCODING.to_string()],
            absence: Absence::Provable,
            header_clock: HeaderClock::Header,
            state_window_blocks: Some(config.state_window_blocks).filter(|blocks| *blocks > 0),
            slot_ordering: SlotOrdering::Sequential,
            limits: tx::build::limits(&self.chain),
            block_interval_ms: config.block_interval_ms,
            fee_denom: config.gas_denom.clone(),
            merkle_prefix: vec![config.store_name.clone().into_bytes(), Vec::new()],
        })
    }

    async fn status(&self) -> Result<ChainStatus> {
        status(&self.chain).await
    }

    async fn watch(&self, request: WatchRequest) -> Result<WatchBatch> {
        watch::watch(&self.chain, (&self.blocks, &self.pooled), request).await
    }

    async fn commitments(&self, end: &PacketEnd, from: Sequence, limit: u32) -> Result<(Vec<Sequence>, Option<Sequence>)> {
        state::commitments(&self.chain, &self.listings, end, from, limit).await
    }

    async fn packet_states(&self, end: &PacketEnd, sequences: &[Sequence]) -> Result<Vec<PacketState>> {
        state::packet_states(&self.chain, end, sequences).await
    }

    async fn hydrate(&self, request: HydrateRequest) -> Result<Vec<Hydrated>> {
        hydrate::hydrate(&self.chain, (&self.blocks, &self.kept), request).await
    }

    async fn client(&self, client: &ClientId) -> Result<ClientView> {
        clients::client(&self.chain, client).await
    }

    async fn consensus(&self, client: &ClientId, height: Height) -> Result<ConsensusView> {
        clients::consensus(&self.chain, client, height).await
    }

    async fn connection(&self, id: &ConnectionId) -> Result<ConnectionEnd> {
        channels::connection(&self.chain, id).await
    }

    async fn channel(&self, id: &ChannelEndId) -> Result<ChannelEnd> {
        channels::channel(&self.chain, id).await
    }

    async fn channels(&self, connection: &ConnectionId) -> Result<Vec<(ChannelEndId, ChannelEnd)>> {
        channels::channels(&self.chain, connection).await
    }

    async fn root(&self, height: Option<Height>) -> Result<(Height, Vec<u8>)> {
        plan::root(&self.chain, height).await
    }

    async fn plan_update(&self, view: &ClientView, need: Option<Height>, limits: HostLimits) -> Result<Plan> {
        plan::plan_update(&self.chain, view, need, limits).await
    }

    async fn update_at(&self, trusted: Height, height: Height) -> Result<Vec<u8>> {
        plan::update_at(&self.chain, trusted, height).await
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
        tx::sign(&self.chain.config, &self.keys, signer, built)
    }

    async fn broadcast(&self, tx: &SignedTx) -> Result<BroadcastResult> {
        let result = tx::broadcast(&self.chain, tx).await?;
        if matches!(result, BroadcastResult::Accepted | BroadcastResult::AlreadyKnown) {
            self.pooled.accepted(&tx.tx_id, self.chain.head_above(0).await.map_or(0, |head| head.number));
        }
        if matches!(&result, BroadcastResult::Refused { reason, .. } if tx::reason::is_redundant(reason)) {
            self.pooled.redundant(&tx.tx_id);
        }
        Ok(result)
    }

    async fn outcome(&self, tx: &SignedTx) -> Result<Outcome> {
        tx::outcome::outcome(&self.chain, &self.blocks, &self.pooled, tx).await
    }

    async fn account(&self, signer: &str) -> Result<Account> {
        tx::account::account(&self.chain, self.keys.address(signer), signer).await
    }

    fn distrust(&self) {
        self.chain.headers.forget();
        self.chain.held.forget();
        self.chain.rpc.distrust_first();
    }
}

/// Heads of all endpoints, the one that they support, and their blocks at a height that all of them have.
async fn status(chain: &Chain) -> Result<ChainStatus> {
    let questions = [Call::new("status", json!({}))];
    let mut endpoints = Vec::new();
    let mut heads: Vec<ChainHead> = Vec::new();
    let mut last_error = None;
    for (endpoint, answers) in chain.rpc.everywhere(&questions).await {
        match answers.and_then(|answers| head_and_sync(chain, &endpoint, answers)) {
            Ok((head, syncing)) => {
                heads.push(head);
                endpoints.push(EndpointStatus { endpoint, head: Some(chain.seam_head(head)), syncing, error: None });
            }
            Err(error) => {
                endpoints.push(EndpointStatus { endpoint, head: None, syncing: false, error: Some(error.to_string()) });
                last_error = Some(error);
            }
        }
    }
    let Some(lowest) = heads.iter().map(|head| head.number).min() else {
        return Err(last_error.unwrap_or_else(|| chain.protocol("head", "an endpoint that answers", "none")));
    };
    let told: Vec<(&str, u64)> =
        endpoints.iter().map(|one| (one.endpoint.as_str(), one.head.map_or(0, |head| head.height.number))).collect();
    let supported = chain.rpc.note_heads(&told);
    let best = heads.iter().filter(|head| head.number <= supported).max_by_key(|head| head.number);
    let best = *best.ok_or_else(|| chain.protocol("head", "an endpoint with a supported head", "none"))?;
    chain.heads.note(best);
    let divergence = if heads.len() > 1 { divergence(chain, lowest).await } else { None };
    Ok(ChainStatus { head: chain.seam_head(best), endpoints, divergence })
}

fn head_and_sync(chain: &Chain, endpoint: &str, answers: Vec<Answer>) -> Result<(ChainHead, bool)> {
    let raw = answers.into_iter().next().ok_or_else(|| chain.protocol("json-rpc-batch", "one answer", "none"))?;
    let raw = raw.map_err(|failure| failure.into_error(endpoint))?;
    let status: Status = parse(endpoint, "status", &raw)?;
    Ok((chain.head_from(&status)?, status.sync_info.catching_up))
}

/// What the endpoints disagree on at a height: the block that its commit is for.
async fn divergence(chain: &Chain, height: u64) -> Option<String> {
    let mut first: Option<(String, Vec<u8>)> = None;
    for (endpoint, answers) in chain.rpc.everywhere(&[at("commit", height)]).await {
        let raw = answers.ok().and_then(|mut answers| answers.pop()).and_then(core::result::Result::ok);
        let signed = raw.and_then(|raw| parse::<Commit>(&endpoint, "commit", &raw).ok());
        let signed = signed.map(|commit| types::SignedHeader::from(commit.signed_header));
        let Some(hash) = signed.and_then(|signed| Some(signed.commit?.block_id?.hash)) else { continue };
        match &first {
            None => first = Some((endpoint, hash)),
            Some((other, known)) if *known != hash => {
                return Some(format!("block {height} is {} at {other} and {} at {endpoint}", hex::encode(known), hex::encode(hash)));
            }
            Some(_) => {}
        }
    }
    None
}
