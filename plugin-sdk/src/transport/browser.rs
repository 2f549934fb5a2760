//! The transport of a browser page: fetch with abort and a streamed body, uploads with progress, timers, local storage.

#[cfg(feature = "upload-progress")]
mod upload;

use super::{Body, FetchError, Method, Request, Response, Transport};
use crate::Client;
use crate::connector::Millis;
use contract::Timestamp;
use futures_util::StreamExt;
use futures_util::future::LocalBoxFuture;
use futures_util::stream;
use gloo_net::http::{Method as Verb, RequestBuilder};
use gloo_timers::future::TimeoutFuture;
use js_sys::{Math, Reflect, Uint8Array};
use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{
    AbortController, ReadableStreamDefaultReader, RequestCache, RequestCredentials, VisibilityState,
};

/// The longest that a browser's timer can be set to.
const SLEEP_MS_MAX: u32 = i32::MAX as u32;

/// A body longer than this tells on its way how far it has come. A shorter one is with the network at once.
#[cfg(feature = "upload-progress")]
const UPLOAD_FROM_BYTES: usize = 16 << 10;

/// The browser's fetch, timers and local storage.
#[derive(Clone, Debug, Default)]
pub struct Browser {}

impl Browser {
    /// For the page this runs in.
    pub fn new() -> Self {
        Self::default()
    }
}

/// The page's origin, for example `https://cp-north.example.net`: what `Config::new` takes.
pub fn page_origin() -> Option<String> {
    web_sys::window()?.location().origin().ok()
}

/// Tells the client from now on whether the page is visible and whether the computer has a network.
pub fn watch_page(client: &Client) {
    let Some(window) = web_sys::window() else {
        return;
    };
    let on_line = |online: bool| {
        let client = client.clone();
        move || client.set_online(online)
    };
    listen(&window, "online", on_line(true));
    listen(&window, "offline", on_line(false));
    if let Some(document) = window.document() {
        let visible = {
            let document = document.clone();
            move || document.visibility_state() == VisibilityState::Visible
        };
        client.set_visible(visible());
        let client = client.clone();
        listen(&document, "visibilitychange", move || {
            client.set_visible(visible())
        });
    }
    if !window.navigator().on_line() {
        client.set_online(false);
    }
}

/// Listens as long as the page lives.
fn listen(target: &web_sys::EventTarget, event: &str, heard: impl Fn() + 'static) {
    let callback = Closure::<dyn Fn()>::new(heard);
    let added = target.add_event_listener_with_callback(event, callback.as_ref().unchecked_ref());
    if added.is_ok() {
        callback.forget();
    }
}

impl Transport for Browser {
    fn fetch(&self, request: Request) -> LocalBoxFuture<'static, Result<Response, FetchError>> {
        #[cfg(feature = "upload-progress")]
        if request.body.as_bytes().len() > UPLOAD_FROM_BYTES {
            return Box::pin(upload::send(request));
        }
        Box::pin(fetch(request))
    }

    fn sleep(&self, ms: u64) -> LocalBoxFuture<'static, ()> {
        let ms = u32::try_from(ms).unwrap_or(SLEEP_MS_MAX).min(SLEEP_MS_MAX);
        Box::pin(TimeoutFuture::new(ms))
    }

    fn now(&self) -> Millis {
        let performance = web_sys::window().and_then(|window| window.performance());
        let ms = performance.map_or_else(js_sys::Date::now, |performance| performance.now());
        Millis(ms as u64)
    }

    fn wall(&self) -> Timestamp {
        Timestamp(js_sys::Date::now() as i64)
    }

    fn random(&self) -> [u8; 16] {
        let mut bytes = [0; 16];
        let crypto = web_sys::window().and_then(|window| window.crypto().ok());
        let drawn = crypto
            .is_some_and(|crypto| (crypto.get_random_values_with_u8_array(&mut bytes)).is_ok());
        if !drawn {
            bytes = std::array::from_fn(|_| (Math::random() * 256.0) as u8);
        }
        bytes
    }

    fn load(&self, key: &str) -> Option<String> {
        storage()?.get_item(key).ok()?
    }

    fn store(&self, key: &str, value: Option<&str>) {
        let Some(storage) = storage() else { return };
        // A full or forbidden storage only means that the next start has to learn the pair again.
        let _ = match value {
            Some(value) => storage.set_item(key, value),
            None => storage.remove_item(key),
        };
    }

    fn spawn(&self, task: LocalBoxFuture<'static, ()>) {
        spawn_local(task);
    }
}

