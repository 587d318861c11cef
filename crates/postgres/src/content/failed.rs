//! What a copy that failed says, and who has to do what.

use flexway_core::migrate::{MoveError, Remedy, Table};

use super::plain;
use crate::ask::relay_failed;
use crate::compare::digests;
use crate::{PgError, RelayError};

pub(super) fn copy_failed(what: &str, table: &Table, error: RelayError) -> MoveError {
    // 42P01: the table was dropped on one side after it was listed.
    let missing = match &error {
        // With a line number, it is something that a constraint of the row looked for.
        RelayError::Source(error) | RelayError::Target(error) => {
            error.code() == Some("42P01") && !error.to_string().contains("; COPY ")
        }
        RelayError::Stopped => false,
    };
    let refused = refused(&error);
    let mut failure = relay_failed(what, error);
    match refused {
        Some(Refused::Partition) => {
            failure.help = "the target takes the row for another partition's: it sorts text otherwise \
                            than the source (another collation, or version of it); make the target's \
                            database with a collation that sorts alike, then begin anew"
                .to_owned();
        }
        Some(Refused::Check) => {
            failure.remedy = Remedy::Later;
            failure.help =
                "the source holds rows that the table's constraints refuse on the target: \
                            mend them on the source, or drop the constraint there, then begin anew"
                    .to_owned();
        }
        None => {}
    }
    if digests::are_needed(&failure) {
        failure.help = "a row of it is longer than a server can write out, 1 GB; where a column of another type keeps the table from \
                        travelling in binary form, a bytea counts twice and a bit varying eight times: shorten the row on the \
                        source, or put the value into another table, then begin anew"
            .to_owned();
    }
    if missing {
        failure.help = format!(
            "create {} again, or start a new move: the schema changed meanwhile",
            plain(table)
        );
    }
    failure
}

/// Why the target does not take a row that the source holds.
enum Refused {
    /// It belongs into another partition there.
    Partition,
    /// A check says no, or the function that it calls; perhaps that looks into a table that has no
    /// rows yet.
    Check,
}

fn refused(error: &RelayError) -> Option<Refused> {
    let RelayError::Target(PgError::Server(error)) = error else { return None };
    match error.code.as_str() {
        // A partition's bounds are the one constraint without a name.
        "23514" if error.constraint.is_none() => Some(Refused::Partition),
        // Also raise_exception and no_data_found.
        "23514" | "P0001" | "P0002" => Some(Refused::Check),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pg_error::ServerError;

    #[test]
    fn rows_that_no_text_holds_are_told_as_such() {
        let (schema, name) = ("s".to_owned(), "t".to_owned());
        let table = Table { schema, name, columns: Vec::new(), size_bytes: 0 };
        let told = |body: &[u8]| {
            let error = PgError::Server(Box::new(ServerError::read(body)));
            copy_failed("copy table s.t", &table, RelayError::Source(error)).help
        };
        let words = b"SERROR\0CXX000\0Minvalid memory alloc request size 1132462083\0\0";
        assert!(told(words).contains("1 GB"));
        assert!(!told(b"SERROR\0CXX001\0Minvalid page in block 7\0\0").contains("1 GB"));
    }
}
