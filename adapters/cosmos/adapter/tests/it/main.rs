//! The adapter against real networks, which the tests start. Where a node cannot be built they say that they were skipped.

mod common;
mod conformance;
mod limits;
mod relay;
