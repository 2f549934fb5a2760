//! A file of sound in the place of a recording: chosen or dropped, and how far its upload is.

use super::state::{Recorder, RecorderEvent, SoundFile, Uploading};
use js_sys::Uint8Array;
use leptos::html;
use leptos::prelude::*;
use leptos::task::spawn_local;
use std::rc::Rc;
use ui::components::button::{button, sign_button};
use ui::components::icons::{Icon, icon, small};
use ui::length;
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::JsFuture;
use web_sys::{DragEvent, File, FileList};

impl Recorder {
    fn choose(self, files: Option<FileList>) {
        let Some(file) = files.and_then(|files| files.get(0)) else {
            return;
        };
        let name = file.name();
        // Before anything of it is read: a browser has to hold all of it.
        if file.size() > self.limits.file_octets as f64 {
            let longest = length::spoken(self.limits.recording_ms);
            let why = format!("This file is too large: {longest} of sound are the most.");
            return self.file.set(Some((name, Uploading::Refused(why))));
        }
        self.file.set(Some((name.clone(), Uploading::Sending(0))));
        spawn_local(async move {
            let octets = read(&file).await;
            if self.file.is_disposed() {
                return;
            }
            match octets {
                Some(octets) => self.say(RecorderEvent::File(SoundFile { name, octets })),
                None => self.uploaded(Some(Uploading::Refused(
                    "This file could not be read. Choose it again.".into(),
                ))),
            }
        });
    }

    fn stop_file(self) {
        self.file.set(None);
        self.say(RecorderEvent::FileStopped);
    }
}

async fn read(file: &File) -> Option<Rc<[u8]>> {
    let buffer = JsFuture::from(file.array_buffer()).await.ok()?;
    Some(Rc::from(Uint8Array::new(&buffer).to_vec()))
}

/// A button that chooses a file.
pub(super) fn upload_button(recorder: Recorder) -> AnyView {
    let input = NodeRef::<html::Input>::new();
    let chosen = move |_| {
        if let Some(input) = input.get_untracked() {
            recorder.choose(input.files());
            // The same file can be chosen again.
            input.set_value("");
        }
    };
    view! {
        <input
            class="hidden-words"
            type="file"
            accept="audio/*,.wav,.mp3,.m4a,.ogg,.opus,.webm,.amr,.3gp,.au"
            aria-label="File of sound"
            tabindex="-1"
            node_ref=input
            on:change=chosen
        />
        {button(Icon::Download, "Upload a sound", move || {
            if let Some(input) = input.get_untracked() {
                input.click();
            }
        })}
    }
    .into_any()
}

/// The chosen file, and how far it is.
pub(super) fn chosen_file(recorder: Recorder) -> impl Fn() -> Option<AnyView> {
    move || {
        let (name, how_far) = recorder.file.get()?;
        let stop = move || recorder.stop_file();
        let (below, end) = match how_far {
            Uploading::Sending(percent) => (
                view! {
                    <progress max="100" value=percent.to_string() aria-label=format!("Uploading {name}")></progress>
                }
                .into_any(),
                button(Icon::Cross, "Stop", stop),
            ),
            Uploading::Refused(why) => (
                view! { <span class="help help--error">{small(Icon::Warn)}<span>{why}</span></span> }.into_any(),
                sign_button(Icon::Cross, "Take it out", stop),
            ),
        };
        Some(
            view! {
                <div class="sub-row" role="group" aria-label="Chosen file">
                    {icon(Icon::Voice)}
                    <span class="grow">{name}<br/>{below}</span>
                    {end}
                </div>
            }
            .into_any(),
        )
    }
}

/// What is dropped on the recorder.
pub(super) fn dropped(recorder: Recorder, event: &DragEvent) {
    event.prevent_default();
    recorder.choose(event.data_transfer().and_then(|data| data.files()));
}

/// Whether this is a click or key that the browser means for the recorder itself.
pub(super) fn allow_drop(event: &web_sys::Event) {
    event.unchecked_ref::<DragEvent>().prevent_default();
}
