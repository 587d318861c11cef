//! What halves of peerings and their flags let through.

use super::exposure::{self, EVERY_PORT, End, Exposure, Flows, MANY};
use super::terms::Terms;
use super::{Change, Edit, past};
use crate::estate::Estate;
use crate::estate::network::Peering;
use crate::id::ResourceId;

/// The two networks of a half of a peering.
pub(super) fn ends(estate: &Estate, half: &ResourceId) -> (End, End) {
    let vnet = |id: Option<&ResourceId>, otherwise: &str| match id {
        Some(id) => exposure::vnet(estate, id),
        None => End::named(format!("{otherwise} {}", half.key()), MANY),
    };
    let remote = estate.find::<Peering>(half).map(|one| &one.remote);
    (vnet(half.parent().as_ref(), "before"), vnet(remote, "beyond"))
}

/// What a new half lets through, and what it leads past appliances.
pub(super) fn half(
    estate: &Estate,
    vnet: &ResourceId,
    remote: &ResourceId,
    terms: &Terms,
) -> Vec<Exposure> {
    let (own_part, own_end) = terms.part(estate, vnet, true);
    let (other_part, other_end) = terms.part(estate, remote, false);
    let joined = Exposure::new(
        format!("{own_part} <-> {other_part}"),
        Flows::between(own_end, other_end, EVERY_PORT),
    );
    // What leads past an appliance does not decide what is wrong.
    let (past, _) = estate.watch(|estate| {
        let (senders, space) = (terms.senders(estate, vnet), terms.space(estate, remote));
        past::appliances(estate, &senders, remote, space.as_deref().unwrap_or_default())
    });
    std::iter::once(joined).chain(past).collect()
}

/// What a flag of a half lets through.
pub(super) fn flag(estate: &Estate, half: &ResourceId, flag: &str) -> Exposure {
    let beyond = forwarded_for(estate, half, flag)
        .unwrap_or_else(|| End::named(format!("by {flag} of {}", half.key()), MANY));
    let flows = vec![Flows::new(ends(estate, half).0, beyond, EVERY_PORT)];
    Exposure::new(flag_words(estate, half, flag), flows)
}

/// Whose packets the other network may forward: those of the networks that it is peered with besides. `None` where that is not known, or
/// the flag is about something else.
fn forwarded_for(estate: &Estate, half: &ResourceId, flag: &str) -> Option<End> {
    if flag != "allowForwardedTraffic" {
        return None;
    }
    let own = half.parent()?;
    let hub = &estate.find::<Peering>(half)?.remote;
    let others = estate.children::<Peering>(hub).map(|(_, other)| other);
    let others: Vec<&Peering> = others.filter(|other| other.remote != own).collect();
    let is_told = others.iter().all(|other| !other.remote_space.is_empty());
    let spaces = others.iter().flat_map(|other| &other.remote_space);
    (is_told && !others.is_empty()).then(|| End::of(spaces))
}

/// Which flows those are.
fn flag_words(estate: &Estate, half: &ResourceId, flag: &str) -> String {
    let own = half.name_at(0);
    let Some(facts) = estate.find::<Peering>(half) else {
        return format!("what `{flag}` lets through peering `{}`", half.name());
    };
    let remote = facts.remote.name();
    match flag {
        "allowForwardedTraffic" => {
            format!("what `{remote}` forwards for other networks -> network `{own}`")
        }
        "allowGatewayTransit" => {
            format!("network `{remote}` <-> what the gateway of `{own}` leads to")
        }
        "useRemoteGateways" => {
            format!("network `{own}` <-> what the gateway of `{remote}` leads to")
        }
        _ => format!("what `{flag}` lets through between networks `{own}` and `{remote}`"),
    }
}

/// What a change of a half lets through as if no other change were made; `None` for another one.
pub fn from_here(estate: &Estate, change: &Change) -> Option<Vec<Exposure>> {
    match (change.edits.as_slice(), change.kind) {
        ([Edit::Create(half, ..)], _) => {
            let body = &change.request.body;
            let remote = body.pointer("/properties/remoteVirtualNetwork/id")?.as_str()?;
            let remote = ResourceId::parse(remote)?;
            Some(self::half(estate, &half.parent()?, &remote, &Terms::told(body)))
        }
        // One that the plan itself makes lets through what it says from the start.
        ([Edit::Patch(half, fields)], "set-peering-flag") if estate.resource(half).is_some() => {
            let (flag, _) = fields.as_object()?.iter().next()?;
            Some(vec![self::flag(estate, half, flag)])
        }
        _ => None,
    }
}
