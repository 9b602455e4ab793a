//! What a plugin file may be, and what a plugin may do: each limit with a plugin that tries.

use qiao_tests::{Dataset, Vendors, VendorsOptions};
use serde_json::json;

use crate::harness::{Project, plugin, test_plugin};

/// A core module, the smallest there is.
const CORE_MODULE: &[u8] = b"\0asm\x01\0\0\0";

/// A component that exports nothing.
const EMPTY_COMPONENT: &[u8] = b"\0asm\x0d\0\x01\0";

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_no_plugin_says_why_and_stops_nobody() {
    for (name, bytes, said) in [
        (
            "text.wasm",
            b"hello".as_slice(),
            &["text.wasm", "is not WebAssembly", "begins with `hello`", "hint: a plugin is a component"][..],
        ),
        ("empty.wasm", b"", &["is not WebAssembly", "it is empty"]),
        (
            "core.wasm",
            CORE_MODULE,
            &["is a core WebAssembly module, not a component", "hint: build it for `wasm32-wasip2`"],
        ),
        ("nothing.wasm", EMPTY_COMPONENT, &["exports none of Qiao's interfaces", "it exports nothing", "hint:"]),
        ("cut.wasm", b"\0asm\x0d\0\x01\0\x07\xff\xff", &["is not a valid component", "hint: the file may be cut off"]),
    ] {
        let project = Project::empty();
        project.write("qiao.toml", "");
        project.write(&format!("plugins/{name}"), bytes);
        project.add_plugin(&plugin("transforms"));

        let listed = project.qiao(&["plugin", "list"]).await.failed_saying(said);
        assert!(listed.stdout.contains("transforms"), "the others serve: {listed:?}");
        let file = project.root().join("plugins").join(name);
        project.qiao(&["plugin", "inspect", file.to_str().unwrap()]).await.failed_saying(said);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_files_of_one_name_are_both_refused() {
    let project = Project::empty();
    project.write("qiao.toml", "");
    project.add_plugin(&plugin("transforms"));
    project.write("plugins/copy.wasm", std::fs::read(plugin("transforms")).unwrap());
    let listed = project.qiao(&["plugin", "list"]).await;
    listed.failed_saying(&["copy.wasm", "transforms.wasm", "are both named `transforms`", "hint: remove one of them"]);
}

/// Plugins are given more address space than memory, where there is any.
#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn plugins_run_where_address_space_is_scarce() {
    let vendors = Vendors::start(VendorsOptions::new(Dataset::small(10))).await.unwrap();
    let project = Project::example(&vendors);
    // What is compiled for more of it is of no use then.
    project.qiao(&["plugin", "list"]).await.succeeded();
    project.qiao_with_address_space(100, &["run", "--once", "--json"]).await.succeeded();
    assert!(vendors.ledger().balances(), "{:?}", vendors.ledger());
}

/// A project whose only scheme reads `api` with the misbehaving plugin.
fn misbehaving(api: &str) -> Project {
    let project = Project::empty();
    project.add_plugin(&test_plugin("misbehaving"));
    project.write(
        "qiao.toml",
        "[limits]\ncpu_time = \"200ms\"\ncall_time = \"2s\"\nmemory = \"16MiB\"\n\
         [connections.main]\nplugin = \"misbehaving\"\nbase_url = \"http://127.0.0.1:9/api/\"\nallow_private = true\n",
    );
    let metadata = json!({ "api": api, "method": "GET", "id": "number", "request": [] });
    project.write("schemes/try.yaml", format!("source:\n  connection: main\n  metadata: {metadata}\n"));
    project
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_that_misbehaves_is_stopped_and_named() {
    for (api, said) in [
        ("trap", &["the plugin `misbehaving` crashed in `source.fetch`", "发生了意外: it went wrong on purpose"][..]),
        (
            "loop",
            &[
                "the plugin `misbehaving` computed for more than 200ms in `source.fetch`",
                "hint: an endless loop? `cpu_time`",
            ],
        ),
        (
            "memory",
            &["the plugin `misbehaving` wanted more than 16777216 bytes of memory in `source.fetch`", "hint: `memory`"],
        ),
        (
            "other-host",
            &["https://evil.example.com/steal", "names another place", "requests stay below `http://127.0.0.1:9/api/`"],
        ),
        ("climb", &["the path `../../admin` climbs", "requests stay below"]),
        ("send-secret", &["the secret `token` can be sent only while signing in"]),
        ("no-rows", &["returned a malformed page 0", "is no array of objects"]),
    ] {
        let ran = misbehaving(api).run_once().await.failed_saying(said);
        assert_eq!(ran.scheme("schemes/try.yaml")["rows"], 0, "{api}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_that_floods_the_log_is_cut_short_and_said_so() {
    let ran = misbehaving("flood-log").run_once().await;
    assert!(ran.stderr.contains("the plugin logged more than one call may"), "{ran:?}");
    assert!(ran.stderr.lines().count() < 1_000, "{} lines", ran.stderr.lines().count());
}

#[tokio::test(flavor = "multi_thread")]
async fn every_call_gets_a_fresh_instance() {
    let ran = misbehaving("remember").run_once().await.succeeded();
    assert_eq!(ran.scheme("schemes/try.yaml")["new"], 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_sees_nothing_of_the_machine() {
    misbehaving("look-around").run_once().await.succeeded();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_private_address_is_reached_only_where_the_connection_says_so() {
    let project = misbehaving("behave");
    project.edit("qiao.toml", "allow_private = true", "allow_private = false");
    project
        .run_once()
        .await
        .failed_saying(&["`127.0.0.1` is a loopback or private address", "hint: set `allow_private = true`"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_that_behaves_is_not_disturbed() {
    let ran = misbehaving("behave").run_once().await.succeeded();
    assert_eq!(ran.scheme("schemes/try.yaml")["new"], 1);
}

/// A project that reads one row and writes it with the misbehaving plugin as `api` says, to a server that answers.
fn misbehaving_target(api: &str, field: &str, base_url: &str) -> Project {
    let project = Project::empty();
    project.add_plugin(&test_plugin("misbehaving"));
    project.write(
        "qiao.toml",
        format!("[connections.main]\nplugin = \"misbehaving\"\nbase_url = \"{base_url}\"\nallow_private = true\nsettle_after = \"1h\"\n"),
    );
    let source = json!({ "api": "behave", "method": "GET", "id": "number", "request": [] });
    let target = json!({ "api": api, "request": [{ "field": field, "type": "string", "value": "{number}" }] });
    project.write(
        "schemes/try.yaml",
        format!(
            "source:\n  connection: main\n  metadata: {source}\ntarget:\n  connection: main\n  metadata: {target}\n"
        ),
    );
    project
}

/// The host believes what it saw of a push, not what the plugin says of it.
#[tokio::test(flavor = "multi_thread")]
async fn a_failed_push_is_believed_only_as_far_as_the_host_saw() {
    let vendors = Vendors::start(VendorsOptions::new(Dataset::small(1))).await.unwrap();
    for (api, became) in [
        ("behave", "done"),
        ("one-request-then-transient", "failed"),
        ("two-requests-then-transient", "claimed"),
        ("request-then-trap", "claimed"),
        ("too-few-outcomes", "dead"),
    ] {
        let project = misbehaving_target(api, "number", &vendors.okki.base_url());
        let ran = project.qiao(&["run", "--once", "--json", "--wait", "0s"]).await;
        assert_eq!(ran.scheme("schemes/try.yaml")[became], 1, "{api}: {ran:?}");
    }
}

/// Whether it is there, only a person can find out: until then nothing of that bill is sent again.
#[tokio::test(flavor = "multi_thread")]
async fn an_uncertain_bill_without_a_number_waits_for_a_person() {
    let vendors = Vendors::start(VendorsOptions::new(Dataset::small(1))).await.unwrap();
    let project = misbehaving_target("request-then-trap", "other", &vendors.okki.base_url());
    for run in ["first", "second"] {
        let ran = project.qiao(&["run", "--once", "--json", "--wait", "1s"]).await;
        assert_eq!(ran.scheme("schemes/try.yaml")["claimed"], 1, "{run}: {ran:?}");
        assert_eq!(vendors.okki.log().all().len(), 1, "{run}: sent once");
        assert!(run == "second" || ran.stderr.contains("see at the vendor whether it is there"), "{ran:?}");
    }
}
