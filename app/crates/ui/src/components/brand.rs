//! Sign and name of an application.

use leptos::prelude::*;

/// Sign and name.
#[component]
pub fn Brand(
    /// What the application is called.
    name: &'static str,
) -> impl IntoView {
    view! {
        <span class="brand">
            <svg viewBox="0 0 30 24" aria-hidden="true">
                <rect x="1.2" y="5" width="14" height="14" rx="4.4" fill="currentColor"></rect>
                <rect x="14.8" y="5" width="14" height="14" rx="4.4" fill="none" stroke="currentColor" stroke-width="2"></rect>
                <path d="M5 12h1.2M8.2 9v6M11 10.8v2.4" stroke="#0e3336" stroke-width="1.8" stroke-linecap="round"></path>
                <circle cx="27" cy="4.6" r="3.4" fill="#ffa764"></circle>
            </svg>
            <span>{name}</span>
        </span>
    }
}
