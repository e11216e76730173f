//! What a list cannot be made of: one row for each bad input, and what is said of it. Nothing is made, drawn or numbered then.

use std::fs;

use serde_json::json;
use tributary_certs::policy::{Owned, sign_owned};
use tributary_certs::suite::SigningKey;

use super::{DAY, HEADER, NOW, RULES, World};
use crate::contact::{init_rules, sign_rules};

/// Rules in which a part is another one, and what is said of them.
const RULES_BAD: [(&str, &str, &[&str]); 34] = [
    ("top = 10", "top = 0", &["choose.top", "1 to 1000000"]),
    ("top = 10", "top = 10\nthreshold = 0.5", &["both of top and threshold"]),
    ("top = 10", "", &["neither top nor threshold"]),
    ("top = 10", "threshold = 1.5", &["choose.threshold", "between 0 and 1"]),
    ("by = \"probability\"\ntop = 10", "by = \"decile\"\nthreshold = 2.5", &["1 to 10, whole"]),
    ("by = \"probability\"", "by = \"luck\"", &["choose.by", "score, probability, decile, points"]),
    ("[delivery]\ncrm", "[hold_out]\npermille = 1000\ndays = 30\n[delivery]\ncrm", &["hold_out.permille", "1 to 900"]),
    ("[delivery]\ncrm", "[hold_out]\npermille = 100\n[delivery]\ncrm", &["hold_out.days"]),
    (
        "[delivery]\ncrm",
        "[[quotas]]\nteam = \"一组\"\nmost = 4\n[[quotas]]\nteam = \"二组\"\nmost = 5\n[delivery]\ncrm",
        &["a sum of 9", "which is 10"],
    ),
    (
        "[delivery]\ncrm",
        "[[quotas]]\nteam = \"一组\"\nmost = 10\n[[quotas]]\nteam = \"一组\"\nmost = 5\n[delivery]\ncrm",
        &["there twice"],
    ),
    ("team = \"team\"", "\n[[quotas]]\nteam = \"一组\"\nmost = 10", &["quotas of teams, without teams"]),
    (
        "[delivery]\ncrm",
        "[confidential]\ncustomer = \"customer\"\n[delivery]\ncrm",
        &["confidential", "cannot be told apart"],
    ),
    (
        "[delivery]\ncrm",
        "[hold_out]\npermille = 10\ndays = 30\nover = \"branch\"\n[confidential]\ncustomer = \"customer\"\n[delivery]\ncrm",
        &["at least 20 permille"],
    ),
    (
        "[delivery]\ncrm",
        "[hold_out]\npermille = 100\ndays = 30\n[confidential]\ncustomer = \"customer\"\n[delivery]\ncrm",
        &["over = \"branch\""],
    ),
    ("[delivery]\ncrm", "[contacts]\nmost = 0\nwindow_days = 30\n[delivery]\ncrm", &["contacts.most", "1 to 100"]),
    ("[delivery]\ncrm", "[contacts]\nmost = 2\n[delivery]\ncrm", &["contacts.window_days"]),
    ("allowed = [\"否\"]", "allowed = []", &["attributes.opt_out.allowed"]),
    ("divider = \";\"", "divider = \"a\"", &["attributes.consent.divider", "no letters"]),
    ("[\"营销\"], divider", "[\"营;销\"], divider", &["a divider that no code holds"]),
    ("most = \"中\"", "most = \"很高\"", &["which is no level"]),
    (
        "levels = [\"低\", \"中\", \"高\"]",
        "levels = [\"低\", \"中\", \"低\"]",
        &["attributes.risk.levels", "each code once"],
    ),
    ("levels = [\"C1\", \"C2\", \"C3\"]", "levels = [\"C2\"]", &["attributes.tolerance.levels", "lowest first"]),
    ("consent = {", "agreement = {", &["attributes.agreement", "attributes.consent.column"]),
    ("approvers = [\"APPROVER\"]", "approvers = []", &["list.approvers"]),
    ("valid_until = \"2027-06-30\"", "", &["list.valid_until", "YYYY-MM-DD"]),
    ("valid_until = \"2027-06-30\"", "valid_until = \"2027-06-31\"", &["list.valid_until", "YYYY-MM-DD"]),
    ("approvers = [\"APPROVER\"]", "approvers = [\"APPROVER\", \"APPROVER\"]", &["each key once"]),
    ("approvers = [\"APPROVER\"]", "approvers = [\"nobody\"]", &["ed25519:"]),
    (
        "approvers = [\"APPROVER\"]",
        "approvers = [\"ed25519:0000000000000000000000000000000000000000000000000000000000000000\"]",
        &["list.approvers"],
    ),
    ("from = \"customer\"", "from = \"name\"", &["delivery.columns.3.from"]),
    ("from = \"customer\"", "from = \"score\"", &["the customer's id"]),
    ("to = \"XH\"", "to = \"PCH\"", &["a name of its own"]),
    ("crm = \"CRM-01\"", "crm = \"CRM-01\"\nencoding = \"latin1\"", &["delivery.encoding", "gb18030"]),
    ("crm = \"CRM-01\"", "crm = \"CRM-01\"\nname = \"../up\"", &["delivery.name"]),
];

