//! Incidents in a report, and the looks of inspectors.

use std::collections::BTreeMap;

use tributary_protocol::digest::Digest;
use tributary_protocol::registry::{Incidents, SignedIncident, SignedLook};
use tributary_protocol::time::Millis;

use super::deviates::Deviates;
use super::parts::{Deviation, IncidentLine, LookLine, TimelineLine};
use super::period::Period;
use super::shown;

/// Where an entry stands, and when it was written.
pub(crate) type At = (u64, Millis);

/// What is collected of incidents while the entries are followed.
#[derive(Default)]
pub(crate) struct IncidentsPart {
    words: BTreeMap<Digest, Vec<(At, TimelineLine)>>,
    /// What may fall into an incident's time.
    meanwhile: Vec<(At, TimelineLine)>,
    looks: Vec<(Millis, LookLine)>,
}

impl IncidentsPart {
    /// A word about an incident.
    pub(crate) fn told(&mut self, at: At, told: &SignedIncident) {
        let opens = told.word.incident == Digest::ZERO;
        let incident = if opens { told.id() } else { told.word.incident };
        self.words.entry(incident).or_default().push((at, word_line(at, told)));
    }

    /// What an inspector was shown.
    pub(crate) fn looked(&mut self, at: At, signed: &SignedLook) {
        let look = &signed.look;
        let day = |second| look.what.is_of_days().then(|| shown::day(second));
        let line = LookLine {
            entry: at.0,
            at: shown::moment(at.1),
            staff: signed.signed.staff.to_string(),
            what: look.what.name().into(),
            from: day(look.from),
            to: day(look.to),
            scope: look.scope.to_string(),
        };
        self.looks.push((at.1, line));
    }

    /// Something that did not go as planned.
    pub(crate) fn deviated(&mut self, at: At, line: TimelineLine) {
        self.meanwhile.push((at, line));
    }

    /// What inspectors were shown in a period.
    pub(crate) fn looks(&self, period: &Period) -> Vec<LookLine> {
        let within = self.looks.iter().filter(|(at, _)| period.has(*at));
        within.map(|(_, line)| line.clone()).collect()
    }

    /// Each incident, in the order of their numbers, with what happened between its beginning and its closing.
    pub(crate) fn lines(mut self, incidents: &Incidents) -> Vec<(Option<Millis>, IncidentLine)> {
        self.meanwhile.sort_by_key(|((entry, _), _)| *entry);
        let lines = incidents.numbered().filter_map(|(number, incident)| {
            let words = self.words.get(&incident.id)?;
            let (opening, (opened, _)) = (incident.opening()?, words.first()?);
            let closing = incident.closing().zip(words.last());
            let begins = Millis(opening.word.happened.saturating_mul(1000)).min(opened.1);
            let ends = closing.map(|(_, (at, _))| at.1);
            let within = |(_, at): &At| begins <= *at && ends.is_none_or(|ends| *at <= ends);
            let mut timeline: Vec<(u64, TimelineLine)> =
                words.iter().map(|((entry, _), line)| (*entry, line.clone())).collect();
            let meanwhile = self.meanwhile.iter().filter(|(at, _)| within(at));
            timeline.extend(meanwhile.map(|((entry, _), line)| (*entry, line.clone())));
            timeline.sort_by_key(|(entry, _)| *entry);
            let line = IncidentLine {
                number,
                incident: incident.id.to_string(),
                state: if closing.is_some() { "closed" } else { "open" }.into(),
                severity: incident.severity().name().into(),
                happened: shown::second(opening.word.happened),
                opened: shown::moment(opened.1),
                opened_by: opening.signed.staff.to_string(),
                closed: ends.map(shown::moment),
                closed_by: closing.map(|(closing, _)| closing.signed.staff.to_string()),
                timeline: timeline.into_iter().map(|(_, line)| line).collect(),
            };
            Some((ends, line))
        });
        lines.collect()
    }
}

/// A line of what did not go as planned.
pub(crate) fn deviation_line((entry, at): At, run: Option<String>, deviates: Deviates) -> TimelineLine {
    let Deviates { what, who, why } = deviates;
    TimelineLine {
        entry,
        at: shown::moment(at),
        happened: None,
        what: what.into(),
        run,
        who,
        role: None,
        severity: None,
        text: why,
    }
}

/// The same as a report lists it.
pub(super) fn as_deviation(line: &TimelineLine) -> Deviation {
    let TimelineLine { entry, at, run, what, who, text, .. } = line.clone();
    Deviation { entry, at, run, what, who, why: text }
}

/// A line of what somebody told.
pub(crate) fn word_line((entry, at): At, told: &SignedIncident) -> TimelineLine {
    let SignedIncident { word, signed } = told;
    TimelineLine {
        entry,
        at: shown::moment(at),
        happened: Some(shown::second(word.happened)),
        what: format!("incident-{}", word.step.name()),
        run: None,
        who: Some(signed.staff.to_string()),
        role: Some(signed.role.name().into()),
        severity: Some(word.severity.name().into()),
        text: word.text.to_string(),
    }
}
