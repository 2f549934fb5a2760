//! The accounts of administrators, and how they sign in: below `/api/v1/admin`.

use crate::Timestamp;
use serde::{Deserialize, Serialize};

/// What an administrator may do. Each may do what those before may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum AdministratorRole {
    /// Look at everything.
    ReadOnly,
    /// Manage users, mailbox classes, VPIM shortcuts, Temporary Remote Users and what is on its way to other systems.
    Operator,
    /// Everything: administrators, the pair, its tasks, system settings.
    Administrator,
}

/// An administrator in a list. Both servers of a pair have the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AdministratorRow {
    /// The name that one signs in with.
    pub name: String,
    /// What it may do.
    pub role: AdministratorRole,
    /// Locked: it cannot sign in, and its sessions are refused.
    pub locked: bool,
    /// Signing in takes a code besides the password.
    pub second_factor: bool,
    /// It does, and this server cannot say which: it has lost the key that the secret was sealed with. Then signing in works on the partner, or once
    /// the second factor was taken away.
    #[serde(default)]
    pub second_factor_unreadable: bool,
    /// When its password was set.
    pub password_changed_at: Timestamp,
    /// Its sessions that have not ended.
    pub sessions: u32,
}

/// `POST /api/v1/admin/administrators`. A request with the same content may be repeated.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NewAdministrator {
    /// The name that one signs in with: 2 to 32 of a to z, 0 to 9, dot, hyphen and underscore, the first a letter. Capitals are made small.
    pub name: String,
    /// First password.
    pub password: String,
    /// What it may do.
    pub role: AdministratorRole,
}

impl std::fmt::Debug for NewAdministrator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewAdministrator")
            .field("name", &self.name)
            .field("role", &self.role)
            .finish_non_exhaustive()
    }
}

/// `PATCH /api/v1/admin/administrators/{name}`: what is left out stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct AdministratorPatch {
    /// What it may do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<AdministratorRole>,
    /// Locked, or no longer. Locking ends its sessions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locked: Option<bool>,
    /// `false` takes the second factor away, for one who has lost it. Only an administrator for itself can set one up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub second_factor: Option<bool>,
}

/// `POST /api/v1/admin/session`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AdministratorLogin {
    /// The administrator's name.
    pub name: String,
    /// The password.
    pub password: String,
    /// The six digits that the administrator's application shows now, if there is a second factor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
}

impl std::fmt::Debug for AdministratorLogin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AdministratorLogin")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// The session of an administrator.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AdministratorSession {
    /// A Bearer token that both servers of the pair accept.
    pub token: String,
    /// When the token ends unless the session is renewed before.
    pub expires_at: Timestamp,
    /// When the session ends however often it is renewed.
    pub ends_at: Timestamp,
    /// Whose session it is.
    pub name: String,
    /// What it may do.
    pub role: AdministratorRole,
    /// The server asks for a second factor, and this administrator has none yet: nothing else can be done before one is set up.
    pub second_factor_needed: bool,
}

impl std::fmt::Debug for AdministratorSession {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AdministratorSession")
            .field("name", &self.name)
            .field("role", &self.role)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

/// A session of an administrator in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AdministratorSessionRow {
    /// Names the session among those of its administrator.
    pub id: String,
    /// When it began.
    pub began_at: Timestamp,
    /// When it ends at the latest.
    pub ends_at: Timestamp,
    /// The address that it was begun from.
    pub from: String,
}

/// A change of one's own password.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PasswordChange {
    /// The password until now.
    pub old: String,
    /// The new one.
    pub new: String,
}

impl std::fmt::Debug for PasswordChange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PasswordChange").finish_non_exhaustive()
    }
}

/// A second factor that is being set up (RFC 6238: SHA-1, six digits, thirty seconds). It counts from its first right code on.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SecondFactor {
    /// The secret in base 32, to be typed into an application that makes codes.
    pub secret: String,
    /// The same as an address of scheme `otpauth`, to be shown as a QR code.
    pub uri: String,
}

impl std::fmt::Debug for SecondFactor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SecondFactor").finish_non_exhaustive()
    }
}

/// `PUT /api/v1/admin/session/second-factor`: proves that the application shows the right codes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SecondFactorCode {
    /// The six digits that it shows now.
    pub code: String,
}