#[test]
fn rules_that_contradict_each_other_or_name_what_is_unknown_are_refused() {
    let world = World::new(RULES);
    world.customers(3);
    for (part, other, said) in RULES_BAD {
        assert!(RULES.contains(part), "{part}");
        world.rules(&RULES.replacen(part, other, 1));
        let told = world.refused();
        assert!(said.iter().all(|word| told.contains(word)), "{other}: {told}");
    }
    assert!(!world.at("state/contact/lists/000001").exists());
    world.rules(RULES);
    assert_eq!(world.build().list, 1, "no number was used");
}

/// Nobody writes to these pipes, so whoever opened one would wait for ever.
#[test]
fn a_pipe_in_the_place_of_a_table_the_scores_or_the_register_keeps_no_command_waiting() {
    let world = World::new(RULES);
    world.customers(3);
    world.build();
    for name in ["attributes.csv", "scores.csv", "state/contact/contact.ledger"] {
        let (path, aside) = (world.at(name), world.at("aside"));
        fs::rename(&path, &aside).unwrap();
        assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
        let told = world.refused();
        assert!(told.contains("ordinary file"), "{name}: {told}");
        fs::rename(&aside, &path).unwrap();
    }
    assert_eq!(world.build().list, 2);
}

/// What a table of attributes, contacts or scores looks like, and what is said of it.
#[test]
fn tables_and_scores_that_cannot_be_believed_are_refused() {
    let world = World::new(&RULES.replace(
        "[delivery]\ncrm",
        "[contacts]\nmost = 2\nwindow_days = 30\n[contacts.table]\ncustomer = \"customer\"\nday = \"day\"\nmay_be_empty = true\n[delivery]\ncrm",
    ));
    let check = |what: &str, said: &[&str]| {
        let told = world.refused();
        assert!(said.iter().all(|word| told.contains(word)), "{what}: {told}");
        world.customers(2);
        world.write("contacts.csv", "customer,day\n");
    };
    world.customers(2);
    for (text, said) in [
        (HEADER.to_owned(), &["[attributes] has no line", "attributes.may_be_empty = true"][..]),
        ("id,refuses,purposes,risk,bears\nc1,否,营销,低,C2\n".to_owned(), &["no column \"team\""]),
        (HEADER.replace("team", "id") + "c1,否,营销,低,C2,x\n", &["\"id\" more than once"]),
        (format!("{HEADER}c1,否,营销,低,C2\n"), &["row 1", "another number of fields"]),
        (format!("{HEADER},否,营销,低,C2,一组\n"), &["row 1, column \"id\": empty"]),
        (format!("{HEADER}c1,\"否,营销,低,C2,一组\n"), &["quote"]),
    ] {
        world.write("attributes.csv", &text);
        check(&text, said);
    }
    fs::remove_file(world.at("attributes.csv")).unwrap();
    check("no attributes", &["attributes.csv", "cannot be opened"]);
    fs::write(world.at("attributes.csv"), encoding_rs::GB18030.encode(&format!("{HEADER}c1,否,营销,低,C2,一组\n")).0)
        .unwrap();
    check("another encoding", &["not utf-8 text"]);
    world.write("contacts.csv", "customer,day\nc1,30.11.2026\n");
    check("a day of another form", &["row 1, column \"day\"", "YYYY-MM-DD"]);
    world.write("contacts.csv", "who,day\n");
    check("no column", &["no column \"customer\""]);

    let good = world.read("scores.csv");
    for (key, value, said) in [
        ("format", json!(2), "format 2"),
        ("surprise", json!(1), "surprise"),
        ("model", json!("7"), "no note of a scores file"),
        ("digest", json!(tributary_protocol::digest::Digest([1; 32]).to_string()), "another one than the note"),
        ("branch", json!("north-bank/branch-02"), "scores of the branch north-bank/branch-02"),
        ("purpose", json!("credit"), "the model is for credit"),
        ("state", json!("challenger"), "the model was a challenger"),
        ("labels", json!(["deposit"]), "no scores of the label churn"),
        ("valid_until", json!(NOW - 1), "valid no more"),
        ("made_at", json!(NOW - 36 * DAY), "older than 35 days"),
        ("made_at", json!(NOW + DAY), "in the future"),
        ("rows", json!(3), "has 2 rows and the note beside it says 3"),
        ("labels", json!(["churn", "deposit"]), "not those of a scores file"),
    ] {
        world.scores_file(&good, 2, &[(key, value.clone())]);
        check(&format!("{key} {value}"), &[said]);
    }
    world.write("scores.csv.json", "{");
    check("no json", &["no note of a scores file"]);
    fs::remove_file(world.at("scores.csv.json")).unwrap();
    check("no note", &["scores.csv.json"]);
    for (row, said) in [
        ("c1,1,0.5,1,,,,,,,\n", "in the file twice"),
        (",1,0.5,1,,,,,,,\n", "empty where a customer's id"),
        ("c2,1,much,1,,,,,,,\n", "column \"probability\": no finite number"),
        ("c2,1,NaN,1,,,,,,,\n", "no finite number"),
        ("c2,1,0.5\n", "another number of fields"),
    ] {
        world.scored(&["c1,1,0.5,1,,,,,,,\n".to_owned(), row.to_owned()]);
        check(row, &[said]);
    }
    assert_eq!(world.build().list, 1, "no number was used");
}

