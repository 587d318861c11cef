//! Encryption and identity: what each `sslmode` accepts, and what its refusal advises.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use flexway_core::probes::Rung;
use flexway_lab::{Auth, Options};
use flexway_postgres::Session;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::fake::{self, Fake};
use crate::{server, try_connect, value};

fn is_encrypted(session: &mut Session) -> bool {
    let sql = "select ssl from pg_stat_ssl where pid = pg_backend_pid()";
    let says_server = value(session, sql) == "t";
    assert_eq!(session.is_encrypted(), says_server);
    says_server
}

#[test]
fn each_mode_encrypts_and_verifies_as_it_says() {
    let server = server(15, &Options { tls: true, ..Options::default() });
    let authority = server.certificate_authority().unwrap().display();
    let (port, password) = (server.port(), server.password());
    let connect = |parameters: String| {
        try_connect(&format!("port={port} user=postgres password={password} {parameters}"))
    };
    let table = [
        ("host=127.0.0.1 sslmode=disable".to_owned(), false),
        ("host=127.0.0.1 sslmode=allow".to_owned(), false),
        ("host=127.0.0.1".to_owned(), true),
        ("host=127.0.0.1 sslmode=require".to_owned(), true),
        ("host=wrong.example hostaddr=127.0.0.1 sslmode=require".to_owned(), true),
        (format!("host=127.0.0.1 sslmode=require sslrootcert={authority}"), true),
        (format!("host=127.0.0.1 sslmode=verify-full sslrootcert={authority}"), true),
        (format!("host=localhost sslmode=verify-full sslrootcert={authority}"), true),
        (
            format!(
                "host=wrong.example hostaddr=127.0.0.1 sslmode=verify-ca sslrootcert={authority}"
            ),
            true,
        ),
    ];
    for (parameters, expected) in table {
        let mut session = connect(parameters.clone()).expect(&parameters);
        assert_eq!(is_encrypted(&mut session), expected, "{parameters}");
        // A result of many TLS records, and a cancel that needs a connection of its own.
        assert_eq!(value(&mut session, "select repeat('x', 3000000)").len(), 3_000_000);
        let canceller = session.canceller();
        let cancel = thread::spawn(move || {
            thread::sleep(Duration::from_millis(200));
            canceller.cancel().unwrap();
        });
        assert_eq!(session.execute("select pg_sleep(60)").unwrap_err().code(), Some("57014"));
        cancel.join().unwrap();
    }

    let refused = [
        ("host=127.0.0.1 sslmode=verify-full".to_owned(), "add sslrootcert=FILE"),
        (format!("host=wrong.example hostaddr=127.0.0.1 sslrootcert={authority}"), "other hosts"),
        (
            "host=127.0.0.1 sslmode=verify-full sslrootcert=/nonexistent".to_owned(),
            "gives no certificate",
        ),
    ];
    for (parameters, words) in refused {
        let error = connect(parameters.clone()).expect_err(&parameters);
        assert_eq!(error.rung, Rung::Tls, "{error}");
        assert!(error.to_string().contains(words), "{error}");
    }
}

#[test]
fn modes_that_may_fall_back_do_and_others_say_what_to_add() {
    let hba = ["hostnossl all tls all reject", "hostssl all clear all reject"];
    let options = Options {
        tls: true,
        auth: Auth::Trust,
        hba: hba.map(str::to_owned).to_vec(),
        ..Options::default()
    };
    let with_tls = server(17, &options);
    with_tls.psql("postgres", "create role tls login; create role clear login").unwrap();
    let url = |user: &str, mode: &str| {
        format!("postgres://{user}@127.0.0.1:{}/postgres?sslmode={mode}", with_tls.port())
    };
    assert!(is_encrypted(&mut try_connect(&url("tls", "allow")).unwrap()));
    assert!(!is_encrypted(&mut try_connect(&url("clear", "prefer")).unwrap()));
    let error = try_connect(&url("tls", "disable")).unwrap_err();
    assert_eq!((error.rung, error.code.as_deref()), (Rung::Startup, Some("28000")));
    assert!(error.fix.contains("add sslmode=verify-full"), "{error}");
    let error = try_connect(&url("clear", "require")).unwrap_err();
    assert!(error.fix.contains("the packet reached the server"), "{error}");

    let without = server(17, &Options { auth: Auth::Trust, ..Options::default() });
    let url = |mode: &str| {
        format!("postgres://postgres@127.0.0.1:{}/postgres?sslmode={mode}", without.port())
    };
    assert!(!try_connect(&url("prefer")).unwrap().is_encrypted());
    let error = try_connect(&url("verify-full")).unwrap_err();
    assert_eq!(error.rung, Rung::Tls);
    assert!(
        error.why.contains("offers no TLS") && error.fix.contains("sslmode=disable"),
        "{error}"
    );
}

