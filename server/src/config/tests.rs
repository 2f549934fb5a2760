use super::*;

fn parse(text: &str) -> Result<Config, Vec<String>> {
    parse_with(text, &|_| None)
}

fn parse_with(text: &str, env: &dyn Fn(&str) -> Option<String>) -> Result<Config, Vec<String>> {
    match Config::parse(text, "cp.toml", env) {
        Ok(config) => Ok(config),
        Err(ConfigError::Faults(faults)) => Err(faults.iter().map(ToString::to_string).collect()),
        Err(other) => panic!("{other}"),
    }
}

#[test]
fn a_name_is_enough() {
    let config = parse("fqdn = \"CP-North.example.net.\"").unwrap();
    assert_eq!(config.fqdn, "cp-north.example.net");
    assert_eq!((config.gr.accept_wait_ms, config.login.tries_max), (250, 5));
    assert_eq!(config.http_url(), "http://127.0.0.1:8080");
}

#[test]
fn what_is_not_toml_is_the_only_fault_that_is_told() {
    let faults = parse("[http\nfqdn = \"a.example.net\"\n").unwrap_err();
    assert!(
        !faults.is_empty() && faults.iter().all(|f| !f.contains("fqdn is missing")),
        "{faults:?}"
    );
}

#[test]
fn every_fault_is_told_at_once_with_its_line() {
    let faults = parse(
        "fqdn = \"north\"\n[http]\nlisten = \"8080\"\nlissten = 1\n[smtp]\nrecipients_max = 1\nidle_timeout_s = \"x\"\n[gr]\nheartbeat_ms = 40_000\n",
    )
    .unwrap_err();
    let said = |start: &str| {
        assert!(
            faults.iter().any(|f| f.starts_with(start)),
            "{start} in {faults:#?}"
        )
    };
    said("cp.toml:1: fqdn is not a fully qualified domain name");
    said("cp.toml:3: http.listen is \"8080\", but must be an IP address");
    said("cp.toml:4: http.lissten is not a setting; http.listen is");
    said("cp.toml:6: smtp.recipients_max is 1, but must be 100 to 10000");
    said("cp.toml:7: smtp.idle_timeout_s must be a whole number, not a TOML string");
    said("cp.toml: gr.unknown_after_ms must be at least twice gr.heartbeat_ms");
    assert_eq!(faults.len(), 6);
}

#[test]
fn what_is_not_toml_is_told_with_its_line() {
    let faults = parse("fqdn = \"cp.example.net\"\n[http\n").unwrap_err();
    assert!(faults[0].starts_with("cp.toml:2: "), "{faults:?}");
}

#[test]
fn the_environment_comes_before_the_file() {
    let env = |name: &str| (name == "CALLPILOT_SMTP_LISTEN").then(|| "[::1]:25".to_owned());
    let config = parse_with(
        "fqdn = \"a.example\"\n[smtp]\nlisten = \"127.0.0.1:26\"",
        &env,
    )
    .unwrap();
    assert_eq!(config.smtp.listen, "[::1]:25".parse().unwrap());
    let env = |name: &str| (name == "CALLPILOT_SMTP_LISTEN").then(|| "nowhere".to_owned());
    let faults = parse_with("fqdn = \"a.example\"", &env).unwrap_err();
    assert!(
        faults[0].starts_with("CALLPILOT_SMTP_LISTEN: smtp.listen is \"nowhere\""),
        "{faults:?}"
    );
}

#[test]
fn programs_are_told_every_setting_with_its_value_and_bounds() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("callpilot.toml");
    std::fs::write(&file, "fqdn = \"a.example\"\nhttp.list_max = 7\n").unwrap();
    assert!(
        Config::list(Some(&file)).is_err(),
        "there is no such setting"
    );
    std::fs::write(&file, "fqdn = \"a.example\"\nlimits.list_max = 7\n").unwrap();
    let all = Config::list(Some(&file)).unwrap();
    assert_eq!(all.len(), read::defaults().entries.len());
    let one = all.iter().find(|s| s.key == "limits.list_max").unwrap();
    assert_eq!((&one.value, &one.default), (&7.into(), &500.into()));
    assert_eq!((one.given, one.min, one.max), (true, Some(1), Some(5_000)));
    assert!(all.iter().all(|s| !s.default.is_null()), "each has a value");
    let absent = Config::list(Some(&dir.path().join("no.toml"))).unwrap_err();
    assert!(absent.to_string().contains("--print-config"), "{absent}");
}

#[test]
fn the_printed_configuration_names_every_setting_and_reads_back_as_the_defaults() {
    let printed = Config::print(None).unwrap();
    for entry in &read::defaults().entries {
        let name = entry.key.rsplit('.').next().unwrap();
        assert!(
            printed.contains(&format!("\n# {name} = ")),
            "{} is printed",
            entry.key
        );
        assert!(!entry.why.is_empty() && !entry.unit.is_empty());
    }
    let uncommented: String = printed
        .lines()
        .map(|l| match l.strip_prefix("# ") {
            Some(setting)
                if setting
                    .split_once(" = ")
                    .is_some_and(|(k, _)| !k.contains(' ')) =>
            {
                setting
            }
            _ => l,
        })
        .fold(String::new(), |all, line| all + line + "\n")
        .replace("fqdn = \"\"", "fqdn = \"a.example\"");
    let config = parse(&uncommented).unwrap();
    assert_eq!(config.smtp.message_size_max, 20 * 1024 * 1024);
}

