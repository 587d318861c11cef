//! Where a deployment goes, and the functions that ask for it: `resourceId`, `resourceGroup` and their like.

use serde_json::{Value, json};

use super::functions::text;
use super::scope::{Known, Why};
use crate::estate::unresolved::unresolved;

/// Subscription of everything in a template that does not say where it goes.
pub(super) const SUBSCRIPTION: &str = "00000000-0000-0000-0000-000000000000";

/// Resource group of everything in a template that does not say where it goes, and name of its deployment.
pub(super) const GROUP: &str = "template";

/// Why the location of a resource group is not known.
pub(super) const LOCATION: &str = "`resourceGroup().location` is not known before a deployment";

/// Where a deployment goes.
#[derive(Debug, Clone)]
pub(super) struct Place {
    /// The subscription's id.
    pub(super) subscription: String,
    /// The resource group's name.
    pub(super) group: String,
    /// The deployment's name.
    pub(super) deployment: String,
}

impl Place {
    pub(super) fn unknown() -> Place {
        Place {
            subscription: SUBSCRIPTION.to_owned(),
            group: GROUP.to_owned(),
            deployment: GROUP.to_owned(),
        }
    }

    /// The id of the resource group.
    pub(super) fn group_id(&self) -> String {
        format!("/subscriptions/{}/resourceGroups/{}", self.subscription, self.group)
    }

    /// Functions that ask for the place; `None` for all others.
    pub(super) fn call(&self, name: &str, arguments: &[Value]) -> Option<Known> {
        let unknown = |what: &str| {
            Some(Err(Why::because(format!("{what} is not known before a deployment"))))
        };
        match name {
            "resourceid" => Some(self.resource_id(arguments)),
            "subscriptionresourceid" => Some(self.subscription_resource_id(arguments)),
            "extensionresourceid" => Some(extension_id(arguments)),
            "tenantresourceid" => Some(joined(String::new(), arguments)),
            "subscription" => Some(Ok(json!({
                "id": format!("/subscriptions/{}", self.subscription),
                "subscriptionId": self.subscription,
            }))),
            "resourcegroup" => Some(Ok(json!({
                "id": self.group_id(),
                "name": self.group,
                "location": unresolved(LOCATION),
            }))),
            "deployment" => Some(Ok(json!({ "name": self.deployment }))),
            "environment" => Some(Ok(environment())),
            "tenant" | "managementgroup" | "deployer" => unknown(&format!("`{name}()`")),
            _ if name.starts_with("list") => unknown(&format!("`{name}()`")),
            "utcnow" | "newguid" | "pickzones" | "getsecret" => unknown(&format!("`{name}()`")),
            _ => None,
        }
    }

    /// `[subscription], [group], type, names...`; the type is the first argument with a slash.
    fn resource_id(&self, arguments: &[Value]) -> Known {
        let (before, rest) = at_type(arguments)?;
        let group = match before {
            [] => self.group_id(),
            [group] => {
                format!("/subscriptions/{}/resourceGroups/{}", self.subscription, text(group)?)
            }
            [subscription, group] => {
                format!("/subscriptions/{}/resourceGroups/{}", text(subscription)?, text(group)?)
            }
            _ => return Err(Why::because("`resourceId` with too many arguments")),
        };
        joined(group, rest)
    }

    fn subscription_resource_id(&self, arguments: &[Value]) -> Known {
        let (before, rest) = at_type(arguments)?;
        let subscription = match before {
            [] => self.subscription.clone(),
            [one, ..] => text(one)?,
        };
        joined(format!("/subscriptions/{subscription}"), rest)
    }
}

fn at_type(arguments: &[Value]) -> Result<(&[Value], &[Value]), Why> {
    let is_type = |one: &Value| one.as_str().is_some_and(|text| text.contains('/'));
    let at = arguments.iter().position(is_type);
    at.map(|at| arguments.split_at(at)).ok_or_else(|| Why::because("`resourceId` without a type"))
}

fn extension_id(arguments: &[Value]) -> Known {
    let [scope, rest @ ..] = arguments else {
        return Err(Why::because("`extensionResourceId` without arguments"));
    };
    joined(text(scope)?, rest)
}

/// `scope/providers/type/name/...`.
fn joined(scope: String, arguments: &[Value]) -> Known {
    let [kind, names @ ..] = arguments else {
        return Err(Why::because("a resource id without a type"));
    };
    let names = names.iter().map(text).collect::<Result<Vec<_>, _>>()?;
    id(&scope, &text(kind)?, &names.join("/")).map(Value::String)
}

/// The id of a resource of a type such as `A.B/c/d` and a name such as `x/y`.
///
/// # Errors
/// When the type and the name have different numbers of parts, or a part is empty.
pub(super) fn id(scope: &str, kind: &str, name: &str) -> Result<String, Why> {
    // Azure overlooks a slash at the end of a type.
    let mut types = kind.trim_end_matches('/').split('/');
    let provider = types.next().unwrap_or("");
    let (types, names): (Vec<&str>, Vec<&str>) = (types.collect(), name.split('/').collect());
    if types.is_empty() || types.len() != names.len() || names.iter().any(|name| name.is_empty()) {
        return Err(Why::because(format!("a name that does not fit the type {kind}")));
    }
    let pairs: Vec<String> =
        types.iter().zip(names).map(|(kind, name)| format!("{kind}/{name}")).collect();
    Ok(format!("{scope}/providers/{provider}/{}", pairs.join("/")))
}

/// Azure's public cloud. Only what names are made of.
fn environment() -> Value {
    json!({
        "name": "AzureCloud",
        "resourceManager": "https://management.azure.com/",
        "suffixes": {
            "sqlServerHostname": ".database.windows.net",
            "storage": "core.windows.net",
            "keyvaultDns": ".vault.azure.net",
            "acrLoginServer": ".azurecr.io",
        },
    })
}
