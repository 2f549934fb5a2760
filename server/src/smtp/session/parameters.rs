//! The parameters of MAIL and RCPT: `KEYWORD[=value]`, and xtext (RFC 3461 section 4).

use super::{BAD_ARGUMENT, BodyKind, Reply};

/// On what a report is wanted (RFC 3461 section 4.1). `NEVER` is none of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Notify {
    /// On delivery.
    pub success: bool,
    /// On failure.
    pub failure: bool,
    /// On delay.
    pub delay: bool,
}

/// How much of a message a report returns (RFC 3461 section 4.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Return {
    /// All of it.
    Full,
    /// Its headers.
    Headers,
}

/// What MAIL may say.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct MailParameters {
    pub size: Option<u64>,
    pub body: Option<BodyKind>,
    pub returns: Option<Return>,
    pub envelope_id: Option<String>,
}

/// What RCPT may say.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct RcptParameters {
    pub notify: Option<Notify>,
    pub original: Option<String>,
}

impl MailParameters {
    pub fn parse(text: &str) -> Result<Self, Reply> {
        let mut out = Self::default();
        for (keyword, value) in pairs(text) {
            match (keyword.as_str(), value) {
                ("SIZE", Some(v)) if out.size.is_none() => out.size = Some(size(v)?),
                ("BODY", Some(v)) if out.body.is_none() => out.body = Some(body(v)?),
                ("RET", Some(v)) if out.returns.is_none() => out.returns = Some(returns(v)?),
                ("ENVID", Some(v)) if out.envelope_id.is_none() && v.len() <= 100 => {
                    out.envelope_id = Some(xtext(v)?)
                }
                // RFC 4954 section 5: whom the client has the mail from is its own affair.
                ("AUTH", Some(v)) if v.len() <= 500 => drop(xtext(v)?),
                ("SIZE" | "BODY" | "RET" | "ENVID" | "AUTH", _) => return Err(invalid(&keyword)),
                _ => return Err(unknown(&keyword)),
            }
        }
        Ok(out)
    }
}

impl RcptParameters {
    pub fn parse(text: &str) -> Result<Self, Reply> {
        let mut out = Self::default();
        for (keyword, value) in pairs(text) {
            match (keyword.as_str(), value) {
                ("NOTIFY", Some(v)) if out.notify.is_none() => out.notify = Some(notify(v)?),
                ("ORCPT", Some(v)) if out.original.is_none() && v.len() <= 500 => {
                    out.original = Some(original(v)?)
                }
                ("NOTIFY" | "ORCPT", _) => return Err(invalid(&keyword)),
                _ => return Err(unknown(&keyword)),
            }
        }
        Ok(out)
    }
}

fn pairs(text: &str) -> impl Iterator<Item = (String, Option<&str>)> {
    text.split_ascii_whitespace()
        .map(|word| match word.split_once('=') {
            Some((keyword, value)) => (keyword.to_ascii_uppercase(), Some(value)),
            None => (word.to_ascii_uppercase(), None),
        })
}

fn size(value: &str) -> Result<u64, Reply> {
    let digits =
        !value.is_empty() && value.len() <= 20 && value.bytes().all(|b| b.is_ascii_digit());
    // Twenty digits that do not fit are a size beyond any limit, not a syntax error.
    if digits {
        Ok(value.parse().unwrap_or(u64::MAX))
    } else {
        Err(invalid("SIZE"))
    }
}

fn body(value: &str) -> Result<BodyKind, Reply> {
    match value.to_ascii_uppercase().as_str() {
        "7BIT" => Ok(BodyKind::SevenBit),
        "8BITMIME" => Ok(BodyKind::EightBit),
        "BINARYMIME" => Ok(BodyKind::Binary),
        _ => Err(invalid("BODY")),
    }
}

fn returns(value: &str) -> Result<Return, Reply> {
    match value.to_ascii_uppercase().as_str() {
        "FULL" => Ok(Return::Full),
        "HDRS" => Ok(Return::Headers),
        _ => Err(invalid("RET")),
    }
}

