//! How smooth My CallPilot is with a mailbox of 5,000 messages, in a real browser (`tests/browser/measure/list.mjs`).

use crate::report::{Aim, Report};
use serde_json::Value;
use std::path::Path;
use std::process::{Command, Stdio};

pub fn measure(web_root: &Path, report: &mut Report) {
    eprintln!("list: 5,000 messages in a browser");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("browser/measure/list.mjs");
    let mut command = Command::new("node");
    command.arg(script).stderr(Stdio::inherit());
    if let Ok(web_root) = web_root.canonicalize() {
        command.env("CALLPILOT_WEB_ROOT", web_root);
    }
    let output = match command.output() {
        Ok(output) if output.status.success() => output.stdout,
        Ok(output) => return eprintln!("list: not measured: {}", output.status),
        Err(error) => return eprintln!("list: not measured, for node does not start: {error}"),
    };
    let Ok(measured) = serde_json::from_slice::<Value>(&output) else {
        return eprintln!("list: not measured: {}", String::from_utf8_lossy(&output));
    };
    for (key, name, what, aim) in [
        (
            "list_frame_ms",
            "frame_p95",
            "5,000 messages in the list: from one drawing to the next while scrolling, p95",
            Some(Aim::AtMost(25.0)),
        ),
        (
            "list_key_ms",
            "key_max",
            "the same: from a key to what it did on the screen, slowest",
            Some(Aim::AtMost(50.0)),
        ),
    ] {
        let value = measured[name].as_f64().unwrap_or(f64::NAN);
        report.add(key, what, value, "ms", aim);
    }
}
