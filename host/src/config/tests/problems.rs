//! What is said against a project.

use super::super::Project;
use super::{QIAO, SCHEME, check, check_qiao, check_scheme, check_table, load, project};

#[test]
fn qiao_toml_is_not_toml() {
    check_qiao(
        "[host]\nlisten = 8620x\n",
        &["2:10: is not TOML: string values must be quoted, expected literal string"],
    );
    check_qiao(
        "[connections.金蝶]\n",
        &[
            "1:14: is not TOML: invalid unquoted key, expected letters, numbers, `-`, `_`\n  hint: a name with other letters is written in quotes: `[connections.\"金蝶\"]`",
        ],
    );
    check_qiao("[host]\n[host]\n", &["2:2: is not TOML: duplicate key"]);
    check_qiao("[host]\nlisten = \"x\n", &["2:12: is not TOML: invalid basic string, expected `\"`"]);
}

#[test]
fn qiao_toml_keys_and_values() {
    check_qiao("[hots]\nlisten = \"127.0.0.1:1\"", &["1:2: unknown key `hots`\n  hint: did you mean `host`?"]);
    check_qiao(
        "[host]\nlisten = \"localhost\"\ntime_zone = \"Asia/Shangai\"\ncolour = 1",
        &[
            "2:10: host.listen: `localhost` is not an address and a port\n  hint: write `127.0.0.1:8620`, or `0.0.0.0:8620` to be reached from other machines",
            "3:13: host.time_zone: `Asia/Shangai` is not a known time zone\n  hint: write a name such as `Asia/Shanghai`, or an offset such as `+08:00`",
            "4:1: host: unknown key `colour`\n  hint: the keys here are `listen`, `time_zone`, `jitter`, `grace`",
        ],
    );
    check_qiao(
        "host = 5\n[store]\nkind = \"nats\"",
        &[
            "1:8: host: expected a mapping, found the number `5`",
            "3:8: store.kind: expected `sled`, found the text `nats`",
        ],
    );
    check_qiao(
        "[limits]\nmemory = \"64 Mio\"\ncpu_time = 5\nlog_lines = \"x\"\nresponse = []\ncall_time = \"0s\"",
        &[
            "2:10: limits.memory: `64 Mio` is not a size\n  hint: write a whole number and a unit: `64KiB`, `32MiB`, `1GiB`",
            "3:12: limits.cpu_time: `5` is not a length of time\n  hint: write a number and a unit: `500ms`, `30s`, `10m`, `1h30m`, `2d`",
            "4:13: limits.log_lines: expected a whole number from 1, found the text `x`",
            "5:12: limits.response: expected a size such as `64MiB`, found a list",
            "6:13: limits.call_time: must be longer than nothing",
        ],
    );
}

