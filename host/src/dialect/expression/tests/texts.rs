//! Functions of texts, beyond those in `cases_and_functions`.

use super::*;

#[test]
fn texts_are_joined_cut_and_found() {
    check(&[
        ("concat_ws('-', 'a', null, '', 'b')", "\"a--b\""),
        ("concat_ws(null, 'a', 'b')", "null"),
        ("ltrim('  a ')", "\"a \""),
        ("rtrim('  a ')", "\"  a\""),
        ("substring_index('a.b.c', '.', 2)", "\"a.b\""),
        ("substring_index('a.b.c', '.', -2)", "\"b.c\""),
        ("substring_index('a.b.c', '.', 9)", "\"a.b.c\""),
        ("substring_index('a.b.c', '.', 0)", "\"\""),
        ("substring_index('a.b', '', 1)", "\"\""),
        ("substring_index('aXbxc', 'x', 1)", "\"aXb\""),
        ("locate('单', '中文单据')", "3"),
        ("locate('B', 'abcb')", "2"),
        ("locate('b', 'abcb', 3)", "4"),
        ("locate('b', 'abc', 0)", "0"),
        ("locate('x', 'abc')", "0"),
        ("locate('', 'abc')", "1"),
        ("position('据' in '单据')", "2"),
        ("instr('单据号', '据')", "2"),
        ("lpad('7', 3, '0')", "\"007\""),
        ("lpad('单', 4, '中文')", "\"中文中单\""),
        ("lpad('abc', 2, 'x')", "\"ab\""),
        ("lpad('a', -1, 'x')", "null"),
        ("lpad('a', 3, '')", "null"),
        ("lpad('a', 3)", "\"  a\""),
        ("rpad('a', 4, 'xy')", "\"axyx\""),
        ("rpad('a', 99999999, 'x')", "the result has more letters than a text may have"),
        ("repeat('a', 99999999)", "the result has more letters than a text may have"),
        ("repeat('ab', 2)", "\"abab\""),
        ("reverse('单据')", "\"据单\""),
        ("upper('straße')", "\"STRAßE\""),
        ("'a ' = 'A'", "1"),
        ("'a' < '_'", "1"),
        ("locate(null, 'a')", "null"),
    ]);
}
