//! Orders of people, as files in the coordinator's state: whoever carries one here puts it there, and the machine judges it.
//!
//! They stay: a process that begins again, and the next run, hear of all of them once more.

use std::path::{Path, PathBuf};

use tributary_certs::clock::unix_seconds;
use tributary_certs::order::{read_order, write_order};
use tributary_protocol::plan::Attestation;
use tributary_protocol::role::Action;
use tributary_protocol::round::order_digest;
use tributary_storage::files::{FileError, create_private_folder};

use crate::inbox::Inbox;

const FOLDER: &str = "orders";
const EXTENSION: &str = "order";

/// The folder, and what was handed on of it.
pub(crate) struct OrdersFolder(Inbox);

impl OrdersFolder {
    pub(crate) fn of(state_dir: &Path) -> Self {
        Self(Inbox::of(state_dir.join(FOLDER), EXTENSION))
    }

    /// Orders that have come since the last look: what stops before what lifts.
    pub(crate) fn new_ones(&mut self) -> Vec<Attestation> {
        let mut orders = self.0.new_ones(unix_seconds(), read_order);
        orders.sort_by_key(|order| (matches!(order.action, Action::Thaw | Action::ResumePlan), order.at));
        orders
    }
}

/// Puts an order that was carried here into the coordinator's state. Whether it counts, the signed roster says; the daemon's log tells.
///
/// # Errors
/// If the file is no order, or is here already.
pub fn install_order(state_dir: &Path, file: &Path) -> Result<PathBuf, FileError> {
    let order = read_order(file)?;
    let folder = state_dir.join(FOLDER);
    create_private_folder(&folder)?;
    let path = folder.join(format!("{}.{EXTENSION}", order_digest(&order)));
    write_order(&order, &path)?;
    Ok(path)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use tributary_certs::entropy::OsEntropy;
    use tributary_certs::people::attest;
    use tributary_certs::suite::SigningKey;
    use tributary_protocol::digest::Digest;
    use tributary_protocol::role::Role;
    use tributary_protocol::roster::StaffNumber;
    use tributary_storage::faults::each_sync_fails_once;
    use tributary_storage::files::Draft;

    use super::*;

    #[test]
    fn orders_are_handed_on_once_and_what_stops_comes_first() {
        let state = tempfile::tempdir().unwrap();
        let key = SigningKey::generate(&mut OsEntropy);
        let staff = StaffNumber::parse("north-bank/e1").unwrap();
        let signed = |action, at| {
            attest(&key, action, Digest([1; 32]), Digest([2; 32]), &staff, Role::PrivacyOfficer, at).unwrap()
        };
        let mut folder = OrdersFolder::of(state.path());
        assert!(folder.new_ones().is_empty(), "there is no folder yet");
        let [thaw, freeze] = [signed(Action::Thaw, 1), signed(Action::Freeze, 2)];
        for order in [&thaw, &freeze] {
            let carried = state.path().join("carried.order");
            write_order(order, &carried).unwrap();
            let path = install_order(state.path(), &carried).unwrap();
            assert!(path.starts_with(state.path().join("orders")));
            assert!(matches!(install_order(state.path(), &carried), Err(FileError::Exists { .. })));
            std::fs::remove_file(carried).unwrap();
        }
        std::fs::write(state.path().join("orders/other.order"), "nothing\n").unwrap();
        std::fs::write(state.path().join("orders/notes.txt"), "nothing\n").unwrap();
        assert_eq!(folder.new_ones(), [freeze.clone(), thaw.clone()]);
        assert!(folder.new_ones().is_empty());
        assert_eq!(OrdersFolder::of(state.path()).new_ones(), [freeze, thaw], "another process hears of all");
    }

    /// An order to stop that is not here for good is none: whoever carries it hears so.
    #[test]
    fn an_order_that_cannot_be_put_here_is_told() {
        let dir = tempfile::tempdir().unwrap();
        let (key, carried) = (SigningKey::generate(&mut OsEntropy), dir.path().join("carried.order"));
        let staff = StaffNumber::parse("north-bank/e1").unwrap();
        let order =
            attest(&key, Action::Freeze, Digest([1; 32]), Digest([2; 32]), &staff, Role::PrivacyOfficer, 1).unwrap();
        write_order(&order, &carried).unwrap();
        let failed = each_sync_fails_once(
            || tempfile::tempdir().unwrap(),
            |state| {
                let path = install_order(state.path(), &carried)?;
                if OrdersFolder::of(state.path()).new_ones() == [order.clone()] {
                    Ok(())
                } else {
                    Err(FileError::content(&path, "order"))
                }
            },
        );
        assert_eq!(failed, 1 + 2);
    }

    /// Whoever carries an order here is killed before it has its name: nobody takes what is half there for an order, and the next attempt goes through.
    #[test]
    fn an_order_whose_way_here_was_cut_short_is_none_until_it_is_whole() {
        let state = tempfile::tempdir().unwrap();
        let key = SigningKey::generate(&mut OsEntropy);
        let staff = StaffNumber::parse("north-bank/e1").unwrap();
        let order =
            attest(&key, Action::Freeze, Digest([1; 32]), Digest([2; 32]), &staff, Role::PrivacyOfficer, 1).unwrap();
        let carried = state.path().join("carried.order");
        write_order(&order, &carried).unwrap();
        let text = std::fs::read(&carried).unwrap();
        let mut folder = OrdersFolder::of(state.path());
        std::fs::create_dir(state.path().join("orders")).unwrap();
        for written in [0, 1, text.len() / 2, text.len()] {
            let mut draft = Draft::private(&state.path().join("orders")).unwrap();
            draft.write_all(&text[..written]).unwrap();
            // As if the process were gone.
            std::mem::forget(draft);
            assert!(folder.new_ones().is_empty(), "after {written} bytes");
        }
        install_order(state.path(), &carried).unwrap();
        assert_eq!(folder.new_ones(), [order]);
    }
}
