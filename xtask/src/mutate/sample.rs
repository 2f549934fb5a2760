//! A small program with each kind of condition. What it prints is other with each of its mutants (test in `rewrite_test.rs`).

use std::fmt;

struct Item {
    no: u64,
    body: Option<u64>,
}

impl fmt::Display for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Written for people: no mutant.
        if self.no == 0 { write!(f, "nothing") } else { write!(f, "{}", self.no) }
    }
}

impl Item {
    const fn is_far(no: u64) -> bool {
        no > 1_000 // evaluated by the compiler: no mutant
    }

    fn is_odd(&self) -> bool {
        self.no % 2 == 1
    }

    fn is_wanted(&self, above: u64) -> bool {
        if self.body.is_none() {
            return false;
        }
        let high = self.no > above;
        high && !self.is_odd()
    }

    fn may_go(&self) -> Result<bool, String> {
        let body = self.body.ok_or("no body")?;
        Ok(body < 50 || self.no == 9)
    }

    fn size(&self) -> &'static str {
        match self.body {
            Some(body) if body >= 50 => "large",
            Some(_) => "small",
            None => "none",
        }
    }
}

fn items() -> Vec<Item> {
    let body = |no| (no != 6).then(|| no * 10);
    (0..10).map(|no| Item { no, body: body(no) }).collect()
}

fn sum_below(end: u64) -> u64 {
    let (mut sum, mut at) = (0, 0);
    while at < end && sum < 91 {
        sum += at;
        at += 1;
        assert!(sum < 1_000, "for our own bugs: no mutant");
    }
    sum
}

fn odd_among_the_last(mut items: Vec<Item>) -> (u64, u64) {
    let (mut seen, mut odd) = (0, 0);
    while let Some(item) = items.pop()
        && seen < 3
    {
        seen += 1;
        if let Some(body) = item.body
            && item.is_odd()
        {
            odd += body;
        }
    }
    (seen, odd)
}

fn main() {
    println!("{}", Item::is_far(5));
    for item in items() {
        let round = matches!(item.body, Some(body) if body % 20 == 0);
        println!("{item} {} {:?} {} {round}", item.is_wanted(4), item.may_go(), item.size());
    }
    let mut kept = items();
    kept.retain(|item| item.no <= 5);
    let odd = kept.iter().filter(|item| item.is_odd()).count();
    println!("{} {odd}", kept.len());
    println!("{} {} {:?}", sum_below(10), sum_below(50), odd_among_the_last(items()));
}
