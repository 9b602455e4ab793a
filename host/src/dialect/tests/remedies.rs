//! `omissionRemedy`: the request by which what was committed late is fetched again.

use super::*;

fn with(remedy: &Value) -> Value {
    json!({
        "api": "executeBillQuery", "id": "FBillNo",
        "request": [
            {"field": "FBillNo"},
            {"field": "FilterString", "value": "FModifyDate>='{{LAST_SYNC_TIME|dateTime}}'"},
            {"field": "Limit", "type": "int", "value": "{PAGINATION_PAGE_SIZE}"},
        ],
        "otherRequest": [{"field": "FormId", "value": "SAL_SaleOrder"}],
        "omissionRemedy": remedy,
    })
}

#[test]
fn items_take_the_place_of_those_of_the_same_field() {
    let remedy = json!({"crontab": "0 2 * * *", "takeOverRequest": [
        {"field": "filterstring", "value": "FModifyDate>='{{DAYS_AGO_3|date}}'"},
        {"field": "FormId", "value": "SAL_OUTSTOCK"},
        {"field": "TopRowCount", "type": "int", "value": "100"},
    ]});
    let plan = source(&with(&remedy));
    assert_eq!(plan.remedy_crontab(), Some("0 2 * * *"));
    let variables =
        Variables { last_sync_seconds: Some(NOW), current_seconds: NOW, page_size: 500, ..Variables::default() };
    let (request, other_request) = plan.render_remedy(&variables).unwrap();
    assert_eq!(
        request,
        json!({"FBillNo": null, "filterstring": "FModifyDate>='2025-12-30'", "Limit": 500, "TopRowCount": 100})
    );
    assert_eq!(other_request, json!({"FormId": "SAL_OUTSTOCK"}));
    // The request itself stays as it is.
    assert_eq!(plan.render_request(&variables).unwrap()["FilterString"], json!("FModifyDate>='2026-01-02 03:04:05'"));
}

#[test]
fn what_loading_says() {
    for (remedy, errors, warnings) in [
        (json!({"takeOverRequest": [{"field": "a"}]}), 1, 0),
        (json!({"crontab": "0 2 * * *"}), 0, 1),
        (json!({"crontab": "0 2 * * *", "takeOverRequest": [{"field": "a", "value": "{{FBillNo}}"}]}), 1, 0),
        (json!({"crontab": "0 2 * * *", "takeoverRequest": [{"field": "a", "value": "1"}]}), 0, 2),
        (json!("0 2 * * *"), 1, 0),
    ] {
        let parsed = parse_source(&with(&remedy), &options());
        let found = (parsed.errors.len(), parsed.warnings.len());
        assert_eq!(found, (errors, warnings), "{remedy} {:?} {:?}", shown(&parsed.errors), shown(&parsed.warnings));
    }
    let on_a_target =
        json!({"api": "x", "request": [{"field": "a", "value": "1"}], "omissionRemedy": {"crontab": "0 2 * * *"}});
    let found = shown(&parse_target(&on_a_target, None, &options()).errors);
    assert!(found[0].starts_with("`$.omissionRemedy`: key `omissionRemedy` is not supported on a target"), "{found:?}");
}
