//! TLS on real servers, over real sockets: HTTPS, mail by STARTTLS and by TLS, the link of a pair, and certificates that change.

mod https;
mod link;
mod mail;
mod renewal;

use std::fs;
use std::path::Path;
use support::{Authority, Server};

const A: &str = "cp-a.test.example";
const B: &str = "cp-b.test.example";
/// All listeners by TLS.
const ALL: &str = "http.tls = true\nsmtp.starttls = true\nsmtp.tls_listen = \"127.0.0.1:0\"";
/// The certificate of an authority, as [`Authority::vouch_for`] lays it down.
const OWN: &str = "tls.certificate = \"own.crt\"\ntls.key = \"own.key\"\ntls.roots = \"roots.crt\"";

/// A server with TLS and a certificate that it makes for itself, and the mailbox 7200.
fn self_made(settings: &str) -> (tempfile::TempDir, Server) {
    let dir = tempfile::tempdir().expect("a folder");
    let server = Server::start(dir.path(), A, &format!("{ALL}\n{settings}"));
    server.add_user("7200", "Tilde Brask");
    (dir, server)
}

/// The folder of a server that is still to be started, in which an authority vouches for it, and of which it trusts the roots.
fn vouched(root: &Path, fqdn: &str, authority: &Authority, roots: &Path) {
    let folder = root.join(fqdn);
    authority.vouch_for(fqdn, &folder);
    fs::copy(roots, folder.join("roots.crt")).expect("a file can be copied");
}
