//! The relayer that is measured: a process of its own, its counts over gRPC, its cost on its page of figures.
//!
//! What it is not: no chain is asked here.

use crate::cli::Global;
use crate::client::{self, Connection};
use crate::config::Config;
use crate::exit::{Code, Failure, OrFail};
use causeway_proto::admin::v1::{GetStatusRequest, GetStatusResponse, Height};
use causeway_proto::relay::v1::State;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::process::Stdio;
use std::time::Duration;
use tokio::process::{Child, Command};
use tokio::time::Instant;

/// Longest start: keys are unlocked, headers are verified from the root of trust on.
const START_MAX: Duration = Duration::from_secs(120);
/// Time between two looks whether it is ready.
const LOOK: Duration = Duration::from_millis(50);

/// A relayer that runs.
#[derive(Debug)]
pub(super) struct Relayer {
    /// Killed when dropped: the journal stands that, and a relayer that has nothing in work loses nothing.
    process: Option<Child>,
    connection: Connection,
    http: reqwest::Client,
    address: SocketAddr,
}

/// What a relayer has counted, by name and labels.
#[derive(Debug, Clone, Default)]
pub(super) struct Usage(BTreeMap<String, f64>);

impl Usage {
    fn parse(page: &str) -> Self {
        let line = |line: &str| {
            let (name, value) = line.rsplit_once(' ')?;
            Some((name.to_string(), value.parse().ok()?))
        };
        Self(page.lines().filter(|line| !line.starts_with('#')).filter_map(line).collect())
    }

    /// What was counted since; gauges are those of now.
    pub(super) fn since(mut self, before: &Self) -> Self {
        for (name, value) in &mut self.0 {
            if name.split('{').next().is_some_and(|name| name.ends_with("_total")) {
                *value -= before.0.get(name).copied().unwrap_or_default();
            }
        }
        self
    }

    /// The sum over all labels.
    pub(super) fn sum(&self, name: &str) -> f64 {
        self.by_label(name, "").values().sum()
    }

    /// Sums by the values of a label.
    pub(super) fn by_label(&self, name: &str, label: &str) -> BTreeMap<String, f64> {
        let mut sums = BTreeMap::new();
        for (key, value) in &self.0 {
            let (found, labels) = key.split_once('{').unwrap_or((key, ""));
            if found == name {
                let word = labels.split_once(&format!("{label}=\"")).and_then(|(_, rest)| rest.split('"').next()).unwrap_or_default();
                *sums.entry(word.to_string()).or_default() += value;
            }
        }
        sums
    }
}

impl Relayer {
    /// Starts one and waits until it is ready.
    pub(super) async fn start(global: &Global, config: &Config) -> Result<Self, Failure> {
        let program = std::env::current_exe().or_fail(Code::Failed)?;
        let log = global.log.as_deref().unwrap_or("error");
        let mut command = Command::new(program);
        command.args(["start", "--json", "--log", log, "--config"]).arg(&global.config);
        command.stdin(Stdio::null()).stdout(Stdio::null()).kill_on_drop(true);
        let mut process = command.spawn().or_fail(Code::Failed)?;
        let (http, deadline) = (client()?, Instant::now() + START_MAX);
        loop {
            if let Some(status) = process.try_wait().or_fail(Code::Failed)? {
                return Err(Failure::new(Code::Failed, format!("the relayer ended with {status}; `causeway start` says why")));
            }
            let ready = http.get(format!("http://{}/readyz", config.api.http_listen)).send().await;
            if ready.is_ok_and(|answer| answer.status().is_success()) {
                break;
            }
            if Instant::now() > deadline {
                let message =
                    format!("the relayer is not ready after {} s; `causeway status` shows what it waits for", START_MAX.as_secs());
                return Err(Failure::new(Code::Unavailable, message));
            }
            tokio::time::sleep(LOOK).await;
        }
        Ok(Self { process: Some(process), ..Self::attach(config).await? })
    }

    /// The one of this configuration that runs.
    pub(super) async fn attach(config: &Config) -> Result<Self, Failure> {
        let connection = Connection::open(&format!("http://{}", config.api.grpc_listen)).await?;
        Ok(Self { process: None, connection, http: client()?, address: config.api.http_listen })
    }

    /// What it has counted so far.
    pub(super) async fn usage(&self) -> Result<Usage, Failure> {
        let page = self.http.get(format!("http://{}/metrics", self.address)).send().await.or_fail(Code::Unavailable)?;
        Ok(Usage::parse(&page.text().await.or_fail(Code::Unavailable)?))
    }

    /// Waits until it has read all blocks there are and has nothing of the path in work: what happened before is not measured.
    pub(super) async fn settle(&mut self, path: &str, patience: Duration) -> Result<(), Failure> {
        let deadline = Instant::now() + patience;
        loop {
            let status = self.status().await?;
            let number = |height: &Option<Height>| height.as_ref().map_or(0, |height| height.number);
            let read = status.chains.iter().all(|chain| number(&chain.cursor) + 1 >= number(&chain.head) && chain.cursor.is_some());
            if read && pending(&status, path)? == 0 {
                return Ok(());
            }
            if Instant::now() > deadline {
                let message = "the relayer still has packets of before in work; `causeway packet list --pending` shows them";
                return Err(Failure::new(Code::Failed, message));
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Packets of the path that have not ended.
    pub(super) async fn pending(&mut self, path: &str) -> Result<u64, Failure> {
        pending(&self.status().await?, path)
    }

    async fn status(&mut self) -> Result<GetStatusResponse, Failure> {
        if let Some(status) = self.process.as_mut().and_then(|process| process.try_wait().ok().flatten()) {
            return Err(Failure::new(Code::Failed, format!("the relayer ended with {status}")));
        }
        let answer = self.connection.admin.get_status(GetStatusRequest {}).await.map_err(|status| client::status_failure(&status))?;
        Ok(answer.into_inner())
    }
}

fn pending(status: &GetStatusResponse, path: &str) -> Result<u64, Failure> {
    let Some(found) = status.paths.iter().find(|known| known.name == path) else {
        return Err(Failure::new(Code::BadConfig, format!("the running relayer does not know path \"{path}\"")));
    };
    let ended = [State::Completed as i32, State::TimedOut as i32];
    Ok(found.packets.iter().filter(|count| !ended.contains(&count.state)).map(|count| count.count).sum())
}

fn client() -> Result<reqwest::Client, Failure> {
    reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(10)).build().or_fail(Code::Failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_summed_by_label_and_since_a_moment() {
        let before = Usage::parse("# TYPE a counter\na_total{m=\"x\",r=\"ok\"} 3\nrss 7\n");
        let after = Usage::parse("a_total{m=\"x\",r=\"ok\"} 5\na_total{m=\"x\",r=\"no\"} 1\na_total{m=\"y\"} 4\nrss 9\n");
        let since = after.since(&before);
        assert_eq!(since.sum("a_total"), 7.0);
        assert_eq!(since.by_label("a_total", "m"), BTreeMap::from([("x".to_string(), 3.0), ("y".to_string(), 4.0)]));
        assert_eq!((since.sum("rss"), since.sum("none")), (9.0, 0.0));
    }
}
