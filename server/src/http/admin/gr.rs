//! `/api/v1/admin/gr`: the pair that this server is half of.

use super::{Administrator, tasks};
use crate::config::{BaseUrl, is_host_name};
use crate::gr::envelope;
use crate::gr::pairing::{Partner, Secret};
use crate::http::error::{Answer, Problem};
use crate::http::extract::Body;
use crate::http::{Api, convert};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use contract::{ApiError, GrPair, GrStatus};
use domain::Lane;

/// The shortest GR password. It guards all that both servers send each other, for as long as the pair exists.
const PASSWORD_LENGTH_MIN: usize = 12;

/// The partner's state, and what waits for it.
#[utoipa::path(get, path = "/api/v1/admin/gr", tag = "administration", security(("admin" = []), ("admin_token" = [])),
    responses((status = 200, body = GrStatus), (status = 401, body = ApiError)))]
pub async fn status(State(api): State<Api>, _: Administrator) -> Answer<Json<GrStatus>> {
    current(&api).await.map(Json)
}

async fn current(api: &Api) -> Answer<GrStatus> {
    let backlogs = backlogs(api).await?;
    let concerns = tasks::concerns(api).await?;
    let damaged = damaged(api).await?;
    let pair = api.pair().borrow().clone();
    Ok(convert::gr_status(
        &api.site().config().fqdn,
        &pair,
        &backlogs,
        concerns,
        &damaged,
        api.site().now(),
    ))
}

/// What waits for the partner.
pub async fn backlogs(api: &Api) -> Answer<convert::Backlogs> {
    let read = api.site().read(|readers| {
        readers.snapshot(|view| {
            Ok(convert::Backlogs {
                users: view.backlog(Lane::Users)?,
                messages: view.backlog(Lane::Messages)?,
                one_server_only: view.one_server_only()?,
            })
        })
    });
    Ok(read.await?)
}

/// What is damaged here.
pub async fn damaged(api: &Api) -> Answer<convert::Damaged> {
    let read = api.site().read(|readers| {
        readers.snapshot(|view| {
            Ok(convert::Damaged {
                bodies: view.missing_count()?,
                rows: view.unreadable_count()?,
                scrubbed_at: crate::scrub::ended(view)?,
            })
        })
    });
    Ok(read.await?)
}

/// Makes this server half of a pair, or enters the GR password anew. The same is done on the partner, with the same password.
#[utoipa::path(put, path = "/api/v1/admin/gr", tag = "administration", security(("admin" = []), ("admin_token" = [])),
    request_body = GrPair,
    responses((status = 200, body = GrStatus), (status = 400, body = ApiError), (status = 401, body = ApiError),
        (status = 409, description = "This server is paired with another one, or a task is open", body = ApiError)))]
pub async fn pair(
    State(api): State<Api>,
    _: Administrator,
    Body(pair): Body<GrPair>,
) -> Answer<Json<GrStatus>> {
    let partner = check(&pair, &api.site().config().fqdn)?;
    tasks::refuse_while_open(&api)?;
    let present = api.pair().borrow().partner.clone();
    if let Some(other) = present.filter(|present| present.fqdn != partner.fqdn) {
        return Err(Problem::Conflict(format!(
            "This server is paired with {}. Take that pair apart first.",
            other.fqdn
        )));
    }
    let root = root(
        pair.password,
        api.site().config().fqdn.clone(),
        partner.fqdn.clone(),
    )
    .await?;
    api.site().set_pair(partner, root).await?;
    current(&api).await.map(Json)
}

fn check(pair: &GrPair, own: &str) -> Answer<Partner> {
    let fqdn = pair.fqdn.trim().trim_end_matches('.').to_ascii_lowercase();
    let wrong = |what: String| Err(Problem::BadRequest(what));
    if !is_host_name(&fqdn) {
        return wrong(format!(
            "\"{fqdn}\" is not a fully qualified domain name such as cp-south.example.net."
        ));
    }
    if fqdn == own {
        return wrong(format!("{fqdn} is this server. A pair needs another one."));
    }
    let smtp = pair.smtp.trim();
    let address = smtp.rsplit_once(':').filter(|(host, _)| !host.is_empty());
    if address
        .and_then(|(_, port)| port.parse::<u16>().ok())
        .is_none_or(|port| port == 0)
    {
        return wrong(format!(
            "\"{smtp}\" does not say where the partner's SMTP service is. Write host:port."
        ));
    }
    let http: BaseUrl = match pair.http.trim().parse() {
        Ok(http) => http,
        Err(fault) => return wrong(format!("The partner's HTTP address {fault}.")),
    };
    if pair.password.chars().count() < PASSWORD_LENGTH_MIN {
        return wrong(format!(
            "The GR password must have at least {PASSWORD_LENGTH_MIN} characters."
        ));
    }
    Ok(Partner {
        fqdn,
        smtp: smtp.to_owned(),
        http: http.to_string(),
    })
}

/// Deriving the root key takes a second or so and 256 MiB.
async fn root(password: String, own: String, partner: String) -> Answer<Secret> {
    let derived = tokio::task::spawn_blocking(move || envelope::root(&password, &own, &partner));
    derived
        .await
        .map_err(Problem::internal)?
        .map_err(Problem::internal)
}

/// Turns GR off on this server. Nothing that its own users have is lost.
#[utoipa::path(delete, path = "/api/v1/admin/gr", tag = "administration", security(("admin" = []), ("admin_token" = [])),
    responses((status = 204, description = "GR is off"), (status = 401, body = ApiError),
        (status = 409, description = "A task is open", body = ApiError)))]
pub async fn unpair(State(api): State<Api>, _: Administrator) -> Answer<StatusCode> {
    tasks::refuse_while_open(&api)?;
    api.site().clear_pair().await?;
    Ok(StatusCode::NO_CONTENT)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(fqdn: &str, smtp: &str, http: &str, password: &str) -> Result<Partner, String> {
        let pair = GrPair {
            fqdn: fqdn.into(),
            smtp: smtp.into(),
            http: http.into(),
            password: password.into(),
        };
        check(&pair, "a.example.net").map_err(|problem| format!("{problem:?}"))
    }

    #[test]
    fn a_partner_is_checked_before_anything_is_kept() {
        let good = pair(
            "B.example.net.",
            "10.0.0.2:25",
            "https://b.example.net/",
            "correct horse",
        )
        .unwrap();
        assert_eq!(
            (good.fqdn.as_str(), good.http.as_str()),
            ("b.example.net", "https://b.example.net")
        );
        let refused = |p: Result<Partner, String>, what: &str| {
            let said = p.unwrap_err();
            assert!(said.contains(what), "{said}");
        };
        refused(
            pair("b", "h:25", "http://b", "correct horse"),
            "fully qualified",
        );
        refused(
            pair("a.example.net", "h:25", "http://b", "correct horse"),
            "is this server",
        );
        refused(
            pair("b.example.net", "h", "http://b", "correct horse"),
            "host:port",
        );
        refused(
            pair("b.example.net", "h:25", "b/x", "correct horse"),
            "without a path",
        );
        refused(
            pair("b.example.net", "h:25", "http://b", "short"),
            "at least 12",
        );
    }
}
