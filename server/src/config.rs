//! The configuration: one TOML file, each setting declared once with its default, its unit and its reason.
//!
//! The declarations below are what is read, what is checked and what `callpilot serve --print-config` prints. A setting can also be
//! given by the environment: `smtp.listen` is `CALLPILOT_SMTP_LISTEN`, which comes before the file. All faults are reported at once.
//! Relative paths count from the folder of the file.

mod print;
mod read;
mod value;

pub use print::PrintedSetting;
pub use read::{ConfigError, Fault};
pub use value::{BaseUrl, ClientHeader, LogFormat, PasswordHash, TimeOfDay};

use crate::network::Network;
use crate::outgoing::hop::Hop;
use read::{Reader, settings};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// Fewest characters of an administrator's password, unless it is configured.
pub const ADMIN_PASSWORD_LENGTH_MIN: usize = 10;

settings! {
    /// One server. What it is called and where it keeps its data.
    pub struct Config [""] {
        /// Fully qualified domain name: the server's identity in its pair and the domain of its mailboxes. It never changes.
        fqdn: String = String::new(), "name";
        /// Folder of everything that must survive a restart. Only the server's own account may read it.
        data_dir: PathBuf = "/var/lib/callpilot".into(), "path";
        /// Base DN of the address book, the same on both servers of a pair.
        search_base: String = "ou=voice,o=example".into(), "DN";
    }
    sections {
        /// My CallPilot and its API.
        http: Http, smtp: Smtp, mailbox: Mailboxes, disk: Disk, scrub: Scrub, upkeep: Upkeep, gr: Gr, login: LoginRules, admin: Admin, trail: Trail, limits: Limits, tls: Tls, log: Log,
    }
}

settings! {
    /// My CallPilot, its API and what monitoring reads.
    pub struct Http ["http"] {
        /// Where to listen; with port 0 the system chooses, and run.json in the data folder says what it chose.
        listen: SocketAddr = ([127, 0, 0, 1], 8080).into(), "address:port";
        /// Whether it speaks HTTPS, and nothing else, with the certificate of section [tls].
        tls: bool = false, "true or false";
        /// What browsers call this server; empty: http:// or https:// and the address that it listens on.
        public_url: Option<BaseUrl> = None, "URL";
        /// Folder of the built My CallPilot (index.html, sw.js, assets); read once at start. Empty: the API alone.
        web_root: Option<PathBuf> = None, "path";
        /// Web pages of other origins that may use the API. This server's and its partner's own are always allowed.
        allowed_origins: Vec<BaseUrl> = Vec::new(), "URLs";
        /// Further names that this server is called by in URLs, without port. Requests for another name than these, `fqdn`, the host of
        /// `public_url`, an address or localhost are refused (421): somebody else may have given his name this server's address.
        hosts: Vec<String> = Vec::new(), "names";
        /// Where /metrics, /healthz and /api/openapi.json are answered besides, to everybody who reaches it. Then http.listen answers the first and
        /// the last to administrators alone. Empty: nowhere.
        monitoring_listen: Option<SocketAddr> = None, "address:port";
        /// Who may read /metrics and /api/openapi.json at http.listen without being an administrator. An own proxy on this machine counts as
        /// this machine, unless it is one of trusted_proxies.
        monitoring_networks: Vec<Network> = Network::loopback(), "networks";
        /// Open connections. When there are more, the one that has waited longest for its client makes room; if none waits, new ones do. Each
        /// open page holds one or two.
        connections_max: usize = 2_000, "connections", 1..=1_000_000;
        /// Open connections from one network address (IPv6: one /64). When there are more, the one of them that has waited longest makes
        /// room; if none waits, new ones are turned away, those of trusted proxies never. 0: half of all.
        connections_per_address_max: usize = 0, "connections", 0..=1_000_000;
        /// How long a connection may wait for the head of a request, the first and the next one, in whatever version of HTTP, so that
        /// idle ones do not use up the room.
        head_timeout_s: u64 = 60, "seconds", 1..=600;
        /// A connection on which nothing moves in either direction for so long is closed, and so is one whose client does not take the
        /// next 64 KiB of an answer.
        idle_timeout_s: u64 = 120, "seconds", 1..=3_600;
        /// Proxies in front of this listener: they may say for which client they ask, and his address is the one that limits are kept for.
        trusted_proxies: Vec<Network> = Vec::new(), "networks";
        /// How they say it. The header must be one that they write themselves, else clients write it.
        client_header: ClientHeader = ClientHeader::ForwardedFor, "x-forwarded-for, forwarded or proxy-protocol";
        /// How long a request may take, event streams aside.
        request_timeout_s: u64 = 30, "seconds", 1..=600;
        /// Largest request body. Requests are small; sound comes by SMTP.
        body_size_max: usize = 256 * 1024, "bytes", 1_024..=67_108_864;
        /// A comment line is sent on an idle event stream this often, so that clients and proxies know it lives.
        events_comment_s: u64 = 15, "seconds", 1..=300;
        /// Event streams of one user: open pages and plug-ins together.
        events_per_user_max: usize = 16, "streams", 1..=10_000;
        /// Event streams altogether.
        events_max: usize = 1_500, "streams", 1..=1_000_000;
        /// How long a stop waits for requests that are being answered.
        stop_timeout_s: u64 = 10, "seconds", 0..=300;
    }
}

