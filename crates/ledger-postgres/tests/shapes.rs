//! Every statement is of a shape that a distributed PostgreSQL takes. What Citus was found to take and to refuse is in docs/scaling.md.
#![expect(clippy::unwrap_used, reason = "tests report by panicking")]

use ledger_postgres::distributed::{COPIED, DIVIDED, KEPT};
use sqlparser::{
    ast::{
        Insert, ObjectName, OnConflictAction, OnInsert, Query, SetExpr, Statement, TableFactor,
        Visit, Visitor,
    },
    dialect::PostgreSqlDialect,
    parser::Parser,
};
use std::{collections::BTreeSet, fs, ops::ControlFlow, path::Path};

/// Statements that need not be of such a shape: how they begin, and why.
const EXCEPT: &[(&str, &str)] = &[
    (
        "update deliveries d set turn = 1, due_at = $4\n                 from (select customer, id, due_at from deliveries where integration = $1 and endpoint = $2 and status = 0 and due_at <= $3\n                         and ($6::uuid is null or customer <> $6) order by due_at limit $5\n                       for update",
        "on one machine; the same without it is for several",
    ),
    (
        "update deliveries d set turn = 1, due_at = $4\n                 from (select p.customer, p.id, p.due_at from deliveries p where p.integration = $1 and p.endpoint = $2 and p.status = 0\n                         and p.due_at <= $3 and ($6::uuid is null or p.customer <> $6)\n                         and not exists (select 1 from deliveries b where b.customer = p.customer\n                           and (b.customer, b.integration, b.endpoint) between (p.customer, p.integration, p.endpoint) and (p.customer, p.integration, p.endpoint)\n                           and b.status = 0 and b.turn = 1 and b.due_at > $3 and b.id <> p.id offset 0)\n                         and not exists (select 1 from deliveries b where b.customer = p.customer and b.integration = p.integration and b.endpoint = p.endpoint\n                           and b.status = 0 and b.seq <= p.seq and (b.seq < p.seq or b.position < p.position)\n                           and (b.turn <> 2 or b.due_at <= $3 or b.tried_at >= $7) order by b.seq, b.position offset 0)\n                       order by p.due_at limit $5\n                       for update",
        "on one machine; the same without it is for several",
    ),
    (
        "select n.number as \"number!\" from unnest($1::uuid[], $2::text[]) with ordinality as n(id, endpoint, number)",
        "on one machine; for several each lane is asked for by itself",
    ),
    (
        "with led as materialized (\n               select distinct d.event from deliveries d",
        "pages that ask for what failed or waits: the order is on the coordinator, deliveries are not",
    ),
    (
        "select f.position, f.customer, f.event from feed f",
        "pages that ask for what failed or waits: the order is on the coordinator, deliveries are not",
    ),
    (
        "select d.id, d.event, e.kind, d.customer, d.integration, d.message",
        "pages: the place of one delivery is looked up first",
    ),
    (
        "select id, body, version, seq from customers\n         where id = coalesce((select merged_into",
        "a part that stands by itself is looked up first",
    ),
    (
        "select customer, id, body from events where customer = $1 or customer in (select id from customers",
        "forgetting somebody, by hand",
    ),
];

fn names(name: &ObjectName) -> String {
    name.to_string()
}

fn divided_by(table: &str) -> Option<&'static str> {
    let found = DIVIDED.iter().find(|divided| divided.table == table);
    found.map(|divided| divided.by)
}

/// What stands in a statement.
#[derive(Default)]
struct Seen {
    /// Divided tables with the names they go by.
    divided: Vec<(String, String)>,
    kept: BTreeSet<String>,
    locks: bool,
    lateral: bool,
}

