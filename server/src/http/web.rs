//! My CallPilot's files, below `/MyCallPilot/`.
//!
//! The built folder is read once at start and served from memory: no path of a request ever reaches the file system. Beside a file
//! may lie its `.br` and `.gz`; whoever accepts them gets them.

use super::Api;
use super::error::Problem;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use bytes::Bytes;
use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Path as FilePath, PathBuf};

/// Where the pages lie.
pub const BASE: &str = "/MyCallPilot/";
/// Files of a folder that is really a built My CallPilot; more is a wrong folder.
const FILES_MAX: usize = 2_000;
/// Their bytes.
const SIZE_MAX: u64 = 256 * 1024 * 1024;

/// The built My CallPilot.
#[derive(Default)]
pub struct Web {
    files: HashMap<String, File>,
}

struct File {
    plain: Bytes,
    brotli: Option<Bytes>,
    gzip: Option<Bytes>,
    media_type: &'static str,
    etag: HeaderValue,
    cache: &'static str,
}

impl Web {
    /// Reads a built folder.
    pub fn read(root: &FilePath) -> io::Result<Self> {
        let mut found = HashMap::new();
        let mut size = 0;
        collect(root, &mut PathBuf::new(), &mut found, &mut size)?;
        if !found.contains_key("index.html") {
            return Err(io::Error::new(
                io::ErrorKind::NotFound,
                "there is no index.html in it",
            ));
        }
        let plain = found
            .keys()
            .filter(|name| !name.ends_with(".br") && !name.ends_with(".gz"));
        let files = plain
            .map(|name| (name.clone(), File::new(name, &found)))
            .collect();
        Ok(Self { files })
    }

    fn file(&self, path: &str) -> Option<&File> {
        match self.files.get(path) {
            Some(file) => Some(file),
            // Addresses inside the app are the app's own: it reads them when it has started.
            None if !path.starts_with("assets/") && path != "sw.js" => self.files.get("index.html"),
            None => None,
        }
    }
}

fn collect(
    root: &FilePath,
    below: &mut PathBuf,
    found: &mut HashMap<String, Bytes>,
    size: &mut u64,
) -> io::Result<()> {
    for entry in fs::read_dir(root.join(&*below))? {
        let entry = entry?;
        below.push(entry.file_name());
        // `metadata` of the path follows links, which a folder put together by hand may hold.
        let about = fs::metadata(entry.path())?;
        if about.is_dir() {
            collect(root, below, found, size)?;
        } else {
            *size += about.len();
            if *size > SIZE_MAX || found.len() >= FILES_MAX {
                return Err(io::Error::other(
                    "it holds far more than My CallPilot: is it the right folder?",
                ));
            }
            let name = below
                .to_str()
                .ok_or_else(|| io::Error::other("it holds a file whose name is not UTF-8"))?;
            found.insert(name.to_owned(), fs::read(entry.path())?.into());
        }
        below.pop();
    }
    Ok(())
}

impl File {
    fn new(name: &str, found: &HashMap<String, Bytes>) -> Self {
        let plain = found[name].clone();
        let hash = blake3::hash(&plain).to_hex();
        let etag = HeaderValue::try_from(format!("\"{}\"", &hash[..20]))
            .expect("hexadecimal digits in quotes");
        let cache = if is_hashed(name) {
            "public, max-age=31536000, immutable"
        } else {
            "no-cache"
        };
        let beside = |ending: &str| found.get(&format!("{name}{ending}")).cloned();
        Self {
            brotli: beside(".br"),
            gzip: beside(".gz"),
            media_type: media_type(name),
            etag,
            cache,
            plain,
        }
    }

