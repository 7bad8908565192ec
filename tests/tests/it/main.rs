//! The released binary from outside: real processes, real chains. One program of many modules, since each program links everything anew;
//! run one with `cargo test --release -p causeway-tests --test it cosmos_relay`.

mod adapter_check;
mod architecture;
mod bad_input;
mod cosmos_ages;
mod cosmos_bursts;
mod cosmos_classic;
mod cosmos_foreign;
mod cosmos_hops;
mod cosmos_misbehaviour;
mod cosmos_operations;
mod cosmos_operator;
mod cosmos_refusals;
mod cosmos_relay;
mod cosmos_trouble;
mod cosmos_upgrade;
mod demo;
mod golden;
mod goquorum_network;
mod interfaces;
mod monitoring;
mod operator_flow;
mod remote_adapter;
mod simd_network;
mod traffic;
