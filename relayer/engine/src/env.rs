//! Clock, randomness and spawning as traits, so that the whole engine runs from a seed.
//!
//! What it is not: a runtime. [`system`] is the one production implementation, on tokio; tests bring their own.

use futures::future::BoxFuture;
use std::sync::Arc;
use std::time::Duration;

/// Time as the engine sees it.
pub trait Clock: Send + Sync + std::fmt::Debug {
    /// Milliseconds since the unix epoch.
    fn now_ms(&self) -> u64;
    /// Completes after at least `duration`.
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()>;
}

/// Randomness; only for jitter, never for keys.
pub trait Rng: Send + Sync + std::fmt::Debug {
    /// A number, uniform over all of `u64`.
    fn next_u64(&self) -> u64;
}

/// Starts tasks.
pub trait Spawner: Send + Sync + std::fmt::Debug {
    /// Runs `task` until it ends or is aborted.
    fn spawn(&self, name: &'static str, task: BoxFuture<'static, ()>) -> Box<dyn Task>;
}

/// A started task.
pub trait Task: Send + Sync + std::fmt::Debug {
    /// Ends it at its next await point.
    fn abort(&self);
}

/// What the engine takes from its surroundings.
#[derive(Debug, Clone)]
pub struct Env {
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub rng: Arc<dyn Rng>,
    /// Tasks.
    pub spawner: Arc<dyn Spawner>,
}

/// The production environment: system clock, operating system randomness for the seed, tokio tasks. Call it within a tokio runtime.
pub fn system() -> Env {
    Env { clock: Arc::new(SystemClock), rng: Arc::new(SeededRng::new(rand::random())), spawner: Arc::new(TokioSpawner) }
}

/// The system's clock, with tokio's timer.
#[derive(Debug, Clone, Copy)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[allow(clippy::disallowed_methods, reason = "the one production clock behind the trait")]
    fn now_ms(&self) -> u64 {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        Box::pin(tokio::time::sleep(duration))
    }
}

/// A seeded generator.
#[derive(Debug)]
pub struct SeededRng(std::sync::Mutex<rand_chacha::ChaCha8Rng>);

impl SeededRng {
    /// Equal seeds give equal numbers.
    pub fn new(seed: u64) -> Self {
        Self(std::sync::Mutex::new(rand::SeedableRng::seed_from_u64(seed)))
    }
}

impl Rng for SeededRng {
    fn next_u64(&self) -> u64 {
        let mut rng = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        rand::RngCore::next_u64(&mut *rng)
    }
}

/// Tokio's tasks.
#[derive(Debug, Clone, Copy)]
pub struct TokioSpawner;

impl Spawner for TokioSpawner {
    fn spawn(&self, _name: &'static str, task: BoxFuture<'static, ()>) -> Box<dyn Task> {
        Box::new(TokioTask(tokio::spawn(task).abort_handle()))
    }
}

#[derive(Debug)]
struct TokioTask(tokio::task::AbortHandle);

impl Task for TokioTask {
    fn abort(&self) {
        self.0.abort();
    }
}
