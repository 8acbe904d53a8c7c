//! Names that people give to what they set up: projects, apps, products, integrations, keys.
//!
//! They stand in pages, logs, messages and command lines beside the text of others, so none of them may pretend to be more than a name.

/// Most characters of one.
pub const LONGEST: usize = 255;

/// What is wrong with a name, as it is said after the name of its field; `None` where nothing is.
pub fn problem(name: &str) -> Option<String> {
    let length = name.chars().count();
    if length > LONGEST {
        Some(format!(
            "has {length} characters; a name has 1 to {LONGEST}"
        ))
    } else if name.chars().all(is_unseen) {
        Some(format!(
            "is empty or blank; a name has 1 to {LONGEST} characters"
        ))
    } else if is_plain(name) {
        None
    } else {
        Some("has a control character, or one that turns the direction of the text around it; a name has neither".into())
    }
}

/// Whether a text is of one line and stays where it stands: no control characters, and none of those that set the direction of what follows.
/// Source: Unicode, annex 9, "Explicit Directional Embeddings", "Overrides" and "Isolates".
pub fn is_plain(text: &str) -> bool {
    !text.chars().any(|letter| {
        letter.is_control()
            || matches!(letter, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    })
}

/// The beginning of what somebody sent, to be said back.
pub fn beginning(text: &str) -> String {
    const SHOWN: usize = 64;
    let mut letters = text.chars();
    let mut shown: String = letters.by_ref().take(SHOWN).collect();
    if letters.next().is_some() {
        shown.push('…');
    }
    shown
}

/// Whether nothing is seen of a letter by itself.
fn is_unseen(letter: char) -> bool {
    letter.is_whitespace() || matches!(letter, '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_seen_is_short_and_stays_where_it_stands() {
        for name in [
            "Acme",
            "Acme, Inc. <b>\"€\"</b>",
            "אקמי",
            "شركة",
            // A family: joined by characters that are not seen.
            "\u{1f468}\u{200d}\u{1f469}",
            &"ä".repeat(LONGEST),
        ] {
            assert_eq!(problem(name), None, "{name:?}");
        }
        for (name, said) in [
            ("", "is empty or blank"),
            (" \t ", "is empty or blank"),
            ("\u{200b}\u{feff}\u{3000}", "is empty or blank"),
            ("a\nb", "has a control character"),
            ("a\u{0}", "has a control character"),
            ("a\u{1b}[31m", "has a control character"),
            ("a\u{85}b", "has a control character"),
            ("a\u{2028}b", "has a control character"),
            ("paid\u{202e}gpj.exe", "has a control character"),
            ("\u{2066}a", "has a control character"),
            (
                &"a".repeat(10_000),
                "has 10000 characters; a name has 1 to 255",
            ),
        ] {
            let problem = problem(name).unwrap_or_default();
            assert!(problem.starts_with(said), "{name:?}: {problem}");
        }
        assert_eq!(beginning("short"), "short");
        assert_eq!(beginning(&"ä".repeat(65)), format!("{}…", "ä".repeat(64)));
    }
}
