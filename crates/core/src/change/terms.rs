//! What a new half of a peering says of itself.

use ipnet::Ipv4Net;
use serde_json::{Value, json};

use super::exposure;
use super::exposure::End;
use crate::estate::Estate;
use crate::estate::network::{Peering, Subnet, Vnet};
use crate::id::ResourceId;
use crate::shell::quoted;
use crate::trace::hop;

/// What a half of a peering says, apart from where it leads and whether the other network is let in.
#[derive(Debug, Clone, Default)]
pub struct Terms {
    /// `allowForwardedTraffic`.
    pub allows_forwarded: bool,
    /// `allowGatewayTransit`.
    pub lends_gateway: bool,
    /// `useRemoteGateways`.
    pub uses_remote_gateway: bool,
    /// Names of the network's own subnets and of the other one's, where only these are peered.
    pub subnets: Option<(Vec<String>, Vec<String>)>,
}

impl Terms {
    /// As the half says that the network has, and may be about to lose, or else as the other network's half asks for.
    pub fn of(estate: &Estate, vnet: &ResourceId, remote: &ResourceId) -> Terms {
        if let Some((_, own)) = hop::half(estate, vnet, remote) {
            let is_true = |flag: Option<bool>| flag == Some(true);
            let mut halves = estate.children::<Peering>(vnet);
            // One peering of a network may use remote gateways.
            let is_taken =
                halves.any(|(_, half)| half.remote != *remote && is_true(half.uses_remote_gateway));
            return Terms {
                allows_forwarded: is_true(own.allows_forwarded),
                lends_gateway: is_true(own.lends_gateway),
                uses_remote_gateway: is_true(own.uses_remote_gateway) && !is_taken,
                subnets: own.subnets_only.clone(),
            };
        }
        let other = hop::half(estate, remote, vnet).map(|(_, other)| other);
        Terms {
            lends_gateway: other.is_some_and(|other| other.uses_remote_gateway == Some(true)),
            subnets: other
                .and_then(|other| other.subnets_only.clone())
                .map(|(theirs, ours)| (ours, theirs)),
            ..Terms::default()
        }
    }

    pub(super) fn body(&self, remote: &ResourceId) -> Value {
        let mut body = json!({ "properties": {
            "remoteVirtualNetwork": { "id": remote.as_str() },
            "allowVirtualNetworkAccess": true,
            "allowForwardedTraffic": self.allows_forwarded,
            "allowGatewayTransit": self.lends_gateway,
            "useRemoteGateways": self.uses_remote_gateway } });
        if let Some((own, other)) = &self.subnets {
            body["properties"]["peerCompleteVnets"] = json!(false);
            body["properties"]["localSubnetNames"] = json!(own);
            body["properties"]["remoteSubnetNames"] = json!(other);
        }
        body
    }

    /// What the body of a half says.
    pub(super) fn told(body: &Value) -> Terms {
        let is_true = |name: &str| body["properties"][name] == true;
        let names = |name: &str| -> Option<Vec<String>> {
            let all = body["properties"].get(name)?.as_array()?.iter();
            Some(all.filter_map(Value::as_str).map(str::to_owned).collect())
        };
        Terms {
            allows_forwarded: is_true("allowForwardedTraffic"),
            lends_gateway: is_true("allowGatewayTransit"),
            uses_remote_gateway: is_true("useRemoteGateways"),
            subnets: names("localSubnetNames").zip(names("remoteSubnetNames")),
        }
    }

    /// As options of `az network vnet peering create`.
    pub(super) fn options(&self) -> String {
        let flags = [
            ("allow-forwarded-traffic", self.allows_forwarded),
            ("allow-gateway-transit", self.lends_gateway),
            ("use-remote-gateways", self.uses_remote_gateway),
        ];
        let set = flags.into_iter().filter(|(_, is_set)| *is_set);
        let mut options: String = set.map(|(name, _)| format!(" --{name} true")).collect();
        if let Some((own, other)) = &self.subnets {
            let words = |names: &[String]| {
                names.iter().map(|name| format!(" {}", quoted(name))).collect::<String>()
            };
            options += &format!(
                " --peer-complete-vnets false --local-subnet-names{} --remote-subnet-names{}",
                words(own),
                words(other)
            );
        }
        options
    }

    /// What of a network, its own or the other one, is let through: in words, and which addresses.
    pub(super) fn part(&self, estate: &Estate, vnet: &ResourceId, is_own: bool) -> (String, End) {
        let names = self.subnets.as_ref().map(|(own, other)| if is_own { own } else { other });
        let Some(names) = names else {
            let whole = format!("every subnet of `{}`", vnet.name());
            return (whole, exposure::vnet(estate, vnet));
        };
        (format!("subnets {} of `{}`", names.join(", "), vnet.name()), all_of(estate, vnet, names))
    }

    /// What the half routes once it is made.
    pub(super) fn space(&self, estate: &Estate, remote: &ResourceId) -> Option<Vec<Ipv4Net>> {
        Some(match &self.subnets {
            None => estate.find::<Vnet>(remote)?.space.clone(),
            Some((_, names)) => {
                let id = |name: &String| remote.child("subnets", name);
                let subnets = names.iter().filter_map(|one| estate.find::<Subnet>(&id(one)));
                subnets.flat_map(|subnet| subnet.prefixes.clone()).collect()
            }
        })
    }

    /// The subnets of the network whose packets the half carries.
    pub(super) fn senders(&self, estate: &Estate, vnet: &ResourceId) -> Vec<ResourceId> {
        match &self.subnets {
            None => estate.children::<Subnet>(vnet).map(|(id, _)| id.clone()).collect(),
            Some((names, _)) => names.iter().map(|name| vnet.child("subnets", name)).collect(),
        }
    }
}

/// The addresses of some subnets of a network.
pub(super) fn all_of(estate: &Estate, vnet: &ResourceId, subnets: &[String]) -> End {
    let id = |name: &String| vnet.child("subnets", name);
    let each = subnets.iter().map(|name| exposure::subnet(estate, &id(name)));
    each.fold(End::default(), End::union)
}
