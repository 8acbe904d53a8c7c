//! How many of something, in words.

use std::fmt::Display;

/// `1 project`, `2 projects`, `2 deliveries`. The count is a whole number.
pub fn counted(count: impl Display, one: &str) -> String {
    let count = count.to_string();
    match one.strip_suffix('y') {
        _ if count == "1" => format!("1 {one}"),
        Some(stem) if !stem.ends_with(['a', 'e', 'o', 'u']) => format!("{count} {stem}ies"),
        _ => format!("{count} {one}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::counted;

    #[test]
    fn one_is_no_plural() {
        for (count, one, words) in [
            (0, "project", "0 projects"),
            (1, "project", "1 project"),
            (2, "project", "2 projects"),
            (1, "delivery", "1 delivery"),
            (2, "delivery", "2 deliveries"),
            (3, "key", "3 keys"),
            (4, "day", "4 days"),
        ] {
            assert_eq!(counted(count, one), words);
        }
    }
}