impl Visitor for Seen {
    type Break = ();

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        self.locks |= !query.locks.is_empty();
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<()> {
        match factor {
            TableFactor::Table { name, alias, .. } => {
                let name = names(name);
                let known = alias
                    .as_ref()
                    .map_or(name.clone(), |alias| alias.name.to_string());
                if divided_by(&name).is_some() {
                    self.divided.push((name, known));
                } else if KEPT.contains(&name.as_str()) {
                    self.kept.insert(name);
                }
            }
            TableFactor::Derived { lateral, .. } | TableFactor::Function { lateral, .. } => {
                self.lateral |= *lateral;
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }
}

fn check_insert(insert: &Insert, problems: &mut Vec<String>) -> Option<String> {
    let table = insert.table.to_string();
    let by = divided_by(&table)?;
    let columns: Vec<String> = insert.columns.iter().map(ToString::to_string).collect();
    if !columns.iter().any(|column| column == by) {
        problems.push(format!("inserts into {table} without {by}"));
    }
    if let Some(OnInsert::OnConflict(conflict)) = &insert.on {
        let target = conflict.conflict_target.as_ref().map(ToString::to_string);
        if target.is_some_and(|target| !target.contains(by)) {
            problems.push(format!("a conflict in {table} is one without {by}"));
        }
        if let OnConflictAction::DoUpdate(update) = &conflict.action
            && update
                .assignments
                .iter()
                .any(|set| set.target.to_string() == by)
        {
            problems.push(format!("moves rows of {table} to another machine"));
        }
    }
    Some(table)
}

/// What a distributed PostgreSQL would refuse in a statement.
fn problems(sql: &str) -> Vec<String> {
    let mut parsed = Parser::parse_sql(&PostgreSqlDialect {}, sql)
        .unwrap_or_else(|error| panic!("{error}: {sql}"));
    let statement = parsed.remove(0);
    let mut seen = Seen::default();
    assert!(statement.visit(&mut seen).is_continue());
    let mut problems = Vec::new();
    let mut written = None;
    match &statement {
        Statement::Insert(insert) => written = check_insert(insert, &mut problems),
        Statement::Update(update) => {
            let table = update.table.relation.to_string();
            let table = table.split(' ').next().unwrap().to_owned();
            if let Some(by) = divided_by(&table) {
                if update
                    .assignments
                    .iter()
                    .any(|set| set.target.to_string() == by)
                {
                    problems.push(format!("moves rows of {table} to another machine"));
                }
                written = Some(table);
            }
        }
        Statement::Query(query) => {
            let changes =
                |body: &SetExpr| !matches!(body, SetExpr::Select(_) | SetExpr::SetOperation { .. });
            let with = query.with.iter().flat_map(|with| &with.cte_tables);
            if let SetExpr::Select(select) = &*query.body {
                let over = select.from.iter().any(|from| {
                    matches!(
                        from.relation,
                        TableFactor::Function { .. } | TableFactor::UNNEST { .. }
                    )
                });
                let looks_back = select.selection.as_ref().map(ToString::to_string);
                let looks_back = looks_back.is_some_and(|text| text.contains("EXISTS (SELECT"));
                if over && looks_back && !seen.divided.is_empty() {
                    problems.push("a part that looks back at what is not divided".into());
                }
            }
            // What was taken from one place may be put into another.
            let puts = matches!(*query.body, SetExpr::Insert(_));
            let mut with = with.into_iter();
            if !puts && !seen.divided.is_empty() && with.any(|cte| changes(&cte.query.body)) {
                problems.push("changes rows in a part of a query".into());
            }
        }
        _ => {}
    }
    let touches = written.is_some() || !seen.divided.is_empty();
    if touches && seen.locks {
        problems.push("locks rows across machines".into());
    }
    if touches && seen.lateral {
        problems.push("a lateral join".into());
    }
    if touches && !seen.kept.is_empty() {
        problems.push(format!("joins what is divided to {:?}", seen.kept));
    }
    problems.extend(apart(sql, &seen.divided));
    problems
}

/// Divided tables that are not joined to the first by what divides them, be it by way of others.
fn apart(sql: &str, divided: &[(String, String)]) -> Vec<String> {
    let text = sql.to_lowercase();
    let is_joined = |(table, known): &(String, String), (other, other_known): &(String, String)| {
        let (by, other_by) = (divided_by(table).unwrap(), divided_by(other).unwrap());
        let one = format!("{known}.{by} = {other_known}.{other_by}");
        let turned = format!("{other_known}.{other_by} = {known}.{by}");
        // A part of itself, joined by what divides it, is the shape of a claim.
        let itself = ["due", "old"].map(|part| format!("{known}.{by} = {part}.{by}"));
        [one, turned]
            .iter()
            .chain(&itself)
            .any(|joined| text.contains(joined))
    };
    let (mut reached, mut left) = (Vec::new(), divided.to_vec());
    reached.extend((!left.is_empty()).then(|| left.remove(0)));
    while let Some(next) = left.iter().position(|table| {
        let mut reached = reached.iter();
        reached.any(|known| is_joined(known, table))
    }) {
        reached.push(left.remove(next));
    }
    let first = reached.first().map_or("", |(_, known)| known);
    left.iter()
        .map(|(_, known)| format!("{first} and {known} are not joined by what divides them"))
        .collect()
}

#[test]
fn every_statement_is_of_a_shape_that_can_be_distributed() {
    let known = Path::new(env!("CARGO_MANIFEST_DIR")).join(".sqlx");
    let mut excepted = BTreeSet::new();
    let (mut found, mut count) = (Vec::new(), 0);
    for entry in fs::read_dir(known).unwrap() {
        let text = fs::read_to_string(entry.unwrap().path()).unwrap();
        let stored: serde_json::Value = serde_json::from_str(&text).unwrap();
        let sql = stored["query"].as_str().unwrap();
        count += 1;
        let refused = problems(sql);
        if refused.is_empty() {
            continue;
        }
        match EXCEPT.iter().find(|(begins, _)| sql.starts_with(begins)) {
            Some((begins, _)) => {
                excepted.insert(*begins);
            }
            None => found.push(format!("{refused:?}: {sql}")),
        }
    }
    assert!(count > 100, "{count} statements were read");
    assert!(found.is_empty(), "{}", found.join("\n\n"));
    for (begins, why) in EXCEPT {
        assert!(
            excepted.contains(begins),
            "needs no exception ({why}): {begins}"
        );
    }
}

#[test]
fn what_citus_refuses_is_seen() {
    for (sql, problem) in [
        (
            "select id from deliveries where due_at < 1 for update skip locked",
            "locks",
        ),
        (
            "select 1 from integrations i cross join lateral (select 1 from deliveries d where d.integration = i.id limit 3) x",
            "lateral",
        ),
        ("update customers set id = $1 where id = $2", "moves rows"),
        ("insert into events (id) values ($1)", "without customer"),
        (
            "insert into inbox (id, key) values ($1, $2) on conflict (key) do nothing",
            "without id",
        ),
        (
            "with gone as (delete from events where customer = $1 returning *) select * from gone",
            "changes rows",
        ),
        (
            "select 1 from chains c join customers u on u.id = c.customer",
            "not joined by",
        ),
        (
            "select n.id from unnest($1::uuid[]) as n(id) where exists (select 1 from deliveries d where d.integration = n.id)",
            "looks back",
        ),
        (
            "select 1 from feed f join events e on e.id = f.event",
            "joins what is divided",
        ),
    ] {
        let found = problems(sql);
        assert!(
            found.iter().any(|found| found.contains(problem)),
            "{sql}: {found:?}"
        );
    }
    for sql in [
        "select e.body from deliveries d join events e on e.customer = d.customer and e.id = d.event",
        "update deliveries d set due_at = 1 from unnest($1::uuid[], $2::uuid[]) as n(customer, id) where d.customer = n.customer and d.id = n.id",
        "select 1 from integrations",
        "select last from feed_head for update",
    ] {
        assert_eq!(problems(sql), Vec::<String>::new(), "{sql}");
    }
    assert!(COPIED.iter().all(|table| divided_by(table).is_none()));
}
