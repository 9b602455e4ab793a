//! One signed request, by either way in.
//!
//! At Qimen the parameters of the system go in the query string and the others in the body, as the vendor's Java and PHP clients do; the
//! signature covers both. `openapi2` takes all of them in the body.

use jiff::Timestamp;
use qiao_plugin::Failure;
use qiao_plugin::http::Request;

use crate::Host;
use crate::api::Api;
use crate::config::{Config, Mode};
use crate::sign::{self, Parameter};
use crate::window::in_beijing;

/// A request with these parameters, at this moment.
pub(crate) fn request(
    config: &Config,
    api: &Api,
    parameters: Vec<Parameter>,
    host: &Host<'_>,
) -> Result<Request, Failure> {
    let own = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let mut body = vec![own("sid", &config.sid)];
    body.extend(parameters);
    let seconds = (host.now)();
    match config.mode {
        Mode::Qimen => {
            let now = Timestamp::from_second(seconds).unwrap_or_default();
            let system = [
                own("app_key", &config.app_key),
                own("format", "json"),
                own("method", api.method()),
                own("sign_method", config.sign_method.name()),
                own("target_app_key", &config.target_app_key),
                own("timestamp", &in_beijing(now)),
                own("v", "2.0"),
            ];
            let signed: Vec<Parameter> = system.iter().chain(&body).cloned().collect();
            let sign = sign::qimen(&signed, config.sign_method, host.compute)?;
            // The router is the base URL itself.
            let mut request = Request::post("");
            for (name, value) in system {
                request = request.query(name, value);
            }
            Ok(form(request.query("sign", sign), &body))
        }
        Mode::Direct => {
            body.push(own("appkey", &config.app_key));
            body.push(own("timestamp", &seconds.to_string()));
            let sign = sign::direct(&body, host.compute)?;
            body.push(own("sign", &sign));
            Ok(form(Request::post(api.path()), &body))
        }
    }
}

fn form(request: Request, parameters: &[Parameter]) -> Request {
    request.form(parameters.iter().map(|(name, value)| (name.as_str(), value.into())))
}

#[cfg(test)]
pub(crate) mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::format_push_string,
        clippy::needless_pass_by_value,
        reason = "tests"
    )]
    use qiao_plugin::http::Part;
    use qiao_plugin::json::json;
    use qiao_plugin::{Connection, Value};

    use super::*;
    use crate::sign::tests::with_secret;

    /// 2026-11-21 12:00:00 in Beijing.
    pub(crate) const NOW: i64 = 1_795_233_600;

    pub(crate) fn connection(config: Value) -> Connection {
        let mut own = json!({"sid": "demo2", "app_key": "21000001", "sign_method": "md5"});
        own.as_object_mut().unwrap().extend(serde_json::from_value::<qiao_plugin::Object>(config).unwrap());
        Connection::new("wdt-main", "https://wdt/", own, Value::Null)
    }

    /// `POST path?query body`
    pub(crate) fn told(request: &Request) -> String {
        let text = |parts: &[Part]| -> String {
            let plain = parts.iter().map(|part| match part {
                Part::Text(text) => text.as_str(),
                other => panic!("{other:?}"),
            });
            plain.collect()
        };
        let mut told = format!("{} {}", request.method, request.path);
        for (place, (name, value)) in request.query.iter().enumerate() {
            let mark = if place == 0 { '?' } else { '&' };
            told.push_str(&format!("{mark}{name}={}", text(value)));
        }
        format!("{told} {}", text(&request.body))
    }

    fn asked(config: Value, key: &'static str, now: i64) -> Request {
        let config = Config::of(&connection(config)).unwrap();
        let parameters = [
            ("start_time", "2026-11-01 00:00:00"),
            ("end_time", "2026-11-01 01:00:00"),
            ("page_no", "0"),
            ("page_size", "40"),
        ];
        let parameters = parameters.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        let host = Host { send: &|_| panic!(), compute: &|sum| Ok(with_secret(key, sum)), now: &|| now };
        request(&config, &Api::refunds(), parameters, &host).unwrap()
    }

    #[test]
    fn qimen_takes_the_systems_parameters_in_the_query_and_the_others_in_the_body() {
        assert_eq!(
            told(&asked(json!({}), "topsecret", NOW)),
            "POST ?app_key=21000001&format=json&method=wdt.refund.query&sign_method=md5&target_app_key=21363512\
             &timestamp=2026-11-21 12:00:00&v=2.0&sign=4288683D0CBC050693FCB48BE607C043 \
             sid=demo2&start_time=2026-11-01+00%3A00%3A00&end_time=2026-11-01+01%3A00%3A00&page_no=0&page_size=40"
        );
    }

    #[test]
    fn openapi2_takes_all_in_the_body() {
        let text = told(&asked(json!({"mode": "direct", "app_key": "demo2-ot"}), "s3cr3t", 1_793_500_000));
        let (before, sign) = text.split_once("&sign=").unwrap();
        assert_eq!(
            before,
            "POST refund_query.php sid=demo2&start_time=2026-11-01+00%3A00%3A00&end_time=2026-11-01+01%3A00%3A00\
             &page_no=0&page_size=40&appkey=demo2-ot&timestamp=1793500000"
        );
        assert_eq!((sign.len(), sign), (32, sign.to_lowercase().as_str()));
    }
}
