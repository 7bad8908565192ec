//! A program under test: started with its output in files, stopped by signal,
//! waited for with a deadline, and never left behind. It knows nothing of chains
//! or of what the program prints.

use std::ffi::OsString;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use serde::de::DeserializeOwned;

use crate::{poll, repo};

/// Kills what is still running when the process that feeds it goes away, even by
/// SIGKILL: it reads `+ pid` and `- pid` lines and acts when its input ends.
const REAPER: &str = r#"pids=" "
while read -r op pid; do
  case $op in
    +) pids="$pids$pid " ;;
    -) pids="${pids%% $pid *} ${pids#* $pid }" ;;
  esac
done
for pid in $pids; do kill -KILL "$pid" 2>/dev/null; done"#;

/// Lines of a program's log that an error message carries.
const TAIL_LINES: usize = 15;

/// What to start.
#[derive(Debug, Clone)]
pub struct Spec {
    /// Short name; the output files are `<name>.stdout` and `<name>.stderr`.
    pub name: String,
    /// The executable.
    pub program: PathBuf,
    /// Its arguments.
    pub args: Vec<OsString>,
    /// Variables added to the environment.
    pub env: Vec<(String, String)>,
    /// Folder that receives the output files.
    pub log_dir: PathBuf,
}

/// A running program. Dropping it kills it.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    reaper: Child,
    reaper_input: Option<ChildStdin>,
    stdout: PathBuf,
    stderr: PathBuf,
}

impl Process {
    /// Starts a program. Output of an earlier run under the same name is kept
    /// and appended to.
    ///
    /// # Errors
    /// When the output files or the program cannot be opened.
    pub fn spawn(spec: &Spec) -> Result<Self> {
        let stdout = spec.log_dir.join(format!("{}.stdout", spec.name));
        let stderr = spec.log_dir.join(format!("{}.stderr", spec.name));
        let mut reaper = Command::new("sh")
            .args(["-c", REAPER])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .context("start sh")?;
        let reaper_input = reaper.stdin.take();
        let child = Command::new(&spec.program)
            .args(&spec.args)
            .envs(spec.env.iter().map(|(key, value)| (key, value)))
            .stdin(Stdio::null())
            .stdout(append(&stdout)?)
            .stderr(append(&stderr)?)
            .spawn()
            .with_context(|| format!("start {}", spec.program.display()))?;
        let mut process = Self { name: spec.name.clone(), child, reaper, reaper_input, stdout, stderr };
        let line = format!("+ {}\n", process.pid());
        process.tell_reaper(&line)?;
        Ok(process)
    }

    /// The operating system's process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The file that receives standard output.
    #[must_use]
    pub fn stdout_path(&self) -> &Path {
        &self.stdout
    }

    /// The file that receives standard error.
    #[must_use]
    pub fn stderr_path(&self) -> &Path {
        &self.stderr
    }

    /// The exit status, or `None` while the program runs.
    ///
    /// # Errors
    /// When the operating system refuses the question.
    pub fn exited(&mut self) -> Result<Option<ExitStatus>> {
        Ok(self.child.try_wait()?)
    }

    /// Fails with the end of the log when the program is no longer running.
    ///
    /// # Errors
    /// When it has exited.
    pub fn check_running(&mut self) -> Result<()> {
        match self.exited()? {
            None => Ok(()),
            Some(status) => bail!("{} ended with {status}; its last lines:\n{}", self.name, self.log_tail()),
        }
    }

    /// SIGKILL: the program gets no chance to tidy up. Returns once it is gone.
    ///
    /// # Errors
    /// When the operating system refuses.
    pub fn kill(&mut self) -> Result<()> {
        if self.exited()?.is_none() {
            self.child.kill()?;
            self.child.wait()?;
        }
        self.forget()
    }

    /// SIGTERM: asks the program to end. It does not wait.
    ///
    /// # Errors
    /// When the program is gone already.
    pub fn terminate(&mut self) -> Result<()> {
        self.check_running()?;
        let pid = self.pid().to_string();
        let status = Command::new("sh").args(["-c", "kill -TERM \"$1\"", "sh", &pid]).status()?;
        if !status.success() {
            bail!("kill -TERM {pid} ended with {status}");
        }
        Ok(())
    }

    /// Waits for the program to end by itself.
    ///
    /// # Errors
    /// When it still runs after `limit`; the message carries the end of its log.
    pub async fn wait(&mut self, limit: Duration) -> Result<ExitStatus> {
        let what = format!("{} (pid {}) to end", self.name, self.pid());
        let child = std::cell::RefCell::new(&mut self.child);
        let ended = poll::until(&what, limit, || {
            let status = child.borrow_mut().try_wait();
            async move { Ok(status?) }
        })
        .await;
        let status = ended.with_context(|| format!("last lines:\n{}", self.log_tail()))?;
        self.forget()?;
        Ok(status)
    }

