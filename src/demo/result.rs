//! The demo's last words: one JSON object, or a table.

use std::fmt;
use std::path::PathBuf;

use serde::Serialize;
use tributary_model::metrics::Estimate;
use tributary_protocol::plan::PrivacyMode;
use tributary_protocol::printable::counted;

use super::events::Counted;
use super::labels::{LabelLine, write_labels};
use super::measure::Measured;
use super::month::Month;
use super::partners::{Mixed, who};
use super::report::Report;
use super::rounds::Trained;
use super::workplace::partner_name;

/// The object that `--json` prints. Its keys are stable.
#[derive(Serialize)]
pub(super) struct Figures {
    auc_federated: Option<f64>,
    auc_local_mean: Option<f64>,
    auc_pooled: Option<f64>,
    auc_in_branch_mean: Option<f64>,
    /// Of each label, on all held-out rows; empty where there is none.
    labels: Vec<LabelLine<f64>>,
    /// The same figures as the noised counts have them; where they were counted alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    labels_under_privacy: Option<Vec<LabelLine<Estimate>>>,
    /// The page about the model; with the figures before alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    report: Option<PathBuf>,
    /// The model at work; where the demo has a month for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    month: Option<Month>,
    epsilon: Option<f64>,
    /// What all runs have cost a customer, as a branch's budget file has it; with several runs alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    epsilon_all_runs: Option<f64>,
    /// In mode branch alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    epsilon_customer: Option<f64>,
    delta: Option<f64>,
    noise_multiplier: Option<f64>,
    /// Runs of the plan that have finished; what follows is of the last one.
    runs: u32,
    rounds: u32,
    branches: usize,
    /// Of these with another organisation than the bank's; absent without any, as the next two.
    #[serde(skip_serializing_if = "Option::is_none")]
    partners: Option<usize>,
    /// Noise in a sum of everybody, over the one that is guaranteed, in standard deviations.
    #[serde(skip_serializing_if = "Option::is_none")]
    noise_excess: Option<f64>,
    /// Noise in a sum of everybody over sensitivity.
    #[serde(skip_serializing_if = "Option::is_none")]
    noise_multiplier_effective: Option<f64>,
    customers: usize,
    parameters: usize,
    seconds_total: f64,
    seconds_rounds: f64,
    bytes_up: u64,
    bytes_down: u64,
    cpu_seconds_coordinator: Option<f64>,
    cpu_seconds_clients: f64,
    rss_bytes_coordinator_max: Option<u64>,
}

/// What the table says beside the figures.
pub(super) struct Table<'a> {
    /// The figures.
    pub(super) figures: &'a Figures,
    /// The processes' reports.
    pub(super) trained: &'a Trained,
    /// The directory, which is kept.
    pub(super) root: PathBuf,
}

impl Figures {
    /// Puts together what was measured.
    pub(super) fn new(
        trained: &Trained,
        epsilon_all_runs: Option<f64>,
        (measured, month): (Measured, Option<Month>),
        report: Option<&Report>,
        mixed: Option<(Mixed, PrivacyMode)>,
        seconds_total: f64,
    ) -> Self {
        let coordinator = &trained.coordinator;
        let noise_excess = mixed.and_then(|(mixed, mode)| mixed.noise_excess(mode));
        Self {
            auc_federated: measured.federated,
            auc_local_mean: measured.local_mean,
            auc_pooled: measured.pooled,
            auc_in_branch_mean: measured.in_branch_mean,
            labels: LabelLine::judged(&measured.labels),
            labels_under_privacy: report
                .map(|report| LabelLine::counted(&report.evaluation.heads, report.evaluation.importance.as_ref())),
            report: report.map(|report| report.page.clone()),
            month,
            epsilon: coordinator.epsilon,
            epsilon_all_runs,
            epsilon_customer: coordinator.epsilon_customer,
            delta: coordinator.delta,
            noise_multiplier: coordinator.noise_multiplier,
            runs: trained.runs,
            rounds: coordinator.rounds,
            branches: trained.clients.len(),
            partners: mixed.map(|(mixed, _)| mixed.partners()),
            noise_excess,
            noise_multiplier_effective: noise_excess.zip(coordinator.noise_multiplier).map(|(own, all)| own * all),
            customers: measured.customers,
            parameters: coordinator.parameters,
            seconds_total,
            seconds_rounds: coordinator.seconds_rounds,
            bytes_up: coordinator.bytes_up,
            bytes_down: coordinator.bytes_down,
            cpu_seconds_coordinator: coordinator.cpu_seconds,
            cpu_seconds_clients: trained.clients.iter().map(|client| client.cpu_seconds).sum(),
            rss_bytes_coordinator_max: coordinator.rss_bytes_max,
        }
    }
}

