//! Reports on gates, and statements that carry one, judged without a registry.

use super::*;
use crate::limits::{CONDITIONS_MAX, MODEL_REASON_BYTES_MAX, REPORT_SECONDS_MAX};

fn measured(low: u32, value: u32, high: u32) -> Figure {
    Figure::Measured { value, low, high }
}

/// Of so many bytes, and of few enough characters for a line.
fn text_of(bytes: usize) -> crate::printable::Untrusted {
    ("ü".repeat(bytes / 2) + &"x".repeat(bytes % 2)).into()
}

/// By the worse end of its interval, to the last part; a figure outside its own interval is none.
#[test]
fn a_figure_holds_by_its_worse_end() {
    let (least, most) = (gate(Measure::Auc, 7_000), gate(Measure::CalibrationError, 300));
    let moved = gate(Measure::Stability, 2_500);
    let rows = [
        (&least, measured(7_000, 7_000, 7_000), true),
        (&least, measured(7_000, 8_000, 9_000), true),
        (&least, measured(6_999, 8_000, 9_000), false),
        (&least, measured(7_001, 7_000, 9_000), false),
        (&least, measured(7_000, 9_000, 8_999), false),
        (&most, measured(300, 300, 300), true),
        (&most, measured(100, 200, 300), true),
        (&most, measured(100, 200, 301), false),
        (&most, measured(201, 200, 300), false),
        (&most, measured(100, 301, 300), false),
        (&moved, measured(0, 0, 2_500), true),
        (&least, Figure::Absent, false),
        (&most, Figure::Absent, false),
        (&moved, Figure::Absent, false),
    ];
    for champion in [None, Some(Digest::of(b"champion"))] {
        for (gate, figure, holds) in rows {
            assert_eq!(figure.holds(gate, champion.as_ref()), holds, "{gate:?} {figure:?} {champion:?}");
        }
        // Only where nothing could be compared it needs no comparison.
        let none = [&least, &most, &moved].map(|gate| Figure::NoChampion.holds(gate, champion.as_ref()));
        assert_eq!(none, [false, false, champion.is_none()]);
    }
}

#[test]
fn the_first_gate_that_does_not_hold_is_named() {
    let good = report(&manifest(1)).report;
    assert_eq!(good.check_gates(), Ok(()));
    let failing = |places: &[usize]| {
        let mut report = good.clone();
        places.iter().for_each(|place| report.figures[*place] = Figure::Absent);
        let verdicts: Vec<_> = report.verdicts().map(|(gate, figure, holds)| (gate.clone(), figure, holds)).collect();
        let expected = (0..2).map(|at| (report.gates.limits[at].clone(), report.figures[at], !places.contains(&at)));
        assert_eq!(verdicts, expected.collect::<Vec<_>>());
        report.check_gates()
    };
    assert_eq!(failing(&[0]), Err(ReportFault::Fails(1)));
    assert_eq!(failing(&[1]), Err(ReportFault::Fails(2)));
    assert_eq!(failing(&[0, 1]), Err(ReportFault::Fails(1)));
}

#[test]
fn a_report_is_about_one_model_of_one_plan() {
    let model = manifest(1);
    let good = report(&model).report;
    assert_eq!(good.check_model(&model, &federation()), Ok(()));
    assert_eq!(good.check_model(&manifest(2), &federation()), Err(ReportFault::Other));
    assert_eq!(good.check_model(&model, &Digest::ZERO), Err(ReportFault::Other));
    type Lie = (fn(&mut GatesReport), ReportFault);
    let lies: [Lie; 7] = [
        (|it| it.model.0[0] ^= 1, ReportFault::Other),
        (|it| it.federation.0[0] ^= 1, ReportFault::Other),
        (|it| it.statement.0[0] ^= 1, ReportFault::Other),
        (|it| it.terms.0[0] ^= 1, ReportFault::Gates),
        (|it| it.gates.limits[0].limit += 1, ReportFault::Gates),
        (|it| it.figures.truncate(1), ReportFault::Figures),
        (|it| it.figures.push(Figure::Absent), ReportFault::Figures),
    ];
    for (number, (lie, fault)) in lies.into_iter().enumerate() {
        let mut report = good.clone();
        lie(&mut report);
        assert_eq!(report.check_model(&model, &federation()), Err(fault), "lie {number}");
    }
}

/// Findings and each condition to the last byte, and as many conditions as fit.
#[test]
fn what_a_validator_wrote_is_seen_whole() {
    let longest = MODEL_REASON_BYTES_MAX;
    let judged = |findings: usize, conditions: &[usize]| {
        let (findings, conditions) = (text_of(findings), conditions.iter().map(|bytes| text_of(*bytes)).collect());
        GatesReport { findings, conditions, ..report(&manifest(1)).report }.check_words()
    };
    for conditions in [&[][..], &[1], &[longest, 1], &[1; CONDITIONS_MAX]] {
        assert_eq!((judged(1, conditions), judged(longest, conditions)), (Ok(()), Ok(())));
        assert_eq!((judged(0, conditions), judged(longest + 1, conditions)), [Err(ReportFault::Words); 2].into());
    }
    for conditions in [&[0][..], &[longest + 1], &[1, 0], &[0, 1], &[1; CONDITIONS_MAX + 1]] {
        assert_eq!(judged(1, conditions), Err(ReportFault::Words), "{conditions:?}");
    }
}

