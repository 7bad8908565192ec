//! Measures what sending, receiving, acknowledging and timing out cost, one by one and in batches, and prints docs/gas.md.
//!
//! Not a benchmark of time: gas is exact and the same on every machine. Run by `cargo run --release -p causeway-evm-contracts --example gas`.
#![allow(clippy::print_stdout, reason = "the report goes to standard output")]

#[path = "../tests/it/support/mod.rs"]
mod support;

use alloy::sol_types::SolCall;
use causeway_evm_contracts::abi::{Kind, MessageOutcome, Packet, RelayBatch, Router};
use revm::primitives::hardfork::SpecId;
use support::Pair;
use support::pair::{ALICE, Block, batch, echo_payload};

/// The largest transaction that nodes accept into their pools.
const MAX_TRANSACTION: usize = 131_072;
/// What signature, nonce, fees and RLP add to the calldata of a transaction, generously.
const ENVELOPE: usize = 300;

type Messages = Vec<(Kind, Packet, Vec<u8>)>;

#[derive(Clone, Copy, PartialEq)]
enum What {
    Transfer,
    Message,
}

impl What {
    const fn name(self) -> &'static str {
        match self {
            Self::Transfer => "transfer",
            Self::Message => "message",
        }
    }

    fn send(self, pair: &mut Pair) -> Packet {
        match self {
            Self::Transfer => {
                let denom = pair.a.token_denom();
                pair.a.transfer(&denom, 5, &ALICE.to_string()).0
            }
            Self::Message => {
                let echo = pair.b.echo;
                pair.a.message(echo, echo_payload(b"ping"))
            }
        }
    }
}

fn size(batch: &RelayBatch) -> usize {
    Router::relayBatchCall { batch: batch.clone() }.abi_encoded_size() + 4
}

/// Relays and answers gas; every message must have been applied.
fn relay(chain: &mut support::pair::Chain, batch: &RelayBatch) -> (u64, Messages) {
    let out = chain.relay(batch);
    let results = out.answer::<Router::relayBatchCall>();
    assert!(results.iter().all(|result| *result == MessageOutcome::Applied), "every message of the batch is applied");
    let written = out.events::<Router::WriteAcknowledgement>();
    let acks = written.into_iter().map(|event| (Kind::Ack, event.packet, event.acknowledgements[0].to_vec())).collect();
    (out.gas, acks)
}

/// The longest prefix of messages whose batch fits, update included.
fn largest(client_id: &str, block: &Block, trusted: u64, messages: &[(Kind, Packet, Vec<u8>)]) -> usize {
    let (mut low, mut high) = (1, messages.len());
    while low < high {
        let middle = (low + high).div_ceil(2);
        if size(&batch(client_id, block, Some(trusted), &messages[..middle])) + ENVELOPE <= MAX_TRANSACTION {
            low = middle;
        } else {
            high = middle - 1;
        }
    }
    low
}

/// One line of the batch table.
fn line(label: &str, count: usize, gas: u64, batch: &RelayBatch) {
    let bytes = size(batch);
    println!("| {label} | {count} | {} | {gas} | {bytes} | {} |", gas / count as u64, batch.nodes.len());
}

/// Receives and acknowledges batches of `count` packets (all that fit when `None`), in a chain with earlier traffic.
fn batches(spec: SpecId, what: What, count: Option<usize>) {
    let mut pair = Pair::on(spec);
    warm(&mut pair, what);
    let sent = count.unwrap_or(260);
    let mut messages: Messages = (0..sent).map(|_| (Kind::Recv, what.send(&mut pair), Vec::new())).collect();
    let trusted = pair.b.latest();
    let block = pair.a.seal();
    pair.b.evm.time = block.time;
    if count.is_none() {
        messages.truncate(largest(&pair.b.client_id, &block, trusted, &messages));
    }
    let relayed = batch(&pair.b.client_id, &block, Some(trusted), &messages);
    let (gas, mut acks) = relay(&mut pair.b, &relayed);
    line(&format!("receive {}", what.name()), messages.len(), gas, &relayed);
    let trusted = pair.a.latest();
    let block = pair.b.seal();
    pair.a.evm.time = block.time;
    if count.is_none() {
        acks.truncate(largest(&pair.a.client_id, &block, trusted, &acks));
    }
    let relayed = batch(&pair.a.client_id, &block, Some(trusted), &acks);
    let (gas, _) = relay(&mut pair.a, &relayed);
    line(&format!("acknowledge {}", what.name()), acks.len(), gas, &relayed);
}

