//! Who is in the demo, and what they say.

/// Name of the server that is called north.
pub const NORTH: &str = "cp-north.example.net";
/// Name of the server that is called south.
pub const SOUTH: &str = "cp-south.example.net";

/// Somebody with a mailbox.
pub struct Person {
    /// Mailbox number.
    pub mailbox: &'static str,
    /// Display name.
    pub name: &'static str,
    /// The server that the person belongs to.
    pub home: &'static str,
    /// The voice of espeak-ng that sounds like this person.
    pub(crate) voice: &'static str,
}

impl Person {
    /// Easy to type: the demo listens on this machine only.
    pub fn password(&self) -> String {
        format!("demo-{}", self.mailbox)
    }
}

const fn person(
    mailbox: &'static str,
    name: &'static str,
    home: &'static str,
    voice: &'static str,
) -> Person {
    Person {
        mailbox,
        name,
        home,
        voice,
    }
}

/// Everybody.
const PEOPLE: [Person; 12] = [
    person("7200", "Tilde Brask", NORTH, "en-gb+f2"),
    person("7204", "Ravi Sendhal", NORTH, "en-gb+m3"),
    person("7207", "Tessa Quillan", NORTH, "en-us+f4"),
    person("7212", "Oren Halvik", NORTH, "en-gb+m1"),
    person("7214", "Lena Corvick", NORTH, "en-gb+f3"),
    person("7216", "Mira Tandell", NORTH, "en-gb+f1"),
    person("7300", "Bruno Estavel", SOUTH, "en-us+m2"),
    person("7305", "Nadia Ferrow", SOUTH, "en-gb-scotland+f2"),
    person("7309", "Jonas Wetherby", SOUTH, "en-gb+m4"),
    person("7318", "Amara Colwin", SOUTH, "en-us+f1"),
    person("7320", "Piet Sandeman", SOUTH, "en-gb+m7"),
    person("7331", "Ilse Varnhagen", SOUTH, "en-gb+f5"),
];

/// Those whose mailboxes are on the server of this name, [`NORTH`] or [`SOUTH`].
pub fn people(home: &str) -> impl Iterator<Item = &'static Person> {
    PEOPLE.iter().filter(move |person| person.home == home)
}

/// The person with a mailbox.
pub fn person_of(mailbox: &str) -> Option<&'static Person> {
    PEOPLE.iter().find(|person| person.mailbox == mailbox)
}

/// One message of the demo.
pub struct Letter {
    /// Mailbox of the addressee.
    pub to: &'static str,
    /// Mailbox or telephone number of the sender.
    pub from: &'static str,
    /// What the list shows.
    pub subject: &'static str,
    /// How it is marked.
    pub mark: Mark,
    /// What it holds.
    pub content: Content,
}

/// How a message is marked by its sender.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// Not at all.
    None,
    /// Urgent.
    Urgent,
    /// Private.
    Private,
}

