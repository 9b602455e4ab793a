//! Sessions and tokens that end while they are in use. Wangdiantong has none.

use qiao_tests::{Fault, OrderNoReading, Route};

use super::{Case, Way, met};

/// Calls that need a session, one at a time.
const ROUTES: [Route; 7] =
    [Route::Query, Route::BatchSave, Route::Submit, Route::Audit, Route::Push, Route::ProductList, Route::CompanyList];

async fn case(way: Way, bills: usize) -> Case {
    let case = Case::new(way, bills).await;
    case.project.edit("qiao.toml", "lcid = 2052,", "lcid = 2052, sign_in = \"app_secret\",");
    case
}

#[tokio::test(flavor = "multi_thread")]
async fn revoked_every_200_calls() {
    for way in [Way::Orders(OrderNoReading::SecondOrder), Way::Refunds] {
        // A call saves, submits or audits two refunds.
        let case = case(way, if way == Way::Refunds { 160 } else { 80 }).await;
        let vendors = &case.vendors;
        vendors.kingdee.faults().every(Route::Any, 200, Fault::RevokeSession);
        vendors.okki.faults().every(Route::Any, 200, Fault::RevokeSession);
        case.delivers().await;
        let met = met(vendors.kingdee.log()) + met(vendors.okki.log());
        assert!(met > 0, "{way:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn revoked_so_often_that_the_second_try_meets_it_too() {
    for way in [Way::Orders(OrderNoReading::SecondOrder), Way::Refunds] {
        let case = case(way, 10).await;
        case.every(&ROUTES, 2, &Fault::RevokeSession);
        case.delivers().await;
        let (log, route) = match way {
            Way::Refunds => (case.vendors.kingdee.log(), Route::Login),
            _ => (case.vendors.okki.log(), Route::Token),
        };
        assert!(log.count(route) > 2, "{way:?}: it signed in again");
    }
}
