//! A mail server that an administrator names: where it is, whether it is reached by TLS, and as whom one signs in there.

use crate::listen::tls::{Fingerprint, Trust};
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

/// The port of mail servers (RFC 5321 section 4.5.4.2).
pub const SMTP_PORT: u16 = 25;

/// Whether a connection goes by TLS.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TlsPolicy {
    /// Where the other server offers it; whoever it is (RFC 7435).
    #[default]
    Opportunistic,
    /// Always, and the other server proves who it is. Else nothing is sent.
    Required(Trust),
    /// Never.
    Never,
}

/// A mail server, written `HOST[:PORT] [tls=POLICY] [user=NAME password_file=PATH]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hop {
    /// Name or address.
    pub host: String,
    /// Port.
    pub port: u16,
    /// Whether it is reached by TLS.
    pub tls: TlsPolicy,
    /// As whom one signs in, and the file with the password on its first line. Only by TLS.
    pub sign_in: Option<(String, PathBuf)>,
}

/// A text that names no mail server.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NoHop(String);

impl Hop {
    /// A server about which nobody has said anything.
    pub fn at(host: &str, port: u16) -> Self {
        Self {
            host: host.to_owned(),
            port,
            tls: TlsPolicy::default(),
            sign_in: None,
        }
    }
}

impl fmt::Display for TlsPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Opportunistic => f.write_str("opportunistic"),
            Self::Required(Trust::ByName) => f.write_str("required"),
            Self::Required(Trust::Pinned(fingerprint)) => fingerprint.fmt(f),
            Self::Never => f.write_str("never"),
        }
    }
}

impl FromStr for TlsPolicy {
    type Err = NoHop;

    fn from_str(text: &str) -> Result<Self, NoHop> {
        Ok(match text {
            "opportunistic" => Self::Opportunistic,
            "required" => Self::Required(Trust::ByName),
            "never" => Self::Never,
            pinned => {
                let fingerprint: Fingerprint = pinned.parse().map_err(|_| {
                    NoHop(format!(
                        "tls={text} is neither opportunistic, required, never nor a fingerprint SHA256:…"
                    ))
                })?;
                Self::Required(Trust::Pinned(fingerprint))
            }
        })
    }
}

impl fmt::Display for Hop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host.contains(':') {
            true => write!(f, "[{}]:{}", self.host, self.port)?,
            false => write!(f, "{}:{}", self.host, self.port)?,
        }
        if self.tls != TlsPolicy::default() {
            write!(f, " tls={}", self.tls)?;
        }
        if let Some((user, file)) = &self.sign_in {
            write!(f, " user={user} password_file={}", file.display())?;
        }
        Ok(())
    }
}

impl FromStr for Hop {
    type Err = NoHop;

    fn from_str(text: &str) -> Result<Self, NoHop> {
        let mut words = text.split_ascii_whitespace();
        let address = words.next().unwrap_or_default();
        let (host, port) = host_and_port(address)?;
        let mut hop = Self::at(&host, port);
        let (mut user, mut password) = (None, None);
        for word in words {
            match word.split_once('=') {
                Some(("tls", policy)) => hop.tls = policy.parse()?,
                Some(("user", name)) if !name.is_empty() => user = Some(name.to_owned()),
                Some(("password_file", path)) if !path.is_empty() => {
                    password = Some(PathBuf::from(path));
                }
                _ => {
                    let why = "is none of tls=, user= and password_file=";
                    return Err(NoHop(format!("\"{word}\" {why}")));
                }
            }
        }
        hop.sign_in = match (user, password) {
            (Some(user), Some(file)) => Some((user, file)),
            (None, None) => None,
            _ => return Err(NoHop("user= and password_file= belong together".into())),
        };
        if hop.sign_in.is_some() && !matches!(hop.tls, TlsPolicy::Required(_)) {
            let why = "a password is sent by tls=required only, to nobody else";
            return Err(NoHop(why.into()));
        }
        Ok(hop)
    }
}

fn host_and_port(text: &str) -> Result<(String, u16), NoHop> {
    let fault = || NoHop(format!("\"{text}\" is not HOST or HOST:PORT"));
    let bracketed = text.strip_prefix('[').and_then(|text| text.split_once(']'));
    let (host, port) = match bracketed {
        Some((host, "")) => (host, None),
        Some((host, rest)) => (host, Some(rest.strip_prefix(':').ok_or_else(fault)?)),
        None => match text.rsplit_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (text, None),
        },
    };
    let is_name = |b: u8| b.is_ascii_alphanumeric() || b"-._".contains(&b);
    let is_address = host.parse::<std::net::Ipv6Addr>().is_ok() && bracketed.is_some();
    if host.is_empty() || host.len() > 253 || !(host.bytes().all(is_name) || is_address) {
        return Err(fault());
    }
    let port = port.map_or(Ok(SMTP_PORT), str::parse);
    let port = port.ok().filter(|port| *port > 0).ok_or_else(fault)?;
    Ok((host.to_ascii_lowercase(), port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mail_server_is_written_as_it_is_read() {
        let pinned = format!("b.example:2525 tls={}", Fingerprint::of(b"x"));
        for (text, written) in [
            ("B.example", "b.example:25"),
            ("b.example:587 tls=required", "b.example:587 tls=required"),
            ("192.0.2.7:25 tls=never", "192.0.2.7:25 tls=never"),
            ("[2001:db8::1]", "[2001:db8::1]:25"),
            (&pinned, &pinned),
            (
                "b.example tls=required user=me password_file=/etc/p",
                "b.example:25 tls=required user=me password_file=/etc/p",
            ),
        ] {
            let hop: Hop = text.parse().unwrap();
            assert_eq!(hop.to_string(), written);
            assert_eq!(written.parse(), Ok(hop));
        }
    }

    #[test]
    fn what_is_no_mail_server_says_why() {
        for (text, said) in [
            ("", "is not HOST"),
            ("b.example:0", "is not HOST"),
            ("b.example:x", "is not HOST"),
            ("b/c", "is not HOST"),
            ("2001:db8::1", "is not HOST"),
            ("b.example tls=maybe", "tls=maybe is neither"),
            ("b.example colour=red", "is none of"),
            ("b.example tls=required user=me", "belong together"),
            ("b.example user=me password_file=p", "by tls=required only"),
        ] {
            let fault = text.parse::<Hop>().unwrap_err().to_string();
            assert!(fault.contains(said), "{text}: {fault}");
        }
    }
}
