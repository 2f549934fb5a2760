//! From the bytes of a mail to what is kept of it: off the threads that serve others, and within the budget for reading.
//!
//! What is kept follows from the mail alone, and nothing of this server or this moment goes into it: so a mail that comes again, here or at the
//! partner, gives the same body. What identifies it is more than the body: all that the mail says, also the forms of a text that are not kept.

use super::text::text;
use super::{DepositRefusal, claimed, envelope};
use crate::reading::{Crowded, ReadingSide};
use crate::server::{Server, WriteError, WriterError};
use bytes::Bytes;
use domain::{Envelope, SaidDigest, Timestamp};
use vpim::limits::{READING_CONSTANT, READING_FACTOR};

/// A mail that is taken.
pub(in crate::operations) struct Accepted {
    /// What lists show of it.
    pub envelope: Envelope,
    /// Its canonical form.
    pub body: Vec<u8>,
    /// What it says, if it has a Message-ID.
    pub identified: Option<SaidDigest>,
    /// When it says that it was written.
    pub dated: Option<Timestamp>,
    /// The beginning of its texts.
    pub text: String,
    /// The address that it says it comes from; empty if it says none.
    pub from: String,
}

/// Reads a mail and judges it.
///
/// # Errors
/// [`DepositRefusal::Content`]; [`DepositRefusal::Crowded`] if others read so much that there is no room in time.
pub(in crate::operations) async fn accept(
    server: &Server,
    raw: Bytes,
    return_path: Option<String>,
    received_at: Timestamp,
) -> Result<Accepted, WriteError<DepositRefusal>> {
    let mail = IncomingMail {
        raw,
        return_path,
        received_at,
    };
    let bytes = mail.raw.len() * READING_FACTOR + READING_CONSTANT;
    let crowded = |Crowded| WriteError::Refused(DepositRefusal::Crowded);
    let held = server.reading().take(ReadingSide::Deposits, bytes).await;
    let read = on_the_pool(held.map_err(crowded)?, move || mail.read()).await?;
    let (mail, more) = match read.map_err(WriteError::Refused)? {
        Read::Done(accepted) => return Ok(accepted),
        Read::Compressed { mail, more } => (mail, more),
    };
    // What was read is dropped before more memory is taken: whoever held some while waiting for more could wait for one who does the same.
    let turn = server.reading().take_turn_to_transcode().await;
    let turn = turn.map_err(crowded)?;
    let held = server.reading().take(ReadingSide::Deposits, bytes + more);
    let held = held.await.map_err(crowded)?;
    let read = on_the_pool((turn, held), move || mail.transcode()).await?;
    read.map_err(WriteError::Refused)
}

/// Runs a closure on the blocking pool, and gives back what was taken for it.
async fn on_the_pool<T: Send + 'static>(
    held: impl Send + 'static,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, WriteError<DepositRefusal>> {
    let working = tokio::task::spawn_blocking(move || {
        let _held = held;
        work()
    });
    working.await.map_err(|_| WriterError::OutOfService.into())
}

/// What has come of a mail that was read.
enum Read {
    /// It is taken.
    Done(Accepted),
    /// Some of its sound is compressed: to make recordings of it takes so many bytes more.
    Compressed { mail: IncomingMail, more: usize },
}

/// A mail that has come, and what is known of its way here.
struct IncomingMail {
    raw: Bytes,
    return_path: Option<String>,
    received_at: Timestamp,
}

impl IncomingMail {
    fn read(self) -> Result<Read, DepositRefusal> {
        let message = vpim::parse(&self.raw);
        match vpim::transcoding_bytes(&message) {
            0 => self.judge(message).map(Read::Done),
            more => {
                drop(message);
                Ok(Read::Compressed { mail: self, more })
            }
        }
    }

