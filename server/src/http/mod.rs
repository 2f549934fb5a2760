//! The HTTP service: My CallPilot's pages, its API, and what monitoring reads. One file per resource.

mod acts;
mod admin;
mod audio;
mod auth;
mod convert;
mod cross_site;
mod discovery;
mod drafts;
mod error;
mod events;
mod exchange;
mod extract;
mod greetings;
mod headers;
mod listen;
mod lists;
mod local;
mod messages;
mod monitoring;
mod notification;
mod openapi;
mod range;
mod reference;
mod request;
mod session;
mod status;
mod web;

pub use admin::{AdminAuth, TOKEN_FILE};
pub use error::chain;
pub use listen::{Listening, PROTOCOLS, monitoring_places, places, serve};
pub use local::serve_local;
pub use status::describe as describe_metrics;
pub use web::Web;

use crate::audit_trail::AuditTrail;
use crate::gr::link::LinkState;
use crate::listen::tls::Certificates;
use crate::operations::sign_in::SignIn;
use crate::operations::sounds::OpenSounds;
use crate::server::{PairView, Server};
use axum::extract::DefaultBodyLimit;
use axum::middleware;
use axum::routing::get;
use axum::{Extension, Router};
use events::Streams;
use metrics_exporter_prometheus::PrometheusHandle;
use std::sync::Arc;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouterExt};
use utoipa_axum::routes;

/// What every handler has; cheap to clone.
#[derive(Clone)]
pub struct Api(Arc<ApiParts>);

struct ApiParts {
    server: Server,
    pair: watch::Receiver<PairView>,
    sign_in: SignIn,
    trail: AuditTrail,
    sounds: OpenSounds,
    admin: AdminAuth,
    streams: Streams,
    web: Option<Web>,
    metrics: Option<PrometheusHandle>,
    tls: TlsView,
    stop: CancellationToken,
}

/// TLS as the pair's status shows it.
pub struct TlsView {
    /// What this server shows; `None`: no listener speaks TLS.
    pub certificates: Option<Arc<Certificates>>,
    /// How the link to the partner fares.
    pub link: watch::Receiver<LinkState>,
}

impl Api {
    /// The API of a server. `stop` ends its event streams.
    pub fn new(
        server: Server,
        admin: AdminAuth,
        sign_in: SignIn,
        web: Option<Web>,
        metrics: Option<PrometheusHandle>,
        tls: TlsView,
        stop: CancellationToken,
    ) -> Self {
        let config = server.config();
        Self(Arc::new(ApiParts {
            pair: server.pair(),
            trail: sign_in.trail().clone(),
            sign_in,
            sounds: OpenSounds::new(server.clone()),
            streams: Streams::new(config.http.events_max, config.http.events_per_user_max),
            server,
            admin,
            web,
            metrics,
            tls,
            stop,
        }))
    }

    /// The server.
    fn server(&self) -> &Server {
        &self.0.server
    }

    /// The pair's state, to look at or to wait for.
    fn pair(&self) -> &watch::Receiver<PairView> {
        &self.0.pair
    }

    fn sign_in(&self) -> &SignIn {
        &self.0.sign_in
    }

    fn trail(&self) -> &AuditTrail {
        &self.0.trail
    }

    fn sounds(&self) -> &OpenSounds {
        &self.0.sounds
    }

    fn tls(&self) -> &TlsView {
        &self.0.tls
    }

    fn web(&self) -> Option<&Web> {
        self.0.web.as_ref()
    }

    /// Everything that is answered.
    pub fn router(self) -> Router {
        let (documented, _) = documented();
        let pages = documented
            .route("/", get(web::redirect))
            .route("/MyCallPilot", get(web::redirect))
            .route("/MyCallPilot/", get(web::index))
            .route("/MyCallPilot/{*path}", get(web::page));
        self.layered(pages)
    }

    /// What monitoring reads, for a listener of its own.
    pub fn monitoring(self) -> Router {
        let (documented, _) = monitored().split_for_parts();
        self.layered(documented.layer(Extension(monitoring::OwnListener)))
    }

    /// What stands around every answer.
    fn layered(self, routes: Router<Self>) -> Router {
        routes
            .fallback(|| async {
                error::Problem::not_found("There is nothing at this address.".into())
            })
            .method_not_allowed_fallback(|| async { error::Problem::Method })
            .layer(DefaultBodyLimit::max(
                self.server().config().http.body_size_max,
            ))
            .layer(middleware::from_fn(cross_site::no_form))
            .layer(headers::cors(self.clone()))
            .layer(middleware::from_fn_with_state(
                self.clone(),
                headers::secure,
            ))
            .layer(middleware::from_fn_with_state(self.clone(), acts::around))
            .layer(middleware::from_fn_with_state(
                self.clone(),
                cross_site::addressed,
            ))
            .layer(middleware::from_fn_with_state(
                self.clone(),
                request::around,
            ))
            .with_state(self)
    }
}

