//! The Solidity client judges headers and proofs exactly as the native verifier: same verdict, same rule, same facts.
//!
//! The cases and mutations come from the native verifier's crate; vectors of other projects are read when they are there.

use std::collections::HashMap;

use crate::support::evm::{Evm, Outcome};
use alloy::primitives::{Address, B256, Bytes, keccak256};
use alloy::sol_types::SolValue;
use causeway_evm_contracts::abi::{
    self, BatchItem, ClientState, ConsensusState, Height, Init, MsgVerifyMembership, MsgVerifyNonMembership, QbftLightClient, UpdateResult,
};
use causeway_evm_contracts::{Contract, refusal};
use causeway_evm_light_client::fixtures::{Case, Facts, Input, Outcome as Native, cases, judge, mutations};
use causeway_evm_light_client::{ClientParams, Kind, NativeRecover, TrustedState, Update};
use revm::primitives::hardfork::SpecId;

/// How many mutations are judged by both.
const MUTATIONS: usize = 12_000;

/// Clients by what they were created with: creating one a case would take most of the time.
struct Judge {
    evm: Evm,
    clients: HashMap<Vec<u8>, Address>,
    recover: NativeRecover,
}

fn init(params: &ClientParams, trusted: &TrustedState, storage_root: [u8; 32]) -> Init {
    Init {
        clientState: ClientState {
            kind: u8::from(params.kind == Kind::Ibft2),
            chainId: 1,
            router: params.router.into(),
            latestHeight: trusted.height,
            trustingPeriodSeconds: params.trusting_period_s,
            maxClockDriftSeconds: params.max_clock_drift_s,
            frozen: false,
        },
        consensusState: ConsensusState {
            timestamp: trusted.timestamp_s,
            storageRoot: storage_root.into(),
            validatorsHash: trusted.validators_hash.into(),
        },
        recoverer: Address::ZERO,
    }
}

fn bytes_of(nodes: &[Vec<u8>]) -> Vec<Bytes> {
    nodes.iter().map(|node| Bytes::copy_from_slice(node)).collect()
}

fn update_of(update: &Update) -> abi::Update {
    abi::Update {
        trustedHeight: update.trusted_height,
        trustedValidators: update.trusted_validators.iter().map(|address| Address::from(*address)).collect(),
        header: update.header.clone().into(),
        accountProof: bytes_of(&update.account_proof),
    }
}

impl Judge {
    fn new() -> Self {
        Self { evm: Evm::new(SpecId::BERLIN, 1), clients: HashMap::new(), recover: NativeRecover::default() }
    }

    fn client(&mut self, case: &Case, storage_root: [u8; 32]) -> Address {
        let init = init(&case.params, &case.trusted, storage_root).abi_encode();
        if let Some(client) = self.clients.get(&init) {
            return *client;
        }
        let client = self.evm.deploy(Address::ZERO, Contract::QbftLightClient, &Bytes::from(init.clone()).abi_encode());
        self.clients.insert(init, client);
        client
    }

    fn ask(&mut self, case: &Case) -> Outcome {
        let root = match &case.input {
            Input::Storage { storage_root, .. } | Input::Batch { storage_root, .. } => *storage_root,
            _ => case.trusted.storage_root,
        };
        let client = self.client(case, root);
        self.evm.time = case.now_s;
        let height = case.trusted.height;
        let proof_height = Height { revisionNumber: 0, revisionHeight: height };
        match &case.input {
            Input::Update(update) => {
                let call = QbftLightClient::updateClientCall { updateMsg: update_of(update).abi_encode().into() };
                self.evm.try_call(Address::ZERO, client, &call)
            }
            Input::Misbehaviour(a, b) => {
                let both = abi::Misbehaviour { a: update_of(a), b: update_of(b) };
                let call = QbftLightClient::misbehaviourCall { misbehaviourMsg: both.abi_encode().into() };
                self.evm.try_call(Address::ZERO, client, &call)
            }
            Input::Storage { path, value: Some(value), nodes, .. } => {
                let m = MsgVerifyMembership {
                    proof: bytes_of(nodes).abi_encode().into(),
                    proofHeight: proof_height,
                    path: vec![path.clone().into()],
                    value: Bytes::copy_from_slice(value),
                };
                self.evm.try_call(Address::ZERO, client, &QbftLightClient::verifyMembershipCall { m })
            }
            Input::Storage { path, value: None, nodes, .. } => {
                let proof = bytes_of(nodes).abi_encode().into();
                let m = MsgVerifyNonMembership { proof, proofHeight: proof_height, path: vec![path.clone().into()] };
                self.evm.try_call(Address::ZERO, client, &QbftLightClient::verifyNonMembershipCall { m })
            }
            Input::Batch { nodes, items, .. } => {
                let items = items.iter().map(|item| BatchItem {
                    path: item.path.clone().into(),
                    value: item.value.unwrap_or_default().into(),
                    nodes: item.nodes.clone(),
                });
                let call = QbftLightClient::verifyBatchCall { height, nodes: bytes_of(nodes), items: items.collect() };
                self.evm.try_call(Address::ZERO, client, &call)
            }
        }
    }

    /// Both verdicts on a case, compared.
    fn compare(&mut self, case: &Case) -> Result<(), String> {
        let native = judge(case, &self.recover);
        if zero_root(case) {
            // refuse.md P11: no client starts from a root that is nobody's, so nothing can be proven under one.
            return matches!(native, Native::Refused(_)).then_some(()).ok_or_else(|| case.name.clone());
        }
        let out = self.ask(case);
        let found =
            if out.ok { "accepted".to_owned() } else { refusal::rule(&out.output).unwrap_or_else(|| refusal::describe(&out.output)) };
        let agree = match &native {
            Native::Refused(rule) => !out.ok && found == *rule,
            Native::NotEnoughTrust => !out.ok && found == "overlap",
            Native::Accepted(facts) => out.ok && same_facts(facts, &out),
        };
        if agree { Ok(()) } else { Err(format!("{}: native {native:?}, Solidity {found}", case.name)) }
    }
}