#[test]
fn connections() {
    check_qiao(
        "[connections.a]\nplugin = \"\"\nconection = 1",
        &[
            "1:1: connections.a: the key `base_url` is missing",
            "2:10: connections.a.plugin: must not be empty",
            "3:1: connections.a: unknown key `conection`\n  hint: the keys here are `plugin`, `base_url`, `rate`, `concurrency`, `timeout`, `settle_after`, `allow_private`, `config`, `secrets`",
        ],
    );
    for (line, expected) in [
        (
            "rate = \"10\"",
            "4:8: connections.erp.rate: `10` is not a rate\n  hint: write requests per second, minute or hour: `10/s`, `600/m`, `36000/h`",
        ),
        ("rate = 10", "4:8: connections.erp.rate: expected a text, found the number `10`\n  hint: put it in quotes"),
        ("concurrency = 0", "4:15: connections.erp.concurrency: expected a whole number from 1, found the number `0`"),
        (
            "concurrency = -1",
            "4:15: connections.erp.concurrency: expected a whole number from 1, found the number `-1`",
        ),
        (
            "timeout = \"10\"",
            "4:11: connections.erp.timeout: `10` is not a length of time\n  hint: write a number and a unit: `500ms`, `30s`, `10m`, `1h30m`, `2d`",
        ),
        ("timeout = \"0s\"", "4:11: connections.erp.timeout: must be longer than nothing"),
        (
            "allow_private = \"yes\"",
            "4:17: connections.erp.allow_private: expected `true` or `false`, found the text `yes`",
        ),
        ("config = \"x\"", "4:10: connections.erp.config: expected a mapping, found the text `x`"),
        ("config = { x = inf }", "4:16: connections.erp.config: the number `inf` does not exist in JSON"),
        (
            "secrets = { app_secret = \"hunter2\" }",
            "4:26: connections.erp.secrets.app_secret: a secret is never written into `qiao.toml` itself\n  hint: put it into an environment variable and write `app_secret = { env = \"ERP_APP_SECRET\" }`",
        ),
        (
            "secrets = { app_secret = { envv = \"X\" } }",
            "4:28: connections.erp.secrets.app_secret: unknown key `envv`, expected `env` or `file`\n  hint: did you mean `env`?",
        ),
        ("secrets = { app_secret = { env = \"\" } }", "4:34: connections.erp.secrets.app_secret: must not be empty"),
        (
            "secrets = { app_secret = { env = \"X\", file = \"y\" } }",
            "4:26: connections.erp.secrets.app_secret: expected either `env` or `file`\n  hint: put it into an environment variable and write `app_secret = { env = \"ERP_APP_SECRET\" }`",
        ),
        (
            "secrets = { app_secret = true }",
            "4:26: connections.erp.secrets.app_secret: expected `{ env = \"…\" }` or `{ file = \"…\" }`\n  hint: put it into an environment variable and write `app_secret = { env = \"ERP_APP_SECRET\" }`",
        ),
    ] {
        check_qiao(&format!("{QIAO}{line}"), &[expected]);
    }
    for (url, expected) in [
        (
            "erp.example.com",
            "3:12: connections.a.base_url: `erp.example.com` is not a URL: relative URL without a base\n  hint: write it as in `https://erp.example.com/k3cloud/`",
        ),
        (
            "ftp://erp.example.com/",
            "3:12: connections.a.base_url: `ftp` is neither `https` nor `http`\n  hint: write it as in `https://erp.example.com/k3cloud/`",
        ),
        (
            "https://u:hunter2@erp.example.com/",
            "3:12: connections.a.base_url: a base URL holds no user and no password\n  hint: secrets stand under `secrets`",
        ),
        (
            "https://erp.example.com/?a=1",
            "3:12: connections.a.base_url: a base URL ends before `?` and `#`\n  hint: the connector adds the parameters",
        ),
        (
            "https://",
            "3:12: connections.a.base_url: `https://` is not a URL: empty host\n  hint: write it as in `https://erp.example.com/k3cloud/`",
        ),
    ] {
        check_qiao(&format!("[connections.a]\nplugin = \"p\"\nbase_url = \"{url}\""), &[expected]);
    }
    check_qiao(
        "[connections]\n\"a/b\" = 1",
        &[
            "2:1: connections.a/b: a connection's name is not empty, and without `/`, `\\` and control characters",
            "2:9: connections.a/b: expected a mapping, found the number `1`",
        ],
    );
}

#[test]
fn no_secret_is_repeated_in_a_message() {
    for toml in [
        "secrets = { a = \"hunter2\" }",
        "secrets = { a = { env = \"X\", hunter = \"hunter2\" } }",
        "secrets = { a = { literal = \"hunter2\" } }",
        "secrets = { a = [\"hunter2\"] }",
        "secrets = \"hunter2",
    ] {
        let loaded = load(&[("qiao.toml", &format!("{QIAO}{toml}"))]);
        assert!(loaded.has_errors());
        assert!(loaded.problems.iter().all(|problem| !problem.to_string().contains("hunter2")), "{toml}");
    }
}

#[test]
fn schemes_that_are_not_yaml() {
    check_scheme(
        "source:\n\tconnection: erp\n",
        &["2:2: is not YAML: tabs disallowed within this context (block indentation)\n  hint: indent with spaces"],
    );
    check_scheme("source: { connection: erp\n", &["1:9: is not YAML: unclosed bracket '{'"]);
    check_scheme(
        "name: a: b\n",
        &[
            "1:8: is not YAML: mapping values are not allowed in this context\n  hint: a text that contains `: ` is written in quotes",
        ],
    );
    check_scheme("- a\n", &["1:1: expected a mapping, found a list"]);
    check_scheme("", &["1:1: is empty\n  hint: a scheme has at least a `source`"]);
    check_scheme("name: a\nname: b\n", &["2:1: the key `name` is there twice"]);
}

