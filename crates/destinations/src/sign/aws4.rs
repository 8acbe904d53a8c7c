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
    use serde_json::Value;

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

    /// Requests of the services that are sent to, signed apart from this code. The file lies beside the checkout; where it is not, there is
    /// nothing to compare with.
    #[test]
    fn requests_of_each_service_are_signed_as_written_down_apart() {
        const FILE: &str = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../../shared/vectors/destinations/_sigv4.json"
        );
        let Ok(text) = std::fs::read_to_string(FILE) else {
            return;
        };
        let vectors: Value = serde_json::from_str(&text).unwrap();
        let text = |case: &Value, name: &str| case[name].as_str().unwrap().to_owned();
        for case in vectors["cases"].as_array().unwrap() {
            let method = match case["method"].as_str() {
                Some("PUT") => Method::Put,
                _ => Method::Post,
            };
            let url = format!("https://{}{}", text(case, "host"), text(case, "path"));
            let mut request = Request::new(method, url);
            for (name, value) in case["headers"].as_object().unwrap() {
                let name = ["content-type", "x-amz-content-sha256", "x-amz-target"]
                    .into_iter()
                    .find(|known| known == name)
                    .unwrap();
                request = request.with_header(name, value.as_str().unwrap());
            }
            request.body = text(case, "body").into_bytes();
            let (key_id, region, service) = (
                text(case, "access_key_id"),
                text(case, "region"),
                text(case, "service"),
            );
            let scope = Scope {
                key_id: &key_id,
                secret: &Secret::new(text(case, "secret_access_key")),
                region: &region,
                service: &service,
            };
            let at = jiff::civil::DateTime::strptime("%Y%m%dT%H%M%SZ", text(case, "at")).unwrap();
            let at = at.to_zoned(jiff::tz::TimeZone::UTC).unwrap().timestamp();
            let signed = signature(request, &scope, &at.to_string());
            assert_eq!(signed, text(case, "authorization"), "{service}");
        }
    }
}
