//! What a certificate says of itself, whatever its version.

use std::net::{Ipv4Addr, Ipv6Addr};

use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer, X509Certificate};

/// Names of one certificate that are told; those of shared front doors have hundreds.
const NAMES_MAX: usize = 50;

/// The parts of a certificate that a diagnosis needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// Whose it is, such as `CN=db.example.com`.
    pub subject: String,
    /// Who signed it.
    pub issuer: String,
    /// Hosts that it is for: DNS names and addresses.
    pub names: Vec<String>,
    /// Seconds since 1970; negative before.
    pub not_before: i64,
    /// Seconds since 1970.
    pub not_after: i64,
    /// X.509's version, 1 to 3; only 3 has host names.
    pub version: u32,
}

impl Certificate {
    /// Reads DER; `None` when it is no certificate.
    pub(crate) fn read(der: &[u8]) -> Option<Certificate> {
        let (_, parsed) = X509Certificate::from_der(der).ok()?;
        let names = parsed.subject_alternative_name().ok().flatten();
        let names = names.map(|extension| &extension.value.general_names);
        Some(Certificate {
            subject: parsed.subject().to_string(),
            issuer: parsed.issuer().to_string(),
            names: names.into_iter().flatten().filter_map(host).take(NAMES_MAX).collect(),
            not_before: parsed.validity().not_before.timestamp(),
            not_after: parsed.validity().not_after.timestamp(),
            version: parsed.version().0.saturating_add(1),
        })
    }
}

fn host(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(name) => Some((*name).to_owned()),
        GeneralName::IPAddress(bytes) => {
            let four = <[u8; 4]>::try_from(*bytes).map(|four| Ipv4Addr::from(four).to_string());
            let six = || <[u8; 16]>::try_from(*bytes).map(|six| Ipv6Addr::from(six).to_string());
            four.or_else(|_| six()).ok()
        }
        _ => None,
    }
}
