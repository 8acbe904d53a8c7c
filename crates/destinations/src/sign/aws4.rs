//! AWS Signature Version 4: over the method, the path, the query, every header, and the digest of the body. Source: AWS, "Create a signed AWS
//! API request", and Amazon S3 API Reference, "Authenticating Requests: Using the Authorization Header", read 2026-11.
//!
//! S3 signs the path as it is sent, every other service the path encoded once more. Object names are sent encoded throughout, so that servers
//! which sign what they receive and servers which encode it again agree.

use super::parts::{hmac_sha256, pairs, parts};
use crate::{Method, Request, encode};
use domain::secret::Secret;
use jiff::Timestamp;

/// By whom, and for what, a request is signed.
pub(crate) struct Scope<'a> {
    /// Names the key.
    pub(crate) key_id: &'a str,
    /// The key.
    pub(crate) secret: &'a Secret,
    /// `eu-central-1`.
    pub(crate) region: &'a str,
    /// `sqs`, `s3`.
    pub(crate) service: &'a str,
}

const SCHEME: &str = "AWS4-HMAC-SHA256";

/// Adds `x-amz-date` and `authorization`. Every header that is there already is signed.
pub(crate) fn sign(request: &mut Request, scope: &Scope<'_>, at: Timestamp) {
    let stamp = at.strftime("%Y%m%dT%H%M%SZ").to_string();
    let date = at.strftime("%Y%m%d").to_string();
    let mut headers = headers(request);
    headers.push(("x-amz-date".into(), stamp.clone()));
    headers.sort();
    let names: Vec<_> = headers.iter().map(|(name, _)| name.as_str()).collect();
    let names = names.join(";");
    let canonical = canonical(request, &headers, &names, scope.service);
    let Scope {
        region, service, ..
    } = scope;
    let of = format!("{date}/{region}/{service}/aws4_request");
    let said = format!("{SCHEME}\n{stamp}\n{of}\n{}", encode::sha256(&canonical));
    let secret = format!("AWS4{}", scope.secret.expose());
    let key = [date.as_str(), region, service, "aws4_request"]
        .iter()
        .fold(secret.into_bytes(), |key, part| hmac_sha256(&key, part));
    let signature = encode::hex(&hmac_sha256(&key, &said));
    let value = format!(
        "{SCHEME} Credential={}/{of}, SignedHeaders={names}, Signature={signature}",
        scope.key_id
    );
    let signed = std::mem::replace(request, Request::new(Method::Get, ""));
    *request = signed
        .with_header("x-amz-date", stamp)
        .with_secret_header("authorization", value);
}

/// The headers as they are signed: names in lower case, values without blanks around them and with one blank where there are several.
fn headers(request: &Request) -> Vec<(String, String)> {
    let (host, ..) = parts(&request.url);
    let plain = |value: &str| value.split_whitespace().collect::<Vec<_>>().join(" ");
    let own = request.headers.iter();
    own.map(|header| (header.name.to_ascii_lowercase(), plain(&header.value)))
        .chain([("host".to_owned(), host.to_owned())])
        .collect()
}

