//! Two chains with routers, applications and clients of each other, and what a relayer does between them.

use alloy::primitives::{Address, B256, Bytes, U256, address, keccak256};
use alloy::sol_types::{SolCall, SolValue};
use causeway_evm_contracts::abi::{
    BatchItem, ClientState, ConsensusState, CounterpartyInfo, Echo, Height, HostileApp, Init, Kind, MessageGateway, MsgAckPacket,
    MsgRecvPacket, MsgSendPacket, MsgTimeoutPacket, Packet, Payload, QbftLightClient, RelayBatch, RelayMessage, Router, SendTransfer,
    TestToken, TokenTransfer, Update,
};
use causeway_evm_contracts::{Contract, abi};
use causeway_evm_light_client::fixtures::{Trie, World, assemble};
use causeway_evm_light_client::{Kind as Seal, rlp, storage};
use revm::primitives::hardfork::SpecId;

use super::evm::{Evm, GAS, Outcome};

pub const OWNER: Address = address!("0x1000000000000000000000000000000000000001");
pub const ALICE: Address = address!("0x2000000000000000000000000000000000000002");
pub const RELAYER: Address = address!("0x3000000000000000000000000000000000000003");
pub const START: u64 = 1_700_000_000;
pub const MIN_GAS: u64 = 450_000;

/// A chain: its EVM, its validators, and what is deployed on it.
pub struct Chain {
    pub evm: Evm,
    pub world: World,
    pub height: u64,
    pub router: Address,
    pub transfer: Address,
    pub gateway: Address,
    pub token: Address,
    pub echo: Address,
    pub app: Address,
    pub client: Address,
    pub client_id: String,
}

/// A sealed block with the tries that its proofs come from.
pub struct Block {
    pub height: u64,
    pub time: u64,
    pub header: Vec<u8>,
    pub account_proof: Vec<Vec<u8>>,
    pub storage: Trie,
    pub root: [u8; 32],
    pub validators: Vec<[u8; 20]>,
}

pub fn commitment_path(client: &str, sequence: u64) -> Vec<u8> {
    path(client, 1, sequence)
}

pub fn receipt_path(client: &str, sequence: u64) -> Vec<u8> {
    path(client, 2, sequence)
}

pub fn ack_path(client: &str, sequence: u64) -> Vec<u8> {
    path(client, 3, sequence)
}

fn path(client: &str, kind: u8, sequence: u64) -> Vec<u8> {
    let mut path = client.as_bytes().to_vec();
    path.push(kind);
    path.extend_from_slice(&sequence.to_be_bytes());
    path
}

fn bytes_of(nodes: &[Vec<u8>]) -> Vec<Bytes> {
    nodes.iter().map(|node| Bytes::copy_from_slice(node)).collect()
}

impl Block {
    /// Evidence of one path in the form of single proofs.
    pub fn proof(&self, path: &[u8]) -> Bytes {
        bytes_of(&self.storage.prove(&storage::trie_key(path))).abi_encode().into()
    }

    /// The update that takes a client from `trusted` to this block.
    pub fn update(&self, trusted: u64) -> Bytes {
        Update {
            trustedHeight: trusted,
            trustedValidators: self.validators.iter().map(|address| Address::from(*address)).collect(),
            header: self.header.clone().into(),
            accountProof: bytes_of(&self.account_proof),
        }
        .abi_encode()
        .into()
    }
}

