//! What is decided on one configuration and committed on another: somebody is removed, demoted or made while a password is
//! hashed.

use crate::{first_day, fresh, told};
use domain::UserId;
use ledger::{
    ConfigurationChange as Change, Invitation, LetInBy, Opened, Opens, Role, SecondStep, User,
    UserPart,
};
use tokio::sync::OnceCell;
use web::{
    access::digest,
    passwords,
    test::{TestServer, Who},
};

const PASSWORD: &str = "correct horse";
/// Made once.
static HASH: OnceCell<String> = OnceCell::const_new();

async fn configure(server: &TestServer, changes: Vec<Change>) {
    let engine = &server.app.engine;
    let done = engine.configure(&engine.setup(), changes, "test").await;
    assert!(done.unwrap());
}

fn user(server: &TestServer, email: &str) -> User {
    let setup = server.app.engine.setup();
    let mut users = setup.configuration.users.iter();
    users.find(|user| user.email == email).unwrap().clone()
}

/// The admin, who has a password.
async fn admin(server: &TestServer) -> User {
    let (hashing, system) = (&server.app.gate.hashing, server.app.engine.system());
    let hash = HASH
        .get_or_init(async || {
            let hash = passwords::hash(hashing, system, PASSWORD.into(), &[]).await;
            hash.unwrap()
        })
        .await;
    let admin = user(server, "admin@acme.example");
    let part = UserPart::Password(hash.clone());
    let change = Change::ChangeUser(admin.id, admin.email.clone(), part);
    // Ends the session that the tests have of it, so that is opened again.
    let session = server.ledger().sessions(admin.id, server.now()).await;
    configure(server, vec![change]).await;
    for session in session.unwrap() {
        let by = LetInBy {
            password: hash.clone(),
            second: SecondStep::NotAsked,
        };
        let opened = server.ledger().open_session(session, by).await;
        assert_eq!(opened.unwrap(), Opened::Kept);
    }
    user(server, "admin@acme.example")
}

/// The answer to what is sent by `asking` people, none of whom gets a password hashed before something has happened.
async fn before_it_is_hashed<T>(
    server: &TestServer,
    asking: usize,
    sent: impl Future<Output = T>,
    happens: impl Future<Output = ()>,
) -> T {
    let hashing = &server.app.gate.hashing;
    let held = hashing.hold();
    let meanwhile = async {
        hashing.asked(asking).await;
        happens.await;
        drop(held);
    };
    let (answer, ()) = tokio::join!(sent, meanwhile);
    answer
}

const CHANGE: [(&str, &str); 2] = [("current", PASSWORD), ("password", "another password")];

#[tokio::test]
async fn a_removed_admin_does_not_come_back_by_changing_the_password() {
    let server = fresh().await;
    let admin = admin(&server).await;
    let client = server.by(Who::Admin);
    let changing = client.form("/projects/acme/account/password", &CHANGE);
    let removing = configure(&server, vec![Change::RemoveUser(admin.id)]);
    let changed = before_it_is_hashed(&server, 1, changing, removing).await;
    assert_eq!(changed.status, 409, "{changed}");
    let setup = server.app.engine.setup();
    assert!(setup.user(admin.id).is_none());
}

#[tokio::test]
async fn a_demoted_admin_stays_demoted_when_changing_the_password() {
    let server = fresh().await;
    let admin = admin(&server).await;
    let client = server.by(Who::Admin);
    let changing = client.form("/projects/acme/account/password", &CHANGE);
    let role = Change::ChangeUser(admin.id, admin.email, UserPart::Role(Role::Viewer));
    let demoting = configure(&server, vec![role]);
    let changed = before_it_is_hashed(&server, 1, changing, demoting).await;
    assert_eq!(changed.status, 303, "{changed}");
    let now = user(&server, "admin@acme.example");
    assert_eq!(now.role, Role::Viewer);
    assert_ne!(now.password, admin.password, "the password is the new one");
}

#[tokio::test]
async fn a_password_that_another_has_replaced_is_not_replaced_again() {
    let server = fresh().await;
    admin(&server).await;
    let client = server.by(Who::Admin);
    let path = "/projects/acme/account/password";
    let both = async { tokio::join!(client.form(path, &CHANGE), client.form(path, &CHANGE)) };
    let (one, other) = before_it_is_hashed(&server, 2, both, async {}).await;
    let mut answers = [one.status.as_u16(), other.status.as_u16()];
    answers.sort_unstable();
    assert_eq!(answers, [303, 409]);
}

#[tokio::test]
async fn whoever_signs_in_while_being_removed_is_not_signed_in() {
    let server = fresh().await;
    let admin = admin(&server).await;
    let nobody = server.by(Who::Nobody);
    let fields = [("email", "admin@acme.example"), ("password", PASSWORD)];
    let entering = nobody.form("/signin", &fields);
    let removing = configure(&server, vec![Change::RemoveUser(admin.id)]);
    let entered = before_it_is_hashed(&server, 1, entering, removing).await;
    assert_eq!(entered.status, 401, "{entered}");
}

