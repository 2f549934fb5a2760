//! The users of a server, as an administrator has to do with them: listing, creating, changing, deleting, passwords, unlocking.

use super::password_rules::{Owner, hashed, past, remembered};
use super::sign_in::{self, SignIn, next_epoch};
use super::{OpError, OpResult};
use crate::constraints::{self, NO_SERVICE, device_class_key, has_class, remote_user};
use crate::counted::counted;
use crate::server::{Abort, Server, Wait, WriteTx};
use domain::{
    Change, Key, Kind, Object, ObjectId, Password, ServerId, User, Value, check_mailbox_number,
    check_name, user_fields,
};
use ledger::Ledger;
use store::{MailboxCounts, StoreError, UserCursor, View};

/// Users of one answer, unless the caller says otherwise.
pub const LIST_LIMIT: usize = 1_000;
/// Characters of a notification device class.
const DEVICE_CLASS_LENGTH_MAX: usize = 40;

/// Which users.
#[derive(Clone, Debug)]
pub enum UserFilter {
    /// All of them.
    All,
    /// Those with this mailbox number: two while the partner's has not been found out to be taken.
    Number(String),
    /// Those with this in their mailbox number or name, whatever the case.
    Text(String),
}

/// A user as an administrator sees it.
#[derive(Clone, Debug)]
pub struct FoundUser {
    /// Its identity.
    pub id: ObjectId,
    /// The user; [`User::of`] reads it.
    pub object: Object,
    /// What is in the mailbox.
    pub counts: MailboxCounts,
    /// There is a partner, and it does not have its present state yet.
    pub waiting: bool,
    /// Its notification device class, which is each server's own: a user of the partner has none here (R4).
    pub device_class: String,
}

/// A user to be. Not printable: it holds a password.
pub struct NewUser {
    /// Its identity, if whoever asks has drawn one: then a repetition finds the user that the first request made.
    pub id: Option<ObjectId>,
    /// Mailbox number.
    pub number: String,
    /// Name.
    pub name: String,
    /// Mailbox class; the first unless said.
    pub class: Option<i64>,
    /// Password, in the clear.
    pub password: String,
    /// Whether the user has to choose another one at the first sign-in.
    pub must_change: bool,
}

/// What is to be different about a user. `None` leaves it as it is.
#[derive(Clone, Debug, Default)]
pub struct UserChange {
    /// Name.
    pub name: Option<String>,
    /// Numbers at which it is reached.
    pub dns: Option<Vec<String>>,
    /// Mailbox class.
    pub class: Option<i64>,
    /// Notification device class; nothing takes it away.
    pub device_class: Option<String>,
    /// Locked by an administrator.
    pub locked: Option<bool>,
}

/// Users in order of their mailbox numbers, local users and GR users, after the user `after`, at most `limit`.
///
/// # Errors
/// What the store cannot do.
pub async fn list(
    server: &Server,
    wanted: UserFilter,
    after: Option<ObjectId>,
    limit: usize,
) -> OpResult<Vec<FoundUser>> {
    let (limit, place) = (limit.clamp(1, 10 * LIST_LIMIT), Place::of(server));
    let read = server.read(move |readers| {
        readers.snapshot(|view| {
            let after = after.map(|id| cursor(view, id)).transpose()?.flatten();
            let users = match &wanted {
                UserFilter::Number(number) => view.users_by_number(number)?,
                UserFilter::All => view.users(after.as_ref(), limit)?,
                UserFilter::Text(text) => found_by(view, text, after, limit)?,
            };
            let found = users
                .into_iter()
                .map(|(id, object)| found(view, place, id, object));
            found
                .filter_map(Result::transpose)
                .collect::<Result<Vec<_>, _>>()
        })
    });
    Ok(read.await?)
}

/// One user.
///
/// # Errors
/// [`OpError::NotFound`].
pub async fn read(server: &Server, id: ObjectId) -> OpResult<FoundUser> {
    let place = Place::of(server);
    let read = server.read(move |readers| {
        readers.snapshot(|view| match view.object(&id)? {
            Some(object) => found(view, place, id, object),
            None => Ok(None),
        })
    });
    read.await?.ok_or_else(no_user)
}

