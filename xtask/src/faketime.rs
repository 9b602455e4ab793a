//! What tests of a clock that is set need: `libfaketime`, which stands between the host and the machine's clock.

use std::fs;

use crate::apt;

/// Installs it if it is missing, or says what to do.
pub(crate) fn install_faketime() {
    if is_there() || (apt::install(&["libfaketime"]) && is_there()) {
        return;
    }
    eprintln!(
        "there is no libfaketime: the tests that set the clock while a host runs cannot run\n  \
         hint: on Debian and Ubuntu, `apt-get install libfaketime`"
    );
}

/// Where distributions put it; the scenarios look there, too.
fn is_there() -> bool {
    let folders = fs::read_dir("/usr/lib").into_iter().flatten().flatten().map(|entry| entry.path());
    let mut folders = folders.chain(["/usr/lib".into(), "/usr/lib64".into()]);
    folders.any(|folder| folder.join("faketime/libfaketimeMT.so.1").is_file())
}
