//! Addresses of voice mailboxes: RFC 3801 section 4.1 and the gateway forms of RFC 3804.

/// Most digits of an international number, and of an extension (RFC 3801 section 4.1.1).
pub const DIGITS_MAX: usize = 15;
/// Longest local part (RFC 5321 section 4.5.3.1.1).
const LOCAL_LEN_MAX: usize = 64;

/// `mailbox@domain`, understood.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Address {
    /// What stands before the `@`.
    pub local: LocalPart,
    /// The domain, lower case.
    pub domain: String,
}

/// What stands before the `@`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct LocalPart {
    /// Set when the address names a service at a gateway, `VPIM=…`.
    pub service: Option<Service>,
    /// Who or what is addressed.
    pub mailbox: Mailbox,
    /// The extension behind the number: `+230` or `/EXT=230`.
    pub extension: Option<String>,
    /// Further `/KEY=value` pairs in their order (`DL`, `SYSNUM`, …), keys in upper case.
    pub qualifiers: Vec<(String, String)>,
}

/// The service selector of RFC 3804 section 4.2, and that of faxes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Service {
    /// `VPIM=`: a VPIM system behind the gateway.
    Vpim,
    /// `VOICE=`: any telephone, played to whoever answers.
    Voice,
    /// `FAX=`: a fax machine (RFC 3192).
    Fax,
    /// `AMIS=`: a voice-mail system reached by AMIS analogue.
    Amis,
}

/// Who or what is addressed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Mailbox {
    /// Digits with a local meaning: `2722`.
    Number(String),
    /// An international number without its `+`: `16137637582`.
    E164(String),
    /// A name with letters.
    Name(String),
    /// `postmaster`, which every domain has.
    Postmaster,
    /// `non-mail-user`: a caller without a mailbox. Never to be answered, and not to be delivered to (5.1.1).
    NonMailUser,
}

/// Why a text is no address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// No `@`, or nothing on one of its sides.
    #[error("an address has the form mailbox@domain")]
    NotAnAddress,
    /// A blank, a control character or something that is not ASCII.
    #[error("an address has only visible ASCII characters")]
    BadCharacter,
    /// More than 15 digits in a number or extension, or more than 64 characters before the `@`.
    #[error(
        "a number has at most {DIGITS_MAX} digits and a mailbox name at most {LOCAL_LEN_MAX} characters"
    )]
    TooLong,
}

impl Address {
    /// Reads `mailbox@domain`.
    pub fn parse(text: &str) -> Result<Address, AddressError> {
        let (local, domain) = text.rsplit_once('@').ok_or(AddressError::NotAnAddress)?;
        if domain.is_empty() {
            return Err(AddressError::NotAnAddress);
        }
        if !domain.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(AddressError::BadCharacter);
        }
        Ok(Address {
            local: LocalPart::parse(local)?,
            domain: domain.to_ascii_lowercase(),
        })
    }
}

impl LocalPart {
    /// Reads what stands before the `@`: `2722`, `2722+111`, `+17035245550+230`, `VPIM=7035255550/EXT=227`, …
    pub fn parse(text: &str) -> Result<LocalPart, AddressError> {
        if text.is_empty() {
            return Err(AddressError::NotAnAddress);
        }
        if text.len() > LOCAL_LEN_MAX {
            return Err(AddressError::TooLong);
        }
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(AddressError::BadCharacter);
        }
        match Service::prefix(text) {
            Some((service, rest)) => LocalPart::at_gateway(service, rest),
            None => LocalPart::plain(text),
        }
    }

    fn at_gateway(service: Service, text: &str) -> Result<LocalPart, AddressError> {
        let mut pieces = text.split('/');
        let mut local = LocalPart::plain(pieces.next().unwrap_or_default())?;
        local.service = Some(service);
        for (key, value) in pieces.filter_map(|piece| piece.split_once('=')) {
            if key.eq_ignore_ascii_case("ext") && is_number(value) {
                checked(value)?;
                local.extension = Some(value.to_string());
            } else {
                local
                    .qualifiers
                    .push((key.to_ascii_uppercase(), value.to_string()));
            }
        }
        Ok(local)
    }

    fn plain(text: &str) -> Result<LocalPart, AddressError> {
        let local = |mailbox, extension| {
            Ok(LocalPart {
                service: None,
                mailbox,
                extension,
                qualifiers: Vec::new(),
            })
        };
        let (international, digits) = text
            .strip_prefix('+')
            .map_or((false, text), |rest| (true, rest));
        let (number, extension) = digits
            .split_once('+')
            .map_or((digits, None), |(n, e)| (n, Some(e)));
        if is_number(number) && extension.is_none_or(is_number) {
            checked(number)?;
            extension.map_or(Ok(()), checked)?;
            let mailbox = if international {
                Mailbox::E164
            } else {
                Mailbox::Number
            };
            return local(mailbox(number.to_string()), extension.map(str::to_string));
        }
        if text.eq_ignore_ascii_case("postmaster") {
            return local(Mailbox::Postmaster, None);
        }
        if text.eq_ignore_ascii_case("non-mail-user") {
            return local(Mailbox::NonMailUser, None);
        }
        if text.is_empty() {
            Err(AddressError::NotAnAddress)
        } else {
            local(Mailbox::Name(text.to_string()), None)
        }
    }
}

