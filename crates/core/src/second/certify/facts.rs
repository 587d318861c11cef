//! Whether the estate is the one that the plan was made from.

use super::super::apply::Outcome;
use super::super::verdict::Verdict;
use super::{Check, Judge, short, summed, word};

/// What most wrong facts come from.
const OTHER: &str = "the estate is not the one that the plan was made from";

pub(super) fn check(judge: &Judge<'_>) -> Check {
    let (mut wrong, mut open) = (Vec::new(), Vec::new());
    let before = judge.ask(judge.world);
    let claimed = judge.plan.by_estate.as_str();
    match before.verdict {
        found
            if claimed != "undetermined"
                && before.is_open
                && (found == Verdict::Undetermined || !judge.asks_machine()) =>
        {
            open.push(format!("the plan says {claimed} before: {}", before.why));
        }
        // The plan says so where a part of the senders is kept out, too.
        Verdict::Partial if claimed == "undetermined" && before.is_open => {}
        // A plan that abstains claims nothing: the second reading may see what the first does not.
        found if claimed == "undetermined" && found != Verdict::Undetermined => {
            let why = if before.why.is_empty() { "" } else { ": " };
            let why = format!("{why}{}", before.why);
            open.push(format!(
                "the plan says undetermined before, the checker {}{why}",
                word(found)
            ));
        }
        found if word(found) != claimed => {
            let why = if before.why.is_empty() { before.why } else { format!(": {}", before.why) };
            wrong
                .push(format!("{OTHER}: {} before, and the plan says {claimed}{why}", word(found)));
        }
        _ => {}
    }
    let mut world = judge.world.clone();
    for change in &judge.plan.changes {
        let is_new = matches!(
            change.kind.as_str(),
            "add-firewall-rule"
                | "add-route"
                | "add-rule"
                | "add-vnet-rule"
                | "attach-zone"
                | "create-endpoint"
                | "create-peering"
                | "create-route-table"
                | "create-subnet"
                | "create-zone"
                | "link-ruleset"
                | "link-zone"
        );
        let is_new = is_new || change.request.path.contains("/ruleCollectionGroups/");
        let title = &change.title;
        match change.request.apply(&mut world) {
            Outcome::AlreadySo => wrong.push(format!("{OTHER}: \"{title}\" is done already")),
            Outcome::Changed if is_new => {
                wrong.push(format!("{OTHER}: \"{title}\": something of that name is there"));
            }
            Outcome::Refused(why) => wrong.push(format!("\"{title}\": {}", short(&why))),
            Outcome::Made | Outcome::Changed => {}
        }
    }
    let good = match judge.plan.changes.len() {
        0 => format!("{claimed} before, as the plan says"),
        1 => format!(
            "{claimed} before, as the plan says; the change can be made, and is not made yet"
        ),
        many => format!(
            "{claimed} before, as the plan says; all {many} changes can be made, and none is made yet"
        ),
    };
    summed("facts", &wrong, &open, good)
}
