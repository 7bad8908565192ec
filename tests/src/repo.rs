//! Where things lie in this repository, and what happens when a tool that a test
//! needs is not on the machine. It starts nothing.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

/// The repository's root folder.
#[must_use]
pub fn root() -> PathBuf {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests.parent().unwrap_or(tests).to_path_buf()
}

/// Where recorded answers of real nodes lie, committed.
#[must_use]
pub fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures")
}

/// Cargo's target folder.
#[must_use]
pub fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), |dir| root().join(dir))
}

/// Where built nodes are kept between runs; not committed.
#[must_use]
pub fn chain_cache() -> PathBuf {
    target().join("chains")
}

/// Whether a missing tool is an error (`CI=true`) or a reason to skip.
#[must_use]
pub fn is_ci() -> bool {
    std::env::var("CI").is_ok_and(|value| value == "true" || value == "1")
}

/// Says that a test does not run here and why, or fails when `CI=true`.
///
/// The line goes to the terminal even when the test harness captures output, for
/// a skipped test must not look like one that ran.
///
/// # Errors
/// With `CI=true`, naming the tool and how to install it.
pub fn skip(why: &str, how_to_install: &str) -> Result<()> {
    if is_ci() {
        bail!("{why}; CI=true does not allow this test to be skipped: {how_to_install}");
    }
    writeln!(std::io::stderr(), "skipped: {why} ({how_to_install})")?;
    Ok(())
}
