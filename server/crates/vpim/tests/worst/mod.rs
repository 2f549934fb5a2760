//! Mails that are made to cost as much as they can for their length: one for each thing that a reader counts, holds or repeats.

/// A name for the story of a failure, and the mail.
pub type CostlyMail = (&'static str, Vec<u8>);

/// All of them, each of about `len` bytes, or of as many as its limit allows.
pub fn mails(len: usize) -> Vec<CostlyMail> {
    let mut mails = reports(len);
    mails.extend(headers(len));
    mails.extend(structures(len));
    mails.extend(bodies(len));
    mails
}

/// A piece as often as it fits.
fn fill(piece: &str, len: usize) -> String {
    piece.repeat(len / piece.len())
}

fn multipart(head: &str, parts: &str) -> Vec<u8> {
    format!("{head}Content-Type: multipart/mixed; boundary=b\r\n\r\n{parts}\r\n--b--\r\n")
        .into_bytes()
}

/// A delivery report on a message with this identifier.
pub fn report(groups: &str, message_id: &str) -> Vec<u8> {
    format!(
        "From: a@b\r\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n\
         --b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; a\r\n\r\n{groups}\r\n\
         --b\r\nContent-Type: message/rfc822\r\n\r\nMessage-ID: <{message_id}>\r\n\r\nx\r\n--b--\r\n"
    )
    .into_bytes()
}

fn reports(len: usize) -> Vec<CostlyMail> {
    let long_id = "i".repeat(len.min(200_000));
    let one = "--b\r\nContent-Type: message/delivery-status\r\n\r\nA:\n\n";
    let many = format!("{one}{}\r\n", fill("A:\n\n", len / 255)).repeat(250);
    let long = format!("Final-Recipient: rfc822;{}\n\n", "r".repeat(300));
    vec![
        ("groups of four bytes", report(&fill("A:\n\n", len), "m@x")),
        (
            "groups about a message with a long identifier",
            report(&fill("A:\n\n", len), &long_id),
        ),
        (
            "groups about a message with the longest identifier",
            report(&fill("A:\n\n", len), &"i".repeat(998)),
        ),
        ("groups of long fields", report(&fill(&long, len), "m@x")),
        (
            "groups of many fields",
            report(
                &fill(&format!("{}\n", "Action: x\n".repeat(100)), len),
                "m@x",
            ),
        ),
        ("many reports", multipart("", &many)),
        (
            "one group that is folded without end",
            report(
                &format!("Diagnostic-Code: x{}\n\n", fill("\n x", len)),
                "m@x",
            ),
        ),
        ("a disposition of many modifiers", {
            let modifiers = fill("m,", len);
            format!("Content-Type: message/disposition-notification\r\n\r\nDisposition: a/b; c/{modifiers}\r\n").into_bytes()
        }),
        ("a disposition of many groups", {
            let groups = fill("A:\n\n", len);
            format!("Content-Type: message/disposition-notification\r\n\r\n{groups}").into_bytes()
        }),
    ]
}

/// Names of values that are costly, the piece that is repeated, what stands before it, and what behind it.
const VALUES: [(&str, &str, &str, &str); 30] = [
    ("fields of three bytes", "A:\n", "", ""),
    ("fields that are folded at each byte", "\n x", "X: a", ""),
    ("a list of short addresses", "a,", "To: ", ""),
    (
        "a list of bytes that are no text",
        "\u{1},",
        "To: \u{1}",
        "",
    ),
    ("a list of names", "a b <c@d>,", "Cc: ", ""),
    ("a list of nothing", "\u{1}<\u{202e}>,", "To: ", ""),
    ("a list of words that say nothing", "=?a?q??=,", "To: ", ""),
    ("Japanese that does not say so", "%A", "To: \u{1b}$B", ""),
    ("words in UTF-7", "=?utf-7?q?+AG?= ", "Subject: ", ""),
    ("a list of quotes that hold nothing", "\"\"(x),", "To: ", ""),
    ("one address of many words", "a ", "To: ", ""),
    ("comments in comments", "(", "To: ", ""),
    ("encoded words", "=?a?q??=", "Subject: ", ""),
    (
        "encoded words of Latin-1",
        "=?latin1?q?=80=80=80=80=80=80=80?=",
        "Subject: ",
        "",
    ),
    (
        "encoded words in names",
        "=?utf-8?b?gICA?= <a@b>,",
        "Disposition-Notification-To: ",
        "",
    ),
    (
        "encoded words of many character sets",
        "=?koi8-r?q?=80?= =?big5?b?gA==?=",
        "Subject: ",
        "",
    ),
    ("encoded words that do not end", "=?a?b?", "Subject: ", ""),
    ("encoded words of question marks", "=?a?q?????", "To: ", ""),
    (
        "parameters without names",
        ";",
        "Content-Type: audio/basic",
        "",
    ),
    ("parameters", "; a=b", "Content-Type: audio/basic", ""),
    (
        "parameters of a disposition",
        "; filename=b",
        "Content-Type: audio/basic\r\nContent-Disposition: inline",
        "",
    ),
    (
        "continued parameters",
        "; name*0*=utf-8''%41; name*1=b",
        "Content-Type: audio/basic",
        "",
    ),
    (
        "sections of a parameter",
        ";name*0*=%41;name*1=b;name*2*=%FF",
        "Content-Type: audio/basic",
        "",
    ),
    (
        "a parameter in percent signs",
        "%FF",
        "Content-Disposition: x; filename*=latin1''",
        "",
    ),
    (
        "a long boundary",
        "x",
        "Content-Type: multipart/mixed; boundary=",
        "",
    ),
    ("a long type", "x", "Content-Type: audio/", ""),
    (
        "a long encoding",
        "\u{1}",
        "Content-Type: audio/basic\r\nContent-Transfer-Encoding: ",
        "",
    ),
    ("a long identifier", "x", "Message-ID: <", ">"),
    ("a long date", "(", "Date: ", ""),
    ("a long language", "x", "Content-Language: ", ""),
];

fn headers(len: usize) -> Vec<CostlyMail> {
    let room = len.min(255 * 1024);
    let end = "\r\nContent-Type: text/plain\r\n\r\nx";
    let mut mails: Vec<CostlyMail> = VALUES
        .into_iter()
        .map(|(name, piece, before, after)| {
            let value = fill(piece, room - 200);
            (name, format!("{before}{value}{after}{end}").into_bytes())
        })
        .collect();
    let mut not_text = b"To: ".to_vec();
    not_text.extend([0xff, b','].repeat(room / 2 - 100));
    not_text.extend(end.as_bytes());
    mails.push(("addresses that are no text", not_text));
    mails.extend(headers_of_parts(len));
    mails
}

/// The same in every part: what has no limit in all shows here.
fn headers_of_parts(len: usize) -> Vec<CostlyMail> {
    let mut mails = Vec::new();
    for (name, piece) in [
        ("parts with many parameters", ";a=b"),
        ("parts with a type that is no text", "\u{80}"),
        ("parts with continued parameters", ";name*0=a;name*1=b"),
    ] {
        let share = len / 250;
        let part = format!(
            "--b\r\nContent-Type: audio/basic{0}\r\nContent-Disposition: x{0}\r\n\r\n\r\n",
            fill(piece, share / 2)
        );
        mails.push((name, multipart("", &part.repeat(250))));
    }
    let fields = format!("--b\r\n{}\r\nx\r\n", "A:\r\n".repeat(len / 1_000)).repeat(250);
    mails.push(("parts with many fields", multipart("", &fields)));
    let enclosed = format!(
        "--b\r\nContent-Type: message/rfc822\r\n\r\nTo: {}\r\n\r\n\r\n",
        fill("a,", len / 250)
    );
    mails.push((
        "enclosed messages to many",
        multipart("", &enclosed.repeat(120)),
    ));
    let cards = format!(
        "--b\r\nContent-Type: text/vcard\r\n\r\nFN:{}\r\n",
        fill("é", len / 250)
    );
    mails.push(("visiting cards", multipart("", &cards.repeat(250))));
    mails
}

fn structures(len: usize) -> Vec<CostlyMail> {
    let nested = |levels: usize| -> String {
        (0..levels)
            .map(|n| format!("Content-Type: multipart/mixed; boundary=b{n}x\r\n\r\n--b{n}x\r\n"))
            .collect()
    };
    let enclosed = |body: &str, encoding: &str| {
        format!(
            "Content-Type: message/rfc822\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n{body}"
        )
    };
    let printable = (0..15).fold(fill("x", len), |inner, _| {
        enclosed(&inner, "quoted-printable")
    });
    let twice = (0..2).fold(fill("=41", len), |inner, _| {
        enclosed(&inner, "quoted-printable").replace("\r\n=41", "\r\n=3D41")
    });
    vec![
        ("multiparts in multiparts", nested(len / 60).into_bytes()),
        (
            "messages in messages",
            fill("Content-Type: message/rfc822\r\n\r\n", len).into_bytes(),
        ),
        (
            "encoded messages in encoded messages",
            printable.into_bytes(),
        ),
        ("two encoded messages", twice.into_bytes()),
        (
            "thousands of parts",
            multipart("", &fill("--b\r\n\r\nx\r\n", len)),
        ),
        (
            "as many parts as there may be",
            multipart("", &"--b\r\nContent-Type: a/b\r\n\r\nx\r\n".repeat(255)),
        ),
        ("many forms of a sound that cannot be played", {
            let fields = format!("Content-Type: audio/mpeg{}\r\n", ";a=b".repeat(len / 1_000));
            let form = format!("--b\r\n{fields}\r\nx\r\n");
            let head = "Content-Type: multipart/alternative; boundary=b\r\n\r\n";
            format!("{head}--b\r\n\r\nx\r\n{}--b--\r\n", form.repeat(250)).into_bytes()
        }),
        (
            "many sounds that cannot be played",
            multipart(
                "",
                &format!("--b\r\nContent-Type: text/plain\r\n\r\nx\r\n{}", {
                    let fields = format!("Content-Type: audio/mpeg{}", ";a=b".repeat(len / 1_000));
                    format!("--b\r\n{fields}\r\n\r\nx\r\n").repeat(250)
                }),
            ),
        ),
        (
            "lines that are nearly a boundary",
            multipart("", &format!("--b\r\n\r\n{}", fill("\n--b-", len))),
        ),
    ]
}

fn bodies(len: usize) -> Vec<CostlyMail> {
    let body = |head: &str, piece: &[u8]| {
        let mut mail = format!("{head}\r\n\r\n").into_bytes();
        mail.extend(piece.repeat(len / piece.len()));
        mail
    };
    let base64 = "Content-Transfer-Encoding: base64";
    vec![
        (
            "a recording",
            body(&format!("Content-Type: audio/basic\r\n{base64}"), b"AAAA"),
        ),
        (
            "base64 with stray characters",
            body(&format!("Content-Type: audio/basic\r\n{base64}"), b"AA*AA"),
        ),
        (
            "base64 that is padded in pieces",
            body(&format!("Content-Type: audio/basic\r\n{base64}"), b"AA=="),
        ),
        (
            "a message in base64",
            body(
                &format!("Content-Type: message/rfc822\r\n{base64}"),
                b"CkFB*",
            ),
        ),
        (
            "quoted-printable",
            body(
                "Content-Type: text/plain\r\nContent-Transfer-Encoding: quoted-printable",
                b"=41",
            ),
        ),
        (
            "a text that is no text",
            body("Content-Type: text/plain", &[0xff]),
        ),
        (
            "a text of control characters",
            body("Content-Type: text/plain", &[1]),
        ),
        (
            "a text of Windows-1252",
            body("Content-Type: text/plain; charset=cp1252", &[0x80]),
        ),
        (
            "a text in double bytes",
            body("Content-Type: text/plain; charset=big5", &[0xa4, 0x40]),
        ),
        (
            "a text in UTF-7",
            body("Content-Type: text/plain; charset=utf-7", b"+A"),
        ),
        (
            "a page of elements",
            body("Content-Type: text/html; charset=cp1252", b"<p>\x80&nbsp;"),
        ),
        (
            "a page in UTF-16",
            body("Content-Type: text/html; charset=utf-16le", b"\xff\x4e"),
        ),
        ("alternatives of many parts", {
            let form = format!("--b\r\n\r\n{}\r\n", "x".repeat(len / 250));
            format!(
                "Content-Type: multipart/alternative; boundary=b\r\n\r\n{}--b--\r\n",
                form.repeat(250)
            )
            .into_bytes()
        }),
        (
            "a text of line ends",
            body("Content-Type: text/plain", b"\r\nx"),
        ),
        (
            "a card that is no text",
            body("Content-Type: text/vcard", &[0xff]),
        ),
        ("a text in many parts", {
            let text = String::from_utf8(vec![1; len / 250]).unwrap_or_default();
            multipart(
                "",
                &format!("--b\r\nContent-Type: text/plain\r\n\r\n{text}\r\n").repeat(250),
            )
        }),
        (
            "guesses of boundaries",
            body(
                "Content-Type: text/plain",
                b"=_callpilot_0000000000000000_00000000",
            ),
        ),
    ]
}
