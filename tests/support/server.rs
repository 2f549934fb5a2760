//! One server process with a data folder of its own.

use crate::{Http, LIMIT, Smtp, Tls, until};
use contract::{MessageDetail, MessageList};
use serde_json::{Value, json};
use std::env;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::Instant;

/// The password of every user that [`Server::add_user`] makes.
pub const PASSWORD: &str = "tests-2468";

/// A server. It is killed when this is dropped.
#[derive(Debug)]
pub struct Server {
    /// Its name.
    pub fqdn: String,
    /// Where HTTP is reached.
    pub http: SocketAddr,
    /// Where SMTP is reached.
    pub smtp: SocketAddr,
    /// Where SMTP by TLS is reached, if it is.
    pub smtps: Option<SocketAddr>,
    /// How it is believed, if its HTTP goes by TLS: by `roots.crt` in its folder, else by the certificate that it made for itself.
    pub tls: Option<Tls>,
    dir: PathBuf,
    environment: Vec<(String, String)>,
    open_files_max: Option<u64>,
    child: Option<Child>,
}

impl Server {
    /// Starts a server below `root` on ports that the system chooses. `settings` are further lines of its configuration, with dotted
    /// keys: `smtp.recipients_max = 100`.
    pub fn start(root: &Path, fqdn: &str, settings: &str) -> Self {
        let dir = root.join(fqdn);
        fs::create_dir_all(&dir).expect("the folder can be made");
        let any: SocketAddr = ([127, 0, 0, 1], 0).into();
        let mut server = Self {
            fqdn: fqdn.to_owned(),
            http: any,
            smtp: any,
            smtps: None,
            tls: None,
            dir,
            environment: Vec::new(),
            open_files_max: None,
            child: None,
        };
        server.configure(settings);
        server.run();
        // The same ports after a restart: the partner knows them.
        server.configure(settings);
        server
    }

    fn configure(&self, settings: &str) {
        let text = format!(
            "fqdn = \"{}\"\ndata_dir = \"data\"\nhttp.listen = \"{}\"\nsmtp.listen = \"{}\"\n{settings}\n",
            self.fqdn, self.http, self.smtp
        );
        fs::write(self.dir.join("callpilot.toml"), text).expect("the configuration can be written");
    }

