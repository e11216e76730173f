use super::*;

/// One row: function, argument, our result, and the correctly rounded one, made with 400 bits. Our results were computed by another program
/// in another language.
struct Golden {
    name: &'static str,
    argument: f64,
    result: f64,
    nearest: f64,
}

fn golden() -> Vec<Golden> {
    let number = |cell: &str| match cell {
        "nan" => f64::NAN,
        bits => f64::from_bits(u64::from_str_radix(bits, 16).unwrap()),
    };
    let rows = include_str!("golden.csv").lines().skip(1).map(|line| {
        let [name, argument, result, nearest] = line.split(',').collect::<Vec<_>>().try_into().unwrap();
        Golden { name, argument: number(argument), result: number(result), nearest: number(nearest) }
    });
    rows.collect()
}

/// Places on the line of all doubles, neighbours one apart.
fn place(value: f64) -> i64 {
    let bits = value.to_bits().cast_signed();
    if bits < 0 { i64::MIN - bits } else { bits }
}

#[test]
fn every_bit_is_frozen() {
    let rows = golden();
    let mut counts = [0, 0];
    for Golden { name, argument, result, nearest } in rows {
        let found = match name {
            "exp" => exp(argument),
            "ln" => ln(argument),
            other => panic!("no function {other}"),
        };
        counts[usize::from(name == "ln")] += 1;
        let same = if result.is_nan() { found.is_nan() } else { found.to_bits() == result.to_bits() };
        assert!(same, "{name} of {argument:e} is {found:e} instead of {result:e}");
        let apart = place(found).abs_diff(place(nearest));
        assert!(result.is_nan() || apart <= 1, "{name} of {argument:e} is {apart} units off");
    }
    assert_eq!(counts, [363, 316]);
}

#[test]
fn the_ends_of_the_line_are_known() {
    assert_eq!([exp(f64::NEG_INFINITY), exp(-746.0), exp(-0.0), exp(0.0)], [0.0, 0.0, 1.0, 1.0]);
    assert_eq!([exp(f64::INFINITY), exp(710.0), exp(f64::MAX)], [f64::INFINITY; 3]);
    assert!(exp(f64::NAN).is_nan() && exp(-745.0) == 5e-324);
    assert_eq!(ln(1.0).to_bits(), 0);
    assert_eq!([ln(0.0), ln(-0.0), -ln(f64::INFINITY)], [f64::NEG_INFINITY; 3]);
    assert!([f64::NAN, -5e-324, -1.0, f64::MIN, f64::NEG_INFINITY].into_iter().all(|value| ln(value).is_nan()));
}

/// Also where no golden row is: never further from the system's functions than one unit each may err.
#[test]
fn the_systems_functions_are_near() {
    let mut state = 7_u64;
    for _ in 0..200_000 {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let share = (state >> 11) as f64 / (1_u64 << 53) as f64;
        let positive = f64::from_bits((state >> 1).min(f64::MAX.to_bits()));
        for argument in [1500.0 * share - 750.0, 2.0 * share - 1.0] {
            let apart = place(exp(argument)).abs_diff(place(argument.exp()));
            assert!(apart <= 2, "exp of {argument:e}: {apart}");
        }
        for argument in [positive, 2.0 * share + 1e-9] {
            let apart = place(ln(argument)).abs_diff(place(argument.ln()));
            assert!(apart <= 2, "ln of {argument:e}: {apart}");
        }
    }
}

/// What turns an opened sum into a public state. A name of this list in it would make the state depend on the machine or the library.
#[test]
fn nothing_that_makes_a_public_state_asks_the_system_for_a_function() {
    let sources = [
        ("elementary/mod.rs", include_str!("mod.rs")),
        ("server_optimizer/mean.rs", include_str!("../server_optimizer/mean.rs")),
        ("server_optimizer/optimizer.rs", include_str!("../server_optimizer/optimizer.rs")),
        ("stage/charge.rs", include_str!("../stage/charge.rs")),
        ("stage/count.rs", include_str!("../stage/count.rs")),
        ("stage/evaluate.rs", include_str!("../stage/evaluate.rs")),
        ("stage/gradient.rs", include_str!("../stage/gradient.rs")),
        ("stage/histogram.rs", include_str!("../stage/histogram.rs")),
        ("stage/local.rs", include_str!("../stage/local.rs")),
        ("stage/planned_stage.rs", include_str!("../stage/planned_stage.rs")),
        ("stage/state.rs", include_str!("../stage/state.rs")),
        ("stage/stepping.rs", include_str!("../stage/stepping.rs")),
        ("server_optimizer/settings.rs", include_str!("../server_optimizer/settings.rs")),
        ("server_optimizer/state.rs", include_str!("../server_optimizer/state.rs")),
        ("counts.rs", include_str!("../counts.rs")),
        ("evaluate/mod.rs", include_str!("../evaluate/mod.rs")),
        ("nominal.rs", include_str!("../nominal.rs")),
        ("parameters.rs", include_str!("../parameters.rs")),
        ("privacy/selection.rs", include_str!("../privacy/selection.rs")),
        ("update/clip_rule.rs", include_str!("../update/clip_rule.rs")),
    ];
    let names = [
        "exp()",
        "exp2()",
        "exp_m1()",
        "ln()",
        "ln_1p()",
        "log(",
        "log2()",
        "log10()",
        "powi(",
        "powf(",
        "cbrt()",
        "hypot(",
        "sin()",
        "cos()",
        "tan()",
        "tanh()",
        "sinh()",
        "cosh()",
        "atan2(",
        "mul_add(",
        "sum()",
        "product()",
        "sum::<f",
        "product::<f",
        "dot(",
        "mean()",
        "mean_axis(",
        "sum_axis(",
        "par_",
        "rayon",
        "algebraic_",
    ];
    let mut found = Vec::new();
    for (file, text) in sources {
        let shipped = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
        for (number, line) in shipped.lines().enumerate() {
            let code = line.split("//").next().unwrap_or_default();
            if names.iter().any(|name| code.contains(&format!(".{name}")) || code.contains(&format!("::{name}"))) {
                found.push(format!("{file}, line {}: {line}", number + 1));
            }
        }
    }
    assert!(found.is_empty(), "{found:#?}");
}
