//! One file a command: a `Command` struct with its options and an `execute`.

pub(crate) mod adapter;
pub(crate) mod bench;
pub(crate) mod client;
pub(crate) mod completions;
pub(crate) mod config;
pub(crate) mod contracts;
pub(crate) mod demo;
pub(crate) mod evidence;
pub(crate) mod health;
pub(crate) mod init;
pub(crate) mod key;
pub(crate) mod packet;
pub(crate) mod path;
pub(crate) mod start;
pub(crate) mod status;
pub(crate) mod trust;
pub(crate) mod version;
