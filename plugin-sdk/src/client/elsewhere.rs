//! One thing that the server in use cannot read at present is asked of its partner. The server stays in use: it works, and what it lacks is one
//! content among thousands.

use super::call::Call;
use super::driver::Driver;
use super::send::{Patience, Read};
use crate::pair::Endpoint;
use contract::{ApiError, ErrorCode};
use futures_util::future::{Either, select};
use std::pin::pin;

impl Call {
    /// Whether the partner may have what was refused: it is not here, and the call may go to either server.
    pub(super) fn may_be_elsewhere(&self, refusal: &ApiError) -> bool {
        refusal.code == ErrorCode::NotHere && self.follows()
    }
}

impl Driver {
    /// Asks the partner of a server once, and says whether it had what was asked for. Whatever else it says, or that it says nothing, changes
    /// nothing: the caller is told what the server in use has said, and the connector hears of none of it.
    pub(super) async fn partner_answers(
        &self,
        call: &Call,
        lacking: &Endpoint,
        read: Read<'_>,
    ) -> bool {
        let pair = self.with_connector(|connector| connector.pair());
        let mut both = [Some(pair.primary), pair.partner].into_iter().flatten();
        let Some(partner) = both.find(|server| server.http != lacking.http) else {
            return false;
        };
        let patience = Patience::of(self.now(), self.timing().request_patience_ms);
        // Of a request that the connector was not told of it takes no sign of life.
        let id = self.new_request();
        let fetch = pin!(self.fetch_all(call, call.to(&partner), id, &patience));
        let over = pin!(self.over(&patience));
        match select(fetch, over).await {
            Either::Left((Ok(answer), _)) if (200..300).contains(&answer.status) => {
                read(answer).is_ok()
            }
            _ => false,
        }
    }
}
