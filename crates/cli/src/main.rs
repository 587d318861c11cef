//! The binary `flexway`.
fn main() {}
