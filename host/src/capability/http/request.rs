//! From what a plugin asks for to a request that stays below the connection's base URL.

use std::time::Duration;

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, Url};

use crate::capability::bindings::qiao::plugin::credentials;
use crate::capability::bindings::qiao::plugin::http::{Error, Part, Request};
use crate::capability::{Connection, Lent};

/// Headers that are the host's, or that would change how the message is framed.
const HOSTS_OWN: [&str; 9] = [
    "host",
    "content-length",
    "connection",
    "keep-alive",
    "proxy-authorization",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

pub(super) fn build(lent: &Lent, connection: &Connection, request: &Request) -> Result<reqwest::Request, Error> {
    let settings = connection.settings();
    let mut url = match request.path.as_str() {
        "" => settings.endpoint.clone(),
        path => below(&settings.base_url, path)?,
    };
    for (name, parts) in &request.query {
        let value = text(lent, parts)?;
        url.query_pairs_mut().append_pair(name, &String::from_utf8_lossy(&value));
    }
    let method = Method::from_bytes(request.method.as_bytes())
        .ok()
        .filter(|method| *method != Method::CONNECT && *method != Method::TRACE)
        .ok_or_else(|| Error::Denied(format!("`{}` is not an HTTP method that can be sent", request.method)))?;
    let mut built = reqwest::Request::new(method, url);
    *built.headers_mut() = headers(lent, &request.headers)?;
    if !request.body.is_empty() {
        *built.body_mut() = Some(text(lent, &request.body)?.into());
    }
    let most = connection.settings().timeout;
    let timeout = request.timeout_ms.map_or(most, |ms| Duration::from_millis(ms.into()).min(most));
    *built.timeout_mut() = Some(timeout);
    Ok(built)
}

/// The base URL and a path below it. Joining as URLs would let `//host`, `scheme:` and `..` out.
fn below(base: &Url, path: &str) -> Result<Url, Error> {
    let refuse = |why: &str| Err(Error::Denied(format!("the path `{path}` {why}; requests stay below `{base}`")));
    if path.starts_with('/') || path.contains("://") || path.contains('\\') {
        return refuse("names another place");
    }
    if path.contains(['?', '#']) {
        return refuse("has a query or a fragment (use `query`)");
    }
    if path.chars().any(|c| c.is_ascii_control() || c.is_whitespace()) {
        return refuse("has blanks or control characters");
    }
    // Some servers take `\` for `/`, and cut a segment at `;`.
    let decoded = percent_encoding::percent_decode_str(path).decode_utf8_lossy();
    let mut segments = decoded.split(['/', '\\']).map(|segment| segment.split(';').next().unwrap_or_default());
    if segments.any(|segment| segment == ".." || segment == ".") {
        return refuse("climbs");
    }
    let Ok(url) = Url::parse(&format!("{base}{path}")) else {
        return refuse("is malformed");
    };
    let same_place = url.scheme() == base.scheme()
        && url.host() == base.host()
        && url.port_or_known_default() == base.port_or_known_default()
        && url.path().starts_with(base.path())
        && url.username().is_empty();
    if same_place { Ok(url) } else { refuse("names another place") }
}

fn headers(lent: &Lent, given: &[(String, Vec<Part>)]) -> Result<HeaderMap, Error> {
    let mut headers = HeaderMap::new();
    for (name, parts) in given {
        let Ok(name) = HeaderName::from_bytes(name.as_bytes()) else {
            return Err(Error::Denied(format!("`{name}` is not a header name")));
        };
        if HOSTS_OWN.contains(&name.as_str()) {
            return Err(Error::Denied(format!("the header `{name}` is the host's")));
        }
        let Ok(mut value) = HeaderValue::from_bytes(&text(lent, parts)?) else {
            return Err(Error::Denied(format!(
                "the value of the header `{name}` has characters that a header cannot carry"
            )));
        };
        value.set_sensitive(parts.iter().any(|part| matches!(part, Part::Secret(_))));
        headers.append(name, value);
    }
    Ok(headers)
}

fn text(lent: &Lent, parts: &[Part]) -> Result<Vec<u8>, Error> {
    let secret = parts.iter().find_map(|part| match part {
        Part::Secret(secret) => Some(&secret.name),
        Part::Text(_) | Part::Bytes(_) => None,
    });
    if let Some(name) = secret
        && !lent.is_signing_in()
    {
        return Err(Error::Denied(format!("the secret `{name}` can be sent only while signing in")));
    }
    lent.concatenate(parts).map_err(|error| {
        Error::Denied(match error {
            credentials::Error::Undeclared(name) => {
                format!("the plugin's description does not list the secret `{name}`")
            }
            credentials::Error::Missing(name) => format!("the connection has no secret `{name}`"),
            credentials::Error::TooLarge(limit) => format!("a part of the request is larger than {limit} bytes"),
        })
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn a_path_stays_below_the_base_url() {
        let base = Url::parse("https://erp.example.com/k3cloud/").unwrap();
        for (path, expected) in [
            ("Save.common.kdsvc", Some("https://erp.example.com/k3cloud/Save.common.kdsvc")),
            ("v1/订单", Some("https://erp.example.com/k3cloud/v1/%E8%AE%A2%E5%8D%95")),
            ("a:b", Some("https://erp.example.com/k3cloud/a:b")),
            ("", Some("https://erp.example.com/k3cloud/")),
            ("/etc", None),
            ("//evil.example.com/", None),
            ("https://evil.example.com/", None),
            ("../admin", None),
            ("a/%2e%2e/%2e%2e/admin", None),
            ("a\\..\\b", None),
            ("a/..%5c..%5cadmin", None),
            ("a/..;/admin", None),
            ("a?b=c", None),
            ("a#b", None),
            ("a b", None),
            ("a\r\nHost: evil", None),
        ] {
            assert_eq!(below(&base, path).ok().as_ref().map(Url::as_str), expected, "{path}");
        }
    }
}
