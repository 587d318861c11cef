//! Answers, plans and pictures of every page's examples, made once for all tests.

use std::sync::LazyLock;

use flexway_core::diagnose::{self, Question, Report};
use flexway_core::estate::Estate;
use flexway_core::plan::{self, Plan};
use flexway_core::render::svg;
use flexway_core::repair::Policy;

use crate::support;

/// An example with its answers.
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) report: Report,
    pub(crate) plan: Plan,
    pub(crate) svg: String,
}

pub(crate) fn case(name: String, estate: &Estate, question: &Question) -> Case {
    let report = diagnose::check(estate, question);
    let plan = plan::plan(estate, question, &Policy::default());
    let svg = svg::picture(estate, &report, Some(&plan));
    Case { name, report, plan, svg }
}

/// Every example of every page.
pub(crate) static CASES: LazyLock<Vec<Case>> = LazyLock::new(|| {
    let mut cases = Vec::new();
    for check in flexway_core::checks::ALL {
        for example in support::examples(check.page) {
            let estate = support::estate(&example.resources);
            let question = example.question(&estate);
            cases.push(case(format!("{}: {}", check.fault, example.title), &estate, &question));
        }
    }
    cases
});
