//! Uploads of a page, by XMLHttpRequest: of a fetch no browser tells how much of its body has been sent, and an upload that tells nothing
//! for as long as a server may be silent looks like one to a server that hangs.
//!
//! What fetch would be told not to do needs no telling here: an answer to an upload is not kept by a cache, no server of ours sets
//! cookies, and a browser asks for a password of its own only where an answer of 401 wants one by HTTP Basic, which those of a user's
//! calls do not.

use super::broken;
use crate::transport::{FetchError, Request, Response};
use futures_channel::oneshot;
use futures_util::{StreamExt, stream};
use js_sys::{ArrayBuffer, Uint8Array};
use std::cell::Cell;
use std::rc::Rc;
use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{ProgressEvent, XmlHttpRequest, XmlHttpRequestResponseType, XmlHttpRequestUpload};

/// The answer to an upload is a row or a refusal. One that is longer is nobody's of ours, and is not held in memory.
const ANSWER_BYTES_MAX: u32 = 1 << 20;

type OnProgress = Closure<dyn Fn(ProgressEvent)>;

/// Sends a request with its body, and returns when the whole answer is there. Dropping the future aborts it.
pub(super) async fn send(request: Request) -> Result<Response, FetchError> {
    let (end, ended) = oneshot::channel();
    let sending = Sending::start(&request, end).map_err(broken)?;
    // It is told in any case: at the end of the answer, when the connection breaks, and when the answer is too long.
    let _ = ended.await;
    if sending.is_too_long.get() {
        let what = format!("the answer to an upload is longer than {ANSWER_BYTES_MAX} bytes");
        return Err(FetchError::Broken(what));
    }
    // As of a fetch, browsers do not tell why there is no answer.
    let status = sending.xhr.status().ok().filter(|status| *status > 0);
    let status = status.ok_or(FetchError::Cut)?;
    let body = sending.xhr.response().map_err(|_| FetchError::Cut)?;
    let body = body.dyn_into::<ArrayBuffer>();
    let body = body.map_or_else(|_| Vec::new(), |body| Uint8Array::new(&body).to_vec());
    Ok(Response {
        status,
        length: Some(body.len() as u64),
        body: stream::iter([Ok(body)]).boxed_local(),
    })
}

/// An upload under way. It lets go of its callbacks before it aborts, so that nobody is told of what was given up.
struct Sending {
    xhr: XmlHttpRequest,
    upload: XmlHttpRequestUpload,
    is_too_long: Rc<Cell<bool>>,
    _on_sent: OnProgress,
    _on_received: OnProgress,
    _on_end: Closure<dyn FnMut()>,
}

impl Sending {
    fn start(request: &Request, end: oneshot::Sender<()>) -> Result<Self, JsValue> {
        let xhr = XmlHttpRequest::new()?;
        xhr.open_with_async(request.method.as_str(), &request.url, true)?;
        xhr.set_response_type(XmlHttpRequestResponseType::Arraybuffer);
        for (name, value) in request.headers() {
            xhr.set_request_header(name, value)?;
        }
        let on_sent = request.on_sent.clone();
        let on_sent = OnProgress::new(move |event: ProgressEvent| {
            if let Some(told) = &on_sent {
                told(event.loaded() as u64);
            }
        });
        let is_too_long = Rc::new(Cell::new(false));
        let (answer, found) = (xhr.clone(), Rc::clone(&is_too_long));
        let on_received = OnProgress::new(move |event: ProgressEvent| {
            if event.loaded() > f64::from(ANSWER_BYTES_MAX) {
                found.set(true);
                // Its end is told then.
                let _ = answer.abort();
            }
        });
        let mut end = Some(end);
        let on_end = Closure::<dyn FnMut()>::new(move || {
            if let Some(end) = end.take() {
                // Whoever waited may have gone this very moment.
                let _ = end.send(());
            }
        });
        // Before it is sent: a browser tells progress only to who listens then.
        let upload = xhr.upload()?;
        upload.set_onprogress(Some(on_sent.as_ref().unchecked_ref()));
        xhr.set_onprogress(Some(on_received.as_ref().unchecked_ref()));
        xhr.set_onloadend(Some(on_end.as_ref().unchecked_ref()));
        let sending = Self {
            xhr,
            upload,
            is_too_long,
            _on_sent: on_sent,
            _on_received: on_received,
            _on_end: on_end,
        };
        let bytes = Uint8Array::from(request.body.as_bytes());
        sending.xhr.send_with_opt_js_u8_array(Some(&bytes))?;
        Ok(sending)
    }
}

impl Drop for Sending {
    fn drop(&mut self) {
        self.upload.set_onprogress(None);
        self.xhr.set_onprogress(None);
        self.xhr.set_onloadend(None);
        // After its end this does nothing.
        let _ = self.xhr.abort();
    }
}
