//! Bodies of resources as the estate keeps them: captured ones as compressed text, which is parsed when somebody asks.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use lz4_flex::block::{compress_prepend_size_with_dict, decompress_size_prepended_with_dict};
use serde::de::{DeserializeOwned, DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::json::Json;

/// Levels of a text that serde_json reads. Bodies that templates make can have more.
const DEPTH_MAX: usize = 127;

/// The body of a resource.
#[derive(Debug, Clone)]
pub struct Body(Kept);

#[derive(Debug, Clone)]
enum Kept {
    /// JSON text, compressed.
    Packed(Box<[u8]>),
    /// A body that was made, and may be asked for soon.
    Value(Box<Value>),
}

impl Body {
    /// Keeps the text of a body in a tenth of its size.
    pub(super) fn of_text(text: &str) -> Body {
        let packed = compress_prepend_size_with_dict(text.as_bytes(), DICTIONARY);
        Body(Kept::Packed(packed.into()))
    }

    /// The same of a body whose text is not at hand.
    pub(super) fn of_json(body: &Json) -> Body {
        if is_deeper(body, DEPTH_MAX) {
            return Body::from(body.to_value());
        }
        Body::of_text(&serde_json::to_string(body).unwrap_or_default())
    }

    /// What stands at a JSON pointer in the body; dearer than [`value`](Self::value) for much of it, cheaper for one rule of a
    /// thousand.
    pub fn at(&self, pointer: &str) -> Option<Value> {
        match &self.0 {
            Kept::Value(value) => value.pointer(pointer).cloned(),
            Kept::Packed(packed) => read_at(packed, pointer),
        }
    }

    /// Whether something stands at a JSON pointer in the body.
    pub(super) fn holds(&self, pointer: &str) -> bool {
        match &self.0 {
            Kept::Value(value) => value.pointer(pointer).is_some(),
            Kept::Packed(packed) => read_at::<IgnoredAny>(packed, pointer).is_some(),
        }
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

/// Whether lists and objects stand inside each other in more levels.
fn is_deeper(json: &Json, levels: usize) -> bool {
    let is_below = |one: &Json| is_deeper(one, levels - 1);
    match json {
        Json::List(items) => levels == 0 || items.iter().any(is_below),
        Json::Object(fields) => levels == 0 || fields.iter().any(|(_, one)| is_below(one)),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::Text(_) => false,
    }
}

fn read_at<T: DeserializeOwned>(packed: &[u8], pointer: &str) -> Option<T> {
    let text = decompress_size_prepended_with_dict(packed, DICTIONARY).ok()?;
    let plain = |step: &str| step.replace("~1", "/").replace("~0", "~");
    let steps: Vec<String> = pointer.split('/').skip(1).map(plain).collect();
    let at = At { steps: &steps, found: PhantomData };
    at.deserialize(&mut serde_json::Deserializer::from_slice(&text)).ok()?
}

/// Reads what stands at a pointer, and passes over the rest.
struct At<'p, T> {
    steps: &'p [String],
    found: PhantomData<T>,
}

impl<'p, T> At<'p, T> {
    /// Below a field, where that is the first step.
    fn below(&self, name: &str) -> Option<At<'p, T>> {
        let (first, steps) = self.steps.split_first()?;
        (first == name).then_some(At { steps, found: PhantomData })
    }
}

impl<'de, T: Deserialize<'de>> DeserializeSeed<'de> for At<'_, T> {
    type Value = Option<T>;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Option<T>, D::Error> {
        match self.steps {
            [] => T::deserialize(json).map(Some),
            _ => json.deserialize_any(self),
        }
    }
}

impl<'de, T: Deserialize<'de>> Visitor<'de> for At<'_, T> {
    type Value = Option<T>;

    fn expecting(&self, out: &mut fmt::Formatter) -> fmt::Result {
        out.write_str("an object or a list")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Option<T>, A::Error> {
        let mut found = None;
        while let Some(name) = map.next_key::<Cow<str>>()? {
            match self.below(&name) {
                Some(rest) => found = map.next_value_seed(rest)?,
                None => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(found)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Option<T>, A::Error> {
        let wanted = self.steps.split_first().and_then(|(first, steps)| {
            Some((first.parse::<usize>().ok()?, At { steps, found: PhantomData }))
        });
        let (mut found, mut index) = (None, 0);
        if let Some((wanted, rest)) = wanted {
            while index < wanted && list.next_element::<IgnoredAny>()?.is_some() {
                index += 1;
            }
            if index == wanted {
                found = list.next_element_seed(rest)?.flatten();
            }
        }
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(found)
    }
}

impl From<Value> for Body {
    fn from(value: Value) -> Body {
        Body(Kept::Value(Box::new(value)))
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
