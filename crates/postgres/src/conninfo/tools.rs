//! What a child tool such as pg_dump is told, through its environment and never its arguments.

use std::path::Path;

use super::{ConnInfo, RootCert, SslMode};
use crate::dial;

/// Where distributions keep the authorities that a machine trusts.
const SYSTEM_BUNDLES: &[&str] = &[
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

impl ConnInfo {
    /// Variables that make a libpq program connect as this session would.
    ///
    /// Clear every other `PG*` variable of the child: libpq would mix them in. `PGPASSWORD` is
    /// among the pairs when a password is known, so they belong in no log.
    pub fn tool_environment(&self) -> Vec<(String, String)> {
        let mut pairs = vec![
            ("PGHOST", self.host.clone()),
            ("PGPORT", self.port.to_string()),
            ("PGUSER", self.user.clone()),
            ("PGDATABASE", self.database.clone()),
            ("PGAPPNAME", self.application_name.clone()),
            ("PGOPTIONS", self.options()),
            ("PGSSLMODE", self.ssl_mode.word().to_owned()),
            ("PGCONNECT_TIMEOUT", dial::rung_time_max(self).as_secs().to_string()),
        ];
        if let Some(address) = self.address {
            pairs.push(("PGHOSTADDR", address.to_string()));
        }
        if let Some(password) = self.password() {
            pairs.push(("PGPASSWORD", password.to_owned()));
        }
        if self.ssl_mode >= SslMode::VerifyCa {
            pairs.push(("PGSSLROOTCERT", self.tool_root_cert()));
        }
        pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }

    /// A file where there is one: `system` is understood by libpq 16 and later only.
    fn tool_root_cert(&self) -> String {
        match &self.root_cert {
            RootCert::File(path) => path.display().to_string(),
            RootCert::System => SYSTEM_BUNDLES
                .iter()
                .find(|path| Path::new(path).exists())
                .unwrap_or(&"system")
                .to_string(),
        }
    }
}
