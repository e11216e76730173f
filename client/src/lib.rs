//! Tributary.
