//! The transport of a browser page.

use super::{FetchError, Request, Response, Transport};
use crate::Client;
use crate::connector::Millis;
use contract::Timestamp;
use futures_util::future::LocalBoxFuture;

/// The browser's own fetch, timers and local storage.
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

/// Tells the client from now on whether the page is visible and the computer has a network.
pub fn watch_page(client: &Client) {
    let _ = client;
}

impl Transport for Browser {
    fn fetch(&self, _request: Request) -> LocalBoxFuture<'static, Result<Response, FetchError>> {
        todo!()
    }
    fn sleep(&self, _ms: u64) -> LocalBoxFuture<'static, ()> {
        todo!()
    }
    fn now(&self) -> Millis {
        todo!()
    }
    fn wall(&self) -> Timestamp {
        todo!()
    }
    fn seed(&self) -> u64 {
        todo!()
    }
    fn load(&self, _key: &str) -> Option<String> {
        todo!()
    }
    fn store(&self, _key: &str, _value: Option<&str>) {}
    fn spawn(&self, _task: LocalBoxFuture<'static, ()>) {}
}
