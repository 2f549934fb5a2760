//! Clients that others have written. Where one is not installed, its test says so and proves nothing.

use super::{A, FROM, server};
use std::io::Write;
use std::process::{Command, Stdio};

/// Runs a program with `input`; `None` if it is not installed.
fn run(program: &str, args: &[&str], input: &str) -> Option<(bool, String)> {
    let child = Command::new(program)
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let Ok(mut child) = child else {
        eprintln!("{program} is not installed: not tried");
        return None;
    };
    child.stdin.take()?.write_all(input.as_bytes()).ok()?;
    let output = child.wait_with_output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned()
        + &String::from_utf8_lossy(&output.stderr);
    Some((output.status.success(), text))
}

#[test]
fn python_delivers_and_is_told_of_refusals() {
    let (_dir, server) = server("");
    let program = format!(
        r#"
import smtplib, sys
message = sys.stdin.buffer.read()
with smtplib.SMTP("127.0.0.1", {port}) as s:
    s.ehlo("python.example")
    assert not s.has_extn("dsn") and s.has_extn("chunking") and s.esmtp_features["size"]
    refused = s.sendmail("{FROM}", ["{A}", "7999@cp-a.test.example"], message)
    assert refused["7999@cp-a.test.example"][0] == 550, refused
    try:
        s.sendmail("{FROM}", ["7200@elsewhere.example"], message)
        raise SystemExit("relayed")
    except smtplib.SMTPRecipientsRefused as e:
        assert e.recipients["7200@elsewhere.example"][0] == 550
print("done")
"#,
        port = server.smtp.port()
    );
    let message = support::voice::message_in_lines(FROM, A, 5, 8_000);
    let Some((good, said)) = run("python3", &["-c", &program], &message) else {
        return;
    };
    assert!(good && said.contains("done"), "{said}");
    let user = server.log_in("7200").unwrap();
    assert_eq!(server.inbox(&user).messages[0].duration_ms, 2_000);
}

#[test]
fn swaks_delivers_with_pipelining() {
    let (_dir, server) = server("");
    let port = server.smtp.port().to_string();
    let message = support::voice::message_in_lines(FROM, A, 6, 8_000);
    let args = [
        "--server",
        "127.0.0.1",
        "--port",
        &port,
        "--from",
        FROM,
        "--to",
        A,
        "--pipeline",
        "--data",
        "-",
    ];
    let Some((good, said)) = run("swaks", &args, &message) else {
        return;
    };
    assert!(good && said.contains("Accepted as"), "{said}");
    let user = server.log_in("7200").unwrap();
    assert_eq!(server.inbox(&user).messages.len(), 1);
}
