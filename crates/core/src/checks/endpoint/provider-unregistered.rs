//! No private endpoint of the source can be made: a subscription does not have its provider registered.

use crate::estate::governance::{Registration, registration_of};
use crate::finding::{Finding, Fix};
use crate::id::ResourceId;
use crate::shell::quoted;
use crate::trace::Path;
use crate::trace::endpoint::Status;
use crate::trace::gate::Gate;

/// Providers that an endpoint needs, in its own subscription and in the server's.
const PROVIDERS: [&str; 2] = ["Microsoft.DBforPostgreSQL", "Microsoft.Network"];

pub(super) fn find(path: &Path) -> Option<Finding> {
    let start = path.start.as_ref()?;
    if path.to.delegated_subnet.is_some()
        || path.live_endpoints().any(|view| view.status == Status::Approved)
    {
        return None;
    }
    // Nobody needs an endpoint where the public door is open and none was made.
    let gate = path.taken().and_then(|leg| leg.gate.as_ref());
    let needs_one = path.endpoints.is_empty() && matches!(gate, Some(Gate::PublicDenied));
    if path.endpoints.is_empty() && !needs_one {
        return None;
    }
    let registration = lacking(path, &start.vnet)?;
    let (subscription, provider) = (registration.subscription(), registration.name());
    let message = format!(
        "provider `{provider}` is not registered in subscription `{subscription}`, which a private endpoint of `{}` needs",
        path.to_id.name()
    );
    let why = "a subscription can use a service once its provider is registered there: until then an endpoint cannot be made or approved";
    let fix = format!(
        "register it: `az provider register --subscription {} --namespace {} --wait`",
        quoted(subscription),
        quoted(provider)
    );
    let finding = Finding::blocks(message, why).at(&registration, "/registrationState");
    let finding = finding.fix(Fix::advice(fix));
    Some(if needs_one { finding } else { finding.possible() })
}

/// The first registration that is known to lack of those that an endpoint in a network needs.
pub(super) fn lacking(path: &Path, vnet: &ResourceId) -> Option<ResourceId> {
    let subscriptions = [vnet.subscription(), path.to_id.subscription()];
    let all = subscriptions.iter().flat_map(|one| PROVIDERS.map(|name| registration_of(one, name)));
    let is_lacking = |id: &ResourceId| {
        path.estate.find::<Registration>(id).is_some_and(Registration::is_lacking)
    };
    all.flatten().find(is_lacking)
}
