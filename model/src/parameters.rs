//! parameters.
