//! Approval by risk control, delivery to the bank's system, its answer, and recalls.

use std::fs;

use serde_json::json;
use tributary_certs::enrolment::names as identity;
use tributary_certs::keys::write_signing_key;
use tributary_certs::suite::SigningKey;
use tributary_protocol::digest::Digest;
use tributary_texts::Language;

use super::{DAY, HEADER, NOW, OsEntropy, RULES, World};
use crate::contact::{Approving, LeftOut, Stage, exclude, recall, receipt, show, status};

fn said(result: Result<impl std::fmt::Debug, crate::error::ClientError>) -> String {
    result.map(|done| panic!("{done:?}")).unwrap_err().to_string()
}

#[test]
fn a_list_is_delivered_once_it_is_approved_and_once_alone() {
    let world = World::new(RULES);
    world.customers(3);
    world.build();
    assert!(said(world.deliver_at(1, NOW)).contains("not approved"));
    assert!(said(world.deliver_at(2, NOW)).contains("no list 2"));
    // Neither the owner nor the daemon nor a stranger approves.
    write_signing_key(&SigningKey::generate(&mut OsEntropy), &world.at("stranger.key")).unwrap();
    for key in [world.at("owner.key"), world.at("identity").join(identity::SIGNING_KEY), world.at("stranger.key")] {
        let opened = Approving::open(&world.config(), 1, &key, NOW).map(|_| ());
        assert!(said(opened).contains("none of those that may approve"));
    }
    assert_eq!(show(&world.config(), 1, NOW).unwrap().summary.stage, Stage::Built);
    world.approve(1).unwrap();
    assert!(said(world.approve(1)).contains("approved already"));
    let told = world.deliver_at(1, NOW).unwrap();
    assert!(told[0].text(Language::English).contains("batch 1: 3 lines"));
    assert_eq!(world.handed(), ["list-000001.csv", "list-000001.csv.ok"]);
    assert_eq!(
        world.read("crm/list-000001.csv"),
        "PCH,XH,KHH,YY\n1,1,c1,Balance falls\n1,2,c2,Balance falls\n1,3,c3,Balance falls\n"
    );
    let word: serde_json::Value = serde_json::from_str(&world.read("crm/list-000001.csv.ok")).unwrap();
    assert_eq!(word["sha256"], Digest::of(world.read("crm/list-000001.csv").as_bytes()).to_string());
    assert_eq!(
        (&word["batch"], &word["lines"], &word["valid_until"], &word["crm"]),
        (&1.into(), &3.into(), &"2026-12-14".into(), &"CRM-01".into())
    );
    fs::remove_file(world.at("crm/list-000001.csv")).unwrap();
    assert!(said(world.deliver_at(1, NOW)).contains("never delivered twice"));
    assert_eq!(status(&world.config(), NOW).unwrap()[0].stage, Stage::Delivered);
}

/// Columns, order, names, encoding and delimiter are as the rules say, and formulas are defused.
#[test]
fn a_delivered_file_has_the_form_of_the_rules() {
    let rules = RULES.replace(
        "crm = \"CRM-01\"",
        "crm = \"CRM-01\"\nencoding = \"gb18030\"\ndelimiter = \"|\"\nname = \"yx\"\nvalid_days = 3",
    );
    let rules = rules.replace("from = \"reason_1\"\nto = \"YY\"", "from = \"action\"\nto = \"动作\"\n[[delivery.columns]]\nfrom = \"valid_until\"\nto = \"有效期\"\n[[delivery.columns]]\nfrom = \"team\"\nto = \"团队\"");
    let world = World::new(&rules);
    world.write("attributes.csv", &format!("{HEADER}c1,否,营销,低,C2,=一|组\n"));
    world.scored(&["c1,1,0.5,1,,,,,,致电,\n".to_owned()]);
    world.delivered();
    let bytes = fs::read(world.at("crm/yx-000001.csv")).unwrap();
    let (text, _, lost) = encoding_rs::GB18030.decode(&bytes);
    assert!(!lost && std::str::from_utf8(&bytes).is_err());
    assert_eq!(text, "PCH|XH|KHH|动作|有效期|团队\n1|1|c1|致电|2026-12-03|\"'=一|组\"\n");
}

