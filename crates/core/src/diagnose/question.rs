//! What is asked: which flow, of which copier, to which servers.

use crate::id::ResourceId;

/// Where the copying process runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Copier {
    /// On the target: Azure's tool.
    Target,
    /// On a flexible server between the two.
    Runtime(ResourceId),
    /// On a host that runs Flexway, and that is not in the estate.
    Relay,
    /// On a host that runs Flexway and has this network interface.
    Host(ResourceId),
}

/// The source of a move.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A server of the estate.
    Server(ResourceId),
    /// A server outside Azure.
    Host(String),
}

/// What is asked.
#[derive(Debug, Clone)]
pub struct Question {
    /// The source.
    pub source: Source,
    /// The target.
    pub target: ResourceId,
    /// Where the copier runs.
    pub copier: Copier,
    /// The source's port.
    pub port: u16,
}

/// How the user named machines, which are asked about by an address or an interface.
#[derive(Debug, Clone, Default)]
pub struct Given {
    /// The source.
    pub source: Option<String>,
    /// Where the copier runs.
    pub copier: Option<String>,
}

impl Given {
    /// The source's name.
    pub fn source_name<'g>(&'g self, question: &'g Question) -> &'g str {
        self.source.as_deref().map_or(question.source.name(), last_name)
    }

    /// The name of where the copying runs.
    pub fn copier_name<'g>(&'g self, question: &'g Question) -> &'g str {
        match (&self.copier, &question.copier) {
            (Some(given), _) => last_name(given),
            (None, Copier::Target) => question.target.name(),
            (None, Copier::Relay) => "the relay host",
            (None, Copier::Runtime(id) | Copier::Host(id)) => id.name(),
        }
    }
}

fn last_name(id: &str) -> &str {
    id.rsplit('/').next().unwrap_or(id)
}

impl Question {
    /// The server that the copier runs on, or the interface of its host; the target where that is not known.
    pub fn copier_id(&self) -> ResourceId {
        match &self.copier {
            Copier::Target | Copier::Relay => self.target.clone(),
            Copier::Runtime(id) | Copier::Host(id) => id.clone(),
        }
    }

    /// Whether a server is one that the copier has to reach.
    pub fn is_about(&self, server: &ResourceId) -> bool {
        self.source == Source::Server(server.clone())
            || self.copier.has_two_flows() && self.target == *server
    }
}

impl Source {
    /// As the user may write it.
    pub fn text(&self) -> &str {
        match self {
            Source::Server(id) => id.as_str(),
            Source::Host(host) => host,
        }
    }

    /// Its name alone.
    pub fn name(&self) -> &str {
        match self {
            Source::Server(id) => id.name(),
            Source::Host(host) => host,
        }
    }
}

impl Copier {
    /// Whether it has to reach the target, too: it does not run there.
    pub fn has_two_flows(&self) -> bool {
        *self != Copier::Target
    }

    /// As the user may write it.
    pub fn text(&self) -> &str {
        match self {
            Copier::Target => "target",
            Copier::Relay => "relay",
            Copier::Runtime(id) | Copier::Host(id) => id.as_str(),
        }
    }
}
