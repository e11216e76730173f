//! What a coordinator is at: each run with what it waits for, what waits for its turn, and who is here.

use std::fmt;

use serde::{Deserialize, Serialize};
use tributary_certs::inspect::date;
use tributary_protocol::printable::counted;

use crate::report::{RunName, Whom};

/// So many of those who take no part are named to people; programs are told of all.
const WITHOUT_MAX: usize = 20;

/// Everything that a daemon says of itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// Unix milliseconds of its clock.
    pub now_unix_ms: u64,
    /// Epoch of the roster in force.
    pub roster_epoch: u64,
    /// Its members.
    pub enrolled: usize,
    /// Of these, whose link stands.
    pub here: usize,
    /// The open runs.
    pub runs: Vec<RunStatus>,
    /// What waits for its turn.
    pub waiting: Vec<WaitingStatus>,
    /// Runs that are over.
    pub ended: usize,
    /// How the witnesses of the journal stand; nothing before its first checkpoint.
    pub log: Option<LogStatus>,
    /// How the second copy of the journal stands; nothing where there is none.
    pub sink: Option<SinkStatus>,
    /// Incidents that are open.
    pub incidents: Vec<IncidentStatus>,
}

/// The second copy of the journal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SinkStatus {
    /// Where it goes.
    pub target: String,
    /// Entries that are there.
    pub entries: u64,
    /// Entries that wait.
    pub lag_entries: u64,
    /// Since when they are not taken, in Unix seconds.
    pub since: Option<u64>,
    /// Why.
    pub reason: Option<String>,
    /// Whether no round begins because of it.
    pub withholds: bool,
}

/// An incident that is open.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IncidentStatus {
    /// Its number.
    pub number: u64,
    /// `low`, `medium`, `high` or `critical`, by its last word.
    pub severity: String,
    /// When it began, in Unix seconds.
    pub since: u64,
    /// Who opened it.
    pub opened_by: String,
    /// What its last word says.
    pub text: String,
}

/// The newest checkpoint of the journal, and its witnesses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogStatus {
    /// Its entries.
    pub entries: u64,
    /// When it was made, in Unix seconds.
    pub made: u64,
    /// Members that have cosigned it.
    pub cosigned: usize,
    /// Members that have been behind for long.
    pub late: Vec<LateWitness>,
    /// Members that have seen another journal of this coordinator.
    pub disputes: Vec<DisputeStatus>,
}

/// A member that has not cosigned for long.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LateWitness {
    /// Which one.
    #[serde(flatten)]
    pub client: Whom,
    /// Since when, in Unix seconds.
    pub since: u64,
    /// Entries of what it cosigned last; 0 for nothing.
    pub entries: u64,
    /// Why, as far as that is known.
    pub reason: String,
}

/// A member that has a checkpoint which this journal does not go on from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DisputeStatus {
    /// Which one.
    #[serde(flatten)]
    pub client: Whom,
    /// Entries of its checkpoint.
    pub entries: u64,
}

/// An open run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunStatus {
    /// Which one.
    #[serde(flatten)]
    pub of: RunName,
    /// The stage in progress, from 1, and its kind.
    pub stage: String,
    /// Rounds committed, of all stages.
    pub committed: u32,
    /// Rounds to commit.
    pub rounds: u32,
    /// Rounds that were charged.
    pub charged: u32,
    /// Most rounds that may be charged.
    pub charged_max: u32,
    /// Epsilon spent so far, as it is enforced; nothing without noise.
    pub epsilon: Option<f64>,
    /// Members of the plan's group.
    pub group_size: usize,
    /// Of these, who are here and have admitted the plan.
    pub ready: usize,
    /// Who has refused it, is out of it, is not ready or is away, and why.
    pub without: Vec<Refusing>,
    /// What it waits for.
    pub reason: String,
    /// Until this Unix millisecond, if there is a limit.
    pub deadline_unix_ms: Option<u64>,
    /// What is done then.
    pub next: String,
}

/// A member that takes no part in a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusing {
    /// Which one.
    #[serde(flatten)]
    pub client: Whom,
    /// Why.
    pub reason: String,
}

/// A run that waits for its turn.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaitingStatus {
    /// Which one.
    #[serde(flatten)]
    pub of: RunName,
    /// Why.
    pub reason: String,
    /// Unix seconds before which it does not begin, where that is why.
    pub begins: Option<u64>,
}

/// A member of the federation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Site {
    /// Which one.
    #[serde(flatten)]
    pub client: Whom,
    /// Whether its link stands.
    pub here: bool,
    /// Unix seconds at which it was connected last, as far as this process has seen it.
    pub last_seen: Option<u64>,
    /// Why it is away, as far as that is known, and what to do.
    pub trouble: Option<String>,
    /// The release that it runs, as it says.
    pub release: Option<String>,
    /// Unix seconds at which its entry in the roster ends.
    pub not_after: u64,
}

