//! The gRPC interface and the figures, asked over loopback.
#![allow(clippy::unwrap_used, reason = "a test ends where what it stands on is missing")]

mod common;
mod operating;
mod questions;
mod watching;
