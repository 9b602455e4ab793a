//! The queries: rows of a closed interval of time, page by page from 0, with the total on page 0 alone.
//!
//! Rows stand in the order of their time, and those of one second in the order of their ids: whoever modifies a row moves it to the
//! end, and all rows behind it to lower places. (Documents of `refund_query.php` and `goods_query.php`.)

use jiff::ToSpan;
use jiff::civil::DateTime;
use serde_json::Value;

use crate::dataset::Refund;

use super::records;
use super::sign::Parameters;
use super::state::{Goods, State};

/// A refusal in this vendor's own words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) code: i64,
    pub(super) message: String,
}

/// A parameter cannot be used.
pub(super) const INPUT: i64 = 2104;
/// The seller is unknown.
pub(super) const AUTHORITY: i64 = 2030;

impl Refusal {
    pub(super) fn new(code: i64, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    fn input(message: impl Into<String>) -> Self {
        Self::new(INPUT, message)
    }
}

/// A query that this seller answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Query {
    Refunds,
    Goods,
}

/// An answered query.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) list: &'static str,
    pub(super) rows: Vec<Value>,
    /// On page 0.
    pub(super) total: Option<usize>,
    /// The end of the window and the ids of all that lies in it, in order; of refunds asked for by their time.
    pub(super) window: Option<(DateTime, Vec<u64>)>,
}

impl Query {
    /// By the method's name at the router.
    pub(super) fn of_method(method: &str) -> Option<Self> {
        match method {
            "wdt.refund.query" => Some(Self::Refunds),
            "wdt.goods.query" => Some(Self::Goods),
            _ => None,
        }
    }

    /// By the script's name under `/openapi2/`.
    pub(super) fn of_script(script: &str) -> Option<Self> {
        match script {
            "refund_query.php" => Some(Self::Refunds),
            "goods_query.php" => Some(Self::Goods),
            _ => None,
        }
    }

    /// Runs it.
    pub(super) fn run(self, state: &State, parameters: &Parameters, cap: usize) -> Result<Page, Refusal> {
        let paging = Paging::of(parameters, cap)?;
        match self {
            Self::Refunds => {
                let selection = refunds(state, parameters)?;
                let ids = selection.refunds.iter().map(|refund| refund.id).collect();
                Ok(Page {
                    list: "refunds",
                    rows: paging.cut(&selection.refunds).map(|refund| records::refund(refund)).collect(),
                    total: paging.total(selection.refunds.len()),
                    window: selection.modified_until.map(|end| (end, ids)),
                })
            }
            Self::Goods => {
                let goods = goods(state, parameters)?;
                Ok(Page {
                    list: "goods_list",
                    rows: paging.cut(&goods).map(|goods| records::goods(goods)).collect(),
                    total: paging.total(goods.len()),
                    window: None,
                })
            }
        }
    }
}

#[derive(Clone, Copy)]
struct Paging {
    number: usize,
    size: usize,
}

impl Paging {
    fn of(parameters: &Parameters, cap: usize) -> Result<Self, Refusal> {
        let number = |name: &str, default: usize| match text(parameters, name) {
            None => Ok(default),
            Some(text) => text.parse().map_err(|_| Refusal::input(format!("{name} 的值 {text} 不是非负整数"))),
        };
        let size = number("page_size", cap)?;
        if !(1..=cap).contains(&size) {
            return Err(Refusal::input(format!("page_size 的取值范围为 1~{cap}，传入的是 {size}")));
        }
        Ok(Self { number: number("page_no", 0)?, size })
    }

    fn cut<T>(self, rows: &[T]) -> impl Iterator<Item = &T> {
        rows.iter().skip(self.number.saturating_mul(self.size)).take(self.size)
    }

    fn total(self, total: usize) -> Option<usize> {
        (self.number == 0).then_some(total)
    }
}

/// A parameter's value; the empty text is none.
fn text<'a>(parameters: &'a Parameters, name: &str) -> Option<&'a str> {
    parameters.get(name).map(|value| value.trim()).filter(|value| !value.is_empty())
}

/// The refunds that a query asks for, in order.
struct Selection<'a> {
    refunds: Vec<&'a Refund>,
    /// The end of the window, if it is one of `modified`.
    modified_until: Option<DateTime>,
}

