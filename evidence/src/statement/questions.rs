//! What a reader of a privacy claim should ask (after NIST SP 800-226, 2025), answered from one run.

use tributary_protocol::plan::PrivacyMode;
use tributary_protocol::printable::counted;

use super::Facts;
use super::parts::{Answer, Figures, Release};
use tributary_model::stage::StageSettings;

const QUESTIONS: [&str; 24] = [
    "Which definition of privacy?",
    "How large is epsilon, in all and for each round?",
    "How large is delta, and is it below one over the number of customers?",
    "What is the unit of privacy?",
    "Which data sets are neighbours?",
    "How much may one customer contribute, and what happens to the rest?",
    "What if a customer is at several branches?",
    "What about repeated training, other plans, other years?",
    "Which composition, under which assumptions; is sampling really Poisson?",
    "Who chose the clip norm, and from what?",
    "Are tuning, early stopping and selection charged?",
    "Is everything that is released accounted for?",
    "Are there other releases of the same data without noise?",
    "Where do random bits come from?",
    "Is it safe against floating-point attacks?",
    "Does timing tell anything about noise?",
    "Where is the noise added, and who is trusted?",
    "What if clients drop out?",
    "Who can see what?",
    "How is data protected at rest and in memory?",
    "Who collected the data, and with whose consent?",
    "What does it cost in utility, and whom?",
    "How was the implementation checked?",
    "What does it all mean in plain words, and what is not promised?",
];

pub(super) fn answers(facts: &Facts, figures: &Figures) -> Vec<Answer> {
    let texts = texts(facts, figures);
    (1..).zip(QUESTIONS).zip(texts).map(|((number, question), answer)| Answer { number, question, answer }).collect()
}

fn texts(facts: &Facts, figures: &Figures) -> [String; 24] {
    let [a1, a2, a3, a8, a9] = budget(facts, figures);
    let [a4, a5, a6, a7, a10] = unit(facts);
    let [a11, a12, a13, a17, a18, a19] = releases(facts, figures);
    let [a14, a15, a16, a20, a21, a22, a23, a24] = machine(facts, figures);
    [a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12, a13, a14, a15, a16, a17, a18, a19, a20, a21, a22, a23, a24]
}

/// Questions 1, 2, 3, 8, 9.
fn budget(facts: &Facts, figures: &Figures) -> [String; 5] {
    let plan = facts.plan();
    if plan.privacy == PrivacyMode::None {
        let none = || "None: this plan adds no noise; secure aggregation alone hides single updates.".to_owned();
        return [none(), none(), none(), "Nothing is charged, because nothing is promised.".into(), none()];
    }
    let shown = |value: Option<f64>| value.map_or("none".to_owned(), |value| format!("{value:.6}"));
    let mode = plan.privacy.name();
    let per_round = epsilon_text(facts);
    let bound = plan.customers_nominal.max(1);
    let below = figures.delta.is_some_and(|delta| delta * (bound as f64) < 1.0);
    let coins = facts.releases().into_iter().filter(|release| release.sampling_rate < 1.0);
    let coins: Vec<String> = coins
        .map(|release| {
            format!("In stage {} ({}) with probability {:.6}.", release.stage, release.kind, release.sampling_rate)
        })
        .collect();
    let sampling = if coins.is_empty() {
        "No sampling is credited: every customer is in every round.".to_owned()
    } else {
        format!(
            "Each customer takes part by an independent secret coin of its branch, thrown with 64-bit integers. {} The batch's size varies, an \
             empty batch sends noise, and the sum is divided by the expected size.",
            coins.join(" ")
        )
    };
    [
        format!(
            "(epsilon, delta), mode {mode}, from Rényi differential privacy at 73 integer orders by proposition 12 of Canonne, Kamath, Steinke 2020."
        ),
        format!(
            "{} for everything that its {} may charge, {} for one run, {} charged so far ({} by the tight accountant). {per_round}",
            shown(figures.epsilon_plan),
            counted(plan.runs, "run"),
            shown(figures.epsilon_run),
            shown(figures.epsilon_spent),
            shown(figures.epsilon_spent_tight)
        ),
        format!(
            "{:e}; one over the nominal number of customers ({bound}) is {:e}: {}.",
            figures.delta.unwrap_or_default(),
            1.0 / bound as f64,
            if below { "delta is below it" } else { "delta is NOT below it" }
        ),
        format!(
            "Every branch has one budget for life over all plans on its customers, in its own hash-chained file. Its owner's signature begins \
             it. The coordinator keeps signed heads of it over all plans and shows them back, so that an older copy of the file is noticed. \
             Other members notice a counter that fell; the rounds since their last common key set-up they cannot see. {} client refused, {} reported more charges than this ledger knows.",
            facts.refused, facts.charged_more
        ),
        format!(
            "Sums of RDP at each order, in integers rounded up; no independence between rounds is assumed. {sampling}"
        ),
    ]
}

fn epsilon_text(facts: &Facts) -> String {
    let lines = facts.releases().into_iter().map(|release| {
        let epsilon = release.epsilon_max.map_or("none".to_owned(), |epsilon| format!("{epsilon:.6}"));
        format!("Stage {} ({}) alone: {epsilon} over {} rounds.", release.stage, release.kind, release.charged_max)
    });
    lines.collect::<Vec<_>>().join(" ")
}

