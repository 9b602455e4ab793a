//! What the tests of expressions need: a `MariaDB` to compare with. Each test starts its own on an empty folder; no service runs.

use crate::apt;

/// Installs it if it is missing, or says what to do.
pub(crate) fn install_mariadb() {
    if is_there() || (apt::install(&["mariadb-server"]) && is_there()) {
        return;
    }
    eprintln!(
        "there is no MariaDB: the tests that compare expressions with it cannot run\n  \
         hint: install MariaDB 10.11 or later, on Debian and Ubuntu by `apt-get install mariadb-server`"
    );
}

fn is_there() -> bool {
    ["mariadb-install-db", "mariadbd", "mariadb"].iter().all(|name| apt::has_program(name))
}
