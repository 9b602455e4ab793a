//! Who may come in, by either way: the application, its signature, and a time stamp that is not too far from the vendor's clock.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::{Offset, TimeZone};

use super::query::{AUTHORITY, Refusal};
use super::sign::{self, Parameters};

/// What a caller is known by. None of it is anybody's real key.
#[derive(Clone, Debug)]
pub(crate) struct Application {
    pub(crate) sid: String,
    pub(crate) app_key: String,
    pub(crate) app_secret: String,
    /// The enterprise edition's application at the router.
    pub(crate) target_app_key: String,
}

/// A refusal by the router.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RouterRefusal {
    pub(super) code: i64,
    pub(super) message: &'static str,
    pub(super) sub: Option<(&'static str, &'static str)>,
}

const fn refuse(code: i64, message: &'static str) -> RouterRefusal {
    RouterRefusal { code, message, sub: None }
}

/// How far a time stamp may be from the vendor's clock, in seconds.
const DIRECT_TOLERANCE: i64 = 5 * 60;
const ROUTER_TOLERANCE: i64 = 10 * 60;

impl Application {
    /// Whether openapi2 lets these parameters in.
    pub(super) fn admit_direct(&self, parameters: &Parameters, now: Timestamp) -> Result<(), Refusal> {
        let value = |name: &str| parameters.get(name).map_or("", String::as_str);
        self.admit_seller(parameters)?;
        if value("appkey") != self.app_key {
            return Err(Refusal::new(100, format!("无效appkey:{}", value("appkey"))));
        }
        let is_near = value("timestamp").len() == 10
            && value("timestamp").parse().is_ok_and(|at: i64| (now.as_second() - at).abs() <= DIRECT_TOLERANCE);
        if !is_near {
            return Err(Refusal::new(100, "无效timestamp"));
        }
        if value("sign") != sign::openapi2(parameters, &self.app_secret) {
            return Err(Refusal::new(100, "无效sign"));
        }
        Ok(())
    }

    /// Whether the router lets these parameters in.
    pub(super) fn admit_router(&self, parameters: &Parameters, now: Timestamp) -> Result<(), RouterRefusal> {
        let value = |name: &str| parameters.get(name).map_or("", String::as_str);
        if value("method").is_empty() {
            return Err(refuse(21, "Missing method"));
        }
        if value("app_key").is_empty() {
            return Err(refuse(28, "Missing app key"));
        }
        if value("app_key") != self.app_key {
            return Err(refuse(29, "Invalid app key"));
        }
        if value("timestamp").is_empty() {
            return Err(refuse(30, "Missing timestamp"));
        }
        let is_near = router_time(value("timestamp"))
            .is_some_and(|at| (now.as_second() - at.as_second()).abs() <= ROUTER_TOLERANCE);
        if !is_near {
            return Err(refuse(31, "Invalid timestamp"));
        }
        if value("v") != "2.0" {
            return Err(refuse(33, "Invalid version"));
        }
        if value("format") != "json" {
            return Err(refuse(23, "Invalid format"));
        }
        if value("sign").is_empty() {
            return Err(refuse(24, "Missing signature"));
        }
        if sign::top(parameters, value("sign_method"), &self.app_secret).as_deref() != Some(value("sign")) {
            return Err(refuse(25, "Invalid signature"));
        }
        if value("target_app_key") != self.target_app_key {
            return Err(RouterRefusal {
                code: 41,
                message: "Invalid arguments",
                sub: Some(("isv.invalid-parameter", "target_app_key 无效或未授权")),
            });
        }
        Ok(())
    }

    /// Whether the seller is this one.
    pub(super) fn admit_seller(&self, parameters: &Parameters) -> Result<(), Refusal> {
        match parameters.get("sid") {
            Some(sid) if *sid == self.sid => Ok(()),
            _ => Err(Refusal::new(AUTHORITY, "sid is not exists")),
        }
    }
}

/// `yyyy-MM-dd HH:mm:ss` in China's time, or milliseconds since 1970, which the Python SDK sends.
fn router_time(text: &str) -> Option<Timestamp> {
    if text.len() == 13
        && let Ok(milliseconds) = text.parse()
    {
        return Timestamp::from_millisecond(milliseconds).ok();
    }
    let local = DateTime::strptime("%Y-%m-%d %H:%M:%S", text).ok()?;
    TimeZone::fixed(Offset::constant(8)).to_timestamp(local).ok()
}