#[test]
fn a_reason_is_seen_whole() {
    let model = manifest(1);
    for (bytes, whole) in [(0, false), (1, true), (MODEL_REASON_BYTES_MAX, true), (MODEL_REASON_BYTES_MAX + 1, false)] {
        let reason = text_of(bytes);
        let signed = signed(ModelStatement { reason, ..statement(ModelStep::Retire, &model, 1) }, None);
        let (manifest, roster, federation) = (&model, &roster().roster, &federation());
        let judged = signed.judge::<Toy>(StatementGrounds { manifest, roster, federation, now: Some(NOW) });
        assert_eq!(judged, if whole { Ok(()) } else { Err(StatementFault::Reason) }, "{bytes}");
    }
}

/// From the second of the signature to the last one of two years.
#[test]
fn a_report_ends_within_two_years() {
    let report = |valid_until| GatesReport { valid_until, ..report(&manifest(1)).report };
    for (valid_until, ends) in
        [(0, false), (9, false), (10, true), (10 + REPORT_SECONDS_MAX, true), (11 + REPORT_SECONDS_MAX, false)]
    {
        let expected = if ends { Ok(()) } else { Err(ReportFault::Validity) };
        assert_eq!(report(valid_until).check_end(10), expected, "{valid_until}");
    }
}

/// Nobody signs what lets a model be used after the report is over, first or second; a rollback alone outlives it.
#[test]
fn a_report_holds_until_both_have_signed() {
    let model = manifest(1);
    let short = validated(GatesReport { valid_until: 150, ..report_of(&model, &gates(), None) });
    for step in ModelStep::ALL.into_iter().filter(|step| step.needs_report()) {
        for (first, second, in_time) in [(150, 150, true), (151, 100, false), (100, 151, false), (151, 151, false)] {
            let mut signed = both(step, &model, 1, short.clone());
            (signed.first.at, signed.second.at) = (first, second);
            let expected = if in_time || step == ModelStep::RollBack {
                Ok(Some(&short))
            } else {
                Err(StatementFault::Report(ReportFault::Ended))
            };
            assert_eq!(signed.report(&model), expected, "{step:?} {first} {second}");
        }
    }
}

/// Whoever has both roles does not validate what they state as a plan's owner.
#[test]
fn a_validator_is_not_the_plans_owner() {
    let model = manifest(1);
    let own = StatementFault::Report(ReportFault::Owner);
    let good = both(ModelStep::Promote, &model, 1, report(&model));
    assert!(good.report(&model).is_ok());
    for first in [true, false] {
        let mut signed = good.clone();
        let signature = if first { &mut signed.first } else { &mut signed.second };
        (signature.staff, signature.role) = (staff(VALIDATOR), Role::PlanOwner);
        assert_eq!(signed.report(&model), Err(own), "as first: {first}");
    }
    let of_report = |found: &SignedReport| StatementFault::of_report(&good.statement, Some(found), &model);
    let signed_by = |number, role| SignedReport {
        signed: attested_at(10, number, role, Action::ValidateModel, report(&model).report.digest()),
        ..report(&model)
    };
    assert_eq!(of_report(&signed_by(VALIDATOR, Role::ModelValidator)), Ok(()));
    for (number, role) in
        [(PROPOSER, Role::ModelValidator), (VALIDATOR, Role::PrivacyOfficer), (PROPOSER, Role::PlanOwner)]
    {
        assert_eq!(of_report(&signed_by(number, role)), Err(own), "{number} {}", role.name());
    }
}

/// Each step has the report that it needs, and no other one.
#[test]
fn a_report_goes_with_the_steps_that_need_one() {
    let model = manifest(1);
    let other = validated(GatesReport { made: 6, ..report_of(&model, &gates(), None) });
    for step in ModelStep::ALL {
        let statement = statement(step, &model, 1);
        let judged = |report: Option<&SignedReport>| StatementFault::of_report(&statement, report, &model);
        let missing = Err(StatementFault::NoReport);
        let expected = match step {
            ModelStep::Retire | ModelStep::Withdraw => (Ok(()), Err(StatementFault::SpareReport)),
            _ => (missing, Ok(())),
        };
        assert_eq!((judged(None), judged(Some(&report(&model)))), expected, "{step:?}");
        if step.needs_report() {
            assert_eq!(judged(Some(&other)), missing, "another one than it names");
        }
        let signed = SignedStatement { report: None, ..signed(statement.clone(), None) };
        assert_eq!(signed.report(&model).map(|report| report.is_some()), expected.0.map(|()| false), "{step:?}");
    }
}
