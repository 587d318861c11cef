//! Virtual machines as facts.

use super::body::Node;
use super::problem::Problems;

/// A virtual machine.
#[derive(Debug, Clone)]
pub struct VirtualMachine {
    /// Its power state, such as `running` or `deallocated`; `None` where the capture does not tell it.
    pub power: Option<String>,
    /// Pointer of that state.
    pub power_pointer: String,
}

impl VirtualMachine {
    /// The state, where it is one in which nothing runs on the machine.
    pub fn stopped(&self) -> Option<&str> {
        const DOWN: [&str; 4] = ["deallocated", "deallocating", "stopped", "stopping"];
        self.power.as_deref().filter(|state| DOWN.contains(state))
    }
}

/// Field of a resource of Resource Graph, of one with its instance view, and of the output of `az vm list -d`.
const OF_GRAPH: &str = "extended.instanceView.powerState.code";
const VIEW: &str = "instanceView.statuses";
const DETAIL: &str = "powerState";

pub(crate) fn machine(node: &Node, problems: &mut Problems) -> VirtualMachine {
    let power = |text: Option<String>| {
        let text = text?.to_ascii_lowercase();
        let state = text.strip_prefix("powerstate/").or_else(|| text.strip_prefix("vm "))?;
        Some(state.to_owned())
    };
    for one in node.array(VIEW, problems).unwrap_or_default() {
        if let Some(state) = power(one.text("code", problems)) {
            return VirtualMachine { power: Some(state), power_pointer: one.pointer() };
        }
    }
    let told = [OF_GRAPH, DETAIL].into_iter().find_map(|field| {
        let state = power(node.text(field, problems))?;
        Some(VirtualMachine { power: Some(state), power_pointer: node.pointer_to(field) })
    });
    told.unwrap_or(VirtualMachine { power: None, power_pointer: String::new() })
}
