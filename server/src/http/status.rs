//! `/healthz` and `/metrics`: what a load balancer and monitoring ask.

use super::Api;
use super::convert::{self, partner_state};
use super::error::{HttpResult, Problem};
use super::monitoring::Monitor;
use crate::operations::{OpError, pair};
use axum::Json;
use axum::extract::State;
use axum::http::{HeaderName, HeaderValue, header};
use contract::{ApiError, PartnerState};
use serde::Serialize;
use std::time::Duration;
use utoipa::ToSchema;

/// When to ask a server again that is out of service.
const ASK_AGAIN: Duration = Duration::from_secs(5);

/// That the server serves.
#[derive(Debug, Serialize, ToSchema)]
pub struct Health {
    /// It takes log-ins, messages and calls. Always true: a server that does not answers 503.
    in_service: bool,
    /// How it fares, in one sentence.
    reason: String,
}

/// 200 while the server takes log-ins and messages, 503 otherwise.
#[utoipa::path(get, path = "/healthz", tag = "operation", responses(
    (status = 200, description = "In service", body = Health),
    (status = 503, description = "Out of service: the message says why", body = ApiError),
))]
pub async fn health(
    State(api): State<Api>,
) -> ([(HeaderName, HeaderValue); 1], HttpResult<Json<Health>>) {
    let server = api.server();
    let meant = api.pair().borrow().in_service;
    let readable = pair::is_readable(server).await;
    if let Err(error) = &readable {
        tracing::error!(cause = %super::error::chain(error), "the store cannot be read");
    }
    let judged = judge(
        server.is_writing(),
        meant,
        readable.is_ok(),
        server.disk_room(),
    );
    let fresh = (header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    ([fresh], judged.map(Json).map_err(Problem::from))
}

/// How a server fares, or why it is out of service.
fn judge(
    is_writing: bool,
    is_meant_to_serve: bool,
    is_readable: bool,
    room: pair::Room,
) -> Result<Health, OpError> {
    let why = match (is_writing, is_meant_to_serve, is_readable) {
        (false, _, _) => "The writer has ended; so does the server.",
        (true, false, _) => "Taken out of service on purpose.",
        (true, true, false) => "The store cannot be read.",
        (true, true, true) => {
            let reason = match room.low {
                true => nearly_full(room),
                false => "In service.".to_owned(),
            };
            let in_service = true;
            return Ok(Health { in_service, reason });
        }
    };
    let wait = ASK_AGAIN;
    Err(OpError::Unavailable { why, wait })
}

/// What a disk that is nearly full means for whoever uses the server.
fn nearly_full(room: pair::Room) -> String {
    let put_off = match room.low_for_partner {
        true => "new messages are put off, the partner's, too",
        false => "new messages are put off",
    };
    format!("In service. The disk is nearly full: {put_off}. Reading, marking and deleting go on.")
}

/// Measurements in the text format of Prometheus: for the networks of `http.monitoring_networks`, and for administrators.
#[utoipa::path(get, path = "/metrics", tag = "operation", security((), ("admin" = []), ("admin_token" = [])), responses(
    (status = 200, content_type = "text/plain", body = String),
    (status = 401, description = "From this network only administrators may read it", body = ApiError),
    (status = 500, body = ApiError),
))]
pub async fn metrics(
    State(api): State<Api>,
    _: Monitor,
) -> HttpResult<([(HeaderName, HeaderValue); 1], String)> {
    let backlogs = pair::backlogs(api.server()).await?;
    let lane = |name| metrics::gauge!("callpilot_gr_backlog", "lane" => name);
    lane("users").set(backlogs.users.count as f64);
    lane("messages").set(backlogs.messages.count as f64);
    metrics::gauge!("callpilot_messages_one_server_only").set(backlogs.one_server_only as f64);
    let (sizes, users) = pair::stock(api.server()).await?;
    metrics::gauge!("callpilot_users").set(users as f64);
    for (kind, bytes) in [
        ("database", sizes.database_bytes),
        ("segments", sizes.segment_bytes),
        ("live", sizes.live_bytes),
        ("log", sizes.log_bytes),
        ("free", sizes.free_bytes),
        ("reserve", api.server().disk_room().reserve_bytes),
    ] {
        metrics::gauge!("callpilot_store_bytes", "kind" => kind).set(bytes as f64);
    }
    damage(&api).await?;
    measure_pair(&api);
    let text = api
        .0
        .metrics
        .as_ref()
        .map(|m| m.render())
        .unwrap_or_default();
    Ok((
        [(
            header::CONTENT_TYPE,
            HeaderValue::from_static("text/plain; version=0.0.4"),
        )],
        text,
    ))
}