impl Chain {
    pub fn new(spec: SpecId, seed: u64) -> Self {
        let mut evm = Evm::new(spec, START);
        let router = evm.deploy(OWNER, Contract::Router, &OWNER.abi_encode());
        let transfer = evm.deploy(OWNER, Contract::TokenTransfer, &router.abi_encode());
        let gateway = evm.deploy(OWNER, Contract::MessageGateway, &router.abi_encode());
        let token = evm.deploy(OWNER, Contract::TestToken, &("Test".to_owned(), "TST".to_owned()).abi_encode_params());
        let echo = evm.deploy(OWNER, Contract::Echo, &[]);
        let app = evm.deploy(OWNER, Contract::HostileApp, &[]);
        for (port, app) in [("transfer", transfer), ("gmpport", gateway), ("hostile", app)] {
            evm.call(OWNER, router, &Router::addIBCApp_1Call { portId: port.to_owned(), app }).must();
        }
        let factory = evm.deploy(OWNER, Contract::QbftLightClientFactory, &U256::ZERO.abi_encode());
        evm.call(OWNER, router, &Router::registerClientTypeCall { clientType: "qbft".to_owned(), factory }).must();
        evm.call(OWNER, token, &TestToken::mintCall { to: ALICE, amount: U256::from(1_000_000_000_u64) }).must();
        evm.call(ALICE, token, &TestToken::approveCall { spender: transfer, value: U256::MAX }).must();
        let world = World::new(Seal::Qbft, 4, seed);
        let (client, client_id) = (Address::ZERO, String::new());
        Self { evm, world, height: 10, router, transfer, gateway, token, echo, app, client, client_id }
    }

    /// Seals a block over the state as it is, one second later.
    pub fn seal(&mut self) -> Block {
        self.height += 1;
        self.evm.time += 1;
        let mut storage = Trie::new();
        for (slot, value) in self.evm.storage(self.router) {
            let mut encoded = Vec::new();
            rlp::put_bytes(&mut encoded, &value.to_be_bytes_trimmed_vec());
            storage.insert(keccak256(slot.to_be_bytes::<32>()).as_slice(), &encoded);
        }
        let root = storage.root();
        let string = |bytes: &[u8]| {
            let mut out = Vec::new();
            rlp::put_bytes(&mut out, bytes);
            out
        };
        let account = assemble(&[string(&[1]), string(&[]), string(&root), string(keccak256(b"code").as_slice())]);
        let mut state = Trie::new();
        state.insert(keccak256(self.router).as_slice(), &account);
        for other in 0_u8..200 {
            state.insert(keccak256([other]).as_slice(), &account);
        }
        let mut spec = self.world.spec();
        spec.number = self.height;
        spec.timestamp_s = self.evm.time;
        spec.state_root = state.root();
        Block {
            height: self.height,
            time: self.evm.time,
            header: spec.seal(self.world.quorum()),
            account_proof: state.prove(keccak256(self.router).as_slice()),
            storage,
            root,
            validators: spec.validators,
        }
    }

    /// The creation data of a client of this chain at a block.
    pub fn init(&self, block: &Block) -> Init {
        Init {
            clientState: ClientState {
                kind: 0,
                chainId: 7,
                router: self.router,
                latestHeight: block.height,
                trustingPeriodSeconds: 86_400 * 7,
                maxClockDriftSeconds: 15,
                frozen: false,
            },
            consensusState: ConsensusState {
                timestamp: block.time,
                storageRoot: block.root.into(),
                validatorsHash: keccak256(block.validators.concat()),
            },
            recoverer: OWNER,
        }
    }

    pub fn create_client(&mut self, init: &Init) {
        let call = Router::createClientCall { clientType: "qbft".to_owned(), init: init.abi_encode().into() };
        self.client_id = self.evm.call(OWNER, self.router, &call).answer::<Router::createClientCall>();
        self.client = self.evm.view(self.router, &Router::getClientCall { clientId: self.client_id.clone() });
    }

    pub fn register(&mut self, counterparty: &str) {
        let info = CounterpartyInfo { clientId: counterparty.to_owned(), merklePrefix: vec![Bytes::new()] };
        self.evm.call(OWNER, self.router, &Router::registerCounterpartyCall { clientId: self.client_id.clone(), info }).must();
    }

    pub fn latest(&self) -> u64 {
        let state = self.evm.view(self.client, &QbftLightClient::getClientStateCall {});
        ClientState::abi_decode(&state).expect("a client state").latestHeight
    }

    pub fn balance(&self, token: Address, owner: Address) -> u64 {
        self.evm.view(token, &TestToken::balanceOfCall { account: owner }).to()
    }

    #[track_caller]
    pub fn sent(out: &Outcome) -> Packet {
        let mut sent = out.clone().must().events::<abi::Router::SendPacket>();
        assert_eq!(sent.len(), 1, "one packet was sent");
        sent.remove(0).packet
    }

