//! Pages that the first load leaves out: each is in a chunk, which is fetched when the page is first opened.
//!
//! [`lazy_page!`](crate::lazy_page!) makes such a page out of what it shows. The build cuts the chunk (`xtask/src/build/chunks.rs`),
//! `app/chunks.js` fetches it, from whichever server gives it. It is one program with the rest: contexts, session and sound are the same.

use crate::components::button::button;
use crate::components::icons::Icon;
use crate::components::panel::nothing;
use crate::connection::ConnectionContext;
use leptos::prelude::*;
use leptos::task::spawn_local;
pub use leptos::wasm_split::SplitLoaderError as NotLoaded;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use wasm_bindgen::prelude::wasm_bindgen;

/// For so long nothing is shown of the waiting: what is kept in the browser is here sooner.
const QUIET: Duration = Duration::from_millis(200);

// Of `app/chunks.js`.
#[wasm_bindgen]
extern "C" {
    /// Chunks can be fetched from these servers, too: their origins, a space between them.
    #[wasm_bindgen(js_name = setChunkServers)]
    fn set_chunk_servers(origins: &str);
    /// From now on the browser may fetch all chunks and keep them, so that each page opens without a server.
    #[wasm_bindgen(js_name = keepChunks)]
    pub fn keep_chunks();
}

/// A chunk on its way.
pub type Loading = Pin<Box<dyn Future<Output = Result<(), NotLoaded>>>>;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Chunk {
    Coming,
    Late,
    Missing,
    Here,
}

/// The chunk of the page that is shown. A handle.
#[derive(Clone, Copy)]
struct ChunkOfPage {
    connection: ConnectionContext,
    load: fn() -> Loading,
    is: RwSignal<Chunk>,
}

/// Shows what `page` makes as soon as its chunk is here; until then that it is loading, or that it cannot be had.
pub fn shown(load: fn() -> Loading, page: Box<dyn Fn() -> AnyView + Send>) -> AnyView {
    let connection = ConnectionContext::here();
    let chunk = ChunkOfPage {
        connection,
        load,
        is: RwSignal::new(Chunk::Coming),
    };
    chunk.fetch();
    // Where no server gave it, it is fetched again as soon as one answers.
    let answers = Memo::new(move |_| connection.is_on());
    Effect::new(move || {
        if answers.get() && chunk.is.get_untracked() == Chunk::Missing {
            chunk.fetch();
        }
    });
    (move || match chunk.is.get() {
        Chunk::Coming => ().into_any(),
        Chunk::Late => bones(),
        Chunk::Missing => missing(chunk),
        Chunk::Here => page(),
    })
    .into_any()
}

fn bones() -> AnyView {
    view! {
        <div class="page-head" role="status" aria-busy="true" aria-label="Loading the page">
            <div class="bone__lines">
                <span class="bone"></span>
                <span class="bone"></span>
            </div>
        </div>
    }
    .into_any()
}

fn missing(chunk: ChunkOfPage) -> AnyView {
    let then = view! {
        <p>
            "No server gave this browser what the page is made of. It is fetched as soon as one does. If a new version has been installed, load the page \
            again."
        </p>
        {button(Icon::Sync, "Try again", move || chunk.fetch())}
    };
    let what = "This page cannot be shown now".to_owned();
    view! { <div role="alert">{nothing(Icon::Warn, what, then.into_any())}</div> }.into_any()
}

impl ChunkOfPage {
    fn fetch(self) {
        self.connection.status().with_untracked(|status| {
            let partner = status.partner.as_ref();
            let partner = partner.map_or("", |partner| partner.http.as_str());
            set_chunk_servers(&[status.primary.http.as_str(), partner].join(" "));
        });
        let mut loading = (self.load)();
        if let Some(came) = at_once(loading.as_mut()) {
            return self.came(came);
        }
        self.is.set(Chunk::Coming);
        // The reader may be on another page by then.
        spawn_local(async move { self.came(loading.await) });
        // Whatever is set is shown anew: a page that is here must not be made again.
        let late = move || {
            if self.is.try_get_untracked() == Some(Chunk::Coming) {
                self.is.set(Chunk::Late);
            }
        };
        set_timeout(late, QUIET);
    }

    fn came(self, came: Result<(), NotLoaded>) {
        self.is.try_set(match came {
            Ok(()) => Chunk::Here,
            Err(_) => Chunk::Missing,
        });
    }
}

/// What a page makes whose chunk is here: then it is a future in form only.
pub fn made(page: impl Future<Output = Result<AnyView, NotLoaded>>) -> AnyView {
    match at_once(pin!(page)) {
        Some(Ok(view)) => view,
        _ => ().into_any(),
    }
}

fn at_once<T>(future: Pin<&mut (impl Future<Output = T> + ?Sized)>) -> Option<T> {
    match future.poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => Some(value),
        Poll::Pending => None,
    }
}

/// A function that shows a page of a chunk: `lazy_page! { /// … pub fn NAME(GIVEN: TYPE) in CHUNK => VIEW }`.
///
/// `VIEW` is an [`AnyView`]; what nothing else needs goes into the chunk with it. Pages of one chunk come together. What is given is `Copy`
/// and `Send`. A name stands for one page in its application, for the linker knows it.
#[macro_export]
macro_rules! lazy_page {
    ($(#[$about:meta])* $visible:vis fn $name:ident($($given:ident: $kind:ty),*) in $chunk:ident => $made:expr) => {
        $(#[$about])*
        $visible fn $name($($given: $kind),*) -> leptos::prelude::AnyView {
            #[leptos::wasm_split::wasm_split(
                $chunk,
                wasm_split_path = leptos::wasm_split,
                preload(load),
                fallible
            )]
            fn $name($($given: $kind),*) -> Result<leptos::prelude::AnyView, $crate::lazy_page::NotLoaded> {
                Ok($made)
            }
            $crate::lazy_page::shown(
                || Box::pin(load()),
                Box::new(move || $crate::lazy_page::made($name($($given),*))),
            )
        }
    };
}
