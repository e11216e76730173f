//! Over random rules, tables, spellings, clocks and campaigns: whom a rule keeps out is in no list and no delivered file, and everybody is counted once.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use tributary_protocol::plan::Date;

use super::{DAY, HEADER, NOW, RULES, World};
use crate::contact::pseudonym::Pseudonym;
use crate::contact::store::Store;
use crate::contact::{Approving, outcomes, recall};

#[derive(Clone, Debug)]
struct Customer {
    line: bool,
    refuses: &'static str,
    purposes: &'static str,
    risk: &'static str,
    bears: &'static str,
    team: &'static str,
    contacts: Vec<Contact>,
    suppressed: bool,
    /// How scores and attributes write the id, and how every other table does.
    spelled: (Spelling, Spelling),
    /// A further row of attributes that writes the id otherwise, and refuses.
    refused_elsewhere: bool,
    /// A further row of scores that writes the id otherwise.
    scored_twice: bool,
    score: i16,
}

/// So many hours before the first list, by a clock that is so many hours ahead of UTC, or by the bank's own.
type Contact = (u16, Option<i8>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Spelling {
    Plain,
    Spaces,
    Hyphens,
    Points,
    Wide,
    Zeros,
    Decimal,
    Formula,
    Upper,
}

impl Spelling {
    const ALL: [Self; 9] = [
        Self::Plain,
        Self::Spaces,
        Self::Hyphens,
        Self::Points,
        Self::Wide,
        Self::Zeros,
        Self::Decimal,
        Self::Formula,
        Self::Upper,
    ];

    /// The id of a customer: a number, or one with letters.
    fn of(self, number: usize) -> String {
        let letters = number.is_multiple_of(3);
        let plain = if letters { format!("kh7{number:05}x") } else { format!("6222{number:06}") };
        let between = |mark: &str| format!("{}{mark}{}{mark}{}", &plain[..3], &plain[3..6], &plain[6..]);
        match self {
            Self::Plain => plain,
            Self::Spaces => between(" "),
            Self::Hyphens => between("-"),
            Self::Points => between("."),
            Self::Wide => plain.chars().filter_map(|one| char::from_u32(u32::from(one) + 0xfee0)).collect(),
            Self::Zeros => format!("000{plain}"),
            Self::Decimal if letters => plain,
            Self::Decimal => format!("{plain}.00"),
            Self::Formula => format!("={plain}"),
            Self::Upper => plain.to_uppercase(),
        }
    }
}

fn customer() -> impl Strategy<Value = Customer> {
    let words = (
        prop::sample::select(vec!["否", "否", "否", "否/N", "是", "", "N", "否?", "否/是"]),
        prop::sample::select(vec!["营销", "风控;营销", "营销", "风控", "", "营销风控"]),
        prop::sample::select(vec!["低", "中", "低", "高", "", "极高"]),
        prop::sample::select(vec!["C2", "C3", "C1", "", "c2"]),
        prop::sample::select(vec!["一组", "二组", "三组", ""]),
    );
    let zone = prop::option::of(prop::sample::select(vec![-11_i8, -3, 0, 8, 14]));
    let spelling = || prop::sample::select(Spelling::ALL.to_vec());
    let flags =
        (prop::bool::weighted(0.9), prop::bool::weighted(0.1), prop::bool::weighted(0.1), prop::bool::weighted(0.1));
    (words, prop::collection::vec((0_u16..1_500, zone), 0..3), (spelling(), spelling()), flags, -300_i16..300).prop_map(
        |((refuses, purposes, risk, bears, team), contacts, spelled, flags, score)| {
            let (line, suppressed, refused_elsewhere, scored_twice) = flags;
            Customer {
                line,
                refuses,
                purposes,
                risk,
                bears,
                team,
                contacts,
                suppressed,
                spelled,
                refused_elsewhere,
                scored_twice,
                score,
            }
        },
    )
}

/// What a campaign's rules say of a hold-out: its share of a thousand, and whether it is the branch's.
type HoldOut = Option<(u16, bool)>;

#[derive(Clone, Debug)]
struct Drawn {
    span: String,
    quotas: Option<(u32, u32)>,
    cap: u8,
    window: u16,
    hidden: bool,
}

fn rules() -> impl Strategy<Value = Drawn> {
    let span = prop_oneof![
        (1_u32..30).prop_map(|top| format!("by = \"score\"\ntop = {top}")),
        (-300_i16..300).prop_map(|value| format!("by = \"score\"\nthreshold = {value}")),
    ];
    (span, prop::option::of((1_u32..20, 1_u32..20)), 1_u8..4, 1_u16..60, any::<bool>()).prop_map(
        |(span, quotas, cap, window, hidden)| {
            let sum = quotas.map_or(u32::MAX, |(one, other)| one + other);
            let top = span.split("top = ").nth(1).and_then(|top| top.parse::<u32>().ok()).unwrap_or_default();
            Drawn { span, quotas: quotas.filter(|_| sum >= top), cap, window, hidden }
        },
    )
}

/// A list: the campaign, its hold-out, hours since the list before, and whether it is recalled or told of; and so the customers who were reached.
#[derive(Clone, Debug)]
struct Turn {
    campaign: u8,
    hold: HoldOut,
    hours: u16,
    recalled: bool,
    reached: u8,
}

fn turn() -> impl Strategy<Value = Turn> {
    let hold = prop::option::of((20_u16..500, any::<bool>()));
    (0_u8..2, hold, 0_u16..60, any::<bool>(), 0_u8..4).prop_map(|(campaign, hold, hours, recalled, reached)| Turn {
        campaign,
        hold,
        hours,
        recalled,
        reached,
    })
}

impl Drawn {
    fn text(&self, turn: &Turn) -> String {
        let mut more = String::new();
        if let Some((one, other)) = self.quotas {
            more.push_str(&format!(
                "[[quotas]]\nteam = \"一组\"\nmost = {one}\n[[quotas]]\nteam = \"二组\"\nmost = {other}\n"
            ));
        }
        more.push_str(&format!(
            "[contacts]\nmost = {}\nwindow_days = {}\n[contacts.table]\ncustomer = \"customer\"\nday = \"day\"\nmay_be_empty = true\nlost_permille_max = 1000\n",
            self.cap, self.window
        ));
        if let Some((permille, branch)) = self.hold(turn) {
            let over = if branch { "branch" } else { "campaign" };
            more.push_str(&format!("[hold_out]\npermille = {permille}\ndays = 90\nover = \"{over}\"\n"));
        }
        if self.hidden {
            more.push_str("[confidential]\ncustomer = \"customer\"\nmay_be_empty = true\nlost_permille_max = 1000\n");
        }
        RULES
            .replace("2026-12 deposits", &format!("campaign {}", turn.campaign))
            .replace("allowed = [\"否\"]", "allowed = [\"否\", \"N\"], divider = \"/\"")
            .replace("by = \"probability\"\ntop = 10", &self.span)
            .replace("customer = \"id\"\n", "customer = \"id\"\nmay_be_empty = true\nlost_permille_max = 1000\n")
            .replace("[delivery]\ncrm", &format!("{more}[delivery]\ncrm"))
    }

    /// With confidential suppressions the hold-out is the branch's.
    fn hold(&self, turn: &Turn) -> HoldOut {
        if self.hidden { Some(turn.hold.map_or((100, true), |(permille, _)| (permille, true))) } else { turn.hold }
    }
}

const SHANGHAI_H: i64 = 8;

/// The day of a second by the bank's clock.
fn bank_day(second: i64) -> i64 {
    (second + SHANGHAI_H * 3600).div_euclid(DAY.cast_signed())
}

/// As a table writes it.
fn written((hours, zone): Contact) -> String {
    let second = NOW.cast_signed() - i64::from(hours) * 3600;
    let local = second + zone.map_or(SHANGHAI_H, i64::from) * 3600;
    let (day, rest) = (local.div_euclid(DAY.cast_signed()), local.rem_euclid(DAY.cast_signed()));
    let day = Date(u32::try_from(day).unwrap());
    let zone = zone.map_or(String::new(), |zone| format!("{}{:02}:00", if zone < 0 { '-' } else { '+' }, zone.abs()));
    format!("{day}T{:02}:{:02}:{:02}{zone}", rest / 3600, rest / 60 % 60, rest % 60)
}

fn write_tables(world: &World, customers: &[Customer]) {
    let mut tables = [HEADER.to_owned(), "customer,day\n".to_owned(), "customer\n".to_owned()];
    let mut rows = Vec::new();
    for (number, customer) in customers.iter().enumerate() {
        let Customer { line, refuses, purposes, risk, bears, team, contacts, suppressed, spelled, score, .. } =
            customer;
        let (own, other) = (spelled.0.of(number), spelled.1.of(number));
        if *line {
            tables[0].push_str(&format!("{own},{refuses},{purposes},{risk},{bears},{team}\n"));
        }
        if customer.refused_elsewhere {
            tables[0].push_str(&format!("{other},是,营销,低,C3,一组\n"));
        }
        contacts.iter().for_each(|contact| tables[1].push_str(&format!("{other},{}\n", written(*contact))));
        if *suppressed {
            tables[2].push_str(&format!("{other}\n"));
        }
        let scored = |id: &str| format!("{}{id},{score},0.5,1,,,,,,,\n", if id.starts_with('=') { "'" } else { "" });
        rows.push(scored(&own));
        if customer.scored_twice && other != own {
            rows.push(scored(&other));
        }
    }
    tables[0].push_str("somebody,否,营销,低,C3,一组\n");
    for (name, text) in ["attributes.csv", "contacts.csv", "confidential.csv"].iter().zip(&tables) {
        world.write(name, text);
    }
    world.scored(&rows);
}

/// What is known beside the tables: who was reached on which day of the bank, who waits in an open list, and who is held out for which campaign.
#[derive(Default)]
struct Known {
    reached: BTreeMap<usize, Vec<i64>>,
    open: BTreeSet<usize>,
    held: BTreeMap<Option<u8>, BTreeSet<usize>>,
}

/// Whether somebody may be in a list of this day.
fn may_be_listed(number: usize, customer: &Customer, (drawn, turn): (&Drawn, &Turn), known: &Known, now: u64) -> bool {
    let Customer { line, refuses, purposes, risk, bears, contacts, suppressed, refused_elsewhere, .. } = customer;
    let first = bank_day(now.cast_signed()) - i64::from(drawn.window) + 1;
    let told = contacts.iter().map(|(hours, _)| bank_day(NOW.cast_signed() - i64::from(*hours) * 3600));
    let reached = known.reached.get(&number).into_iter().flatten().copied();
    let contacted = told.chain(reached).filter(|day| *day >= first).count();
    let held = |group| known.held.get(&group).is_some_and(|held| held.contains(&number));
    *line
        && !*refused_elsewhere
        && ["否", "N", "否/N"].contains(refuses)
        && purposes.split(';').any(|purpose| purpose == "营销")
        && ["低", "中"].contains(risk)
        && ["C2", "C3"].contains(bears)
        && contacted < usize::from(drawn.cap)
        && !known.open.contains(&number)
        && !(drawn.hidden && *suppressed)
        && !held(None)
        && !(drawn.hold(turn).is_some_and(|(_, branch)| !branch) && held(Some(turn.campaign)))
}

/// The customers of a list, as its copy has them.
fn listed(world: &World, list: u32, customers: &[Customer]) -> Vec<usize> {
    let numbers: BTreeMap<String, usize> =
        customers.iter().enumerate().map(|(number, customer)| (customer.spelled.0.of(number), number)).collect();
    let ids = world.listed(list);
    ids.iter().map(|id| numbers[id.strip_prefix('\'').unwrap_or(id)]).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]
    #[test]
    fn nobody_is_listed_whom_a_rule_keeps_out(
        customers in prop::collection::vec(customer(), 1..40), drawn in rules(), turns in prop::collection::vec(turn(), 1..4),
        excluded in prop::collection::btree_map(0_usize..40, prop::sample::select(Spelling::ALL.to_vec()), 0..4),
    ) {
        thread_local!(static WORLD: World = World::new(RULES));
        WORLD.with(|world| {
            for folder in ["state", "out"] {
                let _fresh = std::fs::remove_dir_all(world.at(folder));
            }
            let _fresh = std::fs::remove_file(world.at("identity/contact.head"));
            for name in world.handed() {
                std::fs::remove_file(world.at("crm").join(name)).unwrap();
            }
            world.rules(&drawn.text(&turns[0]));
            write_tables(world, &customers);
            for (number, spelling) in &excluded {
                crate::contact::exclude(&world.config(), &spelling.of(*number), NOW).unwrap();
            }
            let (mut known, mut now) = (Known::default(), NOW);
            for turn in &turns {
                now += u64::from(turn.hours) * 3600;
                world.rules(&drawn.text(turn));
                let built = world.build_at(now).unwrap_or_else(|fault| panic!("{drawn:?} {turn:?}: {fault}"));
                let left: u64 = built.left_out.values().map(|count| u64::from(*count)).sum();
                assert_eq!(left + u64::from(built.lines), built.rows);
                let names = listed(world, built.list, &customers);
                let mut teams: BTreeMap<&str, u32> = BTreeMap::new();
                for number in &names {
                    let customer = &customers[*number];
                    assert!(may_be_listed(*number, customer, (&drawn, turn), &known, now), "{number} {customer:?} {drawn:?} {turn:?}");
                    assert!(!excluded.contains_key(number));
                    *teams.entry(customer.team).or_default() += 1;
                }
                assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len(), "each customer once");
                if let Some((one, other)) = drawn.quotas {
                    let of = |team| teams.get(team).copied().unwrap_or_default();
                    assert!(of("一组") <= one && of("二组") <= other && of("一组") + of("二组") == built.lines);
                }
                note_held(world, &customers, turn, now, &mut known);
                hand_over(world, (built.list, turn, now), &names, &mut known);
            }
        });
    }
}

