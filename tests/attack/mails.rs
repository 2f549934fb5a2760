//! Mails that cost more to read than to write, or would.

use crate::Target;
use std::sync::Barrier;
use std::thread;
use support::voice::{self, base64};

/// Addresses that transfer long mails at once.
const SENDERS: u8 = 40;

/// Whoever sends them; each address sends by itself.
fn addresses(count: u8) -> impl Iterator<Item = [u8; 4]> {
    (0..count).map(|n| [127, 0, 1, n + 1])
}

/// Each address sends these mails, one after the other, and the addresses at once.
fn from_each(
    target: &Target<'_>,
    senders: u8,
    mails: usize,
    mail: impl Fn(usize) -> Vec<u8> + Sync,
) {
    thread::scope(|scope| {
        for address in addresses(senders) {
            let mail = &mail;
            scope.spawn(move || {
                for n in 0..mails {
                    target.leave(address, &mail(n));
                }
            });
        }
    });
}

fn head(kind: &str) -> String {
    format!(
        "From: <stranger@client.example>\r\nSubject: x\r\nMIME-Version: 1.0\r\nContent-Type: {kind}\r\n\r\n"
    )
}

const REPORT: &str = "multipart/report; report-type=delivery-status; boundary=b";

/// Groups of four octets.
pub fn report_groups(target: &Target<'_>) {
    let mut mail = head(REPORT).into_bytes();
    mail.extend_from_slice(b"--b\r\nContent-Type: text/plain\r\n\r\nx\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\n");
    mail.extend(b"A:\n\n".repeat(2_500_000));
    mail.extend_from_slice(b"\r\n--b--\r\n");
    from_each(target, 8, 3, |_| mail.clone());
    read_all(target, 4);
}

/// Each group would name the message that it is about.
pub fn long_identifiers(target: &Target<'_>) {
    let mut mail = head(REPORT);
    mail += "--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; x\r\n\r\n";
    mail += &"Action: failed\r\n\r\n".repeat(12_000);
    mail += "--b\r\nContent-Type: message/rfc822\r\n\r\nMessage-ID: <";
    mail += &"i".repeat(200_000);
    mail += "@x>\r\nSubject: y\r\n\r\nz\r\n--b--\r\n";
    from_each(target, 4, 5, |_| mail.clone().into_bytes());
    read_all(target, 8);
}

/// Encoded twice, and no end of parts inside.
pub fn nested(target: &Target<'_>) {
    let part = "--c\r\nContent-Type: text/plain\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n=41=\r\n";
    let mut inner = head("multipart/mixed; boundary=c");
    inner += &part.repeat(200);
    inner += &"=41".repeat(2_000_000);
    inner += "\r\n--c--\r\n";
    let encoded = |text: &str| {
        let kind = "message/rfc822\r\nContent-Transfer-Encoding: base64";
        head(kind) + &lines(&base64(text.as_bytes()))
    };
    let mail = encoded(&encoded(&inner));
    from_each(target, 8, 3, |_| mail.clone().into_bytes());
    read_all(target, 4);
}

fn lines(text: &str) -> String {
    let lines = text.as_bytes().chunks(76);
    let lines = lines.map(|line| String::from_utf8_lossy(line).into_owned() + "\r\n");
    lines.collect()
}

/// What a list shows is long.
pub fn long_rows(target: &Target<'_>) {
    let long = "long ".repeat(20_000);
    let mail = |n: usize| {
        let head = format!("From: \"{long}\" <{n}@client.example>\r\nSubject: {n} {long}\r\n");
        (head + "Content-Type: audio/32KADPCM\r\nContent-Transfer-Encoding: base64\r\n\r\ngICA\r\n")
            .into_bytes()
    };
    from_each(target, 8, 125, mail);
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..20 {
                    let _ = target.victim.ask("GET", "/api/v1/messages?limit=500", None);
                }
            });
        }
    });
}

/// The same mailbox again and again, in one mail.
pub fn one_mailbox(target: &Target<'_>) {
    let mailbox = target.mailbox();
    let (number, host) = mailbox.split_once('@').expect("an address");
    let names = [
        mailbox.clone(),
        format!("{number}@{}", host.to_uppercase()),
        format!("\"{number}\"@{host}"),
    ];
    let many: Vec<&str> = names.iter().map(String::as_str).cycle().take(90).collect();
    let mut content = head("audio/32KADPCM\r\nContent-Transfer-Encoding: binary").into_bytes();
    content.resize(2_000_000, 0x80);
    thread::scope(|scope| {
        for address in addresses(8) {
            let (many, content) = (&many, &content);
            scope.spawn(move || {
                for _ in 0..5 {
                    let mut smtp = target.smtp(address);
                    smtp.mail("stranger@client.example", many, content);
                }
            });
        }
    });
}

/// Rubbish for the replication engine: some of it comes whole, some stops in the middle.
pub fn engine_mail(target: &Target<'_>) {
    let mut mail = b"Content-Type: application/pkcs7-mime; smime-type=authEnveloped-data\r\n\
        Content-Transfer-Encoding: base64\r\n\r\n"
        .to_vec();
    mail.resize(40_000_000, b'A');
    let engine = format!("gr-sync@{}", target.server.fqdn);
    transfer(target, &engine, &mail, |n| n % 2 == 0);
}

/// Mails that never come to an end.
pub fn half_mails(target: &Target<'_>) {
    let mail = vec![b'A'; 18_000_000];
    transfer(target, &target.mailbox(), &mail, |_| false);
}

/// Forty addresses send this at once, whole or all but the end, and hang up when all have.
fn transfer(target: &Target<'_>, to: &str, mail: &[u8], is_whole: impl Fn(usize) -> bool + Sync) {
    let begin = format!(
        "MAIL FROM:<stranger@client.example> BODY=BINARYMIME\r\nRCPT TO:<{to}>\r\nBDAT {} LAST\r\n",
        mail.len()
    );
    let all_have = Barrier::new(usize::from(SENDERS));
    thread::scope(|scope| {
        for (n, address) in addresses(SENDERS).enumerate() {
            let (begin, is_whole, all_have) = (&begin, &is_whole, &all_have);
            scope.spawn(move || {
                let mut smtp = target.smtp(address);
                smtp.say(begin);
                let end = mail.len() - usize::from(!is_whole(n));
                smtp.say(&mail[..end]);
                all_have.wait();
            });
        }
    });
}

/// The messages that were left are opened, several at once.
fn read_all(target: &Target<'_>, readers: usize) {
    let list = target.victim.ask("GET", "/api/v1/messages?limit=20", None);
    let list = list.map(|answer| answer.json()).unwrap_or_default();
    let rows = list["messages"].as_array().cloned().unwrap_or_default();
    let ids: Vec<&str> = rows.iter().filter_map(|row| row["id"].as_str()).collect();
    thread::scope(|scope| {
        for _ in 0..readers {
            scope.spawn(|| {
                for id in &ids {
                    let _ = target
                        .victim
                        .ask("GET", &format!("/api/v1/messages/{id}"), None);
                }
            });
        }
    });
}

/// Nothing is wrong with them; what was freed after them must not stay.
pub fn ordinary(target: &Target<'_>) {
    let mailbox = target.mailbox();
    from_each(target, 90, 6, |n| {
        let seconds = 15 + n * 40;
        voice::message(
            "stranger@client.example",
            &mailbox,
            n as u64,
            seconds * voice::SECOND,
        )
    });
}
