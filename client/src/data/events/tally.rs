//! What is kept of a customer's events: numbers of a fixed size, whatever the number of events is. All of them are whole numbers, so that no order of
//! rows and no division into batches makes another sum.

use tributary_model::features::Cell;

use super::declared::{Codes, DerivedField, Function, Holds};

/// A row that is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Event {
    /// Days since 1970-01-01.
    pub(super) day: i32,
    /// In the smallest unit; 0 where the table has no amounts.
    pub(super) amount: i64,
    pub(super) inward: Option<bool>,
    /// The group of each column of codes.
    pub(super) groups: [u8; Codes::COLUMNS_MAX],
    /// Seconds from its begin to its end, where the end is not after the day of the data.
    pub(super) lasted: Option<i64>,
}

/// The days of a field, counted from 1970-01-01.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    /// The day of the data, the last one that is looked at.
    last: i32,
    /// The last day before the window.
    begin: i32,
    /// The last day before everything that is looked at.
    earliest: i32,
    /// Windows before the last one.
    former: u16,
}

impl Span {
    pub(super) fn new(field: &DerivedField, as_of: tributary_protocol::plan::Date) -> Self {
        let windows = field.function.windows();
        Self {
            last: i32::try_from(as_of.0).unwrap_or(i32::MAX),
            begin: field.window.begin(as_of, 1),
            earliest: field.window.begin(as_of, windows),
            former: windows.saturating_sub(1),
        }
    }

    /// The last day before everything that is looked at.
    pub(super) fn earliest(self) -> i32 {
        self.earliest
    }

    fn looks_at(self, day: i32) -> bool {
        self.earliest < day && day <= self.last
    }

    fn is_in_window(self, day: i32) -> bool {
        day > self.begin
    }

    /// Days from this one to the day of the data.
    fn age(self, day: i32) -> usize {
        usize::try_from(self.last - day).unwrap_or_default()
    }

    /// Words of 64 days.
    fn words(self) -> usize {
        self.age(self.earliest).div_ceil(64)
    }
}

/// One bit for each day of each customer: bit 0 is the day of the data.
struct Days {
    words: usize,
    bits: Vec<u64>,
}

impl Days {
    fn new(span: Span, customers: usize) -> Self {
        Self { words: span.words(), bits: vec![0; span.words() * customers] }
    }

    fn set(&mut self, customer: usize, age: usize) {
        self.bits[customer * self.words + age / 64] |= 1 << (age % 64);
    }

    /// The days of a customer, by their age, the youngest first.
    fn of(&self, customer: usize) -> impl Iterator<Item = usize> {
        let words = &self.bits[customer * self.words..][..self.words];
        words.iter().enumerate().flat_map(|(word, bits)| {
            let bits = *bits;
            (0..64).filter(move |bit| bits >> bit & 1 == 1).map(move |bit| word * 64 + bit)
        })
    }

    /// How many of a customer's days are younger than this age, and how many are not.
    fn divided(&self, customer: usize, age: usize) -> [i128; 2] {
        self.of(customer).fold([0, 0], |[young, old], day| if day < age { [young + 1, old] } else { [young, old + 1] })
    }
}

/// What is kept, by customer.
enum Kept {
    Counts(Vec<u32>),
    Pairs(Vec<[u32; 2]>),
    Sums(Vec<i128>),
    SumPairs(Vec<[i128; 2]>),
    /// A sum, and the number of its parts.
    Means(Vec<(i128, u32)>),
    Largest(Vec<Option<i64>>),
    LastDays(Vec<Option<i32>>),
    Groups(Vec<u64>),
    Days(Days),
    /// The newest day, and the sum of its balances.
    Balances(Vec<(i32, i128)>),
    /// Days, and two sums over them.
    Slopes(Days, Vec<[i128; 2]>),
}

/// One field of all customers.
pub(super) struct Tally<'a> {
    field: &'a DerivedField,
    span: Span,
    kept: Kept,
}

impl<'a> Tally<'a> {
    /// Bytes for a customer.
    pub(super) fn bytes(field: &DerivedField, holds: Holds, span: Span) -> u64 {
        let days = 8 * span.words() as u64;
        match field.function {
            Function::Count | Function::Any | Function::Open => 4,
            Function::ShareOfCount | Function::Decay(_) | Function::DaysSinceLast | Function::Distinct(_) => 8,
            Function::Sum | Function::Net | Function::Max => 16,
            Function::ShareOfAmount | Function::Last | Function::HoursMean => 32,
            Function::Mean if holds == Holds::Events => 32,
            Function::CycleDays | Function::ActiveDays => days,
            Function::Mean | Function::TrendRatio | Function::TrendSlope => days + 32,
        }
    }

