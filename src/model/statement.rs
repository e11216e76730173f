//! A statement about a model, in words and for programs.

use std::fmt::Write as _;
use std::path::Path;

use tributary_certs::inspect::date;
use tributary_certs::model::StatementFile;
use tributary_protocol::digest::Digest;

use super::report;

/// A statement's file in words, for whoever signs.
pub(super) fn in_words(file: &StatementFile) -> String {
    let (statement, lineage) = (&file.statement, &file.manifest.lineage);
    let mut text = format!("{}\n", statement.in_words());
    let mut line = |name: &str, value: &dyn std::fmt::Display| {
        let _ = writeln!(text, "  {name:<10}{value}");
    };
    line("model", &statement.model);
    line("plan", &format!("\"{}\" ({}), run {}", lineage.name, lineage.run.plan, lineage.run.number));
    line("owner", &lineage.owner);
    line("rounds", &lineage.rounds);
    line("reason", &statement.reason);
    for branch in statement.scope.branches() {
        line("branch", branch);
    }
    match statement.evidence {
        Digest::ZERO => line("evidence", &"none"),
        evidence => line("evidence", &evidence),
    }
    line("number", &format!("{} of its purpose", statement.sequence));
    for signed in &file.signatures {
        line("signed by", &format!("{} as {}, {}", signed.staff, signed.role, date(signed.at)));
    }
    line("statement", &statement.digest());
    if let Some(signed) = &file.report {
        text.push_str(&report::lines(&signed.report, Some(&signed.signed)));
    }
    text
}

/// The same for programs.
pub(super) fn as_json(file: &StatementFile, path: &Path) -> serde_json::Value {
    let statement = &file.statement;
    let signed: Vec<String> =
        file.signatures.iter().map(|signed| format!("{} ({})", signed.staff, signed.role)).collect();
    serde_json::json!({
        "file": path, "statement": statement.digest().to_string(), "step": statement.step.name(),
        "model": statement.model.to_string(), "purpose": statement.purpose.to_string(), "sequence": statement.sequence,
        "signed": signed, "report": file.report.as_ref().map(|signed| report::object(&signed.report, Some(&signed.signed))),
    })
}
