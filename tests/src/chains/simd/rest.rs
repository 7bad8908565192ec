//! A node's REST interface: what the chain says, and messages from JSON to bytes, without starting the node's command line each time. Calls block
//! their thread, as commands do, so that tests may ask from wherever they are.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::Value;

/// Longest that a connection, and every read of an answer, may take.
const LIMIT: Duration = Duration::from_secs(10);

/// The interface of one node.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rest {
    pub(super) port: u16,
}

impl Rest {
    pub(super) fn get(self, path: &str) -> Result<Value> {
        self.call("GET", path, &[])
    }

    pub(super) fn post(self, path: &str, body: &Value) -> Result<Value> {
        self.call("POST", path, &serde_json::to_vec(body)?)
    }

    /// In HTTP/1.0: the answer comes in one piece and ends with the connection.
    fn call(self, method: &str, path: &str, body: &[u8]) -> Result<Value> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, self.port));
        let mut stream = TcpStream::connect_timeout(&address, LIMIT).with_context(|| format!("{method} {path}"))?;
        stream.set_read_timeout(Some(LIMIT))?;
        let head = format!("{method} {path} HTTP/1.0\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n", body.len());
        stream.write_all(&[head.as_bytes(), body].concat())?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).with_context(|| format!("{method} {path}"))?;
        let text = String::from_utf8(answer)?;
        let (head, body) = text.split_once("\r\n\r\n").with_context(|| format!("{method} {path}: no HTTP: {text}"))?;
        let status = head.split_whitespace().nth(1).with_context(|| format!("{method} {path}: no status: {head}"))?;
        if status != "200" {
            bail!("{method} {path}: HTTP status {status}: {body}");
        }
        serde_json::from_str(body).with_context(|| format!("{method} {path} answered no JSON: {body}"))
    }
}
