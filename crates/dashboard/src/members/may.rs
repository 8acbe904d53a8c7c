//! Who may make or unmake whom.

use domain::ProjectId;
use ledger::Role;
use web::{
    access::Caller,
    problem::{Code, Problem},
};

/// Whether somebody may make or unmake somebody of this role: only owners handle owners, and who reaches one project only
/// handles those who reach no more.
pub(crate) fn may_handle(caller: &Caller, role: Role, reach: Option<ProjectId>) -> bool {
    caller.may_manage()
        && (role < Role::Owner || caller.role == Some(Role::Owner))
        && (caller.project.is_none() || caller.project == reach)
}

/// Whether somebody may make a link that opens the account of somebody of this role: of equals only owners may.
pub(crate) fn may_open(caller: &Caller, role: Role, reach: Option<ProjectId>) -> bool {
    let is_less = Some(role) < caller.role;
    may_handle(caller, role, reach) && (is_less || caller.role == Some(Role::Owner))
}

/// The role that a form names, if the caller may make somebody that.
pub(crate) fn role_of(caller: &Caller, word: &str) -> Result<Role, Problem> {
    Role::from_id(word)
        .filter(|role| may_handle(caller, *role, caller.project))
        .ok_or_else(|| {
            Problem::new(
                Code::Forbidden,
                format!("you may not make somebody {word:?}"),
            )
        })
}
