//! Numbers of things in sentences.

/// So many things, by their names for one and for several: `1 mailbox`, `3 mailboxes`.
pub fn counted(count: u64, one: &str, several: &str) -> String {
    let what = if count == 1 { one } else { several };
    format!("{count} {what}")
}

#[cfg(test)]
mod tests {
    use super::counted;

    #[test]
    fn one_thing_has_its_own_word() {
        let told = [0, 1, 2].map(|n| counted(n, "mailbox", "mailboxes"));
        assert_eq!(told, ["0 mailboxes", "1 mailbox", "2 mailboxes"]);
    }
}