settings! {
    /// Voice messages in, and the mail between the two servers of a pair.
    pub struct Smtp ["smtp"] {
        /// Where to listen; with port 0 the system chooses, and run.json in the data folder says what it chose.
        listen: SocketAddr = ([127, 0, 0, 1], 2525).into(), "address:port";
        /// Whether clients may go over to TLS by STARTTLS (RFC 3207), with the certificate of section [tls]. A GR partner that verifies
        /// this server needs it.
        starttls: bool = false, "true or false";
        /// Where to listen besides, for connections that begin with TLS (RFC 8314; port 465). Empty: nowhere.
        tls_listen: Option<SocketAddr> = None, "address:port";
        /// Largest message; announced by SIZE (RFC 1870). 20 MiB are 87 minutes of G.726.
        message_size_max: usize = 20 * 1024 * 1024, "bytes", 65_536..=1_073_741_824;
        /// Open connections. When there are more, the one that has waited longest for its client makes room; if none waits, new ones are
        /// answered 421. Four of them (of few, an eighth) are the GR partner's.
        connections_max: usize = 200, "connections", 1..=100_000;
        /// Open connections from one network address (IPv6: one /64). When there are more, the one of them that has waited longest makes
        /// room; if none waits, new ones are answered 421. 0: half of all.
        connections_per_address_max: usize = 0, "connections", 0..=100_000;
        /// Proxies in front of this listener: they begin each connection with a header of the PROXY protocol (version 1 or 2).
        trusted_proxies: Vec<Network> = Vec::new(), "networks";
        /// Recipients of one message; more are answered 452 (RFC 5321 section 4.5.3.1.8 asks for at least 100).
        recipients_max: usize = 100, "recipients", 100..=10_000;
        /// A connection that says nothing for so long is closed (RFC 5321 section 4.5.3.2.7 asks for 5 minutes).
        idle_timeout_s: u64 = 300, "seconds", 1..=3_600;
        /// A connection that has named no recipient of this server so long after its beginning is closed, whatever else it says.
        first_recipient_timeout_s: u64 = 60, "seconds", 1..=3_600;
        /// Further names of this server in addresses, beside its own and its partner's: domains, or literals such as [127.0.0.1].
        domains: Vec<String> = Vec::new(), "domains";
        /// How long a stop waits for clients to take the answers to what was accepted.
        stop_timeout_s: u64 = 10, "seconds", 0..=300;
        /// Networks whose word on the sender of a message is believed: VPIM peers, own telephone systems and mail clients. A message from elsewhere
        /// that says it comes from a mailbox of this pair is marked: its sender is unverified.
        peer_networks: Vec<Network> = Vec::new(), "networks";
        /// File of peers that sign in instead (AUTH, by TLS): a line for each, with its name, a blank, and the hash of its password as
        /// `callpilot hash-password` prints it. Owners of mailboxes sign in by number and password, and are believed for their own mailbox.
        /// A changed file is taken into use as a certificate is (tls.reload_s, SIGHUP); one that cannot be used leaves those of before.
        peers_file: Option<PathBuf> = None, "path";
        /// Whether mail is taken only from those, and from the partner's networks. Mail to postmaster always is.
        peers_only: bool = false, "true or false";
        /// Whether what those who are believed hand on is listed under the date that it bears, and not under the moment at which it came: for taking
        /// over the messages of another system. A date of the future counts as now.
        peers_date_messages: bool = false, "true or false";
        /// Mailbox number that mail to postmaster goes to (RFC 5321 section 4.5.1). Empty: such mail is refused.
        postmaster: Option<String> = None, "mailbox number";
    }
    sections {
        /// How much strangers may leave, and sending to other systems.
        rates: Rates, outgoing: OutgoingMail,
    }
}