fn zero_root(case: &Case) -> bool {
    match &case.input {
        Input::Storage { storage_root, .. } | Input::Batch { storage_root, .. } => *storage_root == [0; 32],
        _ => false,
    }
}

fn same_facts(facts: &Facts, out: &Outcome) -> bool {
    match facts {
        Facts::State(state) => {
            let trusted = out.events::<QbftLightClient::HeightTrusted>();
            matches!(out.answer::<QbftLightClient::updateClientCall>(), UpdateResult::Update)
                && trusted.len() == 1
                && trusted[0].height == state.height
                && trusted[0].timestamp == state.timestamp_s
                && trusted[0].storageRoot.0 == state.storage_root
                && trusted[0].validatorsHash.0 == state.validators_hash
        }
        Facts::Conflict(conflict) => {
            let frozen = out.events::<QbftLightClient::Frozen>();
            frozen.len() == 1 && frozen[0].height == conflict.height
        }
        Facts::Holds => true,
        Facts::Batch(items) => {
            let ok = out.answer::<QbftLightClient::verifyBatchCall>().ok;
            ok.iter().copied().eq(items.iter().map(Option::is_none))
        }
    }
}

#[track_caller]
fn all_agree(cases: impl Iterator<Item = Case>) -> usize {
    let mut judge = Judge::new();
    let (mut count, mut failures) = (0, Vec::new());
    for case in cases {
        count += 1;
        failures.extend(judge.compare(&case).err());
    }
    assert!(failures.is_empty(), "{} of {count} differ, such as\n{}", failures.len(), failures[..failures.len().min(30)].join("\n"));
    count
}

#[test]
fn every_case_gets_the_native_verdict() {
    let count = all_agree(cases().into_iter());
    println!("{count} cases judged alike");
}

#[test]
fn mutations_get_the_native_verdict() {
    let count = all_agree(mutations(20_261_122, MUTATIONS).map(|(mutated, _)| mutated));
    println!("{count} mutations judged alike");
}

fn row(id: &str) {
    let of_row: Vec<_> = cases().into_iter().filter(|case| case.row == id).collect();
    assert!(!of_row.is_empty(), "no case stands for {id}");
    let mut judge = Judge::new();
    for case in &of_row {
        if zero_root(case) {
            let init = init(&case.params, &case.trusted, [0; 32]).abi_encode();
            let out = judge.evm.create(Address::ZERO, Contract::QbftLightClient, &Bytes::from(init).abi_encode());
            assert_eq!(out.error(), "InitInvalid", "{}", case.name);
            continue;
        }
        let out = judge.ask(case);
        match case.expected {
            causeway_evm_light_client::fixtures::Expected::Refuse(rule) if out.ok => {
                let refused =
                    matches!(case.input, Input::Batch { .. }) && out.answer::<QbftLightClient::verifyBatchCall>().ok.contains(&false);
                assert!(refused, "{}: accepted, not {rule}", case.name);
            }
            causeway_evm_light_client::fixtures::Expected::Refuse(rule) => {
                assert_eq!(refusal::rule(&out.output).as_deref(), Some(rule), "{}", case.name);
            }
            causeway_evm_light_client::fixtures::Expected::Accept => assert!(out.ok, "{}", case.name),
            causeway_evm_light_client::fixtures::Expected::NotEnoughTrust => assert!(!out.ok, "{}", case.name),
        }
    }
}

macro_rules! rows {
    ($($name:ident = $row:literal;)*) => { $(#[test] fn $name() { row($row); })* };
}

rows! {
    refuses_p1_proofs_with_any_byte_changed = "P1";
    refuses_p2_forged_absence = "P2";
    refuses_p5_nodes_missing_left_over_or_exchanged = "P5";
    refuses_p6_truncated_exclusion = "P6";
    refuses_p7_embedded_node_confusion = "P7";
    refuses_p8_path_encodings = "P8";
    refuses_p9_nibble_split = "P9";
    refuses_p10_rlp = "P10";
    refuses_p11_zero_root = "P11";
    refuses_h4_headers_from_the_future = "H4";
    refuses_h5_headers_that_are_not_newer = "H5";
    refuses_h7_seals_of_another_set = "H7";
    refuses_h8_header_rules = "H8";
    refuses_c4_absent_account = "C4";
    refuses_c5_only_another_block_is_misbehaviour = "C5";
    refuses_c6_trimmed_values = "C6";
    refuses_c7_proofs_of_another_block = "C7";
    refuses_c8_expired_trust = "C8";
    refuses_c9_validator_contract_mode = "C9";
}

#[test]
fn storage_layout_is_upstream() {
    // The slot of commitment channel-0/1, recomputed from the namespace.
    let mut path = b"channel-0\x01".to_vec();
    path.extend_from_slice(&1_u64.to_be_bytes());
    let slot = keccak256(
        [keccak256(&path).as_slice(), &hex::decode("1260944489272988d9df285149b5aa1b0f48f2136d6f416159f840a3e0747600").expect("hex")]
            .concat(),
    );
    assert_eq!(slot, "0x159ac19e1a188a1143a006ecbbdce0e626c08665252d035c98633a7286456057".parse::<B256>().expect("hex"));
}
