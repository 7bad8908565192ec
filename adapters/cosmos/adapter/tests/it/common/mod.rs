//! Two real one-validator networks of ibc-go's test application, each hosting a client of the other: what the live tests stand on.
//!
//! The node is the one that the repository's test networks build (`target/chains/simd-*/simd`), or `CAUSEWAY_SIMD`. Where there is none,
//! tests print that they skipped. Not here: what is tested.
#![allow(dead_code, clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "test support; each test uses a part")]

use causeway_adapter::{
    BroadcastResult, BuildRequest, ChainAdapter, ClientParams, Counterparty, FeePolicy, LightClient, Message, MessageResult, Outcome, Plan,
    ProofGroup, Provable, Slot, TrustedState, Verdict,
};
use causeway_cosmos_adapter::{Config, CosmosAdapter, CosmosLightClient, HOST_ENCODING, Keys, Signer};
use causeway_keystore::Secret;
use causeway_types::classic::{ChannelEndId, ChannelId, HandshakeState, PortId};
use causeway_types::{Claim, ClientId, Height, Packet, Sequence};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

pub(crate) const KEY: &str = "relay";
pub(crate) const SPARE: &str = "spare";
pub(crate) const FEES: FeePolicy =
    FeePolicy { gas_headroom_percent: 130, gas_price_max: None, replace_bump_percent: 0, replaces_price: None };
pub(crate) const PARAMS: ClientParams = ClientParams { trusting_period_s: 14 * 86_400, clock_drift_max_s: 60 };
const DEADLINE: Duration = Duration::from_secs(60);

/// The node, if it was built.
pub(crate) fn binary() -> Option<PathBuf> {
    let named = std::env::var_os("CAUSEWAY_SIMD").map(PathBuf::from);
    let built = || {
        let chains = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../target/chains");
        let entries = std::fs::read_dir(chains).ok()?.flatten();
        entries
            .map(|entry| entry.path())
            .filter(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("simd-")))
            .map(|path| path.join("simd"))
            .find(|path| path.is_file())
    };
    let found = named.or_else(built);
    if found.is_none() {
        assert!(std::env::var("CI").is_err(), "no simd: with CI set no test is skipped; build it and name it in CAUSEWAY_SIMD");
        println!("skipped: no simd; build it with the test networks, or name it in CAUSEWAY_SIMD");
    }
    found
}

/// One network of one validator. Stopped when dropped.
pub(crate) struct Node {
    binary: PathBuf,
    pub(crate) dir: tempfile::TempDir,
    pub(crate) chain_id: String,
    pub(crate) rpc: u16,
    process: Child,
}

impl Drop for Node {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

fn port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

impl Node {
    /// Starts a network; `change` edits its `config.toml`.
    pub(crate) fn start(binary: &Path, chain_id: &str, change: impl Fn(String) -> String) -> Self {
        let dir = tempfile::Builder::new().prefix("cosmos-adapter-").tempdir().unwrap();
        let home = dir.path().to_str().unwrap().to_string();
        let run = |args: &[&str]| {
            let output = Command::new(binary).args(args).args(["--home", &home]).output().unwrap();
            assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
            output.stdout
        };
        run(&["init", "test", "--chain-id", chain_id]);
        for name in ["val", "user", KEY, SPARE] {
            let words = run(&["keys", "add", name, "--keyring-backend", "test", "--output", "json"]);
            std::fs::write(dir.path().join(format!("{name}.json")), words).unwrap();
            run(&["genesis", "add-genesis-account", name, "100000000000000stake", "--keyring-backend", "test"]);
        }
        run(&["genesis", "gentx", "val", "1000000000stake", "--chain-id", chain_id, "--keyring-backend", "test"]);
        run(&["genesis", "collect-gentxs"]);
        let path = dir.path().join("config/config.toml");
        let text = std::fs::read_to_string(&path).unwrap();
        let text: Vec<String> = text
            .lines()
            .map(|line| match line.split_once(" = ") {
                Some(("timeout_commit", _)) => "timeout_commit = \"300ms\"".to_string(),
                Some(("pprof_laddr", _)) => "pprof_laddr = \"\"".to_string(),
                _ => line.to_string(),
            })
            .collect();
        std::fs::write(&path, change(text.join("\n"))).unwrap();
        let rpc = port();
        let address = |port: u16| format!("127.0.0.1:{port}");
        let log = std::fs::File::create(dir.path().join("log")).unwrap();
        let process = Command::new(binary)
            .args(["start", "--home", &home, "--minimum-gas-prices", "0stake", "--rpc.laddr", &format!("tcp://{}", address(rpc))])
            .args(["--p2p.laddr", &format!("tcp://{}", address(port())), "--grpc.address", &address(port())])
            .stdout(log)
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Self { binary: binary.to_path_buf(), dir, chain_id: chain_id.to_string(), rpc, process }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.rpc)
    }

