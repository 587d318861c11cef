//! Writes the plan of every page's examples into a folder, in every format, for linters that are not ours.

#![allow(clippy::disallowed_methods, reason = "reads and writes files, as core must not")]

#[path = "../tests/support/mod.rs"]
mod support;

use std::fs;
use std::path::PathBuf;

use flexway_core::change::Change;
use flexway_core::diagnose;
use flexway_core::render::terraform::{self, Azurerm};
use flexway_core::render::{az, bicep, svg};
use flexway_core::repair::Policy;
use flexway_core::{checks, plan};
use serde_json::{Value, json};

fn main() {
    let folder = PathBuf::from(std::env::args().nth(1).expect("usage: plans FOLDER"));
    let estates = folder.join("estates");
    fs::create_dir_all(&estates).expect("make the folders");
    let mut count = 0;
    for check in checks::ALL {
        for (number, example) in support::examples(check.page).into_iter().enumerate() {
            let estate = support::estate(&example.resources);
            let question = example.question(&estate);
            let plan = plan::plan(&estate, &question, &Policy::default());
            let name = format!("{}-{}", check.fault.replace('/', "-"), number + 1);
            let report = diagnose::check(&estate, &question);
            let picture = svg::picture(&estate, &report, Some(&plan));
            fs::write(folder.join(format!("{name}.svg")), picture).expect("write the picture");
            if plan.changes.is_empty() {
                continue;
            }
            let asked = json!({ "fault": check.fault, "port": example.port, "resources": example.resources,
                "source": question.source.text(), "target": question.target,
                "copier": question.copier.text(), "after": plan.after });
            fs::write(estates.join(format!("{name}.json")), asked.to_string())
                .expect("write the estate");
            fs::write(folder.join(format!("{name}.sh")), az::text(&plan))
                .expect("write the script");
            let bodies: Vec<Value> = plan.changes.iter().filter_map(body).collect();
            fs::write(folder.join(format!("{name}.json")), json!(bodies).to_string())
                .expect("write the bodies");
            let bicep = folder.join(format!("{name}.bicep"));
            fs::create_dir_all(&bicep).expect("make the folder of the Bicep files");
            for file in bicep::files(&plan) {
                fs::write(bicep.join(file.name), file.text).expect("write a Bicep file");
            }
            for (word, version) in [("4", Azurerm::V4), ("5", Azurerm::V5)] {
                let text = terraform::text(&plan, version);
                let path = folder.join(format!("{name}.azurerm-{word}.tf"));
                fs::write(path, text).expect("write the Terraform file");
            }
            count += 1;
        }
    }
    println!("{count} plans in {}", folder.display());
}

/// The body of a PUT with the type and version that a type checker needs.
fn body(change: &Change) -> Option<Value> {
    // What a PATCH sends is no whole resource.
    if change.request.method != "PUT" {
        return None;
    }
    let (id, version) = change.request.path.split_once("?api-version=")?;
    let id = flexway_core::id::ResourceId::parse(id)?;
    // The checker has no types of DNS resolvers.
    if id.resource_type().starts_with("microsoft.network/dnsforwardingrulesets") {
        return None;
    }
    let mut body = change.request.body.as_object()?.clone();
    let types = id.as_str().rsplit_once("/providers/")?.1.split('/');
    let kind: Vec<&str> = types
        .enumerate()
        .filter(|(index, _)| *index == 0 || index % 2 == 1)
        .map(|(_, word)| word)
        .collect();
    body.insert("type".to_owned(), json!(kind.join("/")));
    body.insert("apiVersion".to_owned(), json!(version.split('&').next()));
    body.insert("name".to_owned(), json!(id.name()));
    Some(Value::Object(body))
}
