//! What an SMTP client says: the answers do not depend on how it falls into pieces, and are lines without anything that would forge others.

use bytes::BytesMut;
use contract::ObjectId;
use server::smtp::session::{DeliveryTarget, Limits, Session, Step};
use server::smtp::{Reply, Status};

const LIMITS: Limits = Limits {
    message_size_max: 8_192,
    gr_size_max: 12_288,
    recipients_max: 4,
    errors_max: 20,
    commands_between_mails_max: 200,
};

/// Talks to a session, all at once and octet by octet.
pub fn read(octets: &[u8]) {
    let whole = conversation(octets, octets.len().max(1));
    let pieces = conversation(octets, 1);
    assert_eq!(
        whole, pieces,
        "the same octets in pieces are answered otherwise"
    );
}

/// What is answered, and what is taken.
fn conversation(octets: &[u8], piece: usize) -> Vec<u8> {
    let mut session = Session::new("server.example", LIMITS)
        .offering_tls()
        .offering_auth();
    let mut out = Vec::new();
    session.greeting().write_to(&mut out);
    let mut input = BytesMut::new();
    for piece in octets.chunks(piece) {
        input.extend_from_slice(piece);
        loop {
            let before = input.len();
            match session.step(&mut input) {
                Step::Read(missing) => {
                    assert!(missing > 0);
                    break;
                }
                Step::Reply(reply) => say(&reply, &mut out),
                Step::Lookup(lookup) => {
                    let verdict = judged(&lookup.path.local);
                    say(&session.resolve(verdict), &mut out);
                }
                Step::SignIn(credentials) => {
                    let wrong = || Reply::new(535, Status(5, 7, 8), "Name or password is wrong");
                    let verdict = credentials.name.starts_with("peer").then_some(());
                    say(&session.signed_in(verdict.ok_or_else(wrong)), &mut out);
                }
                Step::Mail(mail) => {
                    assert!(!mail.recipients.is_empty());
                    assert!(mail.recipients.len() <= LIMITS.recipients_max);
                    let most = match mail.is_for_partner() {
                        true => LIMITS.gr_size_max,
                        false => LIMITS.message_size_max,
                    };
                    assert!(mail.content.len() <= most, "{}", mail.content.len());
                    out.extend_from_slice(format!("mail of {}\r\n", mail.content.len()).as_bytes());
                    out.extend_from_slice(&mail.content);
                }
                Step::StartTls(reply) => {
                    say(&reply, &mut out);
                    session.secured();
                }
                Step::Close => return out,
            }
            assert!(input.len() <= before);
            assert!(session.kept() <= 2 * LIMITS.gr_size_max);
        }
    }
    out
}

fn judged(local: &str) -> Result<DeliveryTarget, Reply> {
    match local {
        "gr-sync" => Ok(DeliveryTarget::Partner),
        number if number.starts_with('7') => {
            Ok(DeliveryTarget::Mailbox(ObjectId::from_bytes([7; 16])))
        }
        _ => Err(Reply::new(550, Status(5, 1, 1), "No such mailbox")),
    }
}

fn say(reply: &Reply, out: &mut Vec<u8>) {
    let before = out.len();
    reply.write_to(out);
    let said = std::str::from_utf8(&out[before..]).expect("replies are text");
    let code = reply.code.to_string();
    assert!(said.ends_with("\r\n"));
    for line in said.split_terminator("\r\n") {
        assert!(line.starts_with(&code), "{line}");
        assert!(!line.contains(char::is_control), "{line:?}");
    }
}