#[test]
fn a_list_of_which_a_line_is_void_today_is_not_delivered() {
    let world = World::new(RULES);
    world.customers(3);
    world.build();
    world.approve(1).unwrap();
    let attributes = world.read("attributes.csv");
    for (row, why) in
        [("c2,是,营销;风控,低,C3,一组", "refused contacts"), ("c2,否,营销;风控,高,C3,一组", "above the risk limit")]
    {
        world.write("attributes.csv", &attributes.replace("c2,否,营销;风控,低,C3,一组", row));
        let told = said(world.deliver_at(1, NOW));
        assert!(told.contains("1 line of list 1") && told.contains(why), "{told}");
    }
    // Of whom the list does not name, anything may change.
    world.write("attributes.csv", &format!("{attributes}c9,是,,高,,\n"));
    let rules = world.read("rules.toml");
    world.rules(&RULES.replace("top = 10", "top = 11"));
    assert!(said(world.deliver_at(1, NOW)).contains("not the rules that made list 1"));
    world.rules(&rules);
    assert!(said(world.deliver_at(1, NOW + 15 * DAY)).contains("last day is over"));
    let nowhere = crate::contact::deliver(&world.config(), 1, &world.at("nowhere"), NOW);
    assert!(said(nowhere).contains("no such folder"));
    assert!(world.handed().is_empty());
    assert!(world.deliver_at(1, NOW).is_ok(), "and it is batch 1 still");
}

/// A model that is withdrawn after a list was made takes the list with it, and nothing is made of its scores.
#[test]
fn a_withdrawn_models_scores_make_and_deliver_nothing() {
    let world = World::new(RULES);
    world.customers(3);
    let text = world.read("scores.csv");
    world.build();
    world.approve(1).unwrap();
    crate::contact::recall(&world.config(), 1, "another model", NOW).unwrap();
    world.scores_file(&text, 3, &[("model", super::withdrawn::model().to_string().into())]);
    world.delivered();
    world.customers(5);
    world.build();
    world.approve(3).unwrap();
    super::withdrawn::write(&world.at("state/models/models.ledger"));
    assert_eq!(status(&world.config(), NOW).unwrap()[1].stage, Stage::Recalled);
    assert!(world.read("crm/list-000001.recall-000002.csv").contains("1,3,model withdrawn"));
    world.scores_file(&text, 3, &[("model", super::withdrawn::model().to_string().into())]);
    assert!(world.refused().contains("was withdrawn"));
    // Nor once the branch's ledger of models is gone: the register has kept it.
    fs::remove_file(world.at("state/models/models.ledger")).unwrap();
    assert!(world.refused().contains("was withdrawn"));
    // The list of the other model is delivered.
    world.deliver_at(3, NOW).unwrap_or_else(|fault| panic!("{fault}"));
}

/// Two models scored the file: the list, its delivery and its withdrawal know both.
#[test]
fn a_list_of_champion_and_challenger_names_the_model_of_each_line_and_is_void_with_either() {
    let rules = RULES.replace("from = \"reason_1\"", "from = \"model\"");
    // Without this line the challenger's customers are left out.
    let both = rules.replace("[choose]", "states = [\"champion\", \"challenger\"]\n[choose]");
    let world = World::new(&rules);
    world.customers(3);
    let challenger = super::withdrawn::model();
    let [own, beside] = [(Digest([7; 32]), "champion", None), (challenger, "challenger", Some(1_000))]
        .map(|(model, state, share)| json!({ "model": model.to_string(), "state": state, "share": share, "rows": 1 }));
    let text = world.read("scores.csv");
    let text = text.replacen("07070707\nc3", &format!("{}\nc3", challenger.short()), 1);
    world.scores_file(&text, 3, &[("models", json!([own, beside]))]);
    assert_eq!(world.build().left_out, [(LeftOut::OtherModel, 1)].into());
    assert_eq!(world.listed(1), ["c1", "c3"]);
    recall(&world.config(), 1, "other rules", NOW).unwrap();
    world.rules(&both);
    world.delivered();
    let (champion, digits) = (Digest([7; 32]).short(), challenger.short());
    let delivered = world.read("crm/list-000001.csv");
    assert_eq!(delivered, format!("PCH,XH,KHH,YY\n1,1,c1,{champion}\n1,2,c2,{digits}\n1,3,c3,{champion}\n"));
    let shown = show(&world.config(), 2, NOW).unwrap();
    assert_eq!(shown.models, [champion, digits]);
    super::withdrawn::write(&world.at("state/models/models.ledger"));
    assert_eq!(status(&world.config(), NOW).unwrap()[0].stage, Stage::Recalled);
    assert!(world.refused().contains("was withdrawn"));
    // A line of a model that the note does not name is a fault of the file.
    world.scores_file(&text, 3, &[("models", json!([own]))]);
    assert!(world.refused().contains("none of the models that the note beside the file names"));
}

