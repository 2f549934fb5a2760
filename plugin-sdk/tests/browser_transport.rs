//! The transport of a page, in a real browser: run by `cargo xtask test`.
#![cfg(target_arch = "wasm32")]

use futures_util::StreamExt;
use plugin_sdk::transport::browser::{Browser, page_origin};
use plugin_sdk::transport::{FetchError, Request, Transport};
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