/// This node has not heard of it: what counts is what is stored when the session is opened.
#[tokio::test]
async fn whoever_signs_in_while_another_node_changes_the_password_is_not_signed_in() {
    let server = fresh().await;
    let admin = admin(&server).await;
    let before = server.ledger().sessions(admin.id, server.now()).await;
    let nobody = server.by(Who::Nobody);
    let fields = [("email", "admin@acme.example"), ("password", PASSWORD)];
    let entering = nobody.form("/signin", &fields);
    let changing = async {
        let revision = server.app.engine.setup().revision();
        let part = UserPart::Password("another".into());
        let change = vec![Change::ChangeUser(admin.id, admin.email.clone(), part)];
        let elsewhere = server
            .ledger()
            .configure(revision, change, "test", server.now());
        assert!(elsewhere.await.unwrap());
    };
    let entered = before_it_is_hashed(&server, 1, entering, changing).await;
    let said = "401 The account was changed while you signed in. Sign in again.";
    assert_eq!(told(&entered), said);
    let left = server.ledger().sessions(admin.id, server.now()).await;
    assert_eq!((before.unwrap().len(), left.unwrap().len()), (1, 0));
}

#[tokio::test]
async fn of_two_set_ups_at_once_one_makes_the_owner() {
    let (server, session) = first_day().await;
    let operator = server.with_session(&session);
    let account = |email| [("email", email), ("password", PASSWORD)];
    let (ann, bob) = (account("ann@a.example"), account("bob@a.example"));
    let both = async { tokio::join!(operator.form("/setup", &ann), operator.form("/setup", &bob)) };
    let (one, other) = before_it_is_hashed(&server, 2, both, async {}).await;
    let mut answers = [told(&one), told(&other)];
    answers.sort();
    let refused = "409 there is an owner already; sign in, or be invited";
    assert_eq!(answers, ["303 /", refused]);
    assert_eq!(server.app.engine.setup().configuration.users.len(), 1);
}

/// Makes invitations to one address, and answers with their paths.
async fn invited(server: &TestServer, tokens: &[&str]) -> Vec<String> {
    let hour = jiff::SignedDuration::from_hours(1);
    let invitation = |token: &&str| {
        Change::PutInvitation(Invitation {
            digest: digest(token),
            email: "new@acme.example".into(),
            role: Role::Viewer,
            project: None,
            opens: Opens::Account,
            made_by: "test".into(),
            expires_at: server.now().checked_add(hour).unwrap(),
        })
    };
    configure(server, tokens.iter().map(invitation).collect()).await;
    tokens
        .iter()
        .map(|token| format!("/invite/{token}"))
        .collect()
}

#[tokio::test]
async fn of_two_who_join_at_once_under_one_address_one_does() {
    for tokens in [["one", "one"], ["one", "other"]] {
        let server = fresh().await;
        let mut once = tokens.to_vec();
        once.dedup();
        invited(&server, &once).await;
        let nobody = server.by(Who::Nobody);
        let fields = [("name", "New"), ("password", PASSWORD)];
        let [one, other] = tokens.map(|token| format!("/invite/{token}"));
        let both = async { tokio::join!(nobody.form(&one, &fields), nobody.form(&other, &fields)) };
        let (one, other) = before_it_is_hashed(&server, 2, both, async {}).await;
        let mut answers = [one.status.as_u16(), other.status.as_u16()];
        answers.sort_unstable();
        assert_eq!(answers, [303, 404], "{one} {other}");
        let setup = server.app.engine.setup();
        let users = setup.configuration.users.iter();
        assert_eq!(
            users
                .filter(|user| user.email == "new@acme.example")
                .count(),
            1
        );
        assert!(setup.configuration.invitations.is_empty());
    }
}

#[tokio::test]
async fn a_link_that_is_withdrawn_while_it_is_used_opens_nothing() {
    let server = fresh().await;
    let path = invited(&server, &["one"]).await.remove(0);
    let invitation = server.app.engine.setup().configuration.invitations[0].clone();
    let nobody = server.by(Who::Nobody);
    let fields = [("name", "New"), ("password", PASSWORD)];
    let withdrawing = configure(&server, vec![Change::RemoveInvitation(invitation)]);
    let joining = nobody.form(&path, &fields);
    let joined = before_it_is_hashed(&server, 1, joining, withdrawing).await;
    assert_eq!(joined.status, 404, "{joined}");
}