    /// Starts the process, again or for the first time, and waits until it is in service.
    pub fn run(&mut self) {
        assert!(self.child.is_none(), "it runs already");
        let info = self.data_dir().join("run.json");
        let log = fs::File::options()
            .create(true)
            .append(true)
            .open(self.dir.join("log"))
            .expect("a log");
        let mut command = match self.open_files_max {
            None => Command::new(program()),
            Some(most) => {
                let mut shell = Command::new("sh");
                let script = format!("ulimit -n {most} && exec \"$0\" \"$@\"");
                shell.args(["-c", &script]).arg(program());
                shell
            }
        };
        let child = command
            .args(["serve", "--config"])
            .arg(self.dir.join("callpilot.toml"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .envs(self.environment.iter().cloned())
            .spawn();
        let child = self
            .child
            .insert(child.expect("the program can be started"));
        // One of a process that was killed lies there still: on a full disk there is room for no other.
        let pid = child.id();
        let read = || -> Option<Value> {
            let run: Value = serde_json::from_slice(&fs::read(&info).ok()?).ok()?;
            (run["pid"].as_u64() == Some(u64::from(pid))).then_some(run)
        };
        let run = until("a server that has said where it listens", || {
            let ended = child.try_wait().ok().flatten();
            assert!(
                ended.is_none(),
                "the server ended: {}",
                fs::read_to_string(self.dir.join("log")).unwrap_or_default()
            );
            read()
        });
        let address = |key: &str| {
            run[key]
                .as_str()
                .and_then(|text| text.parse().ok())
                .expect("an address")
        };
        (self.http, self.smtp) = (address("http"), address("smtp"));
        self.smtps = run["smtps"].as_str().and_then(|text| text.parse().ok());
        self.tls = run["http_certificate"].is_string().then(|| self.own_tls());
        until("a server in service", || {
            self.client("")
                .ask("GET", "/healthz", None)
                .filter(|a| a.status == 200)
        });
    }

    /// From its next start on, its wall clock follows a file: `+8d` in it is eight days ahead. Returns the file; `None` if the library that
    /// does this (faketime) is not on this machine.
    pub fn follow_clock(&mut self) -> Option<PathBuf> {
        let library = fake_clock()?;
        let file = self.dir.join("clock");
        fs::write(&file, "+0").expect("the file of the clock can be written");
        let set = |key: &str, value: &Path| (key.to_owned(), value.display().to_string());
        self.environment = vec![
            set("LD_PRELOAD", &library),
            set("FAKETIME_TIMESTAMP_FILE", &file),
            set("FAKETIME_NO_CACHE", Path::new("1")),
            set("FAKETIME_DONT_FAKE_MONOTONIC", Path::new("1")),
        ];
        Some(file)
    }

    /// From its next start on, it may have no more files open than this, and cannot change that.
    pub fn limit_open_files(&mut self, most: u64) {
        self.open_files_max = Some(most);
    }

    /// Its process.
    ///
    /// # Panics
    /// If it does not run.
    pub fn pid(&self) -> u32 {
        self.child.as_ref().expect("it runs").id()
    }

    /// Runs a command of the server's program for this server, such as `doctor`.
    pub fn command(&self, args: &[&str]) -> Output {
        let config = self.dir.join("callpilot.toml");
        let mut command = Command::new(program());
        command.args(args).arg("--config").arg(config);
        command.output().expect("the program can be started")
    }

    /// SIGKILL.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            // It may have ended by itself.
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// SIGTERM, and waits for the end.
    pub fn stop(&mut self) -> ExitStatus {
        self.signal("TERM");
        let mut child = self.child.take().expect("it runs");
        let end = Instant::now() + LIMIT;
        loop {
            if let Some(status) = child.try_wait().expect("a child can be waited for") {
                return status;
            }
            assert!(Instant::now() < end, "the server does not stop");
            std::thread::park_timeout(std::time::Duration::from_millis(10));
        }
    }

    /// Sends a signal, by its name without SIG.
    pub fn signal(&self, name: &str) {
        let pid = self.pid().to_string();
        let sent = Command::new("kill").args(["-s", name, &pid]).status();
        assert!(
            sent.is_ok_and(|s| s.success()),
            "SIG{name} could not be sent"
        );
    }

    /// What the process has logged.
    pub fn log(&self) -> String {
        fs::read_to_string(self.dir.join("log")).unwrap_or_default()
    }

    /// Its data folder.
    pub fn data_dir(&self) -> PathBuf {
        self.dir.join("data")
    }

    /// A client with the administrator's rights.
    pub fn admin(&self) -> Http {
        let token = fs::read_to_string(self.data_dir().join("admin.token")).unwrap_or_default();
        self.client(token.trim())
    }

    /// A client with this token.
    pub fn client(&self, token: &str) -> Http {
        Http::new(self.http, token).by(self.tls.as_ref())
    }

    /// Believes this server, by whatever vouches for it.
    pub fn own_tls(&self) -> Tls {
        let roots = self.dir.join("roots.crt");
        let own = self.data_dir().join("tls.crt");
        Tls::trusting(if roots.exists() { &roots } else { &own })
    }

    /// Its folder, with its configuration.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Makes a user whose password is [`PASSWORD`].
    pub fn add_user(&self, mailbox: &str, name: &str) {
        let new = json!({ "mailbox": mailbox, "name": name, "password": PASSWORD });
        let answer = self
            .admin()
            .ask("POST", "/api/v1/admin/users", Some(&new))
            .expect("an answer");
        assert_eq!(answer.status, 201, "{}", answer.json());
    }

    /// Logs a user in; `None` if the server refuses or does not know the user yet.
    pub fn log_in(&self, mailbox: &str) -> Option<Http> {
        let login = json!({ "mailbox": mailbox, "password": PASSWORD });
        let answer = self
            .client("")
            .ask("POST", "/api/v1/session", Some(&login))?;
        let session = answer.json();
        Some(self.client(session["token"].as_str()?))
    }

    /// The inbox of a user.
    pub fn inbox(&self, user: &Http) -> MessageList {
        let answer = user.get("/api/v1/messages?folder=inbox");
        serde_json::from_slice(&answer.body).unwrap_or_else(|e| panic!("{e}: {}", answer.json()))
    }

    /// One message with its parts.
    pub fn message(&self, user: &Http, id: contract::ObjectId) -> MessageDetail {
        let answer = user.get(&format!("/api/v1/messages/{id}"));
        serde_json::from_slice(&answer.body).unwrap_or_else(|e| panic!("{e}: {}", answer.json()))
    }

    /// The value of a counter or gauge, summed over its labels; 0 if it was never counted.
    pub fn metric(&self, name: &str) -> f64 {
        let text = String::from_utf8_lossy(&self.client("").get("/metrics").body).into_owned();
        let of = |line: &str| line.split([' ', '{']).next() == Some(name);
        text.lines()
            .filter(|l| of(l))
            .filter_map(|l| l.rsplit(' ').next()?.parse::<f64>().ok())
            .sum()
    }

    /// An SMTP connection on which the greeting has been read.
    pub fn smtp(&self) -> Smtp {
        Smtp::connect(self.smtp)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            eprintln!("--- log of {}\n{}", self.fqdn, self.log());
        }
    }
}

/// The library that gives a process another wall clock, where Debian has it.
fn fake_clock() -> Option<PathBuf> {
    let folders = fs::read_dir("/usr/lib").ok()?.flatten();
    let path = |folder: fs::DirEntry| folder.path().join("faketime/libfaketime.so.1");
    folders.map(path).find(|path| path.is_file())
}

/// The server's program: named by `CALLPILOT_BIN`, else where cargo lays it, beside a program or above a test.
pub fn program() -> PathBuf {
    if let Some(path) = env::var_os("CALLPILOT_BIN") {
        return path.into();
    }
    let own = env::current_exe().expect("a program knows itself");
    let found = own
        .ancestors()
        .skip(1)
        .take(2)
        .map(|folder| folder.join("callpilot"))
        .find(|path| path.exists());
    found.expect("callpilot is missing beside this program: build it with `cargo build -p server`")
}