settings! {
    /// How much mail may be left in a minute, so that nobody fills all mailboxes and the disk at once. Above it mail is put off (450 4.7.1).
    /// Mail between the two servers of a pair is not counted. 0: no bound.
    pub struct Rates ["smtp.rates"] {
        /// Messages of one sender (reverse path) at one network address (IPv6: one /64). Nobody speaks five messages in a second; telephone
        /// systems that send in the name of one address may.
        sender_messages_per_minute: u64 = 300, "messages", 0..=1_000_000_000;
        /// Their bytes: 256 MiB are eighteen hours of G.726.
        sender_bytes_per_minute: u64 = 256 * 1024 * 1024, "bytes", 0..=1_099_511_627_776;
        /// Messages of all senders at one network address together.
        address_messages_per_minute: u64 = 3_000, "messages", 0..=1_000_000_000;
        /// Their bytes.
        address_bytes_per_minute: u64 = 1024 * 1024 * 1024, "bytes", 0..=1_099_511_627_776;
        /// Recipients that are not here which one network address may name in an hour; then it is told of none for a while (450), so that nobody finds
        /// out which mailboxes there are. Whoever is believed (smtp.peer_networks, AUTH) may name any number.
        unknown_recipients_per_hour: u64 = 60, "recipients", 0..=1_000_000_000;
        /// Networks whose mail is not counted: other servers of the network, own telephone systems. What comes from this machine itself comes
        /// through a relay or a proxy that has limits of its own.
        exempt: Vec<Network> = Network::loopback(), "networks";
    }
}

settings! {
    /// Sending to other systems. What was accepted for them is on both servers of a pair; the one that took it delivers it, and while that one is out, the
    /// other.
    pub struct OutgoingMail ["smtp.outgoing"] {
        /// File of the systems of the network, a line for each: its domain, where its mail goes, as HOST or HOST:PORT, and, where they are wanted,
        /// tls=POLICY (opportunistic, required, never, or the fingerprint SHA256:… of its certificate), user=NAME and password_file=PATH (by tls=required), and
        /// prefix=DIGITS/OVERLAP: what people dial before a mailbox number there, once for each prefix. Lines that begin with # are for people. A changed file is
        /// taken into use as a certificate is (tls.reload_s, SIGHUP); one that cannot be used leaves the systems of before. The same on both servers of a pair.
        routes_file: Option<PathBuf> = None, "path";
        /// Where mail for all other domains goes: a relay, written as in that file, without domain and prefixes. Empty: by_name decides.
        relay: Option<Hop> = None, "HOST:PORT and options";
        /// Whether, without a relay, mail for a domain that nobody has named goes to the servers that DNS gives for it (MX). Without both, such
        /// addresses are refused when they are entered.
        by_name: bool = true, "true or false";
        /// Name servers that are asked for those. Empty: the system's (/etc/resolv.conf).
        name_servers: Vec<SocketAddr> = Vec::new(), "address:port";
        /// The port at which servers that DNS gives are reached.
        port: u32 = 25, "port", 1..=65_535;
        /// What could not be delivered is tried again after so long, and after twice as long each further time.
        retry_first_ms: u64 = 60_000, "milliseconds", 10..=86_400_000;
        /// But never after more than this.
        retry_max_ms: u64 = 3_600_000, "milliseconds", 10..=86_400_000;
        /// So long it is tried (RFC 5321 section 4.5.4.1 asks for 4 to 5 days). Then its sender is told that it was not delivered.
        give_up_s: u64 = 432_000, "seconds", 1..=2_592_000;
        /// What is not delivered after so long its sender is told of once. 0: never.
        delay_notice_s: u64 = 14_400, "seconds", 0..=2_592_000;
        /// So long `callpilot queue list` shows what has ended.
        keep_ended_s: u64 = 86_400, "seconds", 0..=2_592_000;
        /// Connections to other systems at once, one to each.
        connections_max: usize = 8, "connections", 1..=1_000;
        /// Messages that are on their way, or have lately been, on both servers of a pair.
        messages_max: u64 = 10_000, "messages", 1..=1_000_000;
        /// Messages of one mailbox that are on their way.
        messages_per_user_max: u64 = 200, "messages", 1..=1_000_000;
    }
}