fn timeouts(spec: SpecId, count: usize) {
    let mut pair = Pair::on(spec);
    warm(&mut pair, What::Transfer);
    let messages: Messages = (0..count).map(|_| (Kind::Timeout, What::Transfer.send(&mut pair), Vec::new())).collect();
    pair.b.evm.time += 700;
    let trusted = pair.a.latest();
    let block = pair.b.seal();
    pair.a.evm.time = block.time;
    let relayed = batch(&pair.a.client_id, &block, Some(trusted), &messages);
    let (gas, _) = relay(&mut pair.a, &relayed);
    line("time out transfer", count, gas, &relayed);
}

/// Earlier packets, so that tries have depth and balances, vouchers and accounts exist.
fn warm(pair: &mut Pair, what: What) {
    let messages: Messages = (0..60).map(|_| (Kind::Recv, what.send(pair), Vec::new())).collect();
    let block = pair.a_to_b();
    let relayed = batch(&pair.b.client_id, &block, None, &messages);
    relay(&mut pair.b, &relayed);
    pair.b_to_a();
}

fn single(label: &str, gas: u64) {
    println!("| {label} | {gas} |");
}

fn singles(spec: SpecId, what: What) {
    let mut pair = Pair::on(spec);
    let denom = pair.a.token_denom();
    if what == What::Transfer {
        let (first, gas) = pair.a.transfer(&denom, 5, &ALICE.to_string());
        single("send transfer, the first of a token", gas);
        let block = pair.a_to_b();
        single("receive transfer, the first of a token (deploys its voucher)", pair.b.recv(&first, &block).must().gas);
    }
    warm(&mut pair, what);
    let packet = if what == What::Transfer {
        let (packet, gas) = pair.a.transfer(&denom, 5, &ALICE.to_string());
        single("send transfer", gas);
        packet
    } else {
        what.send(&mut pair)
    };
    let late = what.send(&mut pair);
    let block = pair.a.seal();
    pair.b.evm.time = block.time;
    single("update the client (4 validators)", pair.b.update(&block).must().gas);
    let out = pair.b.recv(&packet, &block).must();
    single(&format!("receive {}", what.name()), out.gas);
    let ack = support::pair::written_ack(&out);
    pair.b.evm.time += 700;
    let block = pair.b_to_a();
    single(&format!("acknowledge {}", what.name()), pair.a.ack(&packet, &ack, &block).must().gas);
    single(&format!("time out {}", what.name()), pair.a.timeout(&late, &block).must().gas);
    if what == What::Transfer {
        let voucher = pair.voucher().0;
        let (back, gas) = pair.b.transfer(&voucher, 1, &ALICE.to_string());
        single("send a voucher back", gas);
        let block = pair.b_to_a();
        single("receive a token back (from escrow)", pair.a.recv(&back, &block).must().gas);
    }
}

fn report(name: &str, spec: SpecId) {
    println!("## {name}\n\nSingle transactions:\n\n| what | gas |\n|---|---:|");
    singles(spec, What::Transfer);
    singles(spec, What::Message);
    println!("\n`relayBatch`, client update included:\n");
    println!("| what | packets | gas a packet | gas | calldata bytes | trie nodes |\n|---|---:|---:|---:|---:|---:|");
    for what in [What::Transfer, What::Message] {
        for count in [Some(10), Some(25), Some(50), None] {
            batches(spec, what, count);
        }
    }
    for count in [10, 50] {
        timeouts(spec, count);
    }
    println!();
}

fn main() {
    println!("{}", include_str!("gas-head.md"));
    report("Cancun and later", SpecId::CANCUN);
    report("Berlin (permissioned nodes)", SpecId::BERLIN);
}