/// Certificates made on the spot, removed with the value.
struct Certificates(PathBuf);

impl Certificates {
    fn new(name: &str) -> Certificates {
        let path = std::env::temp_dir().join(format!("flexway-tls-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Certificates(path)
    }

    fn openssl(&self, arguments: &str) {
        let output = Command::new("openssl")
            .args(arguments.split(' '))
            .current_dir(&self.0)
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}

impl Drop for Certificates {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A server that shakes hands with this certificate and then refuses the login.
fn tls_server(folder: &Path, connections: usize) -> Fake {
    let chain = vec![CertificateDer::from_pem_file(folder.join("c.pem")).unwrap()];
    let key = PrivateKeyDer::from_pem_file(folder.join("k.pem")).unwrap();
    let provider = Arc::new(aws_lc_rs::default_provider());
    let signer = provider.key_provider.load_private_key(key).unwrap();
    // rustls would refuse to load a version 1 certificate by itself; a resolver is not asked.
    let certified = Arc::new(rustls::sign::CertifiedKey::new(chain, signer));
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(rustls::sign::SingleCertAndKey::from(certified)));
    let config = Arc::new(config);
    Fake::start(connections, move |_, mut stream| {
        use std::io::{Read, Write};
        fake::read_first(&mut stream);
        stream.write_all(b"S").unwrap();
        let mut stream = StreamOwned::new(ServerConnection::new(config.clone()).unwrap(), stream);
        // The startup message comes only from a client that accepts the certificate.
        let mut first = [0; 4];
        if stream.read_exact(&mut first).is_ok() {
            fake::send(&mut stream, b'E', &fake::error("28000", "role \"bob\" does not exist"));
            stream.flush().unwrap();
        }
    })
}

#[test]
fn a_self_signed_certificate_is_refused_unless_it_is_the_one_named() {
    let files = Certificates::new("self");
    files.openssl(
        "req -x509 -nodes -newkey ec -pkeyopt ec_paramgen_curve:P-256 -days 2 -subj /CN=x \
         -addext subjectAltName=IP:127.0.0.1 -keyout k.pem -out c.pem",
    );
    let fake = tls_server(&files.0, 3);
    let error = try_connect(&fake.url("sslmode=verify-full")).unwrap_err();
    assert_eq!(error.rung, Rung::Tls);
    assert!(error.fix.contains("sslrootcert=FILE"), "{error}");
    let named = format!("sslrootcert={}", files.0.join("c.pem").display());
    for parameters in [format!("sslmode=verify-full&{named}"), "sslmode=require".to_owned()] {
        let error = try_connect(&fake.url(&parameters)).unwrap_err();
        assert_eq!((error.rung, error.code.as_deref()), (Rung::Auth, Some("28000")), "{error}");
    }
    fake.finish();
}

#[test]
fn a_version_1_certificate_can_be_used_but_not_verified() {
    let files = Certificates::new("v1");
    files.openssl("req -new -nodes -newkey rsa:2048 -subj /CN=127.0.0.1 -keyout k.pem -out r.pem");
    files.openssl("x509 -req -in r.pem -days 2 -signkey k.pem -out c.pem");
    let fake = tls_server(&files.0, 2);
    let error = try_connect(&fake.url("sslmode=require")).unwrap_err();
    assert_eq!((error.rung, error.code.as_deref()), (Rung::Auth, Some("28000")), "{error}");
    let error = try_connect(&fake.url("sslmode=verify-full")).unwrap_err();
    assert_eq!(error.rung, Rung::Tls);
    assert!(error.why.contains("X.509 version 1"), "{error}");
    fake.finish();
}
