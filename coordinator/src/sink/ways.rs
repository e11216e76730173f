//! The ways that a second copy can go.

use super::file::FileWay;
use super::syslog::SyslogWay;
use super::way::Way;
use crate::settings::SinkWay;

pub(super) fn way_of(way: &SinkWay) -> Box<dyn Way> {
    match way {
        SinkWay::File(path) => Box::new(FileWay::to(path.clone())),
        SinkWay::Syslog(settings) => Box::new(SyslogWay::to(settings.clone())),
    }
}
