use crate::{message, server, tilde};
use support::{Answer, Http};

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
