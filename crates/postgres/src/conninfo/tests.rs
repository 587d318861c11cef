//! Connection strings as people write them, and what they mean.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so by panicking")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use super::*;

fn user_only(name: &str) -> Option<String> {
    (name == "USER").then(|| "ann".to_owned())
}

/// Label, password and `sslmode`, or the error.
fn read(text: &str, env: &dyn Fn(&str) -> Option<String>) -> String {
    match ConnInfo::parse(text, env) {
        Ok(info) => format!(
            "{} | {} | {}",
            info.label(),
            info.password().unwrap_or("-"),
            info.ssl_mode().word()
        ),
        Err(error) => error.to_string().replace("read the connection string: ", "error: "),
    }
}

#[test]
fn strings_that_are_understood() {
    let table = [
        ("postgres://bob:pw@db.example:6000/app", "db.example:6000/app as bob | pw | verify-full"),
        ("postgresql://db.example", "db.example:5432/ann as ann | - | verify-full"),
        ("postgres://bob@/app?host=/run/pg", "/run/pg:5432/app as bob | - | prefer"),
        ("postgres://bob@%2Frun%2Fpg/app", "/run/pg:5432/app as bob | - | prefer"),
        ("postgres://b%40b:p%2Fw%25@h/a%20b", "h:5432/a b as b@b | p/w% | verify-full"),
        (
            "postgres://bob@[2001:db8::1]:6000/app",
            "[2001:db8::1]:6000/app as bob | - | verify-full",
        ),
        ("postgres://bob@[::1]/app", "[::1]:5432/app as bob | - | prefer"),
        ("postgres://bob@127.0.0.1/app?sslmode=require", "127.0.0.1:5432/app as bob | - | require"),
        ("postgres://bob@h/app?ssl=true", "h:5432/app as bob | - | require"),
        ("postgres://h?user=bob&password=x%26y&dbname=d", "h:5432/d as bob | x&y | verify-full"),
        (
            "postgres://admin@srv:pw@srv.example/app",
            "srv.example:5432/app as admin@srv | pw | verify-full",
        ),
        ("host=h user=bob dbname=app", "h:5432/app as bob | - | verify-full"),
        (
            "host = h  user='b o b' password='it\\'s \\\\'",
            "h:5432/b o b as b o b | it's \\ | verify-full",
        ),
        ("host=h password=a\\ b port=6000 port=6001", "h:6001/ann as ann | a b | verify-full"),
        ("host=localhost sslmode=disable", "localhost:5432/ann as ann | - | disable"),
        ("hostaddr=10.1.2.3 dbname=d", "10.1.2.3:5432/d as ann | - | verify-full"),
        ("host=h hostaddr=127.0.0.1", "h:5432/ann as ann | - | prefer"),
        ("host=h sslmode=require sslrootcert=/ca.pem", "h:5432/ann as ann | - | verify-ca"),
        ("host=localhost sslrootcert=system", "localhost:5432/ann as ann | - | verify-full"),
        (
            "host=h target_session_attrs=any gssencmode=disable keepalives=1",
            "h:5432/ann as ann | - | verify-full",
        ),
    ];
    for (text, expected) in table {
        assert_eq!(read(text, &user_only), expected, "{text}");
    }
}

#[test]
fn strings_that_are_refused_say_why_and_show_no_secret() {
    let table = [
        ("", "it is empty"),
        ("  ", "it is empty"),
        ("my.server", "a word stands without `=`"),
        ("host=h secret", "a word stands without `=`"),
        ("host=h password='secret", "the value of password has no closing quote"),
        ("postgres://h1,h2/d", "several hosts"),
        ("host=h1,h2", "several hosts"),
        ("postgres://bob:secret@h:54x/d", "the port is not a number"),
        ("host=h port=70000", "the port is not a number"),
        ("host=h port=0", "the port is not a number"),
        ("postgres://bob:sec/ret@h/d", "the port is not a number"),
        ("postgres://bob@::1/d", "in brackets"),
        ("postgres://bob@[::1/d", "no closing `]`"),
        ("postgres://bob:secret%zz@h/d", "`%` is not followed by two hex digits"),
        ("postgres://h/d?sslmod=require", "libpq has no parameter `sslmod`"),
        ("postgres://h/d?Secret-1=x", "a parameter that libpq does not know"),
        ("host=h sslmode=on", "sslmode is none of"),
        ("host=h sslmode=verify-ca", "needs sslrootcert=FILE"),
        ("host=h sslmode=require sslrootcert=system", "too weak for sslrootcert=system"),
        ("host=h sslcert=/c.pem", "`sslcert` is not supported here"),
        ("host=h target_session_attrs=read-write", "of `target_session_attrs` only any"),
        ("host=h channel_binding=require", "of `channel_binding` only disable, prefer"),
        ("host=h connect_timeout=soon", "connect_timeout is not a whole number"),
        ("hostaddr=nowhere", "hostaddr is not one IPv4 or IPv6 address"),
        ("host=h service=nope", "no service file defines `nope`"),
    ];
    for (text, expected) in table {
        let shown = read(text, &user_only);
        assert!(shown.starts_with("error: ") && shown.contains(expected), "{text}: {shown}");
        assert!(!shown.contains("secret") && !shown.contains("sec/"), "{text}: {shown}");
    }
}

