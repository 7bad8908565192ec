//! The binary's command line, run as an operator runs it: every command a process of
//! its own, its exit code, its answer and what it says on standard error. It knows no
//! chain; `causeway start` and other commands that stay are [`Cli::spawn`]ed.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail, ensure};
use serde_json::Value;

use crate::process::{Process, Spec, causeway_binary};

/// Longest that a command which answers may take; deployments wait for a dozen blocks.
const LIMIT: Duration = Duration::from_secs(180);

/// Exit code of wrong configuration.
pub const BAD_CONFIG: i32 = 64;
/// Exit code of something that a chain showed and that was refused.
pub const UNTRUSTED: i32 = 65;
/// Exit code when a node, an adapter or a relayer does not answer.
pub const UNAVAILABLE: i32 = 69;
/// Exit code of a store that cannot be opened.
pub const STORE: i32 = 73;
/// Exit code of a missing key or a wrong passphrase.
pub const KEY: i32 = 77;

/// Commands run so far: the names of their outputs.
static RUNS: AtomicUsize = AtomicUsize::new(0);

/// A configuration file, an environment, and the binary.
#[derive(Debug)]
pub struct Cli {
    binary: PathBuf,
    config: PathBuf,
    logs: PathBuf,
    env: Vec<(String, String)>,
}

/// What a command that ended has said.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The arguments, for messages.
    pub command: String,
    /// Exit code; -1 when a signal ended it.
    pub code: i32,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl Cli {
    /// Commands on the configuration file `config`; outputs are kept in `logs`.
    ///
    /// # Errors
    /// When the binary cannot be built or the folder not made.
    pub fn new(config: PathBuf, logs: PathBuf) -> Result<Self> {
        std::fs::create_dir_all(&logs)?;
        Ok(Self { binary: causeway_binary()?, config, logs, env: Vec::new() })
    }

    /// The same with another configuration file.
    #[must_use]
    pub fn with_config(&self, config: PathBuf) -> Self {
        Self { binary: self.binary.clone(), config, logs: self.logs.clone(), env: self.env.clone() }
    }

    /// Sets a variable of every command from now on.
    pub fn set_env(&mut self, name: &str, value: &str) {
        self.env.retain(|(known, _)| known != name);
        self.env.push((name.to_owned(), value.to_owned()));
    }

    /// The configuration file.
    #[must_use]
    pub fn config(&self) -> &Path {
        &self.config
    }

    /// Where outputs are kept.
    #[must_use]
    pub fn logs(&self) -> &Path {
        &self.logs
    }

    /// Starts a command that stays, or that shall be killed.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn spawn(&self, name: &str, args: &[&str]) -> Result<Process> {
        let config = self.config.to_string_lossy().into_owned();
        let mut all = vec!["--config".to_owned(), config];
        all.extend(args.iter().map(|&arg| arg.to_owned()));
        Process::spawn(&Spec {
            name: name.to_owned(),
            program: self.binary.clone(),
            args: all.into_iter().map(Into::into).collect(),
            env: self.env.clone(),
            log_dir: self.logs.clone(),
        })
    }

    /// Runs a command to its end, whatever that is.
    ///
    /// # Errors
    /// When it does not end in time.
    pub async fn run(&self, args: &[&str]) -> Result<Answer> {
        let number = RUNS.fetch_add(1, Ordering::Relaxed);
        let mut process = self.spawn(&format!("command-{number}"), args)?;
        let command = args.join(" ");
        let status = process.wait(LIMIT).await.with_context(|| format!("causeway {command}"))?;
        Ok(Answer {
            command,
            code: status.code().unwrap_or(-1),
            stdout: process.read_stdout()?,
            stderr: std::fs::read_to_string(process.stderr_path())?,
        })
    }

    /// Runs a command that must succeed.
    ///
    /// # Errors
    /// When it does not; the message carries what it said.
    pub async fn ok(&self, args: &[&str]) -> Result<Answer> {
        let answer = self.run(args).await?;
        ensure!(answer.code == 0, "{answer}");
        Ok(answer)
    }

    /// Runs a command with `--json` that must succeed and answer one object.
    ///
    /// # Errors
    /// When it does neither.
    pub async fn json(&self, args: &[&str]) -> Result<Value> {
        let mut all = args.to_vec();
        all.push("--json");
        self.ok(&all).await?.json()
    }

    /// Runs a command that must be refused: with this exit code, and with one line
    /// on standard error that names each of `words`.
    ///
    /// # Errors
    /// When it ends otherwise.
    pub async fn refused(&self, args: &[&str], code: i32, words: &[&str]) -> Result<String> {
        self.run(args).await?.refused(code, words)
    }
}

impl Answer {
    /// Standard output as one JSON value.
    ///
    /// # Errors
    /// When it is not one.
    pub fn json(&self) -> Result<Value> {
        serde_json::from_str(&self.stdout).with_context(|| format!("no JSON object from {self}"))
    }

    /// As [`Cli::refused`]: the line itself.
    ///
    /// # Errors
    /// When the command ended otherwise.
    pub fn refused(&self, code: i32, words: &[&str]) -> Result<String> {
        ensure!(self.code == code, "exit code {code} was due: {self}");
        let errors: Vec<&str> = self.stderr.lines().filter(|line| line.starts_with("error: ")).collect();
        let [line] = errors.as_slice() else {
            bail!("one line on standard error was due: {self}");
        };
        for word in words {
            ensure!(line.contains(word), "`{word}` is not in the line: {self}");
        }
        ensure!(!self.stderr.contains("panicked"), "{self}");
        Ok((*line).to_owned())
    }
}

impl std::fmt::Display for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { command, code, stdout, stderr } = self;
        write!(f, "`causeway {command}` ended with {code}\n{stdout}\n{stderr}")
    }
}

/// A member of an answer as text.
///
/// # Errors
/// When it is not there.
pub fn text<'a>(value: &'a Value, pointer: &str) -> Result<&'a str> {
    value.pointer(pointer).and_then(Value::as_str).ok_or_else(|| anyhow!("no text at {pointer} of {value}"))
}