/// What disks have damaged. An alert on any of them is worth having.
async fn damage(api: &Api) -> HttpResult<()> {
    let damaged = pair::damaged(api.server()).await?;
    let damage = convert::damage(&damaged, &api.pair().borrow().status);
    for (name, count) in [
        ("bodies_missing", damage.bodies_missing),
        ("bodies_no_copy", damage.bodies_no_copy),
        ("rows_unreadable", damage.rows_unreadable),
        ("rows_lost", damage.rows_lost),
        ("only_here", damage.only_here),
    ] {
        metrics::gauge!("callpilot_damage", "what" => name).set(count as f64);
    }
    if let Some(at) = damage.scrubbed_at {
        metrics::gauge!("callpilot_scrubbed_timestamp_seconds").set(at.0 as f64 / 1000.0);
    }
    Ok(())
}

/// One series for each state, 1 for the present one: an alert then names the state it is about.
fn measure_pair(api: &Api) {
    let pair = api.pair().borrow();
    let present = partner_state(&pair.status);
    for (name, state) in [
        ("not_configured", PartnerState::NotConfigured),
        ("unknown", PartnerState::Unknown),
        ("running", PartnerState::Running),
        ("down", PartnerState::Down),
        ("courtesy_down", PartnerState::CourtesyDown),
    ] {
        metrics::gauge!("callpilot_gr_state", "state" => name)
            .set(f64::from(u8::from(state == present)));
    }
    if let Some(ms) = pair.status.round_trip_ms {
        metrics::gauge!("callpilot_gr_round_trip_seconds").set(ms as f64 / 1000.0);
    }
    metrics::gauge!("callpilot_gr_slow").set(f64::from(u8::from(pair.status.slow)));
    if let Some(rate) = pair.status.bytes_per_s {
        metrics::gauge!("callpilot_gr_link_bytes_per_second").set(rate as f64);
    }
    metrics::gauge!("callpilot_gr_caught_up").set(f64::from(u8::from(pair.caught_up)));
}

/// Metrics that hold a present value, each with what it is.
const GAUGES: &[(&str, &str)] = &[
    (
        "callpilot_sound_octets_held",
        "Octets of message contents that are held for those who hear them",
    ),
    (
        "callpilot_http_connections",
        "HTTP connections that are open",
    ),
    ("callpilot_event_streams", "Event streams that are open"),
    (
        "callpilot_gr_backlog",
        "Objects with changes that the partner has not acknowledged, by lane",
    ),
    (
        "callpilot_messages_one_server_only",
        "Messages whose content only this server holds",
    ),
    (
        "callpilot_damage",
        "What disks have damaged and is not mended yet, by what it is; only_here: the partner's copy of it is damaged",
    ),
    (
        "callpilot_scrubbed_timestamp_seconds",
        "When everything stored here was last read through",
    ),
    (
        "callpilot_gr_state",
        "The partner's state: 1 for the present one",
    ),
    (
        "callpilot_gr_round_trip_seconds",
        "Smoothed time from sending to the partner's acknowledgement",
    ),
    (
        "callpilot_gr_slow",
        "1 if the partner is running over a slow link",
    ),
    (
        "callpilot_gr_link_bytes_per_second",
        "What the link to the partner carried when there last was much to send",
    ),
    (
        "callpilot_gr_caught_up",
        "1 if nothing is on its way from the partner",
    ),
    (
        "callpilot_outgoing_waiting",
        "Recipients on other systems to whom a message is on its way",
    ),
    (
        "callpilot_outgoing_held",
        "Messages to other systems that an administrator holds back",
    ),
    ("callpilot_users", "Users on this server, GR users included"),
    (
        "callpilot_store_bytes",
        "Size of the store, and room left on its disk",
    ),
    (
        "callpilot_disk_low",
        "1 while the disk is nearly full and new messages are put off",
    ),
    (
        "callpilot_disk_low_for_partner",
        "1 while the disk is so full that the partner's messages are put off, too",
    ),
    (
        "callpilot_upkeep_failing",
        "1 while a part of house-keeping fails and is tried again, by what it is",
    ),
    (
        "callpilot_unreadable_bodies",
        "Bodies that the disk could not read when they were to be moved",
    ),
];

