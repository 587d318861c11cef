//! Makes the certificates of a server: an authority of its own and one for `localhost`.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::account::{Account, clean_command};
use crate::folder::Folder;
use crate::{Error, run};

/// Making an elliptic-curve key takes milliseconds; this is for a machine that swaps.
const OPENSSL_LIMIT: Duration = Duration::from_secs(60);

/// Own settings, because those of /etc/ssl/openssl.cnf differ between systems.
const OPENSSL_SETTINGS: &str = "\
[req]
distinguished_name = name
[name]
[authority]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[server]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth
subjectAltName = DNS:localhost, IP:127.0.0.1OTHERS
authorityKeyIdentifier = keyid
";

/// Files of one server's certificates.
#[derive(Debug, Clone)]
pub(crate) struct Certificates {
    /// The authority's certificate, for `sslrootcert`.
    pub(crate) authority: PathBuf,
    folder: PathBuf,
}

impl Certificates {
    /// Makes both; the keys are readable by the server's account only. `names` are names of the server's host beside `localhost`.
    pub(crate) fn create(
        folder: &Folder,
        account: &Account,
        names: &[&str],
    ) -> Result<Certificates, Error> {
        let folder = folder.subfolder("tls", account)?;
        let settings = folder.join("openssl.cnf");
        let others: String = names.iter().map(|name| format!(", DNS:{name}")).collect();
        fs::write(&settings, OPENSSL_SETTINGS.replace("OTHERS", &others))
            .map_err(Error::io(format!("write {}", settings.display())))?;
        openssl(&folder, "authority", "/CN=Flexway lab authority", &[])?;
        openssl(
            &folder,
            "server",
            "/CN=localhost",
            &["-CA", "authority.pem", "-CAkey", "authority.key"],
        )?;
        account.give(&folder.join("server.key"))?;
        account.give(&folder.join("server.pem"))?;
        Ok(Certificates { authority: folder.join("authority.pem"), folder })
    }

    /// What `postgresql.conf` has to say.
    pub(crate) fn settings(&self) -> [(String, String); 3] {
        let path = |name: &str| self.folder.join(name).display().to_string();
        [
            ("ssl".to_owned(), "on".to_owned()),
            ("ssl_cert_file".to_owned(), path("server.pem")),
            ("ssl_key_file".to_owned(), path("server.key")),
        ]
    }
}

fn openssl(folder: &Path, name: &str, subject: &str, signer: &[&str]) -> Result<(), Error> {
    let (key, certificate) = (format!("{name}.key"), format!("{name}.pem"));
    let mut command = clean_command(Path::new("openssl"));
    command.current_dir(folder).args(["req", "-x509", "-nodes", "-days", "30"]);
    command.args(["-config", "openssl.cnf", "-extensions", name, "-subj", subject]);
    command.args(["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]);
    command.args(["-keyout", &key, "-out", &certificate]).args(signer);
    run::run(command, "", folder, OPENSSL_LIMIT).map(drop)
}
