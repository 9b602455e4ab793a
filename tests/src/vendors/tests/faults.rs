//! How faults look to a client, and what the log says.

use std::io::ErrorKind;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::*;

#[tokio::test]
async fn answers_can_be_anything_but_the_vendor_s_own() {
    let vendors = Vendors::start(VendorsOptions::new(Dataset::small(1))).await.unwrap();
    let caller = Caller::new(&vendors).await;
    let faults = vendors.okki.faults();
    faults.next(Route::Push, 1, Fault::Status(503));
    faults.next(Route::Push, 1, Fault::TooManyRequests { retry_after: Some(7) });
    faults.next(Route::Push, 1, Fault::Html);
    faults.next(Route::Push, 1, Fault::Body(200, "{\"code\":0}".to_owned()));
    faults.next(Route::Push, 1, Fault::OkkiCode(-1, "系统繁忙".to_owned()));
    let push = || caller.push(&order("X1"));
    assert_eq!(push().send().await.unwrap().status(), 503);
    let throttled = push().send().await.unwrap();
    assert_eq!((throttled.status().as_u16(), throttled.headers()["retry-after"].to_str().unwrap()), (429, "7"));
    assert!(body(push()).await.as_str().unwrap().starts_with("<!DOCTYPE html>"));
    assert_eq!(body(push()).await, json!({"code": 0}));
    let busy = body(push()).await;
    assert_eq!((&busy["code"], &busy["message"]), (&json!(-1), &json!("系统繁忙")));
    assert_eq!(vendors.okki.push_count(), 0, "none of them applies anything");
    assert_eq!(body(push()).await["code"], 200);

    vendors.kingdee.faults().next(Route::Query, 1, Fault::KingdeeMsgCode(14));
    assert_eq!(msg_code(&body(caller.plain_query()).await), 14);
    assert_eq!(vendors.okki.log().count(Route::Push), 6);
    assert_eq!(vendors.okki.log().of(Route::Push)[0].fault, Some(Fault::Status(503)));
}

/// Sends a push by hand, and gives what comes back until the connection ends, and how it ends.
async fn raw_push(caller: &Caller<'_>, order: &Value) -> (Vec<u8>, std::io::Result<()>) {
    let body = order.to_string();
    let head = format!(
        "POST /v1/invoices/order/push HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\ncontent-length: {}\r\n\r\n",
        caller.token,
        body.len()
    );
    let mut socket = TcpStream::connect(("127.0.0.1", caller.vendors.okki.port())).await.unwrap();
    socket.write_all(head.as_bytes()).await.unwrap();
    socket.write_all(body.as_bytes()).await.unwrap();
    let mut received = Vec::new();
    let mut chunk = [0; 4096];
    loop {
        match socket.read(&mut chunk).await {
            Ok(0) => return (received, Ok(())),
            Ok(length) => received.extend_from_slice(&chunk[..length]),
            Err(error) => return (received, Err(error)),
        }
    }
}

#[tokio::test]
async fn a_reset_is_a_reset_before_or_after_it_was_applied() {
    let vendors = Vendors::start(VendorsOptions::new(Dataset::small(1))).await.unwrap();
    let caller = Caller::new(&vendors).await;
    for (fault, applied) in [(Fault::ResetBefore, 0), (Fault::ResetAfter, 1)] {
        vendors.okki.faults().next(Route::Push, 1, fault);
        let (received, end) = raw_push(&caller, &order("X1")).await;
        assert_eq!(received, b"");
        assert_eq!(end.unwrap_err().kind(), ErrorKind::ConnectionReset);
        assert_eq!(vendors.okki.push_count(), applied);
    }
    vendors.okki.faults().next(Route::Push, 1, Fault::ResetBefore);
    assert!(caller.push(&order("X1")).send().await.is_err());
}

#[tokio::test]
async fn a_truncated_answer_ends_half_way_and_was_applied() {
    let vendors = Vendors::start(VendorsOptions::new(Dataset::small(1))).await.unwrap();
    let caller = Caller::new(&vendors).await;
    vendors.okki.faults().next(Route::Push, 2, Fault::Truncate);
    let (received, end) = raw_push(&caller, &order("X1")).await;
    end.unwrap();
    let received = String::from_utf8(received).unwrap();
    let (head, body) = received.split_once("\r\n\r\n").unwrap();
    let promised: usize = head
        .lines()
        .find_map(|line| line.to_lowercase().strip_prefix("content-length: ").map(|length| length.parse().unwrap()))
        .unwrap();
    assert_eq!(body.len(), promised / 2);
    let answer = caller.push(&order("X2")).send().await.unwrap();
    assert!(answer.bytes().await.is_err());
    assert_eq!(vendors.okki.push_count(), 2);
}

