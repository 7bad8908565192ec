//! Releases of the node, and what the harness has to do otherwise for each: names of commands and of places in the genesis file.

use std::path::PathBuf;

use anyhow::Result;

use crate::chains::go::Module;

/// A node of one age, built from a module of its own under `tests/chains/`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Release {
    /// ibc-go 7 on Cosmos SDK 0.47 and CometBFT 0.37: IBC classic alone.
    V7,
    /// ibc-go 10 on Cosmos SDK 0.53 and CometBFT 0.38: what most tests run.
    #[default]
    V10,
    /// ibc-go 11 on Cosmos SDK 0.54 and CometBFT 0.39.
    V11,
}

const V7: Module =
    Module { name: "simd-v7", binary: "simd-v7", package: ".", sources: &["main.go"], go_min: (1, 25), links_runtime: false };
const V10: Module = Module {
    name: "simd",
    binary: "simd",
    package: ".",
    sources: &["main.go", "forward.go", "forward_classic.go", "forward_v2.go"],
    go_min: (1, 25),
    links_runtime: false,
};
const V11: Module =
    Module { name: "simd-v11", binary: "simd-v11", package: ".", sources: &["main.go"], go_min: (1, 25), links_runtime: false };

impl Release {
    /// The node, built now if it is not there yet. Without Go: `None` after a line that says so, or an error with `CI=true`.
    ///
    /// # Errors
    /// When the build fails, or Go is absent on CI.
    pub fn binary_or_skip(self) -> Result<Option<PathBuf>> {
        match self {
            Self::V7 => V7.binary_or_skip(),
            Self::V10 => V10.binary_or_skip(),
            Self::V11 => V11.binary_or_skip(),
        }
    }

    /// A command on the genesis file; before SDK 0.50 they stood beside all others.
    pub(super) fn genesis<'a>(self, command: &[&'a str]) -> Vec<&'a str> {
        let group: &[&str] = if self == Self::V7 { &[] } else { &["genesis"] };
        [group, command].concat()
    }

    /// Whether governance knows proposals that are decided sooner.
    pub(super) fn has_expedited(self) -> bool {
        self != Self::V7
    }
}
