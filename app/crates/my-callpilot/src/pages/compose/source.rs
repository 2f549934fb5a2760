//! The message that is answered or passed on.

use super::Form;
use crate::mailbox::MailboxContext;
use crate::model::row_length::length;
use crate::model::words;
use crate::route::INBOX;
use contract::{DraftSource, MessageRow, SourceAction};
use leptos::prelude::*;
use leptos::task::spawn_local;
use ui::components::icons::{Icon, icon};
use ui::components::panel;

/// The panel, where there is such a message.
pub(super) fn panel(form: Form) -> AnyView {
    let source = Memo::new(move |_| form.content.with(|content| content.source));
    (move || source.get().map(shown)).into_any()
}

fn shown(source: DraftSource) -> AnyView {
    let mailbox = MailboxContext::here();
    let id = source.message;
    let row = Memo::new(move |_| mailbox.row(id));
    if row.with_untracked(Option::is_none) {
        spawn_local(async move {
            // What cannot be read is not shown; it is there for the servers all the same.
            let _ = mailbox.read_detail(id).await;
        });
    }
    let title = match source.action {
        SourceAction::Reply => "Answers",
        SourceAction::Forward => "Passed on with it",
    };
    let inside = view! { <div class="body">{move || row.get().map(|row| line(&row))}</div> };
    panel::panel("source", title, inside.into_any())
}

fn line(row: &MessageRow) -> AnyView {
    view! {
        <div class="sub-row">
            {icon(Icon::Voice)}
            <span class="grow">
                <a href=INBOX.address_of(row.id)>{words::subject(row)}</a>
                <br/>
                <span class="help">{words::counterpart(row)}</span>
            </span>
            <span class="help">{length(row)}</span>
        </div>
    }
    .into_any()
}
