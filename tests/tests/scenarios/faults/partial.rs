//! Calls over several bills of which some are refused: the others are done, and no bill twice.

use qiao_tests::{Refund, Route};

use super::{Case, REFUNDS, Way};

const STEPS: [Route; 3] = [Route::BatchSave, Route::Submit, Route::Audit];

#[tokio::test(flavor = "multi_thread")]
async fn bills_that_somebody_has_open_are_done_later() {
    for steps in [&STEPS[..1], &STEPS[1..2], &STEPS[2..], &STEPS[..]] {
        for every in [1, 3] {
            let case = Case::new(Way::Refunds, 20).await;
            for step in steps {
                case.vendors.kingdee.fail_in_part(*step, every);
            }
            case.delivers().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bill_that_is_refused_stays_dead_while_the_others_of_its_call_arrive() {
    let case = Case::new(Way::Refunds, 20).await;
    let refused = case.vendors.wdt.refunds().into_iter().find(Refund::is_deliverable).unwrap().refund_no;
    // A warehouse that Kingdee does not have.
    let one_refused = format!("\"_function case when '{{refund_no}}' = '{refused}' then 'NIRGENDS' else 'THC' end\"");
    case.project.edit(REFUNDS, "\"THC\"", &one_refused);
    // And somebody has others of its call open.
    case.vendors.kingdee.fail_in_part(Route::BatchSave, 2);
    let run = &["run", "--once", "--json", "--wait", "60s"];
    let ran = case.project.qiao(run).await.failed_saying(&[&refused, "NIRGENDS", "not delivered"]);
    let of_scheme = ran.refunds();
    assert_eq!((&of_scheme["dead"], &of_scheme["done"]), (&1.into(), &19.into()), "{ran:?}");
    let ledger = case.vendors.ledger().refunds;
    assert_eq!((ledger.delivered, ledger.missing, ledger.duplicates), (19, 1, 0), "{ledger:?}");

    // It is not tried again by itself.
    let before = case.vendors.kingdee.log().count(Route::BatchSave);
    let again = case.project.qiao(run).await;
    assert_eq!((&again.refunds()["dead"], &again.refunds()["done"]), (&1.into(), &0.into()), "{again:?}");
    assert_eq!(case.vendors.kingdee.log().count(Route::BatchSave), before, "{again:?}");

    case.project.edit(REFUNDS, "NIRGENDS", "THC");
    case.delivers().await;
}