    /// All that was printed to standard output so far.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn read_stdout(&self) -> Result<String> {
        Ok(std::fs::read_to_string(&self.stdout)?)
    }

    /// Standard output as one JSON value.
    ///
    /// # Errors
    /// When it is not one; the message carries both outputs' ends.
    pub fn read_json<T: DeserializeOwned>(&self) -> Result<T> {
        let text = self.read_stdout()?;
        serde_json::from_str(&text).with_context(|| format!("{} printed no JSON:\n{}", self.name, self.log_tail()))
    }

    /// The last lines of both outputs.
    #[must_use]
    pub fn log_tail(&self) -> String {
        let mut tail = String::new();
        for path in [&self.stdout, &self.stderr] {
            let text = std::fs::read_to_string(path).unwrap_or_default();
            let lines: Vec<&str> = text.lines().collect();
            for line in lines.iter().skip(lines.len().saturating_sub(TAIL_LINES)) {
                tail.push_str(line);
                tail.push('\n');
            }
        }
        tail
    }

    /// CPU time in seconds and resident memory in bytes so far, from the kernel.
    ///
    /// # Errors
    /// Where there is no `/proc`, or when the program has ended.
    pub fn usage(&self) -> Result<Usage> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.pid()))?;
        // The name in parentheses may hold spaces: count the fields after it.
        let (_, rest) = stat.rsplit_once(')').ok_or_else(|| anyhow!("odd stat line {stat}"))?;
        let fields: Vec<&str> = rest.split_whitespace().collect();
        let number = |index: usize| -> Result<f64> { Ok(fields.get(index).ok_or_else(|| anyhow!("short stat line {stat}"))?.parse()?) };
        // Linux counts in 1/100 s towards programs, whatever its own tick is, and in 4 KiB pages.
        Ok(Usage { cpu_seconds: (number(11)? + number(12)?) / 100.0, resident_bytes: number(21)? * 4096.0 })
    }

    fn tell_reaper(&mut self, line: &str) -> Result<()> {
        if let Some(input) = &mut self.reaper_input {
            input.write_all(line.as_bytes())?;
            input.flush()?;
        }
        Ok(())
    }

    /// The program is gone: its number may be another's soon.
    fn forget(&mut self) -> Result<()> {
        let line = format!("- {}\n", self.pid());
        self.tell_reaper(&line)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Err(error) = self.kill() {
            let line = format!("could not stop {}: {error:#}\n", self.name);
            std::io::stderr().write_all(line.as_bytes()).ok();
        }
        self.reaper_input = None;
        self.reaper.wait().ok();
    }
}

/// What a program has used so far.
#[derive(Debug, Clone, Copy)]
pub struct Usage {
    /// User and system time, in seconds.
    pub cpu_seconds: f64,
    /// Resident memory, in bytes.
    pub resident_bytes: f64,
}

/// The released `causeway` binary, up to date: `CAUSEWAY_BIN`, or `target/release/causeway` where it is
/// newer than every source, or else after `cargo build --release -p causeway`.
///
/// `cargo test --workspace` builds it first, for the binary's own tests; building it again as one package
/// alone would compile many dependencies anew, with the features that this selection wants.
///
/// # Errors
/// When it cannot be built; the message carries the compiler's.
pub fn causeway_binary() -> Result<PathBuf> {
    static BINARY: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    let binary = BINARY.get_or_init(|| build().map_err(|error| format!("{error:#}")));
    binary.clone().map_err(|error| anyhow!(error))
}

fn build() -> Result<PathBuf> {
    if let Some(path) = std::env::var_os("CAUSEWAY_BIN") {
        let path = PathBuf::from(path);
        if !path.is_file() {
            bail!("CAUSEWAY_BIN names {}, which is no file", path.display());
        }
        return Ok(path);
    }
    let built = repo::target().join("release/causeway");
    if is_newer_than_sources(&built)? {
        return Ok(built);
    }
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .current_dir(repo::root())
        .args(["build", "--release", "--package", "causeway"])
        .output()
        .context("start cargo; CAUSEWAY_BIN names a binary that is built already")?;
    if !output.status.success() {
        bail!("cargo build --release -p causeway ended with {}:\n{}", output.status, String::from_utf8_lossy(&output.stderr));
    }
    let binary = repo::target().join("release/causeway");
    if !binary.is_file() {
        bail!("cargo built no {}", binary.display());
    }
    Ok(binary)
}

/// Whether a file is newer than everything that the binary is built from.
fn is_newer_than_sources(file: &Path) -> Result<bool> {
    let Ok(built) = file.metadata().and_then(|data| data.modified()) else {
        return Ok(false);
    };
    let mut left: Vec<PathBuf> =
        ["Cargo.toml", "Cargo.lock", "proto", "relayer", "adapters", "config"].map(|part| repo::root().join(part)).into();
    while let Some(path) = left.pop() {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        if path.is_dir() {
            // What is built from elsewhere, and what only tests are built from.
            if !["node_modules", "tests", "benches", "examples"].contains(&name.as_str()) {
                for entry in std::fs::read_dir(&path)? {
                    left.push(entry?.path());
                }
            }
        } else if path.metadata()?.modified()? > built {
            return Ok(false);
        }
    }
    Ok(true)
}

fn append(path: &Path) -> Result<File> {
    File::options().create(true).append(true).open(path).with_context(|| format!("open {}", path.display()))
}