impl fmt::Display for Status {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { roster_epoch, enrolled, here, ended, .. } = self;
        writeln!(out, "roster    epoch {roster_epoch}, {here} of {enrolled} members are here")?;
        if self.runs.is_empty() && self.waiting.is_empty() {
            writeln!(out, "runs      none is open; `tributary plan activate` puts a signed plan here")?;
        }
        self.runs.iter().try_for_each(|run| run.write(out, self.now_unix_ms))?;
        for WaitingStatus { of, reason, begins } in &self.waiting {
            write!(out, "waiting   {of}: {reason}")?;
            begins.map_or(Ok(()), |begins| write!(out, ", not before {}", date(begins)))?;
            writeln!(out)?;
        }
        if *ended > 0 {
            writeln!(out, "ended     {}", counted(ended, "run"))?;
        }
        self.log.as_ref().map_or(Ok(()), |log| log.write(out, *enrolled))?;
        self.sink.as_ref().map_or(Ok(()), |sink| sink.fmt(out))?;
        for IncidentStatus { number, severity, since, opened_by, text } in &self.incidents {
            writeln!(
                out,
                "incident  {number}, {severity}, open since {}, by {opened_by}: {text}. `tributary incident show {number}` has its timeline",
                date(*since)
            )?;
        }
        Ok(())
    }
}

impl fmt::Display for SinkStatus {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { target, entries, lag_entries, since, reason, withholds } = self;
        writeln!(out, "copy      {entries} entries of audit.log are at {target}; {lag_entries} wait")?;
        if let (Some(since), Some(reason)) = (since, reason) {
            writeln!(out, "          not taken since {}: {reason}", date(*since))?;
        }
        if *withholds {
            writeln!(out, "          no round begins before it has caught up; what is under way ends")?;
        }
        Ok(())
    }
}

impl LogStatus {
    fn write(&self, out: &mut fmt::Formatter<'_>, enrolled: usize) -> fmt::Result {
        let Self { entries, made, cosigned, late, disputes } = self;
        writeln!(
            out,
            "log       checkpoint of {entries} entries, {}; cosigned by {cosigned} of {enrolled} members",
            date(*made)
        )?;
        for DisputeStatus { client, entries } in disputes {
            writeln!(
                out,
                "          {client} has a checkpoint of {entries} entries, signed by this coordinator, that this journal does not go on from: an older \
                 copy of the state was put back, or the journal was changed. Stop, keep both as evidence, and put the newest good copy in its place"
            )?;
        }
        for LateWitness { client, since, entries, reason } in late.iter().take(WITHOUT_MAX) {
            writeln!(
                out,
                "          {client} has not cosigned since {}, last at {entries} entries: {reason}",
                date(*since)
            )?;
        }
        if let more @ 1.. = late.len().saturating_sub(WITHOUT_MAX) {
            writeln!(out, "          {more} more have not cosigned: --json here")?;
        }
        Ok(())
    }
}

impl RunStatus {
    fn write(&self, out: &mut fmt::Formatter<'_>, now_unix_ms: u64) -> fmt::Result {
        let Self { of, stage, committed, rounds, charged, charged_max, group_size, ready, .. } = self;
        writeln!(out, "run       {of}, plan {}", of.plan)?;
        writeln!(
            out,
            "          stage {stage}; {committed} of {} committed, {charged} of {charged_max} charged",
            counted(rounds, "round")
        )?;
        if let Some(epsilon) = self.epsilon {
            writeln!(out, "          epsilon {epsilon:.4} spent")?;
        }
        writeln!(out, "          {ready} of {group_size} members are ready")?;
        for Refusing { client, reason } in self.without.iter().take(WITHOUT_MAX) {
            writeln!(out, "          without {client}: {reason}")?;
        }
        if let more @ 1.. = self.without.len().saturating_sub(WITHOUT_MAX) {
            writeln!(out, "          without {more} more: `tributary coordinator site list`, and --json here")?;
        }
        write!(out, "          waits for {}", self.reason)?;
        match self.deadline_unix_ms {
            Some(deadline) => {
                let left = deadline.saturating_sub(now_unix_ms).div_ceil(1000);
                writeln!(out, "; in {left} s: {}", self.next)
            }
            None => writeln!(out),
        }
    }
}

impl fmt::Display for RunStatus {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(out, tributary_certs::clock::unix_millis())
    }
}

