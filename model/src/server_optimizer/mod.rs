//! server_optimizer.