    pub fn transfer(&mut self, denom: &str, amount: u64, receiver: &str) -> (Packet, u64) {
        let call = TokenTransfer::sendTransferCall {
            m: SendTransfer {
                sourceClient: self.client_id.clone(),
                denom: denom.to_owned(),
                amount: U256::from(amount),
                receiver: receiver.to_owned(),
                timeoutTimestamp: self.evm.time + 600,
                memo: String::new(),
            },
        };
        let out = self.evm.call(ALICE, self.transfer, &call);
        (Self::sent(&out), out.gas)
    }

    pub fn message(&mut self, receiver: Address, payload: Vec<u8>) -> Packet {
        let call = Echo::sendCall {
            gateway: self.gateway,
            call: abi::SendCall {
                sourceClient: self.client_id.clone(),
                timeoutTimestamp: self.evm.time + 600,
                receiver: receiver.to_string(),
                salt: Bytes::new(),
                payload: payload.into(),
                memo: String::new(),
            },
        };
        let out = self.evm.call(ALICE, self.echo, &call);
        Self::sent(&out)
    }

    /// A packet of the hostile application to any port.
    pub fn raw(&mut self, port: &str, value: &[u8]) -> Packet {
        let m = MsgSendPacket {
            sourceClient: self.client_id.clone(),
            timeoutTimestamp: self.evm.time + 600,
            payload: Payload {
                sourcePort: "hostile".to_owned(),
                destPort: port.to_owned(),
                version: "v".to_owned(),
                encoding: "e".to_owned(),
                value: Bytes::copy_from_slice(value),
            },
        };
        let out = self.evm.call(ALICE, self.app, &HostileApp::sendCall { router: self.router, m });
        Self::sent(&out)
    }

    pub fn update(&mut self, block: &Block) -> Outcome {
        let update = block.update(self.latest());
        let call = Router::updateClientCall { clientId: self.client_id.clone(), updateMsg: update };
        self.evm.call(RELAYER, self.router, &call)
    }

    pub fn recv(&mut self, packet: &Packet, block: &Block) -> Outcome {
        let proof = block.proof(&commitment_path(&packet.sourceClient, packet.sequence));
        let msg = MsgRecvPacket { packet: packet.clone(), proofCommitment: proof, proofHeight: height(block) };
        self.evm.call(RELAYER, self.router, &Router::recvPacketCall { m: msg })
    }

    pub fn ack(&mut self, packet: &Packet, ack: &[u8], block: &Block) -> Outcome {
        let proof = block.proof(&ack_path(&packet.destClient, packet.sequence));
        let acknowledgement = Bytes::copy_from_slice(ack);
        let msg = MsgAckPacket { packet: packet.clone(), acknowledgement, proofAcked: proof, proofHeight: height(block) };
        self.evm.call(RELAYER, self.router, &Router::ackPacketCall { m: msg })
    }

    pub fn timeout(&mut self, packet: &Packet, block: &Block) -> Outcome {
        let proof = block.proof(&receipt_path(&packet.destClient, packet.sequence));
        let msg = MsgTimeoutPacket { packet: packet.clone(), proofTimeout: proof, proofHeight: height(block) };
        self.evm.call(RELAYER, self.router, &Router::timeoutPacketCall { m: msg })
    }

    pub fn relay(&mut self, batch: &RelayBatch) -> Outcome {
        self.evm.call_with_gas(RELAYER, self.router, &Router::relayBatchCall { batch: batch.clone() }, GAS)
    }

    pub fn token_denom(&self) -> String {
        format!("{:#x}", self.token)
    }
}

pub fn height(block: &Block) -> Height {
    Height { revisionNumber: 0, revisionHeight: block.height }
}

/// What is asked of a block for a message.
pub fn path_of(kind: Kind, packet: &Packet) -> Vec<u8> {
    match kind {
        Kind::Recv => commitment_path(&packet.sourceClient, packet.sequence),
        Kind::Ack => ack_path(&packet.destClient, packet.sequence),
        _ => receipt_path(&packet.destClient, packet.sequence),
    }
}

