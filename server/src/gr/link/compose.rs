//! From an engine's message to the bytes of a mail: bodies are read from the store and sealed where they leave from.

use super::LinkContext;
use crate::clock;
use crate::gr::envelope::{Content, Heading, Mail, RANDOM_LEN, Transfer};
use crate::rarely::Rarely;
use bytes::Bytes;
use std::time::Duration;
use zeroize::Zeroizing;

/// The engine asks again and again for what its partner lacks.
static UNREADABLE: Rarely = Rarely::new(Duration::from_secs(60));

/// The commands before a mail.
pub struct Commands {
    /// MAIL, with how the body is encoded.
    pub mail: String,
    /// RCPT.
    pub rcpt: String,
}

impl Commands {
    /// Bounces go to an address of their own, where nobody takes them for GR mail.
    pub fn new(context: &LinkContext, body: &str) -> Self {
        Self {
            mail: format!("MAIL FROM:<gr-bounce@{}>{body}\r\n", context.own),
            rcpt: format!("RCPT TO:<gr-sync@{}>\r\n", context.partner.fqdn),
        }
    }
}

/// A whole transaction for the pipeline: MAIL, RCPT, BDAT and the mail.
pub async fn transaction(context: &LinkContext, message: gr_proto::Message) -> Vec<u8> {
    blocking(context, message, |context, content| {
        let commands = Commands::new(context, " BODY=BINARYMIME");
        prepared(context, content, Transfer::Binary, |mail| {
            let mut out = format!(
                "{}{}BDAT {} LAST\r\n",
                commands.mail,
                commands.rcpt,
                mail.octets()
            )
            .into_bytes();
            mail.write(&mut out);
            out
        })
    })
    .await
}

/// The content of a mail in lines, none of which begins with a dot: base64 has none.
pub async fn lines(context: &LinkContext, message: gr_proto::Message) -> Vec<u8> {
    blocking(context, message, |context, content| {
        prepared(context, content, Transfer::Base64, |mail| {
            let mut out = Vec::new();
            mail.write(&mut out);
            out
        })
    })
    .await
}

fn prepared(
    context: &LinkContext,
    content: &Content,
    transfer: Transfer,
    write: impl FnOnce(Mail<'_>) -> Vec<u8>,
) -> Vec<u8> {
    let at = clock::Clock::start().wall();
    let heading = Heading {
        from: &context.own,
        to: &context.partner.fqdn,
        at,
    };
    let random = Zeroizing::new(clock::random::<RANDOM_LEN>());
    write(Mail::new(
        context.keys.outgoing(),
        &heading,
        content,
        transfer,
        &random,
    ))
}

/// Composes where it may block if there are bodies to read.
async fn blocking(
    context: &LinkContext,
    message: gr_proto::Message,
    compose: fn(&LinkContext, &Content) -> Vec<u8>,
) -> Vec<u8> {
    if message.bodies().is_empty() {
        return compose(context, &content(context, &message));
    }
    let context = context.clone();
    let composing =
        tokio::task::spawn_blocking(move || compose(&context, &content(&context, &message)));
    match composing.await {
        Ok(bytes) => bytes,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}

/// A body that cannot be read is left out; the partner will say that it lacks it, and the engine decides.
fn content(context: &LinkContext, message: &gr_proto::Message) -> Content {
    let mut bodies = Vec::new();
    for body in message.bodies() {
        match context.readers.body(&body) {
            Ok(bytes) => bodies.push(bytes),
            Err(error) => {
                if let Some(times) = UNREADABLE.now() {
                    tracing::error!(%error, times, "a body for the GR partner cannot be read");
                }
            }
        }
    }
    Content {
        control: Bytes::from(gr_proto::wire::encode(message)),
        bodies,
    }
}
