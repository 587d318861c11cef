//! Twins of estates: real routing, real filters, a real DNS server.

mod fixture;
mod paths;
