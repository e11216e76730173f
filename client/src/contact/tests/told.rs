//! The months of a campaign, from its rules to its certificates: what every command says, shows and writes is compared whole.

use std::fmt::Write as _;
use std::path::Path;

use tributary_protocol::digest::Digest;
use tributary_protocol::ids::RoundId;
use tributary_protocol::log::LedgerId;
use tributary_protocol::plan::RunRef;
use tributary_protocol::round::ParticipantEvent;
use tributary_protocol::time::Millis;
use tributary_storage::files::create_private_folder;
use tributary_storage::journal::Journal;
use tributary_texts::{Language, Said};

use super::whole::purge_whole;
use super::{DAY, HEADER, NOW, RULES, World, names};
use crate::contact::rules::ColumnOrigin;
use crate::contact::scores::id_of;
use crate::contact::{
    Approving, certificates, erase, exclude, explain, outcomes, recall, receipt, show, show_customer, status,
};
use crate::error::ClientError;
use crate::test_home::accepted;
use crate::whole::{compare, plain};

/// What was said, with the same names for what is drawn: the folder, digests, keys, and the number of the rules.
struct Story<'a> {
    world: &'a World,
    text: String,
}

impl Story<'_> {
    fn tell(&mut self, heading: &str, lines: &[Said]) {
        let _ = writeln!(self.text, "== {heading}");
        for line in lines {
            let _ = writeln!(self.text, "{}", line.text(Language::English));
        }
    }

    fn told(&mut self, heading: &str, said: Result<Vec<Said>, ClientError>) {
        match said {
            Ok(lines) => self.tell(heading, &lines),
            Err(fault) => self.tell(&format!("{heading}: refused"), &[fault.said()]),
        }
    }

    fn json(&mut self, value: &impl serde::Serialize) {
        let _ = writeln!(self.text, "{}", serde_json::to_string_pretty(value).unwrap());
    }

    fn files(&mut self, folder: &Path) {
        for name in names(folder) {
            let path = folder.join(&name);
            if path.is_file() {
                let _ = writeln!(self.text, "-- {name}\n{}", String::from_utf8_lossy(&std::fs::read(path).unwrap()));
            }
        }
    }

    fn shown(&mut self, list: u32, now: u64) {
        let shown = show(&self.world.config(), list, now).unwrap_or_else(|fault| panic!("{fault}"));
        // They are signed now, by a clock of their own.
        let signed = shown.rules_number;
        self.tell(&format!("list {list}"), &shown.said());
        self.json(&shown);
        for line in &shown.first.lines {
            let _ = writeln!(self.text, "{line:?}");
        }
        for (drawn, name) in
            [(signed.to_string(), "RULES"), (tributary_certs::inspect::date(signed / 1_000), "DAY OF RULES")]
        {
            self.text = self.text.replace(&drawn, name);
        }
    }
}

fn columns() -> String {
    let column = |(name, _)| format!("[[delivery.columns]]\nfrom = \"{name}\"\nto = \"the {name}\"\n");
    ColumnOrigin::ALL.into_iter().map(column).collect()
}

/// The branch has taken part in two runs, with two uploads and with one, and in another one's beginning.
fn runs_before(world: &World) {
    let run = |number: u32| RunRef { plan: Digest([9; 32]), number };
    let uploaded = |number: u32, round: u64| ParticipantEvent::Uploaded {
        run: run(number),
        round: RoundId(round),
        vector: Digest([1; 32]),
        counter: 3,
    };
    create_private_folder(&world.at("state")).unwrap();
    let path = world.at("state/budget.ledger");
    let (mut journal, _) = Journal::<ParticipantEvent>::open(&path, LedgerId::BUDGET).unwrap();
    let all = [
        accepted(run(1), 7),
        uploaded(1, 1),
        accepted(run(2), 8),
        uploaded(2, 1),
        uploaded(1, 2),
        uploaded(7, 1),
        accepted(run(3), 9),
    ];
    for event in all {
        journal.append(Millis(NOW * 1_000), event).unwrap();
    }
    journal.sync().unwrap();
}

/// An id is at most so long, and has its mark only where a spreadsheet would run it.
#[test]
fn ids_are_taken_as_they_are() {
    let world = World::new(RULES);
    for (length, taken) in [(256, true), (257, false)] {
        assert_eq!(exclude(&world.config(), &"x".repeat(length), NOW).is_ok(), taken, "{length}");
    }
    for (written, id) in [("'=1", "=1"), ("'abc", "'abc"), ("abc", "abc"), ("=1", "=1")] {
        assert_eq!(id_of(written), id);
    }
}

/// With quotas, a cap of contacts, a name for the files, and every column.
fn rules() -> String {
    let (head, _) = RULES.split_once("[delivery]").unwrap();
    format!(
        "{head}[[quotas]]\nteam = \"一组\"\nmost = 7\n[[quotas]]\nteam = \"二组\"\nmost = 3\n\
         [contacts]\nmost = 2\nwindow_days = 30\n[contacts.table]\ncustomer = \"customer\"\nday = \"day\"\n\
         [delivery]\ncrm = \"CRM-01\"\nname = \"leads\"\nencoding = \"utf-8\"\ndelimiter = \";\"\nvalid_days = 13\n{}",
        columns()
    )
    .replace("top = 10", "top = 5")
}

