//! Plans as Bicep: one file a resource group, and a script that deploys them in order, with the
//! commands Bicep has no word for.

use serde_json::Value;

use super::names::{self, Symbols};
use super::{
    Address, File, Manner, address, az, depends, follows, head, manner, one_line, remarks,
    share_top, shell_comment,
};
use crate::change::Change;
use crate::id::ResourceId;
use crate::plan::Plan;
use crate::shell::quoted;

/// One step of carrying a plan out.
enum Step<'p> {
    /// A deployment into one resource group.
    Deploy(Vec<Numbered<'p>>),
    /// Commands.
    Run(usize, &'p Change),
}

/// A change with its number in the plan.
struct Numbered<'p> {
    number: usize,
    change: &'p Change,
    address: Address,
}

/// The files of a plan: Bicep files in the order of deployment, then `deploy.sh`, which deploys
/// them. A plan without changes has one file that says why.
pub fn files(plan: &Plan) -> Vec<File> {
    let steps = steps(plan);
    if steps.is_empty() {
        return vec![File { name: "main.bicep".to_owned(), text: comment(&head(plan)) }];
    }
    let mut files = Vec::new();
    let mut script = format!(
        "#!/usr/bin/env bash\n{}set -euo pipefail\ncd \"$(dirname \"$0\")\"\n",
        shell_comment(&head(plan))
    );
    for step in &steps {
        match step {
            Step::Run(number, change) => {
                script.push_str(&format!("\n{}", shell_comment(&remarks(plan, *number - 1))));
                script.push_str(&format!("{}\n", change.az.join("\n")));
            }
            Step::Deploy(changes) => {
                let name = file_name(files.len() + 1, changes);
                let told: Vec<String> =
                    changes.iter().flat_map(|one| remarks(plan, one.number - 1)).collect();
                script.push_str(&format!("\n{}", shell_comment(&told)));
                script.push_str(&format!("{}\n", deployment(&name, changes)));
                files.push(File { text: section(plan, &name, changes), name });
            }
        }
    }
    script.push_str(&az::afterwards(plan));
    files.push(File { name: "deploy.sh".to_owned(), text: script });
    files
}

/// The plan on one page: every section under its name, commands where their turn is. A plan of one
/// resource group that Bicep has all words for is a Bicep file as it stands; others have to be
/// taken apart at the lines that name the sections.
pub fn text(plan: &Plan) -> String {
    if is_one_file(plan) {
        return files(plan).swap_remove(0).text;
    }
    let steps = steps(plan);
    let mut overview = head(plan);
    overview.push(String::new());
    overview.push(format!(
        "{} steps, in this order. Save each section as a file of its own,",
        steps.len()
    ));
    overview.push("or let `--out FOLDER` do that: it writes `deploy.sh` too.".to_owned());
    let mut page = comment(&overview);
    let mut file_count = 0;
    for (index, step) in steps.iter().enumerate() {
        page.push('\n');
        match step {
            Step::Run(number, change) => {
                page.push_str(&rule(index + 1, "commands"));
                page.push_str(&command_comment(plan, *number, change));
            }
            Step::Deploy(changes) => {
                file_count += 1;
                let name = file_name(file_count, changes);
                page.push_str(&rule(index + 1, &name));
                page.push_str(&section(plan, &name, changes));
            }
        }
    }
    page
}

/// Whether the plan is one deployment, without commands beside it.
pub fn is_one_file(plan: &Plan) -> bool {
    matches!(steps(plan).as_slice(), [Step::Deploy(_)] | [])
}

