//! Which large objects differ, and in what.

use std::cmp::Ordering;
use std::collections::{BTreeMap, VecDeque};

use flexway_core::migrate::Difference;
use xxhash_rust::xxh3::{Xxh3, xxh3_64};

use crate::Session;
use crate::ask::{Outcome, number, optional, query};
use crate::large_objects::{OBJECTS_PER_BATCH, comma_separated, ids_after, read};

/// What two large objects are compared by: hashes, in the order of [`PARTS`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Fingerprint([u64; PARTS.len()]);

impl Fingerprint {
    /// Names of the parts that are not the same.
    fn differing(self, other: Fingerprint) -> Option<String> {
        let pairs = PARTS.iter().zip(self.0.iter().zip(&other.0));
        let names: Vec<&str> =
            pairs.filter(|(_, (one, other))| one != other).map(|(part, _)| *part).collect();
        (!names.is_empty()).then(|| names.join(", "))
    }
}

/// Parts of an object that may differ.
const PARTS: [&str; 4] = ["content", "owner", "grants", "comment"];

/// Differences of which each gets a line; the others are counted.
const SHOWN_MAX: usize = 10;

const WHAT: &str = "read the large objects";

/// Large objects that differ, by id. Both sides are read in step, so that any number fits.
pub(super) fn differences(source: &mut Session, target: &mut Session) -> Outcome<Vec<Difference>> {
    let (mut ours, mut theirs) = (Reader::new(source), Reader::new(target));
    let mut found = Vec::new();
    let mut more = 0_u64;
    loop {
        let (one, other) = std::thread::scope(|scope| {
            let other = scope.spawn(|| theirs.fill());
            (ours.fill(), other.join())
        });
        one?;
        other.unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
        let turn = match (ours.ahead.front(), theirs.ahead.front()) {
            (None, None) => break,
            (Some((id, _)), Some((other_id, _))) => id.cmp(other_id),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
        };
        let one = if turn.is_le() { ours.ahead.pop_front() } else { None };
        let other = if turn.is_ge() { theirs.ahead.pop_front() } else { None };
        let (id, detail) = match (one, other) {
            (Some((id, one)), Some((_, other))) => match one.differing(other) {
                Some(parts) => (id, format!("differs in {parts}")),
                None => continue,
            },
            (Some((id, _)), None) => (id, "is only on the source".to_owned()),
            (None, Some((id, _))) => (id, "is only on the target".to_owned()),
            (None, None) => continue,
        };
        if found.len() < SHOWN_MAX {
            found.push(Difference { kind: "large object", name: id.to_string(), detail });
        } else {
            more += 1;
        }
    }
    if more > 0 {
        let detail = format!("{more} more differ");
        found.push(Difference { kind: "large object", name: "others".to_owned(), detail });
    }
    Ok(found)
}

/// Reads the objects of one side, in the order of their ids.
struct Reader<'a> {
    session: &'a mut Session,
    /// Ids of objects that are still to be read.
    ids: Vec<u64>,
    ahead: VecDeque<(u64, Fingerprint)>,
    after: u64,
    is_over: bool,
}

impl<'a> Reader<'a> {
    fn new(session: &'a mut Session) -> Reader<'a> {
        Reader { session, ids: Vec::new(), ahead: VecDeque::new(), after: 0, is_over: false }
    }

    /// Reads the next batch unless some objects are known still.
    fn fill(&mut self) -> Outcome<()> {
        if !self.ahead.is_empty() || self.is_over {
            return Ok(());
        }
        if self.ids.is_empty() {
            self.ids = ids_after(self.session, WHAT, self.after)?;
            self.is_over = self.ids.is_empty();
            self.after = self.ids.last().copied().unwrap_or(self.after);
        }
        let count = self.ids.len().min(OBJECTS_PER_BATCH);
        let batch: Vec<u64> = self.ids.drain(..count).collect();
        self.ahead = fingerprints(self.session, &batch)?;
        Ok(())
    }
}

/// Reads the objects of these ids.
fn fingerprints(session: &mut Session, ids: &[u64]) -> Outcome<VecDeque<(u64, Fingerprint)>> {
    if ids.is_empty() {
        return Ok(VecDeque::new());
    }
    let mut found: BTreeMap<u64, Fingerprint> =
        ids.iter().map(|id| (*id, Fingerprint::default())).collect();
    let mut hash = Xxh3::new();
    read(session, WHAT, ids, &mut |piece| {
        hash.update(piece.hex.as_bytes());
        if piece.is_last {
            if let Some(Fingerprint(parts)) = found.get_mut(&piece.id) {
                parts[0] = hash.digest();
            }
            hash.reset();
        }
        Ok(())
    })?;
    for row in query(session, WHAT, &properties(ids))? {
        if let Some(Fingerprint(parts)) = found.get_mut(&number(WHAT, &row, 0)?) {
            for (index, part) in parts.iter_mut().enumerate().skip(1) {
                // What is not there is something else than nothing.
                *part = optional(&row, index).map_or(0, |text| xxh3_64(text.as_bytes()));
            }
        }
    }
    Ok(found.into_iter().collect())
}

/// Id, owner, grants, comment.
fn properties(ids: &[u64]) -> String {
    format!(
        "SELECT m.oid, pg_get_userbyid(m.lomowner), \
                (SELECT string_agg(concat_ws(',', pg_get_userbyid(a.grantor), \
                pg_get_userbyid(a.grantee), a.privilege_type, a.is_grantable), ';' \
                        ORDER BY a.grantee::regrole::text, a.privilege_type, a.grantor::regrole::text) \
                        FROM aclexplode(m.lomacl) a), \
                obj_description(m.oid, 'pg_largeobject') \
         FROM pg_largeobject_metadata m WHERE m.oid IN ({})",
        comma_separated(ids)
    )
}
