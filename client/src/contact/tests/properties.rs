//! Over random rules and tables: whom a rule keeps out is in no list and no delivered file, and everybody is counted once.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::{HEADER, NOW, RULES, World};
use crate::contact::recall;

#[derive(Clone, Debug)]
struct Customer {
    line: bool,
    refuses: &'static str,
    purposes: &'static str,
    risk: &'static str,
    bears: &'static str,
    team: &'static str,
    contacts: u8,
    suppressed: bool,
    score: i16,
}

fn customer() -> impl Strategy<Value = Customer> {
    (
        prop::bool::weighted(0.9),
        prop::sample::select(vec!["否", "否", "否", "是", "", "N", "否?"]),
        prop::sample::select(vec!["营销", "风控;营销", "营销", "风控", "", "营销风控"]),
        prop::sample::select(vec!["低", "中", "低", "高", "", "极高"]),
        prop::sample::select(vec!["C2", "C3", "C1", "", "c2"]),
        prop::sample::select(vec!["一组", "二组", "三组", ""]),
        0_u8..3,
        prop::bool::weighted(0.1),
        -300_i16..300,
    )
        .prop_map(|(line, refuses, purposes, risk, bears, team, contacts, suppressed, score)| Customer {
            line,
            refuses,
            purposes,
            risk,
            bears,
            team,
            contacts,
            suppressed,
            score,
        })
}

#[derive(Clone, Debug)]
struct Drawn {
    span: String,
    quotas: Option<(u32, u32)>,
    cap: u8,
    hold: Option<u16>,
    hidden: bool,
}

fn rules() -> impl Strategy<Value = Drawn> {
    let span = prop_oneof![
        (1_u32..30).prop_map(|top| format!("by = \"score\"\ntop = {top}")),
        (-300_i16..300).prop_map(|value| format!("by = \"score\"\nthreshold = {value}")),
    ];
    (span, prop::option::of((1_u32..20, 1_u32..20)), 1_u8..4, prop::option::of(20_u16..500), any::<bool>()).prop_map(
        |(span, quotas, cap, hold, hidden)| {
            let sum = quotas.map_or(u32::MAX, |(one, other)| one + other);
            let top = span.split("top = ").nth(1).and_then(|top| top.parse::<u32>().ok()).unwrap_or_default();
            let quotas = quotas.filter(|_| sum >= top);
            Drawn { span, quotas, cap, hold, hidden: hidden && hold.is_some() }
        },
    )
}

