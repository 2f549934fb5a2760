//! Somebody who composes and sends messages over HTTP.

use crate::{Answer, Http};
use serde_json::{Value, json};

/// An identity as a client draws it (UUIDv7), another one for each `n`.
pub fn drawn(n: u16) -> String {
    format!("0199a5d0-8000-7000-8000-00000000{n:04x}")
}

/// A mailbox number as a recipient.
pub fn to(address: &str) -> Value {
    json!({ "address": address, "name": "", "copy": false })
}

impl Http {
    /// Saves a draft.
    pub fn save_draft(&self, draft: u16, content: &Value) -> Answer {
        let path = format!("/api/v1/drafts/{}", drawn(draft));
        self.ask("PUT", &path, Some(content)).expect("an answer")
    }

    /// A draft as it is.
    pub fn draft(&self, draft: u16) -> Answer {
        self.get(&format!("/api/v1/drafts/{}", drawn(draft)))
    }

    /// Uploads a piece of a recording.
    pub fn upload(
        &self,
        draft: u16,
        part: u16,
        offset: usize,
        octets: &[u8],
        last: bool,
    ) -> Answer {
        let (draft, part) = (drawn(draft), drawn(part));
        let path = format!(
            "/api/v1/drafts/{draft}/parts/{part}?offset={offset}&kind=voice&last={last}&name=memo.wav"
        );
        let octets = self.put_file(&path, "application/octet-stream", octets);
        octets.expect("an answer")
    }

    /// Hands a draft in.
    pub fn submit(&self, submission: u16, draft: u16) -> Answer {
        let new = json!({ "id": drawn(submission), "draft": drawn(draft) });
        let answer = self.ask("POST", "/api/v1/messages", Some(&new));
        answer.expect("an answer")
    }
}
