//! Whoever proposes a plan proposes what its fields mean. Three schemas that only look like the one that the owner read, at real processes: the
//! names of all fields are the same in each.

use std::fs;
use std::path::{Path, PathBuf};

use crate::demo::demo;
use crate::federation::Federation;
use crate::support::{Finished, replan, run};

/// An attack: what it changes in the schema, and the line by which the owner sees it.
struct Attack {
    from: &'static str,
    to: &'static str,
    line: [&'static str; 2],
}

const ATTACKS: [Attack; 3] = [
    Attack {
        from: "name = \"age\"\n",
        to: "name = \"age\"\ncolumn = \"religion\"\n",
        line: ["policy.fields", "age: column \"religion\""],
    },
    Attack { from: "customer_column = \"customer_id\"\n", to: "", line: ["policy.customer", "each row is a customer"] },
    Attack { from: "\"service\", ", to: "", line: ["policy.fields", "one of 5: \"student\", \"worker\", \"office\""] },
];

impl Attack {
    fn on(&self, schema: &str) -> String {
        assert!(schema.contains(self.from), "{}", self.from);
        schema.replacen(self.from, self.to, 1)
    }
}

/// A demo's folder, and its first branch's files.
struct Branch {
    _folder: tempfile::TempDir,
    dir: PathBuf,
    policy: PathBuf,
    config: PathBuf,
}

impl Branch {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path().canonicalize().unwrap().join("run");
        let made = demo(&dir, &[]);
        assert_eq!(made.code, Some(0), "{} {}", made.out, made.err);
        let branch = dir.join("branches/branch-000");
        Self { _folder: folder, policy: branch.join("policy.toml"), config: branch.join("client.toml"), dir }
    }

    fn with_config(&self, words: &[&str]) -> Finished {
        run(words.iter().map(Path::new).chain([self.config.as_path()]))
    }

    fn sign(&self, schema: &Path) -> Finished {
        let key = self.policy.with_file_name("owner.key");
        let words = ["client", "policy", "sign", "--policy"].map(Path::new);
        run(words.into_iter().chain([self.policy.as_path(), "--key".as_ref(), &key, "--schema".as_ref(), schema]))
    }
}

#[test]
fn a_schema_that_means_another_thing_is_refused_with_its_line() {
    let branch = Branch::new();
    let file = branch.dir.join("schema.toml");
    let honest = fs::read_to_string(&file).unwrap();
    let policy = fs::read_to_string(&branch.policy).unwrap();
    let data = branch.dir.join("data/branch-000.csv");
    let rows = fs::read_to_string(&data).unwrap();
    for attack in &ATTACKS {
        // The operator was given another schema, and the table has what it reads.
        fs::write(&file, attack.on(&honest)).unwrap();
        fs::write(&data, rows.replacen(",age,", ",religion,", usize::from(attack.to.contains("religion")))).unwrap();
        let check = branch.with_config(&["config", "check"]);
        check.assert_refused(2, &["pins the schema", attack.line[0], attack.line[1]]);
        let preflight = branch.with_config(&["client", "preflight", "--config"]);
        assert_eq!(preflight.code, Some(19), "{}", preflight.out);
        assert!(preflight.out.contains(attack.line[1]), "{}", preflight.out);
        branch.sign(&file).assert_refused(1, &["pins the schema", attack.line[0], attack.line[1]]);

        // The owner was given words that hide it, beside the digest of the other schema.
        let digest = |text: &str| tributary_model::schema::Schema::parse(text).unwrap().digest().to_string();
        let forged = policy.replace(&digest(&honest), &digest(&attack.on(&honest)));
        assert_ne!(forged, policy);
        fs::write(&branch.policy, &forged).unwrap();
        branch.sign(&file).assert_refused(1, &["its words do not say what that schema says", attack.line[1]]);
        // Signed by a tool that does not look: the daemon does.
        let owner = tributary_certs::keys::read_signing_key(&branch.policy.with_file_name("owner.key")).unwrap();
        tributary_certs::policy::sign_policy(&branch.policy, &forged, &owner).unwrap();
        let parts = ["its words do not say what that schema says", attack.line[0], attack.line[1]];
        branch.with_config(&["client", "run", "--config"]).assert_refused(1, &parts);

        fs::write(&branch.policy, &policy).unwrap();
        fs::write(&file, &honest).unwrap();
        fs::write(&data, &rows).unwrap();
        let signed = branch.sign(&file);
        assert_eq!(signed.code, Some(0), "{} {}", signed.out, signed.err);
        assert!(signed.out.contains("field age: column \"age\", a number from 18 to 90"), "{}", signed.out);
        let check = branch.with_config(&["config", "check"]);
        assert_eq!(check.code, Some(0), "{}", check.err);
        assert!(check.out.contains("the column \"customer_id\" are one customer"), "{}", check.out);
    }
}

#[test]
fn a_plan_with_such_a_schema_is_refused_before_data_is_read() {
    for attack in &ATTACKS {
        let federation = Federation::waiting_with(|dir, text| {
            let honest = fs::read_to_string(dir.join("schema.toml")).unwrap();
            fs::write(dir.join("other.toml"), attack.on(&honest)).unwrap();
            replan(dir, |plan| plan.replace("../schema.toml", "../other.toml"));
            text.to_owned()
        });
        // The operators keep the schema that the owners of the data have signed: it is not the plan's.
        federation.run(0).assert_refused(1, &["the plan was made for feature schema", "nothing was trained"]);
        // The operators take the plan's, which the owners have not signed. No row of the table is read.
        federation.edit(0, |text| text.replace("../../schema.toml", "../../other.toml"));
        fs::write(federation.dir.join("data/branch-000.csv"), "nobody reads this").unwrap();
        federation.run(0).assert_refused(1, &["the policy pins the schema", attack.line[0], attack.line[1]]);
    }
}

#[test]
fn a_new_policy_has_the_lines_of_its_schema() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let schemas = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/samples/schemas");
    let adult = schemas.join("adult.toml").display().to_string();
    run(["client", "policy", "init", &path("new")]).assert_refused(64, &["--schema"]);
    let made = run(["client", "policy", "init", "--schema", &adult, &path("new")]);
    assert_eq!(made.code, Some(0), "{} {}", made.out, made.err);
    let policy = path("new/policy.toml");
    let text = fs::read_to_string(&policy).unwrap();
    let customer = text.lines().find(|line| line.starts_with("customer = ")).unwrap();
    assert!(customer.contains("each row is a customer; lines are divided at "), "{text}");
    let sign = |schema: &str| {
        run(["client", "policy", "sign", "--policy", &policy, "--key", &path("owner.key"), "--schema", schema])
    };
    assert_eq!(sign(&adult).code, Some(0));
    // Rows as customers are admitted where the policy says so in words, and nowhere else.
    fs::write(&policy, text.replace(&format!("{customer}\n"), "")).unwrap();
    sign(&adult).assert_refused(2, &["policy.customer: found nothing"]);
    fs::write(&policy, text.replace("each row is a customer", "rows with the same value are one customer")).unwrap();
    sign(&adult).assert_refused(1, &["policy.customer", "the schema says", "each row is a customer"]);
    sign(&schemas.join("bank_full.toml").display().to_string()).assert_refused(1, &["pins the schema"]);
}
