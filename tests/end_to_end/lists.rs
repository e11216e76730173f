//! Lists through the built executable, as docs/LISTS.md tells it: from scores to outcomes, and what a customer may ask.

use std::fs;
use std::path::PathBuf;

use tributary_certs::clock::unix_seconds;
use tributary_certs::enrolment::{init_authority, issue_client};
use tributary_certs::identity::TrustDomain;
use tributary_certs::keys::read_signing_key;
use tributary_model::schema::Schema;
use tributary_protocol::digest::Digest;
use tributary_protocol::plan::Date;

use crate::kept_model::{OWNER, PURPOSE, champion};
use crate::support::{Finished, run};

const MANUAL: &str = include_str!("../../docs/LISTS.md");

/// Customers of the branch. Every tenth has refused contacts.
const CUSTOMERS: u32 = 400;

/// What the branch knows of a customer. The balances of the first customers fall most.
const SCHEMA: &str = r#"
name = "lists"
version = 1
format = 2
customer_column = "KHH"
necessity = "habits come before a customer leaves"
fields = [
    { name = "fall", reason_zh = "余额下降", necessity = "balance falls", kind = "numeric", min = 0, max = 1000, class = "C1", level = "L1" },
    { name = "state", kind = "categorical", categories = ["1", "frozen"], class = "C1", level = "L1" },
]
labels = [{ name = "churn", column = "left", positive = ["1"], negative = ["0"] }]
"#;

/// An action for everybody, with its notice.
const ACTIONS: &str = r#"
[actions]
schema = "SCHEMA"
[[stages]]
name = "all"
action_zh = "致电"
action_en = "call"
notice_zh = "存款受保险保障"
notice_en = "deposits are insured"
"#;

/// The sample's rules as this branch's people fill them in: the key of who approves, and a last day three months from now.
pub(crate) fn filled_in(sample: &str, approver: &str) -> String {
    let last_day = Date::of_second(unix_seconds() + 90 * 86_400);
    let keyed = sample.replace(&format!("ed25519:{}", "0".repeat(64)), approver);
    keyed.replace("valid_until = \"2026-12-31\"", &format!("valid_until = \"{last_day}\""))
}

/// A text in the encoding of the sample's tables: the words that they use, in GB18030.
fn gb18030(text: &str) -> Vec<u8> {
    const WORDS: [(&str, &[u8]); 6] = [
        ("否", b"\xb7\xf1"),
        ("是", b"\xca\xc7"),
        ("营销", b"\xd3\xaa\xcf\xfa"),
        ("低", b"\xb5\xcd"),
        ("一组", b"\xd2\xbb\xd7\xe9"),
        ("二组", b"\xb6\xfe\xd7\xe9"),
    ];
    let (mut bytes, mut rest) = (Vec::new(), text);
    while let Some(first) = rest.chars().next() {
        if let Some((word, own)) = WORDS.iter().find(|(word, _)| rest.starts_with(word)) {
            bytes.extend_from_slice(own);
            rest = &rest[word.len()..];
        } else {
            assert!(first.is_ascii(), "{first} has no bytes here");
            bytes.push(first as u8);
            rest = &rest[1..];
        }
    }
    bytes
}

pub(crate) struct Branch(tempfile::TempDir);