/// Changes of one resource group go into one deployment, unless one in between is needed first.
fn steps(plan: &Plan) -> Vec<Step<'_>> {
    let mut steps: Vec<Step> = Vec::new();
    for (index, change) in plan.changes.iter().enumerate() {
        let number = index + 1;
        let declared = address(change)
            .filter(|address| matches!(manner(change, address), Manner::Declared))
            .filter(|address| !address.id.resource_group().is_empty());
        let Some(address) = declared else {
            steps.push(Step::Run(number, change));
            continue;
        };
        let place = place(&address.id);
        let one = Numbered { number, change, address };
        let mut home = None;
        for (at, step) in steps.iter().enumerate().rev() {
            match step {
                Step::Run(..) => break,
                Step::Deploy(changes) if self::place(&changes[0].address.id) == place => {
                    home = Some(at);
                    break;
                }
                Step::Deploy(changes) => {
                    let is_needed = |earlier: &Numbered| {
                        depends(change, earlier.change) || follows(change, earlier.change)
                    };
                    if changes.iter().any(is_needed) {
                        break;
                    }
                }
            }
        }
        match home.and_then(|at| steps.get_mut(at)) {
            Some(Step::Deploy(changes)) => changes.push(one),
            Some(Step::Run(..)) | None => steps.push(Step::Deploy(vec![one])),
        }
    }
    steps
}

/// Subscription and resource group, as they are compared.
fn place(id: &ResourceId) -> (String, String) {
    (id.subscription().to_ascii_lowercase(), id.resource_group().to_ascii_lowercase())
}

fn file_name(number: usize, changes: &[Numbered]) -> String {
    let group = changes[0].address.id.resource_group();
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "-_".contains(letter);
    let plain: String = group.chars().map(|one| if is_plain(one) { one } else { '-' }).collect();
    format!("{number}-{plain}.bicep")
}

/// The command that deploys a file.
fn deployment(file: &str, changes: &[Numbered]) -> String {
    let id = &changes[0].address.id;
    format!(
        "az deployment group create --subscription {} --resource-group {} --name {} --template-file {file}",
        quoted(id.subscription()),
        quoted(id.resource_group()),
        quoted(&format!("flexway-{}", file.trim_end_matches(".bicep")))
    )
}

fn rule(number: usize, title: &str) -> String {
    format!("// ----- step {number}: {title} -----\n")
}

/// Commands that stand for a change in a Bicep file.
fn command_comment(plan: &Plan, number: usize, change: &Change) -> String {
    let mut lines = remarks(plan, number - 1);
    lines.push(format!("   Bicep has no word for this {} request; run:", change.request.method));
    lines.extend(change.az.iter().map(|line| one_line(&format!("   {line}"))));
    comment(&lines)
}

/// One Bicep file: everything that is done to one resource group in one deployment.
fn section(plan: &Plan, name: &str, changes: &[Numbered]) -> String {
    let id = &changes[0].address.id;
    let mut lines = head(plan);
    lines.push(format!(
        "This file: resource group {}, subscription {}. Deploy it with",
        id.resource_group(),
        id.subscription()
    ));
    lines.push(format!("  {}", deployment(name, changes)));
    let mut file = Writer { text: comment(&lines), ..Writer::default() };
    file.text.push_str("targetScope = 'resourceGroup'\n");
    for (index, one) in changes.iter().enumerate() {
        file.declare(plan, one, &changes[..index]);
    }
    file.text
}

/// A Bicep file on its way, with the symbols of what it declares.
#[derive(Default)]
struct Writer {
    text: String,
    symbols: Symbols,
    declared: Vec<(ResourceId, String)>,
}

impl Writer {
    fn declare(&mut self, plan: &Plan, one: &Numbered, earlier: &[Numbered]) {
        let id = &one.address.id;
        let parent = id.parent().map(|parent| self.parent(&parent, &one.address.api));
        let symbol = self.symbols.take(names::bicep(id), "");
        self.text.push_str(&format!("\n{}", comment(&remarks(plan, one.number - 1))));
        self.open(&symbol, id, &one.address.api, "");
        if let Some(parent) = &parent {
            self.text.push_str(&format!("  parent: {parent}\n"));
        }
        self.text.push_str(&format!("  name: {}\n", text_literal(id.name())));
        let body = one.change.request.body.as_object();
        for (name, value) in body.into_iter().flatten().filter(|(name, _)| *name != "name") {
            let value = self.literal(value, 1);
            self.text.push_str(&format!("  {}: {value}\n", key(name)));
        }
        // Azure changes one thing at a time in a network, group or zone; references alone would not
        // keep the order.
        let last = earlier.iter().rev().find(|other| share_top(&other.address.id, id));
        let lender = earlier.iter().find(|other| follows(one.change, other.change));
        let before =
            last.into_iter().chain(lender).filter(|other| !depends(one.change, other.change));
        let before: Vec<String> = before
            .filter_map(|other| Some(format!("    {}\n", self.symbol(&other.address.id)?)))
            .collect();
        if !before.is_empty() {
            self.text.push_str(&format!("  dependsOn: [\n{}  ]\n", before.concat()));
        }
        self.text.push_str("}\n");
        self.declared.push((id.clone(), symbol));
    }

