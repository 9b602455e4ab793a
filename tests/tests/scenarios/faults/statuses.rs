//! Vendors that answer with a status instead of an answer.

use qiao_tests::{Fault, Route};

use super::{Case, WAYS, Way, met};

#[tokio::test(flavor = "multi_thread")]
async fn every_25th_request_is_one_too_many() {
    for way in WAYS {
        for retry_after in [None, Some(1)] {
            let case = Case::new(way, 20).await;
            case.every(&[Route::Any], 25, &Fault::TooManyRequests { retry_after });
            case.delivers().await;
            let (okki, kingdee) = (met(case.vendors.okki.log()), met(case.vendors.kingdee.log()));
            assert!(kingdee > 0 && (way == Way::Refunds || okki > 0), "{way:?}: {kingdee} and {okki}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_in_twenty_requests_meets_a_server_that_is_ill() {
    for (seed, way) in WAYS.into_iter().enumerate() {
        let case = Case::new(way, 30).await;
        let vendors = &case.vendors;
        for faults in [vendors.kingdee.faults(), vendors.okki.faults(), vendors.wdt.faults()] {
            faults.one_in(Route::Any, 20, seed as u64, [500, 502, 503].map(Fault::Status));
        }
        case.delivers().await;
        let met = met(vendors.okki.log()) + met(vendors.kingdee.log()) + met(vendors.wdt.log());
        assert!(met > 0, "{way:?}: {met}");
    }
}
