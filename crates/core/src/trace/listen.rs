//! Whether something listens at the end of the way.

use super::start::{self, Stopped};
use super::step::{Stage, Step};
use super::{POOLER_PORT, PORT, Path, host};
use crate::estate::Missing;
use crate::estate::server::{ServerKind, Setting};
use crate::id::ResourceId;

/// Where the rules of a load balancer stand in its body.
pub const RULES: &str = "loadBalancingRules";

impl Path<'_> {
    /// Whether the server is up and listens on the port, as far as its body tells; a probe tells the rest. `None` where no way leads
    /// there.
    pub(super) fn listen_step(&self) -> Option<Step> {
        self.intended.as_ref()?;
        if let Some((id, machine, state)) = self.stopped_machine() {
            let detail = format!("machine `{}` is {state}", id.name());
            let step = Step::drop(Stage::Listen, Some(id), detail);
            return Some(step.read(id, &machine.power_pointer));
        }
        if let Some(balancer) = self.idle_balancer() {
            let detail =
                format!("no rule of load balancer `{}` takes port {}", balancer.name(), self.port);
            let place = self.estate.locate(balancer, "", RULES);
            let step = Step::drop(Stage::Listen, Some(balancer), detail);
            return Some(step.read(balancer, place));
        }
        if self.to.kind == ServerKind::Host {
            let missing = host::unseen_gate(&self.to_id, self.port);
            return Some(Step::unknown(Stage::Listen, missing));
        }
        let name = self.to_id.name();
        let drop = |detail: String| Step::drop(Stage::Listen, Some(&self.to_id), detail);
        let is_in_state = |state: &str| format!("server `{name}` is in state {state}");
        let step = match (self.to.state.as_deref(), self.listens()) {
            (Some(state), _) if !state.eq_ignore_ascii_case("ready") => drop(is_in_state(state)),
            (_, Ok(false)) => {
                drop(format!("server `{name}` does not listen on port {}", self.port))
            }
            (None, _) => {
                return Some(Step::unknown(Stage::Listen, Missing::field(&self.to_id, "state")));
            }
            (Some(_), Err(missing)) => Step::unknown(Stage::Listen, missing),
            (Some(state), Ok(true)) => {
                let detail = self.estate.words(|| is_in_state(state));
                Step::pass(Stage::Listen, Some(&self.to_id), detail)
            }
        };
        Some(match self.to.state {
            Some(_) => step.read(&self.to_id, &self.to.state_pointer),
            None => step,
        })
    }

    /// The machine that is dialled, where nothing runs on it.
    pub fn stopped_machine(&self) -> Option<Stopped<'_>> {
        start::stopped(self.estate, self.machine()?.holder.as_ref()?)
    }

    /// The load balancer that is dialled, where it takes the port nowhere.
    pub fn idle_balancer(&self) -> Option<&ResourceId> {
        self.intended.as_ref().filter(|leg| leg.is_balanced_nowhere)?;
        self.machine()?.holder.as_ref()
    }

    /// Whether the server has a listener on the port: its own, or the pooler that a flexible server may run.
    ///
    /// # Errors
    /// [`Missing`] when the setting of the pooler was not observed.
    pub fn listens(&self) -> Result<bool, Missing> {
        match (self.to.kind, self.port) {
            (ServerKind::Single | ServerKind::Flexible, PORT) => Ok(true),
            (ServerKind::Flexible, POOLER_PORT) => {
                if self.to.has_no_pooler() {
                    return Ok(false);
                }
                let setting = self.to_id.child("configurations", "pgbouncer.enabled");
                let value = self.estate.get::<Setting>(&setting)?;
                let value =
                    value.value.as_deref().ok_or_else(|| Missing::field(&setting, "value"))?;
                Ok(value.eq_ignore_ascii_case("true"))
            }
            (ServerKind::Single | ServerKind::Flexible, _) => Ok(false),
            (ServerKind::Host, _) => Ok(self.idle_balancer().is_none()),
        }
    }
}