    fn response(&self, request: &HeaderMap) -> Response {
        let mut response = if matches(request, &self.etag) {
            StatusCode::NOT_MODIFIED.into_response()
        } else {
            let accepted = |coding| accepts(request, coding);
            let (content, coding) = match (&self.brotli, &self.gzip) {
                (Some(brotli), _) if accepted("br") => (brotli, Some("br")),
                (_, Some(gzip)) if accepted("gzip") => (gzip, Some("gzip")),
                _ => (&self.plain, None),
            };
            let mut response = content.clone().into_response();
            response.headers_mut().insert(
                header::CONTENT_TYPE,
                HeaderValue::from_static(self.media_type),
            );
            if let Some(coding) = coding {
                response
                    .headers_mut()
                    .insert(header::CONTENT_ENCODING, HeaderValue::from_static(coding));
            }
            response
        };
        let headers = response.headers_mut();
        headers.insert(header::ETAG, self.etag.clone());
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(self.cache));
        headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
        response
    }
}

/// Whether `If-None-Match` names this tag (RFC 9110 section 13.1.2: compared weakly).
pub fn matches(request: &HeaderMap, etag: &HeaderValue) -> bool {
    let Some(asked) = request
        .get(header::IF_NONE_MATCH)
        .and_then(|v| v.to_str().ok())
    else {
        return false;
    };
    let etag = etag.to_str().unwrap_or_default();
    asked
        .split(',')
        .map(|tag| tag.trim().trim_start_matches("W/"))
        .any(|tag| tag == "*" || tag == etag)
}

/// Whether `Accept-Encoding` takes a coding (RFC 9110 section 12.5.3). `*` alone is not enough: who can decode says so.
fn accepts(request: &HeaderMap, coding: &str) -> bool {
    let lines = request
        .get_all(header::ACCEPT_ENCODING)
        .iter()
        .filter_map(|v| v.to_str().ok());
    let named = lines.flat_map(|line| line.split(',')).filter_map(|item| {
        let (name, parameters) = item.split_once(';').unwrap_or((item, ""));
        name.trim()
            .eq_ignore_ascii_case(coding)
            .then(|| parameters.replace(' ', ""))
    });
    named
        .into_iter()
        .any(|q| !matches!(q.as_str(), "q=0" | "q=0.0" | "q=0.00" | "q=0.000"))
}

/// Whether a name holds a hash of its content: `assets/app.3f9c21d07b.js`. Such a file never changes.
fn is_hashed(name: &str) -> bool {
    let Some(file) = name.strip_prefix("assets/") else {
        return false;
    };
    let mut pieces = file.rsplit('/').next().unwrap_or(file).rsplit('.').skip(1);
    let hash = pieces.next().unwrap_or_default();
    pieces.next().is_some() && hash.len() >= 8 && hash.bytes().all(|b| b.is_ascii_hexdigit())
}

