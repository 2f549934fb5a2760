//! Personal lists: all of them, and beside them the one that is opened or made.

use super::lists_context::{Desk, Lists};
use super::{framed, halves};
use crate::model::lists;
use contract::DistributionList;
use leptos::ev::SubmitEvent;
use leptos::html;
use leptos::prelude::*;
use ui::browser;
use ui::components::button::{button, sign_button, styled};
use ui::components::icons::{Icon, icon, small};
use ui::components::panel::{note, nothing, panel, refused, words};
use ui::focus_keeper::FocusKeeper;
use ui::router::Router;

/// The page.
pub fn page() -> AnyView {
    browser::set_title("Personal lists · My CallPilot");
    Router::here().page_shown();
    FocusKeeper::here().belongs(|| browser::focus("lists"));
    let page = Lists::new();
    view! {
        <div class="page-head">
            <div>
                <h1 id="heading" tabindex="-1">"Personal lists"</h1>
                <p>"One name for many addresses, here and on the telephone. A list is on both servers."</p>
            </div>
            <div class="actions">
                {styled("btn btn--primary", Some(Icon::List), || "New list".into(), move || page.open_new())}
            </div>
        </div>
        <div role="status" class="told">{move || page.refusal.get().map(refused)}</div>
        {halves(
            Signal::derive(move || page.desk.get().is_some()),
            panel("lists", "Lists", all(page)),
            (move || desk(page, page.desk.get())).into_any(),
        )}
        {toast(page)}
    }
    .into_any()
}

fn all(page: Lists) -> AnyView {
    let rows = move || match page.all() {
        None => view! { <p class="help">"?"</p> }.into_any(),
        Some(lists) if lists.is_empty() => nothing(
            Icon::List,
            "No list yet".into(),
            words("A list gathers addresses that often get the same message."),
        ),
        Some(lists) => lists
            .into_iter()
            .map(|list| row(page, list))
            .collect_view()
            .into_any(),
    };
    let count = move || page.all().map_or(0, |lists| lists.len());
    view! {
        <div class="body body--rows">{rows}</div>
        {move || lists::waiting_words(page.count_waiting()).map(|words| view! { <p class="body help">{words}</p> })}
        <footer>
            <span>{count}" of at most 99 lists. The number is what you press on the telephone."</span>
        </footer>
    }
    .into_any()
}

fn row(page: Lists, list: DistributionList) -> AnyView {
    let (number, title) = (list.number, lists::title(&list));
    let name = title.clone();
    let open = move || page.desk.get() == Some(Desk::Edit(number));
    view! {
        <div class="sub-row" role="group" aria-label=name>
            <span class="count">{number.to_string()}</span>
            <span class="grow">
                <button class="row-button" type="button" aria-current=move || open().then_some("true") on:click=move |_| page.open(number)>
                    {title}
                </button>
                <br/>
                <span class="help">{lists::addresses(list.addresses.len())}</span>
            </span>
            {sign_button(Icon::Trash, "Delete", move || page.delete(number))}
        </div>
    }
    .into_any()
}

fn desk(page: Lists, desk: Option<Desk>) -> AnyView {
    let close = move || page.close();
    match desk {
        None => view! {
            <section class="panel" aria-label="List">
                {nothing(Icon::List, "No list is open".into(), words("Choose one, or make a new one."))}
            </section>
        }
        .into_any(),
        Some(Desk::New) => framed("New list", "Back to the lists", close, ().into_any(), new_list(page)),
        Some(Desk::Edit(number)) => {
            let badge = move || match page.is_waiting(number) {
                true => view! { <span class="badge badge--unknown">{icon(Icon::Sync)}"Not saved yet"</span> }.into_any(),
                false => view! { <span class="badge badge--ok">{icon(Icon::Check)}"Saved"</span> }.into_any(),
            };
            let badge = view! { <span class="end">{badge}</span> }.into_any();
            let title = move || page.wanted.with(lists::title);
            framed(title, "Back to the lists", close, badge, edit(page, number))
        }
    }
}

/// The field of the title.
fn title_field(page: Lists) -> AnyView {
    view! {
        <div class="field">
            <label for="list-title">"Name"</label>
            <input
                class="input"
                id="list-title"
                maxlength=lists::TITLE_MAX.to_string()
                prop:value=move || page.wanted.with(|wanted| wanted.title.clone())
                on:change=move |event| {
                    let title = event_target_value(&event).trim().to_owned();
                    page.change(|wanted| wanted.title = title);
                }
            />
        </div>
    }
    .into_any()
}

fn new_list(page: Lists) -> AnyView {
    let field = NodeRef::<html::Input>::new();
    let wrong = RwSignal::new(String::new());
    let create = move |event: SubmitEvent| {
        event.prevent_default();
        let typed = field
            .get_untracked()
            .map_or_else(String::new, |field| field.value());
        let lists = untrack(|| page.all()).unwrap_or_default();
        let number = lists::new_number(&lists, &typed);
        match number {
            Ok(number) => page.create(number),
            Err(why) => {
                wrong.set(why);
                browser::focus("list-number");
            }
        }
    };
    let is_wrong = move || wrong.with(|wrong| !wrong.is_empty());
    view! {
        <form class="stack" on:submit=create novalidate=true>
            <div class="title-and-number">
                {title_field(page)}
                <div class="field">
                    <label for="list-number">"On the telephone"</label>
                    <input
                        class="input"
                        id="list-number"
                        inputmode="numeric"
                        node_ref=field
                        prop:value=move || page.wanted.with(|wanted| wanted.number.to_string())
                        aria-invalid=move || is_wrong().then_some("true")
                        aria-describedby="list-number-wrong"
                    />
                </div>
            </div>
            <p id="list-number-wrong" role="alert" class="help help--error">
                {move || is_wrong().then(|| (small(Icon::Warn), view! { <span>{wrong.get()}</span> }))}
            </p>
            <div class="actions">
                <button class="btn btn--primary" type="submit"><span class="btn__text">"Create the list"</span></button>
                {styled("btn", None, || "Cancel".into(), move || page.close())}
            </div>
        </form>
    }
    .into_any()
}

