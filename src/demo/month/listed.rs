//! A branch at work: its customers are scored, and a list of them is made by signed rules, approved and handed over.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use tributary_certs::clock::unix_seconds;
use tributary_client::contact::{Shown, show};
use tributary_model::schema::Encoding;
use tributary_planning::settings::PURPOSE_DEFAULT;
use tributary_protocol::digest::Digest;
use tributary_protocol::plan::Date;
use tributary_storage::files::create_private_folder;
use tributary_texts::Language;

use super::invented::{ATTRIBUTES, CONFIDENTIAL_FILE, CONTACTS_FILE, CUSTOMERS, Codes, TOLERANCES};
use super::promoted::text;
use super::typist::{Typist, Words};

/// The label whose scores choose.
pub(super) const LABEL: &str = "deposit_propensity";
/// Most lines of a list, and most of each team: the three together leave some of the best to the quota.
const TOP: u32 = 300;
const QUOTAS: [u32; 3] = [110, 100, 90];

/// How long rules are in force.
const RULES_SECONDS: u64 = 90 * 86_400;

/// A branch that makes a list.
pub(super) struct ListingBranch<'a> {
    /// Its name.
    pub(super) name: &'a str,
    /// Its folder.
    pub(super) folder: &'a Path,
    /// The schema's file.
    pub(super) schema: &'a Path,
    /// The language of its people and tables.
    pub(super) language: Language,
    /// Whether its customers are invented: nobody sees the id of another one outside of the branch.
    pub(super) invented: bool,
}

/// A list that a branch has handed over.
pub(super) struct Listed {
    /// The branch's name.
    pub(super) branch: String,
    /// The language of its people.
    pub(super) language: Language,
    /// Its settings.
    pub(super) config: PathBuf,
    /// The list, with its counts and first lines.
    pub(super) shown: Shown,
    /// What the bank's system took.
    pub(super) file: PathBuf,
    /// SHA-256 of it.
    pub(super) sha256: String,
    /// The answer to a customer of the list, to be printed.
    pub(super) reply: PathBuf,
    /// Whom it is for.
    customer: String,
    /// Whether the customers are invented.
    pub(super) invented: bool,
}

/// What stands in the place of a customer's id.
const CUSTOMER: &str = "CUSTOMER";

/// A customer's id as it is shown outside of a branch: of an invented customer alone.
fn shown_id(id: &str, invented: bool) -> &str {
    if invented { id } else { CUSTOMER }
}

impl Listed {
    /// Whom the answer is for, as it is shown outside of the branch.
    pub(super) fn customer(&self) -> &str {
        shown_id(&self.customer, self.invented)
    }
}

