//! The interface is upstream's, the Rust types are the artifacts', and the artifacts are those of the sources.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use alloy::primitives::keccak256;
use alloy::sol_types::{SolCall, SolEvent, SolInterface};
use causeway_evm_contracts::abi::{
    CallAccount, Echo, HostileApp, HostileClient, MessageGateway, QbftLightClient, QbftLightClientFactory, RawSender, Router, TestToken,
    TokenTransfer, TrieHarness, Voucher,
};
use causeway_evm_contracts::{Contract, refusal};
use sha2::{Digest, Sha256};

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The table of docs on ICS26Router: function, selector.
#[test]
fn selectors_are_upstream() {
    let table: [(&str, [u8; 4]); 18] = [
        ("4d6e7ce3", Router::sendPacketCall::SELECTOR),
        ("5ebd10ca", Router::recvPacketCall::SELECTOR),
        ("1bca011a", Router::ackPacketCall::SELECTOR),
        ("b98c330a", Router::timeoutPacketCall::SELECTOR),
        ("6fbf8079", Router::updateClientCall::SELECTOR),
        ("ac9650d8", Router::multicallCall::SELECTOR),
        ("7795820c", Router::getCommitmentCall::SELECTOR),
        ("e3cb36a0", Router::addClient_1Call::SELECTOR),
        ("1ec43e23", Router::addClient_0Call::SELECTOR),
        ("cce0b265", Router::migrateClientCall::SELECTOR),
        ("9e2e5c83", Router::submitMisbehaviourCall::SELECTOR),
        ("7eb78932", Router::getClientCall::SELECTOR),
        ("b0777bfa", Router::getCounterpartyCall::SELECTOR),
        ("27f146f3", Router::getNextClientSeqCall::SELECTOR),
        ("4b720d5b", Router::addIBCApp_0Call::SELECTOR),
        ("5f516889", Router::addIBCApp_1Call::SELECTOR),
        ("2447af29", Router::getIBCAppCall::SELECTOR),
        ("0bece356", QbftLightClient::updateClientCall::SELECTOR),
    ];
    for (expected, found) in table {
        assert_eq!(hex::encode(found), expected);
    }
}

#[test]
fn topics_are_upstream() {
    let table = [
        ("ab3a4458a269be61dfa43faa33aa7b1f5d570716f83ad078bc2ba5dab039abae", Router::SendPacket::SIGNATURE_HASH),
        ("76765590e2b799b0506100f8a6610cfecab2c71e8e1f8aa981b099aff0dfdb74", Router::WriteAcknowledgement::SIGNATURE_HASH),
        ("f9bab74bcdb634f4d3dd064cc42a13df056598e1c0336905d2f5750fbfb08b7b", Router::AckPacket::SIGNATURE_HASH),
        ("01e5ed58494819ef3f6480dd08e433b7c08ed75c7abdf2c22c6f04b71340a168", Router::TimeoutPacket::SIGNATURE_HASH),
        ("d08bf58b0e4eec5bfc697a4fdbb6839057fbf4dd06f1b1ce07445c0e5a654caf", Router::Noop::SIGNATURE_HASH),
        ("b9edb487876e8be10f54e377c1a815a54ad92a6db1c9561dfe8fad2f0d1da84f", Router::IBCAppRecvPacketCallbackError::SIGNATURE_HASH),
        ("0ecded31ecd211a73abf0fb3bc09150bbe321a05550fbe29ea0f16b6e25fbfa8", Router::ICS02ClientAdded::SIGNATURE_HASH),
        ("87bbef2779889a19f0435ddca81fda94132c06ffddb0ea73def256307a293aef", Router::ICS02ClientUpdated::SIGNATURE_HASH),
        ("23c2e29d6ae84e79fa116b8afd6e28ddc1de7f473d3edb407fbd08093c3ed6bf", Router::ICS02ClientMigrated::SIGNATURE_HASH),
        ("a263f0a976b2937a51fd2e416491cf0ca724d5499fa870715929dfde4ee4a430", Router::ICS02MisbehaviourSubmitted::SIGNATURE_HASH),
    ];
    for (expected, found) in table {
        assert_eq!(hex::encode(found), expected);
    }
}

fn of_artifact(contract: Contract, kind: &str) -> BTreeSet<String> {
    let artifact = contract.artifact();
    let items = artifact["abi"].as_array().expect("an ABI is an array").iter().filter(|item| item["type"] == kind);
    items.map(|item| hex::encode(&keccak256(refusal::signature(item).as_bytes())[..4])).collect()
}

