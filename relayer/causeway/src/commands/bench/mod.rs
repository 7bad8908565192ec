//! `causeway bench`: what a relayer makes of a load of transfers, and what the chains make of the same load without one.
//!
//! Everything is measured from outside: the relayer is a process of its own whose pages tell what it cost, and the chains' own blocks tell
//! what was sent and acknowledged, and when. Nothing is asked a packet while it runs. Called by the command line.
//!
//! - [`drive`]: sends, waits, reads the blocks;
//! - [`relayer`]: the process that is measured, and its figures;
//! - [`ceiling`]: a plain sender without journal, states and verification;
//! - [`report`]: the table and the object.

mod ceiling;
mod drive;
mod relayer;
mod report;

use crate::cli::Global;
use crate::config::{self, Config};
use crate::exit::{Code, Failure, OrFail};
use crate::output;
use drive::{Load, Side};
use relayer::Relayer;
use report::{Figures, Report};
use std::time::Duration;
use tokio::time::Instant;

/// Measure how fast packets of a path are relayed, and how fast the chains could take them.
#[derive(Debug, clap::Args)]
pub(crate) struct Command {
    /// Path to send on.
    #[arg(long)]
    path: String,
    /// Key that sends from end `a` of the path: one of the chain's keys that does not relay.
    #[arg(long, value_name = "KEY", required_unless_present = "sender_b")]
    sender_a: Option<String>,
    /// Key that sends from end `b`; with both, packets go both ways.
    #[arg(long, value_name = "KEY")]
    sender_b: Option<String>,
    /// Packets to send from each end that has a sender.
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    packets: u32,
    /// Packets that are sent from an end before the earlier ones are waited for [default: all].
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    burst: Option<u32>,
    /// Send while no relayer runs, then start one and measure how long it takes to clear.
    #[arg(long)]
    backlog: bool,
    /// Measure afterwards what the chains do when the same load is submitted by a plain sender.
    #[arg(long)]
    ceiling: bool,
    /// Measure the relayer of this configuration that runs already, instead of starting one.
    #[arg(long, conflicts_with_all = ["backlog", "ceiling"])]
    running: bool,
    /// Longest wait for the packets of a burst, seconds.
    #[arg(long, default_value_t = 600, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    patience_s: u64,
}

impl Command {
    /// Sends, waits, measures, prints.
    pub(crate) async fn execute(self, global: &Global) -> Result<(), Failure> {
        let config = config::load(&global.config)?;
        let mut sides = self.sides(&config).await?;
        let relayed = self.relayed(global, &config, &mut sides).await?;
        let ceiling = if self.ceiling { Some(self.plain(&config, &mut sides).await?) } else { None };
        let report = Report { relayed, ceiling, backlog: self.backlog, both: self.sender_a.is_some() && self.sender_b.is_some() };
        if global.json {
            output::json_object(&report.json());
        } else {
            println!("{}\n{}", report.table(), report.summary());
        }
        match report.relayed.missed() {
            0 => Ok(()),
            missed => Err(Failure::after_answer(Code::Failed, format!("{missed} packets were not acknowledged in time"))),
        }
    }

    async fn sides(&self, config: &Config) -> Result<[Side; 2], Failure> {
        let path = config.path(&self.path).or_fail(Code::BadConfig)?;
        Ok([
            Side::connect(config, &path.a, self.sender_a.as_deref()).await?,
            Side::connect(config, &path.b, self.sender_b.as_deref()).await?,
        ])
    }

    fn load(&self) -> Load {
        let burst = self.burst.unwrap_or(self.packets).min(self.packets);
        Load { packets: self.packets as usize, burst: burst as usize, patience: Duration::from_secs(self.patience_s) }
    }

    /// The load with a relayer: one that runs, or one of our own that ends with this.
    async fn relayed(&self, global: &Global, config: &Config, sides: &mut [Side; 2]) -> Result<Figures, Failure> {
        let load = self.load();
        if self.backlog {
            let mut sent = drive::send(sides, load.packets).await?;
            let started = Instant::now();
            let mut relayer = Relayer::start(global, config).await?;
            let ended = drive::wait(&mut relayer, &self.path, sides, &mut sent, load.patience).await?;
            return Figures::new(sides, &sent, ended - started, relayer.usage().await?).await;
        }
        let mut relayer = if self.running { Relayer::attach(config).await? } else { Relayer::start(global, config).await? };
        relayer.settle(&self.path, load.patience).await?;
        let before = relayer.usage().await?;
        let started = Instant::now();
        let (mut all, mut ended) = (drive::Sent::default(), started);
        while all.most() < load.packets {
            let mut sent = drive::send(sides, load.burst.min(load.packets - all.most())).await?;
            ended = drive::wait(&mut relayer, &self.path, sides, &mut sent, load.patience).await?;
            all.extend(sent);
        }
        Figures::new(sides, &all, ended - started, relayer.usage().await?.since(&before)).await
    }

    /// The same load without one.
    async fn plain(&self, config: &Config, sides: &mut [Side; 2]) -> Result<Figures, Failure> {
        let load = self.load();
        let mut flows = ceiling::Flows::connect(config, sides).await?;
        let mut started = Instant::now();
        let mut sent = drive::Sent::default();
        if self.backlog {
            sent = drive::send(sides, load.packets).await?;
            started = Instant::now();
            flows.run(load.packets, load.patience).await?;
        } else {
            while sent.most() < load.packets {
                let burst = load.burst.min(load.packets - sent.most());
                // Beside the sender, as the relayer is.
                let (more, ()) = tokio::try_join!(drive::send(sides, burst), flows.run(burst, load.patience))?;
                sent.extend(more);
            }
        }
        let ended = Instant::now();
        drive::read(sides, &mut sent).await?;
        Figures::new(sides, &sent, ended - started, relayer::Usage::default()).await
    }
}
