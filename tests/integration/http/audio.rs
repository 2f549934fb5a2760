use crate::{message, server, tilde};
use codec::stored::StoredDecoder;
use std::io::{Read, Write};
use std::net::TcpStream;
use support::{Answer, Http, Server, Smtp, until, voice};

fn get(user: &Http, path: &str, headers: &[(&str, &str)]) -> Answer {
    user.ask_with("GET", path, headers, None)
        .expect("an answer")
}

#[test]
fn sound_is_a_wav_file_of_the_length_that_the_list_says() {
    let (_dir, server) = server("");
    let user = tilde(&server);
    let row = message(&server, &user, 1);
    let answer = get(&user, &format!("/api/v1/messages/{}/audio", row.id), &[]);
    assert_eq!(
        (answer.status, answer.header("content-type")),
        (200, Some("audio/wav"))
    );
    assert_eq!(&answer.body[..4], b"RIFF");
    assert_eq!((answer.body.len() - 44) as u64 / 16, row.duration_ms);
    let part = get(
        &user,
        &format!("/api/v1/messages/{}/audio?part=0", row.id),
        &[],
    );
    assert_eq!(part.body, answer.body);
    assert_eq!(
        get(
            &user,
            &format!("/api/v1/messages/{}/audio?part=1", row.id),
            &[]
        )
        .status,
        404
    );
}

#[test]
fn ranges_are_cut_out_of_the_whole() {
    let (_dir, server) = server("");
    let user = tilde(&server);
    let path = format!("/api/v1/messages/{}/audio", message(&server, &user, 1).id);
    let whole = get(&user, &path, &[]);
    let size = whole.body.len();
    assert_eq!(whole.header("accept-ranges"), Some("bytes"));
    let middle = get(&user, &path, &[("Range", "bytes=100-199")]);
    assert_eq!(
        (middle.status, middle.body.as_slice()),
        (206, &whole.body[100..200])
    );
    assert_eq!(
        middle.header("content-range"),
        Some(format!("bytes 100-199/{size}").as_str())
    );
    let last = get(&user, &path, &[("Range", "bytes=-10")]);
    assert_eq!(
        (last.status, last.body.as_slice()),
        (206, &whole.body[size - 10..])
    );
    let beyond = get(&user, &path, &[("Range", &format!("bytes={size}-"))]);
    assert_eq!(
        (beyond.status, beyond.header("content-range")),
        (416, Some(format!("bytes */{size}").as_str()))
    );
    let other = get(
        &user,
        &path,
        &[("Range", "bytes=0-9"), ("If-Range", "\"another\"")],
    );
    assert_eq!((other.status, other.body.len()), (200, size));
}

#[test]
fn ranges_that_touch_are_one_and_others_give_the_whole() {
    let (_dir, server) = server("");
    let user = tilde(&server);
    let path = format!("/api/v1/messages/{}/audio", message(&server, &user, 1).id);
    let whole = get(&user, &path, &[]);
    let ranges = |set: &str| get(&user, &path, &[("Range", set)]);
    let odd = ranges("bytes=4097-4097,4098-8190");
    assert_eq!(
        (odd.status, odd.body.as_slice()),
        (206, &whole.body[4097..8191])
    );
    let apart = ranges("bytes=0-1,8-9");
    assert_eq!((apart.status, apart.body), (200, whole.body));
}

#[test]
fn its_length_is_told_without_its_sound() {
    let (_dir, server) = server("");
    let user = tilde(&server);
    let path = format!("/api/v1/messages/{}/audio", message(&server, &user, 1).id);
    let size = get(&user, &path, &[]).body.len();
    let decoded = server.metric("callpilot_sound_samples_decoded_total") as u64;
    let head = user.ask("HEAD", &path, None).expect("an answer");
    assert_eq!((head.status, head.body.len()), (200, 0));
    assert_eq!(
        head.header("content-length"),
        Some(size.to_string().as_str())
    );
    let again = server.metric("callpilot_sound_samples_decoded_total") as u64;
    assert_eq!(again, decoded, "nothing is decoded for it");
}

