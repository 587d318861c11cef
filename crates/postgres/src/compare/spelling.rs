//! What two servers spell otherwise though it is the same: words that only one of them has to
//! quote, names of constraints that only one of them knows.

use std::borrow::Cow;
use std::collections::BTreeSet;

use flexway_core::migrate::SchemaEntry;

use super::floats::{self, SHORT_SINCE};
use crate::ask::{Outcome, query, query_one, text};
use crate::assess::lost_settings;
use crate::roles::Strangers;
use crate::schema::tablespaces::Tablespaces;
use crate::schema::{languages, maintain, not_null, public};
use crate::{Session, quote_literal};

/// How one pair of servers differs in spelling.
#[derive(Debug, Default)]
pub(super) struct Spelling {
    /// Words that only one of them quotes.
    words: Vec<String>,
    /// Whether only one of them names the constraints behind NOT NULL; generated names that were cut are written out.
    is_not_null_named_once: bool,
    /// Whether only the source writes floating point numbers with all their digits.
    are_floats_longer: bool,
    /// Whether only the target has MAINTAIN among the rights on a table.
    is_maintain_new: bool,
    /// The superusers that made the servers, where the source gives schema public to its own.
    default_public: Vec<String>,
    /// Tablespaces of the target.
    tablespaces: Tablespaces,
    /// Settings of the source's database that the target does not know.
    lost_settings: BTreeSet<String>,
    /// Roles of services that only one of them has.
    strangers: Strangers,
    /// The target's login, as names are written, where the source gives none of that name such rights on the database.
    login: Option<String>,
    /// Languages that only on the target belong to the extension of their name.
    languages: BTreeSet<String>,
}

impl Spelling {
    /// Asks both servers for their words.
    pub(super) fn read(source: &mut Session, target: &mut Session) -> Outcome<Spelling> {
        let words = words(source)?.symmetric_difference(&words(target)?).cloned().collect();
        let tablespaces = Tablespaces::read(target)?;
        let default_public = match public::default_owner(source)? {
            None => Vec::new(),
            Some(owner) => vec![owner, public::maker(target)?],
        };
        let lost_settings = lost_settings::names_of_database(source, target)?;
        let strangers = Strangers::between(source, target)?;
        let versions = [source.version().number, target.version().number];
        let [is_named, is_named_there] = versions.map(|version| version >= not_null::NAMED_SINCE);
        Ok(Spelling {
            words,
            is_not_null_named_once: is_named != is_named_there,
            are_floats_longer: versions[0] < SHORT_SINCE && versions[1] >= SHORT_SINCE,
            is_maintain_new: maintain::is_new(versions[0], versions[1]),
            default_public,
            tablespaces,
            lost_settings,
            strangers,
            login: login(source, target)?,
            languages: languages::of_extensions_now(source, target)?,
        })
    }

    /// What is to be compared of an entry: without grants to roles that a server lacks.
    pub(super) fn comparable<'a>(&self, entry: &'a SchemaEntry) -> Cow<'a, str> {
        self.strangers.left_out_of(entry)
    }

    /// Whether a statement about a database sets what no move carries, or gives the target's login the means of the move.
    pub(super) fn is_left_behind(&self, statement: &str) -> bool {
        let sets = |name: &String| {
            [format!(" SET {name} TO "), format!(" SET \"{name}\" TO ")]
                .iter()
                .any(|words| statement.contains(words))
        };
        let admits = |login: &String| {
            ["CONNECT", "CREATE", "CREATE,CONNECT"]
                .iter()
                .any(|rights| statement.starts_with(&format!("GRANT {rights} ON DATABASE ")))
                && statement.trim_end().ends_with(&format!(" TO {login};"))
        };
        self.tablespaces.lack_of(statement)
            || self.login.as_ref().is_some_and(admits)
            || statement.starts_with("ALTER ") && self.lost_settings.iter().any(sets)
    }

    /// Whether the text says no more than that schema public belongs to whom it does by default.
    pub(super) fn is_default_public(&self, sql: &str) -> bool {
        self.default_public.iter().any(|owner| public::is_gift(sql, owner))
    }

    /// Whether the entry is a language that both have, or what brings it along on the target.
    pub(super) fn is_same_language(&self, entry: &SchemaEntry) -> bool {
        ["PROCEDURAL LANGUAGE", "EXTENSION"].contains(&entry.kind.as_str())
            && self.languages.contains(&entry.name)
    }

    /// Whether two texts of one entry differ in spelling only.
    pub(super) fn is_same(&self, wanted: &str, present: &str) -> bool {
        let plain = |sql: &str| {
            let sql = self.without_quotes(sql);
            if self.is_not_null_named_once { without_names_of_not_null(&sql) } else { sql }
        };
        if wanted == present {
            return true;
        }
        let (wanted, present) = (plain(wanted), plain(present));
        wanted == present || self.are_floats_longer && floats::are_same(&wanted, &present)
    }

    /// The same for the text of grants.
    pub(super) fn is_same_grant(&self, wanted: &str, present: &str) -> bool {
        let plain = |sql: &str| maintain::without(&self.without_quotes(sql));
        self.is_maintain_new && plain(wanted) == plain(present)
    }

    /// The text with the words that one server quotes as the other writes them.
    pub(super) fn without_quotes(&self, sql: &str) -> String {
        let mut sql = sql.to_owned();
        if sql.contains('"') {
            for word in &self.words {
                sql = sql.replace(&format!("\"{word}\""), word);
            }
        }
        sql
    }
}

