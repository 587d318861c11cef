//! Pages of lists that say that there is more: what stands on another page is neither there nor absent.

use std::collections::{BTreeMap, BTreeSet};

use super::Origin;
use super::json::Json;
use super::kinds::TYPES_WITH_NEEDS;
use crate::id::ResourceId;

/// The name of what may stand on a page that was not captured.
pub(crate) const NEXT_PAGE: &str = "on-the-next-page";

/// A page of a list.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) origin: Origin,
    /// What stands on it.
    ids: Vec<ResourceId>,
    /// How many stand on all pages together, where it tells.
    total: Option<u64>,
    /// Whether it is an answer of Resource Graph, which asks for any types of any parents.
    is_graph: bool,
}

impl Page {
    /// Reads the object around a list; `None` for one that is whole.
    pub(super) fn of(object: &Json, origin: &Origin) -> Option<Page> {
        let rows = super::shapes::graph_table(object);
        let list = ["value", "data"].into_iter().find_map(|name| object.get(name)?.list());
        let list = list.or_else(|| rows.as_ref()?.list())?;
        let says =
            |name: &str| object.get(name).and_then(Json::as_str).is_some_and(|one| !one.is_empty());
        let number = |name: &str| match object.get(name)? {
            Json::Number(number) => number.as_u64(),
            _ => None,
        };
        let total = number("total_records").or_else(|| number("totalRecords"));
        let is_graph = total.is_some() || ["skip_token", "$skipToken"].into_iter().any(says);
        let has_next = ["nextLink", "skip_token", "$skipToken"].into_iter().any(says);
        let is_short = total.is_some_and(|total| total > list.len() as u64);
        let id = |one: &Json| one.get("id").and_then(Json::as_str).and_then(ResourceId::parse);
        let ids = || list.iter().filter_map(id).collect();
        let page = || Page { origin: origin.clone(), ids: ids(), total, is_graph };
        (has_next || is_short).then(page)
    }
}

/// Pages of which the rest was not captured. Those of Resource Graph count all rows, so that the others may be here.
pub(super) fn open(pages: Vec<Page>) -> Vec<Page> {
    let mut rows: BTreeMap<u64, BTreeSet<ResourceId>> = BTreeMap::new();
    for page in &pages {
        if let Some(total) = page.total {
            rows.entry(total).or_default().extend(page.ids.iter().cloned());
        }
    }
    let is_whole = |page: &Page| {
        page.total
            .is_some_and(|total| rows.get(&total).is_some_and(|ids| ids.len() as u64 >= total))
    };
    pages.into_iter().filter(|page| !is_whole(page)).collect()
}

/// Ids of what may stand on the pages that were not captured, of types that nothing refers to by name: one for each parent that may have
/// more children.
pub(super) fn untold<'p>(
    pages: &'p [Page],
    parents: &BTreeSet<ResourceId>,
) -> BTreeMap<ResourceId, &'p Origin> {
    let mut untold = BTreeMap::new();
    for page in pages {
        let kinds: BTreeSet<String> = page.ids.iter().map(ResourceId::resource_type).collect();
        // A query for more than one type may have any on its next page.
        let is_any = page.is_graph && kinds.len() > 1;
        for kind in TYPES_WITH_NEEDS.iter().filter(|kind| is_any || kinds.contains(**kind)) {
            let Some((parent_kind, name)) = kind.rsplit_once('/') else { continue };
            let own = page.ids.iter().filter(|id| id.is_type(kind)).filter_map(ResourceId::parent);
            let asked: BTreeSet<ResourceId> = match page.is_graph {
                true => parents.iter().filter(|id| id.is_type(parent_kind)).cloned().collect(),
                false => own.collect(),
            };
            untold.extend(asked.iter().map(|one| (one.child(name, NEXT_PAGE), &page.origin)));
        }
    }
    untold
}
