//! Real daemons over a network that cuts, forgets, drops and is full of strangers.

mod cast;
mod cuts;
mod dice;
mod endings;
mod fallback;
mod hostile;
mod namespaces;
#[path = "../../needed.rs"]
mod needed;
mod peer;
mod process;
mod proxies;
mod rebinding;
mod relay;
#[path = "../support/mod.rs"]
mod support;
mod words;
