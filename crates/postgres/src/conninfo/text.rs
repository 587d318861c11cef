//! A connection as a key/value string again: for a plan, or for a server that dials another one.

use std::time::Duration;

use super::{ConnInfo, RootCert};

impl ConnInfo {
    /// A key/value string that leads to the same server, without the password.
    pub fn without_password(&self) -> String {
        let mut pairs = self.pairs();
        pairs.push(("sslmode", self.ssl_mode.word().to_owned()));
        if let RootCert::File(path) = &self.root_cert {
            pairs.push(("sslrootcert", path.display().to_string()));
        }
        if let Some(limit) = self.connect_timeout {
            pairs.push(("connect_timeout", limit.as_secs().to_string()));
        }
        written(&pairs)
    }

    /// A key/value string for the libpq of another server: with the password, so it belongs in no
    /// log, and without what names files of this machine.
    pub fn for_another_server(&self, ssl_mode: &str, limit: Duration) -> String {
        let mut pairs = self.pairs();
        pairs.push(("sslmode", ssl_mode.to_owned()));
        pairs.push(("connect_timeout", limit.as_secs().max(1).to_string()));
        pairs.extend(self.password().map(|password| ("password", password.to_owned())));
        written(&pairs)
    }

    /// The password, empty when none is known: to be handed on with care.
    pub fn password_for_another_server(&self) -> String {
        self.password().unwrap_or_default().to_owned()
    }

    /// The same login with a setting that the session starts with. It travels in the startup
    /// message, which no server logs.
    #[must_use]
    pub fn with_setting(&self, name: &str, value: &str) -> ConnInfo {
        let mut setting = format!("-c {name}=");
        for character in value.chars() {
            // The server splits the options at white space.
            if character == '\\' || character.is_whitespace() {
                setting.push('\\');
            }
            setting.push(character);
        }
        let options = match &self.options {
            Some(options) => format!("{options} {setting}"),
            None => setting,
        };
        ConnInfo { options: Some(options), ..self.clone() }
    }

    fn pairs(&self) -> Vec<(&'static str, String)> {
        let mut pairs = vec![("host", self.host.clone())];
        pairs.extend(self.address.map(|address| ("hostaddr", address.to_string())));
        pairs.push(("port", self.port.to_string()));
        pairs.push(("user", self.user.clone()));
        pairs.push(("dbname", self.database.clone()));
        pairs
    }
}

fn written(pairs: &[(&str, String)]) -> String {
    let quoted = |value: &str| value.replace('\\', "\\\\").replace('\'', "\\'");
    let pairs = pairs.iter().map(|(name, value)| format!("{name}='{}'", quoted(value)));
    pairs.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_reads_back_without_the_password() {
        let url =
            "postgres://o%27neil%5C:s3cret@10.0.0.4:6432/my%20db?sslmode=require&connect_timeout=3";
        let info = ConnInfo::parse(url, &|_| None).expect("a URL");
        let text = info.without_password();
        assert!(!text.contains("s3cret"), "{text}");
        let again = ConnInfo::parse(&text, &|_| None).expect("what we write");
        assert_eq!(again.label(), info.label());
        assert_eq!(again.without_password(), text);
        let other = info.for_another_server("require", Duration::from_secs(5));
        let other = ConnInfo::parse(&other, &|_| None).expect("what we write");
        assert_eq!(other.password(), Some("s3cret"));
    }
}
