//! What the operator, the metrics and the journal itself are told of the second copy of the journal.

use tributary_certs::clock::{unix_millis, unix_seconds};
use tributary_daemon::Metric;
use tributary_protocol::registry::Notice;

use super::hands::Hands;
use crate::control::SinkStatus;
use crate::error::CoordinatorError;

/// Tells the sink how far the journal is, and the metrics how far the sink is.
pub(super) fn look(hands: &Hands<'_>) {
    hands.tell_sink();
    let Some(sink) = &hands.sink else { return };
    let standing = sink.standing();
    let metric = |name, help, value| Metric { name, help, value };
    let metrics = vec![
        metric(
            "audit_sink_lag_entries",
            "Entries of the journal that its second copy does not have.",
            standing.lag_entries,
        ),
        metric("audit_sink_lag_seconds", "Age of the oldest of them.", sink.lag_seconds(unix_millis())),
        metric("audit_sink_failing", "1 where the second copy is not taken.", standing.failing.is_some().into()),
        metric("audit_sink_withholds", "1 where no round begins because of it.", standing.withholds.into()),
    ];
    hands.metrics.publish("sink", unix_seconds(), metrics);
}

/// Notes in the journal that no round begins because the second copy fails, or that it has caught up; each once. One that has not begun yet, or is slow,
/// takes entries.
///
/// # Errors
/// If the journal cannot be written, which ends the process.
pub(super) fn note(hands: &mut Hands<'_>, withheld: bool) -> Result<(), CoordinatorError> {
    let Some(sink) = &hands.sink else { return Ok(()) };
    let notice = match withheld {
        true if sink.standing().failing.is_some() => Notice::SinkFailed,
        true => return Ok(()),
        false => Notice::SinkBack,
    };
    Ok(hands.registry.notice(&mut hands.journal, notice)?)
}

/// How it stands, for the operator.
pub(super) fn status(hands: &Hands<'_>) -> Option<SinkStatus> {
    let standing = hands.sink.as_ref()?.standing();
    let (since, reason) = standing.failing.unzip();
    Some(SinkStatus {
        target: standing.target,
        entries: standing.acknowledged,
        lag_entries: standing.lag_entries,
        since,
        reason,
        withholds: standing.withholds,
    })
}
