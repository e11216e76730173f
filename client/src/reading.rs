//! Reading the branch's rows in a thread of their own: before the daemon speaks to anybody, and again when other files are said to be ready.

use tokio::sync::{mpsc, oneshot};
use tributary_model::schema::Schema;

use crate::data::Stop;
use crate::error::ClientError;
use crate::settings::Settings;
use crate::telemetry::Report;
use crate::worker::Snapshot;
use tributary_daemon::StopSignal;

const STOPPED: &str = "reading the data stopped half-way, which is a fault of the program: report it";

/// Reads the branch's rows in a thread of their own, so that a wish to stop is heard however long a file is, or a pipe gives nothing. Nothing if
/// the operator wishes to stop.
pub(crate) async fn read_rows(
    settings: &Settings,
    schema: &Schema,
    report: &dyn Fn(&Report),
    stop: &mut StopSignal,
) -> Result<Option<Snapshot>, ClientError> {
    let (reports, mut told) = mpsc::unbounded_channel();
    let (sender, mut done) = oneshot::channel();
    let wish = Stop::default();
    let (settings, schema, own_wish) = (settings.clone(), schema.clone(), wish.clone());
    std::thread::spawn(move || {
        // Closed channels mean that the daemon is ending.
        let read = Snapshot::read(&settings, &schema, &own_wish, &mut |report| drop(reports.send(report)));
        let _ = sender.send(read);
    });
    loop {
        tokio::select! {
            biased;
            () = stop.wished() => {
                wish.now();
                return Ok(None);
            }
            Some(line) = told.recv() => report(&line),
            read = &mut done => {
                while let Ok(line) = told.try_recv() {
                    report(&line);
                }
                let fault = |_| ClientError::File(STOPPED.into());
                return read.map_err(fault)?.map(Some);
            }
        }
    }
}

/// What a reader in the background says.
pub(crate) enum Read {
    /// A line for the operator.
    Told(Report),
    /// It is done.
    Done(Box<Result<Snapshot, ClientError>>),
}

/// Reads the files again while everything else goes on. One that is asked for while another one is under way begins after it.
pub(crate) struct Rereader {
    settings: Settings,
    schema: Schema,
    sender: mpsc::UnboundedSender<Read>,
    read: mpsc::UnboundedReceiver<Read>,
    under_way: bool,
    again: bool,
}

impl Rereader {
    /// Of a branch; nothing is read yet.
    pub(crate) fn new(settings: Settings, schema: Schema) -> Self {
        let (sender, read) = mpsc::unbounded_channel();
        Self { settings, schema, sender, read, under_way: false, again: false }
    }

    /// Begins, now or after what is under way.
    pub(crate) fn begin(&mut self) {
        self.again = self.under_way;
        if std::mem::replace(&mut self.under_way, true) {
            return;
        }
        let (settings, schema, sender) = (self.settings.clone(), self.schema.clone(), self.sender.clone());
        std::thread::spawn(move || {
            // A panic says that it is done as well: whoever waits for these files hears why.
            let read = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                Snapshot::read(&settings, &schema, &Stop::default(), &mut |line| drop(sender.send(Read::Told(line))))
            }));
            let read = read.unwrap_or_else(|_| Err(ClientError::File(STOPPED.into())));
            // A closed channel means that the daemon is ending.
            let _ = sender.send(Read::Done(Box::new(read)));
        });
    }

    /// The next thing that it says. Cancel-safe.
    pub(crate) async fn next(&mut self) -> Read {
        loop {
            match self.read.recv().await {
                Some(Read::Done(read)) => {
                    self.under_way = false;
                    if !std::mem::take(&mut self.again) {
                        return Read::Done(read);
                    }
                    self.begin();
                }
                Some(told) => return told,
                None => std::future::pending().await,
            }
        }
    }
}

#[cfg(test)]
#[path = "reading_tests.rs"]
mod tests;