    fn key(&self, name: &str) -> Value {
        serde_json::from_slice(&std::fs::read(self.dir.path().join(format!("{name}.json"))).unwrap()).unwrap()
    }

    pub(crate) fn address(&self, name: &str) -> String {
        self.key(name)["address"].as_str().unwrap().to_string()
    }

    pub(crate) fn config(&self) -> Config {
        let mut config = Config::new(&self.chain_id, self.url());
        config.block_interval_ms = 400;
        config
    }

    pub(crate) fn keys(&self) -> Keys {
        let form = (&self.config()).into();
        [KEY, SPARE].into_iter().fold(Keys::none(), |keys, name| {
            let words = Secret::new(self.key(name)["mnemonic"].as_str().unwrap());
            keys.with(name, Signer::from_mnemonic(&words, causeway_cosmos_adapter::keys::COSMOS_PATH, &form).unwrap())
        })
    }

    /// Sends messages as `user`, with the node's own tools; answers the transaction's hash.
    pub(crate) fn submit(&self, messages: &[Value]) -> String {
        let unsigned = json!({
            "body": { "messages": messages, "memo": "", "timeout_height": "0", "extension_options": [], "non_critical_extension_options": [] },
            "auth_info": { "signer_infos": [], "fee": { "amount": [], "gas_limit": (400_000 + 300_000 * messages.len()).to_string(), "payer": "", "granter": "" }, "tip": null },
            "signatures": [],
        });
        let file = |name: &str| self.dir.path().join(name).to_str().unwrap().to_string();
        std::fs::write(file("unsigned"), unsigned.to_string()).unwrap();
        let home = self.dir.path().to_str().unwrap();
        let node = format!("tcp://127.0.0.1:{}", self.rpc);
        let common = ["--home", home, "--node", &node, "--output", "json"];
        let sign = ["tx", "sign", &file("unsigned"), "--from", "user", "--keyring-backend", "test", "--chain-id", &self.chain_id];
        let output = Command::new(&self.binary).args(sign).args(common).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        std::fs::write(file("signed"), output.stdout).unwrap();
        let output = Command::new(&self.binary)
            .args(["tx", "broadcast", &file("signed"), "--broadcast-mode", "sync"])
            .args(common)
            .output()
            .unwrap();
        let answer: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
        assert_eq!(answer["code"], 0, "{answer} {}", String::from_utf8_lossy(&output.stderr));
        answer["txhash"].as_str().unwrap().to_string()
    }

