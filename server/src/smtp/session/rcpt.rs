//! RCPT (RFC 5321 section 4.1.1.3).

use super::address::{self, Parsed};
use super::mail::after_keyword;
use super::parameters::of_rcpt;
use super::{
    BAD_SEQUENCE, DeliveryTarget, Lookup, Recipient, Reply, SYNTAX, Session, Stage, Status, Step,
};

impl Session {
    pub(super) fn rcpt(&mut self, rest: &str) -> Step {
        if let Some(refusal) = self.stranger() {
            return refusal;
        }
        let Some(transaction) = self.transaction.as_ref().filter(|t| t.chunks.is_none()) else {
            return self.refused(Reply::new(503, BAD_SEQUENCE, "MAIL first"));
        };
        if transaction.recipients.len() >= self.limits.recipients_max {
            return self.refused(Reply::new(
                452,
                Status(4, 5, 3),
                "Too many recipients; send the others another copy",
            ));
        }
        let declared_size = transaction.declared_size;
        let path = after_keyword(rest, "TO:").and_then(address::parse);
        let Some((Parsed::Address(path), rest)) =
            path.filter(|(_, rest)| rest.is_empty() || rest.starts_with(' '))
        else {
            return self.refused(Reply::new(501, SYNTAX, "Expected RCPT TO:<address>"));
        };
        if let Err(reply) = of_rcpt(rest) {
            return self.refused(reply);
        }
        let lookup = Lookup {
            path,
            declared_size,
        };
        self.stage = Stage::Asked(lookup.clone());
        Step::Lookup(lookup)
    }

    /// Takes the recipient if the verdict says so. Mail for the partner's engine and for mailboxes is never one mail.
    pub(super) fn rcpt_judged(
        &mut self,
        asked: Lookup,
        verdict: Result<DeliveryTarget, Reply>,
    ) -> Reply {
        let Some(transaction) = &mut self.transaction else {
            return Reply::new(503, BAD_SEQUENCE, "MAIL first");
        };
        let target = match verdict {
            Ok(target) => target,
            Err(reply) => return reply,
        };
        let partner = target == DeliveryTarget::Partner;
        if transaction
            .recipients
            .iter()
            .any(|r| partner || r.target == DeliveryTarget::Partner)
        {
            return Reply::new(
                503,
                BAD_SEQUENCE,
                "This recipient takes mail of its own only",
            );
        }
        transaction.recipients.push(Recipient {
            target,
            path: asked.path,
        });
        Reply::new(250, Status(2, 1, 5), "Recipient taken")
    }
}
