//! The second reading agrees with every page of docs/checks, and says which addresses pass.

mod support;

use flexway_core::id::ResourceId;
use flexway_core::second::{Answer, Verdict, World, ask};
use serde_json::Value;

/// Examples on which the second reading differs, by title, with the facts on which it insists.
const DISAGREEMENTS: [(&str, &str); 0] = [];

fn world(resources: &[Value]) -> World {
    let ids: Vec<(ResourceId, &Value)> = resources
        .iter()
        .filter_map(|body| Some((ResourceId::parse(body["id"].as_str()?)?, body)))
        .collect();
    World::of(ids.iter().map(|(id, body)| (id, *body)))
}

fn server(resources: &[Value], names: &[&str]) -> ResourceId {
    let id = |body: &Value| ResourceId::parse(body["id"].as_str()?);
    resources
        .iter()
        .filter_map(id)
        .find(|id| id.resource_type().ends_with("servers") && names.contains(&id.name()))
        .expect("a server")
}

fn answer(resources: &[Value], port: u16) -> Answer {
    let copier = server(resources, &["new-db"]);
    let source = server(resources, &["old-db", "old-flex"]);
    ask(&world(resources), &copier, &source, port)
}

fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Reachable => "reachable",
        Verdict::Unreachable => "unreachable",
        Verdict::Partial => "partial",
        Verdict::Undetermined => "undetermined",
    }
}

#[test]
fn examples_of_every_page_agree() {
    let (mut wrong, mut count) = (Vec::new(), 0);
    for check in flexway_core::checks::ALL {
        for example in support::examples(check.page) {
            count += 1;
            let answer = answer(&example.resources, example.port);
            let said = word(answer.verdict);
            let explained = answer.verdict == Verdict::Reachable
                || !answer.blockers.is_empty()
                || !answer.unknowns.is_empty();
            assert!(explained, "{}: a verdict without a reason", example.title);
            let is_known = DISAGREEMENTS.iter().any(|(title, _)| *title == example.title);
            if (said == example.expected[0]) == is_known {
                wrong.push(format!(
                    "{}: {}: {} instead of {} {:#?}",
                    check.fault, example.title, said, example.expected[0], answer
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    println!("{count} examples");
}
