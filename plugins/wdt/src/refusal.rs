//! What a refusal means.
//!
//! Two systems refuse. Taobao's router has documented codes (open.taobao.com, platform errors, below 100; `sub_code` says more, `isv.…`
//! is the caller's fault, `isp.…` the server's). WDT publishes no table of its own: the codes here are those that public clients handle, and
//! where there is none the words decide. Neither changes anything for a query, so what nobody knows is tried again.
//!
//! | what | engine |
//! |---|---|
//! | too many requests: 1012; 4–8 and `limited-by-…` of the router; 频率 | throttled |
//! | the time, the signature, a key, the account: 2030, 2060, 2100; 24, 25, 28–31 of the router; words | misconfigured |
//! | a right: 11–13 and others of the router; 权限 | misconfigured |
//! | the query: 2104, 7200, 7201; 21–23, 40, 41, 43, 47 and `isv.…` of the router | misconfigured |
//! | the server: 10, 15, 50 and `isp.…` of the router | transient |
//! | anything else | transient |

use std::time::Duration;

use qiao_plugin::{Failure, FailureKind};

/// How long to be silent after 1012, as a public client is: WDT allows so many calls in a minute.
const HALF_A_MINUTE: Duration = Duration::from_secs(31);

/// Taobao's router bans for up to a day. A connection that waits for hours would look dead.
const LONGEST_WAIT: u64 = 15 * 60;

/// A reply that gives no rows and says why.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// `code` or `errorcode`.
    pub(crate) code: Option<String>,
    /// `sub_code`.
    pub(crate) sub_code: Option<String>,
    /// The vendor's own words.
    pub(crate) message: String,
    /// The code is one of Taobao's router.
    pub(crate) of_router: bool,
}

/// What it is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// Too many requests.
    Busy,
    /// The server's own trouble.
    Fault,
    /// The request's time.
    Clock,
    Signature,
    AppKey,
    TargetAppKey,
    Sid,
    /// The account, one way or another.
    Account,
    /// The router does not know the query.
    Method,
    /// The account is known, but may not do this.
    Permission,
    /// The query's own parameters.
    Parameters,
    /// Nobody knows.
    Unknown,
}

impl Refusal {
    pub(crate) fn failure(&self) -> Failure {
        let (kind, hint) = judge(self.meaning());
        let mut failure = Failure::new(kind, self.message.clone());
        failure.code = match (&self.code, &self.sub_code) {
            (Some(code), Some(sub_code)) => Some(format!("{code} {sub_code}")),
            (code, sub_code) => code.clone().or_else(|| sub_code.clone()),
        };
        failure.hint = hint.map(str::to_owned);
        failure.retry_after(self.wait())
    }

    pub(crate) fn meaning(&self) -> Meaning {
        let by_words = || by_words(&self.message);
        if self.code.as_deref() == Some("1012") || says_busy(&self.message) {
            return Meaning::Busy;
        }
        let by_sub_code = self.sub_code.as_deref().and_then(by_sub_code);
        let by_code = || match (self.router_code(), self.code.as_deref()) {
            (Some(code), _) => by_router_code(code),
            (_, Some("2030" | "2060" | "2100")) => Some(by_words().unwrap_or(Meaning::Account)),
            (_, Some("2104" | "7200" | "7201")) => Some(Meaning::Parameters),
            _ => None,
        };
        // 15 and 50 only say that it is not the router which refuses.
        let meaning = match by_sub_code.or_else(by_code) {
            Some(Meaning::Fault | Meaning::Parameters) if self.of_router => by_words().or(by_sub_code).or_else(by_code),
            Some(meaning) => Some(meaning),
            None => by_words(),
        };
        meaning.unwrap_or(Meaning::Unknown)
    }

    /// The router's codes are below 100.
    fn router_code(&self) -> Option<&str> {
        self.code.as_deref().filter(|code| self.of_router && code.len() <= 2)
    }

    fn wait(&self) -> Option<Duration> {
        if self.meaning() != Meaning::Busy {
            return None;
        }
        // "This ban will last for 71 more seconds"
        let ban =
            self.message.split_once("last for ").and_then(|(_, rest)| rest.split(' ').next()?.parse::<u64>().ok());
        match ban {
            Some(seconds) => Some(Duration::from_secs(seconds.saturating_add(1).min(LONGEST_WAIT))),
            None if self.router_code().is_some() => None,
            None => Some(HALF_A_MINUTE),
        }
    }
}

fn by_router_code(code: &str) -> Option<Meaning> {
    Some(match code {
        "4" | "5" | "6" | "7" | "8" => Meaning::Busy,
        "10" | "15" | "50" => Meaning::Fault,
        "11" | "12" | "13" | "26" | "27" | "42" | "53" => Meaning::Permission,
        "22" => Meaning::Method,
        "24" | "25" => Meaning::Signature,
        "28" | "29" => Meaning::AppKey,
        "30" | "31" => Meaning::Clock,
        "9" | "21" | "23" | "32" | "33" | "34" | "40" | "41" | "43" | "47" => Meaning::Parameters,
        _ => return None,
    })
}

