use super::*;

/// A session with the mailboxes 7200 and 7201, and its client's end.
struct Talk {
    session: Session,
    input: BytesMut,
    mails: Vec<Mail>,
    closed: bool,
}

fn talk() -> Talk {
    let limits = Limits {
        message_size_max: 1_000,
        gr_size_max: 3_000,
        recipients_max: 2,
        errors_max: 10,
        commands_between_mails_max: 50,
    };
    Talk {
        session: Session::new("a.example", limits),
        input: BytesMut::new(),
        mails: Vec::new(),
        closed: false,
    }
}

fn judge(lookup: &Lookup) -> Result<DeliveryTarget, Reply> {
    match lookup.path.local.as_str() {
        "7200" => Ok(DeliveryTarget::Mailbox(ObjectId::from_bytes([0; 16]))),
        "7201" => Ok(DeliveryTarget::Mailbox(ObjectId::from_bytes([1; 16]))),
        "gr-sync" => Ok(DeliveryTarget::Partner),
        _ => Err(Reply::new(550, Status(5, 1, 1), "No such mailbox")),
    }
}

impl Talk {
    /// What the server says to these bytes; mails are answered with 250.
    fn say(&mut self, bytes: impl AsRef<[u8]>) -> String {
        self.input.extend_from_slice(bytes.as_ref());
        let mut out = Vec::new();
        loop {
            match self.session.step(&mut self.input) {
                Step::Read(_) => break,
                Step::Reply(reply) => reply.write_to(&mut out),
                Step::Lookup(lookup) => self.session.resolve(judge(&lookup)).write_to(&mut out),
                Step::Mail(mail) => {
                    self.mails.push(*mail);
                    out.extend_from_slice(b"250 taken\r\n");
                }
                Step::SignIn(credentials) => {
                    let right = credentials.password.as_str() == "cloudy-harbour";
                    let wrong = Reply::new(535, Status(5, 7, 8), "Name or password is wrong");
                    let verdict = if right { Ok(()) } else { Err(wrong) };
                    self.session.signed_in(verdict).write_to(&mut out);
                }
                Step::StartTls(reply) => {
                    reply.write_to(&mut out);
                    self.session.secured();
                }
                Step::Close => {
                    self.closed = true;
                    break;
                }
            }
        }
        String::from_utf8(out).unwrap()
    }

    /// The codes of the replies.
    fn codes(&mut self, bytes: impl AsRef<[u8]>) -> Vec<u16> {
        let last = |l: &&str| l.as_bytes().get(3) == Some(&b' ');
        self.say(bytes)
            .lines()
            .filter(last)
            .map(|l| l[..3].parse().unwrap())
            .collect()
    }

    fn greeted(mut self) -> Self {
        assert_eq!(self.codes("EHLO c.example\r\n"), [250]);
        self
    }
}

const BEGIN: &str = "MAIL FROM:<9@c.example>\r\nRCPT TO:<7200@a.example>\r\n";

#[test]
fn a_mail_goes_by_data_and_its_dots_are_removed() {
    let mut t = talk().greeted();
    assert_eq!(t.codes(format!("{BEGIN}DATA\r\n")), [250, 250, 354]);
    assert_eq!(
        t.codes("Subject: x\r\n\r\n..two\r\n...\r\n.one\r\nend\r\n.\r\nQUIT\r\n"),
        [250, 221]
    );
    assert_eq!(
        &t.mails[0].content[..],
        b"Subject: x\r\n\r\n.two\r\n..\r\none\r\nend\r\n"
    );
    assert_eq!(t.mails[0].from.as_ref().unwrap().to_string(), "9@c.example");
    assert!(t.closed);
}

