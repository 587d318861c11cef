//! Comparing the rows of an open database.

use std::sync::atomic::AtomicBool;

use flexway_core::migrate::{
    Copied, CopyProgress, Difference, DifferingRows, MoveError, Sample, Table, TableComparison,
};
use flexway_core::port::Compare;

use super::OpenDatabase;
use crate::ask::Outcome;
use crate::catalog::queried::can_be_queried;
use crate::catalog::tables::{Rows, tables};
use crate::catalog::trees::leaves_of;
use crate::compare::rows::{self, Key};
use crate::compare::{self, digests, sample};
use crate::copy::Format;
use crate::row_sum::RowSum;
use crate::{Session, content};

/// How the values of a row are told from others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// By their text, which is the same on every major.
    Texts,
    /// By digests: for rows whose text would be too long.
    Digests,
}

impl Compare for OpenDatabase {
    fn schema(&self) -> Result<Vec<Difference>, MoveError> {
        let version = self.target.with(|target| Ok(target.version().number))?;
        let types = self.source.with(|source| self.types(source, version))?;
        compare::differences(&self.tool.pg_dump, &self.source, &self.target, &self.snapshot, &types)
    }

    fn table(
        &self,
        table: &Table,
        sent: Option<&Copied>,
        progress: &CopyProgress,
        stop: &AtomicBool,
    ) -> Result<TableComparison, MoveError> {
        in_form(|form| {
            self.source.with(|source| {
                self.target.compare_with(|target| {
                    let columns = self.columns((source, target), table, form)?;
                    let rows = self.tables.rows(table);
                    let theirs_of =
                        |columns: &str, target: &mut Session| theirs(target, table, columns, rows);
                    // Text that one version writes otherwise than the other was not what travelled.
                    let same_text = columns == content::columns(table);
                    if let Some((sent, hash)) = sent.and_then(|sent| Some((sent, sent.hash?)))
                        && form == Form::Texts
                        && (hash.is_binary || same_text)
                    {
                        let wanted = RowSum { rows: sent.rows, sum: hash.sum };
                        let format = if hash.is_binary { Format::Binary } else { Format::Text };
                        let theirs = theirs_of(&content::columns(table), target)?;
                        let read = (theirs.as_str(), format);
                        if compare::hash(target, table, read, Some(progress), stop)? == wanted {
                            return Ok(comparison(wanted, wanted, None));
                        }
                    }
                    self.read_both(source, target, (table, &columns, rows), progress, stop)
                })
            })
        })
    }

    fn sample(
        &self,
        table: &Table,
        sample: Sample,
        progress: &CopyProgress,
        stop: &AtomicBool,
    ) -> Result<TableComparison, MoveError> {
        if !sample::is_large(table) || !matches!(self.tables.rows(table), Rows::Own) {
            return self.table(table, None, progress, stop);
        }
        let sampled = in_form(|form| {
            self.source.with(|source| {
                self.target.compare_with(|target| {
                    // A hash of other bytes would choose other rows.
                    if source.parameter("server_encoding") != target.parameter("server_encoding")
                        || !can_be_queried(source, table)?
                    {
                        return Ok(None);
                    }
                    let columns = self.columns((source, target), table, form)?;
                    let key = Key::read(source, table)?.of(table);
                    let of_key = self.columns((source, target), &key, form)?;
                    let condition = sample::condition(&of_key, sample);
                    let read = (table, columns.as_str(), Rows::Where(&condition));
                    let found = self.read_both(source, target, read, progress, stop)?;
                    let (ours, theirs) = at_once(
                        || sample::count(source, table, stop),
                        || sample::count(target, table, stop),
                    );
                    let rows_sampled = Some(found.source_rows);
                    Ok(Some(TableComparison {
                        source_rows: ours?,
                        target_rows: theirs?,
                        rows_sampled,
                        ..found
                    }))
                })
            })
        })?;
        sampled.map_or_else(|| self.table(table, None, progress, stop), Ok)
    }