/// The owner signs rules and does not approve, nor does whoever runs the daemon. Older rules are not put back.
#[test]
fn rules_count_as_the_owner_signed_them_last() {
    let world = World::new(RULES);
    world.customers(2);
    let own = tributary_certs::keys::read_signing_key(&world.at("identity/signing.key")).unwrap().verifying_key();
    let owner = world.owner.verifying_key();
    for (key, said) in [(owner, "owner's own key"), (own, "key of this branch's daemon")] {
        world.rules(&RULES.replace("APPROVER", &key.to_string()));
        assert!(world.refused().contains(said));
    }
    world.rules(&RULES.replace("campaign =", "branch = \"north-bank/branch-02\"\ncampaign ="));
    assert!(world.refused().contains("for the branch north-bank/branch-02, and this is north-bank/branch-01"));
    world.rules(RULES);
    let text = world.read("rules.toml");
    world.write("rules.toml", &format!("{text}# more\n"));
    assert!(world.refused().contains("not signed by the branch's owner as they stand"));
    sign_owned(
        Owned::Rules,
        &world.at("rules.toml"),
        &world.read("rules.toml"),
        &SigningKey::generate(&mut super::OsEntropy),
    )
    .unwrap();
    assert!(world.refused().contains("not signed by the branch's owner"));
    world.rules(RULES);
    let [older, signature] = ["rules.toml", "rules.toml.sig"].map(|name| world.read(name));
    world.rules(&RULES.replace("top = 10", "top = 9"));
    world.build();
    world.write("rules.toml", &older);
    world.write("rules.toml.sig", &signature);
    assert!(world.refused().contains("signed later"));
    // Rules of another campaign have their own order.
    world.rules(&RULES.replace("2026-12 deposits", "2027-01 deposits"));
    assert!(world.build_at(NOW).is_ok());
}

#[test]
fn the_sample_is_read_and_signed_once_it_names_risk_control() {
    let world = World::new(RULES);
    let folder = world.at("sample");
    let path = init_rules(&folder).unwrap();
    assert!(init_rules(&folder).is_err(), "none is replaced");
    let text = fs::read_to_string(&path).unwrap();
    let known = world.approver.verifying_key().to_string();
    fs::write(&path, text.replace(&format!("ed25519:{}", "0".repeat(64)), &known)).unwrap();
    let said = sign_rules(&path, &world.at("owner.key")).unwrap_or_else(|fault| panic!("{fault}"));
    let said: Vec<String> = said.iter().map(|line| line.text(tributary_texts::Language::English).to_owned()).collect();
    for part in [
        "2026-12 deposits",
        "at most 500",
        "anything but 否, N",
        "above 中",
        "below C2",
        "一组",
        "at most 2 contacts",
        "100 of 1000",
        "newly holds out 10",
    ] {
        assert!(said.iter().any(|line| line.contains(part)), "{part}: {said:?}");
    }
    assert!(sign_rules(&path, &world.at("risk.key")).is_err_and(|fault| fault.to_string().contains("owner's own key")));
}

/// The key of pseudonyms recognises who is excluded. Another one, or none, is not taken.
#[test]
fn a_register_without_its_key_is_not_used() {
    let world = World::new(RULES);
    world.customers(2);
    world.build();
    let key = world.at("state/contact/pseudonym.key");
    fs::rename(&key, world.at("kept.key")).unwrap();
    assert!(world.refused().contains("key of pseudonyms is gone"));
    tributary_certs::pseudonym::PseudonymKey::make(&key).unwrap();
    assert!(world.refused().contains("another key than the register's"));
    fs::rename(world.at("kept.key"), &key).unwrap();
    assert!(world.build_at(NOW).is_ok());
}
