//! The transport of a page, in a real browser: run by `cargo xtask test`.
#![cfg(target_arch = "wasm32")]

use futures_util::StreamExt;
use futures_util::future::{Either, ready, select};
use plugin_sdk::transport::browser::{Browser, page_origin};
use plugin_sdk::transport::{Body, FetchError, Method, Request, Transport};
use std::cell::RefCell;
use std::rc::Rc;
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_browser);

/// The page that the test runner serves.
fn own_page() -> String {
    format!("{}/", page_origin().expect("a page has an origin"))
}

#[wasm_bindgen_test]
async fn an_answer_comes_with_its_status_and_its_whole_body() {
    let mut answer = Browser::new()
        .fetch(Request::get(own_page()))
        .await
        .expect("the page's own server answers");
    assert_eq!(answer.status, 200);
    let mut body = Vec::new();
    while let Some(piece) = answer.body.next().await {
        body.extend(piece.expect("nothing breaks"));
    }
    assert!(String::from_utf8_lossy(&body).contains("<html"));
}

#[wasm_bindgen_test]
async fn of_a_server_that_is_not_there_a_page_is_told_no_more_than_of_one_that_broke_off() {
    // Port 1 (tcpmux) is nobody's; browsers refuse it by themselves, which a caller cannot tell from a dead server.
    let answer = Browser::new()
        .fetch(Request::get("http://127.0.0.1:1/".into()))
        .await;
    assert_eq!(answer.err(), Some(FetchError::Cut));
}

#[wasm_bindgen_test]
async fn what_is_not_a_url_is_told_apart_from_a_dead_server() {
    let answer = Browser::new().fetch(Request::get("http://[".into())).await;
    assert!(answer.is_err());
}

#[wasm_bindgen_test]
async fn a_body_that_nobody_reads_on_ends_with_its_reader() {
    let answer = Browser::new().fetch(Request::get(own_page())).await;
    drop(answer);
    // The page still fetches: the abort of one request touches no other.
    assert!(Browser::new().fetch(Request::get(own_page())).await.is_ok());
}

/// An upload of so many bytes, and what it is told to have sent.
fn upload(url: String, bytes: usize) -> (Request, Rc<RefCell<Vec<u64>>>) {
    let seen = Rc::new(RefCell::new(Vec::new()));
    let told = Rc::clone(&seen);
    let request = Request {
        method: Method::Put,
        body: Body::Bytes {
            media_type: "audio/wav",
            bytes: vec![7; bytes].into(),
        },
        on_sent: Some(Rc::new(move |bytes| told.borrow_mut().push(bytes))),
        ..Request::get(url)
    };
    (request, seen)
}

#[wasm_bindgen_test]
async fn an_upload_tells_how_far_it_has_come_and_brings_its_answer() {
    let bytes = 4 << 20;
    let (request, seen) = upload(own_page(), bytes);
    let answer = Browser::new().fetch(request).await;
    let answer = answer.expect("the page's own server answers");
    assert!((200..500).contains(&answer.status), "{}", answer.status);
    let pieces: Vec<_> = answer.body.collect().await;
    let body: Vec<u8> = pieces
        .into_iter()
        .flat_map(|piece| piece.unwrap())
        .collect();
    assert_eq!(answer.length, Some(body.len() as u64));
    let seen = seen.borrow();
    assert_eq!(seen.last(), Some(&(bytes as u64)));
    assert!(seen.is_sorted(), "{seen:?}");
}

#[wasm_bindgen_test]
async fn an_upload_whose_future_is_dropped_is_told_of_no_more() {
    let (request, seen) = upload(own_page(), 8 << 20);
    match select(Browser::new().fetch(request), ready(())).await {
        // It has begun: it was asked first.
        Either::Right((_, sending)) => drop(sending),
        Either::Left((ended, _)) => panic!("it ended: {:?}", ended.map(|answer| answer.status)),
    }
    // Who would be told is gone with it, and the page still talks.
    assert_eq!(Rc::strong_count(&seen), 1);
    let (request, other) = upload(own_page(), 1 << 20);
    assert!(Browser::new().fetch(request).await.is_ok());
    assert_eq!(other.borrow().last(), Some(&(1 << 20)));
    assert!(seen.borrow().is_empty());
}

#[wasm_bindgen_test]
async fn an_upload_to_a_server_that_is_not_there_or_to_no_address_fails_as_a_fetch_does() {
    let (request, _) = upload("http://127.0.0.1:1/".into(), 1 << 20);
    let answer = Browser::new().fetch(request).await;
    assert_eq!(answer.err(), Some(FetchError::Cut));
    let (request, _) = upload("http://[".into(), 1 << 20);
    let answer = Browser::new().fetch(request).await;
    assert!(matches!(answer.err(), Some(FetchError::Broken(_))));
}

#[wasm_bindgen_test]
async fn what_is_sent_arrives_whatever_its_length() {
    for bytes in [0, 1, 16 << 10, (16 << 10) + 1] {
        let (request, _) = upload(own_page(), bytes);
        let answer = Browser::new().fetch(request).await;
        assert!(answer.is_ok(), "{bytes} bytes");
    }
}

#[wasm_bindgen_test]
fn what_is_stored_is_there_again_and_can_be_removed() {
    let browser = Browser::new();
    browser.store("callpilot-test", Some("kept"));
    assert_eq!(browser.load("callpilot-test").as_deref(), Some("kept"));
    browser.store("callpilot-test", None);
    assert_eq!(browser.load("callpilot-test"), None);
}

#[wasm_bindgen_test]
async fn the_clock_of_timers_never_goes_back() {
    let browser = Browser::new();
    let before = browser.now();
    browser.sleep(5).await;
    assert!(browser.now() > before);
}