#[test]
fn variables_fill_what_the_string_leaves_out() {
    let env = |name: &str| {
        let value = match name {
            "PGHOST" => "env.example",
            "PGPORT" => "6000",
            "PGUSER" => "eve",
            "PGPASSWORD" => "pw",
            "PGSSLMODE" => "disable",
            "PGDATABASE" => "",
            _ => return None,
        };
        Some(value.to_owned())
    };
    assert_eq!(read("dbname=d", &env), "env.example:6000/d as eve | pw | disable");
    assert_eq!(read("postgres://bob:x@h:1/", &env), "h:1/bob as bob | x | disable");
    assert!(read("host=h", &|_| None).contains("names no user"));
    let certificate = |name: &str| (name == "PGSSLCERT").then(|| "/c.pem".to_owned());
    assert!(read("host=h user=bob", &certificate).contains("`PGSSLCERT` is not supported here"));
}

/// A folder of files that is removed with the value.
struct Files(PathBuf);

impl Files {
    fn new(name: &str) -> Files {
        let path =
            std::env::temp_dir().join(format!("flexway-conninfo-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Files(path)
    }

    fn write(&self, name: &str, mode: u32, text: &str) -> String {
        let path = self.0.join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        path.display().to_string()
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn a_service_gives_defaults_that_rank_above_variables() {
    let files = Files::new("service");
    let path = files.write(
        "services",
        0o644,
        "# ours\n[other]\nhost=wrong\n\n[prod]\nhost=prod.example\nport=6000\nuser=carol\n[z]\nport=1\n",
    );
    let env = |name: &str| match name {
        "PGSERVICEFILE" => Some(path.clone()),
        "PGPORT" => Some("7000".to_owned()),
        "PGDATABASE" => Some("app".to_owned()),
        _ => None,
    };
    assert_eq!(
        read("service=prod user=bob", &env),
        "prod.example:6000/app as bob | - | verify-full"
    );
    let by_variable = |name: &str| {
        if name == "PGSERVICE" { Some("prod".to_owned()) } else { env(name) }
    };
    assert_eq!(
        read("application_name=x", &by_variable),
        "prod.example:6000/app as carol | - | verify-full"
    );
}

#[test]
fn a_password_file_counts_per_database_and_only_when_private() {
    let files = Files::new("passfile");
    let text = "h:5432:app:bob:one\nh:5432:*:bob:other\n";
    let private = files.write("private", 0o600, text);
    let open = files.write("open", 0o644, text);

    let info =
        ConnInfo::parse(&format!("host=h user=bob dbname=app passfile={private}"), &|_| None);
    let info = info.unwrap();
    assert_eq!(info.password(), Some("one"));
    assert_eq!(info.with_database("else").password(), Some("other"));
    assert!(!format!("{info:?} {}", info.label()).contains("one"));

    let env = |name: &str| (name == "PGPASSFILE").then(|| open.clone());
    let info = ConnInfo::parse("host=h user=bob dbname=app", &env).unwrap();
    assert_eq!(info.password(), None);
    assert!(info.password_note().unwrap().contains("others can read it: chmod 0600"));

    let missing = ConnInfo::parse("host=h user=bob passfile=/nonexistent", &|_| None).unwrap();
    assert!(missing.password_note().unwrap().contains("was not read"));
    let given =
        ConnInfo::parse(&format!("host=h user=bob password=x passfile={private}"), &|_| None);
    assert_eq!(given.unwrap().with_database("app").password(), Some("x"));
}

#[test]
fn tools_get_everything_through_their_environment() {
    let text = "host=h hostaddr=10.0.0.1 port=6000 user=bob password=pw dbname=d \
                sslmode=verify-full sslrootcert=/ca.pem connect_timeout=1 options='-c x=y'";
    let info = ConnInfo::parse(text, &|_| None).unwrap();
    let pairs = info.with_database("other").tool_environment();
    // What the user gives comes last, and wins.
    let options = format!("{START_OPTIONS} -c x=y");
    let get = |name: &str| {
        pairs.iter().find(|(key, _)| key == name).map_or("-", |(_, value)| value.as_str())
    };
    let expected = [
        ("PGHOST", "h"),
        ("PGHOSTADDR", "10.0.0.1"),
        ("PGPORT", "6000"),
        ("PGUSER", "bob"),
        ("PGPASSWORD", "pw"),
        ("PGDATABASE", "other"),
        ("PGSSLMODE", "verify-full"),
        ("PGSSLROOTCERT", "/ca.pem"),
        ("PGCONNECT_TIMEOUT", "2"),
        ("PGOPTIONS", options.as_str()),
        ("PGAPPNAME", "flexway"),
    ];
    for (name, value) in expected {
        assert_eq!(get(name), value, "{name}");
    }
    assert_eq!(pairs.len(), expected.len());
}
