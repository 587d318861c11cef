//! When a search takes what is done only where nothing else will do.

use super::Policy;
use super::found::{Found, Repair};
use super::search::search_among;
use crate::diagnose::Question;
use crate::estate::Estate;

/// Searches for the cheapest repair of a flow; with last resorts where nothing else does, or something that they may be cheaper than: one
/// that breaks what works, makes an endpoint, or lets something through.
pub fn search(estate: &Estate, question: &Question, policy: &Policy) -> Found {
    let (found, has_last_resort) = search_among(estate, question, policy, None);
    if found.best.as_ref().is_some_and(Repair::is_light) || !has_last_resort {
        return found;
    }
    // What breaks nothing is beaten by something cheaper alone; its other ways were found.
    let whole = found.best.as_ref().filter(|best| best.cost.broken_flows == 0);
    if whole.is_some() && found.leaves_open {
        return found;
    }
    let limit = Some(whole.map(|best| best.cost));
    let (other, _) = search_among(estate, question, policy, limit);
    match (&found.best, &other.best) {
        (Some(usual), Some(best)) if best.cost >= usual.cost => found,
        (Some(_), Some(best)) if whole.is_some() && (other.leaves_open || best.loses_names()) => {
            found
        }
        (Some(_), None) => found,
        _ => other.with_others_of(found),
    }
}