fn of_types(selectors: impl Iterator<Item = [u8; 4]>) -> BTreeSet<String> {
    selectors.map(hex::encode).collect()
}

macro_rules! same_selectors {
    ($($contract:ident: $calls:ident;)*) => {$(
        let found = of_types($contract::$calls::selectors());
        assert_eq!(found, of_artifact(Contract::$contract, "function"), concat!("functions of ", stringify!($contract)));
    )*};
}

#[test]
fn rust_types_are_those_of_the_artifacts() {
    same_selectors! {
        Router: RouterCalls;
        QbftLightClient: QbftLightClientCalls;
        QbftLightClientFactory: QbftLightClientFactoryCalls;
        TokenTransfer: TokenTransferCalls;
        Voucher: VoucherCalls;
        MessageGateway: MessageGatewayCalls;
        CallAccount: CallAccountCalls;
        TestToken: TestTokenCalls;
        Echo: EchoCalls;
        RawSender: RawSenderCalls;
        TrieHarness: TrieHarnessCalls;
        HostileApp: HostileAppCalls;
        HostileClient: HostileClientCalls;
    }
    assert_eq!(of_types(Router::RouterErrors::selectors()), of_artifact(Contract::Router, "error"));
    assert_eq!(of_types(QbftLightClient::QbftLightClientErrors::selectors()), of_artifact(Contract::QbftLightClient, "error"));
}

/// Every rule of docs/evm-formats.md section 2 is a custom error of the client, in PascalCase.
#[test]
fn every_rule_is_a_custom_error() {
    for rule in causeway_evm_light_client::rules::ALL {
        let name: String = rule.split('-').map(|word| word[..1].to_uppercase() + &word[1..]).collect();
        let artifact = Contract::QbftLightClient.artifact();
        let declared = artifact["abi"]
            .as_array()
            .expect("an ABI is an array")
            .iter()
            .any(|item| item["type"] == "error" && item["name"] == name.as_str());
        assert!(declared, "{rule} has no error {name}");
    }
}

#[test]
fn contracts_fit_public_chains() {
    for contract in Contract::ALL {
        let size = contract.deployed_bytecode().len();
        assert!(size > 0 && size <= 24_576, "{} has {size} bytes", contract.name());
        assert!(!contract.bytecode().is_empty());
    }
}

/// sha256 over name, NUL, content, NUL of what the artifacts are built from, as build.mjs computes it.
#[test]
fn artifacts_are_built_from_these_sources() {
    let mut names: Vec<String> = std::fs::read_dir(folder().join("solidity"))
        .expect("the sources are there")
        .map(|entry| entry.expect("a folder entry").file_name().into_string().expect("a plain name"))
        .filter(|name| Path::new(name).extension().is_some_and(|extension| extension == "sol"))
        .map(|name| format!("solidity/{name}"))
        .collect();
    names.sort();
    names.extend(["build.mjs".to_owned(), "package-lock.json".to_owned()]);
    let mut hash = Sha256::new();
    for name in names {
        hash.update(name.as_bytes());
        hash.update([0]);
        hash.update(std::fs::read(folder().join(&name)).expect("a source"));
        hash.update([0]);
    }
    let hash = hex::encode(hash.finalize());
    for contract in Contract::ALL {
        assert_eq!(contract.source_hash(), hash, "{} is stale: run `npm ci && node build.mjs` in adapters/evm/contracts", contract.name());
    }
}

/// With Node and the pinned compiler: the bytes themselves.
#[test]
fn artifacts_are_reproducible() {
    let required = std::env::var("CI").is_ok_and(|value| value == "true");
    let node = Command::new("node").arg("--version").output().is_ok_and(|out| out.status.success());
    if node && required && !folder().join("node_modules/solc").exists() {
        let installed = Command::new("npm").arg("ci").current_dir(folder()).status();
        assert!(installed.is_ok_and(|status| status.success()), "npm ci fails in adapters/evm/contracts");
    }
    if !node || !folder().join("node_modules/solc").exists() {
        assert!(!required, "Node and solc are needed where CI=true: npm ci in adapters/evm/contracts");
        println!("skipped: Node or node_modules/solc is missing; `npm ci` in adapters/evm/contracts installs it");
        return;
    }
    let out = Command::new("node").args(["build.mjs", "--check"]).current_dir(folder()).output().expect("node was just there");
    assert!(out.status.success(), "artifacts differ from their sources:\n{}", String::from_utf8_lossy(&out.stderr));
}
