//! A model as a file for other systems, with a number, a recipient and a last day; and the register of these files.

use std::path::PathBuf;

use clap::Args;
use tributary_certs::clock::unix_seconds;
use tributary_coordinator::registry::{self, ExportLine, ExportRecord, NewExport, RegistryError};
use tributary_evidence::ExportFormat;
use tributary_model::export::{self, Dialect, ExportFault, SqlNames, Stamp};
use tributary_planning::dates::day;
use tributary_protocol::printable::Printable;
use tributary_protocol::registry::ModelState;
use tributary_storage::files::shown;
use tributary_texts::{Language, exports as words};

use super::explained::explained;
use crate::exit::Failure;
use crate::{json, typed};

/// What becomes of which model, and for whom.
#[derive(Args)]
pub(crate) struct ExportOptions {
    /// The coordinator's settings file
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// The model: its digest, or the first eight digits of it or more; or `champion`
    #[arg(long, value_name = "MODEL")]
    model: String,
    /// What is written: the parameters alone (safetensors); from columns to probabilities, for every network (onnx) or for additive models (pmml); one
    /// statement that scores a table, for additive models (sql)
    #[arg(long, value_name = "FORMAT", value_parser = typed::word(ExportFormat::ALL, ExportFormat::name))]
    format: ExportFormat,
    /// The dialect of SQL [default: ansi]
    #[arg(long, value_name = "DIALECT", value_parser = typed::word(Dialect::ALL, Dialect::name))]
    dialect: Option<Dialect>,
    /// One label of the model; PMML and SQL have one
    #[arg(long, value_name = "LABEL")]
    head: Option<String>,
    /// For SQL: the table or view that is scored, perhaps after its schema [default: customers]
    #[arg(long, value_name = "TABLE")]
    table: Option<String>,
    /// For SQL: the column that tells its rows apart [default: the schema's customer column]
    #[arg(long, value_name = "COLUMN")]
    key: Option<String>,
    /// The schema file of the model's plan [default: the plan's, as it was activated here]
    #[arg(long, value_name = "FILE")]
    schema: Option<PathBuf>,
    /// Who may use the file
    #[arg(long, value_name = "WHO", value_parser = recipient)]
    recipient: String,
    /// The last day on which it may be used, as YEAR-MONTH-DAY in UTC
    #[arg(long, value_name = "DATE", value_parser = typed::last_second)]
    valid_until: u64,
    /// For trial: a candidate, which nobody has promoted, for 31 days at most
    #[arg(long)]
    trial: bool,
    /// The file; never replaced
    #[arg(long, value_name = "FILE")]
    output: PathBuf,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Of which register.
#[derive(Args)]
pub(crate) struct ExportsOptions {
    /// The coordinator's settings file
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// The language of the list; without it, that of the locale
    #[arg(long, value_name = "LANGUAGE", value_parser = typed::language())]
    lang: Option<Language>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

fn recipient(text: &str) -> Result<String, String> {
    let most = ExportRecord::RECIPIENT_MAX;
    let fault = || format!("a recipient is one line of 1 to {most} characters that show as they are");
    ExportRecord::is_recipient(text).then(|| text.to_owned()).ok_or_else(fault)
}

/// Why nothing was exported.
enum Refused {
    Registry(RegistryError),
    Export(ExportFault),
}

impl From<RegistryError> for Refused {
    fn from(error: RegistryError) -> Self {
        Self::Registry(error)
    }
}

impl From<Refused> for Failure {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Registry(error) => explained(error),
            Refused::Export(fault) => Failure::failed(format!("{fault}. Nothing was exported")),
        }
    }
}

/// `tributary model export`.
pub(super) fn export(options: &ExportOptions) -> Result<(), Failure> {
    let ExportOptions { format, head, output, recipient, valid_until, .. } = options;
    if *format != ExportFormat::Sql && (options.dialect.is_some() || options.table.is_some() || options.key.is_some()) {
        return Err(Failure::usage("--dialect, --table and --key are for `--format sql`"));
    }
    if *format == ExportFormat::Safetensors && head.is_some() {
        return Err(Failure::usage("safetensors hold the whole model; leave --head out"));
    }
    let model = registry::load(&options.config, &options.model, options.schema.as_deref()).map_err(explained)?;
    let (parameters, schema) = (&model.parameters, &model.schema);
    let head = match format.has_one_head() {
        true => Some(export::one_head(parameters, head.as_deref()).map_err(Refused::Export)?),
        false => head.clone(),
    };
    let dialect = (*format == ExportFormat::Sql).then(|| options.dialect.unwrap_or(Dialect::Ansi));
    let table = options.table.as_deref().unwrap_or("customers");
    let new = NewExport {
        format: *format,
        dialect: dialect.map(Dialect::name),
        head: head.as_deref(),
        recipient,
        valid_until: *valid_until,
        trial: options.trial,
        now: unix_seconds(),
    };
    let make = |number| {
        let stamp = Stamp {
            number,
            model: model.manifest.digest(),
            schema: model.manifest.schema,
            // Whoever opens the file reads it there.
            purpose: format!(
                "{}{}",
                model.line.purpose,
                if options.trial { " (for trial: nobody has promoted this model)" } else { "" }
            ),
            recipient: recipient.clone(),
            valid_until: day(*valid_until),
        };
        let head = head.as_deref();
        let one = head.unwrap_or_default();
        match (format, dialect) {
            (ExportFormat::Safetensors, _) => export::safetensors(parameters, schema, &stamp),
            (ExportFormat::Onnx, _) => export::onnx(parameters, schema, head, &stamp),
            (ExportFormat::Pmml, _) => export::pmml(parameters, schema, one, &stamp),
            (ExportFormat::Sql, dialect) => {
                let (dialect, names) =
                    (dialect.unwrap_or(Dialect::Ansi), SqlNames { table, key: options.key.as_deref() });
                export::sql(parameters, schema, one, dialect, names, &stamp).map(String::into_bytes)
            }
        }
        .map_err(Refused::Export)
    };
    let record = registry::export(&options.config, &model, &new, output, make)?;
    if options.json {
        json::print(&serde_json::json!({ "path": output, "export": record }));
    } else {
        println!(
            "{}: export {} of model {}, for {recipient} until {}; `tributary model exports` lists all",
            shown(output),
            record.number,
            &record.model[..16],
            day(record.valid_until)
        );
    }
    Ok(())
}

/// `tributary model exports`.
pub(super) fn exports(options: &ExportsOptions) -> Result<(), Failure> {
    let all = registry::exports(&options.config, unix_seconds()).map_err(explained)?;
    if options.json {
        json::print(&serde_json::json!({ "exports": all }));
        return Ok(());
    }
    let language = options.lang.unwrap_or_else(Language::of_environment);
    if all.is_empty() {
        println!("{}", words::none().text(language));
    }
    for ExportLine { record, void, expired } in &all {
        let state = match (void, expired) {
            (true, _) => words::void(),
            (false, true) => words::expired(),
            (false, false) if record.state == ModelState::Candidate.name() => words::trial(),
            (false, false) => words::valid(),
        };
        let kind =
            record.dialect.as_ref().map_or_else(|| record.format.clone(), |own| format!("{} {own}", record.format));
        let (made, until) = (day(record.made_at), day(record.valid_until));
        // A record that an earlier release took may have anything in it.
        let [kind, recipient] = [&kind, &record.recipient].map(|text| Printable::new(text));
        let line = words::line(record.number, kind, &record.model[..16], recipient, made, until, state);
        println!("{}", line.text(language));
    }
    Ok(())
}
