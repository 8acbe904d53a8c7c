//! Who may call what: a table from rule to terms, and from terms and caller to an answer. Both are total.

use super::Caller;
use ledger::Scope;

/// Who may call a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Anyone: health, documents, sign-in.
    Anyone,
    /// Anyone, on a form of ours: what signs in and out.
    Visitor,
    /// A store, whose message proves itself.
    Store,
    /// Client SDKs, with a public key, and whoever may do more.
    Client,
    /// Whoever may read the project.
    Read,
    /// Whoever may change it.
    Write,
    /// A person who is signed in; others are sent to the sign-in page.
    Page,
    /// A person who is signed in and may change things, on a form of ours.
    Form,
    /// A person who is signed in, about himself, on a form of ours.
    Own,
    /// A person who is signed in and may manage members and keys.
    Manage,
}

/// How callers of a route make themselves known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Proof {
    /// Not at all.
    None,
    /// Not at all, but what they send comes from a page of ours.
    OurPage,
    /// By a key.
    Key,
    /// By a key, or else by a session.
    KeyOrSession,
    /// By a session.
    Session,
}

impl Access {
    /// How its callers make themselves known: nothing else that they send is looked at.
    pub(super) const fn proof(self) -> Proof {
        match self {
            Self::Anyone | Self::Store => Proof::None,
            Self::Visitor => Proof::OurPage,
            Self::Client => Proof::Key,
            Self::Read | Self::Write => Proof::KeyOrSession,
            Self::Page | Self::Form | Self::Own | Self::Manage => Proof::Session,
        }
    }

    /// The least that a caller's scope has to be; `None` where nobody is asked who they are.
    const fn least(self) -> Option<Scope> {
        match self {
            Self::Anyone | Self::Visitor | Self::Store => None,
            Self::Client => Some(Scope::Client),
            Self::Read | Self::Page | Self::Own => Some(Scope::Read),
            Self::Write | Self::Form | Self::Manage => Some(Scope::Write),
        }
    }

    /// Whether it takes somebody's role, whatever the scope is.
    const fn is_for_managers(self) -> bool {
        match self {
            Self::Manage => true,
            Self::Anyone
            | Self::Visitor
            | Self::Store
            | Self::Client
            | Self::Read
            | Self::Write
            | Self::Page
            | Self::Form
            | Self::Own => false,
        }
    }

    /// Why somebody known is not let through; `None` when they are.
    pub(super) fn refusal(self, caller: &Caller) -> Option<&'static str> {
        let least = self.least()?;
        if caller.scope < least && caller.scope == Scope::Client {
            // It is in every copy of the app.
            Some("this is the public key of an app: it opens /v1 only")
        } else if self.is_for_managers() && !caller.may_manage() {
            Some("only admins and owners may manage members and keys")
        } else if caller.scope < least {
            Some("this key may not change anything")
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ledger::Role;

    #[test]
    fn every_rule_lets_through_only_who_may_do_that_much() {
        use Access::{Anyone, Client, Form, Manage, Own, Page, Read, Store, Visitor, Write};
        let caller = |scope, role| Caller {
            name: String::new(),
            project: None,
            app: None,
            scope,
            role,
            user: None,
            key: None,
        };
        let callers = [
            caller(Scope::Client, None),
            caller(Scope::Read, None),
            caller(Scope::Read, Some(Role::Viewer)),
            caller(Scope::Write, None),
            caller(Scope::Write, Some(Role::Developer)),
            caller(Scope::Write, Some(Role::Admin)),
            caller(Scope::Write, Some(Role::Owner)),
        ];
        // In the order of the callers: a public key; a key that reads, a viewer; a key that writes, a developer; admin, owner.
        let expected = [
            (Anyone, "+ ++ ++ ++"),
            (Visitor, "+ ++ ++ ++"),
            (Store, "+ ++ ++ ++"),
            (Client, "+ ++ ++ ++"),
            (Read, "- ++ ++ ++"),
            (Page, "- ++ ++ ++"),
            (Own, "- ++ ++ ++"),
            (Write, "- -- ++ ++"),
            (Form, "- -- ++ ++"),
            (Manage, "- -- -- ++"),
        ];
        for (access, expected) in expected {
            let mut answers = callers.iter().map(|caller| access.refusal(caller));
            let may: String = expected
                .chars()
                .map(|sign| match sign {
                    ' ' => ' ',
                    _ if answers.next().unwrap().is_none() => '+',
                    _ => '-',
                })
                .collect();
            assert_eq!(may, expected, "{access:?}");
        }
    }
}
