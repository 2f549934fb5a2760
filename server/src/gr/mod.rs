//! The shell of the replication engine: who the partner is, how its mail is sealed and carried, and what its state means.

pub mod envelope;
pub mod link;
pub mod pairing;
mod running;

pub use running::Running;

use crate::config::Gr;
use gr_proto::{Event, Timers};

/// The engine's timers by the configuration; a probe while the partner is down may be rarer than one while it is unknown.
pub fn timers(config: &Gr) -> Timers {
    let direct = Timers::direct();
    Timers {
        heartbeat_ms: config.heartbeat_ms,
        unknown_ms: config.unknown_after_ms,
        down_ms: config.down_after_ms,
        probe_unknown_ms: config.probe_ms,
        probe_down_ms: config.probe_ms.saturating_mul(4).min(direct.probe_down_ms),
        retransmit_ms_min: direct.retransmit_ms_min.min(config.unknown_after_ms / 2),
        ..direct
    }
}

/// Writes what the engine reports where an operator reads it.
pub fn log(event: &Event) {
    match event {
        Event::SessionBegan(life) => tracing::info!(?life, "a session with the GR partner began"),
        Event::NewLife(life, why) => {
            tracing::warn!(?life, ?why, "this server takes a new life");
        }
        Event::PartnerWentBack => {
            tracing::error!("the GR partner went back in time: was it restored from a backup?");
        }
        Event::WentBack => {
            tracing::error!("this server went back in time: was it restored from a backup?");
        }
        Event::Judged(verdicts) => {
            tracing::warn!(?verdicts, "this server was compared with its GR partner");
        }
        Event::PartnerRecovered => {
            tracing::warn!("the GR partner has been told all that it may have lost");
        }
        Event::Stranger(server) => {
            tracing::warn!(
                ?server,
                "GR mail with the right password from a server that is not the partner"
            );
        }
        Event::SetAside(id, reason) => {
            tracing::warn!(%id, ?reason, "the GR partner refuses an object: it is set aside");
        }
        Event::Refused(id, reason) => {
            tracing::warn!(%id, ?reason, "an object from the GR partner was refused");
        }
        Event::NoCommonLevel(low, high) => {
            tracing::error!(
                low,
                high,
                "the GR partner speaks no level that is spoken here: upgrade the older server"
            );
        }
    }
}
