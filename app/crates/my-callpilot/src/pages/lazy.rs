//! The pages that are not in the first bundle, and the chunks that they are in.

use super::compose::{answer_page, compose_page};
use super::configure::ConfigurePage;
use super::drafts::drafts_page;
use super::folder_context::FolderContext;
use super::information::Information;
use super::password::PasswordFirst;
use super::reader::Reader;
use crate::composing::ComposingContext;
use crate::model::answering::Answer;
use crate::route::Feature;
use contract::ObjectId;
use leptos::prelude::*;
use leptos::task::spawn_local;
use std::time::Duration;
use ui::components::key_help::KeyHelp;
use ui::context::ApplicationOwner;
use ui::lazy_page;
use ui::lazy_page::NotLoaded;

/// What goes on with waiting compositions is fetched again after this time, where no server gave it.
const FETCHED_AGAIN_AFTER: Duration = Duration::from_secs(10);

lazy_page! {
    /// The message that is open, or what is said of a selection.
    pub fn reader(folder: FolderContext) in reading => view! { <Reader folder/> }.into_any()
}

lazy_page! {
    /// Useful Information.
    pub fn information() in help => view! { <Information/> }.into_any()
}

lazy_page! {
    /// Configure.
    pub fn configure(at_password: bool) in help => view! { <ConfigurePage at_password/> }.into_any()
}

lazy_page! {
    /// A new password before anything else.
    pub fn password_first() in help => view! { <PasswordFirst/> }.into_any()
}

lazy_page! {
    /// The keys.
    pub fn key_help() in help => view! { <KeyHelp/> }.into_any()
}

lazy_page! {
    /// The drafts.
    pub fn drafts() in composing => drafts_page()
}

lazy_page! {
    /// A message that is being composed.
    pub fn compose(open: Memo<Option<ObjectId>>) in composing => compose_page(open)
}

lazy_page! {
    /// A message that goes on with another.
    pub fn answer(how: Answer, open: Memo<Option<ObjectId>>) in composing => answer_page(how, open)
}

/// Goes on with what waits of a former page: what is to be sent goes out without a page of it.
pub fn go_on_composing(owner: ApplicationOwner) {
    #[leptos::wasm_split::wasm_split(composing, wasm_split_path = leptos::wasm_split, fallible)]
    fn start_composing(owner: ApplicationOwner) -> Result<(), NotLoaded> {
        ComposingContext::of(&owner);
        Ok(())
    }
    spawn_local(async move {
        if start_composing(owner.clone()).await.is_err() {
            set_timeout(move || go_on_composing(owner), FETCHED_AGAIN_AFTER);
        }
    });
}

lazy_page! {
    /// CallPilot Features.
    pub fn features(feature: Feature) in features => super::features::features(feature)
}
