//! Changes of network interfaces.

use serde_json::json;

use super::exposure::{EVERY_PORT, End, Exposure, Flows, MANY};
use super::{
    Change, Edit, NETWORK_API, Request, Safety, in_subscription, place, quoted, whole_body,
};
use crate::estate::Estate;
use crate::id::ResourceId;

/// Lets an interface send packets of others.
pub fn turn_on_forwarding(estate: &Estate, nic: &ResourceId) -> Change {
    const FLAG: &str = "enableIPForwarding";
    let put =
        |flag: bool| Request::put(nic, NETWORK_API, whole_body(estate, nic, json!({ FLAG: flag })));
    let behind = End::named(format!("behind {}", nic.key()), MANY);
    Change {
        kind: "turn-on-forwarding",
        resource: nic.clone(),
        title: format!("let interface `{}` forward packets of others", nic.name()),
        request: put(true),
        az: in_subscription(
            nic,
            format!(
                "az network nic update {} --name {} --ip-forwarding true",
                place(nic),
                quoted(nic.name())
            ),
        ),
        inverse: Some(put(false)),
        downtime: "none",
        safety: Safety::Review,
        exposure: vec![Exposure::new(
            format!("whatever the machine of `{}` lets through", nic.name()),
            vec![Flows::new(behind.clone(), behind, EVERY_PORT)],
        )],
        affected: vec!["every route that leads to this interface".to_owned()],
        edits: vec![Edit::Patch(nic.clone(), json!({ FLAG: true }))],
    }
}
