//! Names of queries, and what follows from them.
//!
//! WDT names an operation twice: `wdt.stockout.order.query.trade` at Qimen is `stockout_order_query_trade.php` at `openapi2`. What reads
//! has the word `query` in its name, mostly at the end; what writes has not (`wdt.trade.push`, `wdt.logistics.sync.ack`).

use qiao_plugin::Failure;

/// The query that is known best.
pub(crate) const REFUND_API: &str = "wdt.refund.query";

/// The metadata's `api`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Api {
    /// In lower case, as WDT writes it.
    name: String,
}

impl Api {
    pub(crate) fn read(api: &str) -> Result<Self, Failure> {
        let name = api.trim().to_ascii_lowercase();
        let refused = |hint: &str| Err(Failure::misconfigured(format!("wdt has no source `{api}`")).hint(hint));
        let plain = |word: &str| !word.is_empty() && word.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        let words: Vec<&str> = name.split('.').collect();
        if words.first() != Some(&"wdt") || !words.iter().all(|word| plain(word)) {
            return refused("set the metadata's `api` to a query such as `wdt.refund.query`");
        }
        if !words.iter().skip(2).any(|word| *word == "query") {
            return refused(
                "a source reads: only operations with `query` in their name are served, such as `wdt.refund.query`",
            );
        }
        Ok(Self { name })
    }

    pub(crate) fn refunds() -> Self {
        Self { name: REFUND_API.to_owned() }
    }

    /// `method` at Qimen.
    pub(crate) fn method(&self) -> &str {
        &self.name
    }

    /// The path at `openapi2`.
    pub(crate) fn path(&self) -> String {
        format!("{}.php", self.words().collect::<Vec<_>>().join("_"))
    }

    /// Refunds, or those of the archive (`wdt.his.refund.query`).
    pub(crate) fn is_refunds(&self) -> bool {
        self.name.ends_with(".refund.query")
    }

    /// This member of an answer is named like the list of what is queried: `refunds`, `stockout_list`.
    pub(crate) fn names_its_list(&self, member: &str) -> bool {
        let whole = self.words().filter(|word| *word != "query").collect::<Vec<_>>().join("_");
        let named = |word: &str| {
            let rest = member.strip_prefix(word);
            matches!(rest, Some("s" | "es" | "_list"))
        };
        if self.is_refunds() { named("refund") } else { named(&whole) || self.words().any(named) }
    }

    fn words(&self) -> impl Iterator<Item = &str> {
        self.name.split('.').skip(1)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
    use super::*;

    #[test]
    fn a_query_has_a_method_and_a_path() {
        let cases = [
            ("wdt.refund.query", "wdt.refund.query", "refund_query.php"),
            ("WDT.Refund.Query", "wdt.refund.query", "refund_query.php"),
            ("wdt.his.refund.query", "wdt.his.refund.query", "his_refund_query.php"),
            ("wdt.stockout.order.query.trade", "wdt.stockout.order.query.trade", "stockout_order_query_trade.php"),
        ];
        for (name, method, path) in cases {
            let api = Api::read(name).unwrap();
            assert_eq!((api.method(), api.path().as_str()), (method, path));
        }
    }

    #[test]
    fn what_is_no_query_is_refused() {
        for (name, hint) in [
            ("wdt.trade.push", "a source reads"),
            ("wdt.query", "a source reads"),
            ("refund_query.php", "such as `wdt.refund.query`"),
            ("wdt.refund/../x.query", "such as `wdt.refund.query`"),
            ("wdt..query", "such as `wdt.refund.query`"),
            ("", "such as `wdt.refund.query`"),
        ] {
            let failure = Api::read(name).unwrap_err();
            assert_eq!(failure.message, format!("wdt has no source `{name}`"));
            assert!(failure.hint.unwrap().contains(hint), "{name}");
        }
    }

    #[test]
    fn a_list_is_named_after_what_is_queried() {
        let cases = [
            ("wdt.refund.query", "refunds", true),
            ("wdt.his.refund.query", "refunds", true),
            ("wdt.refund.query", "refund_order_list", false),
            ("wdt.trade.query", "trades", true),
            ("wdt.stockout.order.query.trade", "stockout_list", true),
            ("wdt.stockin.order.query.refund", "stockin_list", true),
            ("wdt.purchase.order.query", "purchase_order_list", true),
            ("wdt.trade.query", "shops", false),
        ];
        for (name, member, expected) in cases {
            assert_eq!(Api::read(name).unwrap().names_its_list(member), expected, "{name} {member}");
        }
    }
}
