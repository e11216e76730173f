//! The operator's wish to stop.

/// SIGTERM and Ctrl-C, from the moment that this exists: what arrives while nobody waits is not lost.
pub struct StopSignal {
    #[cfg(unix)]
    signals: Option<[tokio::signal::unix::Signal; 2]>,
}

impl StopSignal {
    /// Begins to listen; inside of the runtime.
    #[must_use]
    pub fn listen() -> Self {
        #[cfg(unix)]
        {
            use tokio::signal::unix::{SignalKind, signal};
            let both = [signal(SignalKind::terminate()), signal(SignalKind::interrupt())];
            let [terminate, interrupt] = both;
            let signals = terminate.ok().zip(interrupt.ok()).map(|(terminate, interrupt)| [terminate, interrupt]);
            Self { signals }
        }
        #[cfg(not(unix))]
        Self {}
    }

    /// Waits for the wish. Where the system gives no signals, for ever.
    pub async fn wished(&mut self) {
        #[cfg(unix)]
        {
            let Some([terminate, interrupt]) = &mut self.signals else { return std::future::pending().await };
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
        }
        #[cfg(not(unix))]
        {
            let _ = tokio::signal::ctrl_c().await;
        }
    }
}
