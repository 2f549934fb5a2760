//! The server's layers: edges speak protocols, operations hold the rules of the business, the store is below both.

use crate::{
    rust_code,
    tree::{Fault, SourceFile},
};

/// Files that begin with one of the paths must not name any of the words, for that reason.
struct Layer {
    paths: &'static [&'static str],
    words: &'static [&'static str],
    why: &'static str,
}

const LAYERS: [Layer; 2] = [
    Layer {
        paths: &["server/src/http/", "server/src/smtp/"],
        words: &[
            "store::",
            "Ledger",
            "Change",
            "WriteTx",
            ".read(",
            ".write(",
            "write_anyway",
            "write_weighing",
        ],
        why: "an edge parses, calls an operation and maps its result",
    },
    Layer {
        paths: &["server/src/operations/"],
        words: &["axum", "StatusCode", "http::", "smtp::", "utoipa", "Reply"],
        why: "an operation knows no protocol",
    },
];

/// Words of another layer; unit tests may use them.
pub fn faults(file: &SourceFile) -> Vec<Fault> {
    let code = rust_code::code(&file.text);
    let code = rust_code::without_unit_tests(&code);
    let mut faults = Vec::new();
    for layer in &LAYERS {
        if !layer.paths.iter().any(|path| file.path.starts_with(path)) {
            continue;
        }
        let server = |word: &&&str| match word.strip_prefix('.') {
            // The server's own, not those of a socket.
            Some(call) => {
                code.contains(&format!("server().{call}"))
                    || code.contains(&format!("server.{call}"))
            }
            None => rust_code::find_word(code, word).is_some(),
        };
        for word in layer.words.iter().filter(server) {
            let at = rust_code::find_word(code, word).unwrap_or(0);
            faults.push(file.fault(at, format!("`{word}`: {}", layer.why)));
        }
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faulty(path: &str, text: &str) -> Vec<String> {
        let faults = faults(&SourceFile::sample(path, text));
        faults.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn an_edge_does_not_write() {
        let text = "// a Change\nuse domain::Change;\nfn f() { api.server().read(|r| r.sizes()); socket.read(buffer); }";
        assert_eq!(
            faulty("server/src/http/a.rs", text),
            [
                "server/src/http/a.rs:2: `Change`: an edge parses, calls an operation and maps its result",
                "server/src/http/a.rs:3: `.read(`: an edge parses, calls an operation and maps its result",
            ]
        );
        assert!(faulty("server/src/operations/a.rs", text).is_empty());
    }

    #[test]
    fn an_operation_knows_no_protocol() {
        let text = "use axum::Json;\nuse crate::http::Api;";
        assert_eq!(faulty("server/src/operations/a.rs", text).len(), 2);
        assert!(faulty("server/src/serve.rs", text).is_empty());
    }
}
