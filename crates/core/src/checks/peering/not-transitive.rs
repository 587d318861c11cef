//! Both networks are peered with a third one, and with each other not at all.

use crate::change::peering;
use crate::checks::fixes;
use crate::finding::{Finding, Fix};
use crate::trace::Path;
use crate::trace::hop::Joined;

pub(super) fn find(path: &Path) -> Option<Finding> {
    let joined = path.intended.as_ref()?.joined.as_ref()?;
    let Joined::Apart { near: None, far: None, between: Some(hub), overlap, other_way, .. } =
        joined
    else {
        return None;
    };
    if overlap.is_some() {
        return None; // peering/overlapping-spaces
    }
    let (near, far) = super::peering_missing::ends(path)?;
    let message = format!(
        "networks `{}` and `{}` are peered with `{}`, not with each other",
        near.name(),
        far.name(),
        hub.name()
    );
    let why = "a peering carries packets of its two networks only; through a third one they need an appliance and routes";
    let changes = vec![
        peering::create_half(path.estate, &near, &far),
        peering::create_half(path.estate, &far, &near),
    ];
    let mut finding = Finding::blocks(message, why).at(&near, "").fix(Fix::of(changes));
    finding.fixes.extend(fixes::endpoint_nearby(path));
    Some(if other_way.is_some() { finding.possible() } else { finding })
}
