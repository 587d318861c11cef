//! Twins of estates: real routing, real filters, a real DNS server.

mod faults;
mod fixture;
mod paths;
mod text;