    fn transcode(self) -> Result<Accepted, DepositRefusal> {
        let mut message = vpim::parse(&self.raw);
        let outcome = vpim::transcode(&mut message);
        let count = |outcome: &'static str, files: u32| {
            metrics::counter!("callpilot_transcoded_total", "outcome" => outcome)
                .increment(u64::from(files));
        };
        count("heard", outcome.recordings);
        count("undecodable", outcome.undecodable);
        self.judge(message)
    }

    fn judge(&self, message: vpim::Message<'_>) -> Result<Accepted, DepositRefusal> {
        vpim::judge(&message).map_err(DepositRefusal::Content)?;
        let return_path = self.return_path.as_deref();
        let envelope = envelope(&message, return_path, self.received_at);
        let from = claimed(message.envelope.from.as_ref(), return_path).to_owned();
        let dated = message
            .envelope
            .date
            .map(|date| Timestamp(date.unix_s.saturating_mul(1_000)));
        let text = text(&message);
        let body = vpim::canonical(&message);
        let has_identifier = message.envelope.message_id.is_some();
        // To read the mail once more takes memory of its own: what was read goes first.
        drop(message);
        let say = || SaidDigest::of(|take| vpim::said(&self.raw, take));
        let identified = has_identifier.then(say);
        Ok(Accepted {
            envelope,
            body,
            identified,
            dated,
            text,
            from,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use vpim::Content;

    #[test]
    fn mails_that_differ_in_what_is_not_kept_are_two_and_a_retry_is_the_same() {
        let mail = |front: &str, page: &str| {
            let raw = format!(
                "{front}From: a@b.example\r\nDate: Sat, 28 Nov 2026 10:00:00 +0000\r\nMessage-ID: <a@b>\r\n\
                 Content-Type: multipart/alternative; boundary=q\r\n\r\n--q\r\n\r\nNew voicemail\r\n\
                 --q\r\nContent-Type: text/html\r\n\r\n<p>{page}</p>\r\n--q--\r\n"
            );
            let mail = IncomingMail {
                raw: raw.into(),
                return_path: None,
                received_at: Timestamp(5),
            };
            match mail.read() {
                Ok(Read::Done(accepted)) => accepted,
                _ => panic!("it is taken"),
            }
        };
        let (one, other) = (mail("", "From 5551111"), mail("", "From 5552222"));
        assert_eq!(one.body, other.body, "the page is not kept");
        assert_ne!(one.identified, other.identified);
        let again = mail("Received: from x by y\r\n", "From 5551111");
        assert!(one.identified.is_some());
        assert_eq!(one.identified, again.identified);
    }

    #[tokio::test]
    async fn of_compressed_sound_a_recording_is_made_when_it_comes() {
        let dir = tempfile::tempdir().unwrap();
        let text = format!("fqdn = \"a.example.net\"\ndata_dir = {:?}\n", dir.path());
        let config = Config::parse(&text, "test", &|_| None).unwrap();
        let (server, writer) = Server::open(config).unwrap();
        let writing = std::thread::spawn(|| {
            writer.run();
        });
        let vectors = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/vectors");
        let sound = std::fs::read(vectors.join("sound/hybrid.opus")).unwrap();
        let mail = [
            &b"From: 21@b.example\r\nContent-Type: audio/ogg\r\n\r\n"[..],
            &sound,
        ]
        .concat();
        let accepted = accept(&server, mail.into(), None, Timestamp(5)).await;
        let accepted = accepted.unwrap_or_else(|_| panic!("it is taken"));
        let envelope = &accepted.envelope;
        assert_eq!(envelope.kind, contract::Kind::Voice);
        assert_eq!((envelope.duration_ms, envelope.attachments), (1_381, 0));
        let kept = vpim::parse_kept(&accepted.body);
        let [recording, original] = &kept.parts[..] else {
            panic!("{kept:?}")
        };
        assert_eq!(recording.voice().unwrap().duration_ms(), 1_381);
        assert!(matches!(&original.content, Content::Original { bytes, .. } if bytes[..] == sound));
        server.stop().await;
        writing.join().unwrap();
    }
}
