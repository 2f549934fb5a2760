//! `callpilot queue …`.

use super::admin_client::AdminClient;
use super::table::{local_time, table};
use super::{Failure, Output, Server};
use contract::{ObjectId, QueuedMessage, QueuedRecipient, QueuedState};
use hyper::Method;

const QUEUE: &str = "/api/v1/admin/queue";

/// What to do about messages on their way to other systems.
#[derive(clap::Subcommand)]
pub enum Command {
    /// List what is on its way, and what has lately ended: a line for each recipient.
    List {
        #[command(flatten)]
        server: Server,
    },
    /// Try a message at once.
    Retry(Which),
    /// Hold a message back until it is released.
    Hold(Which),
    /// Let a message go on that was held back.
    Release(Which),
    /// Take a message out: it is not tried any more, and its sender is told.
    Delete(Which),
}

/// Which message.
#[derive(clap::Args)]
pub struct Which {
    /// Its id, as `callpilot queue list` shows it.
    id: ObjectId,
    #[command(flatten)]
    server: Server,
}

/// Does it.
pub async fn run(command: Command, out: Output) -> Result<(), Failure> {
    let (which, method, act, done) = match command {
        Command::List { server } => return list(&server, out).await,
        Command::Retry(which) => (which, Method::POST, "/retry", "is tried"),
        Command::Hold(which) => (which, Method::POST, "/hold", "is held"),
        Command::Release(which) => (which, Method::POST, "/release", "goes on"),
        Command::Delete(which) => (which, Method::DELETE, "", "is out of the queue"),
    };
    let path = format!("{QUEUE}/{}{act}", which.id);
    AdminClient::of(&which.server)?
        .send(method, &path, None)
        .await?;
    out.say(&serde_json::json!({ "id": which.id }), || {
        format!("Message {} {done}.", which.id)
    })
}

async fn list(server: &Server, out: Output) -> Result<(), Failure> {
    let all: Vec<QueuedMessage> = AdminClient::of(server)?.get(QUEUE).await?;
    out.say(&all, || {
        if all.is_empty() {
            return "Nothing is on its way to other systems.".into();
        }
        let rows = all.iter().flat_map(|message| {
            let recipients = message.recipients.iter();
            recipients.map(move |recipient| row(message, recipient))
        });
        let heads = [
            "ID", "ACCEPTED", "FROM", "TO", "BY", "STATE", "TRIED", "NEXT", "SAID",
        ];
        table(heads, rows)
    })
}

fn row(message: &QueuedMessage, recipient: &QueuedRecipient) -> [String; 9] {
    let state = match recipient.state {
        QueuedState::Waiting if message.held => "held",
        QueuedState::Waiting => "waiting",
        QueuedState::Delivered => "delivered",
        QueuedState::Failed => "failed",
    };
    let by = if message.carried_here {
        "here"
    } else {
        "partner"
    };
    [
        message.id.to_string(),
        local_time(message.accepted_at),
        message.sender.clone(),
        recipient.address.clone(),
        by.to_owned(),
        state.to_owned(),
        recipient.attempts.to_string(),
        recipient
            .next_attempt_at
            .map(local_time)
            .unwrap_or_default(),
        recipient.said.clone(),
    ]
}
