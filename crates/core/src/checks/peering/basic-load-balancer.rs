//! The source stands behind a load balancer of the Basic sort in another region.

use crate::finding::{Finding, Fix};
use crate::trace::Path;
use crate::trace::leg::Way;

pub(super) fn find(path: &Path) -> Option<Finding> {
    let leg = path.intended.as_ref().filter(|leg| leg.is_basic_balancer_afar)?;
    let Way::Machine(machine) = &leg.way else { return None };
    let balancer = machine.holder.as_ref()?;
    let message = format!(
        "load balancer `{}` is of the Basic sort, and in another region than the copier",
        balancer.name()
    );
    let why =
        "a peering between regions does not carry packets to frontends of Basic load balancers";
    Some(Finding::blocks(message, why).at(balancer, path.estate.locate(balancer, "", "sku")).fix(
        Fix::advice(
            "dial the machine's own address, or put a Standard load balancer in front of it",
        ),
    ))
}
