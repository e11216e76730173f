//! `tributary report security`, `dpia` and `ropa`, and papers of any kind read from their files.

use std::path::{Path, PathBuf};

use clap::Args;
use serde::Serialize;
use tributary_coordinator::registry::{dpia_report, ropa_report, security_report};
use tributary_evidence::assessor::{ImpactReport, ProcessingRecord, SbomLine, SecurityReport};
use tributary_evidence::paper::{Body, Paper};
use tributary_protocol::digest::Digest;
use tributary_protocol::registry::Sight;
use tributary_texts::{Language, report as words};

use super::options::{ComplianceOptions, free, write};
use super::page::{impact, processing, security};
use crate::exit::{Exit, Failure};
use crate::inspect::{Asked, InspectionOptions};
use crate::verify::Beside;
use crate::{json, typed};

/// The list of components that this executable was built from.
const LOCK: &str = include_str!("../../Cargo.lock");

/// Of what a security report is made.
#[derive(Args)]
pub(crate) struct SecurityOptions {
    /// The coordinator's settings file
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// The language of the page
    #[arg(long, value_name = "LANGUAGE", default_value = "en", value_parser = typed::language())]
    lang: Language,
    /// The JSON file to write; the page is written beside it, with the ending .html
    #[arg(long, value_name = "FILE")]
    output: PathBuf,
    #[command(flatten)]
    inspection: InspectionOptions,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

pub(super) fn sbom() -> SbomLine {
    let packages = LOCK.lines().filter(|line| *line == "[[package]]").count() as u64;
    SbomLine { digest: Digest::of(LOCK.as_bytes()).to_string(), packages }
}

pub(super) fn of_security(options: &SecurityOptions) -> Result<Exit, Failure> {
    let SecurityOptions { config, lang, output, inspection, json } = options;
    let page = free(output)?;
    inspection.record(config, &Asked::of(Sight::ReportSecurity, "all"))?;
    let paper = security_report(config, sbom()).map_err(Failure::failed)?;
    put(&paper, security::page(&paper, *lang), (output, &page), (*lang, *json))
}

pub(super) fn of_ropa(options: &ComplianceOptions) -> Result<Exit, Failure> {
    let page = free(&options.output)?;
    let asked = options.asked(Sight::ReportRopa)?;
    let paper = ropa_report(&options.config, &asked, Beside::of).map_err(Failure::failed)?;
    let text = processing::page(&paper, options.lang);
    put(&paper, text, (&options.output, &page), (options.lang, options.json))
}

pub(super) fn of_dpia(options: &ComplianceOptions) -> Result<Exit, Failure> {
    let page = free(&options.output)?;
    let asked = options.asked(Sight::ReportDpia)?;
    let paper = dpia_report(&options.config, &asked, Beside::of).map_err(Failure::failed)?;
    let text = impact::page(&paper, options.lang);
    put(&paper, text, (&options.output, &page), (options.lang, options.json))
}

fn put<T: Body + Serialize>(
    paper: &Paper<T>,
    text: String,
    (output, page): (&Path, &Path),
    (language, json): (Language, bool),
) -> Result<Exit, Failure> {
    write(output, paper.to_json().as_bytes())?;
    write(page, text.as_bytes())?;
    if json {
        json::print(
            &serde_json::json!({ "report": output, "page": page, "digest": paper.digest(), "key": paper.key() }),
        );
    } else {
        let written = |path: &Path| words::written(path.display()).text(language).to_owned();
        println!("{}\n{}\n  digest  {}\n  key     {}", written(output), written(page), paper.digest(), paper.key());
    }
    Ok(Exit::Done)
}

/// The page of a paper of one of these kinds; nothing where it is of none.
///
/// # Errors
/// If its signature does not hold.
pub(super) fn page_of(path: &Path, bytes: &[u8], language: Language) -> Option<Result<String, Failure>> {
    let failed = |fault| Failure::failed(format!("{}: {fault}", path.display()));
    match tributary_evidence::paper::kind_of(bytes)?.as_str() {
        "security" => {
            Some(Paper::<SecurityReport>::read(bytes).map(|paper| security::page(&paper, language)).map_err(failed))
        }
        "ropa" => {
            Some(Paper::<ProcessingRecord>::read(bytes).map(|paper| processing::page(&paper, language)).map_err(failed))
        }
        "dpia" => Some(Paper::<ImpactReport>::read(bytes).map(|paper| impact::page(&paper, language)).map_err(failed)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// Libraries that compute something of cryptography depend on one of these. A library that has TLS spoken by another one is not among them.
    const SIGNS: [&str; 9] = [
        "aead",
        "aws-lc-sys",
        "cipher",
        "constant_time_eq",
        "crypto-common",
        "cryptoki-sys",
        "curve25519-dalek-derive",
        "digest",
        "ring",
    ];

    /// Direct dependencies of this project's own crates that are libraries of cryptography, by the list of components.
    fn in_the_lock() -> BTreeSet<String> {
        let packages: Vec<&str> = LOCK.split("[[package]]").skip(1).collect();
        let name = |package: &str| {
            let line = package.lines().find_map(|line| line.strip_prefix("name = ")).unwrap();
            line.trim_matches('"').to_owned()
        };
        let needs = |package: &str| -> BTreeSet<String> {
            let list = package.split_once("dependencies = [").map_or("", |(_, list)| list);
            let names = list.lines().filter_map(|line| line.trim().strip_prefix('"'));
            names.map(|line| line.split(['"', ' ']).next().unwrap().to_owned()).collect()
        };
        let own: BTreeSet<String> = packages
            .iter()
            .filter(|package| name(package).starts_with("tributary"))
            .flat_map(|package| needs(package))
            .collect();
        let computes = |package: &&&str| needs(package).iter().any(|need| SIGNS.contains(&need.as_str()));
        packages.iter().filter(computes).map(|package| name(package)).filter(|name| own.contains(name)).collect()
    }

    #[test]
    fn the_bill_names_every_library_of_cryptography_that_is_built_in() {
        let billed: BTreeSet<String> =
            tributary_evidence::assessor::bill().into_iter().flat_map(|line| line.libraries).collect();
        // In tests alone: the plain stream beside which masks are measured.
        let tests = ["aes", "ctr"].map(str::to_owned);
        let missing: Vec<String> =
            in_the_lock().into_iter().filter(|name| !billed.contains(name) && !tests.contains(name)).collect();
        assert_eq!(missing, Vec::<String>::new());
        assert!(in_the_lock().len() > 8, "{:?}", in_the_lock());
    }

    #[test]
    fn the_list_of_components_is_that_of_this_build() {
        let sbom = sbom();
        assert!(sbom.packages > 100 && sbom.digest.len() == 64, "{sbom:?}");
    }
}
