//! What goes along: recordings, sound files, fax pages.

use super::Form;
use super::voice::attach;
use crate::model::attaching::{kind_of, size_words};
use crate::model::composition::{ComposedPart, Composition};
use contract::PartKind;
use leptos::html::Input;
use leptos::prelude::*;
use leptos::task::spawn_local;
use ui::browser;
use ui::components::button::{button, sign_button};
use ui::components::icons::{Icon, icon, small};

/// The panel.
pub(super) fn panel(form: Form) -> AnyView {
    // What the recorder holds is shown there.
    let parts = Memo::new(move |_| {
        let recorded = form.voice.part.get();
        let others = |one: &Composition| -> Vec<ComposedPart> {
            let parts = one.parts.iter();
            parts
                .filter(|part| Some(part.id) != recorded)
                .cloned()
                .collect()
        };
        form.with(others).unwrap_or_default()
    });
    let refused = RwSignal::new(Vec::<(String, &'static str)>::new());
    let chooser = NodeRef::<Input>::new();
    let choose = move || {
        if let Some(chooser) = chooser.get_untracked() {
            chooser.click();
        }
    };
    let chosen = move |_| {
        let Some(chooser) = chooser.get_untracked() else {
            return;
        };
        for file in browser::chosen_files(&chooser) {
            match kind_of(&file.name, file.size) {
                Ok(kind) => read(form, kind, file, refused),
                Err(why) => refused.update(|refused| refused.push((file.name, why))),
            }
        }
        chooser.set_value("");
    };
    let empty = move || {
        let nothing = parts.with(Vec::is_empty) && refused.with(Vec::is_empty);
        nothing.then(|| view! { <p class="help">"A sound file or fax pages (TIFF)."</p> })
    };
    view! {
        <section class="panel" aria-labelledby="attachments">
            <header>
                <h2 id="attachments">"Attachments"</h2>
                <span class="end">{button(Icon::Clip, "Add a file", choose)}</span>
                <input
                    type="file"
                    hidden=true
                    multiple=true
                    data-testid="files"
                    accept="audio/*,.wav,.mp3,.m4a,.aac,.ogg,.opus,.amr,.au,.gsm,.tif,.tiff,image/tiff"
                    node_ref=chooser
                    on:change=chosen
                />
            </header>
            <div class="body body--rows">
                {empty}
                {move || parts.get().into_iter().map(|part| row(form, part)).collect_view()}
                {move || refused.get().into_iter().map(|(name, why)| not_taken(refused, name, why)).collect_view()}
            </div>
        </section>
    }
    .into_any()
}

/// Reads a file into the draft.
fn read(
    form: Form,
    kind: PartKind,
    file: browser::ChosenFile,
    refused: RwSignal<Vec<(String, &'static str)>>,
) {
    spawn_local(async move {
        let name = file.name.clone();
        let Some(octets) = file.read().await else {
            refused.try_update(|refused| refused.push((name, "It could not be read.")));
            return;
        };
        attach(form.composing, form.id, kind, &name, &octets);
    });
}

fn row(form: Form, part: ComposedPart) -> AnyView {
    let sign = match part.kind {
        PartKind::Voice => Icon::Voice,
        PartKind::Fax => Icon::Fax,
    };
    let name = match part.name.is_empty() {
        true => "Recording".to_owned(),
        false => part.name.clone(),
    };
    let size = size_words(part.length);
    let told = match part.is_uploaded() {
        true => format!("{size}, on the servers"),
        false if part.sent > 0 => {
            let percent = part.sent * 100 / part.length.max(1);
            format!("{size}, {percent} % on the servers")
        }
        false => format!("{size}, in this browser so far"),
    };
    let id = part.id;
    view! {
        <div class="sub-row">
            {icon(sign)}
            <span class="grow">
                {name}
                <br/>
                <span class="help">{told}</span>
            </span>
            {sign_button(Icon::Cross, "Remove", move || form.composing.take_out(form.id, id))}
        </div>
    }
    .into_any()
}

/// A file that cannot be sent.
fn not_taken(
    refused: RwSignal<Vec<(String, &'static str)>>,
    name: String,
    why: &'static str,
) -> AnyView {
    let gone = name.clone();
    view! {
        <div class="sub-row" role="alert">
            {icon(Icon::Clip)}
            <span class="grow">
                {name}
                <br/>
                <span class="help help--error">{small(Icon::Warn)}<span>{why}</span></span>
            </span>
            {sign_button(Icon::Cross, "Remove", move || refused.update(|refused| refused.retain(|(name, _)| *name != gone)))}
        </div>
    }
    .into_any()
}