fn edit(page: Lists, number: u8) -> AnyView {
    let unreachable = move || {
        let known = page.resolved.get();
        page.wanted.with(|wanted| {
            let lost = |address: &&String| {
                known
                    .get(*address)
                    .is_some_and(|to| to.unreachable.is_some())
            };
            lists::unreachable_words(wanted.addresses.iter().filter(lost).count())
        })
    };
    let unreachable = Memo::new(move |_| unreachable());
    let count = move || {
        page.wanted
            .with(|wanted| lists::addresses(wanted.addresses.len()))
    };
    let members = move || {
        let addresses = page.wanted.with(|wanted| wanted.addresses.clone());
        addresses
            .into_iter()
            .map(|address| member(page, address))
            .collect_view()
    };
    view! {
        <p class="help">"On the telephone: "{number.to_string()}</p>
        {title_field(page)}
        {move || unreachable.get().map(|what| note(
            "note note--down",
            Icon::Warn,
            what,
            words("A message to this list leaves out what reaches nobody and tells you so."),
        ))}
        {add_form(page)}
        <section aria-labelledby="members">
            <h3 id="members" tabindex="-1">{count}</h3>
            <ul>{members}</ul>
        </section>
        <div class="actions">
            {move || page.is_waiting(number).then(|| button(Icon::Sync, "Save now", move || page.save_waiting()))}
            {styled("btn btn--quiet", Some(Icon::Trash), || "Delete the list".into(), move || page.delete(number))}
        </div>
    }
    .into_any()
}

fn add_form(page: Lists) -> AnyView {
    let field = NodeRef::<html::Input>::new();
    let said = RwSignal::new(String::new());
    let add = move |event: SubmitEvent| {
        event.prevent_default();
        let Some(field) = field.get_untracked() else {
            return;
        };
        let typed = lists::typed_addresses(&field.value());
        if typed.is_empty() {
            return;
        }
        field.set_value("");
        let mut on_list = page
            .wanted
            .with_untracked(|wanted| wanted.addresses.clone());
        let added = lists::add(&mut on_list, typed);
        said.set(added.err().unwrap_or_default());
        page.change(|wanted| wanted.addresses = on_list);
        let _ = field.focus(); // nothing is lost but a convenience
    };
    view! {
        <form class="field" on:submit=add novalidate=true>
            <label for="new-address">"Add an address"</label>
            <div class="field-and-button">
                <input
                    class="input"
                    id="new-address"
                    autocomplete="off"
                    placeholder="Number or address"
                    node_ref=field
                    aria-describedby="new-address-help"
                />
                <button class="btn" type="submit"><span class="btn__text">"Add"</span></button>
            </div>
            <span class="help" id="new-address-help">
                "A mailbox number or an e-mail address; several are parted by commas. "
            </span>
            <p class="help" role="status">{move || said.get()}</p>
        </form>
    }
    .into_any()
}

fn member(page: Lists, address: String) -> AnyView {
    let to = page.resolved.with(|known| known.get(&address).cloned());
    let name = lists::member_name(&address, to.as_ref());
    let why = to.and_then(|to| to.unreachable);
    let out = {
        let address = address.clone();
        move |_| {
            page.change(|wanted| wanted.addresses.retain(|other| *other != address));
            browser::after_drawing(|| {
                browser::focus("members");
            });
        }
    };
    let label = format!("Take out {name}");
    view! {
        <li class="sub-row">
            {icon(if why.is_some() { Icon::Warn } else { Icon::User })}
            <span class="grow">
                <b>{name}</b>
                {why.map(|why| view! { <br/><span class="help help--error">{why}</span> })}
            </span>
            <button class="btn btn--quiet btn--icon" type="button" aria-label=label.clone() title=label on:click=out>
                {icon(Icon::Cross)}
            </button>
        </li>
    }
    .into_any()
}

/// The way back from a deletion.
fn toast(page: Lists) -> AnyView {
    let hold = move |held: bool| {
        page.held.try_set(held);
    };
    let shown = move || {
        page.deleted.get().map(|deleted| {
            view! {
                <div
                    class="toast"
                    on:focusin=move |_| hold(true)
                    on:focusout=move |_| hold(false)
                    on:pointerenter=move |_| hold(true)
                    on:pointerleave=move |_| hold(false)
                >
                    <span>{format!("{} deleted, {}.", lists::title(&deleted.list), lists::addresses(deleted.list.addresses.len()))}</span>
                    {button(Icon::Undo, "Undo", move || page.take_back())}
                </div>
            }
        })
    };
    view! { <div class="toast-corner" role="status" aria-label="Last action">{shown}</div> }
        .into_any()
}