    fn tables(&self) -> Result<(Vec<Table>, Vec<Table>), MoveError> {
        let target = self.target.compare_with(|session| Ok(tables(session)?.all))?;
        Ok((self.tables.all.clone(), target))
    }
}

/// Does it by texts, and by digests where a text would be too long. Such a failure ends the source's transaction, so its session is
/// taken anew.
fn in_form<T>(work: impl Fn(Form) -> Outcome<T>) -> Outcome<T> {
    match work(Form::Texts) {
        Err(error) if digests::are_needed(&error) => work(Form::Digests),
        result => result,
    }
}

impl OpenDatabase {
    /// Select list of the table, in this form.
    fn columns(
        &self,
        (source, target): (&mut Session, &Session),
        table: &Table,
        form: Form,
    ) -> Outcome<String> {
        let version = target.version().number;
        let types = self.types(source, version)?;
        match form {
            Form::Texts => types.columns(source, table),
            Form::Digests => {
                let key = Key::read(source, table)?;
                let older = version.min(source.version().number);
                digests::columns(source, table, (&key, &types), older)
            }
        }
    }

    /// Counts the rows that differ. One table at a time: the hashes of its rows are held in memory.
    fn differing(
        &self,
        source: &mut Session,
        target: &mut Session,
        (table, columns, rows): (&Table, &str, Rows),
        counts: [u64; 2],
        stop: &AtomicBool,
    ) -> Outcome<Option<DifferingRows>> {
        let _one = self.drilling.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let key = Key::read(source, table)?;
        let columns = key.columns(columns);
        let copy_outs =
            [content::copy_out(table, &columns, rows), theirs(target, table, &columns, rows)?];
        let [ours, theirs] = copy_outs;
        let sides = [
            rows::Side { session: source, copy_out: ours, row_count: counts[0] },
            rows::Side { session: target, copy_out: theirs, row_count: counts[1] },
        ];
        rows::differing(sides, &key, table, rows, stop)
    }

    /// Reads rows of a table on both sides, and tells those that differ apart.
    fn read_both(
        &self,
        source: &mut Session,
        target: &mut Session,
        (table, columns, rows): (&Table, &str, Rows),
        progress: &CopyProgress,
        stop: &AtomicBool,
    ) -> Outcome<TableComparison> {
        let theirs = theirs(target, table, columns, rows)?;
        let ours = content::copy_out(table, columns, rows);
        let hash = |session: &mut Session, copy_out: &str, progress| {
            compare::hash(session, table, (copy_out, Format::Text), progress, stop)
        };
        let (wanted, present) =
            at_once(|| hash(source, &ours, Some(progress)), || hash(target, &theirs, None));
        let (wanted, present) = (wanted?, present?);
        let differing = if wanted == present {
            None
        } else {
            let counts = [wanted.rows, present.rows];
            self.differing(source, target, (table, columns, rows), counts, stop)?
        };
        Ok(comparison(wanted, present, differing))
    }
}

fn comparison(source: RowSum, target: RowSum, differing: Option<DifferingRows>) -> TableComparison {
    TableComparison {
        source_rows: source.rows,
        target_rows: target.rows,
        source_hash: format!("{:032x}", source.sum),
        target_hash: format!("{:032x}", target.sum),
        differing,
        rows_sampled: None,
    }
}

/// Does both side by side.
fn at_once<T: Send>(ours: impl FnOnce() -> T, theirs: impl FnOnce() -> T + Send) -> (T, T) {
    std::thread::scope(|scope| {
        let theirs = scope.spawn(theirs);
        let ours = ours();
        (ours, theirs.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    })
}

/// What is read on the target for the same rows: its partitions need not be the source's.
fn theirs(target: &mut Session, table: &Table, columns: &str, rows: Rows) -> Outcome<String> {
    let leaves = match rows {
        Rows::Own | Rows::Where(_) => return Ok(content::copy_out(table, columns, rows)),
        Rows::OfLeaves(_) => leaves_of(target, &(table.schema.clone(), table.name.clone()))?,
    };
    Ok(content::copy_out(table, columns, Rows::OfLeaves(&leaves)))
}
