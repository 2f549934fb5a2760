//! To whom: the addresses that are chosen, and a field that offers those who fit what is typed.

use super::Form;
use crate::mailbox::MailboxContext;
use crate::model::suggesting::{Suggestion, add_found, addresses, known};
use contract::{Addressee, Folder};
use leptos::ev::KeyboardEvent;
use leptos::html::Input;
use leptos::prelude::*;
use leptos::task::spawn_local;
use std::time::Duration;
use ui::announcer::Announcer;
use ui::browser;
use ui::components::icons::{Icon, icon, small};
use ui::length::counted;

/// The address book is asked when nothing more was typed for this time.
const LOOKED_UP_AFTER: Duration = Duration::from_millis(200);
/// The field.
pub(super) const FIELD: &str = "to";

/// What is typed of an address, and who is offered. A handle.
#[derive(Clone, Copy)]
struct Typing {
    form: Form,
    mailbox: MailboxContext,
    announcer: Announcer,
    field: NodeRef<Input>,
    offered: RwSignal<Vec<Suggestion>>,
    /// The one that Enter takes.
    at: RwSignal<usize>,
}

/// The panel.
pub(super) fn panel(form: Form) -> AnyView {
    let recipients = Memo::new(move |_| form.content.with(|content| content.recipients.clone()));
    let typing = Typing {
        form,
        mailbox: MailboxContext::here(),
        announcer: Announcer::here(),
        field: NodeRef::new(),
        offered: RwSignal::new(Vec::new()),
        at: RwSignal::new(0),
    };
    Effect::new(move || {
        let addresses = recipients.with(|all| all.iter().map(|to| to.address.clone()).collect());
        form.composing.resolve(addresses);
    });
    let number = move || {
        let number = recipients.with(Vec::len);
        (number > 0).then(|| counted_addresses(number))
    };
    view! {
        <section class="panel" aria-labelledby="to-heading">
            <header>
                <h2 id="to-heading">"To"</h2>
                <span class="end help">{number}</span>
            </header>
            <div class="body">
                <div class="field">
                    <label class="hidden-words" for=FIELD>"Addresses"</label>
                    <div class="chips">
                        {move || recipients.get().into_iter().map(|to| chip(typing, to)).collect_view()}
                        {entry(typing)}
                    </div>
                    {move || offers(typing)}
                    {move || recipients.get().into_iter().filter_map(|to| wrong(form, &to)).collect_view()}
                    <p class="help" id="to-help">"A name you know, a mailbox number, or an address such as 7200@server."</p>
                </div>
            </div>
        </section>
    }
    .into_any()
}

/// `2 addresses`.
pub(super) fn counted_addresses(number: usize) -> String {
    match number {
        1 => "1 address".into(),
        many => format!("{many} addresses"),
    }
}

/// Why an address leads nowhere, as far as it is known (tracked).
pub(super) fn unreachable(form: Form, to: &Addressee) -> Option<String> {
    form.composing.resolved(&to.address)?.unreachable
}

fn wrong(form: Form, to: &Addressee) -> Option<AnyView> {
    let why = unreachable(form, to)?;
    let told = view! {
        <p class="help help--error">
            {small(Icon::Warn)}
            <span>{why}</span>
        </p>
    };
    Some(told.into_any())
}

/// The name of an addressee, with the number behind it.
pub(super) fn name_of(form: Form, to: &Addressee) -> String {
    let found = form.composing.resolved(&to.address).unwrap_or_default();
    let name = match found.name.is_empty() {
        true => to.name.clone(),
        false => found.name,
    };
    let number = match found.number.is_empty() {
        true => to.address.clone(),
        false => found.number,
    };
    match name.is_empty() {
        true => number,
        false => format!("{name}, {number}"),
    }
}

fn chip(typing: Typing, to: Addressee) -> AnyView {
    let form = typing.form;
    let address = to.address.clone();
    let named = to.clone();
    let name = Memo::new(move |_| name_of(form, &named));
    let bad = Memo::new(move |_| unreachable(form, &to).is_some());
    let remove = move |_| {
        form.edit(|content| content.recipients.retain(|other| other.address != address));
        browser::focus(FIELD);
    };
    view! {
        <span class="chip" class:chip--wrong=move || bad.get()>
            {move || bad.get().then(|| small(Icon::Warn))}
            <span class="chip__name">{move || name.get()}</span>
            <button type="button" aria-label=move || format!("Remove {}", name.get()) on:click=remove>
                {small(Icon::Cross)}
            </button>
        </span>
    }
    .into_any()
}

fn entry(typing: Typing) -> AnyView {
    let open = move || !typing.offered.with(Vec::is_empty);
    let active = move || open().then(|| option_id(typing.at.get()));
    view! {
        <input
            id=FIELD
            node_ref=typing.field
            role="combobox"
            autocomplete="off"
            autocapitalize="off"
            spellcheck="false"
            aria-autocomplete="list"
            aria-controls="offered"
            aria-expanded=move || open().to_string()
            aria-activedescendant=active
            aria-describedby="to-help"
            on:input=move |event| typing.typed(&event_target_value(&event))
            on:keydown=move |event| typing.pressed(&event)
            on:blur=move |_| typing.left()
        />
    }
    .into_any()
}