#[test]
fn a_whole_conversation_may_come_in_any_pieces() {
    let all = format!(
        "EHLO c.example\r\n{BEGIN}DATA\r\nA: b\r\n\r\n.\x2e\r\n\r\n.\r\nMAIL FROM:<> BODY=BINARYMIME\r\nRCPT TO:<7201@a.example>\r\n\
         BDAT 3\r\na\n.BDAT 4 LAST\r\n\r\n\r\nNOOP\r\n"
    );
    for size in [1, 2, 3, 7, all.len()] {
        let mut t = talk();
        let said: Vec<u16> = all
            .as_bytes()
            .chunks(size)
            .flat_map(|piece| t.codes(piece))
            .collect();
        assert_eq!(
            said,
            [250, 250, 250, 354, 250, 250, 250, 250, 250, 250],
            "pieces of {size}"
        );
        assert_eq!(&t.mails[0].content[..], b"A: b\r\n\r\n.\r\n\r\n");
        assert_eq!(&t.mails[1].content[..], b"a\n.\r\n\r\n");
        assert_eq!(
            (t.mails[1].from.clone(), t.mails[1].body),
            (None, BodyKind::Binary)
        );
    }
}

#[test]
fn nothing_but_crlf_dot_crlf_ends_a_message() {
    for hidden in [
        "\n.\n", "\n.\r\n", "\r\n.\n", "\r.\r", "\r\n.\r", "\r.\r\n", "\n.\r",
    ] {
        let mut t = talk().greeted();
        let text = format!(
            "{BEGIN}DATA\r\nfirst{hidden}MAIL FROM:<evil@c.example>\r\nRCPT TO:<7201@a.example>\r\nDATA\r\nsecond\r\n.\r\n"
        );
        assert_eq!(t.codes(&text), [250, 250, 354, 554], "{hidden:?}");
        assert!(t.mails.is_empty(), "{hidden:?}");
        assert_eq!(t.codes(format!("{BEGIN}DATA\r\n")), [250, 250, 354]);
    }
}

#[test]
fn a_chunk_is_taken_by_its_count_whatever_is_in_it() {
    let mut t = talk().greeted();
    let body = "\r\n.\r\nQUIT\r\nRSET\r\n";
    assert_eq!(
        t.codes(format!("{BEGIN}BDAT {} LAST\r\n{body}NOOP\r\n", body.len())),
        [250, 250, 250, 250]
    );
    assert_eq!(&t.mails[0].content[..], body.as_bytes());
}

#[test]
fn a_chunk_of_a_refused_mail_is_thrown_away_and_the_next_mail_goes() {
    let mut t = talk().greeted();
    let pipeline = format!(
        "MAIL FROM:<9@c.example>\r\nRCPT TO:<7999@a.example>\r\nBDAT 6 LAST\r\nQUIT\r\n{BEGIN}BDAT 2 LAST\r\nok"
    );
    assert_eq!(t.codes(&pipeline), [250, 550, 503, 250, 250, 250]);
    assert_eq!(t.mails.len(), 1);
}

#[test]
fn commands_out_of_order_are_503() {
    let mut t = talk();
    for early in [
        "MAIL FROM:<a@b.example>",
        "RCPT TO:<7200@a.example>",
        "DATA",
    ] {
        assert!(
            t.say(format!("{early}\r\n")).starts_with("503 5.5.1 "),
            "{early}"
        );
    }
    let mut t = talk().greeted();
    assert_eq!(
        t.codes("RCPT TO:<7200@a.example>\r\nDATA\r\nMAIL FROM:<>\r\nMAIL FROM:<>\r\nDATA\r\n"),
        [503, 503, 250, 503, 503]
    );
    assert_eq!(
        t.codes("RSET\r\nMAIL FROM:<> BODY=BINARYMIME\r\nRCPT TO:<7200@a.example>\r\nDATA\r\n"),
        [250, 250, 250, 503]
    );
    assert_eq!(
        t.codes("BDAT 1\r\nxRCPT TO:<7201@a.example>\r\nDATA\r\nBDAT 0 LAST\r\n"),
        [250, 503, 503, 250]
    );
}