fn media_type(name: &str) -> &'static str {
    match name.rsplit('.').next().unwrap_or_default() {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "wasm" => "application/wasm",
        "json" => "application/json",
        "webmanifest" => "application/manifest+json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

/// `/`, and the base without its slash.
pub async fn redirect() -> Redirect {
    Redirect::permanent(BASE)
}

/// `/MyCallPilot/`.
pub async fn index(api: State<Api>, headers: HeaderMap) -> Result<Response, Problem> {
    page(api, Path(String::new()), headers).await
}

/// `/MyCallPilot/{*path}`.
pub async fn page(
    State(api): State<Api>,
    Path(path): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let Some(web) = api.web() else {
        return Ok((StatusCode::NOT_FOUND, Html(NOT_INSTALLED)).into_response());
    };
    match web.file(&path) {
        Some(file) => Ok(file.response(&headers)),
        None => Err(Problem::not_found(format!(
            "There is no file {path} in My CallPilot."
        ))),
    }
}

const NOT_INSTALLED: &str = "<!doctype html><html lang=en><meta charset=utf-8>\
    <meta name=viewport content=\"width=device-width\"><title>My CallPilot</title>\
    <h1>My CallPilot is not installed on this server</h1>\
    <p>The server runs and its mailboxes are reached by the API. To serve the pages, build them with \
    <code>cargo xtask build</code> and name the folder in the configuration: \
    <code>web_root</code> in section <code>[http]</code>. Then start the server again.</p></html>";

#[cfg(test)]
mod tests {
    use super::*;

    fn web() -> Web {
        let text = |text: &'static str| Bytes::from_static(text.as_bytes());
        let found: HashMap<String, Bytes> = [
            ("index.html", text("<html>")),
            ("sw.js", text("self")),
            ("assets/app.3f9c21d07b.js", text("app")),
            ("assets/app.3f9c21d07b.js.br", text("BR")),
            ("assets/app.3f9c21d07b.js.gz", text("GZ")),
            ("assets/icon.svg", text("<svg>")),
        ]
        .into_iter()
        .map(|(name, content)| (name.to_owned(), content))
        .collect();
        let names = found
            .keys()
            .filter(|n| !n.ends_with(".br") && !n.ends_with(".gz"));
        Web {
            files: names
                .map(|name| (name.clone(), File::new(name, &found)))
                .collect(),
        }
    }

    fn headers(name: header::HeaderName, value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_static(value))])
    }

    fn get(path: &str, request: &HeaderMap) -> Option<(u16, HeaderMap)> {
        let response = web().file(path)?.response(request);
        Some((response.status().as_u16(), response.headers().clone()))
    }

    #[test]
    fn addresses_inside_the_app_open_the_app_and_missing_files_are_missing() {
        let index = get("", &HeaderMap::new()).unwrap().1;
        assert_eq!(index[header::CACHE_CONTROL], "no-cache");
        assert_eq!(
            get("configure", &HeaderMap::new()).unwrap().1[header::ETAG],
            index[header::ETAG]
        );
        assert!(get("assets/app.0000000000.js", &HeaderMap::new()).is_none());
        assert!(get("assets/../../secret", &HeaderMap::new()).is_none());
    }

    #[test]
    fn files_named_by_their_hash_are_kept_for_ever_and_no_others() {
        let cache =
            |path: &str| get(path, &HeaderMap::new()).unwrap().1[header::CACHE_CONTROL].clone();
        assert_eq!(
            cache("assets/app.3f9c21d07b.js"),
            "public, max-age=31536000, immutable"
        );
        assert_eq!(cache("assets/icon.svg"), "no-cache");
        assert_eq!(cache("sw.js"), "no-cache");
        assert!(
            is_hashed("assets/app_bg.0123456789abcdef.wasm") && !is_hashed("assets/deadbeef.js")
        );
    }

    #[test]
    fn the_smallest_coding_that_is_accepted_is_sent() {
        let coding = |accept: &'static str| {
            let (_, headers) = get(
                "assets/app.3f9c21d07b.js",
                &headers(header::ACCEPT_ENCODING, accept),
            )
            .unwrap();
            assert_eq!(
                headers[header::CONTENT_TYPE],
                "text/javascript; charset=utf-8"
            );
            headers
                .get(header::CONTENT_ENCODING)
                .map(|v| v.to_str().unwrap().to_owned())
        };
        assert_eq!(coding("gzip, deflate, br").as_deref(), Some("br"));
        assert_eq!(coding("gzip;q=1, br;q=0").as_deref(), Some("gzip"));
        assert_eq!(coding("identity"), None);
    }

    #[test]
    fn what_the_browser_has_is_not_sent_again() {
        let etag = get("sw.js", &HeaderMap::new()).unwrap().1[header::ETAG].clone();
        let request = HeaderMap::from_iter([(header::IF_NONE_MATCH, etag)]);
        assert_eq!(get("sw.js", &request).unwrap().0, 304);
        assert_eq!(
            get("sw.js", &headers(header::IF_NONE_MATCH, "\"other\""))
                .unwrap()
                .0,
            200
        );
    }
}