impl Branch {
    /// An enrolled branch with a signed policy, a champion, its customers, and the tables that the sample's rules read.
    pub(crate) fn new() -> Self {
        let branch = Self(tempfile::tempdir().unwrap());
        let path = |name: &str| branch.path(name).display().to_string();
        fs::write(branch.path("schema.toml"), SCHEMA).unwrap();
        let done = |words: &[&str]| {
            let finished = run(words);
            assert_eq!(finished.code, Some(0), "{words:?}: {} {}", finished.out, finished.err);
        };
        done(&["client", "policy", "init", "--schema", &path("schema.toml"), &path("branch-01")]);
        let (policy, key) = (path("branch-01/policy.toml"), path("branch-01/owner.key"));
        done(&["client", "policy", "sign", "--policy", &policy, "--key", &key, "--schema", &path("schema.toml")]);
        let (now, domain) = (unix_seconds(), TrustDomain::parse("federation.example").unwrap());
        init_authority(&branch.path("office"), &domain, 1, 1, now).unwrap_or_else(|fault| panic!("{fault}"));
        let identity = branch.path("branch-01/identity");
        let issued = issue_client(&branch.path("office"), "north-bank", "branch-01", &identity, now);
        issued.unwrap_or_else(|fault| panic!("{fault}"));
        let (contact, retention) = (block("toml", 0), block("toml", 1));
        fs::copy(branch.path("schema.toml"), branch.path("branch-01/schema.toml")).unwrap();
        fs::write(
            branch.path("branch-01/client.toml"),
            format!(
                "[client]\nstate_dir = \"state\"\n[coordinator]\naddress = \"localhost:1\"\n[identity]\nfolder = \"identity\"\n\
                 [policy]\nfile = \"policy.toml\"\nowner = \"owner.pub\"\n[data]\nfile = \"rows.csv\"\nschema = \"schema.toml\"\n\
                 [scores]\nactions = \"actions.toml\"\n{contact}\n{retention}"
            ),
        )
        .unwrap();
        fs::create_dir(branch.path("branch-01/crm")).unwrap();
        branch.export();
        let schema = Schema::parse(SCHEMA).unwrap_or_else(|faults| panic!("{faults}"));
        let actions = ACTIONS.replace("SCHEMA", &schema.digest().to_string());
        fs::write(branch.path("branch-01/actions.toml"), actions).unwrap();
        let (actions, config) = (path("branch-01/actions.toml"), path("branch-01/client.toml"));
        done(&["client", "actions", "sign", "--actions", &actions, "--key", &key, "--schema", &path("schema.toml")]);
        let by = ["--proposer", OWNER, "--purpose", PURPOSE, "--use", "keep-models", "--config", &config];
        let caps = ["--epsilon-run", "1", "--epsilon-year", "1", "--runs", "1", "--key", &key];
        done(&[&["client", "authorise", "grant"], &by[..], &caps[..]].concat());
        // A fall of the balance speaks for churn.
        champion(&branch.path("branch-01/state"), &schema, &[3.0, 0.0, 0.0, -1.0], now);
        branch
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    /// A command of the manual, typed in the folder above the branch's.
    pub(crate) fn typed(&self, line: &str) -> Finished {
        let words = line.split_whitespace().skip(1).map(|word| match word.starts_with("branch-01") {
            true => self.path(word).display().to_string(),
            false => word.to_owned(),
        });
        run(words)
    }

    /// A command of the manual, which ends well: what it says.
    pub(crate) fn done(&self, line: &str) -> String {
        let finished = self.typed(line);
        assert_eq!(finished.code, Some(0), "{line}: {} {}", finished.out, finished.err);
        finished.out
    }

    fn export(&self) {
        let mut attributes = String::from("KHH,JJYX,YTTY,FXDJ,CSNL,TD\n");
        let mut rows = String::from("KHH,fall,state\n");
        for customer in 1..=CUSTOMERS {
            let id = format!("6222{customer:012}");
            let refuses = if customer % 10 == 0 { "是" } else { "否" };
            let team = if customer % 2 == 0 { "一组" } else { "二组" };
            attributes.push_str(&format!("{id},{refuses},营销,低,C3,{team}\n"));
            rows.push_str(&format!("{id},{},1\n", 1000 - customer));
        }
        fs::write(self.path("branch-01/attributes.csv"), gb18030(&attributes)).unwrap();
        fs::write(self.path("branch-01/contacts.csv"), "customer,day\n6222000000000001,2020-01-01\n").unwrap();
        fs::write(self.path("branch-01/confidential.csv"), "customer\n6222000000000003\n").unwrap();
        fs::write(self.path("branch-01/rows.csv"), rows).unwrap();
    }
}

/// A block of the manual in a language of its own, by its number from 0.
pub(crate) fn block(language: &str, number: usize) -> &'static str {
    let rest = MANUAL.split(&format!("```{language}\n")).nth(number + 1).expect("the manual has such a block");
    rest.split_once("```").expect("the block ends").0
}

/// As docs/SCORING.md types it.
pub(crate) const SCORE: &str =
    "tributary client score --config branch-01/client.toml --model champion --output branch-01/scores.csv";

