//! What people may see of a request and of its answer: without what must not be shown, whoever repeats it.

use destinations::{Request, Response};
use ledger::SentRequest;

/// A request as people may see it.
pub(super) fn shown(request: &Request) -> SentRequest {
    SentRequest {
        method: request.verb().to_owned(),
        url: request.shown_url(),
        headers: request.shown_headers(),
        body: request.shown_body(),
        also: String::new(),
    }
}

/// The answer to a request without what must not be shown of it: an endpoint may repeat a key.
pub(super) fn concealed(request: &Request, response: Response) -> Response {
    if request.redact.is_empty() {
        return response;
    }
    let conceal = |text: &str| request.concealed(text);
    let headers = response.headers.iter();
    Response {
        headers: headers
            .map(|header| (header.name.clone(), conceal(&header.value)))
            .collect(),
        body: conceal(&String::from_utf8_lossy(&response.body)).into_bytes(),
        unread: response.unread.as_deref().map(conceal),
        ..response
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use destinations::Method;
    use domain::{Headers, secret::Secret};

    #[test]
    fn a_key_that_is_repeated_is_shown_nowhere() {
        let key = Secret::new("k3y/of us");
        let request = Request::new(Method::Put, "https://a.example/in")
            .with_query([("key", key.expose())])
            .with_header("x-also", key.expose())
            .with_body("text/plain", b"k3y/of us".to_vec())
            .redacting(&key);
        let repeated = Response {
            status: 403,
            retry_after: None,
            headers: [("location", "https://a.example/in?key=k3y%2Fof%20us")]
                .into_iter()
                .collect(),
            body: br#"{"error":"bad key k3y/of us"}"#.to_vec(),
            unread: Some("broke off after k3y/of us".into()),
        };
        let kept = concealed(&request, repeated);
        let record = shown(&request);
        assert_eq!(record.method, "PUT");
        for said in [
            format!("{kept:?}"),
            String::from_utf8(kept.body.clone()).unwrap(),
            format!("{record:?}"),
        ] {
            assert!(!said.contains("k3y"), "{said}");
        }
        assert_eq!(kept.body, br#"{"error":"bad key ***"}"#);
        assert_eq!(
            kept.headers.first("location"),
            Some("https://a.example/in?key=***")
        );
    }

    #[test]
    fn what_hides_nothing_is_left_as_it_came() {
        let request = Request::new(Method::Get, "https://a.example/");
        let answer = Response {
            status: 200,
            retry_after: None,
            headers: Headers::default(),
            body: vec![0xff, 0xfe],
            unread: None,
        };
        assert_eq!(concealed(&request, answer.clone()), answer);
    }
}
