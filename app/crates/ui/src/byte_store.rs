//! Bytes that outlive a page, each under a key: IndexedDB, which browsers have at every address, where the Cache API is there only on TLS and on
//! the computer itself. What cannot be stored (a full disk, a private window) is not there later, and that is no error: it is a convenience.

use js_sys::{Array, Promise, Uint8Array};
use wasm_bindgen::prelude::Closure;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{IdbDatabase, IdbObjectStore, IdbOpenDbRequest, IdbRequest, IdbTransactionMode};

/// The one object store of a database.
const STORE: &str = "bytes";

/// A database of bytes.
#[derive(Clone, Copy)]
pub struct ByteStore {
    name: &'static str,
}

impl ByteStore {
    /// The one of this name; the first use makes it.
    pub const fn named(name: &'static str) -> Self {
        Self { name }
    }

    /// All keys, the smallest first.
    pub async fn keys(self) -> Vec<String> {
        let keys = self.ask(IdbTransactionMode::Readonly, |store| store.get_all_keys());
        let keys = keys.await.unwrap_or(JsValue::NULL);
        let keys = keys.dyn_into::<Array>().unwrap_or_default();
        keys.iter().filter_map(|key| key.as_string()).collect()
    }

    /// What was stored under a key.
    pub async fn get(self, key: &str) -> Option<Vec<u8>> {
        let key = JsValue::from(key);
        let bytes = self.ask(IdbTransactionMode::Readonly, |store| store.get(&key));
        let bytes: Uint8Array = bytes.await.ok()?.dyn_into().ok()?;
        Some(bytes.to_vec())
    }

    /// Stores bytes; false if that cannot be.
    pub async fn put(self, key: &str, bytes: &[u8]) -> bool {
        let (key, bytes) = (JsValue::from(key), Uint8Array::from(bytes));
        let put = |store: &IdbObjectStore| store.put_with_key(&bytes, &key);
        self.ask(IdbTransactionMode::Readwrite, put).await.is_ok()
    }

    /// Removes what is stored under a key.
    pub async fn remove(self, key: &str) {
        let key = JsValue::from(key);
        let remove = |store: &IdbObjectStore| store.delete(&key);
        let _ = self.ask(IdbTransactionMode::Readwrite, remove).await;
    }

    /// Removes everything.
    pub async fn clear(self) {
        let clear = |store: &IdbObjectStore| store.clear();
        let _ = self.ask(IdbTransactionMode::Readwrite, clear).await;
    }

    /// Makes one request of the store, in a transaction of its own.
    async fn ask(
        self,
        mode: IdbTransactionMode,
        request: impl FnOnce(&IdbObjectStore) -> Result<IdbRequest, JsValue>,
    ) -> Result<JsValue, JsValue> {
        let database = self.open().await?;
        let transaction = database.transaction_with_str_and_mode(STORE, mode)?;
        let request = request(&transaction.object_store(STORE)?)?;
        let answer = answer(&request).await;
        // It waits for the transaction.
        database.close();
        answer
    }

    async fn open(self) -> Result<IdbDatabase, JsValue> {
        let factory = web_sys::window().and_then(|window| window.indexed_db().ok()?);
        let opening: IdbOpenDbRequest = factory.ok_or(JsValue::NULL)?.open(self.name)?;
        let database = {
            let opening = opening.clone();
            move || opening.result().ok()?.dyn_into::<IdbDatabase>().ok()
        };
        let make = {
            let database = database.clone();
            Closure::<dyn FnMut()>::new(move || {
                let _ = database().map(|database| database.create_object_store(STORE));
            })
        };
        opening.set_onupgradeneeded(Some(make.as_ref().unchecked_ref()));
        answer(&opening).await?;
        database().ok_or(JsValue::NULL)
    }
}

/// What a request has come to.
async fn answer(request: &IdbRequest) -> Result<JsValue, JsValue> {
    let done = Promise::new(&mut |resolve, reject| {
        request.set_onsuccess(Some(&resolve));
        request.set_onerror(Some(&reject));
    });
    JsFuture::from(done).await?;
    request.result()
}
