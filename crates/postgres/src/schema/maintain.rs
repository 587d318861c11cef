//! The right to maintain a table, which owners have by themselves before 17 and as a grant since.
//!
//! An owner who took rights from himself keeps that one on an older server. pg_dump then lists the
//! older server's rights one by one, and the new server leaves MAINTAIN with him. That is what he
//! could do before; only one who has no right left has to lose it too.

use std::collections::BTreeSet;

use flexway_core::migrate::SchemaEntry;

/// First version that has it.
const SINCE: u32 = 170_000;

/// What pg_dump calls all rights on a table of a server that has no MAINTAIN.
const ALL_BEFORE: &str = "SELECT,INSERT,REFERENCES,DELETE,TRIGGER,TRUNCATE,UPDATE";

/// Whether only the target has the right.
pub(crate) fn is_new(source: u32, target: u32) -> bool {
    source < SINCE && SINCE <= target
}

/// Takes MAINTAIN from owners who have no other right.
pub(crate) fn revoke(entry: &mut SchemaEntry) {
    if !entry.kind.ends_with("ACL") {
        return;
    }
    let lines: Vec<&str> = entry.sql.lines().collect();
    let granted: BTreeSet<Place> =
        lines.iter().filter_map(|line| Grant::read(line, "GRANT")).map(|one| one.place).collect();
    let changed = lines.iter().map(|line| match Grant::read(line, "REVOKE") {
        Some(revoked) if revoked.rights == ALL_BEFORE && !granted.contains(&revoked.place) => {
            line.replacen(ALL_BEFORE, "ALL", 1)
        }
        _ => (*line).to_owned(),
    });
    entry.sql = changed.collect::<Vec<_>>().join("\n");
}

/// The text of grants without what only one version says of an owner; lines sorted.
pub(crate) fn without(sql: &str) -> String {
    let lines: Vec<String> = sql
        .lines()
        .map(|line| line.replacen(&format!("REVOKE {ALL_BEFORE} ON"), "REVOKE ALL ON", 1))
        .collect();
    let owned: BTreeSet<Place> = lines
        .iter()
        .filter_map(|line| Grant::read(line, "REVOKE"))
        .filter(|revoked| revoked.rights == "ALL")
        .map(|revoked| revoked.place)
        .collect();
    let mut kept: Vec<String> = lines
        .iter()
        .filter_map(|line| match Grant::read(line, "GRANT") {
            Some(grant) if owned.contains(&grant.place) => {
                let rights: Vec<&str> =
                    grant.rights.split(',').filter(|right| *right != "MAINTAIN").collect();
                (!rights.is_empty()).then(|| line.replacen(grant.rights, &rights.join(","), 1))
            }
            _ => Some(line.clone()),
        })
        .collect();
    kept.sort_unstable();
    kept.join("\n")
}

/// To whom on what: what stands before the verb, the object, the role.
type Place<'a> = (&'a str, &'a str, &'a str);

/// A line that grants or revokes rights on tables.
struct Grant<'a> {
    rights: &'a str,
    place: Place<'a>,
}

impl<'a> Grant<'a> {
    /// Reads `GRANT a,b ON TABLE t TO r;`, also behind `ALTER DEFAULT PRIVILEGES ... `.
    fn read(line: &'a str, verb: &str) -> Option<Grant<'a>> {
        let word = if verb == "GRANT" { " TO " } else { " FROM " };
        let (before, rest) = match line.strip_prefix(verb) {
            Some(rest) => ("", rest),
            None if line.starts_with("ALTER DEFAULT PRIVILEGES ") => {
                line.split_once(&format!(" {verb}"))?
            }
            None => return None,
        };
        let (rights, rest) = rest.strip_prefix(' ')?.split_once(" ON ")?;
        let rest = rest.strip_suffix(';')?;
        let rest = rest.strip_suffix(" WITH GRANT OPTION").unwrap_or(rest);
        let (object, role) = rest.rsplit_once(word)?;
        object.starts_with("TABLE").then_some(Grant { rights, place: (before, object, role) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn revoked(sql: &str) -> String {
        let mut entry = SchemaEntry {
            kind: "DEFAULT ACL".to_owned(),
            schema: String::new(),
            name: String::new(),
            table: None,
            sql: sql.to_owned(),
        };
        revoke(&mut entry);
        entry.sql
    }

    #[test]
    fn an_owner_without_rights_loses_it_and_others_keep_it() {
        let revoke = format!("REVOKE {ALL_BEFORE} ON TABLE a.b FROM o;");
        assert_eq!(revoked(&revoke), "REVOKE ALL ON TABLE a.b FROM o;");
        let partly = format!("{revoke}\nGRANT SELECT ON TABLE a.b TO o;");
        assert_eq!(revoked(&partly), partly);
        let may_grant = partly.replace(" TO o;", " TO o WITH GRANT OPTION;");
        assert_eq!(revoked(&may_grant), may_grant);
        let given = format!("{revoke}\nGRANT SELECT ON TABLE a.b TO r;");
        assert!(revoked(&given).starts_with("REVOKE ALL ON"));
        let of_r = format!(
            "ALTER DEFAULT PRIVILEGES FOR ROLE r {}",
            revoke.replace("TABLE a.b", "TABLES")
        );
        assert!(revoked(&of_r).contains(" REVOKE ALL ON TABLES"));
    }

    #[test]
    fn it_does_not_count_for_owners_and_counts_for_others() {
        let older =
            format!("REVOKE {ALL_BEFORE} ON TABLE t FROM o;\nGRANT SELECT,UPDATE ON TABLE t TO o;");
        let newer = "GRANT SELECT,MAINTAIN,UPDATE ON TABLE t TO o;\nREVOKE ALL ON TABLE t FROM o;";
        assert_eq!(without(&older), without(newer));
        let alone = "REVOKE ALL ON TABLE t FROM o;\nGRANT MAINTAIN ON TABLE t TO o;";
        assert_eq!(without(alone), "REVOKE ALL ON TABLE t FROM o;");
        let to_other = "REVOKE ALL ON TABLE t FROM o;\nGRANT MAINTAIN ON TABLE t TO r;";
        assert_eq!(without(to_other).lines().count(), 2);
    }
}