fn option_id(place: usize) -> String {
    format!("offer-{place}")
}

fn offers(typing: Typing) -> Option<AnyView> {
    let offered = typing.offered.get();
    if offered.is_empty() {
        return None;
    }
    let option = |(place, one): (usize, Suggestion)| {
        let taken = one.clone();
        view! {
            <div
                role="option"
                id=option_id(place)
                aria-selected=move || (typing.at.get() == place).to_string()
                // Before the field loses the focus.
                on:pointerdown=move |event| {
                    event.prevent_default();
                    typing.take(&taken);
                }
            >
                {icon(Icon::User)}
                <span>{one.name}</span>
                <span class="end">{one.detail}</span>
            </div>
        }
    };
    let list = view! {
        <div class="listbox" role="listbox" id="offered" aria-label="Addresses that fit">
            {offered.into_iter().enumerate().map(option).collect_view()}
        </div>
    };
    Some(list.into_any())
}

impl Typing {
    fn value(self) -> String {
        let field = self.field.get_untracked();
        field.map_or_else(String::new, |field| field.value())
    }

    fn set(self, value: &str) {
        if let Some(field) = self.field.get_untracked() {
            field.set_value(value);
        }
    }

    fn typed(self, value: &str) {
        let (found, rest) = addresses(value, false);
        if !found.is_empty() {
            found
                .into_iter()
                .for_each(|address| self.add(address, String::new()));
            self.set(&rest);
        }
        self.offer(&rest);
    }

    fn offer(self, typed: &str) {
        let offered = self.mailbox.mail().with_untracked(|mail| {
            let rows = [Folder::Sent, Folder::Inbox]
                .into_iter()
                .flat_map(|folder| mail.rows(folder));
            known(rows, typed, &browser::small_letters)
        });
        self.show(offered);
        self.look_up(typed);
    }

    /// Offers these, but for those who are chosen already.
    fn show(self, mut offered: Vec<Suggestion>) {
        let taken = |one: &Suggestion| {
            self.form.content.with_untracked(|content| {
                let mut recipients = content.recipients.iter();
                recipients.any(|to| to.address == one.address)
            })
        };
        offered.retain(|one| !taken(one));
        if !offered.is_empty() {
            let fit = counted(offered.len() as u64, "name");
            self.announcer.say(format!("{fit} to choose from"));
        }
        self.at.set(0);
        self.offered.set(offered);
    }

    /// Offers those of the address book, too, when the writer has stopped for a moment.
    fn look_up(self, typed: &str) {
        let typed = typed.trim().to_owned();
        if typed.is_empty() {
            return;
        }
        set_timeout(
            move || {
                // The page may be another one by now, and more may have been typed.
                if self.offered.is_disposed() || self.value().trim() != typed {
                    return;
                }
                spawn_local(async move {
                    let found = self.form.composing.address_book(&typed).await;
                    if self.offered.is_disposed() || self.value().trim() != typed {
                        return;
                    }
                    let mut offered = self.offered.get_untracked();
                    let before = offered.len();
                    add_found(&mut offered, &found);
                    if offered.len() > before {
                        self.show(offered);
                    }
                });
            },
            LOOKED_UP_AFTER,
        );
    }

    fn add(self, address: String, name: String) {
        self.form.edit(|content| {
            let known = content.recipients.iter().any(|to| to.address == address);
            if !known {
                content.recipients.push(Addressee {
                    address: address.clone(),
                    name: name.clone(),
                    copy: false,
                });
            }
        });
    }

    fn take(self, one: &Suggestion) {
        self.add(one.address.clone(), one.name.clone());
        self.set("");
        self.offered.set(Vec::new());
    }

    /// What was typed is an address, if it is anything.
    fn take_typed(self) -> bool {
        let (found, _) = addresses(&self.value(), true);
        let any = !found.is_empty();
        found
            .into_iter()
            .for_each(|address| self.add(address, String::new()));
        self.set("");
        self.offered.set(Vec::new());
        any
    }

    fn pressed(self, event: &KeyboardEvent) {
        let offered = self.offered.with_untracked(Vec::len);
        let taken = match &event.key()[..] {
            "ArrowDown" if offered > 0 => {
                self.at.update(|at| *at = (*at + 1) % offered);
                true
            }
            "ArrowUp" if offered > 0 => {
                self.at.update(|at| *at = (*at + offered - 1) % offered);
                true
            }
            "Enter" if event.ctrl_key() || event.meta_key() => false,
            "Enter" | "Tab" if offered > 0 => {
                let at = self.at.get_untracked();
                let one = self
                    .offered
                    .with_untracked(|offered| offered.get(at).cloned());
                one.iter().for_each(|one| self.take(one));
                true
            }
            "Enter" => {
                self.take_typed();
                true
            }
            "Escape" if offered > 0 => {
                self.offered.set(Vec::new());
                true
            }
            "Backspace" if self.value().is_empty() => {
                self.form.edit(|content| {
                    content.recipients.pop();
                });
                true
            }
            _ => false,
        };
        if taken {
            event.prevent_default();
        }
    }

    fn left(self) {
        self.take_typed();
    }
}
