//! `flexway explain WORD`: the page about a fault or a code of Azure's tool.

use std::io::Write;

use clap::Args;
use flexway_core::explain;

use crate::exit::{Ended, Exit, Failure};
use crate::secrets;

/// Explains a fault id, ST008, CL003 or a 603xxx code
#[derive(Args)]
#[command(after_help = "Examples:
  flexway explain ST008
  flexway explain 603000
  flexway explain dns/zone-not-linked
  flexway explain --list")]
pub(crate) struct ExplainArgs {
    /// The word: any case, a pasted message works too
    #[arg(required_unless_present = "list", num_args = 1.., value_name = "WORD")]
    words: Vec<String>,
    /// List every word that has a page
    #[arg(long)]
    list: bool,
}

pub(crate) fn run(args: &ExplainArgs) -> Ended {
    let mut out = std::io::stdout().lock();
    if args.list {
        for (word, sentence) in explain::words() {
            if writeln!(out, "{word:<42}  {sentence}").is_err() {
                break;
            }
        }
        return Ok(Exit::Good);
    }
    let word = args.words.join(" ");
    match explain::explain(&word) {
        Ok(page) => {
            let _ = writeln!(out, "{}", page.trim_end());
            Ok(Exit::Good)
        }
        Err(near) => {
            let why = "there is no page for that word";
            let help = match near.is_empty() {
                true => "`flexway explain --list` names every word".to_owned(),
                false => {
                    format!("near: {}; `flexway explain --list` names every word", near.join(", "))
                }
            };
            Err(Failure::usage(format!("explain `{}`", secrets::shown(&word)), why, help))
        }
    }
}
