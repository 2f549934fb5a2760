//! Reverse and forward paths (RFC 5321 section 4.1.2).

use std::fmt;

/// `local-part@domain` of a path, without source route. The domain is empty for `<postmaster>` only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path {
    /// The local part, unquoted.
    pub local: String,
    /// The domain or address literal (`[127.0.0.1]`), in lower case.
    pub domain: String,
}

/// Octets of a local part (RFC 5321 section 4.5.3.1.1).
const LOCAL_MAX: usize = 64;
/// Octets of a domain (RFC 5321 section 4.5.3.1.2).
const DOMAIN_MAX: usize = 255;

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.local, self.domain)
    }
}

/// What stood between `<` and `>`.
#[derive(Debug, PartialEq, Eq)]
pub enum Parsed {
    /// `<>`.
    Null,
    /// An address.
    Address(Path),
}

/// Reads a path in angle brackets off the front of `text`; returns it with what follows, or `None` if it is not one.
///
/// A source route (`<@a,@b:user@c>`) is accepted and ignored, as RFC 5321 appendix C asks.
pub fn parse(text: &str) -> Option<(Parsed, &str)> {
    let inner = text.strip_prefix('<')?;
    if let Some(rest) = inner.strip_prefix('>') {
        return Some((Parsed::Null, rest));
    }
    let inner = match inner.strip_prefix('@') {
        Some(route) => route.split_once(':')?.1,
        None => inner,
    };
    let (local, rest) = if inner.starts_with('"') {
        quoted(inner)?
    } else {
        dotted(inner)?
    };
    if local.is_empty() || local.len() > LOCAL_MAX {
        return None;
    }
    if let Some(rest) = rest.strip_prefix('>') {
        let postmaster = local.eq_ignore_ascii_case("postmaster");
        return postmaster.then(|| {
            (
                Parsed::Address(Path {
                    local,
                    domain: String::new(),
                }),
                rest,
            )
        });
    }
    let (domain, rest) = rest.strip_prefix('@')?.split_once('>')?;
    if !is_domain(domain) {
        return None;
    }
    Some((
        Parsed::Address(Path {
            local,
            domain: domain.to_ascii_lowercase(),
        }),
        rest,
    ))
}

/// A dot-string. Wider than the grammar: `/` and `=` of RFC 3804 are atom characters anyway, and dots may stand anywhere.
fn dotted(text: &str) -> Option<(String, &str)> {
    let end = text.find(['@', '>'])?;
    let (local, rest) = text.split_at(end);
    let atom = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~.".contains(&b);
    local.bytes().all(atom).then(|| (local.to_owned(), rest))
}

/// A quoted-string, without its quotes and backslashes.
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut local = String::new();
    let mut chars = text.char_indices().skip(1);
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Some((local, &text[at + 1..])),
            '\\' => local.push(chars.next()?.1),
            _ => local.push(c),
        }
    }
    None
}

fn is_domain(domain: &str) -> bool {
    let literal = |d: &str| {
        d.bytes()
            .all(|b| b.is_ascii_alphanumeric() || b":.-".contains(&b))
    };
    let label = |l: &str| {
        !l.is_empty()
            && l.len() <= 63
            && !l.starts_with('-')
            && !l.ends_with('-')
            && l.bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    };
    match domain.strip_prefix('[').and_then(|d| d.strip_suffix(']')) {
        Some(inside) => !inside.is_empty() && literal(inside),
        None => domain.len() <= DOMAIN_MAX && domain.trim_end_matches('.').split('.').all(label),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> Option<String> {
        match parse(text)? {
            (Parsed::Address(path), "") => Some(path.to_string()),
            _ => None,
        }
    }

    #[test]
    fn the_forms_of_voice_mail_addresses_are_paths() {
        for local in [
            "2722",
            "2722+111",
            "+17035245550+230",
            "VPIM=7035255550/EXT=227",
            "AMIS=5/SYSNUM=2",
            "gr-sync",
        ] {
            let path = format!("<{local}@CP-North.example>");
            assert_eq!(address(&path), Some(format!("{local}@cp-north.example")));
        }
        assert_eq!(
            address("<7200@[127.0.0.1]>").as_deref(),
            Some("7200@[127.0.0.1]")
        );
        assert_eq!(
            address("<@relay.example,@b.example:7200@a.example>").as_deref(),
            Some("7200@a.example")
        );
        assert_eq!(
            address(r#"<"a \"b\" c"@x.example>"#).as_deref(),
            Some(r#"a "b" c@x.example"#)
        );
        assert_eq!(address("<Postmaster>").as_deref(), Some("Postmaster@"));
        assert_eq!(parse("<> SIZE=3"), Some((Parsed::Null, " SIZE=3")));
    }

    #[test]
    fn what_is_not_a_path_is_refused() {
        let long_local = format!("<{}@a.example>", "7".repeat(65));
        let long_domain = format!("<7@{}>", ["a".repeat(60).as_str(); 5].join("."));
        for text in [
            "",
            "7200@a.example",
            "<7200>",
            "<7200@>",
            "<@a.example>",
            "<a b@c.example>",
            "<a@b@c.example>",
            "<7@a..example>",
            "<7@-a.example>",
            "<7@a.example",
            "<\"a@b.example>",
            "<7@[127.0.0.1>",
            "<7@[]>",
            &long_local,
            &long_domain,
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
