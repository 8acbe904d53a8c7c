//! Whether a request is as a case says: headers, members and fields are subsets, arrays go by position.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use destinations::{Request, Via};
use serde_json::{Map, Value};

/// What a request has at a path: `json.events.0.user_id`.
pub(crate) fn at(request: &Request, path: &str) -> Option<Value> {
    let parts = parts(request);
    let mut steps = path.split('.');
    let mut found = parts.get(steps.next()?)?.clone();
    let mut rest: Vec<&str> = steps.collect();
    // Names may hold dots themselves.
    while !rest.is_empty() {
        let taken = (1..=rest.len()).rev().find_map(|many| {
            let name = rest[..many].join(".");
            let inner = match &found {
                Value::Array(list) => list.get(name.parse::<usize>().ok()?),
                other => other.get(&name),
            };
            inner.map(|inner| (many, inner.clone()))
        });
        let (many, inner) = taken?;
        found = inner;
        rest.drain(..many);
    }
    Some(found)
}

fn decoded(text: &str) -> Map<String, Value> {
    let pairs = text.split('&').filter(|pair| !pair.is_empty());
    let pairs = pairs.map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (unescaped(name), Value::from(unescaped(value)))
    });
    pairs.collect()
}

fn unescaped(text: &str) -> String {
    let (mut bytes, mut rest) = (Vec::new(), text.bytes());
    while let Some(byte) = rest.next() {
        match byte {
            b'+' => bytes.push(b' '),
            b'%' => {
                let digits = [rest.next().unwrap(), rest.next().unwrap()];
                let digits = std::str::from_utf8(&digits).unwrap();
                bytes.push(u8::from_str_radix(digits, 16).unwrap());
            }
            byte => bytes.push(byte),
        }
    }
    String::from_utf8(bytes).unwrap()
}

fn parts(request: &Request) -> Map<String, Value> {
    let body = String::from_utf8_lossy(&request.body).into_owned();
    let (url, query) = request.url.split_once('?').unwrap_or((&request.url, ""));
    let headers = request.headers.iter();
    let headers = headers.map(|header| {
        (
            header.name.to_ascii_lowercase(),
            header.value.as_str().into(),
        )
    });
    let form = "application/x-www-form-urlencoded";
    let is_form = request.headers.iter().any(|header| header.value == form);
    let form = if is_form { body.as_str() } else { "" };
    let json = serde_json::from_slice(&request.body).unwrap_or_default();
    let lines = body
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_default());
    Map::from_iter([
        ("url".to_owned(), url.into()),
        ("query".to_owned(), decoded(query).into()),
        ("headers".to_owned(), Value::Object(headers.collect())),
        ("lines".to_owned(), Value::Array(lines.collect())),
        ("form".to_owned(), decoded(form).into()),
        ("json".to_owned(), json),
        ("body".to_owned(), body.into()),
    ])
}

