//! Changes as commands of the Azure CLI.

use serde_json::Value;

use super::Request;
use crate::id::ResourceId;
use crate::shell::quoted;

/// `--resource-group G` of a resource.
pub(crate) fn place(id: &ResourceId) -> String {
    format!("--resource-group {}", quoted(id.resource_group()))
}

/// `--subscription S --resource-group G` of a resource, for a command that stands alone.
pub(crate) fn whole_place(id: &ResourceId) -> String {
    format!("--subscription {} {}", quoted(id.subscription()), place(id))
}

/// A command, after the one that selects the subscription of the resource it is about.
pub(crate) fn in_subscription(id: &ResourceId, command: String) -> Vec<String> {
    vec![format!("az account set --subscription {}", quoted(id.subscription())), command]
}

/// A command that sends a request as it is.
pub(crate) fn az_rest(request: &Request) -> String {
    let method = request.method.to_ascii_lowercase();
    let body = match &request.body {
        Value::Null => String::new(),
        body => format!(" --body {}", quoted(&body.to_string())),
    };
    format!("az rest --method {method} --uri {}{body}", quoted(&request.path))
}
