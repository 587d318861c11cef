//! What is written for people and machines to use: scripts and templates, pictures, reports of moves, numbers.

mod cases;
mod code;
mod format;
mod history;
mod json;
mod picture;
#[path = "../support/mod.rs"]
mod support;
mod text;
