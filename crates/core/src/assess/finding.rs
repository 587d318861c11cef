//! What a validation reports: what speaks against the move, why, and the exact words that mend it.

use serde::Serialize;

use crate::text;

/// Names in one sentence: enough to find the rest by.
const NAMES_MAX: usize = 10;

/// Statements given for one finding. A database with more such objects gets a pattern to go by.
const FIXES_MAX: usize = 200;

/// How much a finding matters for the move.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// The move would fail: it is not begun.
    Blocks,
    /// Something is not carried, or the move may fail or be slow.
    Risks,
    /// Worth knowing.
    Note,
}

/// Where a fix is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Place {
    /// As SQL on the source.
    Source,
    /// As SQL on the target.
    Target,
    /// As a command in a shell.
    Shell,
}

/// A statement or command that mends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fix {
    /// Where it is run.
    pub on: Place,
    /// The statement or command, whole.
    pub run: String,
}

/// What a validation found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Its id, such as `extension/not-available`.
    pub id: &'static str,
    /// Azure's code for it, where there is one.
    pub code: Option<&'static str>,
    /// How much it matters.
    pub level: Level,
    /// The database; `None` for what concerns a server.
    pub database: Option<String>,
    /// What is the matter, naming the thing and its owner.
    pub message: String,
    /// The mechanism.
    pub why: String,
    /// What mends it, in order.
    pub fixes: Vec<Fix>,
    /// What to do where no statement does it, or which of the fixes to take; may be empty.
    pub advice: String,
}

impl Finding {
    /// A finding that keeps the move from being begun. The registry puts id, code and database in.
    pub fn blocks(message: impl Into<String>, why: impl Into<String>) -> Finding {
        Finding {
            id: "",
            code: None,
            level: Level::Blocks,
            database: None,
            message: message.into(),
            why: why.into(),
            fixes: Vec::new(),
            advice: String::new(),
        }
    }

    /// A finding with which the move is begun.
    pub fn risks(message: impl Into<String>, why: impl Into<String>) -> Finding {
        Finding { level: Level::Risks, ..Finding::blocks(message, why) }
    }

    /// Something worth knowing.
    pub fn note(message: impl Into<String>, why: impl Into<String>) -> Finding {
        Finding { level: Level::Note, ..Finding::blocks(message, why) }
    }

    /// Azure's code, where a validation has several.
    #[must_use]
    pub fn coded(mut self, code: &'static str) -> Finding {
        self.code = Some(code);
        self
    }

    /// Adds a fix.
    #[must_use]
    pub fn fix(self, on: Place, run: impl Into<String>) -> Finding {
        self.fixes(on, [run.into()])
    }

    /// Adds fixes of one place.
    #[must_use]
    pub fn fixes(mut self, on: Place, runs: impl IntoIterator<Item = String>) -> Finding {
        let room = FIXES_MAX.saturating_sub(self.fixes.len());
        self.fixes.extend(runs.into_iter().take(room).map(|run| Fix { on, run }));
        self
    }

    /// What to do where no statement does it.
    #[must_use]
    pub fn advice(mut self, advice: impl Into<String>) -> Finding {
        self.advice = advice.into();
        self
    }
}

/// The first names, and how many more there are.
pub(super) fn some_of<T: AsRef<str>>(names: &[T]) -> String {
    text::some_of(names, NAMES_MAX)
}

/// An identifier as SQL wants it: always quoted.
pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
