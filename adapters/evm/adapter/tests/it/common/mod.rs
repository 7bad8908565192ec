//! Two embedded chains with contracts, clients and a funded account each, for the tests of the adapter.
#![allow(
    dead_code,
    unreachable_pub,
    missing_docs,
    missing_debug_implementations,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "part of test binaries, each of which uses a part of it"
)]

use alloy::network::{EthereumWallet, TransactionBuilder};
use alloy::primitives::{Address, Bytes, U256};
use alloy::providers::{Provider, ProviderBuilder};
use alloy::rpc::types::TransactionRequest;
use alloy::signers::local::PrivateKeySigner;
use alloy::sol_types::SolCall;
use causeway_adapter::{
    BroadcastResult, BuildRequest, Built, ChainAdapter, ClientParams, Counterparty, Event, EventFilter, Evidence, FeePolicy, LightClient,
    LocatedEvent, Message, MessageResult, Outcome, Plan, ProofGroup, SignedTx, Slot, TrustedState, Verdict, WatchRequest,
};
use causeway_evm_adapter::{Config, DeployOptions, Deployment, EvmAdapter, EvmLightClient, HOST_ENCODING, Keys, deploy};
use causeway_evm_contracts::abi;
use causeway_evm_devnet::{Devnet, DevnetConfig, DevnetHandle, dev_key};
use causeway_types::{Acknowledgement, Claim, ClientId, Height, Packet};
use std::collections::BTreeMap;
use std::time::Duration;

pub const KEY: &str = "relayer";
pub const PARAMS: ClientParams = ClientParams { trusting_period_s: 86_400, clock_drift_max_s: 30 };

pub fn fees() -> FeePolicy {
    FeePolicy { gas_headroom_percent: 120, gas_price_max: None, replace_bump_percent: 12, replaces_price: None }
}

/// One chain of the world.
pub struct Side {
    pub node: DevnetHandle,
    pub config: Config,
    pub deployment: Deployment,
    pub adapter: EvmAdapter,
    pub light_client: EvmLightClient,
    /// The client on this chain that follows the other.
    pub client: ClientId,
    /// What the relayer trusts of this chain.
    pub trusted: TrustedState,
    pub user: PrivateKeySigner,
}

pub fn devnet(chain_id: u64) -> DevnetConfig {
    let config = DevnetConfig { chain_id, seed: chain_id, block_period: Duration::from_millis(50), ..DevnetConfig::default() };
    config.fund_dev_accounts(4, U256::from(10).pow(U256::from(21)))
}

pub fn keys(chain_id: u64) -> Keys {
    Keys::none().with_secret(KEY, &dev_key(chain_id, 0).0).unwrap()
}

pub async fn deployed(devnet: DevnetConfig) -> (DevnetHandle, Config, Deployment) {
    deployed_with(devnet, |_| {}).await
}

pub async fn deployed_with(devnet: DevnetConfig, change: impl FnOnce(&mut Config)) -> (DevnetHandle, Config, Deployment) {
    let node = Devnet::start(devnet).await.unwrap();
    let mut config = Config::new(node.chain_id(), node.rpc_url());
    config.block_interval_ms = 50;
    change(&mut config);
    let options = DeployOptions { signer: KEY.to_string(), demo: true, fees: fees() };
    let mut journal = BTreeMap::new();
    let deployment = deploy(&config, &keys(node.chain_id()), &options, &mut journal).await.unwrap();
    config.router = Some(deployment.router);
    config.deployment_height = deployment.deployment_height;
    (node, config, deployment)
}

impl Side {
    pub async fn start(devnet: DevnetConfig, change: impl FnOnce(&mut Config)) -> Self {
        let chain_id = devnet.chain_id;
        let (node, config, deployment) = deployed_with(devnet, change).await;
        let adapter = EvmAdapter::connect(&config, keys(chain_id)).await.unwrap();
        let light_client = EvmLightClient::new(&config).unwrap();
        let (height, update) = adapter.root(None).await.unwrap();
        let hash = node.control().block_hash(height.number).unwrap();
        let trusted = light_client.verify_root(&hash.0, &update).unwrap();
        let user = PrivateKeySigner::from_bytes(&dev_key(chain_id, 1)).unwrap();
        let client = ClientId::new("none-0").unwrap();
        Self { node, config, deployment, adapter, light_client, client, trusted, user }
    }

