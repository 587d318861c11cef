//! A security rule of the source's subnet denies the way in.

use crate::estate::filter::Direction;
use crate::finding::Finding;
use crate::trace::Path;
use crate::trace::leg::Way;

pub(super) fn find(path: &Path) -> Option<Finding> {
    let leg = path.intended.as_ref()?;
    let Way::Injected(subnet) = &leg.way else { return None };
    let (group, decision) = leg.inbound.as_ref()?;
    super::outbound_denied::denied(path, group, decision, Direction::Inbound, subnet.name())
}
