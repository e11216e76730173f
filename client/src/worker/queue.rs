//! The order of jobs: as they came, whatever run they are of. Noise is drawn ahead only while nothing else waits.

use std::collections::VecDeque;
use std::sync::mpsc::Receiver;

use tributary_daemon::Pulse;

use super::job::Job;

/// Jobs that wait.
#[derive(Default)]
struct Queue {
    waiting: VecDeque<Job>,
    /// Noise to be drawn ahead: one for each run at most.
    ahead: VecDeque<Job>,
}

impl Queue {
    fn put(&mut self, job: Job) {
        let run = job.run();
        match job {
            Job::DrawAhead { .. } => {
                self.ahead.retain(|other| other.run() != run);
                self.ahead.push_back(job);
            }
            Job::Close(_) => {
                // Nobody waits for what was asked before.
                self.ahead.retain(|other| other.run() != run);
                self.waiting.retain(|other| other.run() != run);
                self.waiting.push_back(job);
            }
            Job::Judge(_) | Job::Contribute { .. } | Job::Replace(_) => self.waiting.push_back(job),
        }
    }

    fn take(&mut self) -> Option<Job> {
        self.waiting.retain(|job| !matches!(job, Job::Contribute { wanted, .. } if !wanted.stands()));
        self.waiting.pop_front().or_else(|| self.ahead.pop_front())
    }
}

/// The jobs of a channel in their order, until it is closed. The pulse rests while nothing waits.
pub(super) fn in_order(jobs: Receiver<Job>, pulse: Pulse) -> impl Iterator<Item = Job> {
    let mut queue = Queue::default();
    std::iter::from_fn(move || {
        loop {
            jobs.try_iter().for_each(|job| queue.put(job));
            if let Some(job) = queue.take() {
                pulse.beat();
                return Some(job);
            }
            pulse.rest();
            queue.put(jobs.recv().ok()?);
        }
    })
}

#[cfg(test)]
mod tests {
    use tributary_model::schema::Schema;
    use tributary_protocol::digest::Digest;
    use tributary_protocol::ids::{RoundId, RunId};
    use tributary_protocol::plan::Run;
    use tributary_protocol::round::RoundHead;
    use tributary_protocol::round::cast;

    use super::*;
    use crate::judge::tests::{SCHEMA, plan};
    use crate::worker::Wanted;

    fn run(number: u32) -> Run {
        let mut plan = plan(&Schema::parse(SCHEMA).unwrap(), &[]).plan().clone();
        plan.runs = 2;
        Run::new(cast::priced(plan).validate().unwrap(), number).unwrap()
    }

    fn contribute(run: &Run, round: u64, wanted: Wanted) -> Job {
        let head = RoundHead { round: RoundId(round), stage: 0, model: Digest::ZERO };
        let contribution = Box::new(cast::contribution(run, head));
        Job::Contribute { run: run.id(), contribution, model: Vec::new(), wanted }
    }

    fn ahead(run: RunId, honest_min: u16) -> Job {
        Job::DrawAhead { run, honest_min, charged: Vec::new() }
    }

    fn words(queue: &mut Queue) -> Vec<String> {
        let word = |job| match job {
            Job::Judge(run) => format!("judge {}", run.reference().number),
            Job::Contribute { contribution, .. } => format!("round {}", contribution.descriptor.round),
            Job::DrawAhead { honest_min, .. } => format!("ahead {honest_min}"),
            Job::Close(_) => "close".to_owned(),
            Job::Replace(_) => "replace".to_owned(),
        };
        std::iter::from_fn(|| queue.take()).map(word).collect()
    }

    #[test]
    fn jobs_are_done_as_they_came_and_noise_is_drawn_ahead_last() {
        let (one, two) = (run(1), run(2));
        let mut queue = Queue::default();
        queue.put(ahead(one.id(), 1));
        queue.put(Job::Judge(Box::new(two.clone())));
        queue.put(contribute(&one, 3, Wanted::new()));
        queue.put(ahead(two.id(), 2));
        queue.put(ahead(one.id(), 4));
        queue.put(contribute(&two, 5, Wanted::new()));
        assert_eq!(words(&mut queue), ["judge 2", "round 3", "round 5", "ahead 2", "ahead 4"]);
    }

    #[test]
    fn what_nobody_waits_for_is_not_done() {
        let (one, two) = (run(1), run(2));
        let mut queue = Queue::default();
        let unwanted = Wanted::new();
        queue.put(contribute(&one, 1, unwanted.clone()));
        queue.put(contribute(&one, 2, Wanted::new()));
        unwanted.take_back();
        assert_eq!(words(&mut queue), ["round 2"]);
        // A run that is over leaves nothing, and the other one everything.
        queue.put(Job::Judge(Box::new(one.clone())));
        queue.put(contribute(&two, 3, Wanted::new()));
        queue.put(ahead(one.id(), 1));
        queue.put(ahead(two.id(), 2));
        queue.put(Job::Close(one.id()));
        queue.put(Job::Judge(Box::new(one)));
        assert_eq!(words(&mut queue), ["round 3", "close", "judge 1", "ahead 2"]);
    }
}