    /// The code with which a transaction ended, once it is in a block.
    async fn code_of(&self, hash: &str) -> u64 {
        let node = format!("tcp://127.0.0.1:{}", self.rpc);
        let deadline = tokio::time::Instant::now() + DEADLINE;
        loop {
            let output = Command::new(&self.binary).args(["q", "tx", hash, "--output", "json", "--node", &node]).output().unwrap();
            if let Ok(tx) = serde_json::from_slice::<Value>(&output.stdout) {
                return tx["code"].as_u64().expect("a transaction has a code");
            }
            assert!(tokio::time::Instant::now() < deadline, "{hash} is in no block in time");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

/// One chain with its adapter, and the client it hosts of the other.
pub(crate) struct Side {
    pub(crate) node: Node,
    pub(crate) adapter: CosmosAdapter,
    pub(crate) light_client: CosmosLightClient,
    pub(crate) client: ClientId,
}

pub(crate) async fn side(node: Node) -> Side {
    let deadline = tokio::time::Instant::now() + DEADLINE;
    loop {
        if let Ok(adapter) = CosmosAdapter::connect(&node.config(), node.keys()).await
            && adapter.status().await.is_ok_and(|status| status.head.height.number > 2)
        {
            let light_client = CosmosLightClient::new(&node.config(), adapter.unbonding_period_s().await.unwrap()).unwrap();
            return Side { node, adapter, light_client, client: ClientId::new("none-0").unwrap() };
        }
        assert!(tokio::time::Instant::now() < deadline, "{} does not start", node.chain_id);
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// Two chains with clients of each other, registered.
pub(crate) async fn world() -> Option<(Side, Side)> {
    world_with(|text| text).await
}

/// The same with a change to both nodes' `config.toml`.
pub(crate) async fn world_with(change: impl Fn(String) -> String) -> Option<(Side, Side)> {
    let binary = binary()?;
    let mut a = side(Node::start(&binary, "chaina-1", &change)).await;
    let mut b = side(Node::start(&binary, "chainb-2", &change)).await;
    a.client = create(&a, &b).await;
    b.client = create(&b, &a).await;
    for (host, other) in [(&a, &b), (&b, &a)] {
        let counterparty = Counterparty { client_id: other.client.clone(), merkle_prefix: vec![b"ibc".to_vec(), Vec::new()] };
        let results =
            deliver(host, KEY, vec![Message::RegisterCounterparty { client_id: host.client.clone(), counterparty }], vec![]).await;
        assert_eq!(results, [MessageResult::Applied { created: None }]);
    }
    Some((a, b))
}

/// The verified state of `side` at a height it has.
pub(crate) async fn state_at(side: &Side, height: Height) -> TrustedState {
    let (_, update) = side.adapter.root(Some(height)).await.unwrap();
    side.light_client.verify_root(&side.light_client.block_hash(&update).unwrap(), &update).unwrap()
}

async fn create(host: &Side, source: &Side) -> ClientId {
    let (height, _) = source.adapter.root(None).await.unwrap();
    let initial = source.light_client.encode_initial(HOST_ENCODING, &state_at(source, height).await, &PARAMS).unwrap();
    let message = Message::CreateClient { client_type: "07-tendermint".to_string(), initial };
    match deliver(host, KEY, vec![message], vec![]).await.pop() {
        Some(MessageResult::Applied { created: Some(client) }) => ClientId::new(client).unwrap(),
        other => panic!("no client was created: {other:?}"),
    }
}

/// Builds, signs, broadcasts and waits; everything must be included in the transaction.
pub(crate) async fn deliver(side: &Side, signer: &str, messages: Vec<Message>, proofs: Vec<ProofGroup>) -> Vec<MessageResult> {
    let count = messages.len();
    let slot = Slot::Number(side.adapter.account(signer).await.unwrap().next_slot.unwrap());
    let request = BuildRequest { signer: signer.to_string(), messages, proofs, slot, fees: FEES, simulate: true };
    let built = side.adapter.build(request).await.unwrap();
    assert_eq!(built.included.len(), count, "{:?}", built.rejected);
    let tx = side.adapter.sign(signer, &built).await.unwrap();
    assert_eq!(side.adapter.broadcast(&tx).await.unwrap(), BroadcastResult::Accepted);
    let deadline = tokio::time::Instant::now() + DEADLINE;
    loop {
        match side.adapter.outcome(&tx).await.unwrap() {
            Outcome::Included { results, .. } => return results,
            Outcome::Impossible(why) => panic!("impossible: {why:?}"),
            _ => assert!(tokio::time::Instant::now() < deadline, "not included in time"),
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Seconds since 1970 by the chain.
pub(crate) async fn now_s(side: &Side) -> u64 {
    side.adapter.status().await.unwrap().head.time_s.unwrap()
}

/// Sends packets as the node's user; answers them once they are in state and can be read back.
pub(crate) async fn send(side: &Side, count: usize, timeout_s: u64) -> Vec<Packet> {
    let (_, sequences) = submit_packets(side, count, timeout_s).await;
    wait_for_sent(side, sequences).await
}

/// Sends packets whose timeout comes as soon as the chain takes it: where the block came after it, they are sent again with more time.
pub(crate) async fn send_expiring(side: &Side, count: usize) -> Vec<Packet> {
    for allowed_s in [4, 8, 16, 32, 64] {
        let (hash, sequences) = submit_packets(side, count, now_s(side).await + allowed_s).await;
        if side.node.code_of(&hash).await == 0 {
            return wait_for_sent(side, sequences).await;
        }
    }
    panic!("{} took no packets", side.node.chain_id);
}

/// Sends packets in one transaction; answers its hash, and the sequences that they have if it does not fail in its block.
async fn submit_packets(side: &Side, count: usize, timeout_s: u64) -> (String, Vec<Sequence>) {
    let sender = side.node.address("user");
    let receiver = &sender;
    let value = json!({ "denom": "stake", "amount": "1", "sender": sender, "receiver": receiver, "memo": "" }).to_string();
    let message = json!({
        "@type": "/ibc.core.channel.v2.MsgSendPacket",
        "source_client": side.client.as_str(),
        "timeout_timestamp": timeout_s.to_string(),
        "payloads": [{
            "source_port": "transfer", "destination_port": "transfer", "version": "ics20-1", "encoding": "application/json",
            "value": base64(value.as_bytes()),
        }],
        "signer": sender,
    });
    let before = last_sent(side).await;
    let hash = side.node.submit(&vec![message; count]);
    (hash, (1..=count as u64).map(|at| Sequence::new(before + at).unwrap()).collect())
}

/// A channel of the transfer application between two ends on this chain, over the connection that every chain has to itself; answers the first
/// end, once it is open. The chain is its own counterparty, so one transaction holds the whole handshake.
pub(crate) async fn open_channel(side: &Side) -> ChannelEndId {
    let signer = side.node.address("user");
    let channel = |state: &str, other: &str| {
        json!({
            "state": state, "ordering": "ORDER_UNORDERED", "version": "ics20-1", "connection_hops": ["connection-localhost"],
            "counterparty": { "port_id": "transfer", "channel_id": other },
        })
    };
    // The client of a chain to itself looks into the state: its proof is one byte, and its height is any.
    let (proof, height) = (base64(&[1]), json!({ "revision_number": "0", "revision_height": "1" }));
    let proven = |kind: &str, step: Value| {
        let mut message = json!({
            "@type": format!("/ibc.core.channel.v1.{kind}"), "port_id": "transfer", "signer": signer, "proof_height": height,
        });
        message.as_object_mut().unwrap().extend(step.as_object().unwrap().clone());
        message
    };
    side.node.submit(&[
        json!({ "@type": "/ibc.core.channel.v1.MsgChannelOpenInit", "port_id": "transfer", "channel": channel("STATE_INIT", ""), "signer": signer }),
        proven(
            "MsgChannelOpenTry",
            json!({ "channel": channel("STATE_TRYOPEN", "channel-0"), "counterparty_version": "ics20-1", "proof_init": proof }),
        ),
        proven(
            "MsgChannelOpenAck",
            json!({ "channel_id": "channel-0", "counterparty_channel_id": "channel-1", "counterparty_version": "ics20-1", "proof_try": proof }),
        ),
        proven("MsgChannelOpenConfirm", json!({ "channel_id": "channel-1", "proof_ack": proof })),
    ]);
    let id = ChannelEndId { port: PortId::new("transfer").unwrap(), channel: ChannelId::new("channel-0").unwrap() };
    let deadline = tokio::time::Instant::now() + DEADLINE;
    while side.adapter.channel(&id).await.map(|end| end.state) != Ok(HandshakeState::Open) {
        assert!(tokio::time::Instant::now() < deadline, "the channel is not open in time");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    id
}

/// The packets of these sequences, once the adapter finds them all.
async fn wait_for_sent(side: &Side, sequences: Vec<Sequence>) -> Vec<Packet> {
    let deadline = tokio::time::Instant::now() + DEADLINE;
    loop {
        let found = sent(side, sequences.clone()).await;
        if found.len() == sequences.len() {
            return found;
        }
        assert!(tokio::time::Instant::now() < deadline, "{} of {} packets found", found.len(), sequences.len());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Those of the packets that the adapter finds now.
async fn sent(side: &Side, sequences: Vec<Sequence>) -> Vec<Packet> {
    let request = causeway_adapter::HydrateRequest {
        end: side.client.clone().into(),
        kind: causeway_adapter::HydrateKind::Sent,
        sequences,
        range: None,
    };
    let packet = |one| match one {
        causeway_adapter::Hydrated::Found(located) => match located.event {
            causeway_adapter::Event::Sent { packet } => Some(packet),
            _ => None,
        },
        causeway_adapter::Hydrated::Unavailable(_) => None,
    };
    side.adapter.hydrate(request).await.unwrap().into_iter().filter_map(packet).collect()
}

/// The last sequence that still lives; tests send through one client only and complete in order.
async fn last_sent(side: &Side) -> u64 {
    let head = side.adapter.status().await.unwrap().head.height.number;
    let output = Command::new(&side.node.binary)
        .args(["q", "ibc", "channelv2", "next-sequence-send", side.client.as_str(), "--prove=false", "--output", "json"])
        .args(["--node", &format!("tcp://127.0.0.1:{}", side.node.rpc)])
        .output()
        .unwrap();
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
    let next = answer["next_sequence_send"].as_str().and_then(|text| text.parse::<u64>().ok());
    next.unwrap_or_else(|| panic!("at {head}: {answer} {}", String::from_utf8_lossy(&output.stderr))) - 1
}

fn base64(bytes: &[u8]) -> String {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

/// Waits until a claim about `source` is provable; answers from which height on.
pub(crate) async fn provable(source: &Side, claim: &Claim) -> Height {
    let deadline = tokio::time::Instant::now() + DEADLINE;
    loop {
        match source.adapter.provable(claim).await.unwrap() {
            Provable::From(height) | Provable::Exactly(height) => return height,
            Provable::Later { .. } => assert!(tokio::time::Instant::now() < deadline, "never provable"),
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Updates of the client of `source` on `host`, each verified here, and the state they end at.
pub(crate) async fn updates(host: &Side, source: &Side, need: Height) -> (Vec<Message>, TrustedState) {
    let view = host.adapter.client(&host.client).await.unwrap();
    let mut trusted = state_at(source, view.latest).await;
    assert_eq!(host.adapter.consensus(&host.client, view.latest).await.unwrap().hash, source.light_client.consensus_hash(&trusted));
    let limits = host.adapter.describe().await.unwrap().limits;
    let Plan::Steps(steps) = source.adapter.plan_update(&view, Some(need), limits).await.unwrap() else { panic!("not yet") };
    let mut messages = Vec::new();
    for step in steps {
        match source.light_client.verify_update(&trusted, &step.update, &PARAMS, now_s(source).await) {
            Verdict::Success(state) => trusted = state,
            other => panic!("{other:?}"),
        }
        let update = source.light_client.encode_update(HOST_ENCODING, &step.update).unwrap();
        messages.push(Message::UpdateClient { client_id: host.client.clone(), update });
    }
    (messages, trusted)
}

/// Evidence for claims about `source`, verified here and encoded for `host`.
pub(crate) async fn prove(host: &Side, source: &Side, claims: &[Claim], trusted: &TrustedState) -> ProofGroup {
    let evidence = source.adapter.fetch(claims, trusted.height).await.unwrap();
    for (index, claim) in claims.iter().enumerate() {
        source.light_client.verify_claim(trusted, claim, &evidence, index).unwrap();
    }
    ProofGroup { client_id: host.client.clone(), evidence: source.light_client.encode_evidence(HOST_ENCODING, &evidence).unwrap() }
}