#[test]
fn the_manuals_example_leads_from_scores_to_outcomes_and_to_a_customers_rights() {
    let branch = Branch::new();
    let scored = branch.done(SCORE);
    assert!(scored.contains("400 customers, scored by the champion"), "{scored}");
    let commands: Vec<&str> = block("sh", 0).lines().map(|line| line.split('#').next().unwrap()).collect();
    let [
        key,
        init,
        sign,
        adopt,
        build,
        show,
        approve,
        deliver,
        receipt,
        outcomes,
        status,
        known,
        explain,
        exclude,
        erase,
        recall,
        look,
        purge,
    ] = commands.as_slice()
    else {
        panic!("{commands:?}")
    };
    let done = |line: &str| branch.done(line);
    let said = |out: &str, parts: &[&str]| {
        parts.iter().for_each(|part| assert!(out.contains(part), "{part:?} is missing in {out}"))
    };
    let made = done(key);
    let approver = made.split('"').nth(1).expect("the line for the rules").to_owned();
    done(init);
    branch.typed(sign).assert_refused(2, &["list.approvers"]);
    let rules = branch.path("branch-01/rules.toml");
    let text = fs::read_to_string(&rules).unwrap();
    fs::write(&rules, filled_in(&text, &approver)).unwrap();
    branch.typed(build).assert_refused(1, &["rules.toml.sig"]);
    said(&done(sign), &["rules of the campaign 2026-12 deposits", "are signed as they stand"]);
    said(&done(adopt), &["2026-12 deposits", "are in force"]);
    // 360 may be contacted; a tenth of them is held out, and one of a hundred with each list, the suppressed one among them.
    let built = done(build);
    said(
        &built,
        &[
            "400 customers in the scores",
            "40 refused contacts",
            "40 held out at random",
            "320 in the list",
            "digest of the list",
        ],
    );
    let list = branch.read("branch-01/lists/list-000001.csv");
    assert!(!list.contains("6222000000000003") && list.lines().count() == 321, "{list}");
    let shown = done(show);
    said(&shown, &["waits for approval", "because of balance falls", "and 300 more lines"]);
    branch.typed(deliver).assert_refused(1, &["not approved"]);
    branch.typed(approve).assert_refused(1, &["--confirm"]);
    let digest = shown.lines().last().unwrap().rsplit(' ').next().unwrap().to_owned();
    said(&done(&format!("{approve} --confirm {digest}")), &["list 1 is approved"]);
    said(&done(deliver), &["batch 1: 320 lines"]);
    let word: serde_json::Value = serde_json::from_str(&branch.read("branch-01/crm/list-000001.csv.ok")).unwrap();
    let delivered = fs::read(branch.path("branch-01/crm/list-000001.csv")).unwrap();
    assert_eq!(word["sha256"], Digest::of(&delivered).to_string());
    let answer =
        serde_json::json!({ "format": 1, "batch": 1, "sha256": word["sha256"], "lines": 320, "accepted": true });
    fs::write(branch.path("branch-01/crm/answer.json"), answer.to_string()).unwrap();
    said(&done(receipt), &["batch 1 was taken"]);
    let today = tributary_protocol::plan::Date::of_second(unix_seconds());
    let rows =
        format!("batch,line,contacted,channel,result,date\n1,1,Y,phone,opened,{today}\n1,9999,Y,phone,,{today}\n");
    fs::write(branch.path("branch-01/crm/outcomes.csv"), rows).unwrap();
    said(&done(outcomes), &["2 rows: 1 outcome is noted", "1: unknown line"]);
    assert_eq!(branch.read("branch-01/crm/outcomes.rejects.csv"), "row,batch,line,reason\n2,1,9999,unknown line\n");
    said(&done(status), &["taken by the bank's system", "1 outcome, of which 1"]);
    // The manual's customer may be held out: then there is nothing to explain, and nobody is told why.
    let listed = list.contains("6222000000000007");
    let id = if listed { "6222000000000007" } else { list.lines().nth(5).unwrap().split(',').nth(1).unwrap() };
    let of = |line: &str| line.replace("6222000000000007", id);
    said(&done(&of(known)), &["no joint learning", "campaign 2026-12 deposits"]);
    said(&done(&of(explain)), &["balance falls", "to be printed"]);
    assert!(branch.read("branch-01/reply.html").contains("关于评分依据的说明"));
    said(&done(&of(exclude)), &["1 open lines are void", "list-000001.recall-000001.csv"]);
    said(&done(&of(erase)), &["1 line is erased in kept lists", "scores.csv: 1 line is erased, and 399 stay"]);
    let scores = branch.read("branch-01/scores.csv");
    assert!(!scores.contains(id) && scores.lines().count() == CUSTOMERS as usize);
    let note: serde_json::Value = serde_json::from_str(&branch.read("branch-01/scores.csv.json")).unwrap();
    assert_eq!((&note["rows"], &note["erased"]), (&399.into(), &1.into()));
    assert_eq!(note["digest"], Digest::of(scores.as_bytes()).to_string());
    said(&done(recall), &["list 1 is recalled", "list-000001.recall-000002.csv"]);
    said(&done(look), &["nothing is past its time"]);
    said(&done(purge), &["nothing is past its time"]);
    let chinese = done(&format!("{status} --lang zh"));
    said(&chinese, &["已召回"]);
}

