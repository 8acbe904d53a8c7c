//! Reads pages as a browser does, as far as forms need it.

/// One tag with its attributes, and what stands behind it.
struct Tag<'a> {
    name: &'a str,
    attributes: Vec<(&'a str, String)>,
    rest: &'a str,
}

impl Tag<'_> {
    fn get(&self, name: &str) -> Option<&str> {
        let mut known = self.attributes.iter();
        known
            .find(|(known, _)| *known == name)
            .map(|(_, value)| value.as_str())
    }

    fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }
}

/// Character references, as our templates write them.
fn decoded(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('&') {
        plain.push_str(before);
        let (reference, behind) = after.split_once(';').unwrap();
        plain.push(match reference {
            "amp" => '&',
            "lt" => '<',
            "gt" => '>',
            "quot" => '"',
            number => {
                let number = number
                    .strip_prefix('#')
                    .unwrap_or_else(|| panic!("&{number};"));
                char::from_u32(number.parse().unwrap()).unwrap()
            }
        });
        rest = behind;
    }
    plain.push_str(rest);
    plain
}

/// The first opening tag.
fn first_tag(html: &str) -> Option<Tag<'_>> {
    let mut rest = html;
    loop {
        rest = rest.split_once('<')?.1;
        if rest.starts_with(|letter: char| letter.is_ascii_alphabetic()) {
            break;
        }
    }
    let end = rest.find(|letter: char| letter.is_whitespace() || letter == '>' || letter == '/')?;
    let (name, mut rest) = rest.split_at(end);
    let mut attributes = Vec::new();
    loop {
        rest = rest.trim_start_matches(|letter: char| letter.is_whitespace() || letter == '/');
        if let Some(behind) = rest.strip_prefix('>') {
            return Some(Tag {
                name,
                attributes,
                rest: behind,
            });
        }
        let end = rest.find(|letter: char| letter.is_whitespace() || "=>/".contains(letter))?;
        let (attribute, behind) = rest.split_at(end);
        rest = behind;
        let mut value = String::new();
        if let Some(behind) = rest.strip_prefix("=\"") {
            let (quoted, behind) = behind.split_once('"')?;
            value = decoded(quoted);
            rest = behind;
        }
        attributes.push((attribute, value));
    }
}

/// The fields that a browser sends when nobody touches the form that posts to `action`.
pub(crate) fn untouched(html: &str, action: &str) -> Vec<(String, String)> {
    let mut rest = html;
    let body = loop {
        let tag = first_tag(rest).unwrap_or_else(|| panic!("no form posts to {action}:\n{html}"));
        rest = tag.rest;
        if tag.name == "form"
            && tag.get("method") == Some("post")
            && tag.get("action") == Some(action)
        {
            break tag.rest.split_once("</form>").unwrap().0;
        }
    };
    let mut fields = Vec::new();
    let mut rest = body;
    while let Some(tag) = first_tag(rest) {
        rest = tag.rest;
        let Some(name) = tag.get("name").filter(|_| !tag.has("disabled")) else {
            continue;
        };
        let mut send = |value: &str| fields.push((name.to_owned(), value.to_owned()));
        match tag.name {
            "input" => match tag.get("type").unwrap_or("text") {
                "checkbox" | "radio" if !tag.has("checked") => {}
                "checkbox" | "radio" => send(tag.get("value").unwrap_or("on")),
                "submit" | "button" | "image" | "file" => {}
                _ => send(tag.get("value").unwrap_or_default()),
            },
            "textarea" => {
                let (text, behind) = tag.rest.split_once("</textarea>").unwrap();
                send(&decoded(text.strip_prefix('\n').unwrap_or(text)));
                rest = behind;
            }
            "select" => {
                let (mut options, behind) = tag.rest.split_once("</select>").unwrap();
                let (mut first, mut chosen) = (None, None);
                while let Some(option) = first_tag(options) {
                    options = option.rest;
                    if option.name != "option" {
                        continue;
                    }
                    let text = decoded(option.rest.split('<').next().unwrap().trim());
                    let value = option.get("value").map_or(text, str::to_owned);
                    if option.has("selected") {
                        chosen = Some(value.clone());
                    }
                    first = first.or(Some(value));
                }
                if let Some(value) = chosen.or(first) {
                    send(&value);
                }
                rest = behind;
            }
            _ => {}
        }
    }
    fields
}

/// What is between `<main>` and its end, without lines that say nothing.
pub(crate) fn main_of(html: &str) -> String {
    let (_, main) = html
        .split_once("<main")
        .unwrap_or_else(|| panic!("no main: {html}"));
    let (main, _) = main.split_once("</main>").unwrap();
    let lines = main.lines().filter(|line| !line.trim().is_empty());
    format!("<main{}\n</main>", lines.collect::<Vec<_>>().join("\n"))
}

/// What stands where something is wrong.
pub(crate) fn problems(html: &str) -> Vec<String> {
    let mut rest = html;
    let mut problems = Vec::new();
    while let Some(tag) = first_tag(rest) {
        rest = tag.rest;
        if tag.get("class") == Some("problem") {
            let (text, _) = rest.split_once("</p>").unwrap();
            let text = text.replace("<code>", "`").replace("</code>", "`");
            problems.push(decoded(text.split('<').next().unwrap()));
        }
    }
    problems
}

#[test]
fn forms_are_read_as_a_browser_reads_them() {
    let html = r#"<form method="post" action="/a"><input name="x" value="1"></form>
        <form method="post" action="/b">
        <input name="text" value="a &#34;b&#34; &amp; c"><input type="checkbox" name="on" checked><input type="checkbox" name="off">
        <input type="radio" name="r" value="1"><input type="radio" name="r" value="2" checked><input name="no" disabled value="x">
        <select name="s"><option value="">none</option><option value="2" selected>two</option></select>
        <select name="t"><option>first</option><option>second</option></select>
        <textarea name="long">
one
two &lt;</textarea><button name="b" value="x">Save</button></form>"#;
    let expected = [
        ("text", "a \"b\" & c"),
        ("on", "on"),
        ("r", "2"),
        ("s", "2"),
        ("t", "first"),
        ("long", "one\ntwo <"),
    ];
    let read = untouched(html, "/b");
    let read: Vec<_> = read
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    assert_eq!(read, expected);
}