impl Service {
    const ALL: [(&'static str, Service); 4] = [
        ("VPIM=", Service::Vpim),
        ("VOICE=", Service::Voice),
        ("FAX=", Service::Fax),
        ("AMIS=", Service::Amis),
    ];

    fn prefix(text: &str) -> Option<(Service, &str)> {
        Service::ALL.iter().find_map(|(name, service)| {
            let (front, rest) = text.split_at_checked(name.len())?;
            front.eq_ignore_ascii_case(name).then_some((*service, rest))
        })
    }

    fn name(self) -> &'static str {
        Service::ALL
            .iter()
            .find(|(_, service)| *service == self)
            .map_or("", |(name, _)| name)
    }
}

impl std::fmt::Display for LocalPart {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.service.map_or("", Service::name))?;
        match &self.mailbox {
            Mailbox::Number(number) => f.write_str(number)?,
            Mailbox::E164(number) => write!(f, "+{number}")?,
            Mailbox::Name(name) => f.write_str(name)?,
            Mailbox::Postmaster => f.write_str("postmaster")?,
            Mailbox::NonMailUser => f.write_str("non-mail-user")?,
        }
        match (&self.extension, self.service) {
            (Some(extension), Some(_)) => write!(f, "/EXT={extension}")?,
            (Some(extension), None) => write!(f, "+{extension}")?,
            (None, _) => {}
        }
        self.qualifiers
            .iter()
            .try_for_each(|(key, value)| write!(f, "/{key}={value}"))
    }
}

impl std::fmt::Display for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}@{}", self.local, self.domain)
    }
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn checked(digits: &str) -> Result<(), AddressError> {
    if digits.len() <= DIGITS_MAX {
        Ok(())
    } else {
        Err(AddressError::TooLong)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn local(text: &str) -> (Option<Service>, Mailbox, Option<String>) {
        let local = LocalPart::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        (local.service, local.mailbox, local.extension)
    }

    fn number(digits: &str) -> Mailbox {
        Mailbox::Number(digits.into())
    }

    fn e164(digits: &str) -> Mailbox {
        Mailbox::E164(digits.into())
    }

    #[test]
    fn the_forms_of_vpim_are_understood() {
        assert_eq!(local("2722"), (None, number("2722"), None));
        assert_eq!(
            local("2722+111"),
            (None, number("2722"), Some("111".into()))
        );
        assert_eq!(local("+16137637582"), (None, e164("16137637582"), None));
        assert_eq!(
            local("+17035245550+230"),
            (None, e164("17035245550"), Some("230".into()))
        );
        assert_eq!(
            local("Glenn_Parsons"),
            (None, Mailbox::Name("Glenn_Parsons".into()), None)
        );
        assert_eq!(local("PostMaster"), (None, Mailbox::Postmaster, None));
        assert_eq!(local("Non-Mail-User"), (None, Mailbox::NonMailUser, None));
    }

    #[test]
    fn the_forms_of_gateways_are_understood() {
        assert_eq!(
            local("VPIM=6137637582"),
            (Some(Service::Vpim), number("6137637582"), None)
        );
        assert_eq!(
            local("vpim=7035255550/ext=227"),
            (
                Some(Service::Vpim),
                number("7035255550"),
                Some("227".into())
            )
        );
        assert_eq!(
            local("VPIM=+17035245550+230"),
            (Some(Service::Vpim), e164("17035245550"), Some("230".into()))
        );
        assert_eq!(
            local("VOICE=+14165977230"),
            (Some(Service::Voice), e164("14165977230"), None)
        );
        assert_eq!(
            local("Fax=7204/T33S=5"),
            (Some(Service::Fax), number("7204"), None)
        );
        let list = LocalPart::parse("VPIM=+14165977230/DL=93").map(|local| local.qualifiers);
        assert_eq!(list, Ok(vec![("DL".into(), "93".into())]));
        let amis = LocalPart::parse("AMIS=2722/SYSNUM=+14165977230")
            .map(|local| (local.service, local.qualifiers));
        assert_eq!(
            amis,
            Ok((
                Some(Service::Amis),
                vec![("SYSNUM".into(), "+14165977230".into())]
            ))
        );
    }

    #[test]
    fn what_is_no_address_is_told_so() {
        assert_eq!(Address::parse("2722"), Err(AddressError::NotAnAddress));
        assert_eq!(
            Address::parse("@vm.example"),
            Err(AddressError::NotAnAddress)
        );
        assert_eq!(Address::parse("2722@"), Err(AddressError::NotAnAddress));
        assert_eq!(
            Address::parse("VPIM=@vm.example"),
            Err(AddressError::NotAnAddress)
        );
        assert_eq!(
            Address::parse("27 22@vm.example"),
            Err(AddressError::BadCharacter)
        );
        assert_eq!(
            Address::parse("ä@vm.example"),
            Err(AddressError::BadCharacter)
        );
        assert_eq!(
            Address::parse("1234567890123456@vm.example"),
            Err(AddressError::TooLong)
        );
        assert_eq!(
            Address::parse("1+1234567890123456@vm.example"),
            Err(AddressError::TooLong)
        );
        assert_eq!(
            Address::parse(&format!("{}@vm", "x".repeat(65))),
            Err(AddressError::TooLong)
        );
    }

    #[test]
    fn what_is_written_reads_the_same() {
        for text in [
            "2722@vm.example",
            "+17035245550+230@vm.example",
            "VPIM=+1416/EXT=5/DL=93@gw.example",
            "FAX=+14165977230/T33S=5@gw.example",
            "postmaster@x",
        ] {
            let address = Address::parse(text);
            assert_eq!(
                address.as_ref().map(ToString::to_string),
                Ok(text.to_string())
            );
        }
        assert_eq!(
            Address::parse("Ann@VM.Example").map(|address| address.domain),
            Ok("vm.example".into())
        );
    }
}