#[tokio::test]
async fn a_late_answer_was_applied_and_a_hanging_one_was_not() {
    let vendors = Vendors::start(VendorsOptions::new(Dataset::small(1))).await.unwrap();
    let caller = Caller::new(&vendors).await;
    vendors.okki.faults().next(Route::Push, 1, Fault::DelayAfter(Duration::from_hours(1)));
    let late = caller.push(&order("X1")).timeout(SOON).send();
    let applied = vendors.wait_for(SOON, |vendors| vendors.okki.push_count() == 1);
    tokio::select! {
        applied = applied => applied.unwrap(),
        answer = late => panic!("{answer:?}"),
    }
    vendors.okki.faults().next(Route::Push, 1, Fault::Hang);
    let hanging = caller.push(&order("X2")).send();
    let heard = vendors.wait_for(SOON, |vendors| vendors.okki.log().count(Route::Push) == 2);
    let (answer, ()) = tokio::join!(hanging, async {
        heard.await.unwrap();
        vendors.okki.go_down().await.unwrap();
    });
    assert!(answer.is_err());
    assert_eq!(vendors.okki.push_count(), 1);
}

#[tokio::test]
async fn what_is_applied_late_is_applied_although_nobody_waits() {
    let vendors = Vendors::start(VendorsOptions::new(Dataset::small(1))).await.unwrap();
    let caller = Caller::new(&vendors).await;
    vendors.okki.faults().next(Route::Push, 1, Fault::ApplyLate(Duration::from_millis(100)));
    assert!(caller.push(&order("X1")).timeout(Duration::from_millis(1)).send().await.is_err());
    assert_eq!(vendors.okki.push_count(), 0);
    vendors.wait_for(SOON, |vendors| vendors.okki.push_count() == 1).await.unwrap();
}

#[tokio::test]
async fn an_answer_that_is_no_json_was_applied() {
    let vendors = Vendors::start(VendorsOptions::new(Dataset::small(1))).await.unwrap();
    let caller = Caller::new(&vendors).await;
    for (count, fault) in [Fault::HalfJson, Fault::BrokenJson].into_iter().enumerate() {
        vendors.okki.faults().next(Route::Push, 1, fault);
        let answer = caller.push(&order(&format!("X{count}"))).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        let text = answer.text().await.unwrap();
        assert!(serde_json::from_str::<Value>(&text).is_err(), "{text}");
        assert_eq!(vendors.okki.push_count(), count + 1);
    }
}

#[tokio::test]
async fn a_vendor_that_is_down_refuses_and_comes_up_at_the_same_port() {
    let vendors = Vendors::start(VendorsOptions::new(Dataset::small(1))).await.unwrap();
    let caller = Caller::new(&vendors).await;
    for count in 1..=2 {
        vendors.okki.go_down().await.unwrap();
        assert!(caller.push(&order("X1")).send().await.unwrap_err().is_connect());
        vendors.okki.come_up().unwrap();
        assert_eq!(body(caller.push(&order("X1"))).await["code"], 200);
        assert_eq!(vendors.okki.push_count(), count);
    }
}

#[tokio::test]
async fn the_log_tells_how_many_came_at_once() {
    let vendors = Vendors::start(VendorsOptions::new(Dataset::small(1))).await.unwrap();
    let caller = Caller::new(&vendors).await;
    vendors.okki.log().clear();
    vendors.okki.set_latency(Duration::from_hours(1));
    let (one, two) = (order("X1"), order("X2"));
    let both = async { tokio::join!(caller.push(&one).send(), caller.push(&two).send()) };
    let met = vendors.wait_for(SOON, |vendors| vendors.okki.log().max_in_flight() == 2);
    tokio::select! {
        met = met => met.unwrap(),
        answers = both => panic!("{answers:?}"),
    }
    let seen = vendors.okki.log().all();
    assert_eq!(seen.iter().map(|seen| seen.in_flight).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(vendors.okki.log().max_within(SOON), 2);
}

#[tokio::test]
async fn waiting_ends_when_it_has_been_long_enough() {
    let vendors = Vendors::start(VendorsOptions::new(Dataset::small(1))).await.unwrap();
    let after = Duration::from_millis(10);
    assert_eq!(vendors.wait_for(after, |_| false).await, Err(WaitTimedOut { after }));
}