#[test]
fn a_url_of_a_server_has_no_path_and_no_slash_at_the_end() {
    let url = |text: &str| text.parse::<BaseUrl>().map(|u| u.to_string()).ok();
    assert_eq!(
        url("https://CP.example.net/").as_deref(),
        Some("https://cp.example.net")
    );
    assert_eq!(
        url("http://[::1]:8080").as_deref(),
        Some("http://[::1]:8080")
    );
    for wrong in [
        "",
        "cp.example.net",
        "ftp://a.b",
        "https://a.b/path",
        "https://u@a.b",
        "https://",
    ] {
        assert_eq!(url(wrong), None, "{wrong}");
    }
}

#[test]
fn relative_paths_count_from_the_folder_of_the_file() {
    let mut config =
        parse("fqdn = \"a.example\"\ndata_dir = \"data\"\n[http]\nweb_root = \"/web\"").unwrap();
    config.resolve(Path::new("/etc/callpilot"));
    assert_eq!(config.data_dir, Path::new("/etc/callpilot/data"));
    assert_eq!(config.http.web_root.as_deref(), Some(Path::new("/web")));
}

#[test]
fn a_password_hash_is_never_printed() {
    let hash = crate::password::hash_blocking("secret", [1; 16]);
    let config = parse(&format!(
        "fqdn = \"a.example\"\n[admin]\npassword_hash = '{hash}'"
    ))
    .unwrap();
    assert_eq!(config.admin.password_hash.as_ref().unwrap().as_str(), hash);
    assert!(!format!("{config:?}").contains("argon2"));
}

#[test]
fn the_audit_runs_at_two_in_the_night_unless_told_otherwise() {
    let audit = |text: &str| parse(&format!("fqdn = \"a.example\"\n{text}")).map(|c| c.gr.audit);
    let default = audit("").unwrap();
    assert_eq!(
        (default.enabled, default.time),
        (true, TimeOfDay::new(2, 0))
    );
    let other = audit("[gr.audit]\nenabled = false\ntime = \"23:05\"").unwrap();
    assert_eq!((other.enabled, other.time), (false, TimeOfDay::new(23, 5)));
    for bad in [
        "\"24:00\"",
        "\"2:00\"",
        "\"02:60\"",
        "\"-1:00\"",
        "\"+1:00\"",
        "2",
    ] {
        let faults = audit(&format!("[gr.audit]\ntime = {bad}")).unwrap_err();
        assert!(
            faults[0].starts_with("cp.toml:3: gr.audit.time"),
            "{faults:?}"
        );
    }
    assert!(audit("gr.audit.enabled = \"perhaps\"").is_err());
}

#[test]
fn settings_that_only_make_sense_together_are_told() {
    let faults = |text: &str| parse(&format!("fqdn = \"a.example\"\n{text}")).unwrap_err();
    let said = faults("[tls]\nkey = \"a.key\"");
    assert!(
        said[0].contains("tls.certificate and tls.key belong together"),
        "{said:?}"
    );
    let said = faults("[http]\nidle_timeout_s = 30");
    assert!(
        said[0].starts_with("cp.toml:3: http.idle_timeout_s must be more than"),
        "{said:?}"
    );
    let said = faults("[http]\ntrusted_proxies = [\"10.0.0.0/40\"]\nclient_header = \"x-real-ip\"");
    assert!(
        said[0].contains("10.1.0.0/16") && said[1].contains("proxy-protocol"),
        "{said:?}"
    );
}

#[test]
fn a_url_of_a_server_says_by_what_it_is_reached() {
    let config = parse(
        "fqdn = \"a.example\"\nhttp.tls = true\ntls.certificate = \"a.crt\"\ntls.key = \"/etc/a.key\"",
    );
    let mut config = config.unwrap();
    config.resolve(Path::new("/etc/callpilot"));
    assert_eq!(config.http_url(), "https://127.0.0.1:8080");
    assert_eq!(
        config.tls.certificate.as_deref(),
        Some(Path::new("/etc/callpilot/a.crt"))
    );
    assert_eq!(config.tls.key.as_deref(), Some(Path::new("/etc/a.key")));
}

#[test]
fn what_strangers_can_make_a_server_hold_is_within_what_is_promised() {
    const PROMISED: usize = 250_000_000;
    let config = parse("fqdn = \"a.example\"").unwrap();
    let of_mails = config.limits.reading_bytes_max / 2;
    assert!(config.limits.bytes_in_flight_max + of_mails <= PROMISED);
    let longest = vpim::limits::READING_FACTOR * config.smtp.message_size_max;
    let longest = longest + vpim::limits::READING_CONSTANT;
    assert!(longest <= of_mails, "the longest mail has room as it is");
}
