//! The way of forwarded questions: from the outbound endpoints of a ruleset to the server that a rule names.

use std::net::Ipv4Addr;

use crate::estate::forwarder::{OutboundEndpoint, Ruleset};
use crate::estate::server::Server;
use crate::estate::{Estate, Missing};
use crate::id::ResourceId;
use crate::trace::asking::way_to_resolver;
use crate::trace::leg::Leg;
use crate::trace::start::Start;
use crate::trace::step::Verdict;

/// What becomes of a question that a ruleset sends to a server.
#[derive(Debug, Clone)]
pub(super) enum Sent {
    /// It arrives.
    Arrives,
    /// It arrives nowhere; why, as a sentence's end, and where it comes from.
    Lost(String, Start),
    /// Nobody knows.
    Perhaps(Missing),
}

/// Where the questions of a ruleset come from: what is in the subnet of each outbound endpoint, with the endpoint.
fn starts(estate: &Estate, set: &ResourceId) -> Result<Vec<(ResourceId, Start)>, Missing> {
    const FIELD: &str = "dnsResolverOutboundEndpoints";
    let all = estate.get::<Ruleset>(set)?.outbound.as_ref();
    let start = |id: &ResourceId| {
        let subnet = estate.get::<OutboundEndpoint>(id)?.subnet.as_ref();
        let start = subnet.and_then(Start::in_subnet);
        Ok((id.clone(), start.ok_or_else(|| Missing::field(id, "subnet"))?))
    };
    let starts: Vec<_> = all.into_iter().flatten().map(start).collect::<Result<_, Missing>>()?;
    if starts.is_empty() { Err(Missing::field(set, FIELD)) } else { Ok(starts) }
}

/// The network that the questions of a ruleset come from; `None` where that was not observed.
pub(super) fn network(estate: &Estate, set: &ResourceId) -> Option<ResourceId> {
    Some(starts(estate, set).ok()?.first()?.1.vnet.clone())
}

/// The way of questions from somewhere to a server.
pub fn leg(estate: &Estate, start: &Start, server: Ipv4Addr) -> Leg {
    let host = server.to_string();
    let (id, facts) = (ResourceId::outside(&host), Server::outside(&host, Some(server)));
    way_to_resolver(estate, start, (&id, &facts), server)
}

/// What becomes of questions to a server. A ruleset may use either of its outbound endpoints.
pub(super) fn sent(estate: &Estate, set: &ResourceId, server: Ipv4Addr) -> Sent {
    let starts = match starts(estate, set) {
        Ok(starts) => starts,
        Err(missing) => return Sent::Perhaps(missing),
    };
    let mut ways = starts.iter().map(|(endpoint, start)| {
        let leg = leg(estate, start, server);
        let unseen = || {
            let what = format!("whether outbound endpoint `{}` reaches {server}", endpoint.name());
            Missing::other(what, "capture the network that the server stands in")
        };
        match leg.verdict() {
            Verdict::Reachable => Sent::Arrives,
            Verdict::Unreachable => {
                let closed = leg.steps().find(|step| step.closes());
                let why = estate.words(|| {
                    let detail = closed.map_or("", |step| step.detail.as_str());
                    let endpoint = endpoint.name();
                    format!(
                        "to {server}, which outbound endpoint `{endpoint}` does not reach: {detail}"
                    )
                });
                Sent::Lost(why, start.clone())
            }
            _ => Sent::Perhaps(
                leg.steps().find_map(|step| step.missing.clone()).unwrap_or_else(unseen),
            ),
        }
    });
    let first = ways.next();
    ways.fold(first, |before, now| match (before, now) {
        (Some(Sent::Arrives), Sent::Arrives) => Some(Sent::Arrives),
        (Some(Sent::Lost(why, start)), Sent::Lost(..)) => Some(Sent::Lost(why, start)),
        (Some(Sent::Perhaps(missing)), _) | (_, Sent::Perhaps(missing)) => {
            Some(Sent::Perhaps(missing))
        }
        _ => {
            let what = format!(
                "which outbound endpoint of ruleset `{}` asks {server}: not all reach it",
                set.name()
            );
            Some(Sent::Perhaps(Missing::other(
                what,
                "resolve the name on the target with `flexway probe`",
            )))
        }
    })
    .unwrap_or(Sent::Arrives)
}
