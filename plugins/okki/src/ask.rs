//! Many questions at once, each answered on its own.
//!
//! A page of products asks for each product, a look-up for each order. Were one answer in twenty to fail, hardly any page of fifty would
//! ever come together if all were asked again for the sake of one. So the few that failed in passing are asked again by themselves.
//! Asking changes nothing, so that it does no harm. Where half of them fail, or OKKI wants less traffic or another session, it is not
//! about single questions, and the engine waits before it asks again.

use qiao_plugin::http::{Access, Error, Request, Response};
use qiao_plugin::{Failure, FailureKind};

use crate::SendAll;
use crate::reply::{self, Refusal};

/// The answers' `data` (JSON text), in the order of the requests; `None`: OKKI has nothing there.
pub(crate) fn ask(requests: &[Request], send: SendAll<'_>) -> Result<Vec<Option<String>>, Failure> {
    let mut answers = vec![None; requests.len()];
    let mut open: Vec<usize> = (0..requests.len()).collect();
    while !open.is_empty() {
        let asked = open.iter().filter_map(|place| requests.get(*place).cloned()).collect();
        let mut failed = Vec::new();
        let mut last = None;
        for (place, answer) in open.iter().zip(send(asked)) {
            match read(answer) {
                Ok(data) => {
                    if let Some(answer) = answers.get_mut(*place) {
                        *answer = data;
                    }
                }
                Err(failure) if failure.kind == FailureKind::Transient => {
                    failed.push(*place);
                    last = Some(failure);
                }
                Err(failure) => return Err(failure),
            }
        }
        match last {
            Some(failure) if failed.len() * 2 >= open.len() => return Err(failure),
            _ => open = failed,
        }
    }
    Ok(answers)
}

fn read(answer: Result<Response, Error>) -> Result<Option<String>, Failure> {
    let answer = answer.map_err(|error| error.failure(Access::Read))?;
    match reply::data(&answer, Access::Read) {
        Ok(data) => Ok(Some(data.to_owned())),
        Err(Refusal::NotFound(_)) => Ok(None),
        Err(Refusal::Failed(failure)) => Err(failure),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
    use qiao_plugin::json::json;

    use super::*;
    use crate::testing::{Vendor, answer, success};

    fn asked(
        answers: impl IntoIterator<Item = Result<Response, Error>>,
    ) -> (Result<Vec<Option<String>>, Failure>, String) {
        let vendor = Vendor::new(answers);
        let requests = ["a", "b", "c"].map(Request::get);
        let answers = ask(&requests, &|requests| vendor.send_all(requests));
        (answers, vendor.asked.into_inner().join(" ").replace("GET ", ""))
    }

    #[test]
    fn the_few_that_failed_in_passing_are_asked_again_and_answers_keep_their_places() {
        let ill = || answer(502, &json!("x"));
        let absent = answer(200, &json!({"code": 404, "message": "Not Found Resource"}));
        let (answers, asked) = asked([success(json!(1)), ill(), absent, success(json!(2))]);
        assert_eq!(answers.unwrap(), [Some("1".to_owned()), Some("2".to_owned()), None]);
        assert_eq!(asked, "a b c b");
    }

    #[test]
    fn what_is_not_about_single_questions_is_not_asked_again() {
        let ill = || answer(502, &json!("x"));
        let fine = || success(json!(1));
        for (answers, kind) in [
            ([fine(), ill(), ill()], FailureKind::Transient),
            ([fine(), answer(429, &json!("x")), fine()], FailureKind::Throttled),
            ([ill(), answer(401, &json!({"message": "expired"})), fine()], FailureKind::Unauthorized),
        ] {
            let (answers, asked) = asked(answers);
            assert_eq!((answers.unwrap_err().kind, asked.as_str()), (kind, "a b c"));
        }
    }
}
