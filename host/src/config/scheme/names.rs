//! What a scheme cannot see for itself: that its names are its own, and that its connections exist.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use super::super::QIAO_TOML;
use super::super::connection::ConnectionConfig;
use super::super::problem::{Complaint, ConfigProblem};
use super::super::tree::fields::{list, nearest};
use super::SchemeFile;

const OWN: &str = "stem, name and id of a scheme are its own: lookups name it by any of them";

/// Which file each stem, name and id belongs to. A lookup names a scheme by any of them, so none may mean two.
pub(super) struct Names {
    owners: HashMap<String, PathBuf>,
}

impl Names {
    /// Stems are identities, and go before every name. Of two files with one stem, the later is taken out.
    pub(super) fn of_stems(files: &mut Vec<PathBuf>, problems: &mut Vec<ConfigProblem>) -> Self {
        let mut names = Self { owners: HashMap::new() };
        files.retain(|file| {
            let stem = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            let claimed = names.claim(stem, file).map_err(|complaint| {
                problems.push(ConfigProblem::error(file, complaint.message).hint(OWN));
            });
            claimed.is_ok()
        });
        names
    }

    /// The names that these schemes have.
    pub(super) fn of(schemes: &[SchemeFile]) -> Self {
        let names = schemes.iter().flat_map(|scheme| {
            let named = [&scheme.stem, &scheme.name].into_iter().chain(&scheme.id);
            named.map(|name| (name.clone(), scheme.path.clone()))
        });
        Self { owners: names.collect() }
    }

    /// Gives a name to a file, unless another has it.
    pub(super) fn claim(&mut self, name: String, file: &Path) -> Result<String, Complaint> {
        let owner = self.owners.entry(name.clone()).or_insert_with(|| file.to_owned());
        if owner == file {
            return Ok(name);
        }
        Err(Complaint::new(format!("`{}` is already called `{name}`", owner.display())).hint(OWN))
    }
}

/// Refuses the name of a connection that is not there.
pub(super) fn connection(name: String, known: &BTreeMap<String, ConnectionConfig>) -> Result<String, Complaint> {
    if known.contains_key(&name) {
        return Ok(name);
    }
    let names = || known.keys().map(String::as_str);
    let hint = match nearest(&name, names()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("a connection is a section `[connections.{name}]` of `{QIAO_TOML}`"),
    };
    let there_are =
        if known.is_empty() { "there are none".to_owned() } else { format!("there are: {}", list(names())) };
    Err(Complaint::new(format!("there is no connection `{name}`; {there_are}")).hint(hint))
}