/// Creates a user, which belongs to this server. A request that names its id may be repeated: with the same content it finds the user
/// that was made, on either server.
///
/// # Errors
/// [`OpError::Invalid`] for an id, number, name, class or password that cannot be; [`OpError::Conflict`] for a number that is taken, and
/// for an id that something else has or had; [`OpError::Forbidden`] when the server is full.
pub async fn create(sign_in: &SignIn, new: NewUser) -> OpResult<FoundUser> {
    let (number, name) = (new.number.trim().to_owned(), new.name.trim().to_owned());
    check_mailbox_number(&number)?;
    check_name("The name", &name, User::NAME_LENGTH_MAX)?;
    let class = new.class.unwrap_or(User::CLASS_DEFAULT);
    let server = sign_in.server();
    let wanted = RequestedUser {
        number: number.clone(),
        name: name.clone(),
        class,
        password: new.password.clone(),
    };
    if let Some(id) = new.id {
        check_drawn_id(id)?;
        if let Some(found) = made_before(sign_in, id, &wanted).await? {
            return Ok(found);
        }
    }
    let owner = Owner::called([number.as_str(), name.as_str()]);
    let password = Password {
        must_change: new.must_change,
        ..hashed(sign_in, &owner, new.password).await?
    };
    let id = new.id.unwrap_or_else(|| server.new_id());
    let users_max = server.config().limits.users_max;
    let asked = number.clone();
    let written = server.write(Wait::Partner, move |scope| {
        let view = scope.tx().view();
        if view.object(&id)?.is_some() {
            // The same request, answered by another thread a moment ago.
            return Ok(());
        }
        if let Some((_, taken)) = view.users_by_number(&asked)?.first() {
            return Err(Abort::Refused(taken_by(&asked, taken)));
        }
        if let Some(stub) = remote_user(&view, &asked)? {
            return Err(Abort::Refused(stands_for(&asked, &stub)));
        }
        if view.user_count(None)? >= users_max {
            let users = counted(users_max, "user", "users");
            let full = format!(
                "This server has {users}, which is the most that its configuration allows."
            );
            return Err(Abort::Refused(OpError::Forbidden(full)));
        }
        if !has_class(&view, class)? {
            return Err(Abort::Refused(unknown_class(class)));
        }
        if scope.tx().deletion_record(&id)?.is_some() {
            return Err(Abort::Refused(deleted_since()));
        }
        let mut registers = User::registers(scope.home(), &asked, &name, &password);
        if class != User::CLASS_DEFAULT {
            registers.push((Key::field(user_fields::CLASS), Value::Int(class)));
        }
        Ok(scope.change(&Change::Create {
            id,
            kind: Kind::USER,
            owner: None,
            body: None,
            registers,
        })?)
    });
    written.await?;
    sign_in.forget_number(&number);
    match new.id {
        Some(id) => made_before(sign_in, id, &wanted).await?.ok_or_else(no_user),
        None => read(server, id).await,
    }
}

/// What a request for a new user says of it.
struct RequestedUser {
    number: String,
    name: String,
    class: i64,
    password: String,
}

/// The user with an id that the client has drawn, if a request with this content has made it.
async fn made_before(
    sign_in: &SignIn,
    id: ObjectId,
    wanted: &RequestedUser,
) -> OpResult<Option<FoundUser>> {
    let present = move |readers: &store::Readers| readers.object(&id);
    let Some(object) = sign_in.server().read(present).await? else {
        return Ok(None);
    };
    let Some(user) = User::of(&object) else {
        return Err(another_has_it("something that is no user"));
    };
    let same = user.number() == wanted.number
        && user.name() == wanted.name
        && user.class() == wanted.class;
    let phc = user.password().map(|password| password.phc);
    // The password counts, too: who is told that a user was made has to be able to log in with what was asked for.
    if !same
        || !sign_in
            .hasher()
            .verify(wanted.password.clone(), phc)
            .await?
    {
        return Err(another_has_it(&format!(
            "mailbox {} of {}",
            user.number(),
            user.name()
        )));
    }
    read(sign_in.server(), id).await.map(Some)
}