settings! {
    /// What one mailbox may hold.
    pub struct Mailboxes ["mailbox"] {
        /// Content of all messages of one mailbox, Deleted aside; above it new ones are put off with 4.2.2.
        size_max: u64 = 512 * 1024 * 1024, "bytes", 65_536..=1_099_511_627_776;
        /// Messages of one mailbox, Deleted aside; above it new ones are put off with 4.2.2.
        messages_max: u64 = 5_000, "messages", 1..=1_000_000;
        /// Content of the messages in Deleted of one mailbox. Deleting always works; above this new messages are put off with 4.2.2 until
        /// Deleted has been emptied, by its owner or by its age.
        deleted_size_max: u64 = 512 * 1024 * 1024, "bytes", 65_536..=1_099_511_627_776;
        /// The same for their number.
        deleted_messages_max: u64 = 5_000, "messages", 1..=1_000_000;
        /// What may be recorded and attached in all drafts of one mailbox together.
        drafts_size_max: u64 = 128 * 1024 * 1024, "bytes", 65_536..=1_099_511_627_776;
        /// Messages of one mailbox that are being composed.
        drafts_max: u64 = 100, "drafts", 1..=10_000;
        /// How long a deleted message can be brought back.
        deleted_keep_days: u64 = 7, "days", 1..=365;
    }
}

settings! {
    /// What a server does when its disk is nearly full. New messages are put off then, and deleting goes on. Of a small disk neither
    /// figure takes more than an eighth.
    pub struct Disk ["disk"] {
        /// New messages, recordings and users are put off (452, 507) when less than this would be left free. 0: never.
        spare: u64 = 128 * 1024 * 1024, "bytes", 0..=1_099_511_627_776;
        /// What the partner has accepted is taken until less than this would be left free, so that strangers who fill one disk do not keep the
        /// other server's messages on one server only. At most half of `spare`. 0: as long as there is any room.
        partner_spare: u64 = 32 * 1024 * 1024, "bytes", 0..=1_099_511_627_776;
        /// Kept back as the file `reserve` in the data folder, and given up to deletions, log-ins and the partner's acknowledgements
        /// when other programs have filled the disk. Each needs some hundred bytes; the log of the database some MiB. 0: none.
        reserve: u64 = 64 * 1024 * 1024, "bytes", 0..=1_099_511_627_776;
    }
}

settings! {
    /// House-keeping: emptying Deleted, and giving disk space back.
    pub struct Upkeep ["upkeep"] {
        /// How often. A deleted message can stay this much longer than mailbox.deleted_keep_days.
        every_s: u64 = 600, "seconds", 1..=86_400;
    }
}

settings! {
    /// Geographic redundancy: how the two servers watch and feed each other. The same on both.
    pub struct Gr ["gr"] {
        /// How long an accepted message waits for the partner's acknowledgement while the partner is running, before the sender is
        /// answered all the same. 0: never wait.
        accept_wait_ms: u64 = 250, "milliseconds", 0..=10_000;
        /// A sign of life is sent this often when nothing else is.
        heartbeat_ms: u64 = 15_000, "milliseconds", 50..=600_000;
        /// Without proof of two-way life for so long the partner's state is unknown: at least two signs of life were missed.
        unknown_after_ms: u64 = 60_000, "milliseconds", 200..=3_600_000;
        /// Without proof of two-way life for so long the partner is down.
        down_after_ms: u64 = 300_000, "milliseconds", 400..=86_400_000;
        /// While the partner's state is unknown it is asked at least this often whether it is back; while it is down, a quarter as often.
        probe_ms: u64 = 15_000, "milliseconds", 50..=600_000;
        /// Where the partner's mail comes from. Mail to its address (gr-sync) from elsewhere is refused with 550 5.7.1, and the SMTP
        /// connections kept back for the partner are these networks' from the start. Empty: from anywhere; the partner is known by
        /// mail that opens with the key of the pair.
        partner_networks: Vec<Network> = Vec::new(), "networks";
    }
    sections {
        /// The nightly audit.
        audit: Audit,
    }
}