/// The register loses its last record. Two people begin it again, and every list shows it from then on.
#[test]
fn the_manuals_restart_begins_a_register_again_that_was_cut() {
    let branch = Branch::new();
    branch.done(SCORE);
    let commands: Vec<&str> = block("sh", 0).lines().map(|line| line.split('#').next().unwrap()).collect();
    let [key, init, sign, _, build, show, ..] = commands.as_slice() else { panic!("{commands:?}") };
    let approver = branch.done(key).split('"').nth(1).expect("the line for the rules").to_owned();
    branch.done(init);
    let rules = branch.path("branch-01/rules.toml");
    let text = fs::read_to_string(&rules).unwrap();
    fs::write(&rules, filled_in(&text, &approver)).unwrap();
    branch.done(sign);
    branch.done(build);
    let restart: Vec<&str> = block("sh", 1).lines().collect();
    let [draft, owner, risk, install] = restart.as_slice() else { panic!("{restart:?}") };
    // A reason of several words is one word of a command line.
    let draft = draft.replace("\"the disk failed\"", "disk-failed");
    branch.typed(&draft).assert_refused(1, &["whole"]);
    let ledger = branch.path("branch-01/state/contact/contact.ledger");
    let whole = fs::read(&ledger).unwrap();
    fs::write(&ledger, &whole[..whole.len() - 3]).unwrap();
    branch.typed(show).assert_refused(1, &["It was cut", "client list restart"]);
    let said = branch.done(&draft);
    assert!(said.contains("records are left") && said.contains("disk-failed"), "{said}");
    let digest = said.split("its digest is ").nth(1).unwrap().split('.').next().unwrap().to_owned();
    branch.typed(install).assert_refused(1, &["needs a signature"]);
    branch.typed(owner).assert_refused(1, &["--confirm"]);
    for (signed, count) in [(owner, "1 of two"), (risk, "2 of two")] {
        let said = branch.done(&format!("{signed} --confirm {digest}"));
        assert!(said.contains(count), "{said}");
    }
    assert!(branch.done(install).contains("contact.ledger.cut-1"));
    // The list was the lost record: the next one has another number, and says what is missing.
    branch.typed(show).assert_refused(1, &["no list 1"]);
    fs::remove_dir_all(branch.path("branch-01/lists")).unwrap();
    branch.done(build);
    let shown = branch.done(&show.replace("show 1", "show 2"));
    assert!(shown.contains("WAS BEGUN AGAIN") && shown.contains("disk-failed"), "{shown}");
    let chinese = branch.done(&format!("{} --lang zh", show.replace("show 1", "show 2")));
    assert!(chinese.contains("重新开始") && chinese.contains("disk-failed"), "{chinese}");
}

/// A purge is certified, and whoever has the certificates and the branch's key verifies them without the branch.
#[test]
fn the_manuals_certificates_say_what_was_purged() {
    let branch = Branch::new();
    let block: Vec<&str> = block("sh", 2).lines().collect();
    let [list, verify] = block.as_slice() else { panic!("{block:?}") };
    assert!(branch.done(list).contains("nothing was certified"));
    let counts = branch.path("branch-01/state/readiness");
    fs::create_dir_all(&counts).unwrap();
    for day in ["2020-01-31", "2020-02-29"] {
        fs::write(counts.join(format!("{day}.counts")), day).unwrap();
        let purged = branch.done("tributary client purge --config branch-01/client.toml");
        assert!(purged.contains("says what is gone"), "{purged}");
    }
    let listed = branch.done(list);
    let digest = Digest::of(b"2020-02-29").to_string();
    assert!(listed.contains(&format!("cache 2020-02-29.counts, by retention.caches_days = 730: {digest}")), "{listed}");
    assert!(listed.contains("2 certificates, each after the one before"), "{listed}");
    let key = read_signing_key(&branch.path("branch-01/identity/signing.key")).unwrap().verifying_key();
    let of = |key: &str| verify.replace("KEY", key);
    let verified = branch.done(&of(&key.to_string()));
    assert!(verified.starts_with("INTACT") && verified.contains("certificate 2 of"), "{verified}");
    let coded = |line: &str, code: i32, word: &str| {
        let finished = branch.typed(line);
        assert_eq!(finished.code, Some(code), "{} {}", finished.out, finished.err);
        assert!(format!("{}{}", finished.out, finished.err).contains(word), "{} {}", finished.out, finished.err);
    };
    coded(&of(&format!("ed25519:{}", "1".repeat(64))), 3, "WRONG KEY");
    coded(verify.split(" --key").next().unwrap(), 2, "compare the keys with the roster");
    let [first, second] =
        ["000001.json", "000002.json"].map(|name| branch.path("branch-01/state/contact/certificates").join(name));
    let good = fs::read_to_string(&first).unwrap();
    fs::write(&first, good.replace("730", "731")).unwrap();
    coded(&of(&key.to_string()), 1, "TAMPERED");
    fs::write(&first, "{}").unwrap();
    coded(&of(&key.to_string()), 4, "no certificate of deletion");
    fs::remove_file(&first).unwrap();
    coded(&of(&key.to_string()), 2, "certificate 1 is not there");
    branch.typed(list).assert_refused(1, &["000001.json"]);
    fs::remove_file(&second).unwrap();
    coded(&of(&key.to_string()), 4, "there is no certificate");
}
