//! A change of points in words, and for programs.

use std::path::Path;

use tributary_certs::inspect::date;
use tributary_certs::points::PointsFile;

/// A change in words, for whoever signs.
pub(super) fn in_words(file: &PointsFile) -> String {
    let (own, lineage) = (&file.statement, &file.manifest.lineage);
    let (odds, double) = (f64::from_bits(own.base_odds), f64::from_bits(own.double));
    let mut text = format!(
        "the scorecard of \"{}\" gives bin {} of \"{}\" ({}) {} points, and not {}\n",
        own.head, own.bin, own.field, own.values, own.after, own.before
    );
    let mut line = |name: &str, value: String| text += &format!("  {name:<10}{value}\n");
    line("model", own.model.to_string());
    line("plan", format!("\"{}\" ({}), run {}", lineage.name, lineage.run.plan, lineage.run.number));
    line("owner", lineage.owner.to_string());
    line("scale", format!("{} points at odds of {odds} to 1, {double} more double the odds", own.base_points));
    line("reason", own.reason.to_string());
    line("number", format!("{} of this model's changes", own.sequence));
    for signed in &file.signatures {
        line("signed by", format!("{} as {}, {}", signed.staff, signed.role, date(signed.at)));
    }
    line("change", own.digest().to_string());
    text
}

/// The same for programs.
pub(super) fn as_json(file: &PointsFile, path: &Path) -> serde_json::Value {
    let own = &file.statement;
    let signed: Vec<String> = file.signatures.iter().map(|one| format!("{} ({})", one.staff, one.role)).collect();
    serde_json::json!({
        "file": path, "change": own.digest().to_string(), "model": own.model.to_string(), "head": own.head.to_string(),
        "field": own.field.to_string(), "bin": own.bin, "before": own.before, "after": own.after, "sequence": own.sequence,
        "reason": own.reason.to_string(), "signed": signed,
    })
}
