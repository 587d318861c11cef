//! What a server's refusal to open a session means: its rung, and what to do.

use flexway_core::probes::{Symptom, message};

use crate::connect_error::ConnectError;
use crate::pg_error::ServerError;

/// The server is starting, stopping or recovering (`cannot_connect_now`).
pub(crate) const CANNOT_CONNECT_NOW: &str = "57P03";
/// No line of pg_hba.conf fits, among others (`invalid_authorization_specification`).
pub(crate) const NOT_AUTHORIZED: &str = "28000";

/// Turns an `ErrorResponse` during login into an error with advice.
pub(crate) fn explain(place: &str, error: ServerError, is_encrypted: bool) -> ConnectError {
    let why = match &error.detail {
        Some(detail) => format!("{} ({}; {detail})", error.message, error.code),
        None => format!("{} ({})", error.message, error.code),
    };
    let symptom = match message::of_refusal(&error.code, &error.message) {
        // A server of another language says the last words, which decide, in that language.
        Symptom::GateRefused if !is_encrypted && !error.message.contains("SSL") => {
            Symptom::GateWantsEncryption
        }
        symptom => symptom,
    };
    let mut refusal = ConnectError::of(symptom, format!("log in to {place}"), why);
    refusal.code = Some(error.code);
    refusal
}
