//! Many messages in pipelines: accepted, and held by both servers, per second.

use crate::report::{Aim, Report, percentile};
use crate::{Args, disk};
use std::path::Path;
use std::time::{Duration, Instant};
use support::{Pair, Server, Smtp, transaction, until, voice};

const FROM: &str = "4711@client.example";
/// What is asked for at least, where the disk can do twice that.
const AIM: f64 = 1_000.0;

/// What one pass measured.
struct Pass {
    /// Messages accepted per second.
    accepted: f64,
    /// Messages held by both per second.
    replicated: f64,
    /// Messages in one group of the writer.
    group: f64,
    /// What the disk did afterwards with the same messages, written twice in such groups, per second.
    raw: f64,
}

pub fn measure(dir: &Path, args: &Args, report: &mut Report) {
    eprintln!(
        "throughput: {} messages to {} mailboxes by {} connections",
        args.messages, args.mailboxes, args.connections
    );
    let dir = dir.join("throughput");
    let pair = Pair::start_unhurried(
        &dir,
        "mailbox.messages_max = 1_000_000\nmailbox.size_max = 1_000_000_000_000",
    );
    let mailboxes = add_mailboxes(&pair.a, args.mailboxes);
    pair.running();

    // Not counted: the first ones find everything cold.
    let warm_up = args.messages.div_ceil(10);
    send(&pair, args, &mailboxes, 0, warm_up);
    let mut sent = warm_up;
    let mut passes = Vec::new();
    for _ in 0..args.passes.max(1) {
        passes.push(pass(&dir, &pair, args, &mailboxes, sent));
        sent += args.messages;
    }
    let held: u64 = [&pair.a, &pair.b].map(count).into_iter().min().unwrap_or(0);
    assert_eq!(held, sent as u64, "both servers hold every message");
    add_medians(&passes, args, report);
}

/// Makes so many mailboxes, by two calls at a time. Returns their numbers.
fn add_mailboxes(server: &Server, count: usize) -> Vec<String> {
    let mailboxes: Vec<String> = (0..count).map(|i| (1_000 + i).to_string()).collect();
    std::thread::scope(|scope| {
        for half in mailboxes.chunks(mailboxes.len().div_ceil(2)) {
            scope.spawn(move || {
                half.iter()
                    .for_each(|number| server.add_user(number, "Somebody"))
            });
        }
    });
    mailboxes
}

/// Sends all messages once, the first of which has this number, and then lets the bare disk do its part.
fn pass(dir: &Path, pair: &Pair, args: &Args, mailboxes: &[String], first: usize) -> Pass {
    let (accepted, replicated, group) = send(pair, args, mailboxes, first, args.messages);
    let of_group = (group.round() as usize).max(1);
    let raw = disk::written_twice(dir, args.messages, args.size, of_group);
    eprintln!(
        "  pass: {accepted:.0} accepted/s, {replicated:.0} on both/s, groups of {group:.1}; raw {raw:.0}/s"
    );
    Pass {
        accepted,
        replicated,
        group,
        raw,
    }
}

fn add_medians(passes: &[Pass], args: &Args, report: &mut Report) {
    let median =
        |of: fn(&Pass) -> f64| percentile(&mut passes.iter().map(of).collect::<Vec<_>>(), 0.5);
    let (raw, group) = (median(|p| p.raw), median(|p| p.group));
    let (accepted, both) = (median(|p| p.accepted), median(|p| p.replicated));
    let size = args.size / 1_000;
    let aim = Some(Aim::AtLeast(AIM.min(raw / 2.0)));
    let load = format!(
        "accepted: {} messages of {size} kB, {} mailboxes, {} connections",
        args.messages, args.mailboxes, args.connections
    );
    let disk = format!("the disk alone: each message written twice in groups of {group:.0}");
    report.add("accepted_per_s", load, accepted, "/s", None);
    let what = "the same, held by both servers";
    report.add("replicated_per_s", what, both, "/s", aim);
    let what = "messages in one group of the writer";
    report.add("group", what, group, "", None);
    report.add("raw_per_s", disk, raw, "/s", None);
    let share = 100.0 * both / raw;
    report.add("share_of_raw", "share of that", share, "%", None);
}

/// Sends `count` messages. Returns how many were accepted and held by both per second, and the size of a group.
fn send(
    pair: &Pair,
    args: &Args,
    mailboxes: &[String],
    first: usize,
    count: usize,
) -> (f64, f64, f64) {
    let counters = || {
        ["callpilot_writes_total", "callpilot_write_groups_total"].map(|name| pair.a.metric(name))
    };
    let before = counters();
    let began = Instant::now();
    std::thread::scope(|scope| {
        for connection in 0..args.connections {
            let numbers = (first + connection..first + count).step_by(args.connections);
            scope.spawn(move || deliver(&pair.a, args.size, mailboxes, numbers.collect()));
        }
    });
    let accepted = began.elapsed();
    until("both servers hold everything", || {
        let status = Pair::status(&pair.a)?;
        (status.messages.count == 0).then_some(())
    });
    let replicated = began.elapsed();
    let after = counters();
    let rate = |time: Duration| count as f64 / time.as_secs_f64();
    (
        rate(accepted),
        rate(replicated),
        (after[0] - before[0]) / (after[1] - before[1]).max(1.0),
    )
}

/// One connection: everything is sent without waiting, the answers are read beside it.
fn deliver(server: &Server, size: usize, mailboxes: &[String], numbers: Vec<usize>) {
    let mut smtp = Smtp::hello(server.smtp);
    let mut writer = smtp.second();
    let answers = numbers.len();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            let mut content = voice::message(FROM, "all@cp-a.test.example", 0, size);
            // No two messages are alike, or one body would serve for many.
            let unlike = content.len() / 2;
            for number in numbers {
                let to = format!("{}@cp-a.test.example", mailboxes[number % mailboxes.len()]);
                for (octet, digit) in content[unlike..]
                    .iter_mut()
                    .zip(format!("{number:016}").bytes())
                {
                    *octet = digit | 0x80;
                }
                writer.say(transaction(FROM, &[&to], &content));
            }
        });
        for _ in 0..answers {
            let replies: [u16; 3] = smtp.codes();
            assert_eq!(replies, [250; 3]);
        }
    });
}

/// Messages in all mailboxes of a server.
fn count(server: &Server) -> u64 {
    let answer = server.admin().get("/api/v1/admin/users?limit=10000");
    let users = answer.json();
    users.as_array().map_or(0, |users| {
        users.iter().filter_map(|u| u["messages"].as_u64()).sum()
    })
}
