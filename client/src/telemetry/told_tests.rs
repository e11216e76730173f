use super::*;
use tributary_protocol::digest::Digest;
use tributary_protocol::ids::ClientId;
use tributary_protocol::plan::RunRef;

fn text(text: &str) -> String {
    text.to_owned()
}

/// One report of each kind and form. Each of its figures and words is another one, so that two that are exchanged show.
fn all() -> Vec<Report> {
    let of = || RunName::of(&RunRef { plan: Digest([3; 32]), number: 2 }, text("churn"));
    let said = |what: &str| Said::verbatim(what);
    let muster = |missing: Vec<ClientId>, more| Muster { here: 5, needed: 8, missing, more };
    let ends = |level| Report::CertificateEnds { not_after: 1_900_000_000, left_seconds: 7_300, level };
    let mut all = vec![
        Report::Connected { coordinator: text("centre"), transport: "quic", resumed: false },
        Report::Connected { coordinator: text("centre"), transport: "tcp", resumed: true },
        Report::ModelStated { step: "promote", words: text("these words") },
        Report::ModelKept { model: text("model"), purpose: text("purpose") },
        Report::ModelDeleted { model: text("model"), withdrawn: true },
        Report::ModelDeleted { model: text("model"), withdrawn: false },
        Report::GrantCarried { grant: text("grant"), withdrawn: false },
        Report::GrantCarried { grant: text("grant"), withdrawn: true },
        Report::Disconnected { reason: text("reason"), retry_ms: 11 },
        Report::DatasetRemark { file: text("file"), remark: text("remark"), said: said("said") },
        Report::RowsDropped { rows: 12, kept: 13 },
        Report::MaximaPassed { customers: 14, rows: 15 },
        Report::Accepted { of: of() },
        Report::Paused,
        Report::Resumed,
        Report::late(of(), RoundId(16)),
        Report::HeadAdopted { file: 0, shown: 17 },
        Report::HeadAdopted { file: 18, shown: 19 },
        Report::BudgetBegun { counter: 1 },
        Report::BudgetBegun { counter: 20 },
        Report::roster(21, 0, None),
        Report::roster(22, 23, None),
        Report::ClockDiffers { skew_seconds: 24 },
        Report::CertificateRenewed { not_after: 1_900_000_000 },
        Report::RenewalFailed { reason: text("reason"), retry_seconds: 25 },
        ends(Expiry::Fine),
        ends(Expiry::Due),
        ends(Expiry::Warning),
        ends(Expiry::Critical),
        ends(Expiry::Expired),
        Report::muster(of(), &muster(vec![], 0), None),
        Report::muster(of(), &muster(vec![ClientId(4), ClientId(9)], 1), None),
        Report::Distrusted { reason: text("reason") },
        Report::ListsRenewed { next_update: 26 },
        Report::ListsEnd { next_update: 27, left_seconds: 0, cure: text("cure") },
        Report::ListsEnd { next_update: 27, left_seconds: 7_200, cure: text("cure") },
        Report::LogRefused { seen: 28, shown: 29, shorter: true, file: text("file") },
        Report::LogRefused { seen: 28, shown: 29, shorter: false, file: text("file") },
        Report::EndNotCosigned { seen: 28 },
        Report::Round { of: of(), round: 30, committed: true },
        Report::Round { of: of(), round: 31, committed: false },
        Report::NotReady { of: of(), as_of: text("2030-01-01"), reason: text("reason"), said: said("said") },
        Report::NotReadyAgain { reason: text("reason"), said: said("said") },
        Report::grant_awaited(of(), GrantFault::None, Some(1_900_000_000)),
        Report::Refused { of: of(), reason: text("reason") },
        Report::Finished {
            of: of(),
            rounds: 32,
            cpu_seconds: 33.125,
            cpu_seconds_before: 34.5,
            cpu_seconds_training: 35.5,
            cpu_seconds_noise: 36.5,
            rss_bytes_max: Some(37),
            bytes_up: 38,
            bytes_down: 39,
        },
    ];
    all.extend(GrantFault::ALL.map(|fault| Report::grant_awaited(of(), fault, None)));
    all
}

#[test]
fn every_report_is_told_as_it_was_in_both_languages_and_as_an_event() {
    let mut told = String::new();
    for report in all() {
        let sentence = sentence(&report);
        for line in [
            sentence.text(Language::English).to_owned(),
            sentence.text(Language::Chinese).to_owned(),
            serde_json::to_string(&report).unwrap(),
        ] {
            told += &line;
            told.push('\n');
        }
        told.push('\n');
    }
    assert_eq!(told, include_str!("told.txt"), "{told}");
}
