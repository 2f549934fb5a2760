//! The header by which a proxy says for whom it connects.

use server::listen::read_header;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

/// Reads a header, and nothing behind it: what comes next is the protocol's.
pub fn read(octets: &[u8]) {
    let whole = header(octets);
    if let Some((named, used)) = whole {
        assert_eq!(header(&octets[..used]), Some((named, used)));
        assert_eq!(
            header(&octets[..used - 1]),
            None,
            "it was whole before its end"
        );
    }
}

/// The address that is named, and the octets of the header.
fn header(octets: &[u8]) -> Option<(Option<std::net::SocketAddr>, usize)> {
    let mut rest = octets;
    let read = {
        let mut reading = pin!(read_header(&mut rest));
        // Octets that are there are read at once.
        match reading
            .as_mut()
            .poll(&mut Context::from_waker(Waker::noop()))
        {
            Poll::Ready(read) => read.ok()?,
            Poll::Pending => panic!("it waits, but all that will come is there"),
        }
    };
    Some((read, octets.len() - rest.len()))
}
