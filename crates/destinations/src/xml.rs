//! As much of XML as answers of AWS need: the text of an element, found by its name. No attributes, no nesting of the same name.

/// The text of the first element called `name`.
pub(crate) fn text<'a>(body: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = body.split_once(&format!("<{name}>"))?;
    let (text, _) = rest.split_once(&format!("</{name}>"))?;
    Some(text)
}

/// The texts of all elements called `name`, in their order.
pub(crate) fn all<'a>(body: &'a str, name: &str) -> Vec<&'a str> {
    let (open, close) = (format!("<{name}>"), format!("</{name}>"));
    let parts = body.split(open.as_str()).skip(1);
    parts
        .filter_map(|part| Some(part.split_once(close.as_str())?.0))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_are_found_by_name() {
        let body = "<a><member><b>1</b></member><member><b>2</b></member></a>";
        assert_eq!(text(body, "b"), Some("1"));
        assert_eq!(text(body, "c"), None);
        assert_eq!(all(body, "member"), ["<b>1</b>", "<b>2</b>"]);
        assert_eq!(text("<b>cut", "b"), None);
    }
}
