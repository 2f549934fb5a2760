//! One message at a time on an idle pair: how long after the end of DATA the partner shows it.

use crate::report::{Aim, Report, percentile};
use crate::{Args, disk};
use contract::Event;
use std::path::Path;
use std::sync::mpsc;
use std::time::Instant;
use support::{LIMIT, Pair, Smtp, voice};

const TO: &str = "7200@cp-a.test.example";
const FROM: &str = "4711@client.example";
/// Not counted: the first ones find everything cold.
const WARM_UP: usize = 20;

pub fn measure(dir: &Path, args: &Args, report: &mut Report) {
    eprintln!("delay: {} messages, one at a time", args.rounds);
    let pair = Pair::start_unhurried(&dir.join("delay"), "");
    pair.a.add_user("7200", "Tilde Brask");
    pair.running();
    let user = pair.b.log_in("7200").expect("the partner knows the user");
    let events = user.events();
    let (say, arrived) = mpsc::channel();
    std::thread::spawn(move || {
        for event in events {
            if let Event::Message {
                row, arrived: true, ..
            } = event
                && say.send((row.subject, Instant::now())).is_err()
            {
                break;
            }
        }
    });

    let mut smtp = Smtp::hello(pair.a.smtp);
    let (mut visible, mut accepted) = (Vec::new(), Vec::new());
    for seed in 0..(WARM_UP + args.rounds) as u64 {
        let content = voice::message_in_lines(FROM, TO, seed, args.size);
        smtp.say(format!("MAIL FROM:<{FROM}>\r\nRCPT TO:<{TO}>\r\nDATA\r\n"));
        assert_eq!(smtp.codes(), [250, 250, 354]);
        smtp.say(content);
        let end = Instant::now();
        smtp.say(".\r\n");
        assert_eq!(smtp.reply().code, 250);
        let answered = end.elapsed();
        let (subject, seen) = arrived
            .recv_timeout(LIMIT)
            .expect("the partner shows the message");
        assert_eq!(subject, voice::subject(seed));
        if seed >= WARM_UP as u64 {
            visible.push(seen.saturating_duration_since(end).as_secs_f64() * 1e3);
            accepted.push(answered.as_secs_f64() * 1e3);
        }
    }
    let size = args.size / 1_000;
    let mut line = |key, what: &str, values: &mut Vec<f64>, part, aim| {
        report.add(
            key,
            format!(
                "{what}, {size} kB of sound, idle pair, p{:.0}",
                part * 100.0
            ),
            percentile(values, part),
            "ms",
            aim,
        );
    };
    line(
        "delay_p50_ms",
        "end of DATA to visible on the partner",
        &mut visible,
        0.5,
        Some(Aim::AtMost(10.0)),
    );
    line(
        "delay_p99_ms",
        "end of DATA to visible on the partner",
        &mut visible,
        0.99,
        None,
    );
    line(
        "accepted_p50_ms",
        "end of DATA to 250 (on both disks)",
        &mut accepted,
        0.5,
        None,
    );
    line(
        "accepted_p99_ms",
        "end of DATA to 250 (on both disks)",
        &mut accepted,
        0.99,
        None,
    );
    let mut syncs = disk::sync_times(dir, args.size, args.rounds);
    report.add(
        "raw_sync_p50_ms",
        "the disk alone: one such message appended and synced, p50 (four syncs lie on the way, two on each server)",
        percentile(&mut syncs, 0.5),
        "ms",
        None,
    );
}