impl Drawn {
    fn text(&self) -> String {
        let mut more = String::new();
        if let Some((one, other)) = self.quotas {
            more.push_str(&format!(
                "[[quotas]]\nteam = \"一组\"\nmost = {one}\n[[quotas]]\nteam = \"二组\"\nmost = {other}\n"
            ));
        }
        more.push_str(&format!(
            "[contacts]\nmost = {}\nwindow_days = 30\n[contacts.table]\ncustomer = \"customer\"\nday = \"day\"\n",
            self.cap
        ));
        if let Some(permille) = self.hold {
            more.push_str(&format!("[hold_out]\npermille = {permille}\ndays = 90\nover = \"branch\"\n"));
        }
        if self.hidden {
            more.push_str("[confidential]\ncustomer = \"customer\"\n");
        }
        RULES
            .replace("by = \"probability\"\ntop = 10", &self.span)
            .replace("[delivery]\ncrm", &format!("{more}[delivery]\ncrm"))
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]
    #[test]
    fn nobody_is_listed_whom_a_rule_keeps_out(
        customers in prop::collection::vec(customer(), 1..40), drawn in rules(), excluded in prop::collection::btree_set(0_usize..40, 0..4),
    ) {
        thread_local!(static WORLD: World = World::new(RULES));
        WORLD.with(|world| {
            let _fresh = std::fs::remove_dir_all(world.at("state"));
            for name in world.handed() {
                std::fs::remove_file(world.at("crm").join(name)).unwrap();
            }
            world.rules(&drawn.text());
            let mut tables = [HEADER.to_owned(), "customer,day\n".to_owned(), "customer\n".to_owned()];
            let mut rows = Vec::new();
            let mut known: BTreeMap<String, &Customer> = BTreeMap::new();
            for (number, customer) in customers.iter().enumerate() {
                let Customer { line, refuses, purposes, risk, bears, team, contacts, suppressed, score } = customer;
                if *line {
                    tables[0].push_str(&format!("k{number},{refuses},{purposes},{risk},{bears},{team}\n"));
                }
                tables[1].push_str(&format!("k{number},2026-11-20\n").repeat(usize::from(*contacts)));
                if *suppressed {
                    tables[2].push_str(&format!("K-{number}\n"));
                }
                rows.push(format!("k{number},{score},0.5,1,,,,,,,\n"));
                known.insert(format!("k{number}"), customer);
            }
            tables[0].push_str("somebody,否,营销,低,C3,一组\n");
            for (name, text) in ["attributes.csv", "contacts.csv", "confidential.csv"].iter().zip(&tables) {
                world.write(name, text);
            }
            world.scored(&rows);
            let excluded: BTreeSet<String> = excluded.iter().map(|number| format!("k{number}")).collect();
            for id in &excluded {
                crate::contact::exclude(&world.config(), id, NOW).unwrap();
            }
            let mut never: BTreeSet<String> = BTreeSet::new();
            for turn in 0..3_u64 {
                let built = world.build_at(NOW + turn).unwrap_or_else(|fault| panic!("{drawn:?}: {fault}"));
                let left: u64 = built.left_out.values().map(|count| u64::from(*count)).sum();
                assert_eq!(left + u64::from(built.lines), built.rows);
                let listed = world.listed(built.list);
                let mut teams: BTreeMap<&str, u32> = BTreeMap::new();
                for id in &listed {
                    let customer = known[id];
                    let Customer { line, refuses, purposes, risk, bears, team, contacts, suppressed, .. } = customer;
                    assert!(*line && *refuses == "否" && purposes.split(';').any(|purpose| purpose == "营销"));
                    assert!(["低", "中"].contains(risk) && ["C2", "C3"].contains(bears) && *contacts < drawn.cap);
                    assert!(!drawn.hidden || !*suppressed);
                    assert!(!excluded.contains(id) && !never.contains(id));
                    *teams.entry(team).or_default() += 1;
                }
                if let Some((one, other)) = drawn.quotas {
                    assert!(teams.keys().all(|team| ["一组", "二组"].contains(team)));
                    assert!(teams.get("一组").copied().unwrap_or_default() <= one && teams.get("二组").copied().unwrap_or_default() <= other);
                }
                if built.lines > 0 {
                    world.approve(built.list).unwrap();
                    world.deliver_at(built.list, NOW + turn).unwrap();
                    let batch = crate::contact::show(&world.config(), built.list, NOW).unwrap().summary.batch.unwrap();
                    let file = world.read(&format!("crm/list-{batch:06}.csv"));
                    let handed: Vec<String> = file.lines().skip(1).map(|line| line.split(',').nth(2).unwrap().to_owned()).collect();
                    assert_eq!(handed, listed, "what is handed over is the list");
                }
                recall(&world.config(), built.list, "again", NOW + turn).unwrap();
                // Who was chosen once and was not listed is held out, and stays so in the lists after it.
                if turn == 0 && drawn.hold.is_some() {
                    let store = crate::contact::store::Store::open(&world.at("state"), NOW).unwrap();
                    let held = store.assigned("", NOW).unwrap().held;
                    let is_held = |id: &&String| held.contains(&crate::contact::pseudonym::Pseudonym::of(store.key(), id));
                    never = known.keys().filter(is_held).cloned().collect();
                }
            }
        });
    }
}