/// Questions 4, 5, 6, 7, 10.
fn unit(facts: &Facts) -> [String; 5] {
    let plan = facts.plan();
    let overlap = match (plan.privacy, plan.overlap_max) {
        (_, 1) => "The plan assumes that each customer has one home branch; nothing checks it across branches. Without it, epsilon composes over \
                   the branches that hold the customer."
            .to_owned(),
        (PrivacyMode::Customer, most) => format!("Up to {most} branches: the sensitivity is {most} times one branch's, and so is the noise."),
        (PrivacyMode::Branch, most) => format!("Up to {most} branches: a customer's account is charged for a movement {most} times as long."),
        (_, most) => format!("Up to {most} branches: each release is charged {most} times."),
    };
    [
        super::words::unit(plan),
        super::words::neighbours(plan),
        "All rows of a customer at a branch are clipped together as one record. A branch's settings bound the rows; what is beyond is left \
         out by an order of the rows' own contents, and the number is shown to the branch's operator."
            .into(),
        overlap,
        format!("{} {}", clip_norms(facts), adaptive(facts)),
    ]
}

fn clip_norms(facts: &Facts) -> String {
    let norms = facts.stages().filter_map(|stage| {
        let norms: Vec<String> = stage.settings?.clip_norms().iter().map(|(_, norm)| norm.to_string()).collect();
        (!norms.is_empty()).then(|| format!("{} in {}", norms.join(" and "), stage.name()))
    });
    let norms: Vec<String> = norms.collect();
    if norms.is_empty() {
        return "Nothing is clipped to a norm: one count is one unit for everybody.".into();
    }
    format!(
        "{}, written into the plan before any data was read. It follows from the schema's public bounds on a row's norm.",
        norms.join(", ")
    )
}

fn adaptive(facts: &Facts) -> &'static str {
    if facts.stages().filter_map(|stage| stage.settings).any(StageSettings::adapts) {
        "The bound on a branch's difference of models follows the noised share of branches within it, which is a coordinate of the noised sum and charged with it."
    } else {
        "It does not adapt."
    }
}

/// Questions 11, 12, 13, 17, 18, 19.
fn releases(facts: &Facts, figures: &Figures) -> [String; 6] {
    let plan = facts.plan();
    let inventory = facts.releases().into_iter().map(|Release { stage, kind, content, charged, .. }| {
        format!("stage {stage} ({kind}): {content}, {charged} rounds charged")
    });
    let inventory = inventory.collect::<Vec<_>>().join("; ");
    let place = match plan.privacy {
        PrivacyMode::Customer | PrivacyMode::Branch => {
            "At the branches, in shares, under secure aggregation: honest branches alone hold enough of it. The coordinator is not trusted with any single update, nor with honest noise of its own. A participant whose signed policy says own_noise = \"full\" adds the whole of it by itself and trusts nobody with it."
        }
        PrivacyMode::Local => {
            "At each branch, the whole of it, in each local step. Nobody outside the branch is trusted."
        }
        PrivacyMode::None => "Nowhere.",
    };
    let realised = match (figures.survivors_fewest, figures.honest_fewest) {
        (Some(survivors), Some(honest)) => {
            format!("The smallest sum that was opened held {survivors} branches, {honest} of them surely honest.")
        }
        _ => "No sum was opened yet.".to_owned(),
    };
    [
        "Nothing is tuned inside a plan: learning rate, rounds and clip norm are constants of it. A search over several plans is charged \
         plan by plan to the same budget."
            .into(),
        format!("{inventory}. Upstream messages have no other place for a number about data."),
        "This software makes none. What a branch publishes otherwise is not known here and not counted.".into(),
        place.into(),
        format!(
            "Noise shares are sized for the fewest honest survivors that the rule admits; a sum below that is not opened. A round that fails \
             stays charged. {realised} {} rounds were aborted, and {} clients were put out of the run.",
            facts.aborted,
            facts.evicted()
        ),
        format!("{} Every key stays where it was made.", super::protection::visibility(plan).join(" ")),
    ]
}

/// Questions 14, 15, 16, 20, 21, 22, 23, 24.
fn machine(facts: &Facts, figures: &Figures) -> [String; 8] {
    let plan = facts.plan();
    let state = match (facts.aborted_by(), facts.finished()) {
        (Some(staff), _) => format!("over, because {staff} aborted its plan; it releases nothing"),
        (None, Some(true)) => "complete".into(),
        (None, Some(false)) => "ended early".into(),
        (None, None) => "not over".into(),
    };
    let noise =
        |text: &str| if plan.privacy == PrivacyMode::None { "No noise is drawn.".into() } else { text.to_owned() };
    [
        noise("The operating system's generator keys a ChaCha20 stream with fast key erasure for each share. No release build can seed it."),
        noise("Clipped gradients become integers; noise is an exact discrete Gaussian in integers; no float is added to anything private."),
        noise(
            &format!(
                "The sampler's time depends on its values. Noise is drawn before a round needs it, for all coordinates at once; an upload \
                 leaves {} ms after its round's start, or when it is ready if that is later; no time is reported.",
                plan.upload_offset_ms
            ),
        ),
        "Keys and budget files are readable by their owner only; sums, noise and keys are erased in memory after use. Encryption of the \
         branch's disk is the branch's own."
            .into(),
        "Not known to this software: the branch's data owner states it, and lists purposes in its signed policy.".into(),
        if evaluated(facts) {
            "Histograms of scores by label were released with noise; see the evaluation beside the model. Groups are not compared.".to_owned()
        } else {
            "Not measured under privacy in this run; a plan can have a stage of kind \"evaluate\".".to_owned()
        },
        "By reference vectors for accountants and sampler, attacks as tests (canary, membership, reconstruction), a simulator with \
         dishonest parties, and a replay of the ledger by `tributary verify`. No third party has audited it."
            .into(),
        format!("{} The run is {state}.", super::words::claim(plan, figures)),
    ]
}

fn evaluated(facts: &Facts) -> bool {
    let evaluates = |settings: &StageSettings| matches!(settings, StageSettings::Evaluate(_));
    facts.stages().any(|stage| stage.settings.is_some_and(evaluates) && facts.committed(&stage) > 0)
}
