//! Logging: to standard error, so that standard output stays the command's answer.

use crate::cli::Global;
use tracing_subscriber::EnvFilter;

/// Installs the log. A filter that does not parse falls back to `warn` and says so.
pub(crate) fn init(global: &Global) {
    let text = global.log.as_deref().unwrap_or("warn");
    let filter = EnvFilter::try_new(text).unwrap_or_else(|error| {
        eprintln!("warning: log filter `{text}` is not understood ({error}); logging warnings only");
        EnvFilter::new("warn")
    });
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_target(true);
    let outcome = if global.json { log.json().try_init() } else { log.try_init() };
    if let Err(error) = outcome {
        eprintln!("warning: the log is already set up: {error}");
    }
}
