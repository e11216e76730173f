//! The champion for other systems: exports with number, recipient and last day, and scorecards.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use tributary_coordinator::registry::{ExportRecord, exports};
use tributary_protocol::plan::Date;

use super::listed::LABEL;
use super::typist::{Typist, Words};

const OPERATOR: &str = "the coordinator's operator";
/// How long an export may be used, in seconds.
const VALID_SECONDS: u64 = 180 * 86_400;

/// Format with its options, recipient, and the file's name.
const EXPORTS: [(&str, &str, &str); 4] = [
    ("onnx", "mobile banking", "model.onnx"),
    ("pmml", "card centre", "deposits.pmml"),
    ("sql --dialect oracle", "data warehouse", "deposits.oracle.sql"),
    ("safetensors", "model archive", "model.safetensors"),
];

/// An export and its file.
pub(super) struct Exported {
    /// What the register says.
    pub(super) record: ExportRecord,
    /// Where the file is.
    pub(super) path: PathBuf,
}

/// Exports the champion, and writes its scorecards.
///
/// # Errors
/// If a command fails, or the register does not have what was exported.
pub(super) async fn export(
    config: &Path,
    folder: &Path,
    now: u64,
    typist: &mut Typist,
) -> anyhow::Result<Vec<Exported>> {
    let until = Date::of_second(now + VALID_SECONDS).to_string();
    for (format, recipient, file) in EXPORTS {
        let words = Words::new(&format!("model export --model champion --format {format}")).with("--config", config);
        let words = match format.split(' ').next() {
            Some("pmml" | "sql") => words.with("--head", LABEL),
            _ => words,
        };
        let words = words.with("--recipient", recipient).with("--valid-until", &until);
        typist.asks(OPERATOR, &words.with("--output", folder.join(file))).await?;
    }
    for (page, language) in [("scorecard.html", "en"), ("scorecard.zh.html", "zh")] {
        let words = Words::new("model scorecard champion").with("--config", config).with("--html", folder.join(page));
        typist.types(OPERATOR, &words.with("--lang", language)).await?;
    }
    let all = exports(config, now)?;
    let of = |(_, _, name): (&str, &str, &str)| {
        let found = all.iter().find(|line| line.record.file == name);
        let record = found.with_context(|| format!("the register of exports does not have {name}"))?.record.clone();
        Ok(Exported { record, path: folder.join(name) })
    };
    EXPORTS.into_iter().map(of).collect()
}