#[test]
fn scheme_keys_and_values() {
    check_scheme(
        "name: 7\nenabld: true\ntaget: {}\n",
        &[
            "1:1: the key `source` is missing",
            "1:7: name: expected a text, found the number `7`\n  hint: put it in quotes",
            "2:1: unknown key `enabld`\n  hint: did you mean `enabled`?",
            "3:1: unknown key `taget`\n  hint: did you mean `target`?",
        ],
    );
    check_scheme(
        "source:\n  connection: erp\n  shedule: x\n  schedule: 60 * * * *\n  start_from: yesterday\n  overlap: 10\n  page_size: many\n  complete_bills: often\n  metadata: {}\n",
        &[
            "3:3: source: unknown key `shedule`\n  hint: did you mean `schedule`?",
            "4:13: source.schedule: `60 * * * *` is not a cron schedule: number out of bounds\n  hint: five fields (minute hour day month weekday), or six with seconds first: `*/10 * * * *` is every ten minutes",
            "5:15: source.start_from: `yesterday` is not a date and time\n  hint: write `2026-01-01 00:00:00`, or with an offset `2026-01-01T00:00:00+08:00`",
            "6:12: source.overlap: `10` is not a length of time\n  hint: write a number and a unit: `500ms`, `30s`, `10m`, `1h30m`, `2d`",
            "7:14: source.page_size: expected a whole number from 1, found the text `many`",
            "8:19: source.complete_bills: expected `true` or `false`, found the text `often`",
        ],
    );
    check_scheme(
        &format!("{SCHEME}target: {{ on_existing: replace }}\n"),
        &[
            "2:9: target: the key `connection` is missing",
            "2:9: target: the key `metadata` is missing",
            "2:24: target.on_existing: expected one of `update`, `skip`, found the text `replace`",
        ],
    );
    check_scheme(
        &format!("{SCHEME}stages: {{ plugin: x }}\nretry: {{ first: 1h }}\nenabled: no"),
        &[
            "2:9: stages: expected a list of stages, found a mapping\n  hint: write `- { plugin: transforms, stage: drop-rows }`, one line for each stage",
            "4:10: enabled: expected `true` or `false`, found the text `no`",
        ],
    );
    check_scheme(
        &format!("{SCHEME}stages:\n  - {{ plugin: x }}\n  - y\n"),
        &["3:5: stages[0]: the key `stage` is missing", "4:5: stages[1]: expected a mapping, found the text `y`"],
    );
    check_scheme(
        &format!("{SCHEME}on_expression_error: ignore\ntime_zone: 北京\n"),
        &[
            "2:22: on_expression_error: expected one of `error`, `keep_text`, found the text `ignore`",
            "3:12: time_zone: `北京` is not a known time zone\n  hint: write a name such as `Asia/Shanghai`, or an offset such as `+08:00`",
        ],
    );
    check_scheme("source:\n", &["1:1: the key `source` is missing"]);
    check_scheme("source: erp\n", &["1:9: source: expected a mapping, found the text `erp`"]);
}

