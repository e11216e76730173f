//! What the demo's user sees while rounds run: a live line on a terminal, ten lines anywhere else. Always on standard error.

use std::io::IsTerminal as _;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::events::Round;

/// Shown while rounds run.
pub(super) struct Progress {
    rounds: u32,
    bar: Option<ProgressBar>,
    milliseconds: f64,
    seen: u32,
    /// Of the noised losses, so that the noise averages out.
    loss: Option<f64>,
}

/// Share of the newest round in the smoothed loss.
const SMOOTHING: f64 = 0.05;

impl Progress {
    /// Before the first round.
    pub(super) fn new(rounds: u32) -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::with_draw_target(Some(rounds.into()), ProgressDrawTarget::stderr());
            let style = ProgressStyle::with_template("round {pos}/{len} [{bar:30}] {msg}");
            bar.set_style(style.expect("the template is fixed").progress_chars("=> "));
            bar
        });
        Self { rounds, bar, milliseconds: 0.0, seen: 0, loss: None }
    }

    /// Something that is said once.
    pub(super) fn say(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.println(text),
            None => eprintln!("{text}"),
        }
    }

    /// A round is in the model.
    pub(super) fn round(&mut self, round: &Round) {
        self.milliseconds += round.milliseconds;
        self.seen += 1;
        if let Some(loss) = round.loss {
            let weight = (1.0 / f64::from(self.seen)).max(SMOOTHING);
            self.loss = Some(self.loss.map_or(loss, |mean| mean + weight * (loss - mean)));
        }
        let text = self.line(round);
        match &self.bar {
            Some(bar) => {
                bar.set_position(round.committed.into());
                bar.set_message(text);
            }
            None if round.committed.is_multiple_of(self.rounds.div_ceil(10)) || round.committed == self.rounds => {
                eprintln!("round {}/{}: {text}", round.committed, self.rounds);
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
        let left = f64::from(self.rounds.saturating_sub(round.committed));
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
        let mut progress = Progress { rounds: 20, bar: None, milliseconds: 0.0, seen: 0, loss: None };
        let round = Round { committed: 10, survivors: 9, loss: Some(0.5), epsilon: None, milliseconds: 200.0 };
        progress.round(&round);
        assert_eq!(progress.line(&round), "9 survivors, smoothed loss 0.5000, epsilon -, about 2 s left");
    }
}
