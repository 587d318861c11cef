//! A password that is hard to guess and hard to print.

use std::fmt;
use std::fs::File;
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use crate::Error;

/// A password that no `Debug` output shows.
pub(crate) struct Secret(String);

impl Secret {
    /// 128 random bits in hexadecimal: nothing that a URL or a shell would have to quote.
    pub(crate) fn random() -> Result<Secret, Error> {
        let mut bytes = [0; 16];
        let read = File::open("/dev/urandom").and_then(|mut file| file.read_exact(&mut bytes));
        read.map_err(Error::io("read /dev/urandom"))?;
        Ok(Secret(bytes.iter().map(|byte| format!("{byte:02x}")).collect()))
    }

    /// One that was made before.
    pub(crate) fn known(text: String) -> Secret {
        Secret(text)
    }

    pub(crate) fn text(&self) -> &str {
        &self.0
    }

    /// Writes it to a new file that only its owner may read.
    pub(crate) fn write(&self, path: &Path) -> Result<(), Error> {
        let file = File::options().write(true).create_new(true).mode(0o600).open(path);
        file.and_then(|mut file| file.write_all(self.0.as_bytes()))
            .map_err(Error::io(format!("write {}", path.display())))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("(hidden)")
    }
}
