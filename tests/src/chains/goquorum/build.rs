//! What the node is built from: the Go module under `tests/chains/goquorum`.

use std::path::PathBuf;

use anyhow::Result;

use crate::chains::go::Module;

const MODULE: Module = Module {
    name: "goquorum",
    binary: "geth",
    package: "github.com/ethereum/go-ethereum/cmd/geth",
    sources: &["tools.go"],
    go_min: (1, 19),
    links_runtime: true,
};

/// The Go module and the genesis template.
#[must_use]
pub(super) fn source_dir() -> PathBuf {
    MODULE.source_dir()
}

/// The node, built now if it is not there yet. Without Go: `None` after a line
/// that says so, or an error with `CI=true`.
///
/// # Errors
/// When the build fails, or Go is absent on CI.
pub fn binary_or_skip() -> Result<Option<PathBuf>> {
    MODULE.binary_or_skip()
}