    pub(super) fn new(field: &'a DerivedField, holds: Holds, span: Span, customers: usize) -> Self {
        let kept = match (field.function, holds) {
            (Function::Count | Function::Any | Function::Open, _) => Kept::Counts(vec![0; customers]),
            (Function::ShareOfCount | Function::Decay(_), _) => Kept::Pairs(vec![[0; 2]; customers]),
            (Function::Sum | Function::Net, _) => Kept::Sums(vec![0; customers]),
            (Function::ShareOfAmount, _) => Kept::SumPairs(vec![[0; 2]; customers]),
            (Function::Mean, Holds::Events) | (Function::HoursMean, _) => Kept::Means(vec![(0, 0); customers]),
            (Function::Max, _) => Kept::Largest(vec![None; customers]),
            (Function::DaysSinceLast, _) => Kept::LastDays(vec![None; customers]),
            (Function::Distinct(_), _) => Kept::Groups(vec![0; customers]),
            (Function::CycleDays | Function::ActiveDays, _) => Kept::Days(Days::new(span, customers)),
            (Function::Last, _) => Kept::Balances(vec![(i32::MIN, 0); customers]),
            (Function::Mean | Function::TrendRatio | Function::TrendSlope, _) => {
                Kept::Slopes(Days::new(span, customers), vec![[0; 2]; customers])
            }
        };
        Self { field, span, kept }
    }

    /// Takes one row of a customer. What is outside of the field's days changes nothing.
    pub(super) fn add(&mut self, customer: usize, event: &Event) {
        if !self.span.looks_at(event.day) {
            return;
        }
        let fits = self.fits(event);
        let (function, span) = (self.field.function, self.span);
        let recent = span.is_in_window(event.day);
        match (&mut self.kept, function) {
            // These look at rows that do not fit as well.
            (Kept::Pairs(pairs), Function::ShareOfCount) => {
                pairs[customer][0] += u32::from(fits);
                pairs[customer][1] += 1;
            }
            (Kept::SumPairs(pairs), _) => {
                // An overdraft is no part of what somebody has.
                let amount = i128::from(event.amount.max(0));
                pairs[customer][0] += if fits { amount } else { 0 };
                pairs[customer][1] += amount;
            }
            _ if !fits => {}
            (Kept::Counts(counts), Function::Open) => counts[customer] += u32::from(event.lasted.is_none()),
            (Kept::Counts(counts), _) => counts[customer] += 1,
            (Kept::Pairs(pairs), _) => pairs[customer][usize::from(!recent)] += 1,
            (Kept::Sums(sums), Function::Net) => {
                let amount = i128::from(event.amount);
                sums[customer] += match event.inward {
                    Some(true) => amount,
                    Some(false) => -amount,
                    None => 0,
                };
            }
            (Kept::Sums(sums), _) => sums[customer] += i128::from(event.amount),
            (Kept::Means(means), Function::HoursMean) => {
                if let Some(lasted) = event.lasted {
                    means[customer].0 += i128::from(lasted);
                    means[customer].1 += 1;
                }
            }
            (Kept::Means(means), _) => {
                means[customer].0 += i128::from(event.amount);
                means[customer].1 += 1;
            }
            (Kept::Largest(largest), _) => largest[customer] = largest[customer].max(Some(event.amount)),
            (Kept::LastDays(days), _) => days[customer] = days[customer].max(Some(event.day)),
            (Kept::Groups(groups), Function::Distinct(code)) => {
                groups[customer] |= 1 << event.groups.get(code).copied().unwrap_or_default();
            }
            (Kept::Groups(_), _) => {}
            (Kept::Days(days), _) => days.set(customer, span.age(event.day)),
            (Kept::Balances(balances), _) => {
                let (day, sum) = &mut balances[customer];
                if event.day > *day {
                    (*day, *sum) = (event.day, 0);
                }
                if event.day == *day {
                    *sum += i128::from(event.amount);
                }
            }
            (Kept::Slopes(days, sums), _) => {
                let (age, amount) = (span.age(event.day), i128::from(event.amount));
                days.set(customer, age);
                let second = match function {
                    Function::TrendRatio => usize::from(!recent),
                    _ => 0,
                };
                sums[customer][second] += amount;
                if function == Function::TrendSlope {
                    sums[customer][1] += amount * rising(span, age);
                }
            }
        }
    }

