//! The daemon's first work, before it speaks to anybody: reading its rows, while the operator's wish to stop is heard.

use tokio::sync::{mpsc, oneshot};
use tributary_model::schema::Schema;

use crate::data::Stop;
use crate::error::ClientError;
use crate::settings::Settings;
use crate::stop::StopSignal;
use crate::telemetry::Report;
use crate::worker::Snapshot;

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
                let fault = |_| ClientError::File("reading the data stopped half-way, which is a fault of the program: report it".into());
                return read.map_err(fault)?.map(Some);
            }
        }
    }
}