    /// Sends a call as the user and waits for success.
    pub async fn call(&self, to: Address, call: impl SolCall) {
        self.send(to, call.abi_encode().into()).await;
    }

    pub async fn send(&self, to: Address, input: Bytes) {
        let provider =
            ProviderBuilder::new().wallet(EthereumWallet::from(self.user.clone())).connect_http(self.node.rpc_url().parse().unwrap());
        provider.client().set_poll_interval(Duration::from_millis(20));
        let price = provider.get_gas_price().await.unwrap();
        let request = TransactionRequest::default().with_to(to).with_input(input).with_gas_price(price);
        let pending = provider.send_transaction(request).await.unwrap();
        assert!(pending.get_receipt().await.unwrap().status(), "the user's transaction reverted");
    }

    pub async fn slot(&self) -> Slot {
        Slot::Number(self.adapter.account(KEY).await.unwrap().next_slot.unwrap())
    }

    pub async fn build(&self, messages: Vec<Message>, proofs: Vec<ProofGroup>) -> Built {
        let request = BuildRequest { signer: KEY.to_string(), messages, proofs, slot: self.slot().await, fees: fees(), simulate: true };
        self.adapter.build(request).await.unwrap()
    }

    pub async fn settle(&self, built: &Built) -> (SignedTx, Outcome) {
        let signed = self.adapter.sign(KEY, built).await.unwrap();
        assert!(matches!(self.adapter.broadcast(&signed).await.unwrap(), BroadcastResult::Accepted | BroadcastResult::AlreadyKnown));
        for _ in 0..400 {
            let outcome = self.adapter.outcome(&signed).await.unwrap();
            if !matches!(outcome, Outcome::Pending | Outcome::Unknown) {
                return (signed, outcome);
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("the transaction is in no block");
    }

    /// Builds, delivers, and answers the results of a transaction that contains every message.
    pub async fn deliver(&self, messages: Vec<Message>, proofs: Vec<ProofGroup>) -> (Vec<MessageResult>, u64) {
        let count = messages.len();
        let built = self.build(messages, proofs).await;
        assert_eq!(built.included.len(), count, "left out: {:?}", built.rejected);
        match self.settle(&built).await.1 {
            Outcome::Included { results, gas_used, .. } => (results, gas_used),
            other => panic!("{other:?}"),
        }
    }

    /// All events since the deployment.
    pub async fn events(&self) -> Vec<LocatedEvent> {
        let filter = EventFilter { ends: vec![self.client.clone().into()], clients: vec![self.client.clone()], connections: Vec::new() };
        let mut after = Height::new(self.config.deployment_height);
        let mut all = Vec::new();
        loop {
            let request = WatchRequest { after, filter: filter.clone(), blocks_max: 1_000, events_max: 1_000, wait_ms: 0 };
            let batch = self.adapter.watch(request).await.unwrap();
            all.extend(batch.events);
            if batch.cursor == after || batch.cursor.number >= batch.head.height.number {
                return all;
            }
            after = batch.cursor;
        }
    }

    pub async fn sent(&self) -> Vec<Packet> {
        self.events()
            .await
            .into_iter()
            .filter_map(|located| match located.event {
                Event::Sent { packet } => Some(packet),
                _ => None,
            })
            .collect()
    }

    pub async fn acknowledged(&self) -> Vec<(Packet, Acknowledgement)> {
        let pick = |located: LocatedEvent| match located.event {
            Event::Acknowledged { packet, acknowledgement } => Some((packet, acknowledgement)),
            _ => None,
        };
        self.events().await.into_iter().filter_map(pick).collect()
    }
}

pub async fn world() -> (Side, Side) {
    world_of(devnet(1001), devnet(1002)).await
}

/// Both chains with clients of each other.
pub async fn world_of(a: DevnetConfig, b: DevnetConfig) -> (Side, Side) {
    world_with(a, |_| {}, b, |_| {}).await
}

pub async fn world_with(
    a: DevnetConfig,
    change_a: impl FnOnce(&mut Config),
    b: DevnetConfig,
    change_b: impl FnOnce(&mut Config),
) -> (Side, Side) {
    let (mut a, mut b) = tokio::join!(Side::start(a, change_a), Side::start(b, change_b));
    a.client = create_client(&a, &b).await;
    b.client = create_client(&b, &a).await;
    for (host, other) in [(&a, &b), (&b, &a)] {
        let counterparty = Counterparty { client_id: other.client.clone(), merkle_prefix: vec![Vec::new()] };
        let message = Message::RegisterCounterparty { client_id: host.client.clone(), counterparty };
        let (results, _) = host.deliver(vec![message], Vec::new()).await;
        assert_eq!(results, [MessageResult::Applied { created: None }]);
    }
    (a, b)
}

/// Creates on `host` a client of `source`.
pub async fn create_client(host: &Side, source: &Side) -> ClientId {
    let initial = source.light_client.encode_initial(HOST_ENCODING, &source.trusted, &PARAMS).unwrap();
    let client_type = source.light_client.client_type().to_string();
    let (results, _) = host.deliver(vec![Message::CreateClient { client_type, initial }], Vec::new()).await;
    match results.as_slice() {
        [MessageResult::Applied { created: Some(client) }] => ClientId::new(client).unwrap(),
        other => panic!("{other:?}"),
    }
}

pub fn now_s(side: &Side) -> u64 {
    side.node.control().now()
}

/// Plans, verifies and answers the update of `host`'s client to the head of `source`, with the verified state.
pub async fn update(host: &Side, source: &Side) -> (Message, TrustedState) {
    let view = host.adapter.client(&host.client).await.unwrap();
    let limits = host.adapter.describe().await.unwrap().limits;
    let head = source.adapter.status().await.unwrap().head.height;
    let plan = source.adapter.plan_update(&view, Some(head), limits).await.unwrap();
    let Plan::Steps(steps) = plan else { panic!("{plan:?}") };
    assert_eq!(steps.len(), 1, "one step");
    let trusted = state_at(source, view.latest).await;
    let verdict = source.light_client.verify_update(&trusted, &steps[0].update, &PARAMS, now_s(source));
    let Verdict::Success(state) = verdict else { panic!("{verdict:?}") };
    assert_eq!(state.height, steps[0].resulting);
    let update = source.light_client.encode_update(HOST_ENCODING, &steps[0].update).unwrap();
    (Message::UpdateClient { client_id: host.client.clone(), update }, state)
}

pub async fn state_at(source: &Side, height: Height) -> TrustedState {
    let (_, update) = source.adapter.root(Some(height)).await.unwrap();
    let hash = source.node.control().block_hash(height.number).unwrap();
    source.light_client.verify_root(&hash.0, &update).unwrap()
}

/// Evidence for claims about `source`, verified, as a group for `host`'s client.
pub async fn prove(host: &Side, source: &Side, claims: &[Claim], state: &TrustedState) -> ProofGroup {
    let evidence: Evidence = source.adapter.fetch(claims, state.height).await.unwrap();
    for (index, claim) in claims.iter().enumerate() {
        source.light_client.verify_claim(state, claim, &evidence, index).unwrap();
    }
    let evidence = source.light_client.encode_evidence(HOST_ENCODING, &evidence).unwrap();
    ProofGroup { client_id: host.client.clone(), evidence }
}

/// An ICS-20 transfer of the demo token, sent by the user.
pub async fn transfer(side: &Side, amount: u64, timeout_s: u64) {
    let token = side.deployment.test_token.unwrap();
    let app = side.deployment.token_transfer;
    side.call(token, abi::TestToken::mintCall { to: side.user.address(), amount: U256::from(amount) }).await;
    side.call(token, abi::TestToken::approveCall { spender: app, value: U256::from(amount) }).await;
    let m = abi::SendTransfer {
        sourceClient: side.client.to_string(),
        denom: token.to_string().to_lowercase(),
        amount: U256::from(amount),
        receiver: side.user.address().to_string().to_lowercase(),
        timeoutTimestamp: timeout_s,
        memo: String::new(),
    };
    side.call(app, abi::TokenTransfer::sendTransferCall { m }).await;
}

/// A packet with any payload.
pub async fn raw_packet(side: &Side, dest_port: &str, timeout_s: u64) {
    let m = abi::MsgSendPacket {
        sourceClient: side.client.to_string(),
        timeoutTimestamp: timeout_s,
        payload: abi::Payload {
            sourcePort: side.deployment.raw_sender.unwrap().to_string().to_lowercase(),
            destPort: dest_port.to_string(),
            version: "v1".to_string(),
            encoding: "raw".to_string(),
            value: Bytes::from_static(b"payload"),
        },
    };
    side.call(side.deployment.raw_sender.unwrap(), abi::RawSender::sendCall { m }).await;
}