/// A batch for a client, with nodes shared. An update is part of it when `trusted` names the height it starts from.
pub fn batch(client_id: &str, block: &Block, trusted: Option<u64>, messages: &[(Kind, Packet, Vec<u8>)]) -> RelayBatch {
    let mut nodes: Vec<Vec<u8>> = Vec::new();
    let messages = messages
        .iter()
        .map(|(kind, packet, ack)| {
            let indices = block.storage.prove(&storage::trie_key(&path_of(*kind, packet))).into_iter().map(|node| {
                let index = nodes.iter().position(|known| *known == node).unwrap_or_else(|| {
                    nodes.push(node);
                    nodes.len() - 1
                });
                u16::try_from(index).expect("few nodes")
            });
            let indices = indices.collect();
            RelayMessage { kind: *kind, packet: packet.clone(), acknowledgement: ack.clone().into(), nodes: indices }
        })
        .collect();
    RelayBatch {
        clientId: client_id.to_owned(),
        update: trusted.map(|trusted| block.update(trusted)).unwrap_or_default(),
        proofHeight: block.height,
        nodes: bytes_of(&nodes),
        minGasPerMessage: MIN_GAS,
        messages,
    }
}

/// An item of `verifyBatch`.
pub fn item(path: &[u8], value: B256, nodes: Vec<u16>) -> BatchItem {
    BatchItem { path: Bytes::copy_from_slice(path), value, nodes }
}

pub struct Pair {
    pub a: Chain,
    pub b: Chain,
}

impl Pair {
    pub fn new() -> Self {
        Self::on(SpecId::BERLIN)
    }

    pub fn on(spec: SpecId) -> Self {
        let mut pair = Self { a: Chain::new(spec, 1), b: Chain::new(spec, 2) };
        let (block_a, block_b) = (pair.a.seal(), pair.b.seal());
        let (init_a, init_b) = (pair.a.init(&block_a), pair.b.init(&block_b));
        pair.a.create_client(&init_b);
        pair.b.create_client(&init_a);
        let (id_a, id_b) = (pair.a.client_id.clone(), pair.b.client_id.clone());
        pair.a.register(&id_b);
        pair.b.register(&id_a);
        pair
    }

    /// A block of A that B's client follows.
    #[track_caller]
    pub fn a_to_b(&mut self) -> Block {
        let block = self.a.seal();
        self.b.evm.time = self.b.evm.time.max(block.time);
        self.b.update(&block).must();
        block
    }

    /// A block of B that A's client follows.
    #[track_caller]
    pub fn b_to_a(&mut self) -> Block {
        let block = self.b.seal();
        self.a.evm.time = self.a.evm.time.max(block.time);
        self.a.update(&block).must();
        block
    }

    /// Sends 100 tokens from A to B's Alice and delivers them; answers the packet.
    pub fn delivered_transfer(&mut self, amount: u64) -> Packet {
        let denom = self.a.token_denom();
        let (packet, _) = self.a.transfer(&denom, amount, &ALICE.to_string());
        let block = self.a_to_b();
        self.b.recv(&packet, &block).must();
        packet
    }

    /// The voucher on B of A's token.
    pub fn voucher(&self) -> (String, Address) {
        let denom = format!("transfer/{}/{}", self.b.client_id, self.a.token_denom());
        let voucher = self.b.evm.view(self.b.transfer, &TokenTransfer::voucherOfCall { denom: denom.clone() });
        (denom, voucher)
    }
}

/// The acknowledgement of an outcome's only write.
#[track_caller]
pub fn written_ack(out: &Outcome) -> Vec<u8> {
    let written = out.clone().must().events::<Router::WriteAcknowledgement>();
    assert_eq!(written.len(), 1, "one acknowledgement was written");
    written[0].acknowledgements[0].to_vec()
}

pub fn echo_payload(data: &[u8]) -> Vec<u8> {
    Echo::echoCall { data: Bytes::copy_from_slice(data) }.abi_encode()
}

pub fn account_of(chain: &Chain, client: &str, sender: Address) -> Address {
    let call = MessageGateway::accountOfCall { clientId: client.to_owned(), sender: format!("{sender:#x}"), salt: Bytes::new() };
    chain.evm.view(chain.gateway, &call)
}