#[test]
fn metadata() {
    let source = |metadata: &str| format!("source:\n  connection: erp\n  {metadata}\n");
    check_scheme("source: { connection: erp }", &["1:9: source: the key `metadata` is missing"]);
    check_scheme(
        &source("metadata: [1]"),
        &[
            "3:13: source.metadata: expected a JSON object, found a list\n  hint: paste the metadata's JSON, or name its file by `metadata_file`",
        ],
    );
    check_scheme(
        &source("metadata: some text"),
        &[
            "3:13: source.metadata: expected a JSON object, found the text `some text`\n  hint: paste the metadata's JSON, or name its file by `metadata_file`",
        ],
    );
    check_scheme(
        &source("metadata: {}\n  metadata_file: x.json"),
        &["2:3: source: has both `metadata` and `metadata_file`\n  hint: keep one of them"],
    );
    check_scheme(
        &source("metadata_file: x.json"),
        &[
            "3:18: source.metadata_file: there is no file `schemes/x.json`, and no `x.json` in the project's folder\n  hint: the path is relative to the scheme's file, or to the project's folder",
        ],
    );
    // Pasted: a comma is missing, at the first key after it.
    check_scheme(
        &source("metadata: {\n\t\"api\": \"x\"\n\t\"number\": \"名\"\n}"),
        &["5:2: this is not JSON: expected `,` or `}`"],
    );
    check_scheme(&source("metadata: { \"api\": \"x\", \"n\": }x }"), &["3:32: this is not JSON: expected value"]);
    check_scheme(
        &source("metadata: {\n    \"api\": \"x\",\n    \"request\": [\n  lag: 1s"),
        &["6:3: this is not JSON: expected value"],
    );
    check_scheme(&source("metadata: { \"a\": 1,\n  \"a\": 2 }"), &["4:3: the key `a` is there twice"]);
    // In a block the places are the file's.
    check_scheme(
        &source("metadata: |\n\n    {\n      \"名\": 好\n    }"),
        &["6:12: source.metadata: this is not JSON: expected value"],
    );
    check_scheme(
        &source("metadata: |\n    {\n      \"a\": [1,]\n    }"),
        &["5:14: warning: source.metadata: there is a comma too many before the closing bracket; it is ignored"],
    );
    // In a quoted text they are the text's.
    check_scheme(
        &source("metadata: '{\"a\": x}'"),
        &["3:13: source.metadata: this is not JSON: expected value (line 1, column 7 of the text)"],
    );
    check(
        &[
            (
                "schemes/a.yaml",
                "source: { connection: erp, metadata_file: m.json }\ntarget: { connection: erp, metadata_file: n.json }",
            ),
            ("schemes/m.json", "{\n  \"a\": 1\n  \"b\": 2\n}"),
            ("schemes/n.json", "[{}]"),
        ],
        &["schemes/m.json:3:3: this is not JSON: expected `,` or `}`", "schemes/n.json:1:1: expected a JSON object"],
    );
}

#[test]
fn names_are_unique_and_connections_exist() {
    let named = |name: &str, id: &str| format!("name: {name}\nid: {id}\n{SCHEME}");
    check(
        &[("schemes/a.yaml", SCHEME), ("schemes/a.yml", SCHEME)],
        &[
            "schemes/a.yml: `schemes/a.yaml` is already called `a`\n  hint: stem, name and id of a scheme are its own: lookups name it by any of them",
        ],
    );
    check(
        &[("schemes/a.yaml", &named("订单", "1-1")), ("schemes/b.yaml", &named("订单", "2-2"))],
        &[
            "schemes/b.yaml:1:7: name: `schemes/a.yaml` is already called `订单`\n  hint: stem, name and id of a scheme are its own: lookups name it by any of them",
        ],
    );
    check(
        &[("schemes/a.yaml", &named("x", "1-1")), ("schemes/b.yaml", &named("y", "1-1"))],
        &[
            "schemes/b.yaml:2:5: id: `schemes/a.yaml` is already called `1-1`\n  hint: stem, name and id of a scheme are its own: lookups name it by any of them",
        ],
    );
    check(
        &[("schemes/a.yaml", &named("b", "1-1")), ("schemes/b.yaml", SCHEME)],
        &[
            "schemes/a.yaml:1:7: name: `schemes/b.yaml` is already called `b`\n  hint: stem, name and id of a scheme are its own: lookups name it by any of them",
        ],
    );
    check_scheme(
        "source: { connection: epr, metadata: {} }\ntarget: { connection: okki, metadata: {} }",
        &[
            "1:23: source.connection: there is no connection `epr`; there are: `erp`\n  hint: did you mean `erp`?",
            "2:23: target.connection: there is no connection `okki`; there are: `erp`\n  hint: a connection is a section `[connections.okki]` of `qiao.toml`",
        ],
    );
    check(
        &[("qiao.toml", ""), ("schemes/a.yaml", SCHEME)],
        &[
            "schemes/a.yaml:1:23: source.connection: there is no connection `erp`; there are none\n  hint: a connection is a section `[connections.erp]` of `qiao.toml`",
        ],
    );
}

#[test]
fn a_broken_file_does_not_stop_the_others() {
    let loaded = load(&[
        ("schemes/a.yaml", "{"),
        ("schemes/b.yaml", SCHEME),
        ("schemes/c.yaml", "source: { connection: none, metadata: {} }"),
        ("tables/a.csv", "k,v\n1\n"),
        ("tables/b.csv", "k,v\n1,2\n"),
    ]);
    assert_eq!(loaded.problems.len(), 3);
    let project = loaded.project.unwrap();
    assert_eq!(project.schemes.iter().map(|scheme| scheme.stem.as_str()).collect::<Vec<_>>(), ["b"]);
    assert_eq!(project.tables.names().collect::<Vec<_>>(), ["b"]);
}

