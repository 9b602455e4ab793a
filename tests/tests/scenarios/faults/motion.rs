//! Rows that move from page to page while they are read, and rows that change under the reader. How refunds move, `refunds` shows.

use qiao_tests::OrderNoReading;

use super::{Case, Way};

#[tokio::test(flavor = "multi_thread")]
async fn orders_that_change_during_a_scan_arrive_as_they_are() {
    for reading in [OrderNoReading::Edit, OrderNoReading::SecondOrder] {
        for queries in [1, 3, 8] {
            let case = Case::new(Way::Orders(reading), 12).await;
            // One of them loses a line that may be read already, another gains one.
            case.vendors.kingdee.change_after(queries, 6);
            case.project.qiao(&["run", "--once", "--json", "--wait", "60s"]).await.succeeded();
            case.delivers().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_an_order_looks_up_may_have_moved() {
    for ahead in [true, false] {
        let case = Case::new(Way::Orders(OrderNoReading::SecondOrder), 12).await;
        // Read rows give way to unread ones, or the other way round.
        case.vendors.okki.shift_after(2, 3, ahead);
        case.vendors.okki.shift_after(4, 3, ahead);
        case.delivers().await;
    }
}