/// The routes that the OpenAPI document describes, and the document: one list makes both.
fn documented() -> (Router<Api>, utoipa::openapi::OpenApi) {
    let (router, document) = routes().split_for_parts();
    (router, openapi::complete(openapi::with_sessions(document)))
}

fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::with_openapi(openapi::preamble())
        .routes(routes!(discovery::discovery))
        .routes(routes!(session::log_in, session::renew, session::log_out))
        .routes(routes!(session::password))
        .routes(routes!(messages::list, drafts::submit))
        .routes(routes!(messages::read, messages::change, messages::delete))
        .routes(routes!(messages::empty_deleted))
        .routes(routes!(audio::audio))
        .routes(routes!(events::events))
        .routes(routes!(notification::own, notification::set_own))
        .routes(routes!(notification::of_user, notification::set_of_user))
        .routes(routes!(greetings::list))
        .routes(
            routes!(
                greetings::hear,
                greetings::set,
                greetings::set_end,
                greetings::remove
            )
            .layer(DefaultBodyLimit::max(greetings::UPLOAD_MAX)),
        )
        .merge(composing())
        .routes(routes!(lists::list))
        .routes(routes!(lists::set, lists::remove))
        .merge(administration())
        .merge(administrators())
        .merge(monitored())
}

/// Messages that are being composed.
fn composing() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(drafts::list))
        .routes(routes!(drafts::read, drafts::save, drafts::discard))
        .routes(
            routes!(drafts::add_piece, drafts::read_part, drafts::discard_part)
                .layer(DefaultBodyLimit::max(drafts::PIECE_MAX)),
        )
        .routes(routes!(drafts::resolve))
        .routes(routes!(drafts::address_book))
}

/// What administrators manage.
fn administration() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(admin::users::list, admin::users::create))
        .routes(routes!(
            admin::users::read,
            admin::users::change,
            admin::users::delete
        ))
        .routes(routes!(admin::users::password))
        .routes(routes!(admin::users::unlock))
        .routes(routes!(admin::users::log_out))
        .routes(routes!(admin::users::empty_deleted))
        .routes(routes!(
            admin::gr::status,
            admin::gr::pair,
            admin::gr::unpair
        ))
        .routes(routes!(admin::gr::password))
        .routes(routes!(admin::classes::list, admin::classes::add))
        .routes(routes!(admin::classes::rename, admin::classes::remove))
        .routes(routes!(admin::shortcuts::list, admin::shortcuts::add))
        .routes(routes!(admin::shortcuts::remove))
        .routes(routes!(admin::remote_users::list, admin::remote_users::add))
        .routes(routes!(admin::remote_users::remove))
        .routes(routes!(admin::queue::list))
        .routes(routes!(admin::queue::retry))
        .routes(routes!(admin::queue::hold))
        .routes(routes!(admin::queue::release))
        .routes(routes!(admin::queue::delete))
        .routes(routes!(admin::trail::list))
        .routes(routes!(admin::settings::show, admin::settings::change))
        .routes(routes!(admin::tasks::list, admin::tasks::start))
        .routes(routes!(admin::tasks::abort))
        .routes(routes!(admin::tasks::agree))
        .routes(routes!(admin::tasks::undo))
        .routes(routes!(admin::tasks::held))
        .routes(routes!(admin::tasks::retry))
}

/// Administrators themselves: their sessions and accounts.
fn administrators() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(
            admin::session::sign_in,
            admin::session::renew,
            admin::session::sign_out
        ))
        .routes(routes!(admin::session::password))
        .routes(routes!(
            admin::session::begin_second_factor,
            admin::session::confirm_second_factor
        ))
        .routes(routes!(
            admin::administrators::list,
            admin::administrators::create
        ))
        .routes(routes!(
            admin::administrators::read,
            admin::administrators::change,
            admin::administrators::remove
        ))
        .routes(routes!(admin::administrators::password))
        .routes(routes!(
            admin::administrators::sessions,
            admin::administrators::end_sessions
        ))
        .routes(routes!(admin::administrators::end_session))
}

/// Those that monitoring reads.
fn monitored() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(openapi::document))
        .routes(routes!(status::health))
        .routes(routes!(status::metrics))
}