#[test]
fn no_project() {
    let root = project(&[("schemes/a.yaml", b"- x")]);
    let loaded = Project::load(root.path());
    assert!(loaded.project.is_none());
    let found: Vec<String> = loaded.problems.iter().map(ToString::to_string).collect();
    let first = format!(
        "qiao.toml: there is no `qiao.toml` in `{}`\n  hint: `qiao init DIR` makes a project; `--root DIR` says where one is",
        root.path().display()
    );
    assert_eq!(found, [first.as_str(), "schemes/a.yaml:1:1: expected a mapping, found a list"]);
}

#[test]
fn tables() {
    check_table(b"", &[" is empty\n  hint: the first line names the columns, the key first"]);
    check_table(
        "编码,名称\nA,甲\nB,乙\nA,丙\n".as_bytes(),
        &["4: the key `A` is already there, in line 2\n  hint: keep one of the two lines"],
    );
    check_table(
        b"k,v\na,1\n\nb,2,3\n",
        &[
            "4: has 3 cells, the first line has 2 cells\n  hint: a text that contains a comma is written in double quotes",
        ],
    );
    check_table(
        b"k,v\na\n",
        &[
            "2: has 1 cell, the first line has 2 cells\n  hint: a text that contains a comma is written in double quotes",
        ],
    );
    check_table(b"k,v\n\"a,1\nb,2\n", &["2: has 1 cell, the first line has 2 cells\n  hint: is a `\"` not closed?"]);
    check_table(b"k,v\n,1\n", &["2: the key (`k`) is empty"]);
    check_table(
        "\r\n\r\nk,v\r\n\r\n\"甲\r\n乙\",1\r\n\r\nb\r\n".as_bytes(),
        &[
            "8: has 1 cell, the first line has 2 cells\n  hint: a text that contains a comma is written in double quotes",
        ],
    );
    check_table(
        b"k,k\n",
        &["1: two columns are called `k`\n  hint: the first line names the columns, each by a name of its own"],
    );
    check_table(
        b"k,,\n",
        &["1: the column 2 has no name\n  hint: the first line names the columns, each by a name of its own"],
    );
    check_table(b"k;v\na;1\n", &["1: its columns are separated by `;`\n  hint: separate them by `,`"]);
    check_table(b"k\tv\n", &["1: its columns are separated by tabs\n  hint: separate them by `,`"]);
    check_table(
        b"k,v\na,\xb1\xe0\xc2\xeb\n",
        &[
            "2:3: is not UTF-8 text: it looks like GBK, the encoding of a Chinese Windows\n  hint: save it as UTF-8 (in Excel: the file type `CSV UTF-8`)",
        ],
    );
    check_table(b"k,v\n a , 1 \n,,,\n", &[]);
    check_table(b"k\na\nb", &[]);
}

proptest::proptest! {
    #[test]
    fn no_bytes_make_it_panic(
        toml in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..200),
        tomlish in "(\\[(host|limits|connections)(\\.[a-z\"名]{1,3})?\\]|[a-z_\"]{1,8} = ([0-9.eE+-]{1,6}|\"[ -~名]{0,6}\"|[\\[{}\\]]{1,3})|\n){0,12}",
        yamlish in "((source|target|metadata|schedule|stages)?:? ?([\\[{}\\],&*|>\"'-]|[a-z0-9名]{1,4}|\n|  |\t)){0,40}",
        csvish in "[a-c,\";\r\n\t 名]{0,60}",
    ) {
        for qiao in [toml.as_slice(), tomlish.as_bytes()] {
            let root = project(&[
                ("qiao.toml", qiao),
                ("schemes/a.yaml", &toml),
                ("schemes/b.yaml", yamlish.as_bytes()),
                ("tables/a.csv", &toml),
                ("tables/b.csv", csvish.as_bytes()),
            ]);
            let loaded = Project::load(root.path());
            for problem in &loaded.problems {
                assert!(!problem.message.is_empty() && !problem.to_string().contains(": : "));
            }
        }
    }
}
