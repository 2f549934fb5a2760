//! The microphone of this computer, whose sound comes in pieces from an AudioWorklet. It is held until this is dropped, and then let go of, so that
//! the browser's sign of recording goes out.

use crate::model::microphone::NoMicrophone;
use crate::route::BASE;
use js_sys::{Array, Int16Array, Reflect};
use std::rc::Rc;
use wasm_bindgen::prelude::Closure;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    AudioContext, AudioWorkletNode, AudioWorkletNodeOptions, ChannelCountMode, MediaStream,
    MediaStreamConstraints, MediaStreamTrack, MessageEvent,
};

/// The worklet: a file among those of the application, so that the page's policy allows it, and so that it is kept with the page.
const WORKLET: &str = "/assets/recorder-worklet.js";

/// What comes from a microphone.
pub enum Heard {
    /// The next samples.
    Samples(Vec<i16>),
    /// After [`Microphone::pause`]: all that was said has come.
    All,
    /// It was taken away.
    Gone,
}

/// A microphone that is open.
pub struct Microphone {
    stream: MediaStream,
    context: AudioContext,
    node: AudioWorkletNode,
    /// What the browser calls while it is open.
    _heard: Closure<dyn FnMut(MessageEvent)>,
    _gone: Closure<dyn FnMut()>,
}

impl Microphone {
    /// Asks for it; the browser asks the reader. Sound comes from then on.
    ///
    /// # Errors
    /// Why there is none.
    pub async fn open(heard: impl Fn(Heard) + 'static) -> Result<Self, NoMicrophone> {
        let stream = ask().await.map_err(|error| {
            let name = Reflect::get(&error, &"name".into());
            let name = name.ok().and_then(|name| name.as_string());
            NoMicrophone::named(&name.unwrap_or_default())
        })?;
        match connect(&stream, Rc::new(heard)).await {
            Ok(microphone) => Ok(microphone),
            Err(_) => {
                let_go(&stream);
                Err(NoMicrophone::NoSound)
            }
        }
    }

    /// Samples a second.
    pub fn rate_hz(&self) -> u32 {
        self.context.sample_rate() as u32
    }

    /// What the browser calls it.
    pub fn name(&self) -> String {
        let track = tracks(&self.stream).next();
        track.map_or_else(String::new, |track| track.label())
    }

    /// Stops the sound. [`Heard::All`] comes behind the last of it.
    pub fn pause(&self) {
        self.switch(false);
    }

    /// The sound comes again.
    pub fn go_on(&self) {
        self.switch(true);
    }

    fn switch(&self, on: bool) {
        if let Ok(port) = self.node.port() {
            // A closed port has nothing more to say.
            let _ = port.post_message(&on.into());
        }
    }
}

impl Drop for Microphone {
    fn drop(&mut self) {
        if let Ok(port) = self.node.port() {
            port.set_onmessage(None);
        }
        for track in tracks(&self.stream) {
            track.set_onended(None);
        }
        let_go(&self.stream);
        let _ = self.context.close(); // it may be closed already
    }
}

/// The sound as it is, but for its level: people sit at different distances.
async fn ask() -> Result<MediaStream, JsValue> {
    let window = web_sys::window().ok_or(JsValue::NULL)?;
    let wanted = js_sys::Object::new();
    for (name, on) in [
        ("echoCancellation", false),
        ("noiseSuppression", false),
        ("autoGainControl", true),
    ] {
        Reflect::set(&wanted, &name.into(), &on.into())?;
    }
    let constraints = MediaStreamConstraints::new();
    constraints.set_audio(&wanted);
    let devices = window.navigator().media_devices()?;
    // An address that is not secure has none.
    if devices.is_undefined() {
        return Err(JsValue::NULL);
    }
    let stream = devices.get_user_media_with_constraints(&constraints)?;
    JsFuture::from(stream).await?.dyn_into()
}

async fn connect(stream: &MediaStream, heard: Rc<dyn Fn(Heard)>) -> Result<Microphone, JsValue> {
    let context = AudioContext::new()?;
    let connected = connect_in(&context, stream, heard).await;
    if connected.is_err() {
        let _ = context.close(); // it may be closed already
    }
    connected
}

async fn connect_in(
    context: &AudioContext,
    stream: &MediaStream,
    heard: Rc<dyn Fn(Heard)>,
) -> Result<Microphone, JsValue> {
    let module = context
        .audio_worklet()?
        .add_module(&format!("{BASE}{WORKLET}"))?;
    JsFuture::from(module).await?;
    let options = AudioWorkletNodeOptions::new();
    options.set_channel_count(1);
    options.set_channel_count_mode(ChannelCountMode::Explicit);
    let node = AudioWorkletNode::new_with_options(context, "callpilot-recorder", &options)?;
    let source = context.create_media_stream_source(stream)?;
    source.connect_with_audio_node(&node)?;
    // It gives silence; what leads nowhere is not run by every browser.
    node.connect_with_audio_node(&context.destination())?;
    let gone = {
        let heard = Rc::clone(&heard);
        Closure::<dyn FnMut()>::new(move || heard(Heard::Gone))
    };
    for track in tracks(stream) {
        track.set_onended(Some(gone.as_ref().unchecked_ref()));
    }
    let heard = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
        heard(match event.data().dyn_into::<Int16Array>() {
            Ok(samples) => Heard::Samples(samples.to_vec()),
            Err(_) => Heard::All,
        });
    });
    node.port()?
        .set_onmessage(Some(heard.as_ref().unchecked_ref()));
    JsFuture::from(context.resume()?).await?;
    Ok(Microphone {
        stream: stream.clone(),
        context: context.clone(),
        node,
        _heard: heard,
        _gone: gone,
    })
}

fn let_go(stream: &MediaStream) {
    for track in tracks(stream) {
        track.stop();
    }
}

fn tracks(stream: &MediaStream) -> impl Iterator<Item = MediaStreamTrack> {
    let tracks: Array = stream.get_audio_tracks();
    tracks.into_iter().filter_map(|track| track.dyn_into().ok())
}
