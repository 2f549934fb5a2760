//! Recordings that are not saved on a server yet, kept in this browser: each under the mailbox and a name. They survive a reload and the way to
//! another page; whoever logs out takes them along.

use leptos::task::spawn_local;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use ui::byte_store::ByteStore;

const STORE: ByteStore = ByteStore::named("callpilot.recordings");

thread_local! {
    /// How often all was removed in this page.
    static REMOVALS: Cell<u32> = const { Cell::new(0) };
}

/// Where one recording is kept. Copies are the same place. It outlives its page until the last is written.
#[derive(Clone)]
pub struct KeptRecording(Rc<Place>);

struct Place {
    key: String,
    /// How often all was removed before: what is kept since is another reader's.
    removals: u32,
    /// What is to be written, the newest only; nothing inside: it is to be removed.
    next: RefCell<Option<Option<Rc<[u8]>>>>,
    writing: Cell<bool>,
}

impl KeptRecording {
    /// The one of this name.
    pub fn new(mailbox: &str, name: &str) -> Self {
        Self(Rc::new(Place {
            key: format!("{mailbox}/{name}"),
            removals: REMOVALS.get(),
            next: RefCell::new(None),
            writing: Cell::new(false),
        }))
    }

    /// What is kept.
    pub async fn read(&self) -> Option<Vec<u8>> {
        STORE.get(&self.0.key).await
    }

    /// Keeps this, or nothing any more. While something is being written the newest waits.
    pub fn keep(&self, octets: Option<Rc<[u8]>>) {
        *self.0.next.borrow_mut() = Some(octets);
        if self.0.is_over() || self.0.writing.replace(true) {
            return;
        }
        let place = Rc::clone(&self.0);
        spawn_local(async move {
            let mut next = place.next.take();
            while let Some(octets) = next {
                match octets {
                    Some(octets) => {
                        // A full disk or a private window keeps nothing; the recording itself is there as long as its page is.
                        STORE.put(&place.key, &octets).await;
                    }
                    None => STORE.remove(&place.key).await,
                }
                next = place.next.take().filter(|_| !place.is_over());
            }
            place.writing.set(false);
        });
    }
}

impl Place {
    /// All was removed since; a recording that ends with its page is not kept then.
    fn is_over(&self) -> bool {
        self.removals != REMOVALS.get()
    }
}

/// Keeps none any more, of anybody.
pub fn clear() {
    REMOVALS.set(REMOVALS.get() + 1);
    spawn_local(STORE.clear());
}
