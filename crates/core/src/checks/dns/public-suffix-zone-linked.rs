//! A zone that holds the whole public suffix is linked to the copier's network and swallows every server's name.

use crate::finding::{Finding, Fix};
use crate::trace::resolve::Answer;
use crate::trace::{Leads, Path};

pub(super) fn find(path: &Path) -> Option<Finding> {
    let name = path.name.as_ref()?;
    let (zone, link) = name.zone.as_ref()?;
    let (_, suffix) = name.names.first()?.split_once('.')?;
    let is_suffix = zone.name().eq_ignore_ascii_case(suffix);
    if !is_suffix || path.leads != Leads::Nowhere || path.to.delegated_subnet.is_some() {
        return None;
    }
    let what = match name.answer {
        Answer::NoSuchName => "has no record of the source",
        _ => "answers with an address that is not the source's",
    };
    let message =
        format!("private DNS zone `{}` is linked to the copier's network and {what}", zone.name());
    let why =
        "a linked zone owns every name below its own: public DNS is not asked for any server there";
    Some(Finding::blocks(message, why).at(link, "").fix(Fix::advice(format!(
        "take the link of zone `{}` away after moving its records to a zone of their own: other names depend on it",
        zone.name()
    ))))
}
