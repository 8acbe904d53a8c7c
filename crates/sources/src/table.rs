//! Tables in CSV form (RFC 4180), as spreadsheets and banks write them: a header and rows, each with the line it begins on.

/// A table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// The names of the columns.
    pub header: Row,
    /// What stands below them, in order. A row may be shorter or longer than the header.
    pub rows: Vec<Row>,
}

/// One row of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The line of the file it begins on, from 1.
    pub line: usize,
    /// Its cells, without the spaces around them.
    pub cells: Vec<String>,
}

impl Row {
    /// Whether nothing stands in any cell from a place on, counted from 0.
    pub fn is_empty_from(&self, place: usize) -> bool {
        self.cells.iter().skip(place).all(String::is_empty)
    }
}

/// Reads a table. A cell in quotation marks may hold commas, line breaks and doubled quotation marks; a byte order mark and
/// blank lines count for nothing; lines end in LF or CR LF. `None` when the file says nothing at all.
pub fn read(text: &str) -> Option<Table> {
    let text = text.trim_start_matches('\u{feff}');
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .trim(csv::Trim::All)
        .from_reader(text.as_bytes());
    let mut lines = Lines::of(text);
    let records = reader.records().map(|record| {
        let record = record.expect("rows of any length are taken, and the text is text");
        Row {
            line: lines.of_record(record.position().map_or(0, csv::Position::byte)),
            cells: record.iter().map(str::to_owned).collect(),
        }
    });
    let mut rows = records.filter(|row| row.cells.len() > 1 || !row.is_empty_from(0));
    Some(Table {
        header: rows.next()?,
        rows: rows.collect(),
    })
}

/// Counts lines, going forward. The reader's own count is that of the end of the record before, blank lines not counted.
struct Lines<'a> {
    text: &'a [u8],
    at: usize,
    line: usize,
}

impl<'a> Lines<'a> {
    const fn of(text: &'a str) -> Self {
        Self {
            text: text.as_bytes(),
            at: 0,
            line: 1,
        }
    }

    /// The line of a record whose bytes begin at `byte`, or after line breaks there.
    fn of_record(&mut self, byte: u64) -> usize {
        let begins = usize::try_from(byte).unwrap_or(usize::MAX).max(self.at);
        let ahead = self.text.get(begins..).unwrap_or_default();
        let is_break = |byte: &&u8| matches!(byte, b'\r' | b'\n');
        let begins = begins + ahead.iter().take_while(is_break).count();
        let passed = self.text.get(self.at..begins).unwrap_or_default();
        self.line += passed.split(|byte| *byte == b'\n').skip(1).count();
        self.at = begins;
        self.line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_read_as_spreadsheets_write_them() {
        for (text, expected) in [
            ("a,b\n1,2\n", vec![vec!["1", "2"]]),
            ("a,b\n1,2", vec![vec!["1", "2"]]),
            ("\u{feff}a,b\r\n1,2\r\n", vec![vec!["1", "2"]]),
            (
                "a,b\n\"x, y\",\"say \"\"hi\"\"\"\n",
                vec![vec!["x, y", "say \"hi\""]],
            ),
            ("a,b\n\"two\nlines\",2\n", vec![vec!["two\nlines", "2"]]),
            ("a , b\n  1 ,2  \n", vec![vec!["1", "2"]]),
            (
                "a,b\n1\n1,2,3\n,\n",
                vec![vec!["1"], vec!["1", "2", "3"], vec!["", ""]],
            ),
            ("\n\na,b\n\n  \n1,2\n\n", vec![vec!["1", "2"]]),
            ("a,b\n", vec![]),
        ] {
            let table = read(text).unwrap();
            assert_eq!(table.header.cells, ["a", "b"], "{text:?}");
            let cells: Vec<_> = table.rows.into_iter().map(|row| row.cells).collect();
            assert_eq!(cells, expected, "{text:?}");
        }
        for nothing in ["", "\u{feff}", "\n\r\n", "  \n"] {
            assert_eq!(read(nothing), None, "{nothing:?}");
        }
    }

    #[test]
    fn rows_know_their_lines() {
        for text in [
            "\na\n\n\n1\n\"2\n\n\"\n3\n\n4",
            "\r\na\r\n\r\n\r\n1\r\n\"2\r\n\r\n\"\r\n3\r\n\r\n4\r\n",
            "\u{feff}\na\n  \n\n1\n\"2\n\n\"\n3\n \n4\n",
        ] {
            let table = read(text).unwrap();
            let lines: Vec<_> = table.rows.iter().map(|row| row.line).collect();
            assert_eq!(
                (table.header.line, lines),
                (2, vec![5, 6, 9, 11]),
                "{text:?}"
            );
        }
    }
}
