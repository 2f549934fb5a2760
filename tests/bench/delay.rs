//! One message at a time on an idle pair: how long after the end of DATA the partner shows it.

use crate::report::{Aim, Report, percentile};
use crate::{Args, disk};
use contract::Event;
use std::path::Path;
use std::sync::mpsc::{self, Receiver};
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
    let arrivals = arrivals(&pair);
    let times = send_one_by_one(&pair, args, &arrivals);
    add_times(args.size / 1_000, times, report);
    let mut syncs = disk::sync_times(dir, args.size, args.rounds);
    report.add(
        "raw_sync_p50_ms",
        "the disk alone: one such message appended and synced, p50 (four syncs lie on the way, two on each server)",
        percentile(&mut syncs, 0.5),
        "ms",
        None,
    );
}

/// Subjects of the messages that the partner shows, each with the moment when its event came.
fn arrivals(pair: &Pair) -> Receiver<(String, Instant)> {
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
    arrived
}

/// Milliseconds from the end of DATA, one of each for every message.
#[derive(Default)]
struct Times {
    /// Until the partner shows the message.
    visible: Vec<f64>,
    /// Until the reply 250.
    accepted: Vec<f64>,
}

/// Sends a message when the one before is visible on the partner.
fn send_one_by_one(pair: &Pair, args: &Args, arrivals: &Receiver<(String, Instant)>) -> Times {
    let mut smtp = Smtp::hello(pair.a.smtp);
    let mut times = Times::default();
    for seed in 0..(WARM_UP + args.rounds) as u64 {
        let content = voice::message_in_lines(FROM, TO, seed, args.size);
        smtp.say(format!("MAIL FROM:<{FROM}>\r\nRCPT TO:<{TO}>\r\nDATA\r\n"));
        assert_eq!(smtp.codes(), [250, 250, 354]);
        smtp.say(content);
        let end = Instant::now();
        smtp.say(".\r\n");
        assert_eq!(smtp.reply().code, 250);
        let answered = end.elapsed();
        let (subject, seen) = arrivals
            .recv_timeout(LIMIT)
            .expect("the partner shows the message");
        assert_eq!(subject, voice::subject(seed));
        if seed >= WARM_UP as u64 {
            let visible = seen.saturating_duration_since(end);
            times.visible.push(visible.as_secs_f64() * 1e3);
            times.accepted.push(answered.as_secs_f64() * 1e3);
        }
    }
    times
}

fn add_times(size_kb: usize, times: Times, report: &mut Report) {
    let aim = Some(Aim::AtMost(10.0));
    for (keys, what, mut values, aim) in [
        (
            ["delay_p50_ms", "delay_p99_ms"],
            "end of DATA to visible on the partner",
            times.visible,
            aim,
        ),
        (
            ["accepted_p50_ms", "accepted_p99_ms"],
            "end of DATA to 250 (on both disks)",
            times.accepted,
            None,
        ),
    ] {
        for (key, part, aim) in [(keys[0], 0.5, aim), (keys[1], 0.99, None)] {
            let percent = part * 100.0;
            report.add(
                key,
                format!("{what}, {size_kb} kB of sound, idle pair, p{percent:.0}"),
                percentile(&mut values, part),
                "ms",
                aim,
            );
        }
    }
}