/// Ids that clients draw are UUIDs of version 7: those of version 8 follow from what an object is, and are nobody's to draw.
///
/// # Errors
/// [`OpError::Invalid`].
pub(crate) fn check_drawn_id(id: ObjectId) -> OpResult<()> {
    if id.as_bytes()[6] >> 4 == 7 {
        return Ok(());
    }
    Err(OpError::Invalid(format!(
        "The id {id} cannot be taken. Draw a UUID of version 7, or leave it out."
    )))
}

fn another_has_it(what: &str) -> OpError {
    OpError::Conflict(format!(
        "The id is that of {what}, which is not what was asked for. Draw another id for another user."
    ))
}

fn deleted_since() -> OpError {
    OpError::Conflict("The user with this id was created and has been deleted since. Draw another id for another user.".into())
}

/// Changes a user. Both servers may do it, but for the notification device class.
///
/// # Errors
/// [`OpError::NotFound`], [`OpError::Invalid`]; [`OpError::Forbidden`] for a device class that is set on the user's own server.
pub async fn change(server: &Server, id: ObjectId, patch: UserChange) -> OpResult<FoundUser> {
    let patch = checked(patch)?;
    let written = server.write_anyway(Wait::Partner, move |scope| {
        let object = user(scope, id)?;
        if let Some(class) = patch.class
            && !has_class(&scope.tx().view(), class)?
        {
            return Err(Abort::Refused(unknown_class(class)));
        }
        if let Some(name) = patch.device_class.as_deref() {
            let elsewhere = User::of(&object).and_then(|user| user.home());
            if elsewhere.is_some_and(|home| home != scope.home()) {
                return Err(Abort::Refused(set_at_home()));
            }
            let key = device_class_key(&id);
            if name.is_empty() || name == NO_SERVICE {
                scope.tx().remove_setting(&key)?;
            } else {
                scope.tx().put_setting(&key, name.as_bytes())?;
            }
        }
        let registers = registers(&object, patch);
        Ok(scope.change(&Change::Set { id, registers })?)
    });
    written.await?;
    read(server, id).await
}

/// Deletes a user with the mailbox, here and on the partner. Only the server that the user belongs to does this.
///
/// # Errors
/// [`OpError::NotFound`]; [`OpError::Forbidden`] for a user of the partner.
pub async fn delete(server: &Server, id: ObjectId) -> OpResult<()> {
    let partner = server
        .pair()
        .borrow()
        .partner
        .as_ref()
        .map(|p| p.fqdn.clone());
    let written = server.write_anyway(Wait::Partner, move |scope| {
        let object = user(scope, id)?;
        if let Some(partner) = elsewhere(&object, scope.home(), partner.as_deref()) {
            return Err(Abort::Refused(partner));
        }
        scope.tx().remove_setting(&device_class_key(&id))?;
        Ok(scope.change(&Change::Delete { id })?)
    });
    written.await?;
    Ok(())
}

/// Sets a password. Ends all sessions of the user, and forgives wrong passwords until now. With `must_change` the user has to choose
/// another one at the next sign-in.
///
/// # Errors
/// [`OpError::NotFound`], [`OpError::Invalid`].
pub async fn set_password(
    sign_in: &SignIn,
    id: ObjectId,
    password: String,
    must_change: bool,
) -> OpResult<FoundUser> {
    let found = read(sign_in.server(), id).await?;
    let owner = User::of(&found.object).map_or(Owner::default(), |user| Owner::of(&user));
    let password = hashed(sign_in, &owner, password).await?;
    let remembered = remembered(sign_in);
    let written = sign_in.server().write_anyway(Wait::Partner, move |scope| {
        let object = user(scope, id)?;
        let mut registers = sign_in::forgiven(&object, scope.home());
        let before = User::of(&object).and_then(|user| user.password());
        let password = Password {
            must_change,
            earlier: before.map_or(Vec::new(), |before| past(before, remembered)),
            ..password
        };
        registers.push((
            Key::field(user_fields::PASSWORD),
            User::password_value(&password),
        ));
        registers.push(next_epoch(&object));
        Ok::<_, Abort<OpError>>(scope.change(&Change::Set { id, registers })?)
    });
    written.await?;
    forgiven(sign_in, id).await
}

