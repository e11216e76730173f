//! What noised counts of customers by their values say of each field: how many, how many without a value, quantiles of numbers, and the most
//! frequent categories.
//!
//! All of it is post-processing of one release: the privacy cost is that of the counts. Each figure has the 95 % interval that the known noise
//! gives it. A quantile's interval reaches to the edges of its bins as well, because within a bin nothing is known.

use serde::{Deserialize, Serialize};

use crate::counts::NoisedHistogram;
use crate::elementary::exp;
use crate::metrics::Estimate;
use crate::schema::{Field, FieldKind, Missing, Schema, Transform};

/// Shares of customers below the quantiles that are given.
pub const QUANTILES: [f64; 5] = [0.1, 0.25, 0.5, 0.75, 0.9];

/// Most categories that are given of a field.
pub const CATEGORIES_SHOWN: usize = 10;

/// Standard errors on either side of a 95 % interval.
const Z: f64 = 1.96;

/// What counts say of one field.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FieldFigures {
    /// Its name.
    pub field: String,
    /// Customers in a cell of it. A category that the schema does not list has none.
    pub customers: Estimate,
    /// The part of them without a value; absent where the schema has no cell for it, or too few were counted.
    pub missing: Option<Estimate>,
    /// Of a number, for each of [`QUANTILES`].
    pub quantiles: Vec<QuantileFigure>,
    /// Of categories the most frequent ones, at most [`CATEGORIES_SHOWN`].
    pub categories: Vec<CategoryFigure>,
}

/// A number below which this part of the customers with a value is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct QuantileFigure {
    /// The part, 0 to 1.
    pub share: f64,
    /// The number, in the schema's units; absent where too few were counted.
    pub value: Option<Estimate>,
}

/// How frequent a category is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CategoryFigure {
    /// As the schema names it.
    pub category: String,
    /// Customers.
    pub customers: Estimate,
    /// Their part of all that were counted of the field; absent where too few were.
    pub share: Option<Estimate>,
}

impl FieldFigures {
    /// What one histogram for each field says, where each count has independent noise of this standard deviation, in customers. Nothing where
    /// histograms and schema do not fit each other.
    #[must_use]
    pub fn all(schema: &Schema, histograms: &[NoisedHistogram], noise_stddev: f64) -> Vec<Self> {
        let fits = histograms.len() == schema.fields().len();
        let pairs = schema.fields().iter().zip(histograms).filter(|_| fits);
        pairs.filter_map(|(field, own)| Self::of(field, &own.counts, noise_stddev)).collect()
    }

    fn of(field: &Field, counts: &[f64], stddev: f64) -> Option<Self> {
        let (missing, numbers) = match &field.kind {
            FieldKind::Numeric { missing, .. } => (*missing == Missing::Indicator, true),
            FieldKind::Categorical { missing, .. } => (*missing == Missing::Indicator, false),
        };
        let known = counts.len().checked_sub(usize::from(missing)).filter(|known| *known > 0)?;
        let all = Counted { counts, stddev };
        let customers = Estimate::new(all.sum(), stddev * (counts.len() as f64).sqrt(), (0.0, f64::INFINITY));
        let (values, gone) = counts.split_at(known);
        let missing = gone.first().and_then(|gone| all.share(*gone));
        let quantiles = if numbers {
            let bounds = bounds(field, known)?;
            let values = Counted { counts: values, stddev };
            QUANTILES.map(|share| QuantileFigure { share, value: values.quantile(share, &bounds) }).into()
        } else {
            Vec::new()
        };
        let categories = match &field.kind {
            FieldKind::Categorical { categories, .. } => all.most_frequent(categories, values),
            FieldKind::Numeric { .. } => Vec::new(),
        };
        Some(Self { field: field.name.clone(), customers, missing, quantiles, categories })
    }
}

/// The bounds of a number's bins, from its least to its largest value.
fn bounds(field: &Field, bins: usize) -> Option<Vec<f64>> {
    let FieldKind::Numeric { min, max, transform, .. } = &field.kind else { return None };
    if let Transform::Bins(edges) = transform {
        let all = [*min].into_iter().chain(edges.iter().copied()).chain([*max]);
        return (edges.len() + 1 == bins).then(|| all.collect());
    }
    let (low, high) = (transform.curve(*min), transform.curve(*max));
    let at = |edge: usize| {
        let curved = low + (high - low) * (edge as f64 / bins as f64);
        let value = match transform {
            Transform::Log { unit, .. } => unit * (exp(curved) - 1.0),
            Transform::SignedLog { unit, .. } => unit * (exp(curved.abs()) - 1.0).copysign(curved),
            Transform::Linear(_) | Transform::Bins(_) => curved,
        };
        value.clamp(*min, *max)
    };
    Some((0..=bins).map(at).collect())
}

