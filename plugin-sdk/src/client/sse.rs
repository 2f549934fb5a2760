//! Reads server-sent events (WHATWG HTML, section 9.2.6) from a body that arrives in pieces. Only `data` matters here.

/// An event larger than this is not one of ours.
const EVENT_BYTES_MAX: usize = 1 << 20;

/// The pieces read so far of the event that is arriving.
#[derive(Debug, Default)]
pub(super) struct Reader {
    line: Vec<u8>,
    data: Vec<u8>,
    has_data: bool,
    /// The last byte was a carriage return: a line feed after it ends no second line.
    after_cr: bool,
}

/// The stream is not one of server-sent events, or not one of ours.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TooLarge;

impl Reader {
    /// Takes the next piece and returns the data of the events that are now complete.
    pub(super) fn push(&mut self, piece: &[u8]) -> Result<Vec<Vec<u8>>, TooLarge> {
        let mut events = Vec::new();
        for &byte in piece {
            let second_half = byte == b'\n' && self.after_cr;
            self.after_cr = byte == b'\r';
            if second_half {
                continue;
            }
            if byte == b'\n' || byte == b'\r' {
                events.extend(self.end_line());
            } else {
                self.line.push(byte);
            }
            if self.line.len() + self.data.len() > EVENT_BYTES_MAX {
                return Err(TooLarge);
            }
        }
        Ok(events)
    }

    /// An empty line ends an event; any other is a field or a comment.
    fn end_line(&mut self) -> Option<Vec<u8>> {
        if self.line.is_empty() {
            let complete = std::mem::take(&mut self.has_data);
            let data = std::mem::take(&mut self.data);
            return complete.then_some(data);
        }
        if let Some(value) = self.line.strip_prefix(b"data:") {
            if self.has_data {
                self.data.push(b'\n');
            }
            self.data
                .extend_from_slice(value.strip_prefix(b" ").unwrap_or(value));
            self.has_data = true;
        }
        self.line.clear();
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(reader: &mut Reader, piece: &str) -> Vec<String> {
        let events = reader.push(piece.as_bytes()).unwrap();
        events
            .into_iter()
            .map(|data| String::from_utf8(data).unwrap())
            .collect()
    }

    #[test]
    fn events_are_read_however_the_network_cuts_them() {
        let stream = ": hello\r\nid: 7\r\ndata: one\r\n\r\ndata:two\ndata: lines\n\ndata: un\rdata: deux\r\r";
        let whole = texts(&mut Reader::default(), stream);
        assert_eq!(whole, ["one", "two\nlines", "un\ndeux"]);
        let mut reader = Reader::default();
        let bytewise: Vec<String> = stream
            .chars()
            .flat_map(|c| texts(&mut reader, &c.to_string()))
            .collect();
        assert_eq!(bytewise, whole);
    }

    #[test]
    fn comments_and_unfinished_events_say_nothing() {
        let mut reader = Reader::default();
        assert!(texts(&mut reader, ":\n\n: alive\n\ndata: half\n").is_empty());
        assert_eq!(texts(&mut reader, "\n"), ["half"]);
    }

    #[test]
    fn an_endless_line_is_refused() {
        let mut reader = Reader::default();
        assert_eq!(reader.push(&vec![b'x'; EVENT_BYTES_MAX + 1]), Err(TooLarge));
    }
}
