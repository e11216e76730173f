//! What both kinds of process have: a life, a clock, a disk's moods.

/// Milliseconds that a process needs to start at least.
pub(crate) const DOWN_MS_MIN: u64 = 50;

/// A process of the simulated federation.
pub(crate) struct Process {
    /// It runs.
    pub(crate) up: bool,
    /// Counts its lives; what was meant for an earlier one is ignored.
    pub(crate) life: u32,
    /// It waits for its disk.
    pub(crate) blocked: bool,
    /// Its clock less the world's, in milliseconds.
    pub(crate) ahead_ms: u64,
    /// The moment, in the world's time, for which its timer is set.
    pub(crate) timer: Option<u64>,
    /// It is killed before it does so many things more.
    pub(crate) effects_left: Option<u32>,
    /// It is killed behind so many appends, before it can sync the last of them.
    pub(crate) appends_left: Option<u32>,
    /// After so many syncs there is one that its disk leaves out, with those behind it up to its next word.
    pub(crate) syncs_left: Option<u32>,
    /// Its disk leaves syncs out.
    missing: bool,
    /// Milliseconds that a killed process stays down.
    pub(crate) down_ms: u64,
    /// Milliseconds that its disk takes to sync.
    pub(crate) sync_ms: u64,
    /// It ends when it has done what it was asked.
    pub(crate) leaving: bool,
}

impl Process {
    pub(crate) fn new() -> Self {
        Self {
            up: false,
            life: 0,
            blocked: false,
            ahead_ms: 0,
            timer: None,
            effects_left: None,
            appends_left: None,
            syncs_left: None,
            missing: false,
            down_ms: 0,
            sync_ms: 0,
            leaving: false,
        }
    }

    /// A new life begins.
    pub(crate) fn boot(&mut self) {
        self.up = true;
    }

    /// The life ends.
    pub(crate) fn end(&mut self) {
        self.up = false;
        self.life += 1;
        self.blocked = false;
        self.timer = None;
        self.effects_left = None;
        self.appends_left = None;
        self.syncs_left = None;
        self.missing = false;
        self.leaving = false;
    }

    /// Whether it is killed instead of doing its next thing.
    pub(crate) fn dies_now(&mut self) -> bool {
        counted(&mut self.effects_left)
    }

    /// Whether it is killed at the append that it has just made.
    pub(crate) fn dies_of_append(&mut self) -> bool {
        counted(&mut self.appends_left)
    }

    /// Whether its disk leaves this sync out.
    pub(crate) fn misses_sync(&mut self) -> bool {
        if counted(&mut self.syncs_left) {
            self.syncs_left = None;
            self.missing = true;
        }
        self.missing
    }

    /// Somebody has heard of it: syncs count again.
    pub(crate) fn is_heard(&mut self) {
        self.missing = false;
    }
}

/// Whether it is this one; counts down to it.
fn counted(left: &mut Option<u32>) -> bool {
    match left {
        Some(0) => true,
        Some(left) => {
            *left -= 1;
            false
        }
        None => false,
    }
}
