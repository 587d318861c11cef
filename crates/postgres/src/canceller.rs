//! Cancelling the running statement of a session, from any thread.

use std::time::Duration;

use flexway_core::probes::Rung;

use crate::connect_error::ConnectError;
use crate::dial::{self, Address};
use crate::stream::Stream;
use crate::tls::{self, Offer, Tls};
use crate::wire::{self, Patience, Wire, WireError};

/// CancelRequest's number. Source: PostgreSQL 18, "Message Formats".
const CANCEL_REQUEST: u32 = 80_877_102;

/// What it takes to cancel the running statement of one session.
#[derive(Clone)]
pub struct Canceller {
    pub(crate) place: String,
    /// How long each step of a cancel may take.
    pub(crate) limit: Duration,
    pub(crate) address: Address,
    pub(crate) tls: Option<Tls>,
    pub(crate) backend_pid: u32,
    pub(crate) cancel_key: Vec<u8>,
}

impl std::fmt::Debug for Canceller {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Canceller({}, backend {})", self.place, self.backend_pid)
    }
}

impl Canceller {
    /// Asks the server to cancel whatever the session runs now; nothing happens when it is idle.
    ///
    /// Returns when the server has passed the request on, not when the statement has ended.
    ///
    /// # Errors
    /// The server cannot be reached for the request, which needs a connection of its own.
    pub fn cancel(&self) -> Result<(), ConnectError> {
        let (limit, place) = (self.limit, &self.place);
        let failed = |why: &str| {
            let what = format!("cancel a statement on {place}");
            let fix = "end the backend with pg_terminate_backend if it must not go on";
            ConnectError::new(Rung::Tcp, what, why, fix)
        };
        let mut socket = dial::redial(&self.address, limit)
            .map_err(|error| failed("no second connection to the server").caused_by(error))?;
        let stream = match &self.tls {
            None => Stream::Plain(socket),
            Some(tls) => match tls::request(&mut socket, place, limit)? {
                Offer::Accepted => tls.shake_hands(socket, place)?,
                Offer::Declined => return Err(tls::explain::declined(place)),
            },
        };
        let mut wire = Wire::new(stream);
        let mut request = Vec::new();
        wire::frame(&mut request, None, |out| {
            out.extend(CANCEL_REQUEST.to_be_bytes());
            out.extend(self.backend_pid.to_be_bytes());
            out.extend_from_slice(&self.cancel_key);
        });
        wire.send(&request, &mut Patience::at_most(limit))
            .map_err(|_| failed("the request could not be sent"))?;
        // The server signals the backend and then closes: from there on the request cannot hit a
        // later statement of the session.
        match wire.message(&mut Patience::at_most(limit)) {
            Err(WireError::Io(_)) => Ok(()),
            Err(WireError::Silent(_) | WireError::Mute(_) | WireError::Malformed(_)) | Ok(_) => {
                Err(failed("the server did not confirm the request"))
            }
        }
    }
}
