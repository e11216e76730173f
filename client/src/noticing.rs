//! Which reports of a branch's daemon people who are elsewhere are told of. No reason in free words leaves: it may tell of a row.

use std::sync::Arc;

use tributary_certs::renewal::Expiry;
use tributary_daemon::notices::{FAREWELL_TIME, Look, Notice, Notices, Over, RunName, plan_in_short};

use crate::settings::Settings;
use crate::telemetry::Report;

/// Between a daemon's reports and its notices.
pub(crate) struct Noticing {
    notices: Notices,
    unix_seconds: fn() -> u64,
}

impl Noticing {
    /// # Errors
    /// If the system gives no thread.
    pub(crate) fn start(settings: &Settings, unix_seconds: fn() -> u64) -> std::io::Result<Self> {
        // What ends with time the daemon's own reports tell.
        let look: Look = Arc::new(|_| Vec::new());
        let notices = Notices::start(&settings.notices, &settings.state_dir, unix_seconds, &look)?;
        Ok(Self { notices, unix_seconds })
    }

    /// The daemon ended, well or with an error: what waits is told.
    pub(crate) fn finish(&self, failed: bool) {
        if failed {
            self.notices.tell(&Notice::DaemonFailed);
        }
        self.notices.finish(FAREWELL_TIME);
    }

    /// Something happened.
    pub(crate) fn hear(&self, report: &Report) {
        if let Some(over) = over(report) {
            self.notices.over(&over);
        }
        if let Some(notice) = notice(report, (self.unix_seconds)()) {
            self.notices.tell(&notice);
        }
    }
}

fn over(report: &Report) -> Option<Over> {
    match report {
        Report::Connected { .. } => Some(Over::DaemonFailed),
        Report::CertificateRenewed { .. } => Some(Over::CertificateExpires),
        Report::ListsRenewed { .. } => Some(Over::ListsExpire),
        _ => None,
    }
}

fn notice(report: &Report, now: u64) -> Option<Notice> {
    let plan = |of: &crate::telemetry::RunName| of.plan.as_deref().map(plan_in_short);
    Some(match report {
        Report::GrantAwaited { of, withdrawn: false, until, .. } => {
            Notice::grant_awaited((None, plan(of)), *until, now)
        }
        Report::GrantAwaited { of, withdrawn: true, .. } => Notice::GrantWithdrawn { branch: None, plan: plan(of) },
        Report::CertificateEnds { not_after, level, .. } => {
            Notice::CertificateExpires { not_after: *not_after, urgent: *level > Expiry::Warning }
        }
        Report::ListsEnd { next_update, .. } => Notice::ListsExpire { not_after: *next_update },
        Report::NotReady { of, .. } => {
            Notice::DataLate { branch: None, run: RunName { plan: plan(of), number: of.run } }
        }
        Report::ModelDeleted { model, withdrawn: true } => Notice::ModelWithdrawn { model: plan_in_short(model) },
        Report::LogRefused { .. } => Notice::LogDisputed { branch: None },
        Report::Finished { of, .. } => {
            Notice::RunFinished { run: RunName { plan: plan(of), number: of.run }, epsilon: None }
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixDatagram;

    use tributary_protocol::plan::GrantFault;
    use tributary_storage::files::create_private_folder;
    use tributary_texts::Said;

    use super::*;
    use crate::judge::tests::SCHEMA;
    use crate::test_home::bare;

    #[test]
    fn what_tells_of_rows_or_in_free_words_is_no_notice() {
        let (of, said) = (crate::telemetry::RunName::default, Said::empty);
        let silent = [
            Report::RowsDropped { rows: 7, kept: 9 },
            Report::MaximaPassed { customers: 7, rows: 9 },
            Report::DatasetRemark { file: "f".into(), remark: "row 7".into(), said: said() },
            Report::NoiseAlone { of: of(), round: 7, reason: "row 7".into(), said: said() },
            Report::Refused { of: of(), reason: "row 7".into() },
            Report::Disconnected { reason: "x".into(), retry_ms: 7 },
        ];
        for report in silent {
            assert_eq!((notice(&report, 0), over(&report)), (None, None), "{report:?}");
        }
    }

    #[test]
    fn grants_endings_and_ends_are_told() {
        let plan = Some("1f3c9a00".to_owned());
        let of = crate::telemetry::RunName { plan: Some("1f3c9a00ffff".into()), run: Some(2), ..Default::default() };
        let grant = |fault| notice(&Report::grant_awaited(of.clone(), fault, Some(30 * 86_400)), 0);
        let awaited = Notice::grant_awaited((None, plan.clone()), Some(30 * 86_400), 0);
        assert_eq!(grant(GrantFault::None), Some(awaited));
        assert_eq!(grant(GrantFault::Withdrawn), Some(Notice::GrantWithdrawn { branch: None, plan }));
        let ends = |level| notice(&Report::CertificateEnds { not_after: 1_060, left_seconds: 60, level }, 0);
        assert_eq!(ends(Expiry::Warning), Some(Notice::CertificateExpires { not_after: 1_060, urgent: false }));
        assert_eq!(ends(Expiry::Critical), Some(Notice::CertificateExpires { not_after: 1_060, urgent: true }));
        // When lists are over nothing is left, and they have ended when they have.
        let lists = Report::ListsEnd { next_update: 900, left_seconds: 0, cure: "x".into() };
        assert_eq!(notice(&lists, 0), Some(Notice::ListsExpire { not_after: 900 }));
        let renewed = Report::CertificateRenewed { not_after: 9_000 };
        assert_eq!(over(&renewed), Some(Over::CertificateExpires));
        assert_eq!(over(&Report::ListsRenewed { next_update: 9 }), Some(Over::ListsExpire));
    }

    /// What is over may come again; and a daemon that fails says so, one that ends well does not.
    #[test]
    fn each_thing_is_told_once_until_it_is_over() {
        let folder = bare(SCHEMA);
        let (config, socket) = (folder.path().join("client.toml"), folder.path().join("log"));
        let receiver = UnixDatagram::bind(&socket).unwrap();
        receiver.set_nonblocking(true).unwrap();
        let text = std::fs::read_to_string(&config).unwrap();
        std::fs::write(&config, format!("{text}[notices.syslog]\naddress = 'unix:{}'\n", socket.display())).unwrap();
        let settings = Settings::load(&config).unwrap_or_else(|fault| panic!("{fault}"));
        create_private_folder(&settings.state_dir).unwrap();
        // Each daemon remembers what the one before it has told.
        let told = |reports: &[Report], failed| {
            let noticing = Noticing::start(&settings, || 1_900_000_000).unwrap();
            reports.iter().for_each(|report| noticing.hear(report));
            noticing.finish(failed);
            let mut buffer = [0; 4_096];
            std::iter::from_fn(|| receiver.recv(&mut buffer).ok()).count()
        };
        let ends = || Report::CertificateEnds { not_after: 1_900_000_060, left_seconds: 60, level: Expiry::Warning };
        let renewed = || Report::CertificateRenewed { not_after: 1_900_000_060 };
        assert_eq!([told(&[ends()], false), told(&[ends()], false)], [1, 0]);
        assert_eq!([told(&[renewed(), ends()], false), told(&[], false), told(&[], true)], [1, 0, 1]);
    }
}
