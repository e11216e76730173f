//! Runs whose data are not ready: they take no place, and are asked about when the operator has given the word.

use tributary_protocol::ids::RunId;
use tributary_protocol::round::ParticipantInput;
use tributary_protocol::time::Millis;
use tributary_texts::Language;

use super::at_branch::Waits;
use super::places::PutOff;
use super::{Outside, PUT_OFF_MS, Runs};
use crate::error::ClientError;
use crate::ready::Told;
use crate::telemetry::Report;
use crate::worker::{Job, Snapshot};

impl<O: Outside> Runs<O> {
    /// Tells the coordinator that this branch is not ready for a run, and nothing more; the operator hears why.
    ///
    /// # Errors
    /// Here and below: a fault of the budget file, which ends the process.
    pub(super) fn wait(&mut self, now: Millis, run: RunId, Waits { told, read }: Waits) -> Result<(), ClientError> {
        self.rereads |= read;
        self.handle(now, run, ParticipantInput::NotReady)?;
        let Some(own) = self.drop_run(run) else { return Ok(()) };
        let reason = "its data are not ready: nobody has said so, or they are being read".to_owned();
        // Whoever invites again and again is not answered again and again.
        let again = now.plus(PUT_OFF_MS);
        self.places.put_off(run, PutOff { name: own.name.clone(), reason, refused: true, again });
        if let Some(Told { as_of, reason }) = told {
            let (as_of, english) = (as_of.to_string(), reason.text(Language::English).to_owned());
            self.out.tell(Report::NotReady { of: own.name, as_of, reason: english, said: reason });
        }
        Ok(())
    }

    /// Whether an operator has given a word since the last look; runs that are ready by it ask to be let in.
    pub(crate) fn look_for_words(&mut self, now: Millis) -> Result<(), ClientError> {
        let (read, ready) = self.watch.look();
        self.rereads |= read;
        self.ask_again(now, &ready)
    }

    /// Whether the files are to be read again, since this was asked.
    pub(crate) fn take_reread(&mut self) -> bool {
        std::mem::take(&mut self.rereads)
    }

    /// The files were read again: plans are laid out with them from here on. Or they could not be read, and those in memory stay.
    pub(crate) fn read_again(&mut self, now: Millis, read: Result<Snapshot, ClientError>) -> Result<(), ClientError> {
        let waiting = match read {
            Ok(snapshot) => {
                let files = snapshot.files;
                self.out.ask(Job::Replace(Box::new(snapshot)));
                self.watch.read(files)
            }
            Err(fault) => {
                self.out.tell(Report::NotReadyAgain { reason: fault.to_string(), said: fault.said() });
                self.watch.unread()
            }
        };
        self.ask_again(now, &waiting)
    }

    fn ask_again(&mut self, now: Millis, runs: &[RunId]) -> Result<(), ClientError> {
        for run in runs {
            self.places.make_one_due(*run);
        }
        self.tend(now)
    }
}
