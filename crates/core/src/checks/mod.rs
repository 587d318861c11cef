//! The registry of faults. A check is one file here, one page in docs/checks (which is also its test), and one line below.

mod denial;
pub(crate) mod firewall_routes;
mod fixes;
mod joins;
mod new_endpoint;
mod questions;
mod separate_zone;

use crate::finding::Finding;
use crate::trace::Path;

/// A fault: its page, and the check that finds it where configuration can tell.
pub struct Check {
    /// The id, such as `dns/zone-not-linked`.
    pub fault: &'static str,
    /// Its page, in Markdown.
    pub page: &'static str,
    find: Option<fn(&Path) -> Vec<Finding>>,
}

impl Check {
    /// Whether configuration can tell this fault today.
    pub fn looks(&self) -> bool {
        self.find.is_some()
    }

    /// Looks at a path. Nearly every fault is there once at most.
    pub fn run(&self, path: &Path) -> impl Iterator<Item = Finding> {
        let found = self.find.map(|find| find(path)).unwrap_or_default();
        found.into_iter().map(|finding| Finding { fault: self.fault, ..finding })
    }
}

macro_rules! registry {
    ($($fault:literal $(in $file:literal as $name:ident)?;)*) => {
        $($( #[path = $file] mod $name; )?)*
        /// Every fault, in the order in which packets meet them.
        pub const ALL: &[Check] = &[$(Check {
            fault: $fault,
            page: include_str!(concat!("../../../../docs/checks/", $fault, ".md")),
            find: registry!(@find $($name)?),
        }),*];
    };
    (@find $name:ident) => { Some(|path| $name::find(path).into_iter().collect()) };
    (@find) => { None };
}

registry! {
    "mode/private-source-public-target" in "mode/private-source-public-target.rs" as private_source_public_target;
    "mode/runtime-server-missing" in "mode/runtime-server-missing.rs" as runtime_server_missing;
    "mode/runtime-server-cannot-reach-target";

    "dns/zone-not-linked" in "dns/zone-not-linked.rs" as zone_not_linked;
    "dns/record-missing" in "dns/record-missing.rs" as record_missing;
    "dns/record-stale" in "dns/record-stale.rs" as record_stale;
    "dns/record-overwritten" in "dns/record-overwritten.rs" as record_overwritten;
    "dns/same-named-zone-linked" in "dns/same-named-zone-linked.rs" as same_named_zone_linked;
    "dns/custom-server-not-forwarding" in "dns/custom-server-not-forwarding.rs" as custom_server_not_forwarding;
    "dns/forwarder-network-not-linked" in "dns/forwarder-network-not-linked.rs" as forwarder_network_not_linked;
    "dns/custom-server-unreachable" in "dns/custom-server-unreachable.rs" as custom_server_unreachable;
    "dns/forwarder-privatelink-only";
    "dns/forwarding-rule-wrong" in "dns/forwarding-rule-wrong.rs" as forwarding_rule_wrong;
    "dns/public-suffix-zone-linked" in "dns/public-suffix-zone-linked.rs" as public_suffix_zone_linked;
    "dns/zone-named-like-server" in "dns/zone-named-like-server.rs" as zone_named_like_server;
    "dns/injected-source-zone-not-linked" in "dns/injected-source-zone-not-linked.rs" as injected_source_zone_not_linked;
    "dns/public-name-shadowed" in "dns/public-name-shadowed.rs" as public_name_shadowed;
    "dns/platform-dns-denied" in "dns/platform-dns-denied.rs" as platform_dns_denied;
    "dns/link-in-progress" in "dns/link-in-progress.rs" as link_in_progress;
    "dns/zone-locked" in "dns/zone-locked.rs" as zone_locked;
    "dns/zone-name-wrong" in "dns/zone-name-wrong.rs" as zone_name_wrong;
    "dns/address-hard-coded" in "dns/address-hard-coded.rs" as address_hard_coded;

    "route/none" in "route/none.rs" as route_none;
    "route/blackhole" in "route/blackhole.rs" as blackhole;
    "route/opaque-appliance" in "route/opaque-appliance.rs" as opaque_appliance;
    "route/forced-tunnel" in "route/forced-tunnel.rs" as forced_tunnel;
    "route/appliance-dead" in "route/appliance-dead.rs" as appliance_dead;
    "route/endpoint-bypassed-without-snat" in "route/endpoint-bypassed-without-snat.rs" as endpoint_bypassed_without_snat;
    "route/return-asymmetric" in "route/return-asymmetric.rs" as return_asymmetric;
    "route/gateway-propagation-off" in "route/gateway-propagation-off.rs" as gateway_propagation_off;
    "route/gateway-transit-off" in "route/gateway-transit-off.rs" as gateway_transit_off;
    "route/on-premises-return-missing";
    "route/on-premises-overlap" in "route/on-premises-overlap.rs" as on_premises_overlap;
    "route/default-route-starves-server" in "route/default-route-starves-server.rs" as default_route_starves_server;
    "route/no-egress" in "route/no-egress.rs" as no_egress;

    "peering/missing" in "peering/missing.rs" as peering_missing;
    "peering/initiated" in "peering/initiated.rs" as peering_initiated;
    "peering/disconnected" in "peering/disconnected.rs" as peering_disconnected;
    "peering/access-off" in "peering/access-off.rs" as access_off;
    "peering/not-transitive" in "peering/not-transitive.rs" as not_transitive;
    "peering/forwarded-traffic-off" in "peering/forwarded-traffic-off.rs" as forwarded_traffic_off;
    "peering/out-of-sync" in "peering/out-of-sync.rs" as out_of_sync;
    "peering/overlapping-spaces" in "peering/overlapping-spaces.rs" as overlapping_spaces;
    "peering/subnet-excluded" in "peering/subnet-excluded.rs" as subnet_excluded;
    "peering/basic-load-balancer" in "peering/basic-load-balancer.rs" as basic_load_balancer;
    "peering/mesh-excluded" in "peering/mesh-excluded.rs" as mesh_excluded;

    "filter/outbound-denied" in "filter/outbound-denied.rs" as outbound_denied;
    "filter/inbound-denied" in "filter/inbound-denied.rs" as inbound_denied;
    "filter/endpoint-subnet-denied" in "filter/endpoint-subnet-denied.rs" as endpoint_subnet_denied;
    "filter/service-tag-mismatch" in "filter/service-tag-mismatch.rs" as service_tag_mismatch;
    "filter/port-mismatch" in "filter/port-mismatch.rs" as port_mismatch;
    "filter/admin-rule-denied" in "filter/admin-rule-denied.rs" as admin_rule_denied;
    "filter/asg-on-delegated-subnet" in "filter/asg-on-delegated-subnet.rs" as asg_on_delegated_subnet;
    "filter/outside-virtual-network-tag" in "filter/outside-virtual-network-tag.rs" as outside_virtual_network_tag;
    "filter/two-level-conflict" in "filter/two-level-conflict.rs" as two_level_conflict;

    "endpoint/pending" in "endpoint/pending.rs" as endpoint_pending;
    "endpoint/rejected" in "endpoint/rejected.rs" as endpoint_rejected;
    "endpoint/disconnected" in "endpoint/disconnected.rs" as endpoint_disconnected;
    "endpoint/wrong-server" in "endpoint/wrong-server.rs" as wrong_server;
    "endpoint/tier-unsupported" in "endpoint/tier-unsupported.rs" as tier_unsupported;
    "endpoint/provider-unregistered" in "endpoint/provider-unregistered.rs" as provider_unregistered;
    "endpoint/too-many" in "endpoint/too-many.rs" as too_many;

    "server/public-access-denied" in "server/public-access-denied.rs" as public_access_denied;
    "server/firewall-rule-missing" in "server/firewall-rule-missing.rs" as firewall_rule_missing;
    "server/vnet-rule-missing" in "server/vnet-rule-missing.rs" as vnet_rule_missing;
    "server/service-endpoint-missing" in "server/service-endpoint-missing.rs" as service_endpoint_missing;
    "server/vnet-rule-other-region" in "server/vnet-rule-other-region.rs" as vnet_rule_other_region;
    "server/vnet-rule-not-ready" in "server/vnet-rule-not-ready.rs" as vnet_rule_not_ready;
    "server/rules-locked-by-public-denied" in "server/rules-locked-by-public-denied.rs" as rules_locked_by_public_denied;
    "server/nat-address-not-allowed" in "server/nat-address-not-allowed.rs" as nat_address_not_allowed;
    "server/gateway-moved" in "server/gateway-moved.rs" as gateway_moved;
    "server/public-off-no-endpoint" in "server/public-off-no-endpoint.rs" as public_off_no_endpoint;
    "server/caller-address-changed";
    "server/not-ready" in "server/not-ready.rs" as not_ready;
    "server/pooler-off" in "server/pooler-off.rs" as pooler_off;
    "auth/login-lacks-server-name";

    "host/not-listening" in "host/not-listening.rs" as not_listening;
    "host/pg-hba";
    "host/firewall";

    "tls/client-without-tls" in "tls/client-without-tls.rs" as client_without_tls;
    "tls/server-without-tls";
    "tls/version-mismatch";
    "tls/verification-failed";
}

/// The fault of that id.
pub fn find(fault: &str) -> Option<&'static Check> {
    ALL.iter().find(|check| check.fault == fault)
}
