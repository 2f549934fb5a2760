//! Voice messages as Internet mail.
//!
//! Reads and writes VPIM version 2 (RFC 3801, 3802, 3803, 3804): [`parse()`] turns the bytes of a mail into a [`Message`],
//! [`transcode()`] makes telephone sound of what came compressed,
//! [`judge`] says whether a voice mailbox takes it, [`remarks()`] what its reader is told of sound that cannot be had, [`canonical()`]
//! gives the form in which it is kept, [`said`] what tells it from every other mail, [`Summary`] what an inbox shows of it, and [`build`] makes new ones. [`audio`] decodes and
//! encodes what is heard.
//!
//! Reading is lenient, because old systems are; writing is strict. Everything is pure: no clock, no random numbers, no
//! input or output. Nothing here panics on any input, all work is linear in its length, and so is all memory: [`limits`] bounds what
//! a stranger could otherwise choose. What takes bytes from outside is a plain function of a slice: [`parse()`], [`parse_kept`],
//! [`audio::wav::read`], [`audio::sound_file::read`], [`decode_file`], [`audio::g726::decode`], [`said`], [`Address::parse`](address::Address::parse), [`Party::read_list`], [`Date::read`].
//!
//! What comes out as text for people ([`Envelope`], [`Part::filename`], [`Text::text`], …) is decoded from whatever character set and markup
//! it came in, of a bounded length, and without control characters, those that set the direction of writing, and those that cannot be seen.
//!
//! ```
//! use vpim::{Summary, canonical, judge, parse};
//!
//! let mail = b"From: 21@vm.example\r\nContent-Type: audio/basic\r\n\r\n\xff\xff\xff\xff\xff\xff\xff\xff";
//! let message = parse(mail);
//! judge(&message)?;
//! assert_eq!(Summary::of(&message).voice_ms, 1);
//! let kept = canonical(&message);
//! assert_eq!(parse(&kept), message);
//! # Ok::<(), vpim::Refusal>(())
//! ```
#![forbid(unsafe_code)]

pub mod address;
mod alternative;
pub mod build;
mod canonical;
mod content;
mod data;
mod envelope;
mod fax;
mod heard_file;
mod html;
mod label;
mod legible;
pub mod limits;
mod mime;
mod outbound;
mod parse;
mod part_fields;
mod raw_text;
mod remark;
mod report;
mod said;
mod summary;
mod text;
mod transcode;
mod vcard;
mod verdict;
mod voice;

/// Decodes and encodes what is heard.
pub use codec as audio;

pub use canonical::{Transfer, canonical, encode};
pub use content::{Content, Message, Part};
pub use data::Data;
pub use envelope::{Container, Envelope, Fault, Importance, Sensitivity};
pub use fax::Fax;
pub use heard_file::{FileRefusal, decode_file};
pub use limits::{DEPTH_MAX, FIELDS_MAX, HEADER_LEN_MAX, PARTS_MAX};
pub use mime::date::Date;
pub use mime::field::Field;
pub use mime::party::Party;
pub use outbound::as_vpim;
pub use parse::{parse, parse_kept};
pub use remark::{Remark, remarks};
pub use report::{
    Action, DeliveryReport, Disposition, DispositionReport, RecipientStatus, StatusCode,
};
pub use said::said;
pub use summary::{Kind, Summary};
pub use text::Text;
pub use transcode::{Transcoded, transcode, transcoding_bytes};
pub use vcard::VCard;
pub use verdict::{Refusal, judge};
pub use voice::{Codec, Purpose, Undecodable, Voice};