/// Unlocks a mailbox that an administrator has locked, and forgives wrong passwords until now, on both servers.
///
/// # Errors
/// [`OpError::NotFound`].
pub async fn unlock(sign_in: &SignIn, id: ObjectId) -> OpResult<FoundUser> {
    let written = sign_in.server().write_anyway(Wait::Partner, move |scope| {
        let object = user(scope, id)?;
        let mut registers = sign_in::forgiven(&object, scope.home());
        if User::of(&object).is_some_and(|user| user.locked()) {
            registers.push((Key::field(user_fields::LOCKED), Value::Bool(false)));
        }
        Ok::<_, Abort<OpError>>(scope.change(&Change::Set { id, registers })?)
    });
    written.await?;
    forgiven(sign_in, id).await
}

/// Ends all sessions of a user, on both servers.
///
/// # Errors
/// [`OpError::NotFound`].
pub async fn end_sessions(sign_in: &SignIn, id: ObjectId) -> OpResult<FoundUser> {
    read(sign_in.server(), id).await?;
    sign_in.end_sessions(id).await?;
    read(sign_in.server(), id).await
}

/// The user, with no wrong password of it in memory either.
async fn forgiven(sign_in: &SignIn, id: ObjectId) -> OpResult<FoundUser> {
    let found = read(sign_in.server(), id).await?;
    if let Some(user) = User::of(&found.object) {
        sign_in.forget_number(user.number());
    }
    Ok(found)
}

/// Whether a user is local to the server `home`. One without a home is whoever's has it.
pub fn is_local(user: &User<'_>, home: ServerId) -> bool {
    user.home().is_none_or(|its| its == home)
}

/// The server that is asked about users.
#[derive(Clone, Copy)]
struct Place {
    home: ServerId,
    paired: bool,
}

impl Place {
    fn of(server: &Server) -> Self {
        Self {
            home: server.home(),
            paired: server.pair().borrow().partner.is_some(),
        }
    }
}

/// What there is of a user; `None` if the object is none.
fn found(
    view: &View<'_>,
    place: Place,
    id: ObjectId,
    object: Object,
) -> Result<Option<FoundUser>, StoreError> {
    let device_class = match User::of(&object) {
        Some(user) if is_local(&user, place.home) => constraints::device_class(view, &id)?,
        Some(_) => NO_SERVICE.to_owned(),
        None => return Ok(None),
    };
    Ok(Some(FoundUser {
        id,
        counts: view.counts(&id)?,
        // Marks outlast the pair, for the case that it is made again.
        waiting: place.paired && view.mark(&id)?.is_some(),
        device_class,
        object,
    }))
}

pub(crate) fn no_user() -> OpError {
    OpError::NotFound("There is no such user.".into())
}

fn set_at_home() -> OpError {
    OpError::Forbidden(
        "The notification device class is not shared by the servers: it is set on the one that the user belongs to."
            .into(),
    )
}

/// Users whose mailbox number or name contains a text.
fn found_by(
    view: &View<'_>,
    text: &str,
    mut after: Option<UserCursor>,
    limit: usize,
) -> Result<Vec<(ObjectId, Object)>, StoreError> {
    let text = text.to_lowercase();
    let mut found = Vec::new();
    loop {
        let page = view.users(after.as_ref(), LIST_LIMIT)?;
        let Some((id, last)) = page.last() else {
            return Ok(found);
        };
        let number = User::of(last).map_or(String::new(), |user| user.number().to_owned());
        after = Some(UserCursor { number, id: *id });
        found.extend(page.into_iter().filter(|(_, object)| {
            User::of(object).is_some_and(|user| {
                user.number().contains(&text) || user.name().to_lowercase().contains(&text)
            })
        }));
        if found.len() >= limit {
            found.truncate(limit);
            return Ok(found);
        }
    }
}

