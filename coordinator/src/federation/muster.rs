//! When people hear who is missing: at once, when it changes, and again and again while it stays so.

use std::time::{Duration, Instant};

use tributary_protocol::message::Muster;

/// How often it is looked at.
pub(crate) const LOOK_EVERY: Duration = Duration::from_secs(1);

/// So long it must have been before it is told: members that come back together need a moment.
const SETTLED_AFTER: Duration = Duration::from_secs(2);

/// A muster that changes is told so often at most: a thousand branches that come in a minute are not a thousand lines.
const CHANGES_EVERY: Duration = Duration::from_secs(10);

/// A muster that stays is told again so often.
const AGAIN_EVERY: Duration = Duration::from_secs(60);

/// What was told last.
#[derive(Default)]
pub(crate) struct Roll {
    told: Option<(Muster, Instant)>,
    /// Since when too few are here.
    since: Option<Instant>,
}

impl Roll {
    /// What to tell now, if anything.
    pub(crate) fn due(&mut self, muster: Option<Muster>, now: Instant) -> Option<Muster> {
        let Some(muster) = muster else {
            (self.told, self.since) = (None, None);
            return None;
        };
        let since = *self.since.get_or_insert(now);
        let pause = match &self.told {
            None => Duration::ZERO,
            Some((told, _)) if *told == muster => AGAIN_EVERY,
            Some(_) => CHANGES_EVERY,
        };
        let last = self.told.as_ref().map(|(_, at)| *at);
        if last.is_some_and(|at| now.saturating_duration_since(at) < pause)
            || now.saturating_duration_since(since) < SETTLED_AFTER
        {
            return None;
        }
        self.told = Some((muster.clone(), now));
        Some(muster)
    }
}

#[cfg(test)]
mod tests {
    use tributary_protocol::ids::ClientId;

    use super::*;

    fn muster(here: u32) -> Option<Muster> {
        Some(Muster { here, needed: 8, missing: vec![ClientId(5)], more: 0 })
    }

    #[test]
    fn it_is_told_soon_then_on_a_change_and_again_while_it_stays() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut roll = Roll::default();
        let told: Vec<u64> = (0..200)
            .filter(|second| {
                // One more comes after 70 seconds; everybody is here from 150 to 160.
                let now = match second {
                    0..70 => muster(6),
                    150..160 => None,
                    _ => muster(7),
                };
                roll.due(now, at(*second)).is_some()
            })
            .collect();
        assert_eq!(told, [2, 62, 72, 132, 162]);
    }

    #[test]
    fn many_changes_are_few_lines() {
        let start = Instant::now();
        let mut roll = Roll::default();
        let told =
            (0..60).filter(|second| roll.due(muster(*second), start + Duration::from_secs((*second).into())).is_some());
        assert_eq!(told.count(), 6);
    }
}
