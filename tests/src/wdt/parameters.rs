//! Where a request's parameters may stand: clients place them in the query string, in an urlencoded body, in a multipart body, or
//! some here and some there. They count as one set, wherever they stood.

use crate::door::Request;

use super::sign::Parameters;

/// All parameters of a request.
pub(super) fn merged(request: &Request) -> Parameters {
    let mut all: Parameters = decoded(request.query.as_bytes()).collect();
    match request.header("content-type").map(boundary) {
        Some(Some(boundary)) => all.extend(multipart(&request.body, &boundary)),
        _ => all.extend(decoded(&request.body)),
    }
    all
}

fn decoded(text: &[u8]) -> impl Iterator<Item = (String, String)> + '_ {
    url::form_urlencoded::parse(text).into_owned()
}

/// What separates the parts, if the body is `multipart/form-data`.
fn boundary(content_type: &str) -> Option<String> {
    let mut parts = content_type.split(';');
    if !parts.next()?.trim().eq_ignore_ascii_case("multipart/form-data") {
        return None;
    }
    parts.find_map(|part| {
        let (name, value) = part.split_once('=')?;
        name.trim().eq_ignore_ascii_case("boundary").then(|| value.trim().trim_matches('"').to_owned())
    })
}

/// The named texts of a multipart body (RFC 7578); files and parts without a name are passed over.
fn multipart(body: &[u8], boundary: &str) -> Vec<(String, String)> {
    let body = String::from_utf8_lossy(body);
    // The first boundary stands at the very beginning or after a line break, as all others do.
    let body = format!("\r\n{body}");
    let separator = format!("\r\n--{boundary}");
    let parts = body.split(&separator).skip(1).take_while(|part| !part.starts_with("--"));
    parts
        .filter_map(|part| {
            let (head, value) = part.strip_prefix("\r\n")?.split_once("\r\n\r\n")?;
            let disposition =
                head.lines().find(|line| line.to_ascii_lowercase().starts_with("content-disposition:"))?;
            Some((quoted(disposition, "name")?, value.to_owned()))
        })
        .collect()
}

fn quoted(disposition: &str, name: &str) -> Option<String> {
    disposition.split(';').find_map(|part| {
        let (key, value) = part.trim().split_once('=')?;
        (key == name).then(|| value.trim_matches('"').to_owned())
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use axum::http::{HeaderMap, HeaderValue};
    use proptest::prelude::*;

    use super::*;

    fn read(query: &str, content_type: &'static str, body: &str) -> Vec<(String, String)> {
        let mut headers = HeaderMap::new();
        headers.insert("content-type", HeaderValue::from_static(content_type));
        let request = Request {
            method: "POST".to_owned(),
            path: "/router/qm".to_owned(),
            query: query.to_owned(),
            headers,
            body: body.to_owned().into(),
        };
        merged(&request).into_iter().collect()
    }

    #[test]
    fn parameters_count_wherever_they_stand() {
        let expected = [("a", "1"), ("shop_no", "旗舰店 1"), ("z", "")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .to_vec();
        let form = "application/x-www-form-urlencoded; charset=UTF-8";
        let shop = "shop_no=%E6%97%97%E8%88%B0%E5%BA%97+1";
        assert_eq!(read(&format!("a=1&z=&{shop}"), form, ""), expected);
        assert_eq!(read("", form, &format!("{shop}&z=&a=1")), expected);
        assert_eq!(read("a=1", form, &format!("z=&{shop}")), expected);
        let parts = "--X1\r\nContent-Disposition: form-data; name=\"shop_no\"\r\n\r\n旗舰店 1\r\n\
                     --X1\r\ncontent-disposition: form-data; name=\"z\"\r\nContent-Type: text/plain\r\n\r\n\r\n--X1--\r\n";
        assert_eq!(read("a=1", "multipart/form-data; boundary=X1", parts), expected);
        assert_eq!(read("a=1", "multipart/form-data; charset=utf-8; boundary=\"X1\"", parts), expected);
    }

    proptest! {
        #[test]
        fn no_body_breaks_the_reader(body in "[ -~\r\n-]{0,120}") {
            read("", "multipart/form-data; boundary=-", &body);
        }

        #[test]
        fn a_part_is_taken_literally(value in "[ -~一二\r\n]{0,40}") {
            let body = format!("--B0b\r\nContent-Disposition: form-data; name=\"v\"\r\n\r\n{value}\r\n--B0b--");
            prop_assert_eq!(read("", "multipart/form-data; boundary=B0b", &body), [("v".to_owned(), value)]);
        }
    }
}
