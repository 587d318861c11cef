//! COPY streams between two servers.
