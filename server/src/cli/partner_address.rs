//! Whether the partner is where this server tells clients that it is, and both tell the same of each other: else clients do not find their way
//! when one of the two dies.

use super::admin_client::AdminClient;
use crate::config::Config;
use crate::listen::tls::{Trust, connector};
use contract::{Discovery, GrStatus, PartnerState, Timestamp, WELL_KNOWN};
use http_body_util::{BodyExt, Empty, Limited};
use hyper::Request;
use hyper::body::Bytes;
use hyper::header::HOST;
use hyper_util::rt::TokioIo;
use std::error::Error;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::rustls::pki_types::ServerName;

/// A partner that does not answer within it is as good as away for a client.
const PATIENCE: Duration = Duration::from_secs(3);
/// Between two looks for a fresh sign of life.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// Bytes of an answer.
const ANSWER_MAX: usize = 64 << 10;

type AskError = Box<dyn Error + Send + Sync>;

/// What is found, or what is wrong. `None`: there is no partner, or it is not there to be asked.
pub async fn look(
    client: &AdminClient,
    config: &Config,
    status: &GrStatus,
) -> Option<Result<String, String>> {
    let here: Discovery = client.get(WELL_KNOWN).await.ok()?;
    let known = here.gr_partner.as_ref()?;
    let trust = status
        .tls
        .partner
        .as_ref()
        .and_then(|trust| trust.parse().ok());
    let asked = timeout(
        PATIENCE,
        ask(&known.http, trust.unwrap_or(Trust::ByName), config),
    );
    let why = match asked.await {
        Ok(Ok(there)) => return Some(compare(&here, &there)),
        Ok(Err(fault)) => fault.to_string(),
        Err(_) => "no answer".into(),
    };
    if status.state != PartnerState::Running {
        // That it is away is said elsewhere.
        return None;
    }
    let lives = timeout(
        PATIENCE,
        lives_after(client, crate::clock::Clock::start().wall()),
    );
    Some(Err(unreached(&known.http, &why, lives.await.is_ok())))
}

/// Waits until the partner is known to live after this moment: what was heard before says nothing of a partner that has just died.
async fn lives_after(client: &AdminClient, moment: Timestamp) {
    loop {
        let status = client.get::<GrStatus>("/api/v1/admin/gr").await;
        if status.is_ok_and(|status| status.heard > Some(moment)) {
            return;
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// What it means that nobody answers by HTTP, where the partner lives for certain and where it may have died a moment ago.
fn unreached(url: &str, why: &str, lives: bool) -> String {
    let sent = "where clients are sent when this server dies";
    match lives {
        true => format!(
            "the partner runs, but not at {url}, {sent} ({why}). Enter its right URL by `callpilot gr pair … --http URL`"
        ),
        false => format!("the partner does not answer by HTTP now at {url}, {sent} ({why})"),
    }
}

/// What each of two servers says of itself, and of the other.
fn compare(here: &Discovery, there: &Discovery) -> Result<String, String> {
    let Some(known) = &here.gr_partner else {
        return Ok("there is no partner".into());
    };
    if there.server.fqdn != known.fqdn {
        return Err(format!(
            "at {} is {}, and not the partner {}: enter its right URL by `callpilot gr pair … --http URL`",
            known.http, there.server.fqdn, known.fqdn
        ));
    }
    if there.server.http != known.http {
        return Err(format!(
            "the partner calls itself {}, and this server tells clients {}: enter the first by `callpilot gr pair … --http {}` here, or the second as \
             http.public_url there",
            there.server.http, known.http, there.server.http
        ));
    }
    match &there.gr_partner {
        Some(back) if back.fqdn != here.server.fqdn => Err(format!(
            "the partner is paired with {}, and not with this server",
            back.fqdn
        )),
        Some(back) if back.http != here.server.http => Err(format!(
            "the partner tells its clients {} for this server, which calls itself {}: enter the second there by `callpilot gr pair … --http {}`, or the \
             first as http.public_url here",
            back.http, here.server.http, here.server.http
        )),
        Some(_) => Ok(format!(
            "both servers tell clients the same: {}",
            known.http
        )),
        None => Err("the partner has no partner: pair it with this server, too".into()),
    }
}

async fn ask(url: &str, trust: Trust, config: &Config) -> Result<Discovery, AskError> {
    let uri: hyper::Uri = url.parse()?;
    let authority = uri.authority().ok_or("it names no server")?;
    let host = authority.host().trim_matches(['[', ']']).to_owned();
    let https = uri.scheme_str() == Some("https");
    let port = authority.port_u16().unwrap_or(if https { 443 } else { 80 });
    let stream = TcpStream::connect((host.as_str(), port)).await?;
    if !https {
        return exchange(stream, authority.as_str()).await;
    }
    let connector = connector(trust, config.tls.roots.as_deref())?;
    let secured = connector
        .connect(ServerName::try_from(host)?, stream)
        .await?;
    exchange(secured, authority.as_str()).await
}

async fn exchange<S>(stream: S, authority: &str) -> Result<Discovery, AskError>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    let request = Request::get(WELL_KNOWN)
        .header(HOST, authority)
        .body(Empty::<Bytes>::new())?;
    let response = sender.send_request(request).await?;
    let status = response.status();
    let body = Limited::new(response.into_body(), ANSWER_MAX)
        .collect()
        .await?;
    if !status.is_success() {
        return Err(format!("it answers {status}").into());
    }
    Ok(serde_json::from_slice(&body.to_bytes())?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use contract::{GrPartner, LEVEL, ServerAddress};

    fn says(fqdn: &str, http: &str, partner: Option<(&str, &str)>) -> Discovery {
        Discovery {
            server: ServerAddress {
                fqdn: fqdn.into(),
                http: http.into(),
                search_base: String::new(),
            },
            gr_partner: partner.map(|(fqdn, http)| GrPartner {
                fqdn: fqdn.into(),
                address: String::new(),
                http: http.into(),
                search_base: String::new(),
            }),
            in_service: true,
            caught_up: true,
            level: LEVEL,
        }
    }

    #[test]
    fn a_partner_that_may_be_dead_is_not_said_to_be_elsewhere() {
        let said = |lives| unreached("http://b.example", "Connection refused", lives);
        assert!(said(true).contains("gr pair"), "{}", said(true));
        let now = said(false);
        assert!(
            now.contains("does not answer by HTTP now") && !now.contains("gr pair"),
            "{now}"
        );
    }

    #[test]
    fn servers_that_tell_clients_different_addresses_of_each_other_are_found_out() {
        let (north, south) = (
            ("a.example", "https://a.example"),
            ("b.example", "https://b.example"),
        );
        let here = says(north.0, north.1, Some(south));
        assert!(compare(&here, &says(south.0, south.1, Some(north))).is_ok());
        for (there, said) in [
            (says("c.example", south.1, Some(north)), "is c.example"),
            (
                says(south.0, "https://voice.example", Some(north)),
                "calls itself https://voice.example",
            ),
            (
                says(south.0, south.1, Some(("c.example", north.1))),
                "paired with c.example",
            ),
            (
                says(south.0, south.1, Some((north.0, "http://10.0.0.1"))),
                "http://10.0.0.1 for this server",
            ),
            (says(south.0, south.1, None), "has no partner"),
        ] {
            let fault = compare(&here, &there).unwrap_err();
            assert!(fault.contains(said), "{fault}");
        }
    }
}