/// Counts of cells, each with independent noise of this standard deviation.
#[derive(Clone, Copy)]
struct Counted<'a> {
    counts: &'a [f64],
    stddev: f64,
}

impl Counted<'_> {
    fn sum(&self) -> f64 {
        self.counts.iter().fold(0.0, |sum, count| sum + count)
    }

    /// How many were counted, where that is more than noise makes of nobody.
    fn enough(&self) -> Option<f64> {
        let sum = self.sum();
        (sum >= (4.0 * self.stddev * (self.counts.len() as f64).sqrt()).max(1.0)).then_some(sum)
    }

    /// One cell's part of all.
    fn share(&self, of: f64) -> Option<Estimate> {
        let sum = self.enough()?;
        let (share, others) = (of / sum, self.counts.len() as f64 - 1.0);
        let error = self.stddev / sum * ((1.0 - share) * (1.0 - share) + others * share * share).sqrt();
        Some(Estimate::new(share, error, (0.0, 1.0)))
    }

    fn most_frequent(&self, names: &[String], counts: &[f64]) -> Vec<CategoryFigure> {
        let mut order: Vec<(&String, f64)> = names.iter().zip(counts.iter().copied()).collect();
        // Stable: the schema's order decides between equals.
        order.sort_by(|one, other| other.1.total_cmp(&one.1));
        let figures = order.into_iter().take(CATEGORIES_SHOWN).map(|(category, count)| CategoryFigure {
            category: category.clone(),
            customers: Estimate::new(count, self.stddev, (0.0, f64::INFINITY)),
            share: self.share(count),
        });
        figures.collect()
    }

    /// The number below which this part of the customers is. Cumulative counts are made monotone for the figure: the middle between the largest
    /// before and the smallest after. The interval is of those as they are: at its ends the part may be, or may not be, with the noise.
    fn quantile(&self, share: f64, bounds: &[f64]) -> Option<Estimate> {
        let wanted = share * self.enough()?;
        let mut sums = vec![0.0];
        for count in self.counts {
            sums.push(sums.last().copied().unwrap_or_default() + count);
        }
        let bins = self.counts.len();
        let error = |edge: usize| {
            let (before, after) = (edge as f64, (bins - edge) as f64);
            Z * self.stddev * (before * (1.0 - share) * (1.0 - share) + after * share * share).sqrt()
        };
        let first = (0..bins).find(|bin| sums[bin + 1] + error(bin + 1) >= wanted).unwrap_or(bins - 1);
        let last = (0..bins).rfind(|bin| sums[*bin] - error(*bin) <= wanted).unwrap_or(0).max(first);
        let curve = monotone(&sums);
        let bin = (0..bins).find(|bin| curve[bin + 1] >= wanted).unwrap_or(bins - 1);
        let own = curve[bin + 1] - curve[bin];
        let part = if own > 0.0 { ((wanted - curve[bin]) / own).clamp(0.0, 1.0) } else { 0.5 };
        let (low, high) = (bounds[first], bounds[last + 1]);
        let value = bounds[bin] + part * (bounds[bin + 1] - bounds[bin]);
        Some(Estimate::between(value, (low, high), (low, high)))
    }
}

/// Each sum as the middle between the largest before it and the smallest after it.
fn monotone(sums: &[f64]) -> Vec<f64> {
    let mut most = f64::NEG_INFINITY;
    let mut curve: Vec<f64> = Vec::with_capacity(sums.len());
    for sum in sums {
        most = most.max(*sum);
        curve.push(most);
    }
    let mut least = f64::INFINITY;
    for (point, sum) in curve.iter_mut().zip(sums).rev() {
        least = least.min(*sum);
        *point = f64::midpoint(*point, least);
    }
    curve
}

#[cfg(test)]
mod tests {
    use tributary_protocol::digest::Digest;

    use super::*;

    const TEXT: &str = r#"
name = "small"
version = 1
fields = [
    { name = "age", kind = "numeric", min = 0, max = 100, transform = "bins", edges = [20, 30, 40, 50, 60, 70, 80], missing = "indicator", class = "C1", level = "L1" },
    { name = "region", kind = "categorical", categories = ["a", "b", "c", "d"], class = "C1", level = "L1" },
    { name = "balance", kind = "numeric", min = 0, max = 9999, transform = "log", unit = 1, class = "C1", level = "L1" },
]
labels = [{ name = "churn", positive = ["yes"], negative = ["no"] }]
"#;