#[test]
fn syntax_is_501_5_5_2_and_unknown_verbs_are_500() {
    let mut t = talk().greeted();
    for wrong in [
        "MAIL",
        "MAIL FROM:a@b.example",
        "MAIL FROM:<a b@c.example>",
        "MAIL FROM:<a@b.example>SIZE=1",
        "MAIL TO:<a@b.example>",
    ] {
        assert!(
            t.say(format!("{wrong}\r\n")).starts_with("501 5.5.2 "),
            "{wrong}"
        );
    }
    assert_eq!(
        t.codes("FROB\r\nTURN\r\n\r\n\u{e9}\r\n"),
        [500, 502, 500, 500]
    );
    assert_eq!(
        t.codes("VRFY 7200\r\nHELP\r\nNOOP x\r\nMAIL FROM: <a@b.example>\r\nRCPT TO:<>\r\n"),
        [252, 214, 250, 250, 501, 421]
    );
    assert!(t.closed, "ten errors were made");
}

#[test]
fn the_size_of_a_message_is_limited_however_it_comes() {
    let big = "a".repeat(1_001);
    let mut t = talk().greeted();
    assert!(
        t.say("MAIL FROM:<9@c.example> SIZE=1001\r\n")
            .starts_with("552 5.3.4 ")
    );
    assert_eq!(
        t.codes(format!("{BEGIN}DATA\r\n{big}\r\n.\r\n")),
        [250, 250, 354, 552]
    );
    assert_eq!(
        t.codes(format!("{BEGIN}BDAT 1001 LAST\r\n{big}")),
        [250, 250, 552]
    );
    assert_eq!(
        t.codes(format!("{BEGIN}BDAT 1000\r\n{}BDAT 1 LAST\r\nx", &big[1..])),
        [250, 250, 250, 552]
    );
    assert_eq!(
        t.codes(format!("{BEGIN}BDAT 1000 LAST\r\n{}", &big[1..])),
        [250, 250, 250]
    );
    assert_eq!(t.mails.len(), 1);
    assert_eq!(
        t.codes(format!("{BEGIN}BDAT 99999999999999999999 LAST\r\n")),
        [250, 250, 552]
    );
    assert!(t.closed, "nobody waits for 10^20 octets");
}

#[test]
fn mail_of_the_partner_may_be_larger() {
    let mut t = talk().greeted();
    let mail = |size: usize| {
        format!(
            "MAIL FROM:<>\r\nRCPT TO:<gr-sync@a.example>\r\nBDAT {size} LAST\r\n{}",
            "x".repeat(size)
        )
    };
    assert_eq!(t.codes(mail(3_000)), [250, 250, 250]);
    assert_eq!(t.codes(mail(3_001)), [250, 250, 552]);
    assert!(t.mails[0].is_for_partner());
}

#[test]
fn data_without_end_is_cut_off() {
    let mut t = talk().greeted();
    t.say(format!("{BEGIN}DATA\r\n"));
    let mut said = String::new();
    for _ in 0..60 {
        said += &t.say("x".repeat(100));
    }
    assert!(said.starts_with("552 5.3.4 ") && t.closed);
    assert!(t.input.len() < 2_000);
}

#[test]
fn a_line_without_end_is_refused_and_not_kept() {
    let mut t = talk().greeted();
    assert_eq!(t.say("x".repeat(5_000)), "");
    assert!(t.input.is_empty());
    assert_eq!(t.codes("\r\nNOOP\r\n"), [500, 250]);
    assert_eq!(t.codes(format!("NOOP {}\r\n", "x".repeat(600))), [500]);
    assert_eq!(t.codes("NO\rOP\r\n"), [500]);
}

#[test]
fn errors_and_idle_commands_are_limited() {
    let mut t = talk().greeted();
    assert_eq!(
        t.codes("FROB\r\n".repeat(20)),
        [vec![500; 10], vec![421]].concat()
    );
    assert!(t.closed);
    let mut t = talk().greeted();
    assert_eq!(t.codes("NOOP\r\n".repeat(80)).last(), Some(&421));
    assert!(t.closed);
}