/// Whoever is held out now is so in the lists after this one.
fn note_held(world: &World, customers: &[Customer], turn: &Turn, now: u64, known: &mut Known) {
    let store = Store::open(&world.settings(), now).unwrap();
    for (group, name) in [(None, String::new()), (Some(turn.campaign), format!("campaign {}", turn.campaign))] {
        let held = store.assigned(&name, now).unwrap().held;
        let is_held = |number: &usize| held.contains(&Pseudonym::of(store.key(), &Spelling::Plain.of(*number)));
        known.held.insert(group, (0..customers.len()).filter(is_held).collect());
    }
}

/// The list is delivered: as it is, and nothing else. Then it is recalled, or the bank tells of the first of its lines.
fn hand_over(world: &World, (list, turn, now): (u32, &Turn, u64), names: &[usize], known: &mut Known) {
    if !names.is_empty() {
        let approving = Approving::open(&world.config(), list, &world.at("risk.key"), now).unwrap();
        approving.approve(now).unwrap();
        world.deliver_at(list, now).unwrap_or_else(|fault| panic!("{turn:?}: {fault}"));
        let batch = crate::contact::show(&world.config(), list, now).unwrap().summary.batch.unwrap();
        let third = |text: String, place: usize| -> Vec<String> {
            text.lines().skip(1).map(|line| line.split(',').nth(place).unwrap().to_owned()).collect()
        };
        let handed = third(world.read(&format!("crm/list-{batch:06}.csv")), 2);
        assert_eq!(handed, world.listed(list), "what is handed over is the list");
        let day = Date(u32::try_from(bank_day(now.cast_signed())).unwrap());
        let told: String = (1..=usize::from(turn.reached).min(names.len()))
            .map(|line| format!("{batch},{line},是,phone,,{day}\n"))
            .collect();
        world.write("outcomes.csv", &format!("batch,line,contacted,channel,result,date\n{told}"));
        let taken = outcomes(&world.config(), &world.at("outcomes.csv"), now).unwrap();
        assert!(taken.rejected.is_empty());
        for (place, number) in names.iter().enumerate() {
            if place < usize::from(turn.reached) {
                known.reached.entry(*number).or_default().push(bank_day(now.cast_signed()));
            } else {
                // Whoever waits in a list is in no other one. Whoever was in one that was delivered counts as contacted, also where it was recalled.
                if !turn.recalled {
                    known.open.insert(*number);
                }
                known.reached.entry(*number).or_default().push(bank_day(now.cast_signed()));
            }
        }
    }
    if turn.recalled {
        recall(&world.config(), list, "again", now).unwrap();
    }
}
