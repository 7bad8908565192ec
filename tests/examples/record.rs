//! Records what a real node says, for tests that run without one: headers as the
//! node hashed them (round zero, later rounds, votes, a changed validator set)
//! and `eth_getProof` answers (present, absent, empty). It starts a network of
//! its own, rewrites `tests/fixtures/goquorum/` and ends.
//!
//! `cargo run --release -p causeway-tests --example record`

use std::path::Path;
use std::time::Duration;

use alloy::primitives::{Address, B256, U256, hex, keccak256};
use anyhow::{Result, anyhow, ensure};
use causeway_tests::chains::goquorum::{Network, NetworkConfig, binary_or_skip};
use causeway_tests::evm::{Call, Rpc};
use causeway_tests::qbft::Header;
use causeway_tests::repo;
use serde_json::{Value, json};

const CHAIN_ID: u64 = 4242;

/// Longest that the chain may stand still, or a transaction stay unmined.
const STALL: Duration = Duration::from_secs(60);

/// Stores the second word of its call data under the first:
/// `PUSH1 32 CALLDATALOAD PUSH1 0 CALLDATALOAD SSTORE STOP`, returned by the code before it.
const STORE_INIT_CODE: [u8; 17] = hex!("67602035600035550060005260086018f3");

/// Entries of the big contract's storage; enough for branches below branches.
const SLOTS: u64 = 60;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let Some(binary) = binary_or_skip()? else {
        return Ok(());
    };
    let config = NetworkConfig { chain_id: CHAIN_ID, accounts: 2, archive: true, ..NetworkConfig::default() };
    let mut network = Network::start(&binary, config).await?;
    let dir = repo::fixtures().join("goquorum");
    std::fs::create_dir_all(&dir)?;

    let version: String = network.any_rpc()?.call("web3_clientVersion", json!([])).await?;
    let proofs = record_proofs(&network).await?;
    write(&dir.join("proofs.json"), &version, "proofs", proofs)?;
    let headers = record_headers(&mut network).await?;
    write(&dir.join("headers.json"), &version, "headers", headers)?;
    Ok(())
}

fn write(path: &Path, version: &str, name: &str, cases: Vec<Value>) -> Result<()> {
    // The version's last part names the compiler and machine of whoever records.
    let node = version.split("/linux").next().unwrap_or(version);
    let file = json!({ "node": node, "chainId": CHAIN_ID, "kind": "qbft", name: cases });
    std::fs::write(path, serde_json::to_string_pretty(&file)? + "\n")?;
    eprintln!("wrote {}", path.display());
    Ok(())
}

async fn record_headers(network: &mut Network) -> Result<Vec<Value>> {
    let mut cases = Vec::new();
    let genesis = network.header(0).await?;
    cases.push(header_case("genesis: no seals", 0, &genesis));
    for height in 1..=3 {
        cases.push(header_case("round zero", height, &network.header(height).await?));
    }

    network.stop_node(3)?;
    let now = network.any_rpc()?.height().await?;
    let (height, header) = network.find_header(now, 12, STALL, |header| header.extra.round > 0).await?;
    cases.push(header_case("round above zero: the proposer was down", height, &header));
    network.wait_for_height(height + 1, STALL).await?;
    let next = network.header(height + 1).await?;
    cases.push(header_case("the block after a later round", height + 1, &next));
    network.start_node(3).await?;
    network.rpc(3)?.wait_for_height(height, STALL).await?;

    let validator = network.address(3)?;
    change_set(network, &mut cases, validator, false).await?;
    change_set(network, &mut cases, validator, true).await?;
    let fifth = network.add_node().await?;
    let validator = network.address(fifth)?;
    change_set(network, &mut cases, validator, true).await?;
    Ok(cases)
}

/// Votes, and records every header from the first vote to the second one of the new set.
async fn change_set(network: &Network, cases: &mut Vec<Value>, validator: Address, join: bool) -> Result<()> {
    let word = if join { "in" } else { "out" };
    let before = network.validators().await?.len();
    let start = network.any_rpc()?.height().await? + 1;
    network.propose(validator, join).await?;
    let (changed, _) = network.find_header(start, 60, STALL, |header| header.extra.validators.len() != before).await?;
    for height in start..=changed + 1 {
        network.wait_for_height(height, STALL).await?;
        let header = network.header(height).await?;
        let what = match (header.extra.vote(), height >= changed) {
            (Some((_, is_member)), false) => {
                ensure!(is_member == join, "vote at {height} is not the one proposed");
                format!("carries a vote to take a validator {word}")
            }
            (None, false) => continue,
            (_, true) => format!("a validator was voted {word} before this block"),
        };
        cases.push(header_case(&what, height, &header));
    }
    Ok(())
}