/// Aborts its fetch when it is dropped: before the answer, or in the middle of the body.
struct AbortOnDrop(AbortController);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn fetch(request: Request) -> Result<Response, FetchError> {
    let abort = AbortOnDrop(AbortController::new().map_err(broken)?);
    let sending =
        prepare(&request, &abort).map_err(|error| FetchError::Broken(error.to_string()))?;
    // Browsers do not tell why a fetch failed: refused, name unknown, blocked and cut are all one TypeError.
    let answer = sending.send().await.map_err(|_| FetchError::Cut)?;
    let length = answer.headers().get("content-length");
    let reader = (answer.body()).map(|body| {
        body.get_reader()
            .unchecked_into::<ReadableStreamDefaultReader>()
    });
    let body = stream::unfold((reader, abort), |(reader, abort)| async move {
        let piece = read(reader.as_ref()?).await?;
        // After an error nothing more comes.
        let reader = reader.filter(|_| piece.is_ok());
        Some((piece, (reader, abort)))
    });
    Ok(Response {
        status: answer.status(),
        length: length.and_then(|length| length.parse().ok()),
        body: body.boxed_local(),
    })
}

fn prepare(
    request: &Request,
    abort: &AbortOnDrop,
) -> Result<gloo_net::http::Request, gloo_net::Error> {
    let verb = match request.method {
        Method::Get => Verb::GET,
        Method::Post => Verb::POST,
        Method::Put => Verb::PUT,
        Method::Patch => Verb::PATCH,
        Method::Delete => Verb::DELETE,
    };
    let mut builder = RequestBuilder::new(&request.url)
        .method(verb)
        .abort_signal(Some(&abort.0.signal()))
        // Tokens travel in the header alone; what a cache holds would tell nothing of the server.
        .credentials(RequestCredentials::Omit)
        .cache(RequestCache::NoStore);
    for (name, value) in request.headers() {
        builder = builder.header(name, value);
    }
    match &request.body {
        Body::Empty => builder.build(),
        Body::Json(text) => builder.body(&**text),
        Body::Bytes { bytes, .. } => builder.body(Uint8Array::from(&**bytes)),
    }
}

/// The next piece of a body; `None` at its end.
async fn read(reader: &ReadableStreamDefaultReader) -> Option<Result<Vec<u8>, FetchError>> {
    let Ok(read) = JsFuture::from(reader.read()).await else {
        return Some(Err(FetchError::Cut));
    };
    let field = |name: &str| Reflect::get(&read, &JsValue::from_str(name));
    if field("done").is_ok_and(|done| done.is_truthy()) {
        return None;
    }
    match field("value").map(|value| value.dyn_into::<Uint8Array>()) {
        Ok(Ok(piece)) => Some(Ok(piece.to_vec())),
        _ => Some(Err(FetchError::Cut)),
    }
}

fn storage() -> Option<web_sys::Storage> {
    web_sys::window()?.local_storage().ok()?
}

/// What a browser refuses to send: its own words, for example of an address that is none.
fn broken(error: JsValue) -> FetchError {
    let message = Reflect::get(&error, &JsValue::from_str("message"));
    let message = message.ok().and_then(|message| message.as_string());
    FetchError::Broken(message.unwrap_or_else(|| "the request cannot be sent".to_owned()))
}
