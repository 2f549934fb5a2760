//! What is asked of the browser itself: small storage, focus, title, object URLs.

use js_sys::{Array, Reflect, Uint8Array};
use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::Closure;
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    Blob, BlobPropertyBag, Document, Element, File, HtmlElement, HtmlInputElement, ResizeObserver,
    Storage, Url,
};

/// The text in small letters, in every script. The browser has the tables; the module need not carry them.
pub fn small_letters(text: &str) -> String {
    String::from(js_sys::JsString::from(text).to_lower_case())
}

fn document() -> Option<Document> {
    web_sys::window()?.document()
}

fn storage() -> Option<Storage> {
    web_sys::window()?.local_storage().ok()?
}

/// What was stored under a key. Where storage is forbidden there is never anything.
pub fn load(key: &str) -> Option<String> {
    storage()?.get_item(key).ok()?
}

/// Stores a value, or removes it. A full or forbidden storage is not an error: what is kept is a convenience.
pub fn store(key: &str, value: Option<&str>) {
    if let Some(storage) = storage() {
        let _ = match value {
            Some(value) => storage.set_item(key, value),
            None => storage.remove_item(key),
        };
    }
}

/// Calls `hear` with the key whenever another tab of this browser stores or removes something; with none if it removes everything.
pub fn when_stored_elsewhere(hear: impl Fn(Option<String>) + 'static) {
    let listener = leptos::prelude::window_event_listener(leptos::ev::storage, move |event| {
        hear(event.key());
    });
    leptos::prelude::on_cleanup(move || listener.remove());
}

/// The element with this id.
pub fn element(id: &str) -> Option<HtmlElement> {
    document()?.get_element_by_id(id)?.dyn_into().ok()
}

/// What has the focus.
pub fn focused() -> Option<HtmlElement> {
    document()?.active_element()?.dyn_into().ok()
}

/// Gives the focus to the element with this id, if it is there and shown.
pub fn focus(id: &str) -> bool {
    match element(id) {
        Some(element) if is_shown(&element) => element.focus().is_ok(),
        _ => false,
    }
}

/// Whether an element can be seen: at small widths either list or reader is away, or only a point for screen readers.
pub fn is_shown(element: &HtmlElement) -> bool {
    element.offset_width() > 1 && element.offset_height() > 1
}

/// Whether the focus is in an element that this selector finds.
pub fn focus_is_in(selector: &str) -> bool {
    focused().is_some_and(|focused| matches!(focused.closest(selector), Ok(Some(_))))
}

/// Whether nothing has the focus: what had it has gone.
pub fn focus_is_lost() -> bool {
    focused().is_none_or(|element| element.tag_name() == "BODY")
}

/// Whether the page can be seen: its tab is in front, its window not put away.
pub fn page_is_visible() -> bool {
    document().is_some_and(|document| !document.hidden())
}

/// Closes a popover, if it is open.
pub fn close_popover(id: &str) {
    if let Some(popover) = element(id) {
        let _ = popover.hide_popover(); // it is closed already
    }
}

/// Whether a dialog is open over the page.
pub fn dialog_is_open() -> bool {
    document()
        .is_some_and(|document| matches!(document.query_selector("dialog[open]"), Ok(Some(_))))
}

/// Height of the window, in CSS pixels.
pub fn window_height() -> f64 {
    let height = web_sys::window().and_then(|window| window.inner_height().ok());
    height.and_then(|height| height.as_f64()).unwrap_or(0.0)
}

/// Sets the height of an element at once, as a style sheet would.
pub fn set_height(element: &HtmlElement, height: &str) {
    // A height that the browser does not take leaves the element as it is.
    let _ = element.style().set_property("height", height);
}

/// Runs something whenever this element has got another size, for as long as the present component is shown.
pub fn when_resized(element: &Element, resized: impl Fn() + 'static) {
    let heard = Closure::<dyn FnMut()>::new(resized);
    let Ok(observer) = ResizeObserver::new(heard.as_ref().unchecked_ref()) else {
        return;
    };
    observer.observe(element);
    // Both live until then.
    let watching = leptos::prelude::StoredValue::new_local((observer, heard));
    leptos::prelude::on_cleanup(move || {
        use leptos::prelude::WithValue;
        watching.with_value(|(observer, _)| observer.disconnect());
    });
}

/// Runs something when the page has been drawn anew.
pub fn after_drawing(run: impl FnOnce() + 'static) {
    leptos::prelude::request_animation_frame(run);
}

/// Sets the colours of the page: `light`, `dark`, or with nothing those of the system.
pub fn set_theme(theme: &str) {
    let root = document().and_then(|document| document.document_element());
    if let Some(root) = root {
        let _ = match theme {
            "" => root.remove_attribute("data-theme"),
            theme => root.set_attribute("data-theme", theme),
        };
    }
}

/// Sets the title of the window.
pub fn set_title(title: &str) {
    if let Some(document) = document() {
        document.set_title(title);
    }
}

/// An address under which bytes can be played and saved, until it is revoked.
pub fn object_url(bytes: &[u8], media_type: &str) -> Option<String> {
    let kind = BlobPropertyBag::new();
    kind.set_type(media_type);
    let parts = Array::of1(&Uint8Array::from(bytes));
    let blob = Blob::new_with_u8_array_sequence_and_options(&parts, &kind).ok()?;
    Url::create_object_url_with_blob(&blob).ok()
}

/// Lets go of what [`object_url`] made.
pub fn revoke(url: &str) {
    let _ = Url::revoke_object_url(url);
}

/// A file that somebody has chosen.
pub struct ChosenFile {
    /// Its name, without its folder.
    pub name: String,
    /// Its octets.
    pub size: usize,
    file: File,
}

impl ChosenFile {
    /// Its content; `None` if it cannot be read (any more).
    pub async fn read(self) -> Option<Vec<u8>> {
        let buffer = JsFuture::from(self.file.array_buffer()).await.ok()?;
        Some(Uint8Array::new(&buffer).to_vec())
    }
}

/// The files that are chosen in an input of type `file`.
pub fn chosen_files(input: &HtmlInputElement) -> Vec<ChosenFile> {
    let Some(files) = input.files() else {
        return Vec::new();
    };
    let chosen = (0..files.length()).filter_map(|place| files.get(place));
    let chosen = chosen.map(|file| ChosenFile {
        name: file.name(),
        // No file is so large that a number of JavaScript does not hold its size.
        size: file.size() as usize,
        file,
    });
    chosen.collect()
}

/// Registers the service worker at this address, which opens the page while its server is out of reach. Where the browser has none (an insecure
/// address, a private window) the page works without.
pub fn register_service_worker(address: &str) {
    let Some(navigator) = web_sys::window().map(|window| window.navigator()) else {
        return;
    };
    if Reflect::has(&navigator, &"serviceWorker".into()).unwrap_or(false) {
        let _ = navigator.service_worker().register(address);
    }
}