    fn fits(&self, event: &Event) -> bool {
        let filter = &self.field.filter;
        let of_group = |(code, groups): &(usize, u64)| {
            event.groups.get(*code).is_some_and(|group| groups >> u32::from(*group) & 1 == 1)
        };
        filter.groups.iter().all(of_group)
            && filter.inward.is_none_or(|inward| event.inward == Some(inward))
            && filter.amount_min.is_none_or(|min| event.amount >= min)
    }

    /// A customer's value.
    pub(super) fn value(&self, customer: usize) -> Cell<'static> {
        let units = i128::from(self.field.units);
        match &self.kept {
            Kept::Counts(counts) if self.field.function == Function::Any => {
                Cell::Integer(i64::from(counts[customer] > 0))
            }
            Kept::Counts(counts) => Cell::Integer(counts[customer].into()),
            Kept::Pairs(pairs) => {
                let [first, second] = pairs[customer].map(i128::from);
                // The mean of the windows before is their count by their number.
                let windows = i128::from(self.span.former.max(1));
                quotient(first * windows, second)
            }
            Kept::Sums(sums) => quotient(sums[customer], units),
            Kept::SumPairs(pairs) => quotient(pairs[customer][0], pairs[customer][1]),
            Kept::Means(means) => {
                let (sum, parts) = means[customer];
                let unit = if self.field.function == Function::HoursMean { 3600 } else { units };
                quotient(sum, i128::from(parts) * unit)
            }
            Kept::Largest(largest) => largest[customer].map_or(Cell::Missing, |most| quotient(most.into(), units)),
            Kept::LastDays(days) => {
                days[customer].map_or(Cell::Missing, |day| Cell::Integer(i64::from(self.span.last - day)))
            }
            Kept::Groups(groups) => Cell::Integer(groups[customer].count_ones().into()),
            Kept::Days(days) if self.field.function == Function::ActiveDays => {
                Cell::Integer(i64::try_from(days.of(customer).count()).unwrap_or(i64::MAX))
            }
            Kept::Days(days) => cycle(days.of(customer)),
            Kept::Balances(balances) => {
                let (day, sum) = balances[customer];
                if day == i32::MIN { Cell::Missing } else { quotient(sum, units) }
            }
            Kept::Slopes(days, sums) => self.over_days(days, customer, sums[customer]),
        }
    }

    fn over_days(&self, days: &Days, customer: usize, [first, second]: [i128; 2]) -> Cell<'static> {
        let units = i128::from(self.field.units);
        match self.field.function {
            Function::TrendRatio => {
                let [now, before] = days.divided(customer, self.span.age(self.span.begin));
                // A ratio to nothing, or to a debt, says nothing.
                if before == 0 || now == 0 || second <= 0 {
                    return Cell::Missing;
                }
                quotient(first * before, second * now)
            }
            Function::TrendSlope => {
                let (mut count, mut times, mut squares) = (0_i128, 0_i128, 0_i128);
                for age in days.of(customer) {
                    let time = rising(self.span, age);
                    (count, times, squares) = (count + 1, times + time, squares + time * time);
                }
                let spread = count * squares - times * times;
                quotient(SLOPE_DAYS * (count * second - times * first), spread * units)
            }
            _ => {
                let [now, before] = days.divided(customer, usize::MAX);
                quotient(first, (now + before) * units)
            }
        }
    }
}

/// For so many days a slope is told.
const SLOPE_DAYS: i128 = 30;

/// The number of a day that grows with time, from 0.
fn rising(span: Span, age: usize) -> i128 {
    let days = span.age(span.earliest);
    i128::try_from(days.saturating_sub(age + 1)).unwrap_or_default()
}

/// A quotient of whole numbers, each rounded once; missing where it is one by nothing.
#[expect(clippy::cast_precision_loss, reason = "what a field reads is a double")]
fn quotient(sum: i128, parts: i128) -> Cell<'static> {
    if parts == 0 { Cell::Missing } else { Cell::Number(sum as f64 / parts as f64) }
}

/// The median of the days between one age and the next one; missing where there are fewer than two.
#[expect(clippy::cast_precision_loss, reason = "days of three years")]
fn cycle(ages: impl Iterator<Item = usize>) -> Cell<'static> {
    let ages: Vec<usize> = ages.collect();
    let mut gaps: Vec<usize> = ages.windows(2).map(|pair| pair[1] - pair[0]).collect();
    gaps.sort_unstable();
    let (Some(upper), Some(lower)) = (gaps.get(gaps.len() / 2), gaps.get(gaps.len().saturating_sub(1) / 2)) else {
        return Cell::Missing;
    };
    Cell::Number((upper + lower) as f64 / 2.0)
}