#[tokio::test]
async fn invitations_made_at_once_are_all_made() {
    let server = fresh().await;
    let path = "/projects/acme/members/invite";
    let fields = |email| [("email", email), ("role", "viewer")];
    let (a, b, c) = (
        fields("a@a.example"),
        fields("b@a.example"),
        fields("c@a.example"),
    );
    let made = tokio::join!(
        server.form(path, &a),
        server.form(path, &b),
        server.form(path, &c)
    );
    for answer in [made.0, made.1, made.2] {
        assert_eq!(answer.status, 200, "{answer}");
    }
    assert_eq!(server.app.engine.setup().configuration.invitations.len(), 3);
}

#[tokio::test]
async fn of_two_owners_who_remove_each_other_one_stays() {
    let server = fresh().await;
    let owner = |email: &str| user(&server, email);
    // Of four owners these two stay.
    let gone = [
        owner("expired@acme.example"),
        owner("otherowner@acme.example"),
    ];
    let gone = gone.iter().map(|user: &User| Change::RemoveUser(user.id));
    configure(&server, gone.collect()).await;
    let admin = owner("admin@acme.example");
    let role = UserPart::Role(Role::Owner);
    configure(
        &server,
        vec![Change::ChangeUser(admin.id, admin.email, role)],
    )
    .await;
    let path = |id: UserId| format!("/projects/acme/members/{id}");
    let (first, second) = (path(owner("owner@acme.example").id), path(admin.id));
    let (by_admin, by_owner) = (server.by(Who::Admin), server.by(Who::Owner));
    let remove = [("remove", "on")];
    let (one, other) = tokio::join!(
        by_admin.form(&first, &remove),
        by_owner.form(&second, &remove)
    );
    let mut answers = [one.status.as_u16(), other.status.as_u16()];
    answers.sort_unstable();
    assert_eq!(answers, [303, 409], "{one} {other}");
}

/// The answers to two forms, neither of which is decided upon before both were read.
async fn both_are_read_before_one_is_decided(
    server: &TestServer,
    first: (&str, &[(&str, &str)]),
    then: (&str, &[(&str, &str)]),
) -> [String; 2] {
    let turn = server.app.engine.turn_to_decide().await;
    let opens = async {
        for _ in 0..1000 {
            tokio::task::yield_now().await;
        }
        drop(turn);
    };
    let (one, other, ()) = tokio::join!(
        server.form(first.0, first.1),
        server.form(then.0, then.1),
        opens
    );
    [told(&one), told(&other)]
}

const NEW_SLACK: &str = "/projects/acme/integrations/new/slack";
const OURS: [(&str, &str); 2] = [
    ("integration.key", "alerts"),
    ("webhook_url", "https://hooks.slack.com/services/T/B/ours"),
];
const THEIRS: [(&str, &str); 2] = [
    ("integration.key", "alerts"),
    ("webhook_url", "https://hooks.slack.com/services/T/B/theirs"),
];

#[tokio::test]
async fn of_two_that_are_added_by_one_key_the_second_does_not_change_the_first() {
    let server = fresh().await;
    let answers =
        both_are_read_before_one_is_decided(&server, (NEW_SLACK, &OURS), (NEW_SLACK, &THEIRS));
    let mut answers = answers.await;
    // Whoever came first was the first.
    answers.sort();
    assert_eq!(
        answers,
        [
            "303 /projects/acme/integrations/alerts?notice=added",
            "422 there is an integration \"alerts\" already"
        ]
    );
    let [ours, theirs] = ["Ours", "Theirs"].map(|name| [("name", name), ("key", "twice")]);
    let answers =
        both_are_read_before_one_is_decided(&server, ("/projects", &ours), ("/projects", &theirs));
    let answers = answers.await;
    let first = if answers[0].starts_with("303") {
        "Ours"
    } else {
        "Theirs"
    };
    let setup = server.app.engine.setup();
    assert_eq!(setup.find_project("twice").unwrap().row.name, first);
    let mut answers = answers;
    answers.sort();
    assert_eq!(
        answers,
        [
            "303 /projects/twice/start?notice=added",
            "422 there is a project \"twice\" already"
        ]
    );
}

#[tokio::test]
async fn what_was_removed_meanwhile_does_not_come_back_by_being_saved() {
    let server = fresh().await;
    let added = server.form(NEW_SLACK, &OURS).await;
    assert_eq!(added.status, 303, "{added}");
    let path = "/projects/acme/integrations/alerts";
    let removed = format!("{path}/remove");
    let answers = both_are_read_before_one_is_decided(
        &server,
        (&removed, &[("sure", "on")]),
        (path, &THEIRS[1..]),
    );
    let [removed, saved] = answers.await;
    assert_eq!(removed, "303 /projects/acme/integrations?notice=removed");
    // Whichever came first: it was saved before it went, or not at all.
    let was_before = "303 /projects/acme/integrations/alerts?notice=saved";
    let is_gone = "422 the integration \"alerts\" was removed meanwhile";
    assert!(saved == is_gone || saved == was_before, "{saved}");
    let setup = server.app.engine.setup();
    let mut all = setup.configuration.integrations.iter();
    assert!(all.all(|integration| integration.key != "alerts"));
}
