//! Connections from certain addresses of this machine, one or thousands.

use crate::LIMIT;
use rustix::process::{Resource, Rlimit, getrlimit, prlimit, setrlimit};
use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};

/// So many connections from one address, each of which says this and then nothing more.
///
/// # Panics
/// If the system does not let this process have so many, or nobody listens.
pub fn crowd(
    source: [u8; 4],
    address: SocketAddr,
    count: usize,
    octets: impl AsRef<[u8]>,
) -> Vec<TcpStream> {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    setrlimit(Resource::Nofile, raised).expect("the soft limit can be raised");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let runtime = runtime.expect("a runtime");
    let connect = || {
        let connecting = async {
            let socket = tokio::net::TcpSocket::new_v4()?;
            socket.bind((Ipv4Addr::from(source), 0).into())?;
            socket.connect(address).await?.into_std()
        };
        let mut stream = runtime.block_on(connecting).expect("the server listens");
        stream.set_nonblocking(false).expect("a socket blocks");
        stream.set_read_timeout(Some(LIMIT)).expect("a time-out");
        // The server may have closed it already.
        let _ = stream.write_all(octets.as_ref());
        stream
    };
    (0..count).map(|_| connect()).collect()
}

/// One connection from an address of this machine, with its first octets.
///
/// # Panics
/// If nobody listens.
pub fn connect_from(source: [u8; 4], address: SocketAddr, octets: impl AsRef<[u8]>) -> TcpStream {
    crowd(source, address, 1, octets).remove(0)
}

/// Lets a running process have no more files open than this, for now; `None`: as many as it could have.
///
/// # Panics
/// If there is no such process.
pub fn limit_open_files(pid: u32, most: Option<u64>) {
    let pid = i32::try_from(pid)
        .ok()
        .and_then(rustix::process::Pid::from_raw);
    let pid = pid.expect("the id of a process");
    let same = getrlimit(Resource::Nofile);
    let limit = Rlimit {
        current: most.or(same.maximum),
        maximum: same.maximum,
    };
    prlimit(Some(pid), Resource::Nofile, limit).expect("the limit of a child can be changed");
}