settings! {
    /// The nightly audit: each server compares its list of users with its partner's. Missing GR users are created anew, GR users whose
    /// original is gone are deleted.
    pub struct Audit ["gr.audit"] {
        /// Whether this server audits. One of the two is enough; both do no harm.
        enabled: bool = true, "true or false";
        /// When, in this machine's time zone. Up to 20 minutes drawn at random come on top, so that both servers do not begin together.
        time: TimeOfDay = TimeOfDay::new(2, 0), "hh:mm";
    }
}

settings! {
    /// Reading through everything that is stored, so that what a disk has lost is found while the partner still has it.
    pub struct Scrub ["scrub"] {
        /// How fast. The disk has other things to do: at 4 MiB a second 100 GB take seven hours.
        bytes_per_second: u64 = 4 * 1024 * 1024, "bytes a second", 4_096..=1_073_741_824;
        /// How often a pass over everything begins. Both copies of something rarely go bad within a week. 0: one after the other.
        every_days: u64 = 7, "days", 0..=365;
    }
}

settings! {
    /// Passwords and sessions.
    pub struct LoginRules ["login"] {
        /// Wrong passwords for one mailbox from one network address (IPv6: one /64) until it has to wait: 15 seconds, and twice as long
        /// after each further one, up to 15 minutes. After 15 minutes without a wrong one they are forgotten.
        tries_max: u32 = 5, "tries", 1..=100;
        /// Wrong passwords for one mailbox in 15 minutes from everywhere, until addresses that have not lately signed in to it have to wait.
        /// It is against those who guess from many addresses. 0: any number.
        account_tries_max: u32 = 100, "tries", 0..=1_000_000;
        /// Log-ins from one network address (IPv6: one /64) in a burst.
        address_burst: u32 = 30, "log-ins", 1..=10_000;
        /// Log-ins from one network address that are allowed again each minute after a burst.
        address_per_minute: u32 = 20, "log-ins", 1..=10_000;
        /// How long a session lasts without renewal. Open pages renew theirs.
        session_hours: u64 = 12, "hours", 1..=720;
        /// Shortest password that is taken.
        password_length_min: usize = 4, "characters", 1..=128;
        /// So many of a user's passwords, the present one among them, cannot be taken again by the user. 0: only the present one.
        password_history: usize = 3, "passwords", 0..=24;
        /// Older passwords have to be changed at the next sign-in, before anything else. 0: any age is good.
        password_days: u64 = 0, "days", 0..=3_650;
        /// Passwords hashed at the same time; each takes 19 MiB. 0: as many as there are processors.
        hashing_max: usize = 0, "hashes", 0..=1_024;
    }
}

settings! {
    /// Administration by HTTP. The command line on this machine needs none of it: it uses the socket in the data folder. Administrators have
    /// accounts of their own (`callpilot admin`), the same on both servers of a pair; name and password here are for the time before.
    pub struct Admin ["admin"] {
        /// Name for HTTP Basic authentication, until there is an administrator's account.
        user: String = "admin".into(), "name";
        /// Hash of the password, as `callpilot hash-password` prints it. Without hash and file only accounts, and socket and token file in
        /// the data folder, open the door.
        password_hash: Option<PasswordHash> = None, "PHC string";
        /// File with the password on its first line, instead of the hash.
        password_file: Option<PathBuf> = None, "path";
        /// Whether this name and password go on opening the door when there is an administrator's account. They have no second factor,
        /// and everybody who uses them has the same name in the audit trail.
        keep_password: bool = false, "true or false";
        /// Whether administrators need a second factor: a code that an application shows. Who has none sets one up before anything else.
        second_factor_required: bool = false, "true or false";
        /// Shortest password of an administrator.
        password_length_min: usize = ADMIN_PASSWORD_LENGTH_MIN, "characters", 8..=128;
        /// How long an administrator's session lasts without renewal. Programs renew theirs while they are used.
        session_idle_minutes: u64 = 30, "minutes", 1..=1_440;
        /// How long it lasts at most, however often it is renewed.
        session_hours: u64 = 12, "hours", 1..=168;
    }
}

