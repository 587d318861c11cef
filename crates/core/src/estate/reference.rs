//! What a field refers to by an id.

use super::Missing;
use crate::id::ResourceId;

/// What a field refers to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reference {
    /// Nothing: the field is not there.
    None,
    /// A resource.
    To(ResourceId),
    /// Something that could not be read.
    Unreadable,
}

impl Reference {
    /// The resource, where there is one that could be read.
    pub fn to(&self) -> Option<&ResourceId> {
        if let Reference::To(id) = self { Some(id) } else { None }
    }

    /// The resource; `None` when there is none.
    ///
    /// # Errors
    /// [`Missing`] when the reference could not be read.
    pub fn id(&self, owner: &ResourceId, field: &str) -> Result<Option<&ResourceId>, Missing> {
        match self {
            Reference::None => Ok(None),
            Reference::To(id) => Ok(Some(id)),
            Reference::Unreadable => Err(Missing::field(owner, field)),
        }
    }
}