#[test]
fn recipients_are_judged_one_by_one() {
    let mut t = talk().greeted();
    let to = |n: &str| format!("RCPT TO:<{n}@a.example>\r\n");
    let text = [
        "MAIL FROM:<>\r\n".into(),
        to("7200"),
        to("7999"),
        to("gr-sync"),
        to("7201"),
        to("7200"),
        "BDAT 1 LAST\r\nx".into(),
    ]
    .concat();
    assert_eq!(t.codes(text), [250, 250, 550, 503, 250, 452, 250]);
    assert_eq!(t.mails[0].recipients.len(), 2);
}

#[test]
fn a_browser_that_was_tricked_into_calling_is_sent_away() {
    let mut t = talk();
    assert_eq!(
        t.codes("POST / HTTP/1.1\r\nHost: x\r\n\r\nMAIL FROM:<a@b.example>\r\n"),
        [521]
    );
    assert!(t.closed);
}

#[test]
fn the_greeting_lists_the_extensions() {
    let mut t = talk();
    let said = t.say("ehlo c.example\r\n");
    for word in [
        "250-a.example",
        "PIPELINING",
        "SIZE 1000",
        "8BITMIME",
        "BINARYMIME",
        "CHUNKING",
        "250 ENHANCEDSTATUSCODES",
    ] {
        assert!(said.contains(word), "{word} in {said}");
    }
    assert!(
        !said.contains("DSN"),
        "no report is made of a delivery: {said}"
    );
    assert_eq!(t.say("HELO c.example\r\n"), "250 a.example\r\n");
    assert_eq!(t.codes("EHLO\r\n"), [501]);
}

/// Numbers that look random and are the same at every run (a linear congruential generator, Knuth's constants).
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % n
    }
}

#[test]
fn what_is_answered_does_not_depend_on_how_the_bytes_are_cut() {
    const PIECES: &[&str] = &[
        "MAIL FROM:<9@c.example>",
        "MAIL FROM:<> SIZE=2000",
        "RCPT TO:<7200@a.example>",
        "RCPT TO:<7999@a.example>",
        "RCPT TO:<gr-sync@a.example>",
        "DATA",
        "BDAT 5",
        "BDAT 7 LAST",
        "BDAT x",
        "RSET",
        "NOOP",
        "EHLO x",
        "QUIT x",
        ".",
        "..",
        "\r\n",
        "\r\n",
        "\r\n",
        "\r\n",
        "\n",
        "\r",
        "text",
        " ",
        "\u{e9}",
    ];
    for seed in 0..400 {
        let mut dice = Dice(seed);
        let mut all = String::from("EHLO c.example\r\n");
        for _ in 0..80 {
            all += PIECES[dice.below(PIECES.len())];
            if dice.below(3) > 0 {
                all += "\r\n";
            }
        }
        let (mut whole, mut cut) = (talk(), talk());
        let expected = whole.say(&all);
        let (mut rest, mut said) = (all.as_bytes(), String::new());
        while !rest.is_empty() {
            let (piece, more) = rest.split_at(1 + dice.below(rest.len().min(9)));
            said += &cut.say(piece);
            rest = more;
        }
        assert_eq!(said, expected, "seed {seed}: {all:?}");
        let contents = |t: &Talk| {
            t.mails
                .iter()
                .map(|m| m.content.clone())
                .collect::<Vec<_>>()
        };
        assert_eq!(contents(&cut), contents(&whole), "seed {seed}: {all:?}");
        assert_eq!(cut.closed, whole.closed, "seed {seed}");
    }
}

#[test]
fn tls_is_offered_once_and_what_was_said_before_it_is_forgotten() {
    let mut t = talk();
    assert!(!t.say("EHLO c.example\r\n").contains("STARTTLS"));
    assert_eq!(t.codes("STARTTLS\r\n"), [502]);
    t.session = t.session.offering_tls();
    assert!(t.say("EHLO c.example\r\n").contains("250 STARTTLS\r\n"));
    assert_eq!(t.codes("STARTTLS now\r\n"), [501]);
    assert_eq!(t.codes(format!("{BEGIN}STARTTLS\r\n")), [250, 250, 220]);
    assert_eq!(t.codes("DATA\r\nMAIL FROM:<9@c.example>\r\n"), [503, 503]);
    assert!(!t.say("EHLO c.example\r\n").contains("STARTTLS"));
    assert_eq!(t.codes("STARTTLS\r\n"), [502]);
}