/// See [`Spelling::login`].
fn login(source: &mut Session, target: &mut Session) -> Outcome<Option<String>> {
    let what = "read the grants on the database";
    let row = query_one(target, what, "SELECT current_user, quote_ident(current_user)")?;
    let sql = format!(
        "SELECT 1 FROM pg_database d, aclexplode(d.datacl) a WHERE d.datname = current_database() \
         AND a.privilege_type IN ('CONNECT', 'CREATE') AND a.grantee <> 0 AND pg_get_userbyid(a.grantee) = {}",
        quote_literal(text(&row, 0))
    );
    let has_some = !query(source, what, &sql)?.is_empty();
    Ok((!has_some).then(|| text(&row, 1).to_owned()))
}

/// Words that the server quotes when they are names.
fn words(session: &mut Session) -> Outcome<BTreeSet<String>> {
    let sql = "SELECT word FROM pg_get_keywords() WHERE catcode <> 'U'";
    let rows = query(session, "list the server's key words", sql)?;
    Ok(rows.iter().map(|row| text(row, 0).to_owned()).collect())
}

/// Turns `CONSTRAINT a_name NOT NULL` into `NOT NULL`.
fn without_names_of_not_null(sql: &str) -> String {
    const WORD: &str = " CONSTRAINT ";
    let mut kept = String::with_capacity(sql.len());
    let mut rest = sql;
    while let Some((before, after)) = rest.split_once(WORD) {
        kept.push_str(before);
        rest = &after[name_length(after)..];
        if !rest.starts_with(" NOT NULL") {
            kept.push_str(WORD);
            rest = after;
        }
    }
    kept.push_str(rest);
    kept
}

/// Bytes of the name, quoted or not, that the text begins with.
fn name_length(text: &str) -> usize {
    let Some(quoted) = text.strip_prefix('"') else {
        return text.find(|c: char| c.is_whitespace()).unwrap_or(text.len());
    };
    let mut at = 0;
    while let Some(found) = quoted[at..].find('"') {
        at += found + 1;
        // A doubled quote is part of the name.
        if !quoted[at..].starts_with('"') {
            return 1 + at;
        }
        at += 1;
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_not_null_count_where_both_have_them() {
        let (older, newer) = (
            "    a integer NOT NULL,\n    CONSTRAINT c CHECK ((a > 0))\n",
            "    a integer CONSTRAINT \"x \"\" y\" NOT NULL,\n    CONSTRAINT c CHECK ((a > 0))\n",
        );
        let mut spelling = Spelling::default();
        assert!(!spelling.is_same(older, newer));
        spelling.is_not_null_named_once = true;
        assert!(spelling.is_same(older, newer));
        assert!(spelling.is_same(older, &newer.replace("\"x \"\" y\"", "x_y")));
        assert!(!spelling.is_same(older, &newer.replace(" c ", " d ")));
    }

    #[test]
    fn words_that_one_server_quotes_are_the_same() {
        let spelling = Spelling { words: vec!["json".to_owned()], ..Spelling::default() };
        assert!(spelling.is_same("a \"json\"", "a json"));
        assert!(!spelling.is_same("a \"jsonb\"", "a jsonb"));
    }
}
