//! A link between two servers that can be cut.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// Passes connections on to another address, as long as the link is whole.
#[derive(Debug)]
pub struct Proxy {
    /// Where to connect instead.
    pub address: SocketAddr,
    link: Arc<Mutex<Link>>,
}

#[derive(Debug)]
struct Link {
    target: SocketAddr,
    whole: bool,
    open: Vec<TcpStream>,
}

impl Proxy {
    /// A link to `target`. Its threads end with the test's process.
    ///
    /// # Panics
    /// If no port is free.
    pub fn to(target: SocketAddr) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
        let address = listener
            .local_addr()
            .expect("a bound listener has an address");
        let link = Arc::new(Mutex::new(Link {
            target,
            whole: true,
            open: Vec::new(),
        }));
        let carried = Arc::clone(&link);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                carry(&carried, stream);
            }
        });
        Self { address, link }
    }

    /// Cuts every connection, and each new one as soon as it is made.
    pub fn cut(&self) {
        let mut link = self
            .link
            .lock()
            .expect("no test panics while it holds this");
        link.whole = false;
        for stream in link.open.drain(..) {
            // It may have ended by itself.
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    /// Makes the link whole again.
    pub fn heal(&self) {
        self.link
            .lock()
            .expect("no test panics while it holds this")
            .whole = true;
    }
}

fn carry(link: &Mutex<Link>, near: TcpStream) {
    let mut link = link.lock().expect("no test panics while it holds this");
    if !link.whole {
        return;
    }
    let Ok(far) = TcpStream::connect(link.target) else {
        return;
    };
    let copy = |stream: &TcpStream| {
        stream
            .try_clone()
            .expect("a handle of a socket can be copied")
    };
    link.open.extend([copy(&near), copy(&far)]);
    for (from, to) in [(copy(&near), copy(&far)), (far, near)] {
        thread::spawn(move || pass(from, to));
    }
}

fn pass(mut from: TcpStream, mut to: TcpStream) {
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(n @ 1..) = from.read(&mut buffer) {
        if to.write_all(&buffer[..n]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Both);
}
