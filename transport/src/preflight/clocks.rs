//! Whether this machine's clock and the coordinator's agree, also where they are so far apart that no certificate is believed.

use tributary_certs::fault::FaultKind;
use tributary_certs::skew::CLOCK_FAULTS;
use tributary_texts::preflight as words;

use super::trial::{TrialKeys, trial};
use super::{Cause, Findings, Outcome};
use crate::dial::Dialer;
use crate::fault::DialFault;
use crate::wire::Transport;

/// Clocks that differ by more are reported, and by more than the second are a fault: certificates forgive five minutes.
const SKEW_SECONDS: (u64, u64) = (30, 300);

/// Compares the clocks.
pub(super) fn compare(found: &mut Findings, coordinator: u64, here: u64) {
    let skew = coordinator.abs_diff(here);
    let tried = words::comparing_clocks();
    let seen = match (skew, coordinator > here) {
        (0, _) => words::clocks_same(),
        (_, true) => words::clock_slow(skew),
        (_, false) => words::clock_fast(skew),
    };
    if skew <= SKEW_SECONDS.0 {
        return found.good(Cause::Clock, tried, seen);
    }
    let outcome = if skew > SKEW_SECONDS.1 { Outcome::Fault } else { Outcome::Warning };
    found.tell(Cause::Clock, outcome, [tried, seen, words::clock_means(), words::clock_ask()]);
}

/// Where no connection came about, because a certificate or a list is not valid now: whether a clock is the cause. The coordinator's clock,
/// where it could be asked.
pub(super) async fn diagnose(
    found: &mut Findings,
    dialer: &Dialer,
    keys: &TrialKeys,
    (transport, fault): (Transport, &DialFault),
    here: u64,
) -> Option<u64> {
    let failure = fault.failure()?;
    let kind = failure.kind().filter(|kind| CLOCK_FAULTS.contains(kind))?;
    let tried = words::comparing_clocks();
    if failure.is_found_by_peer() {
        let valid = (keys.validity.not_before..=keys.validity.not_after).contains(&here);
        if valid && kind != FaultKind::RevocationListExpired {
            let seen = words::clock_of_coordinator();
            found.tell(Cause::Clock, Outcome::Fault, [tried, seen, words::clock_means(), words::clock_ask_both()]);
        }
        return None;
    }
    let coordinator = match dialer.over(transport, keys.diagnosis.clone()).await {
        Ok(wire) => trial(dialer, wire, keys, transport).await.ok().map(|told| told.coordinator_seconds),
        Err(_) => None,
    };
    match coordinator {
        Some(coordinator) => compare(found, coordinator, here),
        // A coordinator does not start with a certificate whose time has not come.
        None if kind == FaultKind::NotYetValid => {
            let seen = words::clock_of_ours();
            found.tell(Cause::Clock, Outcome::Fault, [tried, seen, words::clock_means(), words::clock_ask()]);
        }
        None => {}
    }
    coordinator
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_are_judged() {
        for (skew, outcome) in [(0, Outcome::Ok), (30, Outcome::Ok), (31, Outcome::Warning), (301, Outcome::Fault)] {
            for (coordinator, here) in [(1_000_000 - skew, 1_000_000), (1_000_000, 1_000_000 - skew)] {
                let mut found = Findings::default();
                compare(&mut found, coordinator, here);
                assert_eq!(found.lines()[0].outcome, outcome, "{skew}");
            }
        }
    }
}
