//! Every pair of colours that lie on each other has enough contrast, in light and in dark (WCAG 2.2, 1.4.3 and 1.4.11).

use std::collections::BTreeMap;

const TOKENS: &str = include_str!("../style/10-tokens.css");
/// Text on its ground.
const TEXT: f64 = 4.5;
/// Edges of controls, signs, the focus ring.
const EDGE: f64 = 3.0;

/// What lies on what.
const PAIRS: [(f64, &str, &str); 17] = [
    (
        TEXT,
        "ink",
        "page surface surface-2 surface-3 accent-soft partner-soft lamp-soft ok-soft unknown-soft down-soft info-soft",
    ),
    (
        TEXT,
        "ink-2",
        "page surface surface-2 surface-3 accent-soft partner-soft lamp-soft ok-soft unknown-soft down-soft info-soft",
    ),
    (TEXT, "ink-3", "page surface surface-2 surface-3"),
    (
        TEXT,
        "accent",
        "page surface surface-2 surface-3 accent-soft",
    ),
    (TEXT, "accent-ink", "accent accent-hover"),
    (TEXT, "partner", "page surface surface-2 partner-soft"),
    (TEXT, "partner-ink", "partner"),
    (
        TEXT,
        "lamp",
        "page surface surface-2 surface-3 lamp-soft accent-soft",
    ),
    (TEXT, "ok", "surface surface-2 ok-soft"),
    (TEXT, "unknown", "surface surface-2 unknown-soft"),
    (TEXT, "down", "surface surface-2 down-soft"),
    (TEXT, "info", "surface surface-2 info-soft"),
    (TEXT, "danger", "surface page"),
    (TEXT, "danger-ink", "danger"),
    (TEXT, "bar-ink", "bar bar-2"),
    (TEXT, "bar-ink-2", "bar bar-2"),
    (EDGE, "line-strong", "page surface surface-2"),
];

#[test]
fn colours_that_lie_on_each_other_can_be_told_apart() {
    let colours = colours();
    let mut too_low = Vec::new();
    let focus = (
        EDGE,
        "focus",
        "page surface surface-2 surface-3 accent-soft focus-gap",
    );
    for (need, above, grounds) in PAIRS.into_iter().chain([focus]) {
        for ground in grounds.split(' ') {
            for (mode, name) in ["light", "dark"].into_iter().enumerate() {
                let ratio = ratio(colours[above][mode], colours[ground][mode]);
                if ratio < need {
                    too_low.push(format!(
                        "{above} on {ground}, {name}: {ratio:.2}, needs {need}"
                    ));
                }
            }
        }
    }
    assert!(too_low.is_empty(), "{}", too_low.join("\n"));
}

/// The colours by their names, light and dark, as `#rrggbb`.
fn colours() -> BTreeMap<&'static str, [&'static str; 2]> {
    let mut colours = BTreeMap::new();
    for declaration in TOKENS.split(';') {
        let Some((name, value)) = declaration
            .rsplit_once("--")
            .and_then(|(_, rest)| rest.split_once(':'))
        else {
            continue;
        };
        let found: Vec<&str> = value
            .match_indices('#')
            .filter_map(|(at, _)| value.get(at..at + 7))
            .collect();
        match found[..] {
            [both] => colours.insert(name, [both, both]),
            [light, dark] => colours.insert(name, [light, dark]),
            _ => None,
        };
    }
    colours
}

fn ratio(one: &str, other: &str) -> f64 {
    let (a, b) = (luminance(one), luminance(other));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

/// Relative luminance of an sRGB colour.
fn luminance(colour: &str) -> f64 {
    let part = |at: usize| {
        let share =
            f64::from(u8::from_str_radix(&colour[at..at + 2], 16).expect("two hexadecimal digits"))
                / 255.0;
        if share <= 0.040_45 {
            share / 12.92
        } else {
            ((share + 0.055) / 1.055).powf(2.4)
        }
    };
    0.2126 * part(1) + 0.7152 * part(3) + 0.0722 * part(5)
}