fn header_case(what: &str, height: u64, header: &Header) -> Value {
    json!({
        "case": what,
        "number": height,
        "hash": header.reported_hash,
        "sealDigest": header.seal_digest(),
        "round": header.extra.round,
        "validators": header.extra.validators,
        "seals": header.extra.seals.len(),
        "rlp": header.rlp(),
    })
}

async fn record_proofs(network: &Network) -> Result<Vec<Value>> {
    let rpc = network.any_rpc()?;
    let big = deploy(network, &rpc).await?;
    let single = deploy(network, &rpc).await?;
    let empty = deploy(network, &rpc).await?;

    let key = |index: u64| keccak256(U256::from(index).to_be_bytes::<32>());
    let mut last = B256::ZERO;
    for index in 0..SLOTS {
        last = store(network, &rpc, big, key(index), value(index)).await?;
    }
    let lone = store(network, &rpc, single, key(0), U256::from(1)).await?;
    rpc.wait_for_receipt(last, STALL).await?;
    let receipt = rpc.wait_for_receipt(lone, STALL).await?;
    let height = U256::from_str_radix(receipt["blockNumber"].as_str().unwrap_or("0x0").trim_start_matches("0x"), 16)?;
    let height = u64::try_from(height)? + 1;
    rpc.wait_for_height(height, STALL).await?;

    let many: Vec<B256> = (0..12).map(key).collect();
    let absent: Vec<B256> = (SLOTS..SLOTS + 6).map(key).collect();
    let nobody = Address::repeat_byte(0x5a);
    let funded = network.accounts().get(1).ok_or_else(|| anyhow!("one account only"))?.address();
    let cases = [
        ("contract with many slots: present", big, many),
        ("contract with many slots: absent", big, absent.clone()),
        ("contract with one slot: present and absent", single, vec![key(0), absent[0]]),
        ("contract with no storage", empty, vec![key(0)]),
        ("account without code", funded, vec![key(0)]),
        ("no such account", nobody, vec![]),
    ];
    let header = network.header(height).await?;
    let state_root: B256 = serde_json::from_value(rpc.block(height).await?["stateRoot"].clone())?;
    let mut out = Vec::new();
    for (what, address, keys) in cases {
        let proof: Value = rpc.call("eth_getProof", json!([address, keys, format!("{height:#x}")])).await?;
        check_proof(&proof, state_root)?;
        out.push(json!({
            "case": what, "number": height, "header": header.rlp(), "stateRoot": state_root, "answer": proof,
        }));
    }
    Ok(out)
}

/// Every proof must start with the node that its root names.
fn check_proof(answer: &Value, state_root: B256) -> Result<()> {
    let first = |nodes: &Value| -> Result<Option<B256>> {
        let Some(text) = nodes[0].as_str() else {
            return Ok(None);
        };
        Ok(Some(keccak256(hex::decode(text)?)))
    };
    ensure!(first(&answer["accountProof"])? == Some(state_root), "account proof does not start at {state_root}");
    let storage_root: B256 = serde_json::from_value(answer["storageHash"].clone())?;
    for entry in answer["storageProof"].as_array().into_iter().flatten() {
        let root = first(&entry["proof"])?;
        ensure!(root.is_none() || root == Some(storage_root), "storage proof does not start at {storage_root}");
    }
    Ok(())
}

/// Values of every encoded length: one byte below and above 0x80, some, all 32.
fn value(index: u64) -> U256 {
    match index % 5 {
        0 => U256::from(1),
        1 => U256::from(0x80),
        2 => U256::from_be_bytes(keccak256([index as u8]).0),
        3 => U256::from_be_bytes(keccak256([index as u8]).0) >> 12,
        _ => U256::from(index) << 128,
    }
}

async fn deploy(network: &Network, rpc: &Rpc) -> Result<Address> {
    let receipt = sender(network)?.transact(rpc, Call::create(STORE_INIT_CODE.to_vec()), STALL).await?;
    Ok(serde_json::from_value(receipt["contractAddress"].clone())?)
}

async fn store(network: &Network, rpc: &Rpc, contract: Address, key: B256, value: U256) -> Result<B256> {
    let input = [key.0, value.to_be_bytes::<32>()].concat();
    sender(network)?.send(rpc, Call::to(contract, input)).await
}

fn sender(network: &Network) -> Result<&causeway_tests::evm::Account> {
    network.accounts().first().ok_or_else(|| anyhow!("the network has no accounts"))
}
