//! Where the dialect means something else than `MariaDB`, and why. `docs/expressions.md` has the same list for users.

use rust_decimal::Decimal;

use crate::dialect::Ours;
use crate::server::Theirs;

/// A difference on purpose.
pub(crate) struct Difference {
    pub(crate) name: &'static str,
    /// The first is the docs' own.
    pub(crate) examples: &'static [&'static str],
    /// Whether it is why these differ.
    pub(crate) explains: fn(expression: &str, ours: &Ours, theirs: &Theirs) -> bool,
}

pub(crate) const DIFFERENCES: [Difference; 12] = [
    Difference {
        // `NULL` would become an amount that is silently missing.
        name: "division by zero is an error",
        examples: &["1/0", "ifnull(5 % 0, 1)"],
        // `MariaDB` may not look at what cannot change the result, and then does not warn.
        explains: |_, ours, theirs| {
            fails(ours, "division by zero") && (warns(theirs, "Division by 0") || matches!(theirs.value, Ok(None)))
        },
    },
    Difference {
        // `MySQL` takes the number that the text begins with, or 0: a wrong amount.
        name: "a text that is no number is an error in arithmetic",
        examples: &["'12 pcs' * 2", "round('abc')"],
        explains: |_, ours, theirs| fails(ours, "is no number") && warns(theirs, "Truncated incorrect"),
    },
    Difference {
        // The type of a choice would have to be known before its branches are.
        name: "what is chosen among values keeps its own decimal places and type",
        examples: &["if(1 > 0, 1, 2.50)", "coalesce(curdate(), now())"],
        explains: |expression, ours, theirs| {
            let chooses = ["if(", "case ", "ifnull(", "coalesce("];
            let same = numbers(ours, theirs).is_some_and(|(ours, theirs)| ours == theirs)
                || texts(ours, theirs).is_some_and(|(ours, theirs)| theirs.strip_suffix(" 00:00:00") == Some(ours));
            same && chooses.iter().any(|chooses| expression.contains(chooses))
        },
    },
    Difference {
        // Money is never a float.
        name: "a text in arithmetic is a decimal, not a double",
        examples: &["'2.50' + 1", "'0.1' * 3"],
        explains: |expression, ours, theirs| {
            let close = |(ours, theirs): (Decimal, Decimal)| (ours - theirs).abs() <= ours.abs() * Decimal::new(1, 14);
            expression.contains('\'') && numbers(ours, theirs).is_some_and(close)
        },
    },
    Difference {
        // A double is rounded half to even.
        name: "a text that is rounded is a decimal, too",
        examples: &["round('2.5')"],
        explains: |expression, ours, theirs| {
            expression.contains("round('")
                && numbers(ours, theirs).is_some_and(|(ours, theirs)| (ours - theirs).abs() == Decimal::ONE)
        },
    },
    Difference {
        // `MariaDB` knows a 30th of February, and in comparisons a day zero.
        name: "a time that is none is NULL everywhere",
        examples: &["str_to_date('2026-02-30', '%Y-%m-%d')", "cast('no date' as date) <> now()"],
        explains: |expression, ours, theirs| {
            let has_none = expression.contains("2026-02-30") || expression.contains("no date");
            has_none && matches!(ours, Ours::Null) && matches!(theirs.value, Ok(Some(_)))
        },
    },
    Difference {
        // Of the 32 bits of its seconds.
        name: "Unix seconds do not end in 2038",
        examples: &["unix_timestamp('2039-01-01')", "from_unixtime(99999999999)"],
        explains: |expression, ours, theirs| {
            let of_unix_seconds = expression.starts_with("unix_timestamp(") || expression.starts_with("from_unixtime(");
            of_unix_seconds && matches!(ours, Ours::Number(_) | Ours::Text(_)) && matches!(theirs.value, Ok(None))
        },
    },
    Difference {
        // To tell them apart is never wrong by more than a hint.
        name: "accents count in comparisons",
        examples: &["'ä' = 'a'"],
        explains: |expression, _, _| expression.contains('ä'),
    },
    Difference {
        // `MariaDB` reads `2026` as 20 minutes and 26 seconds.
        name: "a date alone is midnight",
        examples: &["minute('2026-01-05')"],
        explains: |expression, ours, _| {
            expression == "minute('2026-01-05')" && matches!(ours, Ours::Number(zero) if zero == "0")
        },
    },
    Difference {
        name: "zero has no sign",
        examples: &["-2.5 % 0.5"],
        explains: |_, ours, theirs| {
            texts(ours, theirs).is_some_and(|(ours, theirs)| {
                ours.bytes().all(|digit| matches!(digit, b'0' | b'.')) && theirs.strip_prefix('-') == Some(ours)
            })
        },
    },
    Difference {
        name: "a decimal has 28 digits, not 65",
        examples: &["99999999999999999999 * 99999999999999999999"],
        explains: |_, ours, _| fails(ours, "more digits than a decimal holds"),
    },
    Difference {
        // A moment of a business system has no fractions of a second.
        name: "times have no fractions of a second",
        examples: &["date_add('2026-01-05 10:11:12.5', interval 1 day)", "from_unixtime(1767579072.5)"],
        explains: |_, ours, theirs| {
            texts(ours, theirs).is_some_and(|(ours, theirs)| {
                theirs.starts_with(ours) && theirs.get(ours.len()..).is_some_and(|rest| rest.starts_with('.'))
            })
        },
    },
];

fn fails(ours: &Ours, with: &str) -> bool {
    matches!(ours, Ours::Failed(message) if message.contains(with))
}

fn warns(theirs: &Theirs, of: &str) -> bool {
    theirs.warnings.iter().any(|warning| warning.contains(of))
}

fn texts<'a>(ours: &'a Ours, theirs: &'a Theirs) -> Option<(&'a str, &'a str)> {
    match (ours, &theirs.value) {
        (Ours::Text(ours) | Ours::Number(ours), Ok(Some(theirs))) => Some((ours, theirs)),
        _ => None,
    }
}

fn numbers(ours: &Ours, theirs: &Theirs) -> Option<(Decimal, Decimal)> {
    let (ours, theirs) = texts(ours, theirs)?;
    Some((ours.parse().ok()?, theirs.parse().ok()?))
}
