//! Asking an estate: what an answer reads, whether more than a verdict is wanted, and answers that many questions share.

use std::sync::{Arc, PoisonError};

use super::{Estate, Remembered, Topic};
use crate::estate::{Map, Reads, Writes};
use crate::id::ResourceId;

/// Answers that are remembered; where there are more, all are forgotten, since few are asked for again.
const REMEMBERED_MAX: usize = 50_000;

impl Estate {
    /// Runs a question and tells what it read.
    pub fn watch<'e, T>(&'e self, question: impl FnOnce(&'e Estate) -> T) -> (T, Reads) {
        let before = self.reads.replace(Some(Reads::default()));
        let answer = question(self);
        let reads = self.reads.replace(before).unwrap_or_default();
        (answer, reads)
    }

    /// Runs a question and tells what it read, but for what it read [`aside`](Estate::aside).
    pub(crate) fn watch_all_but_asides<T>(
        &self,
        question: impl FnOnce(&Estate) -> T,
    ) -> (T, Reads) {
        let before = self.skips_asides.replace(true);
        let answer = self.watch(question);
        self.skips_asides.set(before);
        answer
    }

    /// Runs a part of a question of which the rest does not depend.
    pub(crate) fn aside<T>(&self, part: impl FnOnce() -> T) -> T {
        if !self.skips_asides.get() {
            return part();
        }
        let reads = self.reads.take();
        let answer = part();
        self.reads.replace(reads);
        answer
    }

    /// Runs a question of which only the verdict counts: neither sentences nor places are written for it.
    pub(crate) fn briefly<T>(&self, question: impl FnOnce(&Estate) -> T) -> T {
        let before = self.is_brief.replace(true);
        let answer = question(self);
        self.is_brief.set(before);
        answer
    }

    /// Whether a verdict is all that is asked for.
    pub(crate) fn is_brief(&self) -> bool {
        self.is_brief.get()
    }

    /// A sentence; empty where nobody reads it.
    pub(crate) fn words(&self, write: impl FnOnce() -> String) -> String {
        if self.is_brief() { String::new() } else { write() }
    }

    /// The answer to a question, worked out once for the observed facts, and again where a change touches what the answer read. The
    /// question has to depend on nothing but the estate and the resources that it is about.
    pub(crate) fn remember<T: Clone + Send + Sync + 'static>(
        &self,
        question: &'static str,
        about: &[&ResourceId],
        work_out: impl FnOnce(&Estate) -> T,
    ) -> T {
        let (answer, reads) = self.remember_reads(question, about, work_out);
        self.note_reads(&reads);
        answer
    }

    /// Takes down that a question depends on what was read of the same estate with changes.
    pub(crate) fn note_reads(&self, reads: &Reads) {
        if let Some(own) = self.reads.borrow_mut().as_mut() {
            own.extend(reads);
        }
    }

    /// The same about one resource, for whoever depends on the answer alone: what it read may change while the answer stays.
    pub(crate) fn remember_alone<T: Clone + PartialEq + Send + Sync + 'static>(
        &self,
        question: &'static str,
        about: &ResourceId,
        work_out: fn(&Estate, &ResourceId) -> T,
    ) -> T {
        let ask = move |estate: &Estate, about: &ResourceId| {
            estate.remember_reads(question, &[about], |estate| work_out(estate, about))
        };
        let (answer, reads) = ask(self, about);
        if self.is_watched() {
            let (about, before) = (about.clone(), answer.clone());
            self.note_part(reads, move |after| ask(after, &about).0 == before);
        }
        answer
    }

    /// The same, with what the answer read; it is not noted as read by whoever asks.
    pub(crate) fn remember_reads<T: Clone + Send + Sync + 'static>(
        &self,
        question: &'static str,
        about: &[&ResourceId],
        work_out: impl FnOnce(&Estate) -> T,
    ) -> (T, Arc<Reads>) {
        let topic = (question, about.iter().map(|id| (*id).clone()).collect());
        let observed = || self.base.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        let known = observed().get(&topic).cloned();
        let known = known
            .filter(|(_, reads)| self.touches_none_of(reads))
            .or_else(|| self.answers.borrow().get(&topic).cloned());
        if let Some((answer, reads)) = known
            && let Some(answer) = answer.downcast_ref::<T>()
        {
            return (answer.clone(), reads);
        }
        // Others who ask depend on all of it.
        let skips_asides = self.skips_asides.replace(false);
        let is_brief = self.is_brief.replace(false);
        let (answer, reads) = self.watch(work_out);
        self.skips_asides.set(skips_asides);
        self.is_brief.set(is_brief);
        let remembered: Remembered = (Arc::new(answer.clone()), Arc::new(reads));
        let reads = remembered.1.clone();
        let is_observed = self.changed.is_empty();
        let keep = |answers: &mut Map<Topic, Remembered>| {
            if answers.len() >= REMEMBERED_MAX {
                answers.clear();
            }
            answers.insert(topic, remembered);
        };
        match is_observed {
            true => keep(&mut observed()),
            false => keep(&mut self.answers.borrow_mut()),
        }
        (answer, reads)
    }

    /// Whether the changes leave all of this as it was observed.
    fn touches_none_of(&self, reads: &Reads) -> bool {
        self.changed.is_empty()
            || !reads.meets(self.writes.get_or_init(|| self.writes_since_base()))
    }

    fn writes_since_base(&self) -> Writes {
        let observed = Estate { base: self.base.clone(), ..Estate::default() };
        self.writes_since(&observed)
    }

    /// Notes something wide of which only a part counts, where somebody wants to know: see [`Reads::stand`].
    pub(crate) fn note_part(
        &self,
        reads: Arc<Reads>,
        holds: impl Fn(&Estate) -> bool + Send + Sync + 'static,
    ) {
        if let Some(own) = self.reads.borrow_mut().as_mut() {
            own.add_part(reads, holds);
        }
    }

    /// Whether somebody wants to know what is read.
    pub(crate) fn is_watched(&self) -> bool {
        self.reads.borrow().is_some()
    }
}
