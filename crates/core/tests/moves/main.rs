//! What is known of a move before and during it: the assessment, the forecast, the pace.

mod assess;
mod finding;
mod forecast;
mod pace;
mod provider;
mod sample;