impl fmt::Display for Table<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Figures { rounds, branches, customers, parameters, bytes_up, bytes_down, .. } = self.figures;
        let auc = |value: Option<f64>| value.map_or("no label to judge by".to_owned(), |value| format!("{value:.4}"));
        writeln!(formatter, "\nAUC on held-out customers")?;
        writeln!(formatter, "  federated model             {}", auc(self.figures.auc_federated))?;
        writeln!(formatter, "  branch-only models, mean    {}", auc(self.figures.auc_local_mean))?;
        writeln!(formatter, "  pooled model, not private   {}", auc(self.figures.auc_pooled))?;
        writeln!(formatter, "  federated, inside a branch  {}", auc(self.figures.auc_in_branch_mean))?;
        write_labels(formatter, &self.figures.labels, self.figures.labels_under_privacy.as_deref())?;
        let Figures { epsilon, delta, noise_multiplier, .. } = self.figures;
        match (epsilon, delta, noise_multiplier) {
            (Some(epsilon), Some(delta), Some(noise)) => {
                let whom = self.figures.epsilon_customer.map_or_else(
                    || "for each customer".to_owned(),
                    |customer| format!("for each branch, {customer:.4} for each customer"),
                );
                writeln!(
                    formatter,
                    "privacy   epsilon {epsilon:.4} at delta {delta:e} {whom}, noise multiplier {noise:.3}"
                )?;
            }
            _ => writeln!(formatter, "privacy   none for the customer: secure aggregation alone")?,
        }
        if let Some(all) = self.figures.epsilon_all_runs {
            writeln!(formatter, "          epsilon {all:.4} for each customer in all {} runs", self.figures.runs)?;
        }
        self.write_partners(formatter)?;
        let partners = self.figures.partners.unwrap_or(0);
        let who = who(branches - partners, partners);
        writeln!(formatter, "size      {who}, {customers} customers, {parameters} parameters")?;
        let Figures { seconds_rounds, seconds_total, .. } = self.figures;
        let median = median(&self.trained.coordinator.round_milliseconds);
        writeln!(
            formatter,
            "time      {} in {seconds_rounds:.1} s, a median of {median:.1} ms each; {seconds_total:.1} s in all",
            counted(rounds, "round")
        )?;
        writeln!(formatter, "traffic   {} up, {} down", megabytes(*bytes_up), megabytes(*bytes_down))?;
        let clients = &self.trained.clients;
        let training: f64 = clients.iter().map(|client| client.cpu_seconds_training).sum();
        let noise: f64 = clients.iter().map(|client| client.cpu_seconds_noise).sum();
        let (coordinator, all) =
            (self.figures.cpu_seconds_coordinator.unwrap_or(0.0), self.figures.cpu_seconds_clients);
        writeln!(
            formatter,
            "CPU       coordinator {coordinator:.2} s; clients {all:.2} s, of which training {training:.2} s and noise {noise:.2} s"
        )?;
        writeln!(formatter, "model     {}", self.trained.coordinator.model_file)?;
        if !self.trained.counted.is_empty() {
            let files: Vec<String> = self.trained.counted.iter().map(Counted::file).collect();
            let folder = self.trained.coordinator.folder.join("counts");
            writeln!(formatter, "counts    {}: {}", folder.display(), files.join(", "))?;
        }
        if let Some(page) = &self.figures.report {
            writeln!(formatter, "report    {}; in Chinese report.zh.html beside it", page.display())?;
        }
        writeln!(formatter, "ledger    {} (verified)", self.trained.coordinator.ledger)?;
        write!(formatter, "kept in   {} with the logs of every process", self.root.display())?;
        let Some(month) = &self.figures.month else { return Ok(()) };
        write!(formatter, "\n\n{month}\n\nWhat to try next")?;
        if let Some(page) = &self.figures.report {
            write!(formatter, "\n  open {}", page.display())?;
        }
        month.next().iter().try_for_each(|line| write!(formatter, "\n  {line}"))?;
        write!(formatter, "\n  tributary verify ledger {}", self.trained.coordinator.ledger)
    }
}

impl Table<'_> {
    /// Who the partners are, how they are protected, and what that costs the model.
    fn write_partners(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Figures { partners, noise_excess, noise_multiplier_effective, .. } = self.figures;
        let Some(partners) = *partners else { return Ok(()) };
        for number in (0..).take(partners) {
            let (name, organisation) = (partner_name(number), Mixed::organisation(number as usize));
            writeln!(
                formatter,
                "partner   {name}: organisation {organisation} with an authority of its own, own noise full"
            )?;
        }
        match noise_excess.zip(*noise_multiplier_effective) {
            Some((excess, multiplier)) => writeln!(
                formatter,
                "noise     a sum of everybody carries {excess:.3} times the noise that is promised, a multiplier of {multiplier:.3}"
            ),
            None => Ok(()),
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "shown with one decimal")]
fn megabytes(bytes: u64) -> String {
    format!("{:.1} MB", bytes as f64 / 1e6)
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let (low, high) = (sorted.len().saturating_sub(1) / 2, sorted.len() / 2);
    sorted.get(low).zip(sorted.get(high)).map_or(0.0, |(low, high)| (low + high) / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_are_those_of_the_middle() {
        assert_eq!(median(&[]), 0.0);
        assert_eq!(median(&[3.0]), 3.0);
        assert_eq!(median(&[4.0, 1.0]), 2.5);
        assert_eq!(median(&[9.0, 1.0, 2.0]), 2.0);
    }
}
