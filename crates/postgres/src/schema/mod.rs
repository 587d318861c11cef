//! The schema part of a move: pg_dump's text, taken apart and put onto the target.

pub(crate) mod abandon;
pub(crate) mod apply;
mod beside;
mod configure;
pub(crate) mod database;
pub(crate) mod dump;
mod empty;
pub(crate) mod entries;
mod extension_comments;
mod foreign_key;
pub(crate) mod grantors;
pub(crate) mod languages;
pub(crate) mod maintain;
pub(crate) mod not_null;
mod of_table;
mod owners;
mod partitioned_key;
pub(crate) mod post_data;
pub(crate) mod pre_data;
pub(crate) mod public;
pub(crate) mod replace;
pub(crate) mod scan;
pub(crate) mod tablespaces;
pub(crate) mod tool;
mod violated;
