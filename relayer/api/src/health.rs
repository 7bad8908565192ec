//! Whether the relay is alive and ready, told in the same words over HTTP and over the standard gRPC health service.
//!
//! What it is not: it watches no chain; it reads what the engine's status says.

use crate::relay::Relay;
use std::sync::{Arc, OnceLock};
use tokio_util::sync::CancellationToken;
use tonic_health::ServingStatus;
use tonic_health::server::HealthReporter;

/// The names the health service answers for; the empty one is the server as a whole.
const SERVICES: [&str; 3] = ["", "causeway.relay.v1.Relay", "causeway.admin.v1.Admin"];

/// What is known of the relay's health.
#[derive(Debug, Clone)]
pub(crate) struct Health {
    relay: Arc<dyn Relay>,
    failure: Arc<OnceLock<String>>,
    shutdown: CancellationToken,
}

impl Health {
    pub(crate) fn new(relay: Arc<dyn Relay>, shutdown: CancellationToken) -> Self {
        Self { relay, failure: Arc::new(OnceLock::new()), shutdown }
    }

    /// Why the engine stopped by itself.
    pub(crate) fn failure(&self) -> Option<String> {
        self.failure.get().cloned()
    }

    /// `Ok` while packets are relayed on a path, with the paths on which none are; otherwise why not.
    pub(crate) fn ready(&self) -> Result<Vec<String>, String> {
        if let Some(why) = self.failure() {
            return Err(why);
        }
        if self.shutdown.is_cancelled() {
            return Err("stopping".to_owned());
        }
        let status = self.relay.status();
        let silent: Vec<_> = status.chains.iter().filter(|chain| chain.head.is_none()).map(|chain| chain.chain.as_str()).collect();
        if !silent.is_empty() {
            return Err(format!("no answer yet from: {}", silent.join(", ")));
        }
        let halted = status.paths.iter().filter_map(|path| Some(format!("path {} is halted: {}", path.name, path.halted.as_ref()?)));
        let halted: Vec<String> = halted.collect();
        if !halted.is_empty() && halted.len() == status.paths.len() { Err(halted.join("\n")) } else { Ok(halted) }
    }

    /// Keeps the gRPC health service in step until the relay stops, one way or the other.
    pub(crate) async fn report(self, reporter: HealthReporter) {
        for service in SERVICES {
            reporter.set_service_status(service, ServingStatus::Serving).await;
        }
        tokio::select! {
            why = self.relay.stopped() => {
                tracing::error!(%why, "the engine stopped by itself");
                // Only this task sets it.
                let _first = self.failure.get_or_init(|| format!("the engine stopped: {why}"));
            }
            () = self.shutdown.cancelled() => {}
        }
        for service in SERVICES {
            reporter.set_service_status(service, ServingStatus::NotServing).await;
        }
    }
}
