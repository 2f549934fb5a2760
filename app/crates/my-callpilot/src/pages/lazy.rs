//! The pages that are not in the first bundle, and the chunks that they are in.

use super::configure::ConfigurePage;
use super::information::Information;
use super::password::PasswordFirst;
use crate::route::Feature;
use leptos::prelude::*;
use ui::components::key_help::KeyHelp;
use ui::lazy_page;

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
    /// CallPilot Features.
    pub fn features(feature: Feature) in features => super::features::features(feature)
}
