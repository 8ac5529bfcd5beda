//! Key hierarchy, seal and unseal, envelopes; the only crate that touches key bytes.
