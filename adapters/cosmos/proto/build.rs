//! Generates the messages of `proto/third_party` that the Cosmos family uses. The compiler is protox, so no `protoc` is needed on the machine.

use std::path::PathBuf;

/// Files whose messages are used; what they import follows.
const ROOTS: &[&str] = &[
    "cosmos/auth/v1beta1/query.proto",
    "cosmos/bank/v1beta1/query.proto",
    "cosmos/bank/v1beta1/tx.proto",
    "cosmos/base/abci/v1beta1/abci.proto",
    "cosmos/crypto/ed25519/keys.proto",
    "cosmos/crypto/secp256k1/keys.proto",
    "cosmos/feegrant/v1beta1/feegrant.proto",
    "cosmos/ics23/v1/proofs.proto",
    "cosmos/staking/v1beta1/query.proto",
    "cosmos/tx/v1beta1/service.proto",
    "cosmos/upgrade/v1beta1/query.proto",
    "ibc/applications/transfer/v1/packet.proto",
    "ibc/applications/transfer/v1/tx.proto",
    "ibc/core/channel/v1/query.proto",
    "ibc/core/channel/v1/tx.proto",
    "ibc/core/channel/v2/query.proto",
    "ibc/core/channel/v2/tx.proto",
    "ibc/core/client/v1/query.proto",
    "ibc/core/client/v1/tx.proto",
    "ibc/core/client/v2/query.proto",
    "ibc/core/client/v2/tx.proto",
    "ibc/core/commitment/v2/commitment.proto",
    "ibc/core/connection/v1/query.proto",
    "ibc/core/connection/v1/tx.proto",
    "ibc/lightclients/tendermint/v1/tendermint.proto",
    "tendermint/types/canonical.proto",
];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let root = PathBuf::from(std::env::var("CARGO_MANIFEST_DIR")?).join("../../../proto/third_party");
    println!("cargo:rerun-if-changed={}", root.display());
    let mut compiler = protox::Compiler::new([&root])?;
    compiler.include_imports(true).open_files(ROOTS)?;
    let mut config = prost_build::Config::new();
    // Comments of others are not repeated, and their code blocks are no Rust to be tested.
    config.enable_type_names().disable_comments(["."]).include_file("cosmos.rs");
    config.compile_fds(compiler.file_descriptor_set())?;
    Ok(())
}