fn notify(value: &str) -> Result<Notify, Reply> {
    let mut out = Notify::default();
    if value.eq_ignore_ascii_case("NEVER") {
        return Ok(out);
    }
    for word in value.split(',') {
        match word.to_ascii_uppercase().as_str() {
            "SUCCESS" => out.success = true,
            "FAILURE" => out.failure = true,
            "DELAY" => out.delay = true,
            _ => return Err(invalid("NOTIFY")),
        }
    }
    Ok(out)
}

/// `address-type;xtext`.
fn original(value: &str) -> Result<String, Reply> {
    let (kind, address) = value.split_once(';').ok_or_else(|| invalid("ORCPT"))?;
    let atom = !kind.is_empty() && kind.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    if !atom || address.is_empty() {
        return Err(invalid("ORCPT"));
    }
    Ok(format!("{kind};{}", xtext(address)?))
}

/// `+` and two upper-case hex digits stand for one octet; only printable ASCII may come out.
fn xtext(value: &str) -> Result<String, Reply> {
    let mut out = String::with_capacity(value.len());
    let mut rest = value;
    while let Some(c) = rest.chars().next() {
        rest = &rest[c.len_utf8()..];
        if c != '+' {
            out.push(c);
            continue;
        }
        let hex = |h: &&str| {
            h.bytes()
                .all(|b| b.is_ascii_digit() || (b'A'..=b'F').contains(&b))
        };
        let octet = rest
            .get(..2)
            .filter(hex)
            .and_then(|h| u8::from_str_radix(h, 16).ok());
        match octet {
            Some(b) if (b' '..=b'~').contains(&b) => out.push(char::from(b)),
            _ => return Err(Reply::new(501, BAD_ARGUMENT, "Not xtext (RFC 3461)")),
        }
        rest = &rest[2..];
    }
    Ok(out)
}

fn invalid(keyword: &str) -> Reply {
    Reply::new(
        501,
        BAD_ARGUMENT,
        format!("{keyword} has no such value here"),
    )
}

fn unknown(keyword: &str) -> Reply {
    let shown: String = keyword.chars().take(40).collect();
    Reply::new(
        555,
        BAD_ARGUMENT,
        format!("Parameter {shown} is not known here"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_of_both_commands_are_read() {
        let mail = MailParameters::parse(" size=120 Body=binarymime RET=HDRS ENVID=a+2Bb").unwrap();
        assert_eq!(
            (mail.size, mail.body, mail.returns),
            (Some(120), Some(BodyKind::Binary), Some(Return::Headers))
        );
        assert_eq!(mail.envelope_id.as_deref(), Some("a+b"));
        let rcpt =
            RcptParameters::parse("NOTIFY=success,Delay ORCPT=rfc822;+2B1613@a.example").unwrap();
        assert_eq!(
            rcpt.notify,
            Some(Notify {
                success: true,
                failure: false,
                delay: true
            })
        );
        assert_eq!(rcpt.original.as_deref(), Some("rfc822;+1613@a.example"));
        assert_eq!(
            RcptParameters::parse("NOTIFY=NEVER").unwrap().notify,
            Some(Notify::default())
        );
    }

    #[test]
    fn wrong_values_are_501_and_unknown_parameters_555() {
        let code = |r: Result<MailParameters, Reply>| r.unwrap_err().code;
        for text in [
            "SIZE",
            "SIZE=",
            "SIZE=-1",
            "SIZE=1 SIZE=1",
            "BODY=9BIT",
            "RET=ALL",
            "ENVID=+zz",
            "ENVID=+0D",
            "ENVID=a+4",
        ] {
            assert_eq!(code(MailParameters::parse(text)), 501, "{text}");
        }
        assert_eq!(code(MailParameters::parse("SMTPUTF8")), 555);
        assert_eq!(code(MailParameters::parse("NOTIFY=NEVER")), 555);
        for text in ["NOTIFY=NEVER,SUCCESS", "NOTIFY=", "ORCPT=7200", "ORCPT=;a"] {
            assert_eq!(RcptParameters::parse(text).unwrap_err().code, 501, "{text}");
        }
        assert_eq!(
            MailParameters::parse("SIZE=99999999999999999999")
                .unwrap()
                .size,
            Some(u64::MAX)
        );
    }
}
