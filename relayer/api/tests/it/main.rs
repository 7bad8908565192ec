//! The gRPC interface and the figures, asked over loopback.

mod common;
mod operating;
mod questions;
mod watching;
