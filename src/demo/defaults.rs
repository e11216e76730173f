//! Every number that the demo chooses where its user does not, in one table.

/// The table.
pub(super) struct Defaults {
    /// Branches.
    pub(super) branches: usize,
    /// Clients of other organisations.
    pub(super) partners: usize,
    /// Epsilon for the whole plan.
    pub(super) epsilon: f64,
    /// The same for staged learning from invented customers.
    pub(super) epsilon_staged: f64,
    /// Of `--method gradient`.
    pub(super) gradient: Learning,
    /// Of `--method staged`.
    pub(super) staged: Learning,
    /// Delta of that statement.
    pub(super) delta: f64,
    /// Seed of data and first model.
    pub(super) seed: u64,
    /// Share of a branch's invented customers that is kept aside.
    pub(super) holdout_fraction: f64,
    /// Of `--model logistic`.
    pub(super) logistic: Family,
    /// Of `--model mlp`.
    pub(super) perceptron: Family,
    /// Largest loss of a customer that counts, in nats.
    pub(super) loss_bound: f64,
    /// Share of the last step that the next one keeps.
    pub(super) momentum: f64,
    /// Share of the last rounds whose models are averaged.
    pub(super) tail_fraction: f64,
    /// Rounds of one key set-up.
    pub(super) session_rounds: u32,
    /// Longest wait for all branches to join, in milliseconds.
    pub(super) gather_ms: u64,
    /// Longest round, in milliseconds.
    pub(super) round_deadline_ms: u64,
    /// Longest key set-up, in milliseconds.
    pub(super) keying_deadline_ms: u64,
    /// Share of the budget for `--measure`: customers by feature, and by label and score.
    pub(super) statistics_share: f64,
    pub(super) evaluation_share: f64,
    /// Rounds a day that the branches' policies allow.
    pub(super) rounds_a_day: u32,
    /// Rounds that they allow a plan.
    pub(super) rounds_max: u32,
}

/// What differs between ways of learning.
pub(super) struct Learning {
    /// Rounds to commit.
    pub(super) rounds: u32,
    /// Median number of invented customers of a branch.
    pub(super) customers_per_branch: usize,
}

/// What differs between families of models.
pub(super) struct Family {
    /// L2 bound of a customer's gradient.
    pub(super) clip_norm: f64,
    /// Step length for a mean gradient.
    pub(super) learning_rate: f64,
    /// Hidden layers.
    pub(super) hidden: &'static [u32],
}

/// The values, each with its reason.
pub(super) const DEFAULTS: Defaults = Defaults {
    // Ten processes with their data fit any laptop, and two may be lost before the cohort is too small.
    branches: 10,
    // One bank alone.
    partners: 0,
    // A few thousand customers: below, the noise of so small a federation costs more than federation gains.
    epsilon: 4.0,
    // What a bank's privacy officer would sign.
    epsilon_staged: 1.0,
    // Enough for logistic regression to settle; the noise grows with the root of it. So few customers that a branch alone has too little to learn
    // from.
    gradient: Learning { rounds: 100, customers_per_branch: 400 },
    // A quarter of the rounds finds the fields that matter. So small an epsilon needs a population of a real bank's branches.
    staged: Learning { rounds: 200, customers_per_branch: 8000 },
    // Far below one over the number of customers.
    delta: 1e-6,
    seed: 1,
    // The usual fifth.
    holdout_fraction: 0.2,
    // Rows have a public norm bound, so one norm serves every schema, and with it a clipped loss is smooth enough for this step, whatever the
    // data (docs/PRIVACY.md).
    logistic: Family { clip_norm: 1.0, learning_rate: 0.75, hidden: &[] },
    // Two layers have a longer gradient; step times norm stays. A narrow layer, because the noise grows with the root of the parameters.
    perceptron: Family { clip_norm: 2.0, learning_rate: 0.375, hidden: &[32] },
    // Training starts at ln 2 a label; a tight bound keeps the noise on the displayed loss small.
    loss_bound: 2.0,
    // Averages about ten rounds of noise.
    momentum: 0.9,
    // The average of the second half forgets the way and keeps the place.
    tail_fraction: 0.5,
    // One set-up for half a plan of 100 rounds.
    session_rounds: 50,
    // All processes start at once; a machine with one core for all of them still makes it.
    gather_ms: 60_000,
    // Two orders of magnitude over a usual round.
    round_deadline_ms: 60_000,
    keying_deadline_ms: 60_000,
    // Rough pictures of the population cost little; an AUC that is worth reading costs more.
    statistics_share: 0.05,
    evaluation_share: 0.15,
    // The demo's budget ends long before.
    rounds_a_day: 1_000_000,
    // As many as any plan may have.
    rounds_max: 1_000_000,
};
