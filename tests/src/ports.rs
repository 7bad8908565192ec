//! Loopback ports that stay free while a node is down. The kernel hands out
//! ephemeral ports for outgoing connections, so a node that is stopped for a
//! while could find its own taken: these are picked below that range.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, TcpListener};
use std::sync::{Mutex, PoisonError};

use anyhow::{Result, bail};
use rand::Rng;

/// Below Linux's default ephemeral range (32768 and up), above the well-known services.
const RANGE: std::ops::Range<u16> = 12_000..32_000;

/// How many ports are tried before giving up.
const TRIES_MAX: usize = 1000;

/// Ports that this process has handed out; never handed out twice.
static TAKEN: Mutex<BTreeSet<u16>> = Mutex::new(BTreeSet::new());

/// A port that nobody listens on now and that this process has not handed out.
///
/// # Errors
/// When none is found.
pub fn pick() -> Result<u16> {
    let mut taken = TAKEN.lock().unwrap_or_else(PoisonError::into_inner);
    for _ in 0..TRIES_MAX {
        let port = rand::rng().random_range(RANGE);
        if taken.contains(&port) || TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_err() {
            continue;
        }
        taken.insert(port);
        return Ok(port);
    }
    bail!("no free loopback port after {TRIES_MAX} tries")
}
