//! Bodies of resources as the estate keeps them: captured ones as compressed text, which is parsed when somebody asks.

use std::borrow::Cow;

use lz4_flex::block::{compress_prepend_size_with_dict, decompress_size_prepended_with_dict};
use serde_json::Value;

/// The body of a resource.
#[derive(Debug, Clone)]
pub struct Body(Kept);

#[derive(Debug, Clone)]
enum Kept {
    /// JSON text, compressed.
    Packed(Box<[u8]>),
    /// A body that was made, and may be asked for soon.
    Value(Value),
}

impl Body {
    /// Keeps a body in a tenth of its size.
    pub(crate) fn packed(body: &Value) -> Body {
        let packed = compress_prepend_size_with_dict(body.to_string().as_bytes(), DICTIONARY);
        Body(Kept::Packed(packed.into()))
    }

    /// The body itself.
    pub fn value(&self) -> Cow<'_, Value> {
        match &self.0 {
            Kept::Value(value) => Cow::Borrowed(value),
            Kept::Packed(packed) => {
                let text = decompress_size_prepended_with_dict(packed, DICTIONARY);
                let value = text.ok().and_then(|text| serde_json::from_slice(&text).ok());
                // It was packed here, so it can be read.
                debug_assert!(value.is_some());
                Cow::Owned(value.unwrap_or_default())
            }
        }
    }
}

impl From<Value> for Body {
    fn from(value: Value) -> Body {
        Body(Kept::Value(value))
    }
}

/// Texts that many bodies hold: a small body alone has little that repeats. The most frequent stand last.
const DICTIONARY: &[u8] = br#"
"Microsoft.DBforPostgreSQL/flexibleServers","fullyQualifiedDomainName":".postgres.database.azure.com","state":"Ready","version":"
"network":{"delegatedSubnetResourceId":"publicNetworkAccess":"Disabled","publicNetworkAccess":"Enabled","sku":{"name":"
"privateLinkServiceConnections":[{"name":"groupIds":["postgresqlServer"],"privateLinkServiceConnectionState":{"status":"Approved"
"manualPrivateLinkServiceConnections":[],"customDnsConfigs":[],"networkInterfaces":[{"id":"/Microsoft.Network/networkInterfaces/
"ipConfigurations":[{"name":"privateIPAddress":"privateEndpoint":{"id":"/Microsoft.Network/privateEndpoints/
"privateDnsZoneConfigs":[{"name":"privateDnsZoneId":"/Microsoft.Network/privateDnsZones/privatelink.postgres.database.azure.com
"ttl":10,"aRecords":[{"ipv4Address":"10."registrationEnabled":false,"virtualNetwork":{"id":"virtualNetworkLinkState":"Completed"
"addressSpace":{"addressPrefixes":["10."dhcpOptions":{"dnsServers":[]},"subnets":[],"delegations":[{"name":"serviceName":"
"peeringState":"Connected","peeringSyncLevel":"FullyInSync","remoteVirtualNetwork":{"id":"allowVirtualNetworkAccess":true,
"allowForwardedTraffic":false,"allowGatewayTransit":false,"useRemoteGateways":false,"remoteAddressSpace":{"addressPrefixes":["10.
"routes":[{"name":"nextHopType":"addressPrefix":"0.0.0.0/0","networkSecurityGroup":{"id":"routeTable":{"id":"serviceEndpoints":[]
"securityRules":[{"name":"protocol":"Tcp","sourcePortRange":"*","destinationPortRange":"5432","sourceAddressPrefix":"*",
"destinationAddressPrefix":"*","access":"Allow","priority":100,"direction":"Inbound","sourcePortRanges":[],
"/virtualNetworks/","/subnets/","type":"Microsoft.Network/virtualNetworks","location":"westeurope","etag":"W/\"
{"id":"/subscriptions/","/resourceGroups/","/providers/Microsoft.Network/","properties":{"provisioningState":"Succeeded","#;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_body_is_kept_as_it_was() {
        let rule = |number: u32| json!({ "name": format!("rule-{number}"), "priority": number });
        let rules: Vec<Value> = (0..1000).map(rule).collect();
        for body in [json!({ "properties": { "rules": rules, "huge": u64::MAX } }), json!(null)] {
            let kept = Body::packed(&body);
            assert_eq!(*kept.value(), body);
            assert_eq!(*Body::from(body.clone()).value(), body);
        }
    }

    #[test]
    fn a_list_of_rules_takes_a_fraction() {
        let rules: Vec<Value> = (0..100).map(|_| json!({ "access": "Allow" })).collect();
        let Body(Kept::Packed(packed)) = Body::packed(&json!(rules)) else { panic!("not packed") };
        assert!(packed.len() * 5 < json!(rules).to_string().len());
    }
}
