//! A link between two servers that can be cut, and made slow.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

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
    /// Bytes a second in each direction; `None`: as many as there are.
    bytes_per_s: Option<u64>,
    /// Connections made so far.
    made: usize,
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
            bytes_per_s: None,
            made: 0,
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

    /// From now on it carries so many bytes a second, in each direction.
    ///
    /// # Panics
    /// If a test panicked while it used the link.
    pub fn slow(&self, bytes_per_s: u64) {
        self.link
            .lock()
            .expect("no test panics while it holds this")
            .bytes_per_s = Some(bytes_per_s);
    }

    /// How many connections have been made over it.
    ///
    /// # Panics
    /// If a test panicked while it used the link.
    pub fn made(&self) -> usize {
        self.link
            .lock()
            .expect("no test panics while it holds this")
            .made
    }

    /// Makes the link whole again.
    pub fn heal(&self) {
        self.link
            .lock()
            .expect("no test panics while it holds this")
            .whole = true;
    }
}

fn carry(shared: &Arc<Mutex<Link>>, near: TcpStream) {
    let mut link = shared.lock().expect("no test panics while it holds this");
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
    link.made += 1;
    link.open.extend([copy(&near), copy(&far)]);
    for (from, to) in [(copy(&near), copy(&far)), (far, near)] {
        let link = Arc::clone(shared);
        thread::spawn(move || pass(&link, from, to));
    }
}

fn pass(link: &Mutex<Link>, mut from: TcpStream, mut to: TcpStream) {
    let mut buffer = vec![0; 64 * 1024];
    // When a slow link has carried what it was given so far.
    let mut free_at = Instant::now();
    loop {
        let rate = link.lock().map_or(None, |link| link.bytes_per_s);
        // Little at a time, so that a slow link is slow evenly.
        let most = rate.map_or(buffer.len(), |rate| {
            (rate as usize / 50).clamp(1, buffer.len())
        });
        let Ok(n @ 1..) = from.read(&mut buffer[..most]) else {
            break;
        };
        if let Some(rate) = rate {
            let takes = Duration::from_micros(n as u64 * 1_000_000 / rate);
            free_at = free_at.max(Instant::now()) + takes;
            let left = |at: Instant| at.saturating_duration_since(Instant::now());
            while !left(free_at).is_zero() {
                thread::park_timeout(left(free_at));
            }
        }
        if to.write_all(&buffer[..n]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Both);
}
