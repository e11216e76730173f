//! What several tests of a branch begin with: its files, and a run that it accepted.

use std::path::Path;

use tributary_protocol::digest::Digest;
use tributary_protocol::plan::{Allowance, PrivacyMode, RunRef};
use tributary_protocol::privacy::{Accounts, RdpVector};
use tributary_protocol::round::{ParticipantEvent, StageTerms};
use tributary_protocol::time::Millis;

use crate::cli::sign_policy;
use crate::policy::SAMPLE;

/// Puts settings, a schema and a policy into a folder; the policy is signed by the key `owner.key`, which is made there.
pub(crate) fn furnish(folder: &Path, schema: &str) {
    for (name, text) in [
        ("customers.csv", "x"),
        ("schema.toml", schema),
        ("policy.toml", SAMPLE),
        (
            "client.toml",
            "[client]\nstate_dir = \"state\"\n[coordinator]\naddress = \"localhost:1\"\n[identity]\nfolder = \"identity\"\n\
             [data]\nfile = \"customers.csv\"\nschema = \"schema.toml\"\n[policy]\nfile = \"policy.toml\"\nowner = \"owner.pub\"\n",
        ),
    ] {
        std::fs::write(folder.join(name), text).unwrap();
    }
    let [policy, owner, schema] = ["policy.toml", "owner.key", "schema.toml"].map(|name| folder.join(name));
    sign_policy(&policy, &owner, &schema).unwrap_or_else(|fault| panic!("{fault}"));
}

/// A run of five rounds was accepted until a time.
pub(crate) fn accepted(run: RunRef, until: u64) -> ParticipantEvent {
    let charge = Accounts::customers(RdpVector::gaussian(1, 2000));
    let stages = vec![StageTerms { kind: "gradient".into(), rounds: 5, charge }];
    let charge_max = Allowance::new(stages.iter().map(|stage| (stage.rounds, &stage.charge)), 0).charge_left(&[]);
    ParticipantEvent::RunAccepted {
        run,
        name: "p".into(),
        purpose: "p".into(),
        privacy: PrivacyMode::Customer,
        stages,
        retries: 0,
        charge_max,
        grant: Digest::ZERO,
        at: Millis(0),
        shown: Millis(0),
        until: Millis(until),
    }
}
