//! Builds the node from the Go module under `tests/chains/goquorum` and keeps it
//! under the target folder, by a hash of what it is built from.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;

use alloy::primitives::keccak256;
use anyhow::{Context, Result, bail};

use crate::repo;

/// The package that holds the node's `main`.
const PACKAGE: &str = "github.com/ethereum/go-ethereum/cmd/geth";

/// From this Go on, the linker refuses the node's reach into the runtime unless told.
const LINKNAME_CHECK_SINCE: (u32, u32) = (1, 23);

/// Least Go that the module's own text asks for.
const GO_MIN: (u32, u32) = (1, 19);

/// How a person gets the one tool that is needed.
const INSTALL: &str = "install Go 1.19 or newer, e.g. `apt-get install golang-go`";

/// The Go module and the genesis template.
#[must_use]
pub(super) fn source_dir() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("chains/goquorum")
}

/// The node, built now if it is not there yet. Without Go: `None` after a line
/// that says so, or an error with `CI=true`.
///
/// # Errors
/// When the build fails, or Go is absent on CI.
pub fn binary_or_skip() -> Result<Option<PathBuf>> {
    let source = source_dir();
    let mut key = Vec::new();
    for name in ["go.mod", "go.sum", "tools.go"] {
        key.extend(std::fs::read(source.join(name)).with_context(|| format!("read {name}"))?);
    }
    let digest = hex::encode(&keccak256(key)[..8]);
    let dir = repo::chain_cache().join(format!("goquorum-{digest}"));
    let binary = dir.join("geth");
    if binary.is_file() {
        return Ok(Some(binary));
    }
    let Some(go) = go_version() else {
        repo::skip("the node of this chain is built by Go, which is not on this machine", INSTALL)?;
        return Ok(None);
    };
    if go < GO_MIN {
        repo::skip(&format!("Go {}.{} is too old for this chain's node", go.0, go.1), INSTALL)?;
        return Ok(None);
    }
    std::fs::create_dir_all(&dir)?;
    // Tests run side by side, in threads and in processes: one builds, the rest wait.
    let lock = File::create(dir.join("lock"))?;
    lock.lock()?;
    if !binary.is_file() {
        compile(&source, &binary, go)?;
    }
    Ok(Some(binary))
}

fn compile(source: &Path, binary: &Path, go: (u32, u32)) -> Result<()> {
    let partial = binary.with_extension("partial");
    let mut command = Command::new("go");
    command.current_dir(source).args(["build", "-trimpath"]);
    if go >= LINKNAME_CHECK_SINCE {
        command.arg("-ldflags=-checklinkname=0");
    }
    let output = command.arg("-o").arg(&partial).arg(PACKAGE).output().context("start go")?;
    if !output.status.success() {
        bail!("go build of the node ended with {}:\n{}", output.status, String::from_utf8_lossy(&output.stderr));
    }
    std::fs::rename(&partial, binary)?;
    Ok(())
}

/// Major and minor version of the `go` on the path.
fn go_version() -> Option<(u32, u32)> {
    let output = Command::new("go").args(["env", "GOVERSION"]).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let mut parts = text.trim().strip_prefix("go")?.split('.');
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}
