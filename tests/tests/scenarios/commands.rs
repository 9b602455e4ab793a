//! The commands that a person gives, and what they see.

use serde_json::{Value, json};

use crate::harness::{Project, plugin, repository};

fn project() -> Project {
    let project = Project::empty();
    project.write("qiao.toml", "");
    project
}

#[tokio::test(flavor = "multi_thread")]
async fn a_function_is_called_from_the_command_line() {
    let transforms = plugin("transforms");
    let tables = repository().join("examples/tables");
    let call = |function: &'static str, arguments: &'static str| {
        let (transforms, tables) = (transforms.clone(), tables.clone());
        async move {
            let (transforms, tables) = (transforms.to_str().unwrap(), tables.to_str().unwrap());
            project().qiao(&["plugin", "call", transforms, function, arguments, "--tables", tables]).await
        }
    };
    assert_eq!(call("mapMaterialCode", r#"["MAT-001"]"#).await.succeeded().stdout, "OK-1001\n");
    assert_eq!(call("mapMaterialCode", r#"["没有","product_no","keep"]"#).await.succeeded().stdout, "没有\n");
    assert_eq!(call("mapMaterialCode", r#"["没有","product_no","=其他"]"#).await.succeeded().stdout, "其他\n");
    call("mapMaterialCode", r#"["没有"]"#).await.failed_saying(&["没有", "material_code"]);
    call("mapMaterialCod", "[]")
        .await
        .failed_saying(&["has no function `mapMaterialCod`", "did you mean `mapMaterialCode`?"]);
    call("mapMaterialCode", "MAT-001").await.failed_saying(&["are not a JSON array", "hint: write them as"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn inspect_says_what_a_plugin_is() {
    let inspect = |name: &'static str| async move {
        let file = plugin(name);
        project().qiao(&["plugin", "inspect", file.to_str().unwrap(), "--json"]).await.succeeded().json()
    };
    let kingdee = inspect("kingdee").await;
    assert_eq!(kingdee["name"], "kingdee");
    assert_eq!(kingdee["exports"], json!(["plugin", "session", "source", "target"]));
    assert_eq!(kingdee["secrets"][0]["name"], "app_secret");
    assert!(contains(&kingdee["asks_for"], "http"), "{kingdee}");
    assert!(kingdee["drags_in"].as_array().unwrap().iter().all(|name| name.as_str().unwrap().starts_with("wasi:")));

    let okki = inspect("okki").await;
    assert_eq!(okki["exports"], json!(["plugin", "session", "source", "target"]));

    let transforms = inspect("transforms").await;
    assert_eq!(transforms["exports"], json!(["plugin", "functions", "stages"]));
    assert!(!contains(&transforms["asks_for"], "http"), "transforms need no network: {transforms}");
    assert_eq!(transforms["limits"]["memory_bytes"], 64 << 20);
}

fn contains(list: &Value, text: &str) -> bool {
    list.as_array().unwrap().iter().any(|entry| entry == text)
}

#[tokio::test(flavor = "multi_thread")]
async fn init_makes_a_project_that_checks() {
    let project = Project::empty();
    let dir = project.root().join("我的项目");
    let dir = dir.to_str().unwrap();
    let made = project.qiao(&["init", dir]).await.succeeded();
    assert!(made.stdout.contains("qiao scheme check"), "{made:?}");
    let root = std::path::Path::new(dir);
    for path in ["qiao.toml", "plugins", "schemes", "tables"] {
        assert!(root.join(path).exists(), "{path}");
    }
    project.qiao(&["init", dir]).await.failed_saying(&["is a project already", "hint:"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_is_no_project_is_said_so() {
    let ran = Project::empty().qiao(&["run", "--once"]).await;
    ran.failed_saying(&["qiao.toml", "hint: `qiao init DIR` makes one"]);
}
