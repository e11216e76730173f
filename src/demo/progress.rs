//! What the demo's user sees while rounds run: a live line on a terminal, ten lines anywhere else. Always on standard error.

use std::io::IsTerminal as _;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::events::Round;

/// Shown while rounds run.
pub(super) struct Progress {
    rounds: u32,
    bar: Option<ProgressBar>,
    milliseconds: f64,
    /// Rounds of the run so far, over all of its stages.
    done: u32,
    /// Rounds whose time and loss are known, over all runs.
    seen: u32,
    /// Of the noised losses, so that the noise averages out.
    loss: Option<f64>,
}

/// Share of the newest round in the smoothed loss.
const SMOOTHING: f64 = 0.05;

impl Progress {
    /// Before the first of so many rounds of a run.
    pub(super) fn new(rounds: u32) -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::with_draw_target(Some(rounds.into()), ProgressDrawTarget::stderr());
            let style = ProgressStyle::with_template("round {pos}/{len} [{bar:30}] {msg}");
            bar.set_style(style.expect("the template is fixed").progress_chars("=> "));
            bar
        });
        Self { rounds, bar, milliseconds: 0.0, done: 0, seen: 0, loss: None }
    }

    /// Something that is said once.
    pub(super) fn say(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.println(text),
            None => eprintln!("{text}"),
        }
    }

    /// A run begins.
    pub(super) fn begins(&mut self) {
        self.done = 0;
    }

    /// A round that counts is over.
    pub(super) fn counted(&mut self) {
        self.done += 1;
    }

    /// A round is in the model.
    pub(super) fn round(&mut self, round: &Round) {
        self.done += 1;
        self.milliseconds += round.milliseconds;
        self.seen += 1;
        if let Some(loss) = round.loss {
            let weight = (1.0 / f64::from(self.seen)).max(SMOOTHING);
            self.loss = Some(self.loss.map_or(loss, |mean| mean + weight * (loss - mean)));
        }
        let text = self.line(round);
        match &self.bar {
            Some(bar) => {
                bar.set_position(self.done.into());
                bar.set_message(text);
            }
            None if self.done.is_multiple_of(self.rounds.div_ceil(10)) || self.done == self.rounds => {
                eprintln!("round {}/{}: {text}", self.done, self.rounds);
            }
            None => {}
        }
    }

    /// No more rounds.
    pub(super) fn end(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    fn line(&self, round: &Round) -> String {
        let left = f64::from(self.rounds.saturating_sub(self.done));
        let seconds = self.milliseconds / f64::from(self.seen) * left / 1000.0;
        let number = |value: Option<f64>| value.map_or("-".to_owned(), |value| format!("{value:.4}"));
        let (loss, epsilon) = (number(self.loss), number(round.epsilon));
        format!("{} survivors, smoothed loss {loss}, epsilon {epsilon}, about {seconds:.0} s left", round.survivors)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_everything() {
        let mut progress = Progress { rounds: 20, bar: None, milliseconds: 0.0, done: 8, seen: 0, loss: None };
        let round = Round { survivors: 9, loss: Some(0.5), epsilon: None, milliseconds: 200.0 };
        progress.counted();
        progress.round(&round);
        let half = "9 survivors, smoothed loss 0.5000, epsilon -, about 2 s left";
        assert_eq!(progress.line(&round), half, "of the whole plan ten rounds are left, whichever stage they are of");
        progress.begins();
        assert_eq!(progress.line(&round), half.replace("2 s", "4 s"));
    }
}