settings! {
    /// The audit trail: administrative acts, sign-ins, and who was refused. `callpilot audit-trail` reads it.
    pub struct Trail ["trail"] {
        /// How long entries are kept.
        keep_days: u64 = 365, "days", 1..=3_650;
        /// Entries of each of the three kinds that are kept; beyond it the oldest go. One takes some 200 bytes, and never more than 2 kB.
        entries_max: u64 = 200_000, "entries", 1_000..=10_000_000;
    }
}

settings! {
    /// Bounds of what the server takes on at once.
    pub struct Limits ["limits"] {
        /// Users on one server, GR users included.
        users_max: u64 = 100_000, "users", 1..=10_000_000;
        /// Messages in one answer of a message list.
        list_max: usize = 500, "messages", 1..=5_000;
        /// What all clients together may be sending at once, over HTTP and SMTP, before more is put off (421, 503). Strangers can make the
        /// server hold this and half of limits.reading_bytes_max.
        bytes_in_flight_max: usize = 128 * 1024 * 1024, "bytes", 16_777_216..=1_099_511_627_776;
        /// The same for one network address (IPv6: one /64). It is never less than the longest mail of the GR partner. 0: half of all.
        bytes_in_flight_per_address_max: usize = 0, "bytes", 0..=1_099_511_627_776;
        /// Memory for reading mails and messages at once. A mail counts with four times its length and 1 MiB, which it never exceeds. One
        /// half is for mail that comes in, which is put off (452) when it waits too long for it, the other for answers to users (503).
        reading_bytes_max: usize = 192 * 1024 * 1024, "bytes", 16_777_216..=4_294_967_296;
        /// How long a connection may take for what comes before its protocol: the header of a proxy, and TLS.
        handshake_timeout_s: u64 = 10, "seconds", 1..=300;
    }
}

settings! {
    /// TLS: the certificate that this server shows on http.listen and smtp.listen where that is wanted, and whom it trusts.
    pub struct Tls ["tls"] {
        /// File (PEM) with this server's certificate first, then those that vouch for it. Empty: the server makes one for itself, once,
        /// as tls.crt in the data folder; others then trust its fingerprint, which `callpilot gr status` shows.
        certificate: Option<PathBuf> = None, "path";
        /// File (PEM) with its private key.
        key: Option<PathBuf> = None, "path";
        /// File (PEM) with the authorities that the GR partner's certificate is verified against, where it is verified by name. Empty:
        /// those that the system trusts.
        roots: Option<PathBuf> = None, "path";
        /// The files are looked at this often, and at SIGHUP; a new certificate is used from then on, without a restart. So is smtp.peers_file.
        reload_s: u64 = 60, "seconds", 1..=86_400;
    }
}

settings! {
    /// The server's log, on standard error.
    pub struct Log ["log"] {
        /// `human` for a terminal, `json` for a collector.
        format: LogFormat = LogFormat::Human, "human or json";
        /// Least level, or rules such as `info,server::smtp=debug`. Addresses of people appear from debug on, passwords never.
        level: String = "info".into(), "level";
    }
}