    /// The symbol of a parent: of one made in this file, or of one that exists.
    fn parent(&mut self, id: &ResourceId, api: &str) -> String {
        if let Some(symbol) = self.symbol(id) {
            return symbol;
        }
        let above = id.parent().map(|above| self.parent(&above, api));
        let symbol = self.symbols.take(names::bicep(id), "");
        self.text.push('\n');
        self.open(&symbol, id, api, "existing ");
        if let Some(above) = above {
            self.text.push_str(&format!("  parent: {above}\n"));
        }
        self.text.push_str(&format!("  name: {}\n}}\n", text_literal(id.name())));
        self.declared.push((id.clone(), symbol.clone()));
        symbol
    }

    fn open(&mut self, symbol: &str, id: &ResourceId, api: &str, existing: &str) {
        let kind = text_literal(&format!("{}@{api}", names::spelled_type(id)));
        self.text.push_str(&format!("resource {symbol} {kind} {existing}= {{\n"));
    }

    fn symbol(&self, id: &ResourceId) -> Option<String> {
        self.declared.iter().find(|(known, _)| known == id).map(|(_, symbol)| symbol.clone())
    }

    /// A JSON value in Bicep; the id of something in this file becomes a reference, which keeps the order.
    fn literal(&self, value: &Value, depth: usize) -> String {
        let (inner, outer) = ("  ".repeat(depth + 1), "  ".repeat(depth));
        match value {
            Value::Null => "null".to_owned(),
            Value::Bool(flag) => flag.to_string(),
            Value::Number(number) if number.is_i64() => number.to_string(),
            // Bicep has whole numbers only.
            Value::Number(number) => format!("json('{number}')"),
            Value::String(text) => {
                let id = ResourceId::parse(text);
                let symbol = id.and_then(|id| self.symbol(&id));
                symbol.map_or_else(
                    || text_literal(&names::canonical(text)),
                    |symbol| format!("{symbol}.id"),
                )
            }
            Value::Array(items) if items.is_empty() => "[]".to_owned(),
            Value::Array(items) => {
                let lines =
                    items.iter().map(|item| format!("{inner}{}\n", self.literal(item, depth + 1)));
                format!("[\n{}{outer}]", lines.collect::<String>())
            }
            Value::Object(fields) if fields.is_empty() => "{}".to_owned(),
            Value::Object(fields) => {
                let lines = fields.iter().map(|(name, value)| {
                    format!("{inner}{}: {}\n", key(name), self.literal(value, depth + 1))
                });
                format!("{{\n{}{outer}}}", lines.collect::<String>())
            }
        }
    }
}

/// A name of a property: bare where it can be.
fn key(name: &str) -> String {
    let mut letters = name.chars();
    let is_bare = letters.next().is_some_and(|one| one.is_ascii_alphabetic() || one == '_')
        && letters.all(|one| one.is_ascii_alphanumeric() || one == '_');
    if is_bare { name.to_owned() } else { text_literal(name) }
}

/// A string of Bicep.
fn text_literal(text: &str) -> String {
    let mut literal = String::from("'");
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => literal.push_str("\\\\"),
            '\'' => literal.push_str("\\'"),
            '\n' => literal.push_str("\\n"),
            '\r' => literal.push_str("\\r"),
            '\t' => literal.push_str("\\t"),
            '$' if letters.peek() == Some(&'{') => literal.push_str("\\$"),
            other if other.is_control() => {
                literal.push_str(&format!("\\u{{{:x}}}", u32::from(other)));
            }
            other => literal.push(other),
        }
    }
    literal.push('\'');
    literal
}

fn comment(lines: &[String]) -> String {
    lines.iter().map(|line| format!("// {line}").trim_end().to_owned() + "\n").collect()
}
