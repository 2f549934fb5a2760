//! Speaking SMTP as a client: what the link to the GR partner and the delivery to other systems have in common.
//!
//! Replies are bounded, so another server decides no memory here. Who is believed, and for how long is waited, each caller says.

mod conversation;
mod replies;

pub use conversation::{Conversation, SecureError, connect};
pub use replies::{RemoteReply, ReplyReader};