#[test]
fn a_campaign_is_told_as_it_was() {
    let world = World::new(&rules());
    let attributes = [
        "c1,否,营销;风控,低,C3,一组",
        "c2,是,营销,低,C3,一组",
        "c3,否,风控,低,C3,一组",
        "c4,否,营销,高,C3,一组",
        "c5,否,营销,低,C1,一组",
        "c6,否,营销,低,C3,三组",
        "c7,否,营销,中,C2,二组",
        "c8,否,营销,低,C3,一组",
        "c9,否,营销,低,C3,二组",
        "c10,否,营销,低,C3,二组",
        "c11,否,营销,低,C3,二组",
        "c12,否,营销,低,C3,一组",
        "c13,否,营销,低,C3,一组",
    ];
    world.write("attributes.csv", &format!("{HEADER}{}\n", attributes.join("\n")));
    world.write("contacts.csv", "customer,day\nc8,2026-11-29\nc8,2026-11-28\nc9,2026-11-29\n");
    let row = |number: u32| {
        let probability = 1.0 - f64::from(number) / 100.0;
        format!(
            "c{number},{},{probability},{},{},first {number},second {number},third {number},dormant,call \"{number}\",insured\n",
            -f64::from(number),
            number.div_ceil(2),
            700 - number
        )
    };
    world.scored(&(1..=14).map(row).collect::<Vec<_>>());
    runs_before(&world);
    let mut story = Story { world: &world, text: String::new() };
    let config = world.config();
    let built = world.build();
    story.json(&built);
    story.shown(1, NOW);
    story.files(&world.at("out"));
    let approving = Approving::open(&config, 1, &world.at("risk.key"), NOW).unwrap_or_else(|fault| panic!("{fault}"));
    story.tell("to be approved", &approving.shown().said()[..2]);
    story.told("approved", approving.approve(NOW + 60).map(|said| vec![said]));
    story.told("delivered", world.deliver_at(1, NOW + 120));
    story.files(&world.at("crm"));
    let sent = Digest::of(world.read("crm/leads-000001.csv").as_bytes());
    let answer =
        serde_json::json!({ "format": 1, "batch": 1, "sha256": sent.to_string(), "lines": 5, "accepted": true });
    world.write("answer.json", &answer.to_string());
    story.told("answered", receipt(&config, 1, &world.at("answer.json"), NOW + 180));
    world.write(
        "outcomes.csv",
        "batch,line,contacted,channel,result,date\n1,1,是,phone,bought,2026-11-30\n1,2,否,sms,,2026-12-01\n\
         1,3,是,phone,no,2026-12-02\n9,1,是,phone,,2026-11-30\n1,9,是,phone,,2026-11-30\n1,3,maybe,phone,,2026-11-30\n",
    );
    let taken = outcomes(&config, &world.at("outcomes.csv"), NOW + 3 * DAY).unwrap_or_else(|fault| panic!("{fault}"));
    story.tell("outcomes", &taken.said());
    story.json(&taken);
    let _ = writeln!(story.text, "{}", world.read("outcomes.rejects.csv"));
    for (name, answer) in [
        ("shown", show_customer(&config, "c1", NOW + 3 * DAY)),
        ("explained", explain(&config, "c7", None, NOW + 3 * DAY)),
        ("excluded", exclude(&config, "c9", NOW + 3 * DAY)),
        ("erased", erase(&config, "c12", NOW + 3 * DAY)),
        ("shown after it", show_customer(&config, "c12", NOW + 3 * DAY)),
        ("a stranger", show_customer(&config, "nobody", NOW + 3 * DAY)),
    ] {
        let lines = answer.map(|answer| answer.lines());
        story.told(name, lines);
    }
    story.shown(1, NOW + 3 * DAY);
    std::fs::rename(world.at("crm"), world.at("away")).unwrap();
    story.told("recalled, and not written", recall(&config, 1, "wrong product", NOW + 4 * DAY));
    story.shown(1, NOW + 4 * DAY);
    std::fs::rename(world.at("away"), world.at("crm")).unwrap();
    story.told("recalled", recall(&config, 1, "wrong product", NOW + 4 * DAY));
    story.files(&world.at("crm"));
    let second = world.build_at(NOW + 4 * DAY).unwrap_or_else(|fault| panic!("{fault}"));
    story.json(&second);
    // A file of its name is in the way, and the clock was set back.
    let second = Approving::open(&config, 2, &world.at("risk.key"), NOW + 4 * DAY);
    second.and_then(|second| second.approve(NOW + 4 * DAY)).unwrap_or_else(|fault| panic!("{fault}"));
    world.write("crm/leads-000002.csv", "of somebody else");
    story.told("in the way", world.deliver_at(2, NOW + 4 * DAY));
    story.told("before", world.deliver_at(2, NOW - DAY));
    std::fs::remove_file(world.at("crm/leads-000002.csv")).unwrap();
    story.told("nowhere", crate::contact::deliver(&config, 2, &world.at("nowhere"), NOW + 4 * DAY));
    story.told("delivered", world.deliver_at(2, NOW + 4 * DAY));
    for lines in [status(&config, NOW + 4 * DAY), status(&config, NOW + 18 * DAY)] {
        let lines = lines.unwrap_or_else(|fault| panic!("{fault}"));
        lines.iter().for_each(|summary| {
            story.tell("status", &[summary.said()]);
            story.json(summary);
        });
    }
    // The scores were made an hour before.
    for (days, dry_run, less) in
        [(90, false, 3_600), (90, true, 3_599), (90, false, 0), (500, true, 0), (500, false, 0), (501, false, 0)]
    {
        let purged = purge_whole(&config, dry_run, NOW + days * DAY - less).unwrap_or_else(|fault| panic!("{fault}"));
        story.tell(&format!("purged after {days} days less {less} seconds"), &purged.said().unwrap());
        story.json(&purged);
    }
    for line in certificates(&config, NOW + 501 * DAY).unwrap_or_else(|fault| panic!("{fault}")) {
        story.tell("certificate", &line.said());
        story.json(&line);
    }
    story.shown(1, NOW + 501 * DAY);
    compare(&plain(&story.text, &world.at("")), "contact/tests/told.txt");
}
