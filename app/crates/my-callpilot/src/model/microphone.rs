//! Why there is no microphone, and what to do about it.

/// Why one cannot record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoMicrophone {
    /// The reader, or a rule of the browser, does not let this page use it.
    Blocked,
    /// There is none.
    Absent,
    /// Another program has it.
    Taken,
    /// The page was not opened over TLS: browsers give such pages no microphone.
    NotSecure,
    /// The browser cannot hand its sound on, or not now.
    NoSound,
    /// It has gone while one was recording.
    Gone,
}

impl NoMicrophone {
    /// By the name of the browser's error (W3C Media Capture and Streams, section 10.2).
    pub fn named(error: &str) -> Self {
        match error {
            "NotAllowedError" | "SecurityError" => Self::Blocked,
            "NotFoundError" | "OverconstrainedError" => Self::Absent,
            "NotReadableError" | "AbortError" => Self::Taken,
            "NotSupportedError" => Self::NoSound,
            // `navigator.mediaDevices` is not there.
            _ => Self::NotSecure,
        }
    }

    /// What is, in a sentence, and what to do.
    pub fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Blocked => (
                "The microphone is blocked.",
                "Allow it beside the address in your browser, then press Record. Or upload a sound.",
            ),
            Self::Absent => (
                "No microphone is connected.",
                "Connect one, then press Record. Or upload a sound.",
            ),
            Self::Taken => (
                "Another program uses the microphone.",
                "End the call or the recording there, then press Record. Or upload a sound.",
            ),
            Self::NotSecure => (
                "The browser gives this page no microphone.",
                "The address has to begin with https. An administrator can switch it on; until then upload a sound.",
            ),
            Self::NoSound => (
                "The recorder could not start.",
                "Press Record again when there is a connection. Or upload a sound.",
            ),
            Self::Gone => (
                "The microphone has gone.",
                "What you have said is kept. Connect it again, then go on.",
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_browsers_errors_are_told_apart() {
        for (name, why) in [
            ("NotAllowedError", NoMicrophone::Blocked),
            ("NotFoundError", NoMicrophone::Absent),
            ("NotReadableError", NoMicrophone::Taken),
            ("TypeError", NoMicrophone::NotSecure),
        ] {
            assert_eq!(NoMicrophone::named(name), why);
        }
    }

    #[test]
    fn each_reason_says_what_to_do() {
        use NoMicrophone::*;
        for why in [Blocked, Absent, Taken, NotSecure, NoSound] {
            let (what, then) = why.words();
            assert!(
                what.ends_with('.') && then.contains("upload a sound"),
                "{what}"
            );
        }
    }
}
