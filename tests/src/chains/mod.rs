//! Real chains, one module a family. Each builds its node from pinned sources
//! under `tests/chains/`, starts it on free loopback ports and stops it when the
//! test ends. No test logic lives here.

mod go;
pub mod goquorum;
pub mod simd;
