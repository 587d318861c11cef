//! What a file or standard input says, with a bound on how much of it is read.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use flexway_core::text;

/// The text of a file, or of standard input for `-`.
///
/// # Errors
/// It cannot be read, has more than `bytes_max` bytes, or is no text.
pub(crate) fn read(path: &Path, bytes_max: u64) -> io::Result<String> {
    let mut bytes = Vec::new();
    match path.as_os_str() == "-" {
        true => fill(io::stdin().lock(), &mut bytes, bytes_max)?,
        false => fill(File::open(path)?, &mut bytes, bytes_max)?,
    }
    match text::decode(&bytes) {
        Ok(text) => Ok(text.into_owned()),
        Err(why) => Err(io::Error::new(io::ErrorKind::InvalidData, why)),
    }
}

/// Reads all that there is into a buffer.
///
/// # Errors
/// It cannot be read, or has more than `bytes_max` bytes.
pub(crate) fn fill(from: impl Read, bytes: &mut Vec<u8>, bytes_max: u64) -> io::Result<()> {
    bytes.clear();
    let count = from.take(bytes_max + 1).read_to_end(bytes)?;
    if count as u64 > bytes_max {
        let why = format!("it has more than {bytes_max} bytes");
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, why));
    }
    Ok(())
}