fn canonical(
    request: &Request,
    headers: &[(String, String)],
    names: &str,
    service: &str,
) -> String {
    let (_, path, query) = parts(&request.url);
    let path = if service == "s3" {
        path.to_owned()
    } else {
        let again: Vec<_> = path.split('/').map(encode::percent).collect();
        again.join("/")
    };
    let mut query: Vec<_> = pairs(query).collect();
    query.sort_unstable();
    let query: Vec<_> = query
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    let lines: String = headers
        .iter()
        .map(|(name, value)| format!("{name}:{value}\n"))
        .collect();
    let method = request.verb();
    format!(
        "{method}\n{path}\n{}\n{lines}\n{names}\n{}",
        query.join("&"),
        encode::sha256(&request.body)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The signature of a request by one of the keys that AWS's documents use.
    fn signature(request: Request, scope: &Scope<'_>, at: &str) -> String {
        let mut request = request;
        sign(&mut request, scope, at.parse().unwrap());
        let header = request.headers.pop().unwrap();
        assert!(header.secret);
        header.value
    }

    /// Source: the test suite of Signature Version 4 that AWS publishes: `get-vanilla`, `get-vanilla-query-order-key-case`, `post-vanilla`.
    #[test]
    fn requests_of_the_test_suite_are_signed_as_it_says() {
        let secret = Secret::new("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY");
        let scope = Scope {
            key_id: "AKIDEXAMPLE",
            secret: &secret,
            region: "us-east-1",
            service: "service",
        };
        for (method, url, expected) in [
            (
                Method::Get,
                "https://example.amazonaws.com/",
                "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
            ),
            (
                Method::Get,
                "https://example.amazonaws.com/?Param2=value2&Param1=value1",
                "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
            ),
            (
                Method::Post,
                "https://example.amazonaws.com",
                "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b",
            ),
        ] {
            let signed = signature(Request::new(method, url), &scope, "2015-08-30T12:36:00Z");
            assert_eq!(
                signed,
                format!(
                    "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=host;x-amz-date, Signature={expected}"
                ),
                "{url}"
            );
        }
    }

    /// Source: Amazon S3 API Reference, "Signature Calculations for the Authorization Header", examples "GET Object", "PUT Object", "GET
    /// Bucket Lifecycle", "Get Bucket (List Objects)".
    #[test]
    fn requests_of_the_reference_of_s3_are_signed_as_it_says() {
        let secret = Secret::new("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY");
        let scope = Scope {
            key_id: "AKIAIOSFODNN7EXAMPLE",
            secret: &secret,
            region: "us-east-1",
            service: "s3",
        };
        let of = |method, path: &str, body: &str| {
            let url = format!("https://examplebucket.s3.amazonaws.com/{path}");
            let mut request = Request::new(method, url);
            request.body = body.as_bytes().to_vec();
            let digest = encode::sha256(body);
            request.with_header("x-amz-content-sha256", digest)
        };
        let put = of(Method::Put, "test%24file.text", "Welcome to Amazon S3.")
            .with_header("Date", "Fri, 24 May 2013 00:00:00 GMT")
            .with_header("x-amz-storage-class", "REDUCED_REDUNDANCY");
        for (request, expected) in [
            (
                of(Method::Get, "test.txt", "").with_header("Range", "bytes=0-9"),
                "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
            ),
            (
                put,
                "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
            ),
            (
                of(Method::Get, "?lifecycle", ""),
                "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543",
            ),
            (
                of(Method::Get, "?max-keys=2&prefix=J", ""),
                "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
            ),
        ] {
            let url = request.url.clone();
            let signed = signature(request, &scope, "2013-05-24T00:00:00Z");
            assert!(
                signed.ends_with(&format!("Signature={expected}")),
                "{url}: {signed}"
            );
        }
    }

    /// Requests of the services that are sent to. The signatures were calculated apart from this code, with Python's `hmac`, by the steps of the
    /// IAM User Guide, "Create a signed AWS API request".
    #[test]
    fn requests_of_each_service_are_signed_as_calculated_apart() {
        let secret = Secret::new("not-a-secret");
        let json = |target: &'static str, version: &str, body: &str| {
            Request::new(Method::Post, "")
                .with_body(&format!("application/x-amz-json-{version}"), body.into())
                .with_header("x-amz-target", target)
        };
        let form = "application/x-www-form-urlencoded";
        let line = b"{\"id\":\"evt_1\"}\n".to_vec();
        let digest = "b0fb7352236385c853fe8c91e82edf3a63b7357a6b0073d96fed68cf5c2ff9ce";
        let file = Request::new(Method::Put, "").with_body("application/x-ndjson", line);
        for (service, at, request, names, expected) in [
            (
                "sqs",
                "sqs.eu-west-3.amazonaws.com/210987654321/coach.fifo",
                json("AmazonSQS.SendMessage", "1.0", "{\"MessageBody\":\"{}\"}"),
                "content-type;host;x-amz-date;x-amz-target",
                "b6ab3896b2ba406a75fb5977df1a82090e1451f2e429a2d97d0432cfc06f5a29",
            ),
            (
                "sns",
                "sns.eu-west-3.amazonaws.com/",
                Request::new(Method::Post, "")
                    .with_body(form, b"Action=Publish&Message=%7B%7D".to_vec()),
                "content-type;host;x-amz-date",
                "290353425befae868d4469878998a350fb138cee97059c7a4fbbf515f84a1184",
            ),
            (
                "events",
                "events.eu-west-3.amazonaws.com/",
                json("AWSEvents.PutEvents", "1.1", "{\"Entries\":[]}"),
                "content-type;host;x-amz-date;x-amz-target",
                "8a85b2d84dfc07e80b86edd610fbf326de2034fada84329fce1d2f32ff087467",
            ),
            (
                "s3",
                "coach.s3.eu-west-3.amazonaws.com/tidings/v1/a.jsonl",
                file.with_header("x-amz-content-sha256", digest),
                "content-type;host;x-amz-content-sha256;x-amz-date",
                "609247ef951ff473557ecc7848da1a2e6e86adc787019619f554553a710294ee",
            ),
        ] {
            let scope = Scope {
                key_id: "AKIDCOACH",
                secret: &secret,
                region: "eu-west-3",
                service,
            };
            let request = Request {
                url: format!("https://{at}"),
                ..request
            };
            let expected = format!(
                "AWS4-HMAC-SHA256 Credential=AKIDCOACH/20260314/eu-west-3/{service}/aws4_request, SignedHeaders={names}, Signature={expected}"
            );
            let signed = signature(request, &scope, "2026-03-14T18:20:00Z");
            assert_eq!(signed, expected, "{service}");
        }
    }
}
