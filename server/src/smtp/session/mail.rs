//! MAIL (RFC 5321 section 4.1.1.2).

use super::address::{self, Parsed};
use super::parameters::MailParameters;
use super::{BAD_SEQUENCE, Reply, SYNTAX, Session, Status, Step, TOO_BIG, Transaction};

impl Session {
    pub(super) fn mail(&mut self, rest: &str) -> Step {
        if let Some(refusal) = self.stranger() {
            return refusal;
        }
        if self.transaction.is_some() {
            return self.refused(Reply::new(
                503,
                BAD_SEQUENCE,
                "One mail at a time; RSET forgets the one that was begun",
            ));
        }
        let path = after_keyword(rest, "FROM:").and_then(address::parse);
        let Some((from, rest)) = path.filter(|(_, rest)| rest.is_empty() || rest.starts_with(' '))
        else {
            return self.refused(Reply::new(501, SYNTAX, "Expected MAIL FROM:<address>"));
        };
        let parameters = match MailParameters::parse(rest) {
            Ok(parameters) => parameters,
            Err(reply) => return self.refused(reply),
        };
        if parameters
            .size
            .is_some_and(|size| size > self.limits.message_size_max as u64)
        {
            let text = format!("A message may have {} octets", self.limits.message_size_max);
            return self.refused(Reply::new(552, TOO_BIG, text));
        }
        self.transaction = Some(Transaction {
            from: match from {
                Parsed::Null => None,
                Parsed::Address(path) => Some(path),
            },
            body: parameters.body.unwrap_or_default(),
            declared_size: parameters.size,
            recipients: Vec::new(),
            chunks: None,
        });
        Step::Reply(Reply::new(250, Status(2, 1, 0), "Sender taken"))
    }
}

/// What follows `FROM:` or `TO:`; a blank after the colon is common and harmless.
pub(super) fn after_keyword<'a>(rest: &'a str, keyword: &str) -> Option<&'a str> {
    let (head, tail) = rest.split_at_checked(keyword.len())?;
    head.eq_ignore_ascii_case(keyword)
        .then(|| tail.trim_start())
}
