//! Members of operator classes as members of their families: since 14 a server ties those members
//! that no class needs to the family alone, and an older one's dump has them in the class.

use super::normal::{Entries, Key};

/// Moves the members that classes name to their families, where those stand among the entries, and
/// sorts all members of a family.
pub(super) fn gather(entries: &mut Entries) {
    let classes: Vec<Key> =
        entries.keys().filter(|key| key.kind == "OPERATOR CLASS").cloned().collect();
    for class in classes {
        let Some(sql) = entries.get(&class) else { continue };
        let Some(family) = family_of(sql) else { continue };
        let key = entries.keys().find(|key| {
            key.kind == "OPERATOR FAMILY" && format!("{}.{}", key.schema, key.name) == family
        });
        let Some(key) = key.cloned() else { continue };
        let (members, rest) = part(sql);
        entries.insert(class, rest);
        if let Some(text) = entries.get_mut(&key) {
            text.push_str(&members);
        }
    }
    let families = entries.iter_mut().filter(|(key, _)| key.kind == "OPERATOR FAMILY");
    for (_, sql) in families {
        let (members, rest) = part(sql);
        let mut sorted: Vec<&str> = members.lines().collect();
        sorted.sort_unstable();
        sorted.dedup();
        let kept = rest
            .lines()
            .filter(|line| !(line.starts_with("ALTER OPERATOR FAMILY ") && line.ends_with(" ADD")));
        *sql = kept.chain(sorted).map(|line| format!("{line}\n")).collect();
    }
}

/// The name after `FAMILY` in the second line, without quotes, as an entry's key has it.
fn family_of(sql: &str) -> Option<String> {
    let (_, rest) = sql.split_once(" FAMILY ")?;
    Some(rest.split(" AS\n").next()?.replace('"', ""))
}

/// Lines of members without what ends them, and the other lines.
fn part(sql: &str) -> (String, String) {
    let (mut members, mut rest) = (String::new(), String::new());
    for line in sql.lines() {
        let is_member = line.starts_with("    OPERATOR ") || line.starts_with("    FUNCTION ");
        let text = if is_member { line.trim_end_matches([' ', ',', ';']) } else { line };
        let list = if is_member { &mut members } else { &mut rest };
        list.push_str(text);
        list.push('\n');
    }
    (members, rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(class: &str, family: &str) -> Entries {
        let key = |kind: &str| Key {
            kind: kind.to_owned(),
            schema: "public".to_owned(),
            name: "f".to_owned(),
        };
        let mut entries = Entries::new();
        entries.insert(key("OPERATOR CLASS"), class.to_owned());
        entries.insert(key("OPERATOR FAMILY"), family.to_owned());
        gather(&mut entries);
        entries
    }

    const HEAD: &str =
        "CREATE OPERATOR CLASS public.f\n    FOR TYPE integer USING hash FAMILY public.f AS\n";

    #[test]
    fn a_member_is_the_same_in_class_and_family() {
        let old = entries(
            &format!(
                "{HEAD}    OPERATOR 1 =(integer,integer) ,\n    FUNCTION 2 (integer, integer) public.h(integer);\n"
            ),
            "CREATE OPERATOR FAMILY public.f USING hash;\n",
        );
        let new = entries(
            &format!("{HEAD}    OPERATOR 1 =(integer,integer);\n"),
            "CREATE OPERATOR FAMILY public.f USING hash;\nALTER OPERATOR FAMILY public.f USING hash ADD\n    \
             FUNCTION 2 (integer, integer) public.h(integer);\n",
        );
        assert_eq!(old, new);
    }

    #[test]
    fn a_missing_member_still_differs() {
        let whole = entries(
            &format!(
                "{HEAD}    OPERATOR 1 =(integer,integer) ,\n    OPERATOR 2 <(integer,integer);\n"
            ),
            "CREATE OPERATOR FAMILY public.f USING hash;\n",
        );
        let less = entries(
            &format!("{HEAD}    OPERATOR 1 =(integer,integer);\n"),
            "CREATE OPERATOR FAMILY public.f USING hash;\n",
        );
        assert_ne!(whole, less);
    }
}
