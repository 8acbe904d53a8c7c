//! Rows in our own form: the key of an app, a name, a token.

use super::entry::{Bought, Entry, Line, Shop};
use anyhow::{Result, bail};
use serde::Deserialize;
use sources::table::{self, Table};

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    app: String,
    app_user_id: String,
    token: String,
}

impl From<Row> for Entry {
    fn from(row: Row) -> Self {
        Self {
            purchase: Some(Bought {
                shop: Shop::App(row.app),
                token: row.token,
            }),
            ..Self::of(row.app_user_id)
        }
    }
}

/// Columns that a table must have.
const COLUMNS: [&str; 3] = ["app", "app_user_id", "token"];

/// The rows of a file. JSON lines when it begins with a brace, CSV otherwise.
pub(super) fn read(text: &str) -> Result<Vec<Line>> {
    let text = text.trim_start_matches('\u{feff}');
    if text.trim_start().starts_with('{') {
        Ok(of_json(text))
    } else {
        of_table(text)
    }
}

fn of_json(text: &str) -> Vec<Line> {
    let lines = text.lines().enumerate();
    lines
        .filter(|(_, line)| !line.trim().is_empty())
        .map(|(index, line)| Line {
            number: index + 1,
            entry: serde_json::from_str::<Row>(line)
                .map(Entry::from)
                .map_err(|error| error.to_string()),
        })
        .collect()
}

fn of_table(text: &str) -> Result<Vec<Line>> {
    let Some(Table { header, rows }) = table::read(text) else {
        return Ok(Vec::new());
    };
    let place = |column: &str| header.cells.iter().position(|name| name == column);
    let [Some(app), Some(app_user_id), Some(token)] = COLUMNS.map(place) else {
        bail!(
            "line {}: expected a header with app, app_user_id and token, found {:?}",
            header.line,
            header.cells.join(",")
        );
    };
    let row = |row: &table::Row| {
        let cell = |place: usize| {
            let cell = row.cells.get(place).filter(|cell| !cell.is_empty());
            cell.cloned().ok_or_else(|| {
                format!(
                    "expected {} cells, of which app, app_user_id and token are not empty",
                    header.cells.len()
                )
            })
        };
        whole(row, header.cells.len())?;
        let row = Row {
            app: cell(app)?,
            app_user_id: cell(app_user_id)?,
            token: cell(token)?,
        };
        Ok(row.into())
    };
    let lines = rows.iter().map(|each| Line {
        number: each.line,
        entry: row(each),
    });
    Ok(lines.collect())
}

/// Whether a row is one: with no more cells than columns, each in one line.
pub(super) fn whole(row: &table::Row, columns: usize) -> Result<(), String> {
    if !row.is_empty_from(columns) {
        return Err(format!("expected {columns} cells, found more"));
    }
    if row.cells.iter().any(|cell| cell.contains(['\r', '\n'])) {
        return Err("a cell goes on in the next line: a quotation mark is not closed".into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(number: usize, app: &str, who: &str, token: &str) -> Line {
        let row = Row {
            app: app.into(),
            app_user_id: who.into(),
            token: token.into(),
        };
        let entry = Ok(row.into());
        Line { number, entry }
    }

    #[test]
    fn both_forms_are_read_and_bad_lines_are_named() {
        let csv = "\u{feff}token,app_user_id,app\n123,\"Ann, \"\"A\"\"\",ios\n\n,bob,ios\n";
        let rows = read(csv).unwrap();
        assert_eq!(rows[0], line(2, "ios", "Ann, \"A\"", "123"));
        assert!(rows[1].number == 4 && rows[1].entry.is_err());
        let json = "{\"app\":\"ios\",\"app_user_id\":\"ann\",\"token\":\"1\"}\n{\"app\":1}\n";
        let rows = read(json).unwrap();
        assert_eq!(rows[0], line(1, "ios", "ann", "1"));
        assert!(rows[1].entry.is_err());
        assert!(read("").unwrap().is_empty());
    }

    #[test]
    fn columns_are_found_by_name_and_a_missing_one_is_told_with_its_line() {
        let rows = read("note,token,app,app_user_id\r\nx, 1 ,ios,ann\r\n").unwrap();
        assert_eq!(rows, [line(2, "ios", "ann", "1")]);
        for (text, problem) in [
            (
                "user,token\n",
                "line 1: expected a header with app, app_user_id and token, found \"user,token\"",
            ),
            (
                "\n\nios,ann,1\n",
                "line 3: expected a header with app, app_user_id and token, found \"ios,ann,1\"",
            ),
        ] {
            assert_eq!(read(text).unwrap_err().to_string(), problem);
        }
    }

    #[test]
    fn what_a_row_does_not_say_plainly_is_an_error_of_that_row() {
        let text =
            "app,app_user_id,token\nios,ann\nios,bob,2,3\nios,cid,3,,\nios,\"dan,4\nios,eve,5\n";
        let problems: Vec<_> = read(text)
            .unwrap()
            .into_iter()
            .map(|line| (line.number, line.entry.err().unwrap_or_default()))
            .collect();
        let told = [
            (
                2,
                "expected 3 cells, of which app, app_user_id and token are not empty",
            ),
            (3, "expected 3 cells, found more"),
            (4, ""),
            (
                5,
                "a cell goes on in the next line: a quotation mark is not closed",
            ),
        ];
        assert_eq!(
            problems,
            told.map(|(line, problem)| (line, problem.to_owned()))
        );
    }
}
