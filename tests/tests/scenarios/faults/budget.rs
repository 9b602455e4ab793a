//! A connection's rate and concurrency, judged by what the vendors saw.

use std::time::Duration;

use qiao_tests::{Fault, RequestLog, Route, Vendors};

use super::{Case, Project, Way, met};

/// What a connection may do.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Allowed {
    /// Requests in a second; the bucket holds as many.
    per_second: usize,
    /// Requests at once.
    at_once: usize,
}

/// What each vendor's connection may do.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Budget {
    kingdee: Allowed,
    okki: Allowed,
    wdt: Allowed,
}

impl Budget {
    /// More than a few bills need in a second.
    pub(crate) fn ample() -> Self {
        let allowed = |at_once| Allowed { per_second: 100, at_once };
        Self { kingdee: allowed(4), okki: allowed(8), wdt: allowed(2) }
    }

    fn tight() -> Self {
        let allowed = |per_second, at_once| Allowed { per_second, at_once };
        Self { kingdee: allowed(20, 2), okki: allowed(30, 3), wdt: allowed(10, 1) }
    }

    /// Writes it into the project's connections.
    pub(crate) fn set(&self, project: &Project) {
        project.edit("qiao.toml", "concurrency = 8\n", "");
        for (plugin, allowed) in [("kingdee", self.kingdee), ("okki", self.okki), ("wdt", self.wdt)] {
            let Allowed { per_second, at_once } = allowed;
            let line = format!("plugin = \"{plugin}\"\n");
            project.edit("qiao.toml", &line, &format!("{line}rate = \"{per_second}/s\"\nconcurrency = {at_once}\n"));
        }
    }

    /// No vendor saw more than that, whatever stretch of time one looks at.
    #[track_caller]
    pub(crate) fn assert_kept(&self, vendors: &Vendors) {
        for (name, log, allowed) in [
            ("Kingdee", vendors.kingdee.log(), self.kingdee),
            ("OKKI", vendors.okki.log(), self.okki),
            ("Wangdiantong", vendors.wdt.log(), self.wdt),
        ] {
            assert!(log.max_in_flight() <= allowed.at_once, "{name}: {} at once, {allowed:?}", log.max_in_flight());
            for window in [50, 200, 1_000, 2_000, 5_000].map(Duration::from_millis) {
                let most = log.max_within(window);
                assert!(most <= allowed.within(window), "{name}: {most} within {window:?}, {allowed:?}");
            }
        }
    }
}

impl Allowed {
    /// What a full bucket lets through in so long. Requests that left in turn may be read closer together, on a busy machine.
    fn within(self, window: Duration) -> usize {
        const READ_LATE: Duration = Duration::from_millis(100);
        let refilled = (window + READ_LATE).as_millis() * self.per_second as u128 / 1_000;
        self.per_second + usize::try_from(refilled).unwrap() + 1
    }
}

/// The longest stretch of time that the log covers.
fn duration(log: &RequestLog) -> Duration {
    let all = log.all();
    all.last().map_or(Duration::ZERO, |last| last.at - all[0].at)
}

#[tokio::test(flavor = "multi_thread")]
async fn rate_and_concurrency_hold_over_all_schemes_retries_and_faults() {
    let case = Case::within(Way::Both, 24, Budget::tight()).await;
    let vendors = &case.vendors;
    for (seed, faults) in
        [vendors.kingdee.faults(), vendors.okki.faults(), vendors.wdt.faults()].into_iter().enumerate()
    {
        let some = [
            Fault::Status(500),
            Fault::Status(503),
            Fault::TooManyRequests { retry_after: None },
            Fault::ResetBefore,
            Fault::ResetAfter,
        ];
        faults.one_in(Route::Any, 10, seed as u64, some);
    }
    // So that requests overlap.
    vendors.kingdee.set_latency(Duration::from_millis(30));
    vendors.okki.set_latency(Duration::from_millis(30));
    case.delivers().await;
    for log in [vendors.kingdee.log(), vendors.okki.log(), vendors.wdt.log()] {
        assert!(met(log) > 0, "it met no fault");
    }
    // There was enough to measure.
    let okki = vendors.okki.log();
    assert!(okki.count(Route::Any) > 2 * case.budget.okki.per_second, "{} requests", okki.count(Route::Any));
    assert!(duration(okki) > Duration::from_secs(2), "{:?}", duration(okki));
}
