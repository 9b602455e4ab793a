//! Answers that do not come, come too late, or are none: what was applied nobody knows, and is looked up.

use std::time::Duration;

use qiao_tests::{Fault, OrderNoReading, Route};

use super::{Case, WAYS, Way};

/// What reads, and what writes.
const ROUTES: [Route; 10] = [
    Route::Query,
    Route::BatchSave,
    Route::Submit,
    Route::Audit,
    Route::WdtQuery,
    Route::Push,
    Route::OrderInfo,
    Route::ProductList,
    Route::ProductInfo,
    Route::CompanyList,
];

/// Everything arrives although every fifth answer of every kind is like that.
async fn arrives_in_spite_of(fault: Fault) {
    for way in WAYS {
        let case = Case::new(way, 10).await;
        case.every(&ROUTES, 5, &fault);
        case.delivers().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn reset_before_it_was_applied() {
    arrives_in_spite_of(Fault::ResetBefore).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn reset_after_it_was_applied() {
    arrives_in_spite_of(Fault::ResetAfter).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn cut_off_on_the_wire() {
    arrives_in_spite_of(Fault::Truncate).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn half_a_json_text() {
    arrives_in_spite_of(Fault::HalfJson).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_json_at_all() {
    arrives_in_spite_of(Fault::BrokenJson).await;
    arrives_in_spite_of(Fault::Html).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn applied_and_answered_after_the_time_out() {
    for way in WAYS {
        let case = Case::new(way, 6).await;
        case.project.edit("qiao.toml", "timeout = \"1s\"", "timeout = \"300ms\"");
        case.every(&ROUTES, 5, &Fault::DelayAfter(Duration::from_secs(1)));
        case.delivers().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_is_looked_up_and_not_sent_again_until_it_is_known() {
    for fault in [Fault::ResetAfter, Fault::Truncate, Fault::DelayAfter(Duration::from_secs(2))] {
        let case = Case::new(Way::Orders(OrderNoReading::SecondOrder), 12).await;
        case.vendors.okki.faults().every(Route::Push, 4, fault.clone());
        case.delivers().await;
        // What was found was applied whole: nothing is left to be pushed.
        assert_eq!(case.vendors.okki.push_count(), 12, "{fault:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_that_is_applied_after_the_time_out_is_not_believed_absent() {
    for way in [Way::Orders(OrderNoReading::SecondOrder), Way::Refunds] {
        let case = Case::new(way, 6).await;
        case.project.edit("qiao.toml", "timeout = \"1s\"", "timeout = \"300ms\"");
        case.project.edit("qiao.toml", "settle_after = \"500ms\"", "settle_after = \"3s\"");
        // Longer than the time-out, and shorter than `settle_after`: meanwhile a look-up finds nothing.
        case.every(&[Route::Push, Route::BatchSave], 3, &Fault::ApplyLate(Duration::from_millis(1_500)));
        case.delivers().await;
    }
}
