//! A server's version, as one number.

use std::fmt;

use super::Row;

/// `server_version_num`: 150018 is 15.18, 90624 is 9.6.24.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServerVersion {
    /// The number as the server gives it.
    pub number: u32,
}

impl ServerVersion {
    pub(crate) fn from_rows(rows: &[Row]) -> Option<ServerVersion> {
        let number = rows.first()?.first()?.as_deref()?.parse().ok()?;
        Some(ServerVersion { number })
    }

    /// 15 of 15.18, and 9 of 9.6.
    pub fn major(self) -> u32 {
        self.number / 10_000
    }
}

impl fmt::Display for ServerVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (major, rest) = (self.number / 10_000, self.number % 10_000);
        if major < 10 {
            write!(f, "{major}.{}.{}", rest / 100, rest % 100)
        } else {
            write!(f, "{major}.{rest}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_as_people_write_them() {
        let shown = |number| ServerVersion { number }.to_string();
        assert_eq!((shown(150_018), shown(90_624)), ("15.18".to_owned(), "9.6.24".to_owned()));
        assert_eq!(ServerVersion { number: 180_006 }.major(), 18);
    }
}