/// Metrics that only rise while the server runs.
const COUNTERS: &[(&str, &str)] = &[
    (
        "callpilot_outgoing_attempts_total",
        "Attempts to deliver to a recipient on another system, by their outcome",
    ),
    (
        "callpilot_reading_put_off_total",
        "Mails and requests that were put off because too much was being read at once",
    ),
    (
        "callpilot_sound_samples_decoded_total",
        "Samples that were decoded for those who hear them",
    ),
    (
        "callpilot_http_turned_away_total",
        "HTTP connections that were turned away because their address had too many",
    ),
    (
        "callpilot_http_misdirected_total",
        "Requests that were refused because they are for a server of another name",
    ),
    (
        "callpilot_http_requests_total",
        "Requests answered, by method, route and status",
    ),
    (
        "callpilot_logins_total",
        "Log-ins with right and wrong passwords, and tries that have to wait",
    ),
    (
        "callpilot_audit_trail_lost_total",
        "Entries of the audit trail that are in the log but found no place in the store",
    ),
    (
        "callpilot_scrubbed_bytes_total",
        "Bytes read to find what the disk has damaged",
    ),
    (
        "callpilot_damaged_total",
        "Rows and bodies that were found damaged",
    ),
    (
        "callpilot_repaired_total",
        "Rows and bodies that have come back from the partner",
    ),
    ("callpilot_writes_total", "Changes made by listeners"),
    (
        "callpilot_write_groups_total",
        "Transactions of the writer; each holds several writes when there is much to do",
    ),
    (
        "callpilot_gr_messages_dropped_total",
        "Messages for the partner that found the link full; they are sent again",
    ),
    (
        "callpilot_writes_put_off_total",
        "Writes that were not done for want of room on the disk",
    ),
    (
        "callpilot_freed_bytes_total",
        "Bytes of bodies that are gone, given back to the disk",
    ),
    (
        "callpilot_compaction_faults_total",
        "Steps of giving disk space back that failed",
    ),
    ("callpilot_upkeep_rounds_total", "Rounds of house-keeping"),
    (
        "callpilot_upkeep_faults_total",
        "Parts of rounds of house-keeping that failed",
    ),
];

/// Metrics that count values by classes.
const HISTOGRAMS: [(&str, &str); 1] = [(
    "callpilot_http_request_seconds",
    "Time until the head of the answer",
)];

/// Names the metrics for those who read them.
pub fn describe() {
    for (name, what) in GAUGES.iter().copied() {
        metrics::describe_gauge!(name, what);
    }
    for (name, what) in COUNTERS.iter().copied() {
        metrics::describe_counter!(name, what);
    }
    for (name, what) in HISTOGRAMS {
        metrics::describe_histogram!(name, what);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::to_bytes;
    use axum::http::StatusCode;
    use axum::response::IntoResponse;
    use contract::ErrorCode;

    #[tokio::test]
    async fn a_server_that_is_out_of_service_refuses_as_every_answer_does_and_says_why() {
        let room = pair::Room::default();
        for (is_writing, is_meant, is_readable, said) in [
            (false, true, true, "The writer has ended"),
            (true, false, true, "on purpose"),
            (true, true, false, "cannot be read"),
        ] {
            let judged = judge(is_writing, is_meant, is_readable, room);
            let answer = judged.map(Json).map_err(Problem::from).into_response();
            assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
            assert!(answer.headers().contains_key(header::RETRY_AFTER));
            let body = to_bytes(answer.into_body(), 4_096).await.unwrap();
            let error: ApiError = serde_json::from_slice(&body).unwrap();
            assert_eq!(error.code, ErrorCode::Unavailable);
            assert!(error.message.contains(said), "{}", error.message);
        }
        let full = pair::Room { low: true, ..room };
        let health = judge(true, true, true, full).unwrap();
        assert!(health.in_service && health.reason.contains("nearly full"));
        assert_eq!(judge(true, true, true, room).unwrap().reason, "In service.");
    }
}