impl fmt::Display for Site {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: ", self.client)?;
        match (self.here, self.last_seen) {
            (true, _) => out.write_str("here")?,
            (false, Some(seen)) => write!(out, "away, last seen {}", date(seen))?,
            (false, None) => out.write_str("away, not seen since this coordinator started")?,
        }
        if let Some(release) = &self.release {
            write!(out, ", release {release}")?;
        }
        write!(out, ", its entry ends {}", date(self.not_after))?;
        self.trouble.iter().try_for_each(|trouble| write!(out, ": {trouble}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_wait_has_its_reason_deadline_and_next_action() {
        let of = |name: &str| RunName { plan: "ab".into(), plan_name: name.into(), run: 2 };
        let whom = Whom { client: 3, name: Some("bank/branch-03".into()) };
        let run = RunStatus {
            of: of("churn"),
            stage: "2 (gradient)".into(),
            committed: 3,
            rounds: 9,
            charged: 4,
            charged_max: 10,
            epsilon: Some(0.5),
            group_size: 9,
            ready: 8,
            without: vec![Refusing { client: whom.clone(), reason: "its budget is spent".into() }],
            reason: "round 5: masked updates".into(),
            deadline_unix_ms: Some(61_000),
            next: "go on with those that are here".into(),
        };
        let waiting = WaitingStatus { of: of("deposit"), reason: "the schedule".into(), begins: Some(1_893_456_000) };
        let status = Status {
            now_unix_ms: 60_000,
            roster_epoch: 4,
            enrolled: 9,
            here: 8,
            runs: vec![run],
            waiting: vec![waiting],
            ended: 1,
            log: Some(LogStatus {
                entries: 412,
                made: 1_893_456_000,
                cosigned: 7,
                late: vec![LateWitness {
                    client: whom.clone(),
                    since: 1_893_456_000,
                    entries: 12,
                    reason: "it is away".into(),
                }],
                disputes: vec![DisputeStatus { client: whom.clone(), entries: 500 }],
            }),
            sink: Some(SinkStatus {
                target: "file /mnt/audit.log".into(),
                entries: 400,
                lag_entries: 12,
                since: Some(1_893_456_000),
                reason: Some("the disk is full".into()),
                withholds: true,
            }),
            incidents: vec![IncidentStatus {
                number: 2,
                severity: "high".into(),
                since: 1_893_456_000,
                opened_by: "bank/e4".into(),
                text: "the disk was full".into(),
            }],
        };
        let text = status.to_string();
        for part in [
            "8 of 9 members are here",
            "churn run 2, plan ab",
            "3 of 9 rounds committed, 4 of 10 charged",
            "without client 3 (bank/branch-03): its budget is spent",
            "waits for round 5: masked updates; in 1 s: go on with those that are here",
            "deposit run 2: the schedule, not before 2030-01-01 00:00 UTC",
            "log       checkpoint of 412 entries, 2030-01-01 00:00 UTC; cosigned by 7 of 9 members",
            "client 3 (bank/branch-03) has not cosigned since 2030-01-01 00:00 UTC, last at 12 entries: it is away",
            "copy      400 entries of audit.log are at file /mnt/audit.log; 12 wait",
            "not taken since 2030-01-01 00:00 UTC: the disk is full",
            "no round begins before it has caught up",
            "client 3 (bank/branch-03) has a checkpoint of 500 entries, signed by this coordinator",
            "incident  2, high, open since 2030-01-01 00:00 UTC, by bank/e4: the disk was full.",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
        let told: Status = serde_json::from_str(&serde_json::to_string(&status).unwrap()).unwrap();
        assert_eq!(told, status);
        let site = Site {
            client: whom,
            here: false,
            last_seen: None,
            trouble: Some("its certificate ended; renew it".into()),
            release: Some("0.2.0".into()),
            not_after: 1_893_456_000,
        };
        assert_eq!(
            site.to_string(),
            "client 3 (bank/branch-03): away, not seen since this coordinator started, release 0.2.0, its entry ends 2030-01-01 00:00 UTC: its certificate ended; renew it"
        );
    }

    /// So many are named, and of the others the number is said.
    #[test]
    fn of_many_that_take_no_part_the_first_are_named() {
        let whom = |client: u32| Whom { client, name: None };
        let status = |many: u32| Status {
            now_unix_ms: 0,
            roster_epoch: 1,
            enrolled: 99,
            here: 7,
            runs: vec![RunStatus {
                of: RunName { plan: "ab".into(), plan_name: "churn".into(), run: 2 },
                stage: "1 (count)".into(),
                committed: 0,
                rounds: 1,
                charged: 0,
                charged_max: 1,
                epsilon: None,
                group_size: 99,
                ready: 7,
                without: (0..many).map(|client| Refusing { client: whom(client), reason: "x".into() }).collect(),
                reason: "others".into(),
                deadline_unix_ms: Some(1_001),
                next: "wait".into(),
            }],
            waiting: Vec::new(),
            ended: 0,
            log: Some(LogStatus {
                entries: 4,
                made: 0,
                cosigned: 1,
                late: (0..many)
                    .map(|client| LateWitness { client: whom(client), since: 0, entries: 1, reason: "y".into() })
                    .collect(),
                disputes: Vec::new(),
            }),
            sink: None,
            incidents: Vec::new(),
        };
        for (many, more) in [(19, None), (20, None), (21, Some(1)), (25, Some(5))] {
            let text = status(many).to_string();
            let named = many.min(20) as usize;
            assert_eq!(text.matches("without client ").count(), named, "{text}");
            assert_eq!(text.matches("has not cosigned since").count(), named, "{text}");
            for words in ["without {} more: `trib", " {} more have not cosigned"] {
                let said = more.map(|more| words.replace("{}", &format!("{more}")));
                assert!(said.is_none_or(|said| text.contains(&said)), "{text}");
                assert_eq!(text.contains(" more"), more.is_some(), "{text}");
            }
            assert!(text.contains("waits for others; in 2 s: wait\n"), "{text}");
            assert!(!text.contains("ended     ") && !text.contains("epsilon"), "{text}");
        }
    }
}