/// What a message holds.
pub enum Content {
    /// Words.
    Voice(&'static str),
    /// Words, and a message that came from somebody else.
    Forwarded {
        /// What the forwarder says before it.
        comment: &'static str,
        /// Who left the message that is passed on.
        from: &'static str,
        /// Its subject.
        subject: &'static str,
        /// Its words.
        words: &'static str,
    },
    /// Blank fax pages.
    Fax(u16),
    /// A report that a message to this address was not delivered.
    NotDelivered(&'static str),
}

const fn letter(
    to: &'static str,
    from: &'static str,
    subject: &'static str,
    mark: Mark,
    content: Content,
) -> Letter {
    Letter {
        to,
        from,
        subject,
        mark,
        content,
    }
}

/// All messages, in the order in which they are delivered: the last one is the newest.
pub const LETTERS: [Letter; 21] = [
    letter(
        "7200",
        "7300",
        "Cannot come on Monday",
        Mark::Urgent,
        Content::Voice(
            "Tilde, this is Bruno. I cannot come on Monday, my train was cancelled and the next one arrives in the afternoon. \
         Can you open the south store for me, and let the two drivers in? The keys are with Ilse. \
         I will call you again as soon as I know more. Sorry for the short notice, and thank you.",
        ),
    ),
    letter(
        "7200",
        "7207",
        "Re: Parking permit",
        Mark::Private,
        Content::Voice(
            "Hello Tilde, it is Tessa. About your parking permit: personnel says that it has expired, and they need the number of \
         your new car before they can give you another one. Please tell me, and nobody else, until the list is printed. \
         You can still use the visitors' places until Friday.",
        ),
    ),
    letter(
        "7200",
        "7214",
        "Fwd: Caller asked for a quote",
        Mark::None,
        Content::Forwarded {
            comment: "Tilde, this caller wants a price for forty units by Thursday. I said that you would call back.",
            from: "+442079460107",
            subject: "Call answered for 7214",
            words: "Good morning. My name is Harcourt. We would like to have a quote for forty units of the large size, \
                delivered to our warehouse in Reading, if possible before the end of the month. \
                Please call me back on oh two oh, seven nine four six, oh one oh seven. \
                I am in the office until five today, and again on Thursday morning. \
                If forty is too many, then we would take thirty now, and the rest in spring. Thank you, and good bye.",
        },
    ),
    letter(
        "7200",
        "7204",
        "Rota for the week, please look at Thursday",
        Mark::None,
        Content::Voice(
            "Hi, Ravi here. The rota for the week is done. Please look at Thursday: you and I are both down for the early shift, \
         and nobody is there in the evening. I can change if you cannot.",
        ),
    ),
    letter(
        "7200",
        "7212",
        "Signed order form",
        Mark::Private,
        Content::Fax(3),
    ),
    letter(
        "7200",
        "7212",
        "Not delivered: Price list",
        Mark::None,
        Content::NotDelivered("7999@cp-south.example.net"),
    ),
    letter(
        "7200",
        "+442079460018",
        "Call answered for 7200",
        Mark::None,
        Content::Voice(
            "Good afternoon, this is the office of the harbour authority. We are calling about the delivery that should have arrived \
         at gate four this morning. The driver came at half past ten, but the papers did not name the right consignee, \
         and so the container could not be released. It now stands in the bonded area, where it may stay for three days without \
         charge. To release it we need three things from you. First, a corrected delivery note, with the name of your company \
         as it is in the register. Second, the customs reference, which begins with the letters N S and has eleven digits. \
         Third, the name of the driver who will collect it, and the number of the vehicle. You can send all of it by fax, or \
         bring it to the counter between eight and four. If you have questions, ask for Mister Lindqvist, extension two two \
         nine. We would also like to remind you that from the first of December all deliveries need an appointment, which you make by telephone one day before. Thank you, and good bye.",
        ),
    ),
    letter(
        "7200",
        "7216",
        "New delivery times for the south store",
        Mark::Urgent,
        Content::Voice(
            "Tilde, Mira here, with new delivery times for the south store. From next week on the lorries come at six in the morning \
         and at two in the afternoon, no longer at nine. Somebody has to be there at half past five to open the gate. \
         I have asked Jonas and Amara; both can do it, but not on Wednesdays. Please tell the warehouse today, \
         and call me back if you see a problem with the early one. I am at my desk until four, after that on the mobile phone. \
         Oh, and the invoices now come with the driver, not by post. Thanks, bye.",
        ),
    ),
    letter(
        "7204",
        "7200",
        "Re: Rota",
        Mark::None,
        Content::Voice("Ravi, Thursday is fine. I take the evening."),
    ),
    letter(
        "7207",
        "7318",
        "Lunch",
        Mark::None,
        Content::Voice("Hello Tessa, shall we have lunch at one? Call me, please."),
    ),
    letter(
        "7212",
        "7305",
        "Order form",
        Mark::None,
        Content::Voice(
            "Oren, Nadia here. The order form that you sent has no date on the second page. Could you sign it again, please?",
        ),
    ),
    letter(
        "7214",
        "+441174960042",
        "Call answered for 7214",
        Mark::None,
        Content::Voice(
            "Hello, I wanted to ask whether the shop is open on Saturday. I will try again later.",
        ),
    ),
    letter(
        "7216",
        "7309",
        "Early shift",
        Mark::None,
        Content::Voice(
            "Mira, it is Jonas. I can open the gate on Monday, Tuesday and Friday. On Thursday I would need somebody to stand in.",
        ),
    ),
    letter(
        "7300",
        "7200",
        "Keys",
        Mark::None,
        Content::Voice(
            "Bruno, no problem. I have the keys from Ilse, and the drivers know. See you on Tuesday.",
        ),
    ),
    letter(
        "7300",
        "7320",
        "Stock count",
        Mark::Urgent,
        Content::Voice(
            "Bruno, the count in hall two does not fit the books. We miss eleven boxes. Please look at it before the auditors come.",
        ),
    ),
    letter(
        "7305",
        "7212",
        "Order form, again",
        Mark::None,
        Content::Voice("Nadia, it is signed and on its way by fax."),
    ),
    letter("7305", "7212", "Order form", Mark::None, Content::Fax(2)),
    letter(
        "7309",
        "7216",
        "Thursday",
        Mark::None,
        Content::Voice("Jonas, Amara takes Thursday. Thank you."),
    ),
    letter(
        "7318",
        "7216",
        "Thursday, early",
        Mark::Private,
        Content::Voice(
            "Amara, could you open the gate on Thursday at half past five? Jonas has to see his doctor.",
        ),
    ),
    letter(
        "7320",
        "7300",
        "Fwd: Hall two",
        Mark::None,
        Content::Forwarded {
            comment: "Piet, is this about the same boxes?",
            from: "7331",
            subject: "Hall two",
            words: "There are eleven boxes in the corridor of hall two. Do they belong to anybody?",
        },
    ),
    letter(
        "7331",
        "7200",
        "Keys of the south store",
        Mark::None,
        Content::Voice("Ilse, I will bring the keys back on Tuesday morning. Will you be in?"),
    ),
];