impl Config {
    /// Reads a file and the process's environment.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path).map_err(|e| ConfigError::of_file(path, e))?;
        let mut config = Self::parse(&text, &path.display().to_string(), &from_environment)?;
        config.resolve(path.parent().unwrap_or(Path::new("")));
        Ok(config)
    }

    /// Reads a text; `env` answers for environment variables.
    pub fn parse(
        text: &str,
        name: &str,
        env: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, ConfigError> {
        read::parse(text, name, env).map(|(config, _)| config)
    }

    /// A file with every setting: those of `path` as they are, all others as comments with their defaults.
    pub fn print(path: Option<&Path>) -> Result<String, ConfigError> {
        let (text, name) = text_and_name(path)?;
        print::print(&text, &name)
    }

    /// The same for programs.
    ///
    /// # Errors
    /// As [`Config::print`].
    pub fn list(path: Option<&Path>) -> Result<Vec<PrintedSetting>, ConfigError> {
        let (text, name) = text_and_name(path)?;
        print::list(&text, &name)
    }

    /// What holds between settings.
    fn check(&mut self, reader: &mut Reader<'_>) {
        self.fqdn = self.fqdn.trim_end_matches('.').to_ascii_lowercase();
        if self.fqdn.is_empty() {
            reader.fault(
                "fqdn",
                "is missing: it is the server's name, for example cp-north.example.net",
            );
        } else if !is_host_name(&self.fqdn) {
            reader.fault(
                "fqdn",
                "is not a fully qualified domain name such as cp-north.example.net",
            );
        }
        if self.gr.unknown_after_ms < 2 * self.gr.heartbeat_ms {
            reader.fault(
                "gr.unknown_after_ms",
                "must be at least twice gr.heartbeat_ms, or one lost sign of life stops the pair",
            );
        }
        if self.gr.down_after_ms <= self.gr.unknown_after_ms {
            reader.fault("gr.down_after_ms", "must be more than gr.unknown_after_ms");
        }
        if self.http.idle_timeout_s <= self.http.events_comment_s.max(self.http.request_timeout_s) {
            reader.fault(
                "http.idle_timeout_s",
                "must be more than http.events_comment_s and http.request_timeout_s, or connections are closed that only wait",
            );
        }
        for name in &mut self.http.hosts {
            *name = name.trim().trim_end_matches('.').to_ascii_lowercase();
            if name.is_empty() || name.contains(['/', ':', '@', ' ']) {
                let what =
                    format!("holds \"{name}\", but must be names alone, such as voice.example.net");
                reader.fault("http.hosts", &what);
            }
        }
        if self.tls.certificate.is_some() != self.tls.key.is_some() {
            reader.fault(
                "tls.certificate",
                "and tls.key belong together: name both files, or none",
            );
        }
        if self.admin.password_hash.is_some() && self.admin.password_file.is_some() {
            reader.fault(
                "admin.password_file",
                "stands beside admin.password_hash: only one of the two can be meant",
            );
        }
        if let Err(fault) = self.log.level.parse::<tracing_subscriber::EnvFilter>() {
            reader.fault("log.level", &format!("is not a level: {fault}"));
        }
    }

    fn resolve(&mut self, folder: &Path) {
        self.data_dir = folder.join(&self.data_dir);
        let relay = self.smtp.outgoing.relay.as_mut();
        if let Some((_, file)) = relay.and_then(|hop| hop.sign_in.as_mut()) {
            *file = folder.join(&*file);
        }
        let paths = [
            &mut self.http.web_root,
            &mut self.admin.password_file,
            &mut self.smtp.peers_file,
            &mut self.smtp.outgoing.routes_file,
            &mut self.tls.certificate,
            &mut self.tls.key,
            &mut self.tls.roots,
        ];
        for path in paths.into_iter().flatten() {
            *path = folder.join(&*path);
        }
    }

    /// What browsers call this server. Known once the listener is bound, if the file does not say.
    pub fn http_url(&self) -> String {
        match &self.http.public_url {
            Some(url) => url.to_string(),
            None => format!("{}://{}", self.scheme(), self.http.listen),
        }
    }

    /// How a URL of the HTTP listener begins.
    pub fn scheme(&self) -> &'static str {
        if self.http.tls { "https" } else { "http" }
    }

    /// Whether any listener shows a certificate.
    pub fn needs_certificate(&self) -> bool {
        self.http.tls || self.smtp.starttls || self.smtp.tls_listen.is_some()
    }
}

/// The text of a file and the name by which its faults are told; nothing if there is none.
fn text_and_name(path: Option<&Path>) -> Result<(String, String), ConfigError> {
    let Some(path) = path else {
        return Ok(Default::default());
    };
    let text = std::fs::read_to_string(path).map_err(|e| ConfigError::of_file(path, e))?;
    Ok((text, path.display().to_string()))
}

fn from_environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// RFC 1123 section 2.1: labels of letters, digits and hyphens, at least two of them.
pub fn is_host_name(name: &str) -> bool {
    let label = |l: &str| {
        (1..=63).contains(&l.len())
            && l.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && !l.starts_with('-')
            && !l.ends_with('-')
    };
    name.len() <= 253 && name.contains('.') && name.split('.').all(label)
}

#[cfg(test)]
mod tests;
