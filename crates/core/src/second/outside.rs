//! Resolvers outside of Azure: they say what everybody is told, and look into no private zone.

use super::address::address_of;
use super::door::delegated_subnet;
use super::forward::Rule;
use super::name::{Ask, Name, name_of};
use super::verdict::{Gate, Tri};
use super::world::{World, last_name};
use super::zone::{Zone, alias_of, covers, own_zone};

/// Resolvers for everybody, which are in no network of Azure.
const FOR_EVERYBODY: &str = "1.1.1.1 1.0.0.1 1.1.1.2 1.0.0.2 1.1.1.3 1.0.0.3 8.8.8.8 8.8.4.4 9.9.9.9 9.9.9.10 149.112.112.112 \
     149.112.112.10 208.67.222.222 208.67.220.220 4.2.2.1 4.2.2.2 209.244.0.3 209.244.0.4 64.6.64.6 64.6.65.6 94.140.14.14 \
     94.140.15.15";

pub(super) fn is_for_everybody(to: u32) -> bool {
    FOR_EVERYBODY.split_whitespace().any(|word| address_of(word) == Some(to))
}

/// Whether a name is one that Azure gives to servers.
pub(super) fn is_published(name: &str) -> bool {
    name.to_ascii_lowercase().contains(".postgres.")
}

/// What public DNS says where nobody looks into private zones.
pub(super) fn published(world: &World, server: &str) -> Name {
    match delegated_subnet(world, server) {
        Err(gate) => Name::Unknown(gate),
        Ok(Some(_)) => Name::Nothing(Gate::drop("name", server, Some("a public resolver"))),
        Ok(None) => Name::Public,
    }
}

impl Ask<'_> {
    /// What public DNS answers for a name that a record leads to: nobody knows of other names than the server's.
    pub(super) fn behind_alias(&self, name: &str) -> Name {
        let own = name_of(self.world, self.server).unwrap_or_default().to_ascii_lowercase();
        let (label, zone) = alias_of(&own);
        match name == own || name == format!("{label}.{zone}") {
            true => Name::Public,
            false => Name::Unknown(Gate::unknown("what is published", name)),
        }
    }

    /// What comes of asking a public resolver by a rule: whether Azure asks its zones anew for the alias in the answer, no document
    /// says.
    pub(super) fn outside(&self, name: &str, zones: &[&Zone]) -> Name {
        let answer = published(self.world, self.server);
        let alias = match (&answer, self.has_endpoints()) {
            (Name::Nothing(_), _) => self.world.body(self.server).and_then(own_zone),
            (_, Tri::No) => None,
            _ => Some(format!("{}.{}", alias_of(name).0, alias_of(name).1)),
        };
        let is_caught = |alias: &String| {
            let alias = last_name(alias);
            zones.iter().any(|zone| covers(&zone.name, alias))
                || matches!(self.rule(alias), Rule::Leads(..) | Rule::Unknown(_))
        };
        match alias.filter(is_caught) {
            Some(_) => {
                Name::Unknown(Gate::unknown("what is answered for an alias in", self.network))
            }
            None => answer,
        }
    }
}
