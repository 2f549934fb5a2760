//! The address book: the users of both servers, found by what begins their names or numbers while somebody types an address.

use super::OpResult;
use super::addressing::{Hosts, MailboxAddress};
use super::search::folded;
use crate::server::Server;
use domain::{ObjectId, User};
use store::UserCursor;

/// At most so many are found at once.
pub const FOUND_MAX: usize = 20;
/// Characters that are looked at of what is typed.
const TYPED_MAX: usize = 100;
/// Users that one look goes through at most.
const LOOKED_AT_MAX: usize = 50_000;
/// Users that are read at once.
const PAGE: usize = 1_000;

/// Users of both servers, in the order of their numbers: each word that is typed begins a word of the name, in any letters, with or without accents, or the
/// number. Nothing is found for nothing. `by` is the user who asks, who is not found.
///
/// # Errors
/// What the store cannot do.
pub async fn find(server: &Server, by: ObjectId, typed: &str) -> OpResult<Vec<MailboxAddress>> {
    let typed: String = typed.chars().take(TYPED_MAX).collect();
    let words: Vec<String> = folded(&typed)
        .split_whitespace()
        .map(str::to_owned)
        .collect();
    if words.is_empty() {
        return Ok(Vec::new());
    }
    let turn = server.turns().of(by).take().await;
    let hosts = Hosts::of(server);
    let read = server.read(move |readers| {
        let _turn = turn;
        readers.snapshot(|view| {
            let (mut found, mut looked_at) = (Vec::new(), 0);
            let mut after = None::<UserCursor>;
            loop {
                let page = view.users(after.as_ref(), PAGE)?;
                let Some((id, last)) = page.last() else {
                    return Ok(found);
                };
                let number = User::of(last).map_or(String::new(), |user| user.number().to_owned());
                after = Some(UserCursor { number, id: *id });
                looked_at += page.len();
                let fit = page.iter().filter(|(id, object)| {
                    *id != by && User::of(object).is_some_and(|user| fits(&user, &words))
                });
                found.extend(fit.filter_map(|(id, object)| hosts.mailbox(*id, object)));
                if found.len() >= FOUND_MAX || looked_at >= LOOKED_AT_MAX {
                    found.truncate(FOUND_MAX);
                    return Ok(found);
                }
            }
        })
    });
    Ok(read.await?)
}

fn fits(user: &User<'_>, words: &[String]) -> bool {
    let name = folded(user.name());
    words.iter().all(|word| {
        user.number().starts_with(&**word)
            || name
                .split([' ', ',', '-', '.', '\''])
                .any(|part| part.starts_with(&**word))
    })
}