    fn histograms(counts: [&[f64]; 3]) -> Vec<NoisedHistogram> {
        let named = ["age", "region", "balance"].into_iter().zip(counts);
        named.map(|(name, counts)| NoisedHistogram { name: name.into(), counts: counts.to_vec() }).collect()
    }

    const AGES: [f64; 9] = [100.0, 200.0, 300.0, 200.0, 100.0, 50.0, 30.0, 20.0, 250.0];
    const REGIONS: [f64; 4] = [10.0, 900.0, -3.0, 93.0];
    const BALANCES: [f64; 4] = [400.0, 300.0, 200.0, 100.0];

    #[test]
    fn exact_counts_give_exact_figures() {
        let schema = Schema::parse(TEXT).unwrap();
        let all = FieldFigures::all(&schema, &histograms([&AGES, &REGIONS, &BALANCES]), 0.0);
        let [age, region, balance] = all.as_slice() else { panic!("three fields") };
        assert_eq!((age.customers.value, age.missing.map(|missing| missing.value)), (1250.0, Some(0.2)));
        let median = age.quantiles[2].value.unwrap();
        assert!((median.value - (30.0 + 10.0 * 200.0 / 300.0)).abs() < 1e-9, "{median:?}");
        assert_eq!((median.low, median.high), (30.0, 40.0), "the bin of it");
        assert!(age.categories.is_empty() && region.quantiles.is_empty() && region.missing.is_none());
        let names: Vec<&str> = region.categories.iter().map(|own| own.category.as_str()).collect();
        assert_eq!(names, ["b", "d", "a", "c"]);
        assert_eq!(region.categories[0].share.map(|share| share.value), Some(0.9));
        assert_eq!(region.categories[3].customers.value, 0.0, "there are no fewer than nobody");
        // Bins of equal width after the logarithm: 0, 9, 99, 999, 9999.
        let quartile = balance.quantiles[3].value.unwrap();
        assert!((quartile.low - 99.0).abs() < 1e-6 && (quartile.high - 999.0).abs() < 1e-6, "{quartile:?}");
        assert!(FieldFigures::all(&schema, &histograms([&AGES, &REGIONS, &BALANCES])[..2], 0.0).is_empty());
        let few = FieldFigures::all(&schema, &histograms([&AGES, &REGIONS, &BALANCES]), 1000.0);
        assert!(few[0].quantiles.iter().all(|own| own.value.is_none()) && few[1].categories[0].share.is_none());
    }

    /// A number of the normal distribution (Box and Muller 1958).
    fn normal(run: u32, cell: u8) -> f64 {
        let digest = Digest::of_parts(&[b"summary", &run.to_le_bytes(), &[cell]]);
        let [one, other] = [0, 4].map(|at| {
            let bytes = digest.as_bytes()[at..].first_chunk().unwrap();
            (f64::from(u32::from_le_bytes(*bytes)) + 0.5) / 4_294_967_296.0
        });
        (-2.0 * one.ln()).sqrt() * (std::f64::consts::TAU * other).cos()
    }

    /// Under the noise of a release each figure is within its interval as often as that says.
    #[test]
    fn intervals_hold_what_they_say() {
        let schema = Schema::parse(TEXT).unwrap();
        let exact = FieldFigures::all(&schema, &histograms([&AGES, &REGIONS, &BALANCES]), 0.0);
        let mut held = [0_u32; 5];
        for run in 0..400 {
            let mut noise = (0_u8..).map(|cell| 15.0 * normal(run, cell));
            let mut noised = |counts: &[f64]| -> Vec<f64> {
                counts.iter().zip(noise.by_ref()).map(|(count, noise)| count + noise).collect()
            };
            let all = [noised(&AGES), noised(&REGIONS), noised(&BALANCES)];
            let figures = FieldFigures::all(&schema, &histograms(all.each_ref().map(Vec::as_slice)), 15.0);
            let within = |estimate: &Estimate, exact: f64| u32::from((estimate.low..=estimate.high).contains(&exact));
            held[0] += within(&figures[0].customers, 1250.0);
            held[1] += within(&figures[0].missing.unwrap(), 0.2);
            held[2] += within(&figures[0].quantiles[2].value.unwrap(), exact[0].quantiles[2].value.unwrap().value);
            held[3] += within(&figures[2].quantiles[0].value.unwrap(), exact[2].quantiles[0].value.unwrap().value);
            let largest = &figures[1].categories[0];
            held[4] += within(&largest.share.unwrap(), 0.9);
        }
        assert!(held.iter().all(|held| *held >= 360), "{held:?} of 400");
    }
}