#[test]
fn answers_are_about_the_file_that_was_delivered() {
    let world = World::new(RULES);
    world.customers(3);
    let built = world.delivered();
    let digest = Digest::of(world.read("crm/list-000001.csv").as_bytes()).to_string();
    let answer = |batch: u32, sha256: &str, lines: u32, accepted: bool| {
        serde_json::json!({ "format": 1, "batch": batch, "sha256": sha256, "lines": lines, "accepted": accepted })
            .to_string()
    };
    let other = Digest::ZERO.to_string();
    for (text, part) in [
        ("no".to_owned(), "no answer about a batch"),
        (answer(1, &digest, 3, true).replace("\"format\":1", "\"format\":2"), "format 2"),
        (answer(1, &digest, 3, true).replace('{', "{\"more\":1,"), "more"),
        (answer(2, &digest, 3, true), "about batch 2"),
        (answer(1, &other, 3, true), "another file than batch 1"),
        (answer(1, &digest, 2, true), "another file than batch 1"),
    ] {
        world.write("answer.json", &text);
        assert!(said(receipt(&world.config(), built.list, &world.at("answer.json"), NOW)).contains(part), "{part}");
    }
    world.write("answer.json", &answer(1, &digest, 3, true));
    for _ in 0..2 {
        receipt(&world.config(), 1, &world.at("answer.json"), NOW).unwrap();
    }
    assert_eq!(show(&world.config(), 1, NOW).unwrap().summary.stage, Stage::Accepted);
    world.write("answer.json", &answer(1, &digest, 3, false));
    assert!(said(receipt(&world.config(), 1, &world.at("answer.json"), NOW)).contains("answered otherwise"));
}

/// A recall voids the list at once, whether or not its file can be written; the file comes with the next command that can write it.
#[test]
fn a_recall_is_recorded_before_it_is_written() {
    let world = World::new(RULES);
    world.customers(2);
    world.delivered();
    for reason in ["", "two\nlines", &"x".repeat(300)] {
        assert!(said(recall(&world.config(), 1, reason, NOW)).contains("reason of one line"));
    }
    fs::rename(world.at("crm"), world.at("away")).unwrap();
    assert!(said(recall(&world.config(), 1, "=wrong product", NOW)).contains("Tell it by other means now"));
    assert_eq!(show(&world.config(), 1, NOW).unwrap().summary.recalls_open, 1);
    assert_eq!(world.build().lines, 2, "its customers are free");
    fs::rename(world.at("away"), world.at("crm")).unwrap();
    recall(&world.config(), 1, "wrong product", NOW).unwrap();
    assert_eq!(
        world.read("crm/list-000001.recall-000001.csv"),
        "batch,line,reason\n1,1,'=wrong product\n1,2,'=wrong product\n"
    );
    let word: serde_json::Value = serde_json::from_str(&world.read("crm/list-000001.recall-000001.csv.ok")).unwrap();
    assert_eq!((&word["kind"], &word["lines"]), (&"recall".into(), &2.into()));
    assert_eq!(world.handed().len(), 4);
    let before = world.handed();
    recall(&world.config(), 1, "again", NOW).unwrap();
    assert_eq!(world.handed(), before, "once");
}

/// The bank's system uses a list to the end of the day that it is told, so the list is open as long: whoever is excluded in the last second is recalled.
#[test]
fn a_list_ends_with_a_whole_day_of_the_bank() {
    const SHANGHAI: u64 = 8 * 3_600;
    let rules = RULES.replace("[delivery]\ncrm", "[delivery]\nvalid_days = 3\ncrm");
    let end_of = |day: &str| tributary_protocol::plan::Date::parse(day).unwrap().last_second() - SHANGHAI;
    // By the bank's clock it is nine in the morning of 2026-11-30.
    for (scores_end, day) in [
        (NOW + 30 * DAY, "2026-12-03"),
        (end_of("2026-12-03"), "2026-12-03"),
        (end_of("2026-12-03") - 1, "2026-12-02"),
        (end_of("2026-12-01") + 1, "2026-12-01"),
        (end_of("2026-11-30"), "2026-11-30"),
    ] {
        let world = World::new(&rules);
        world.customers(3);
        let text = world.read("scores.csv");
        world.scores_file(&text, 3, &[("valid_until", scores_end.into())]);
        let built = world.delivered();
        assert_eq!(built.valid_until, end_of(day), "{scores_end}");
        let word: serde_json::Value = serde_json::from_str(&world.read("crm/list-000001.csv.ok")).unwrap();
        assert_eq!(word["valid_until"], day, "{scores_end}");
        exclude(&world.config(), "c1", built.valid_until).unwrap();
        let recalls = world.handed().into_iter().filter(|name| name.contains("recall")).count();
        assert!(recalls > 0, "{:?}", world.handed());
        exclude(&world.config(), "c2", built.valid_until + 1).unwrap();
        assert_eq!(world.handed().into_iter().filter(|name| name.contains("recall")).count(), recalls, "it is over");
    }
    let world = World::new(&rules);
    world.customers(3);
    let text = world.read("scores.csv");
    world.scores_file(&text, 3, &[("valid_until", (end_of("2026-11-30") - 1).into())]);
    let told = world.refused();
    assert!(told.contains("end before today is over") && told.contains("later list.valid_until"), "{told}");
    assert!(status(&world.config(), NOW).unwrap().is_empty());
}
