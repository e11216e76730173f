//! Of which day a branch's data are, and its operator's word that they are ready.
//!
//! ```text
//! customers.csv + customers.csv.ok ──► survey ──► the operator's screen ──► word (STATE/readiness) ──► gate ──► join, or "not ready"
//! ```
//!
//! The word is given by a person. It holds a day, the files' digests and a time, and the daemon's answer to the coordinator rests on these alone.

mod gate;
mod stamp;
mod store;
mod survey;
mod watch;

pub use gate::{Answer, Invitation};
pub use stamp::{Stamp, StampFault};
pub use store::{AskedRun, FileDigests, KeptCounts, Statement, Store, Subject, UsedFiles};
pub use survey::{Earlier, Survey, SurveyedFile, Target, Waiting, overview, stamp, survey};
pub(crate) use watch::{Step, Told, Watch};