/// How a request differs from what is expected of it.
pub(crate) fn differences(request: &Request, expected: &Value) -> Vec<String> {
    let mut found = Vec::new();
    let parts = parts(request);
    let expected = expected.as_object().unwrap();
    for (what, wanted) in expected {
        let problem = match what.as_str() {
            "note" => None,
            "signed" => signed(request, wanted.as_str().unwrap()),
            "file_lines" => {
                let body = request.shown_body();
                let lines = body.lines();
                let lines = lines.map(|line| serde_json::from_str(line).unwrap_or_default());
                differs(&Value::Array(lines.collect()), wanted, what)
            }
            "url" if expected.contains_key("file_lines") => {
                let (is, wanted) = (place(&request.url), place(wanted.as_str().unwrap()));
                (is != wanted).then(|| format!("url is {is}, not {wanted}"))
            }
            "method" => (wanted != request.verb()).then(|| format!("method is {}", request.verb())),
            "url" => {
                let has_query = expected.contains_key("query");
                let url = if has_query {
                    parts["url"].clone()
                } else {
                    request.url.as_str().into()
                };
                (url != *wanted).then(|| format!("url is {url}, not {wanted}"))
            }
            "headers" => differs(&headers(request, wanted), wanted, "headers"),
            "json" | "form" | "query" | "lines" => differs(&parts[what], wanted, what),
            "forbidden" => wanted.as_array().unwrap().iter().find_map(|path| {
                let path = path.as_str().unwrap();
                at(request, path).map(|value| format!("{path} is there: {value}"))
            }),
            "json_strings" | "json_base64" => {
                wanted
                    .as_object()
                    .unwrap()
                    .iter()
                    .find_map(|(path, wanted)| {
                        let value = at(request, path).unwrap_or_default();
                        let mut text = value.as_str().unwrap_or_default().to_owned();
                        if what == "json_base64" {
                            text = String::from_utf8(STANDARD.decode(text).unwrap_or_default())
                                .unwrap();
                        }
                        let inner = serde_json::from_str(&text).unwrap_or_default();
                        differs(&inner, wanted, path)
                    })
            }
            "raw_contains" | "text_contains" => {
                wanted.as_array().unwrap().iter().find_map(|text| {
                    let body = parts["body"].as_str().unwrap();
                    let text = text.as_str().unwrap();
                    (!body.contains(text)).then(|| format!("{text:?} is not in {body}"))
                })
            }
            "key" => {
                let key = match &request.via {
                    Via::Record(record) => record.key.as_str(),
                    _ => "",
                };
                (key != wanted).then(|| format!("key is {key}, not {wanted}"))
            }
            "max_body_bytes" => (request.body.len() as u64 > wanted.as_u64().unwrap())
                .then(|| format!("{} bytes", request.body.len())),
            "max_keys" => wanted
                .as_object()
                .into_iter()
                .flatten()
                .find_map(|(path, most)| {
                    let keys = at(request, path)?.as_object()?.len() as u64;
                    (keys > most.as_u64()?).then(|| format!("{path} has {keys} keys"))
                }),
            other => Some(format!("the case says `{other}`, which nobody compares")),
        };
        found.extend(problem);
    }
    found
}

/// Where a file is put, but for the day, the hour and the batch that its name says: those of the cases stand for any.
fn place(url: &str) -> String {
    let path = unescaped(url.split('?').next().unwrap());
    let Some((before, after)) = path.split_once("/date=") else {
        return path;
    };
    let (_, extension) = after.split_once('.').unwrap();
    format!("{before}/date=*/hour=*/*.{extension}")
}

/// Whether a request is signed as `aws4 service=sqs` says.
fn signed(request: &Request, wanted: &str) -> Option<String> {
    let service = wanted.strip_prefix("aws4 service=").unwrap();
    let headers = parts(request)["headers"].clone();
    let value = headers["authorization"].as_str().unwrap_or_default();
    let is_so = value.starts_with("AWS4-HMAC-SHA256 Credential=")
        && value.contains(&format!("/{service}/aws4_request, "));
    (!is_so).then(|| format!("authorization is {value}"))
}

/// The headers of a request; a value in braces stands for any that begins as it does.
fn headers(request: &Request, wanted: &Value) -> Value {
    let mut headers = parts(request)["headers"].clone();
    if let Some(grant) = &request.grant {
        headers["authorization"] = format!("Bearer {grant:?}").into();
    }
    for (name, value) in wanted.as_object().into_iter().flatten() {
        let begins = value
            .as_str()
            .and_then(|value| Some(value.split_once('{')?.0));
        let is_there = headers[name]
            .as_str()
            .zip(begins)
            .is_some_and(|(is, begins)| is.starts_with(begins));
        if is_there {
            headers[name] = value.clone();
        }
    }
    headers
}

/// Whether a value is another, of which there may be less.
pub(crate) fn same(is: &Value, wanted: &Value) -> bool {
    differs(is, wanted, "").is_none()
}

fn differs(is: &Value, wanted: &Value, path: &str) -> Option<String> {
    match (is, wanted) {
        (Value::Object(is), Value::Object(wanted)) => wanted.iter().find_map(|(name, wanted)| {
            let path = format!("{path}.{name}");
            match is.get(name) {
                None => Some(format!("{path} is absent, {wanted} expected")),
                Some(is) => differs(is, wanted, &path),
            }
        }),
        (Value::Array(is), Value::Array(wanted)) => {
            if is.len() < wanted.len() {
                return Some(format!(
                    "{path} has {} items, {} expected",
                    is.len(),
                    wanted.len()
                ));
            }
            let pairs = is.iter().zip(wanted).enumerate();
            pairs
                .map(|(at, (is, wanted))| differs(is, wanted, &format!("{path}.{at}")))
                .find_map(|difference| difference)
        }
        (Value::Number(one), Value::Number(other)) if one.as_f64() == other.as_f64() => None,
        _ => (is != wanted).then(|| format!("{path} is {is}, not {wanted}")),
    }
}