/// `isv.invalid-signature`, `isp.remote-service-timeout`, `accesscontrol.limited-by-app-access-count`.
fn by_sub_code(sub_code: &str) -> Option<Meaning> {
    let lower = sub_code.to_ascii_lowercase();
    if lower.contains("limited-by") || lower.contains("call-limit") {
        return Some(Meaning::Busy);
    }
    if lower.starts_with("isp.") {
        return Some(Meaning::Fault);
    }
    lower.starts_with("isv.").then(|| by_words(&lower).unwrap_or(Meaning::Parameters))
}

fn says_busy(message: &str) -> bool {
    let lower = message.to_ascii_lowercase();
    ["频率", "频繁", "超过每分钟", "调用次数", "too frequent", "too many", "call limited", "limited frequency"]
        .iter()
        .any(|words| lower.contains(words))
}

fn by_words(message: &str) -> Option<Meaning> {
    const WORDS: [(Meaning, &[&str], &[&str]); 8] = [
        (Meaning::Permission, &["permission", "permissions", "privilege"], &["权限", "未授权"]),
        (Meaning::Clock, &["timestamp"], &["时间戳"]),
        (Meaning::TargetAppKey, &["target_app_key", "targetappkey"], &[]),
        (Meaning::AppKey, &["appkey", "app_key"], &["app key"]),
        (Meaning::Signature, &["sign", "signature", "appsecret", "app_secret"], &["签名", "密钥"]),
        (Meaning::Sid, &["sid"], &["卖家账号"]),
        (Meaning::Account, &[], &["停用", "验证失败", "auth fail"]),
        (Meaning::Fault, &["timeout"], &["系统繁忙", "系统异常", "超时", "服务不可用"]),
    ];
    let lower = message.to_ascii_lowercase();
    // Chinese runs on without blanks: 无效sign. But `assigned` is not about a signature.
    let words: Vec<&str> = lower.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').collect();
    let found = |whole: &[&str], parts: &[&str]| {
        words.iter().any(|word| whole.contains(word)) || parts.iter().any(|part| lower.contains(part))
    };
    WORDS.iter().find(|(_, whole, parts)| found(whole, parts)).map(|(meaning, ..)| *meaning)
}

