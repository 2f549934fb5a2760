use super::{A, ALL, B, OWN, vouched};
use contract::{GrStatus, PartnerState};
use serde_json::json;
use std::path::Path;
use support::{Authority, Pair, Server, until};

/// Two servers that do not know each other.
fn two(root: &Path, settings: [&str; 2]) -> Pair {
    let [a, b] = settings;
    let timers = "gr.heartbeat_ms = 300\ngr.unknown_after_ms = 2000\ngr.down_after_ms = 6000\ngr.probe_ms = 300";
    Pair {
        a: Server::start(root, A, &format!("{timers}\n{a}")),
        b: Server::start(root, B, &format!("{timers}\n{b}")),
    }
}

/// Enters the pair on one side.
fn enter(own: &Server, partner: &Server, tls: Option<&str>) -> GrStatus {
    let mut body = json!({
        "fqdn": partner.fqdn,
        "smtp": partner.smtp.to_string(),
        "http": format!("https://{}", partner.http),
        "password": "tests of the pair 8642",
    });
    if let Some(tls) = tls {
        body["tls"] = tls.into();
    }
    let answer = own
        .admin()
        .ask("PUT", "/api/v1/admin/gr", Some(&body))
        .expect("an answer");
    assert_eq!(answer.status, 200, "{}", answer.json());
    let status: GrStatus = serde_json::from_slice(&answer.body).expect("a status");
    assert!(
        status.since.0 > 0,
        "since when is known at once: {status:?}"
    );
    status
}

fn certificate(server: &Server) -> String {
    let status = Pair::status(server).expect("a status");
    status.tls.certificate.expect("a certificate is shown")
}

/// Waits until this side is connected by TLS.
fn secured(server: &Server) {
    until("a link by TLS", || {
        let tls = Pair::status(server)?.tls;
        (tls.secured && tls.fault.is_none()).then_some(())
    });
}

/// Waits until this side says why it does not believe its partner, and returns that.
fn fault(server: &Server) -> String {
    let fault = until("a fault of TLS", || Pair::status(server)?.tls.fault);
    until("a word in the log", || {
        server
            .log()
            .contains("does not prove who it is, and gets no mail")
            .then_some(())
    });
    let tls = Pair::status(server).expect("a status").tls;
    assert!(!tls.secured, "nothing goes to it");
    fault
}

#[test]
fn a_pair_with_self_made_certificates_pins_fingerprints_that_both_show() {
    let root = tempfile::tempdir().unwrap();
    let pair = two(root.path(), [ALL, ALL]);
    let (of_a, of_b) = (certificate(&pair.a), certificate(&pair.b));
    assert_ne!(of_a, of_b);
    assert_eq!(
        enter(&pair.a, &pair.b, Some(&of_b)).tls.partner.as_ref(),
        Some(&of_b)
    );
    enter(&pair.b, &pair.a, Some(&of_a.to_lowercase()));
    pair.running();
    secured(&pair.a);
    secured(&pair.b);
    let said = pair.b.command(&["gr", "status"]);
    let text = String::from_utf8_lossy(&said.stdout).into_owned();
    assert!(text.contains(&format!("Certificate   {of_b}")), "{text}");
    assert!(
        text.contains(&format!(
            "Link by TLS   ✓ trusts the partner by its fingerprint {of_a}"
        )),
        "{text}"
    );

    // Whoever enters the password anew keeps TLS; whoever says so gives it up.
    assert_eq!(
        enter(&pair.a, &pair.b, None).tls.partner.as_ref(),
        Some(&of_b)
    );
    secured(&pair.a);
    pair.running();
    assert_eq!(enter(&pair.a, &pair.b, Some("off")).tls.partner, None);
    pair.running();
    assert!(!Pair::status(&pair.a).unwrap().tls.secured);
}

#[test]
fn a_partner_with_another_certificate_than_the_pinned_one_gets_no_mail_and_it_is_said_why() {
    let root = tempfile::tempdir().unwrap();
    let pair = two(root.path(), [ALL, ALL]);
    let (of_a, of_b) = (certificate(&pair.a), certificate(&pair.b));
    enter(&pair.b, &pair.a, Some(&of_a));
    enter(&pair.a, &pair.b, Some(&of_a));
    assert_eq!(
        fault(&pair.a),
        format!("its certificate is {of_b}, but {of_a} is pinned")
    );
    assert_ne!(Pair::status(&pair.b).unwrap().state, PartnerState::Running);
    let doctor = pair.a.command(&["doctor"]);
    let text = String::from_utf8_lossy(&doctor.stdout).into_owned();
    assert!(
        !doctor.status.success() && text.contains("does not prove who it is"),
        "{text}"
    );

    enter(&pair.a, &pair.b, Some(&of_b));
    pair.running();
    secured(&pair.a);
}

#[test]
fn a_partner_without_starttls_gets_no_mail_when_it_is_to_be_verified() {
    let root = tempfile::tempdir().unwrap();
    let pair = two(root.path(), [ALL, "http.tls = true"]);
    let of_b = certificate(&pair.b);
    enter(&pair.a, &pair.b, Some(&of_b));
    assert!(fault(&pair.a).contains("does not offer STARTTLS"));
}

#[test]
fn by_name_an_authority_has_to_vouch_and_a_certificate_that_is_put_right_is_taken_at_once() {
    let root = tempfile::tempdir().unwrap();
    let file = |name: &str| root.path().join(name);
    let roots = file("roots.crt");
    let (authority, stranger) = (Authority::new(&roots), Authority::new(&file("other.crt")));
    vouched(root.path(), A, &authority, &roots);
    // The right name, and nobody whom A knows vouches for it.
    vouched(root.path(), B, &stranger, &file("other.crt"));
    let settings = format!("{ALL}\n{OWN}");
    let mut pair = two(root.path(), [&settings, &settings]);
    enter(&pair.a, &pair.b, Some("name"));
    let said = fault(&pair.a);
    assert!(said.contains("invalid peer certificate"), "{said}");

    // A certificate of another name is as little worth.
    authority.vouch_for("cp-c.test.example", pair.b.dir());
    pair.b.signal("HUP");
    until("another fault", || {
        let fault = Pair::status(&pair.a)?.tls.fault?;
        fault.contains("not valid for name").then_some(())
    });

    authority.vouch_for(B, pair.b.dir());
    std::fs::copy(&roots, pair.b.dir().join("roots.crt")).unwrap();
    pair.b.signal("HUP");
    secured(&pair.a);
    pair.b.tls = Some(pair.b.own_tls());
    enter(&pair.b, &pair.a, Some("name"));
    pair.running();
    secured(&pair.b);
}

#[test]
fn nonsense_instead_of_a_fingerprint_is_refused_and_the_pair_stays_as_it_was() {
    let root = tempfile::tempdir().unwrap();
    let server = Server::start(root.path(), A, ALL);
    let body = json!({
        "fqdn": B,
        "smtp": "127.0.0.1:25",
        "http": "http://127.0.0.1:80",
        "password": "tests of the pair 8642",
        "tls": "SHA256:AB:CD",
    });
    let answer = server
        .admin()
        .ask("PUT", "/api/v1/admin/gr", Some(&body))
        .unwrap();
    assert_eq!(answer.status, 400, "{}", answer.json());
    assert_eq!(Pair::status(&server).unwrap().partner, None);
}
