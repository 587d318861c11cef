//! `--patience`: how long a server that went away is waited for.

use std::time::Duration;

use clap::Args;
use flexway_engine::RetryPolicy;

/// How long a server is waited for.
#[derive(Args)]
pub(crate) struct PatienceArgs {
    /// How long a server that went away is waited for, beside the time that each try takes. Default: about four minutes, as long as
    /// a managed server's failover may take
    #[arg(long, value_name = "SECONDS")]
    patience: Option<u16>,
}

impl PatienceArgs {
    /// How often a step is tried again, and after which waits.
    pub(crate) fn policy(&self) -> RetryPolicy {
        let within = |seconds: u16| RetryPolicy::within(Duration::from_secs(seconds.into()));
        self.patience.map_or_else(RetryPolicy::default, within)
    }
}
