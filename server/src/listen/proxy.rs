//! The header by which a proxy in front says for whom it connects (PROXY protocol, versions 1 and 2).
//!
//! It is read from proxies that the operator trusts and from nobody else: whoever may send it may be anybody. Nothing beyond it is
//! read, so what follows is the protocol's, or TLS.

use crate::network::Network;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use tokio::io::{AsyncRead, AsyncReadExt};

/// What version 2 begins with (section 2.2).
const SIGNATURE: [u8; 12] = *b"\r\n\r\n\0\r\nQUIT\n";
/// The longest line of version 1, CR LF included (section 2.1).
const LINE_MAX: usize = 107;
/// The longest rest of a header of version 2 that is read: addresses and a few extensions.
const REST_MAX: usize = 2_048;

/// The proxies in front of a listener.
#[derive(Clone, Debug, Default)]
pub struct Proxies {
    /// Where they are.
    pub networks: Vec<Network>,
    /// They begin each connection with a header of the PROXY protocol.
    pub send_header: bool,
}

impl Proxies {
    /// Whether this address is one of them.
    pub fn trusts(&self, address: IpAddr) -> bool {
        self.networks
            .iter()
            .any(|network| network.contains(address))
    }
}

/// Reads the header: the client's address, or `None` if the proxy speaks for itself (its own health check).
///
/// # Errors
/// [`io::ErrorKind::InvalidData`] if there is no header or one that cannot be read; faults of the connection.
pub async fn read_header(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<Option<SocketAddr>> {
    // The shortest header of version 1 is longer than this, so nothing is read too much.
    let mut begin = [0; SIGNATURE.len()];
    stream.read_exact(&mut begin).await?;
    if begin == SIGNATURE {
        read_binary(stream).await
    } else if begin.starts_with(b"PROXY ") {
        read_line(stream, begin.to_vec()).await
    } else {
        Err(invalid("no header of the PROXY protocol"))
    }
}

async fn read_line(
    stream: &mut (impl AsyncRead + Unpin),
    mut line: Vec<u8>,
) -> io::Result<Option<SocketAddr>> {
    while !line.ends_with(b"\r\n") {
        if line.len() >= LINE_MAX {
            return Err(invalid("a PROXY line without end"));
        }
        line.push(stream.read_u8().await?);
    }
    let text = std::str::from_utf8(&line).map_err(|_| invalid("a PROXY line that is no text"))?;
    let words: Vec<&str> = text.split_ascii_whitespace().collect();
    match words[..] {
        ["PROXY", "UNKNOWN", ..] => Ok(None),
        ["PROXY", "TCP4" | "TCP6", client, _, port, _] => {
            let fault = |_| invalid("a PROXY line with a wrong address");
            let ip: IpAddr = client.parse().map_err(|_| fault(()))?;
            let port: u16 = port.parse().map_err(|_| fault(()))?;
            Ok(Some(SocketAddr::new(ip.to_canonical(), port)))
        }
        _ => Err(invalid("a PROXY line of another form")),
    }
}

async fn read_binary(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<Option<SocketAddr>> {
    let [version_and_command, family] = stream.read_u16().await?.to_be_bytes();
    let length = usize::from(stream.read_u16().await?);
    if length > REST_MAX {
        return Err(invalid("a PROXY header that is too long"));
    }
    let mut rest = vec![0; length];
    stream.read_exact(&mut rest).await?;
    match (version_and_command, family) {
        // LOCAL: the proxy speaks for itself.
        (0x20, _) => Ok(None),
        (0x21, 0x11) => {
            let octets: [u8; 12] = head(&rest)?;
            let [a, b, c, d, _, _, _, _, port @ .., _, _] = octets;
            let ip = Ipv4Addr::new(a, b, c, d);
            Ok(Some(SocketAddr::new(ip.into(), u16::from_be_bytes(port))))
        }
        (0x21, 0x21) => {
            let octets: [u8; 36] = head(&rest)?;
            let ip: [u8; 16] = head(&octets)?;
            let port = u16::from_be_bytes([octets[32], octets[33]]);
            let ip = IpAddr::from(Ipv6Addr::from(ip)).to_canonical();
            Ok(Some(SocketAddr::new(ip, port)))
        }
        // Another kind of address than TCP's: the connection counts as the proxy's own (section 2.2, UNSPEC).
        (0x21, _) => Ok(None),
        _ => Err(invalid("a PROXY header of another version")),
    }
}

fn head<const N: usize>(octets: &[u8]) -> io::Result<[u8; N]> {
    let head = octets.get(..N).and_then(|head| head.try_into().ok());
    head.ok_or_else(|| invalid("a PROXY header that is too short"))
}

fn invalid(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is read of it, and what is left.
    async fn read(octets: &[u8]) -> (Result<Option<String>, String>, Vec<u8>) {
        let mut rest = octets;
        let read = read_header(&mut rest).await;
        let read = read
            .map(|a| a.map(|a| a.to_string()))
            .map_err(|e| e.to_string());
        (read, rest.to_vec())
    }

    fn binary(command: u8, family: u8, rest: &[u8]) -> Vec<u8> {
        let mut header = SIGNATURE.to_vec();
        header.extend([command, family]);
        header.extend((rest.len() as u16).to_be_bytes());
        header.extend(rest);
        header
    }

    #[tokio::test]
    async fn the_client_is_named_and_nothing_behind_the_header_is_read() {
        let line = b"PROXY TCP4 192.0.2.7 10.0.0.1 40000 25\r\nEHLO a\r\n";
        let (client, rest) = read(line).await;
        assert_eq!(client.unwrap().as_deref(), Some("192.0.2.7:40000"));
        assert_eq!(rest, b"EHLO a\r\n");
        let (client, _) = read(b"PROXY TCP6 2001:db8::7 2001:db8::1 40000 25\r\n").await;
        assert_eq!(client.unwrap().as_deref(), Some("[2001:db8::7]:40000"));

        let mut header = binary(0x21, 0x11, &[192, 0, 2, 7, 10, 0, 0, 1, 0x9c, 0x40, 0, 25]);
        header.extend(b"EHLO");
        let (client, rest) = read(&header).await;
        assert_eq!(client.unwrap().as_deref(), Some("192.0.2.7:40000"));
        assert_eq!(rest, b"EHLO");
        let mut addresses = [0; 36];
        addresses[..2].copy_from_slice(&[0x20, 0x01]);
        (addresses[15], addresses[32], addresses[33]) = (7, 0x9c, 0x40);
        let (client, _) = read(&binary(0x21, 0x21, &addresses)).await;
        assert_eq!(client.unwrap().as_deref(), Some("[2001::7]:40000"));
    }

    #[tokio::test]
    async fn a_proxy_may_speak_for_itself() {
        for header in [
            b"PROXY UNKNOWN\r\n".to_vec(),
            binary(0x20, 0, &[]),
            binary(0x21, 0x31, &[0; 216]),
        ] {
            assert_eq!(read(&header).await, (Ok(None), Vec::new()));
        }
    }

    #[tokio::test]
    async fn what_is_no_header_is_refused() {
        let long = [&b"PROXY TCP4 "[..], &[b'1'; 200]].concat();
        for wrong in [
            &b"EHLO client.example\r\n"[..],
            b"PROXY TCP4 nobody 10.0.0.1 1 2\r\n",
            b"PROXY TCP4 192.0.2.7\r\n",
            &long,
            &binary(0x21, 0x11, &[1, 2, 3]),
            &binary(0x41, 0x11, &[0; 12]),
            &binary(0x21, 0x11, &[0; 3_000]),
            b"PROXY TCP4 192",
        ] {
            assert!(
                read(wrong).await.0.is_err(),
                "{}",
                String::from_utf8_lossy(wrong)
            );
        }
    }
}