#[test]
fn a_bare_lf_never_ends_a_command() {
    for end in ["\n", "\n\n", "\n\r", "\r\r\n"] {
        let mut t = talk().greeted();
        let hidden = format!("NOOP x{end}MAIL FROM:<evil@c.example>{end}RCPT TO:<7200@a.example>");
        let lines = hidden.matches("\r\n").count();
        let mut refused = vec![500; lines.max(1)];
        // What stands behind a CR LF is a line of its own, and comes where no mail has begun.
        refused.extend((lines > 0).then_some(503));
        assert_eq!(t.codes(format!("{hidden}\r\n")), refused, "{end:?}");
        if lines == 0 {
            assert_eq!(
                t.codes("DATA\r\n"),
                [503],
                "nothing of it was heard: {end:?}"
            );
        }
        // Neither does it where a line that is too long is thrown away.
        let long = "x".repeat(3_000);
        assert_eq!(
            t.codes(format!("{long}\nRSET\nNOOP\r\nNOOP\r\n")),
            [500, 250]
        );
        assert_eq!(
            t.codes("NOOP\n"),
            [0u16; 0],
            "it waits for the end of the line"
        );
        assert_eq!(t.codes("\r\nNOOP\r\n"), [500, 250]);
    }
    for size in [1, 2, 1_999] {
        let mut t = talk().greeted();
        let text = format!("{}\r\nNOOP\r\n", "x".repeat(2_047));
        let said: Vec<u16> = text
            .as_bytes()
            .chunks(size)
            .flat_map(|piece| t.codes(piece))
            .collect();
        assert_eq!(said, [500, 250], "in pieces of {size}");
    }
}

#[test]
fn a_password_is_taken_by_tls_only_and_once() {
    const RIGHT: &str = "AHdlc3QAY2xvdWR5LWhhcmJvdXI="; // west, cloudy-harbour
    const WRONG: &str = "AHdlc3QAY2xvdWR5"; // west, cloudy
    let mut plain = talk().greeted();
    plain.session.offers_tls = true;
    assert!(!plain.say("EHLO c.example\r\n").contains("AUTH"));
    assert_eq!(plain.codes(format!("AUTH PLAIN {RIGHT}\r\n")), [538]);
    assert_eq!(plain.codes("STARTTLS\r\n"), [220]);
    assert!(plain.say("EHLO c.example\r\n").contains("AUTH PLAIN\r\n"));
    for size in [1, 5, 500] {
        let mut t = talk();
        t.session = t.session.offering_auth();
        let all = format!(
            "AUTH PLAIN {RIGHT}\r\nEHLO c.example\r\nAUTH LOGIN\r\nAUTH PLAIN %\r\nAUTH PLAIN {WRONG}\r\nAUTH PLAIN\r\n*\r\n\
             MAIL FROM:<>\r\nAUTH PLAIN {RIGHT}\r\nRSET\r\nAUTH PLAIN\r\n{RIGHT}\r\nAUTH PLAIN {RIGHT}\r\n\
             MAIL FROM:<9@c.example> AUTH=<>\r\n"
        );
        let said: Vec<u16> = all
            .as_bytes()
            .chunks(size)
            .flat_map(|piece| t.codes(piece))
            .collect();
        let expected = [
            503, 250, 504, 501, 535, 334, 501, 250, 503, 250, 334, 235, 503, 250,
        ];
        assert_eq!(said, expected, "pieces of {size}");
    }
    let mut long = talk().greeted();
    long.session.offers_auth = true;
    assert_eq!(
        long.codes(format!("AUTH PLAIN\r\n{}\r\nNOOP\r\n", "A".repeat(9_000))),
        [334, 500, 250]
    );
}