fn cursor(view: &View<'_>, id: ObjectId) -> Result<Option<UserCursor>, StoreError> {
    let object = view.object(&id)?;
    let number = object
        .as_ref()
        .and_then(User::of)
        .map(|user| user.number().to_owned());
    Ok(number.map(|number| UserCursor { number, id }))
}

fn taken_by(number: &str, object: &Object) -> OpError {
    let name = User::of(object).map_or("", |user| user.name());
    OpError::Conflict(format!(
        "Mailbox {number} belongs to {name} already. Choose another number."
    ))
}

fn stands_for(number: &str, stub: &constraints::RemoteUser) -> OpError {
    OpError::Conflict(format!(
        "Mailbox {number} is a Temporary Remote User here: {}. Remove that first, or choose another number.",
        stub.name
    ))
}

fn unknown_class(class: i64) -> OpError {
    OpError::Invalid(format!(
        "There is no mailbox class {class} on this server. Add it first, or choose another."
    ))
}

fn checked(mut patch: UserChange) -> OpResult<UserChange> {
    for text in [&mut patch.name, &mut patch.device_class]
        .into_iter()
        .flatten()
        .chain(patch.dns.iter_mut().flatten())
    {
        *text = text.trim().to_owned();
    }
    if let Some(name) = &patch.name {
        check_name("The name", name, User::NAME_LENGTH_MAX)?;
    }
    if let Some(dns) = &patch.dns {
        User::check_dns(dns)?;
    }
    if let Some(name) = patch
        .device_class
        .as_deref()
        .filter(|name| !name.is_empty())
    {
        let what = "The notification device class";
        check_name(what, name, DEVICE_CLASS_LENGTH_MAX)?;
    }
    Ok(patch)
}

fn registers(object: &Object, patch: UserChange) -> Vec<(Key, Value)> {
    let mut registers = Vec::new();
    if let Some(name) = patch.name {
        registers.push((Key::field(user_fields::NAME), Value::Text(name)));
    }
    if let Some(dns) = patch.dns {
        let number = User::of(object).map_or("", |user| user.number());
        registers.push((
            Key::field(user_fields::NUMBERS),
            User::numbers(number, &dns),
        ));
    }
    if let Some(class) = patch.class {
        registers.push((Key::field(user_fields::CLASS), Value::Int(class)));
    }
    if let Some(locked) = patch.locked {
        registers.push((Key::field(user_fields::LOCKED), Value::Bool(locked)));
    }
    registers
}

/// Refuses for a user of the partner. A user of a server that is no longer the partner belongs to whoever has it.
fn elsewhere(object: &Object, here: ServerId, partner: Option<&str>) -> Option<OpError> {
    let user = User::of(object)?;
    let partner =
        partner.filter(|p| user.home() != Some(here) && user.home() == Some(ServerId::of(p)))?;
    let number = user.number();
    Some(OpError::Forbidden(format!(
        "{number} belongs to {partner}. Delete it there; it goes here by itself."
    )))
}

fn user(scope: &mut WriteTx<'_, '_>, id: ObjectId) -> Result<Object, Abort<OpError>> {
    let object = scope.tx().object(&id)?;
    object
        .filter(|o| User::of(o).is_some())
        .ok_or_else(|| Abort::Refused(no_user()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::{Hlc, Incarnation, Version};

    #[test]
    fn only_its_own_server_deletes_a_user() {
        let (here, partner) = (ServerId::of("a.example"), "b.example");
        let of = |home: &str| {
            let mut object = Object::new(Kind::USER, None, None);
            let version = Version {
                hlc: Hlc(1),
                incarnation: Incarnation(1),
            };
            object.set(
                Key::field(user_fields::HOME),
                version,
                ServerId::of(home).into(),
            );
            object
        };
        assert!(elsewhere(&of("a.example"), here, Some(partner)).is_none());
        assert!(elsewhere(&of("b.example"), here, Some(partner)).is_some());
        assert!(
            elsewhere(&of("b.example"), here, None).is_none(),
            "the pair was taken apart"
        );
    }
}