#[test]
fn stored_sound_is_a_quarter_and_has_the_samples_of_the_wav_file() {
    let (_dir, server) = server("");
    let user = tilde(&server);
    let path = format!("/api/v1/messages/{}/audio", message(&server, &user, 1).id);
    let wav = get(&user, &path, &[]);
    let stored_path = format!("{path}?encoding=stored");
    let stored = get(&user, &stored_path, &[]);
    assert_eq!(
        (stored.status, stored.header("content-type")),
        (200, Some(codec::stored::MEDIA_TYPE))
    );
    assert_eq!(stored.body.len(), voice::SECOND + 11);
    let mut samples = Vec::new();
    StoredDecoder::new()
        .push(&stored.body, &mut samples)
        .expect("stored sound");
    assert!(codec::wav::write(&samples) == wav.body);
    assert_ne!(stored.header("etag"), wav.header("etag"));
    let part = get(&user, &stored_path, &[("Range", "bytes=-100")]);
    assert_eq!(
        (part.status, part.body.as_slice()),
        (206, &stored.body[stored.body.len() - 100..])
    );
    let other = get(&user, &format!("{path}?encoding=opus"), &[]);
    assert_eq!(other.status, 400);
}

#[test]
fn the_end_of_a_long_message_is_decoded_by_itself_once_it_has_been_heard() {
    let (_dir, server) = server("");
    let user = tilde(&server);
    let (path, samples) = long_message(&server, &user, 10);
    let decoded = || server.metric("callpilot_sound_samples_decoded_total") as u64;
    let whole = get(&user, &path, &[]).body;
    assert_eq!(whole.len() as u64, 44 + 2 * samples);
    let before = decoded();
    assert!(before >= samples);
    let end = get(&user, &path, &[("Range", "bytes=-2")]);
    assert_eq!(
        (end.status, &end.body[..]),
        (206, &whole[whole.len() - 2..])
    );
    assert!(
        decoded() - before <= 80_000,
        "{} samples for two octets",
        decoded() - before
    );
}

#[test]
fn what_nobody_reads_any_more_is_not_decoded() {
    let (_dir, server) = server("");
    let user = tilde(&server);
    let (path, samples) = long_message(&server, &user, 30);
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {}\r\n\r\n",
        user.token()
    );
    let mut readers: Vec<TcpStream> = Vec::new();
    for _ in 0..3 {
        let mut reader = TcpStream::connect(server.http).expect("a connection");
        reader.write_all(request.as_bytes()).expect("a request");
        let mut beginning = [0; 4_096];
        reader
            .read_exact(&mut beginning)
            .expect("the beginning of an answer");
        readers.push(reader);
    }
    let held = || server.metric("callpilot_sound_octets_held") as u64;
    // One copy of the message for all who hear it.
    let size = samples / 2;
    assert!(
        (size..size + 4_096).contains(&held()),
        "{} of {size}",
        held()
    );
    drop(readers);
    until("nobody hears it", || (held() == 0).then_some(()));
    let decoded = server.metric("callpilot_sound_samples_decoded_total") as u64;
    assert!(decoded < 3 * samples / 2, "{decoded} of 3 times {samples}");
}

/// Leaves a message of so many minutes; the path of its sound, and its samples.
fn long_message(server: &Server, user: &Http, minutes: u64) -> (String, u64) {
    let octets = minutes * 60 * voice::SECOND as u64;
    let to = "7200@cp-a.test.example";
    let mail = voice::message("4711@client.example", to, 9, octets as usize);
    let reply = Smtp::hello(server.smtp).mail("4711@client.example", &[to], &mail);
    assert_eq!(reply.code, 250, "{reply:?}");
    let row = until("the message in the list", || {
        server.inbox(user).messages.into_iter().next()
    });
    (format!("/api/v1/messages/{}/audio", row.id), octets * 2)
}

#[test]
fn sound_that_the_client_has_is_not_sent_again() {
    let (_dir, server) = server("");
    let user = tilde(&server);
    let path = format!("/api/v1/messages/{}/audio", message(&server, &user, 1).id);
    let etag = get(&user, &path, &[])
        .header("etag")
        .expect("a version")
        .to_owned();
    let again = get(&user, &path, &[("If-None-Match", &etag)]);
    assert_eq!((again.status, again.body.len()), (304, 0));
    assert_eq!(
        get(&user, &path, &[("If-None-Match", "\"another\"")]).status,
        200
    );
    let part = get(
        &user,
        &format!("{path}?part=0"),
        &[("If-None-Match", &etag)],
    );
    assert_eq!(part.status, 200, "a part is another sound");
}
