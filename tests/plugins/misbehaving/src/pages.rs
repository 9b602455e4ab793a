//! Sources of several pages: some that behave, and some that never come to an end. Each page is asked for at the connection's host,
//! so that a test can see which were.

use qiao_plugin::http::{Access, Request};
use qiao_plugin::{Failure, Fetch, Object, Page, PageRef, Value};

/// The pages of a source that ends.
const PAGES: u32 = 12;

/// Rows of a page.
const ROWS: u32 = 2;

/// A page, if the operation is one of these.
pub(crate) fn fetch(call: &Fetch) -> Option<Result<Page, Failure>> {
    let page = &call.page;
    let cursor = || Some(call.window.start.clone().unwrap_or_default());
    let after = |cursor: Option<String>| PageRef { index: page.index + 1, start_row: 0, cursor };
    Some(match call.api.as_str() {
        // All other pages are known with the first.
        "side-by-side" => asked(page).map(|()| {
            let others = (1..PAGES).filter(|_| page.index == 0);
            let others = others.map(|index| PageRef { index, start_row: 0, cursor: None });
            others.fold(rows(page.index), Page::next)
        }),
        "one-by-one" => asked(page).map(|()| rows(page.index).next((page.index + 1 < PAGES).then(|| after(None)))),
        "repeat" => asked(page).map(|()| rows(0).next(after(cursor()))),
        "repeat-three" => Ok(rows(page.index % 3).next(after(cursor()))),
        "follow-itself" => Ok(rows(page.index).next(if page.index == 2 { page.clone() } else { after(None) })),
        "reuse-number" => {
            let named = |cursor: &str| PageRef { index: 7, start_row: 0, cursor: Some(cursor.to_owned()) };
            Ok(rows(page.index).next(named("a")).next(named("b")))
        }
        "empty" => Ok(Page::objects(Vec::new()).next(after(cursor()))),
        "outgrow" => Ok(rows(page.index).next(after(None)).total(Some(3))),
        _ => return None,
    })
}

fn asked(page: &PageRef) -> Result<(), Failure> {
    Request::get(format!("pages/{}", page.index)).send().map_err(|error| error.failure(Access::Read))?;
    Ok(())
}

fn rows(index: u32) -> Page {
    let row = |row: u32| Object::from_iter([("number".to_owned(), Value::from(format!("{index}-{row}")))]);
    Page::objects((0..ROWS).map(row).collect())
}