type Condition = Box<dyn Fn(&Refund) -> bool>;

fn refunds<'a>(state: &'a State, parameters: &Parameters) -> Result<Selection<'a>, Refusal> {
    let mut conditions: Vec<Condition> = Vec::new();
    for (name, read) in [
        ("refund_no", (|refund| refund.refund_no.clone()) as fn(&Refund) -> String),
        ("src_refund_no", records::src_no),
        ("trade_no", records::trade_no),
        ("tid", records::tid),
    ] {
        if let Some(wanted) = text(parameters, name).map(str::to_owned) {
            conditions.push(Box::new(move |refund| read(refund) == wanted));
        }
    }
    // Whoever names a refund needs no time, and a time then says nothing.
    let names_refunds = !conditions.is_empty();
    if let Some(status) = text(parameters, "process_status") {
        let status: u8 =
            status.parse().map_err(|_| Refusal::input(format!("process_status 的值 {status} 不是整数")))?;
        conditions.push(Box::new(move |refund| refund.process_status == status));
    }
    if let Some(logistics_no) = text(parameters, "logistics_no").map(str::to_owned) {
        conditions.push(Box::new(move |refund| records::logistics_no(refund) == logistics_no));
    }
    for name in ["shop_no", "shop_nos"] {
        if let Some(shops) = text(parameters, name) {
            let shops: Vec<String> = shops.split(',').map(|shop| shop.trim().to_owned()).collect();
            conditions.push(Box::new(move |refund| shops.contains(&refund.shop_no)));
        }
    }
    let by_settlement = match text(parameters, "time_type") {
        None | Some("0") => false,
        Some("1") => true,
        Some(other) => return Err(Refusal::input(format!("time_type 的值 {other} 无效"))),
    };
    let time = move |refund: &Refund| if by_settlement { refund.finished } else { Some(refund.modified) };
    let window = if names_refunds { None } else { Some(window(parameters)?) };
    if let Some((start, end)) = window {
        conditions.push(Box::new(move |refund| time(refund).is_some_and(|time| time >= start && time <= end)));
    }
    let passes = |refund: &&Refund| conditions.iter().all(|condition| condition(refund));
    let mut refunds: Vec<&Refund> = state.refunds().iter().filter(passes).collect();
    refunds.sort_by_key(|refund| (time(refund), refund.id));
    let modified_until = window.filter(|_| !by_settlement).map(|(_, end)| end);
    Ok(Selection { refunds, modified_until })
}

fn goods<'a>(state: &'a State, parameters: &Parameters) -> Result<Vec<&'a Goods>, Refusal> {
    let goods_no = text(parameters, "goods_no").or_else(|| text(parameters, "spec_no"));
    let window = if goods_no.is_some() { None } else { Some(window(parameters)?) };
    let passes = |goods: &&Goods| {
        goods_no.is_none_or(|goods_no| goods.material.number == goods_no)
            && window.is_none_or(|(start, end)| goods.modified >= start && goods.modified <= end)
    };
    let mut goods: Vec<&Goods> = state.goods().iter().filter(passes).collect();
    goods.sort_by_key(|goods| (goods.modified, goods.id));
    Ok(goods)
}

/// `start_time` and `end_time`: both ends belong to it, and it spans 30 days at most.
fn window(parameters: &Parameters) -> Result<(DateTime, DateTime), Refusal> {
    let time = |name: &str| {
        let text = text(parameters, name).ok_or_else(|| Refusal::input(format!("{name} 不能为空")))?;
        DateTime::strptime("%Y-%m-%d %H:%M:%S", text)
            .map_err(|_| Refusal::input(format!("{name} 的值 {text} 格式错误，应为 yyyy-MM-dd HH:mm:ss")))
    };
    let (start, end) = (time("start_time")?, time("end_time")?);
    if end < start {
        return Err(Refusal::input("end_time 不能早于 start_time"));
    }
    if end > start.saturating_add(30.days()) {
        return Err(Refusal::input("start_time 和 end_time 的时间跨度不能超过 30 天"));
    }
    Ok((start, end))
}