impl ListingBranch<'_> {
    /// Does all of it.
    ///
    /// # Errors
    /// If a command fails, or a file cannot be written.
    pub(super) async fn list(&self, typist: &mut Typist) -> anyhow::Result<Listed> {
        let [operator, owner, control] =
            ["operator", "owner of the data", "risk control"].map(|who| format!("{}: {who}", self.name));
        let (config, key) = (self.folder.join("client.toml"), self.folder.join("owner.key"));
        self.amend(&config)?;
        // Who does what with a customer, read and signed by the owner of the data.
        let actions = Words::new("client actions init").word(self.folder).with("--schema", self.schema);
        typist.types(&operator, &actions).await?;
        let actions = Words::new("client actions sign").with("--actions", self.folder.join("actions.toml"));
        typist.types(&owner, &actions.with("--key", &key).with("--schema", self.schema)).await?;
        let scores = self.folder.join("scores.csv");
        let score = Words::new("client score --model champion").with("--config", &config);
        let score = score.with("--input", self.folder.join(CUSTOMERS)).with("--output", &scores);
        typist.asks(&operator, &score.with("--lang", self.tongue())).await?;

        let approver = self.folder.join("risk-control.key");
        typist.types(&control, &Words::new("client list key").word(&approver)).await?;
        let rules = self.folder.join("rules.toml");
        let public = fs::read_to_string(approver.with_extension("pub"))?;
        let public =
            public.lines().find(|line| line.starts_with("ed25519:")).context("a public key has such a line")?;
        write(&rules, &self.rules(public))?;
        let sign = Words::new("client list sign").with("--rules", &rules).with("--key", &key);
        typist.types(&owner, &sign).await?;
        let build = Words::new("client list build").with("--config", &config).with("--rules", &rules);
        let build = build.with("--scores", &scores).with("--output", self.folder.join("lists"));
        let built = typist.asks(&operator, &build).await?;
        let number = built["list"].to_string();
        let of_list = |verb: &str| Words::new("client list").word(verb).word(&number).with("--config", &config);
        let approve = of_list("approve").with("--key", &approver).with("--confirm", text(&built, "digest")?);
        typist.types(&control, &approve).await?;

        // The folder from which the bank's system reads, and into which it answers.
        let crm = self.folder.join("crm");
        create_private_folder(&crm)?;
        typist.types(&operator, &of_list("deliver").with("--to", &crm)).await?;
        let (file, sha256, answer) = taken(&crm, &number)?;
        let receipt = Words::new("client list receipt").word(&number).word(&answer).with("--config", &config);
        typist.types(&operator, &receipt).await?;

        let shown = show(&config, number.parse().context("a list has a number")?, unix_seconds())?;
        let customer = shown.first.lines.first().map(|line| line.customer.clone()).unwrap_or_default();
        let reply = self.folder.join("reply.html");
        if !customer.is_empty() {
            let explain = Words::new("client customer explain").with("--config", &config);
            let explain = explain.with_shown("--id", &customer, shown_id(&customer, self.invented));
            typist.types(&operator, &explain.with("--reply", &reply)).await?;
        }
        let Self { name, language, invented, .. } = *self;
        let branch = name.to_owned();
        Ok(Listed { branch, language, config, shown, file, sha256, reply, customer, invented })
    }

    fn tongue(&self) -> &'static str {
        Language::NAMES.iter().find(|(_, language)| *language == self.language).map_or("en", |(name, _)| name)
    }

    /// The settings name the actions and the tables of the campaign from now on.
    fn amend(&self, config: &Path) -> anyhow::Result<()> {
        let text = fs::read_to_string(config).with_context(|| format!("{} cannot be read", config.display()))?;
        let more = format!(
            "\n[scores]\nactions = \"actions.toml\"\n\n[contact]\nattributes = \"{ATTRIBUTES}\"\ncontacts = \"{CONTACTS_FILE}\"\n\
             confidential = \"{CONFIDENTIAL_FILE}\"\n"
        );
        write(config, &(text + &more))
    }

    /// Whom the list may name.
    fn rules(&self, approver: &str) -> String {
        let codes = Codes::of(self.language);
        let Codes { columns: [customer, opt_out, consent, risk, tolerance, team], .. } = codes;
        let ([none, _], [agreed, _], [low, medium, high]) = (codes.refusal, codes.consent, codes.risk);
        let (campaign, encoding) = match (self.language, codes.encoding) {
            (Language::Chinese, Encoding::Gb18030) => ("定期存款推荐", "gb18030"),
            _ => ("time deposits", "utf-8"),
        };
        let quotas: String = codes
            .teams
            .iter()
            .zip(QUOTAS)
            .map(|(team, most)| format!("[[quotas]]\nteam = \"{team}\"\nmost = {most}\n\n"))
            .collect();
        let last_day = Date::of_second(unix_seconds() + RULES_SECONDS);
        let columns: String =
            ["batch", "line", "customer", "team", "probability", "reason_1", "action", "notice", "valid_until"]
                .iter()
                .map(|from| format!("[[delivery.columns]]\nfrom = \"{from}\"\nto = \"{from}\"\n\n"))
                .collect();
        format!(
            "version = 1\n\n[list]\ncampaign = \"{campaign}\"\npurpose = \"{PURPOSE_DEFAULT}\"\napprovers = [\"{approver}\"]\nvalid_until = \"{last_day}\"\n\n\
             [scores]\nlabel = \"{LABEL}\"\n\n[choose]\nby = \"probability\"\ntop = {TOP}\n\n\
             [attributes]\nsource = \"text\"\ncustomer = \"{customer}\"\n\
             opt_out = {{ column = \"{opt_out}\", allowed = [\"{none}\"] }}\n\
             consent = {{ column = \"{consent}\", allowed = [\"{agreed}\"] }}\n\
             risk = {{ column = \"{risk}\", levels = [\"{low}\", \"{medium}\", \"{high}\"], most = \"{medium}\" }}\n\
             tolerance = {{ column = \"{tolerance}\", levels = {TOLERANCES:?}, least = \"{}\" }}\nteam = \"{team}\"\n\n\
             [attributes.csv]\nencoding = \"{encoding}\"\n\n{quotas}\
             [contacts]\nmost = 2\nwindow_days = 30\n\n[contacts.table]\nsource = \"text\"\ncustomer = \"customer\"\nday = \"day\"\n\n\
             [hold_out]\npermille = 100\ndays = 180\nover = \"branch\"\n\n[confidential]\nsource = \"text\"\ncustomer = \"customer\"\n\n\
             [delivery]\ncrm = \"CRM-01\"\nencoding = \"{encoding}\"\nvalid_days = 14\n\n{columns}",
            TOLERANCES[1]
        )
    }
}

/// The bank's system reads the word beside a file, compares the file with it, and answers. Its file, the checksum, and the answer.
fn taken(crm: &Path, number: &str) -> anyhow::Result<(PathBuf, String, PathBuf)> {
    let entries = fs::read_dir(crm)?.filter_map(|entry| Some(entry.ok()?.path()));
    let word = entries.into_iter().find(|path| path.extension().is_some_and(|ending| ending == "ok"));
    let word = word.with_context(|| format!("list {number} was delivered, and {} has no word of it", crm.display()))?;
    let said: serde_json::Value = serde_json::from_slice(&fs::read(&word)?)?;
    let file = crm.join(text(&said, "file")?);
    let sha256 = Digest::of(&fs::read(&file)?).to_string();
    ensure!(said["sha256"] == sha256.as_str(), "{} is another file than its word says", file.display());
    let answer = crm.join("answer.json");
    let taken = serde_json::json!({
        "format": 1, "batch": said["batch"], "sha256": sha256, "lines": said["lines"], "accepted": true,
    });
    write(&answer, &taken.to_string())?;
    Ok((file, sha256, answer))
}

fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    fs::write(path, text).with_context(|| format!("{} cannot be written; check the free space", path.display()))
}

#[cfg(test)]
mod tests {
    use tributary_client::contact::Rules;

    use super::*;

    #[test]
    fn the_rules_are_rules_in_both_languages() {
        for language in [Language::English, Language::Chinese] {
            let path = Path::new("/nowhere");
            let branch = ListingBranch { name: "b", folder: path, schema: path, language, invented: true };
            let text = branch.rules(&format!("ed25519:{}", "ab".repeat(32)));
            let rules = Rules::parse(Path::new("rules.toml"), &text).unwrap_or_else(|faults| panic!("{faults}"));
            assert_eq!(rules.label, LABEL);
        }
    }
}