fn judge(meaning: Meaning) -> (FailureKind, Option<&'static str>) {
    use FailureKind::{Misconfigured, Throttled, Transient};

    match meaning {
        Meaning::Busy => (Throttled, Some("lower the connection's `rate`: `1/s` is what WDT is known to bear")),
        Meaning::Fault | Meaning::Unknown => (Transient, None),
        Meaning::Clock => (
            Misconfigured,
            Some(
                "set this machine's clock: the vendor refuses requests that are some minutes off, and the zone does not matter",
            ),
        ),
        Meaning::Signature => (
            Misconfigured,
            Some(
                "check the connection's secret `app_secret`: it must belong to `app_key`, and to the `mode` (qimen: Taobao's open platform, direct: WDT's)",
            ),
        ),
        Meaning::AppKey => (
            Misconfigured,
            Some(
                "check `app_key` in the connection's `config`: in mode `qimen` it is that of Taobao's open platform, in mode `direct` that of WDT's",
            ),
        ),
        Meaning::TargetAppKey => {
            (Misconfigured, Some("check `target_app_key` in the connection's `config`, or leave it out"))
        }
        Meaning::Sid => {
            (Misconfigured, Some("check `sid` in the connection's `config`: it is the seller's account at WDT"))
        }
        Meaning::Account => (
            Misconfigured,
            Some(
                "check `sid` and `app_key` in the connection's `config` and its secret `app_secret`, and that WDT has not stopped the account",
            ),
        ),
        Meaning::Method => {
            (Misconfigured, Some("check the metadata's `api`, and `target_app_key` in the connection's `config`"))
        }
        Meaning::Permission => (
            Misconfigured,
            Some("have this query authorised for the application and the account on the vendor's open platform"),
        ),
        Meaning::Parameters => (Misconfigured, Some("check the items of the source's `request`")),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
    use FailureKind::{Misconfigured, Throttled, Transient};

    use super::*;

    fn refusal(code: &str, sub_code: &str, message: &str, of_router: bool) -> Refusal {
        let given = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        Refusal { code: given(code), sub_code: given(sub_code), message: message.to_owned(), of_router }
    }

    #[test]
    fn codes_and_words_of_wdt() {
        let cases = [
            ("1012", "busy", Meaning::Busy),
            ("100", "超过每分钟最大调用频率限制，请稍后重试", Meaning::Busy),
            ("1", "请求过于频繁", Meaning::Busy),
            ("100", "无效appkey:demo2-ot", Meaning::AppKey),
            ("100", "无效timestamp", Meaning::Clock),
            ("100", "已经停用", Meaning::Account),
            ("100", "无效sign，请检查", Meaning::Signature),
            ("2030", "验证失败", Meaning::Account),
            ("2060", "app auth fail", Meaning::Account),
            ("2100", "sid is not exists", Meaning::Sid),
            ("2100", "x", Meaning::Account),
            ("2030", "权限不足", Meaning::Permission),
            ("7", "无仓库访问权限", Meaning::Permission),
            ("2104", "timestamp of start_time is wrong", Meaning::Parameters),
            ("7200", "not found", Meaning::Parameters),
            ("7201", "not found", Meaning::Parameters),
            ("1", "系统繁忙", Meaning::Fault),
            ("7", "assigned to a designer", Meaning::Unknown),
            ("25", "单据不存在", Meaning::Unknown),
        ];
        for (code, message, meaning) in cases {
            assert_eq!(refusal(code, "", message, false).meaning(), meaning, "{code} {message}");
        }
    }

    #[test]
    fn codes_of_the_router() {
        let cases = [
            ("25", "", "Invalid signature", Meaning::Signature),
            ("29", "", "Invalid app Key", Meaning::AppKey),
            ("29", "isv.appkey-not-exists", "Invalid app Key", Meaning::AppKey),
            ("31", "", "Invalid timestamp", Meaning::Clock),
            ("22", "", "Invalid method", Meaning::Method),
            ("11", "isv.permission-api-package-limit", "Insufficient isv permissions", Meaning::Permission),
            ("12", "", "Insufficient user permissions", Meaning::Permission),
            ("40", "isv.missing-parameter:start_time", "Missing required arguments", Meaning::Parameters),
            ("41", "isv.invalid-parameter", "Invalid arguments", Meaning::Parameters),
            ("41", "isv.invalid-parameter", "Invalid arguments: target_app_key", Meaning::TargetAppKey),
            ("15", "isv.invalid-signature", "Remote service error", Meaning::Signature),
            ("15", "isp.remote-service-timeout", "Remote service error", Meaning::Fault),
            ("15", "", "Remote service error: sid is not exists", Meaning::Sid),
            ("15", "", "Remote service error", Meaning::Fault),
            ("10", "", "Service currently unavailable", Meaning::Fault),
            ("7", "accesscontrol.limited-by-app-access-count", "App Call Limited", Meaning::Busy),
            ("8", "", "x", Meaning::Busy),
            ("99", "", "x", Meaning::Unknown),
            ("", "isv.invalid-timestamp", "x", Meaning::Clock),
            ("", "", "x", Meaning::Unknown),
        ];
        for (code, sub_code, message, meaning) in cases {
            assert_eq!(refusal(code, sub_code, message, true).meaning(), meaning, "{code} {sub_code} {message}");
        }
    }

    #[test]
    fn a_meaning_has_its_kind_and_says_what_to_mend() {
        let cases = [
            (Meaning::Busy, Throttled, Some("rate")),
            (Meaning::Fault, Transient, None),
            (Meaning::Unknown, Transient, None),
            (Meaning::Clock, Misconfigured, Some("clock")),
            (Meaning::Signature, Misconfigured, Some("`app_secret`")),
            (Meaning::AppKey, Misconfigured, Some("`app_key`")),
            (Meaning::TargetAppKey, Misconfigured, Some("`target_app_key`")),
            (Meaning::Sid, Misconfigured, Some("`sid`")),
            (Meaning::Account, Misconfigured, Some("`app_secret`")),
            (Meaning::Method, Misconfigured, Some("`api`")),
            (Meaning::Permission, Misconfigured, Some("authorised")),
            (Meaning::Parameters, Misconfigured, Some("`request`")),
        ];
        for (meaning, kind, hint) in cases {
            let (judged, told) = judge(meaning);
            assert_eq!(judged, kind, "{meaning:?}");
            assert_eq!(told.is_some(), hint.is_some());
            assert!(told.unwrap_or_default().contains(hint.unwrap_or_default()), "{meaning:?}");
        }
    }

    #[test]
    fn a_failure_has_the_vendors_code_and_words() {
        let failure = refusal("15", "isv.invalid-signature", "签名错误", true).failure();
        assert_eq!(failure.message, "签名错误");
        assert_eq!(failure.code.as_deref(), Some("15 isv.invalid-signature"));
        assert_eq!(refusal("", "", "x", true).failure().code, None);
    }

    #[test]
    fn a_wait_is_the_vendors_or_half_a_minute() {
        let cases = [
            ("1012", "x", false, Some(31)),
            ("100", "超过每分钟最大调用频率限制", false, Some(31)),
            ("7", "App Call Limited: This ban will last for 2 more seconds", true, Some(3)),
            ("7", "This ban will last for 31062 more seconds", true, Some(900)),
            ("1012", "x", true, Some(31)),
            ("7", "App Call Limited", true, None),
            ("25", "Invalid signature", true, None),
        ];
        for (code, message, of_router, seconds) in cases {
            let wait = refusal(code, "", message, of_router).failure().retry_after;
            assert_eq!(wait, seconds.map(Duration::from_secs), "{message}");
        }
    }
}
