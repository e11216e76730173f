//! What the evidence of a run costs: its journal is written again, entry by entry, with a tree over it, a checkpoint wherever one was due, and every
//! branch's cosignature of each. So it is measured apart from everything else that a daemon does.

use std::path::Path;

use cpu_time::ProcessTime;
use tributary_certs::entropy::OsEntropy;
use tributary_certs::suite::{RealSuite, SigningKey};
use tributary_protocol::digest::Digest;
use tributary_protocol::log::{
    Checkpoint, LedgerId, NoteKey, NoteSignature, SignatureKind, SignedCheckpoint, origin_of,
};
use tributary_protocol::proofs::GrowingTree;
use tributary_protocol::round::{CoordinatorEvent, Recorded};
use tributary_storage::files::{Existing, write_private};
use tributary_storage::journal::{Journal, read_ledgers};

/// Largest share of a run's CPU that log and witnesses may take.
const SHARE_MAX: f64 = 0.03;

/// Seconds between two checkpoints of a coordinator.
const EVERY_SECONDS: u64 = 5;

/// CPU time in seconds.
#[derive(Default)]
struct Cost {
    journal: f64,
    tree: f64,
    /// Made, signed, written and proven to the branches, with their cosignatures judged: the coordinator's.
    checkpoints: f64,
    /// Judged, cosigned and written: all branches together.
    cosigning: f64,
}

/// What `work` gives; the CPU time that it took is added.
fn timed<T>(seconds: &mut f64, work: impl FnOnce() -> T) -> T {
    let began = ProcessTime::now();
    let done = work();
    *seconds += began.elapsed().as_secs_f64();
    done
}

/// Prints what the evidence of a run cost that took so many seconds of the clock and so many of CPU, coordinator and branches together.
///
/// # Panics
/// If it cost more than it may.
pub(crate) fn measure(folder: &Path, branches: usize, (seconds, cpu): (u64, f64)) {
    let mut cost = Cost::default();
    let events = read_ledgers::<CoordinatorEvent>(&folder.join("coordinator/state/audit.log")).expect("a journal");
    let entries = events.values().map(Vec::len).sum::<usize>();
    let leaves = write_again(&mut cost, &folder.join("again.log"), events.into_iter().collect());
    let checkpoints = witness(&mut cost, folder, branches, &leaves, seconds / EVERY_SECONDS + 2);
    let Cost { journal, tree, checkpoints: made, cosigning } = cost;
    let share = (journal + tree + made + cosigning) / cpu;
    println!(
        "evidence: {entries} entries and {checkpoints} checkpoints of {branches} branches took {:.1} ms of CPU for the journal, {:.1} ms for the tree, \
         {:.1} ms for checkpoints and {:.1} ms for cosigning: {:.2} % of the run's {cpu:.2} s (goal {:.0} %)",
        journal * 1e3,
        tree * 1e3,
        made * 1e3,
        cosigning * 1e3,
        share * 100.0,
        SHARE_MAX * 100.0
    );
    assert!(share <= SHARE_MAX, "log and witnesses take {:.2} % of the CPU of a run", share * 100.0);
}

/// Events of one moment were written together, and made durable after it.
fn write_again(cost: &mut Cost, path: &Path, events: Vec<(LedgerId, Vec<Recorded<CoordinatorEvent>>)>) -> Vec<Digest> {
    let own = events.first().map(|(ledger, _)| *ledger).expect("a journal of a run");
    let (mut journal, _) = Journal::<CoordinatorEvent>::open_view(path, own).expect("a new journal");
    timed(&mut cost.journal, || {
        let mut last = None;
        for (ledger, events) in events {
            for Recorded { at, event } in events {
                if last.replace(at) != Some(at) {
                    journal.sync().expect("a disk");
                }
                journal.append_to(ledger, at, event).expect("a disk");
            }
        }
        journal.sync().expect("a disk");
    });
    journal.take_leaves()
}

/// How many checkpoints there were.
fn witness(cost: &mut Cost, folder: &Path, branches: usize, leaves: &[Digest], checkpoints: u64) -> usize {
    let key = SigningKey::generate(&mut OsEntropy);
    let origin = origin_of(&Digest::ZERO);
    let members: Vec<(String, SigningKey)> =
        (0..branches).map(|branch| (format!("bank/branch-{branch}"), SigningKey::generate(&mut OsEntropy))).collect();
    let (mut tree, mut seen, mut count) = (GrowingTree::new(), None::<Checkpoint>, 0);
    let piece = leaves.len().div_ceil(usize::try_from(checkpoints).expect("a few")).max(1);
    for piece in leaves.chunks(piece) {
        timed(&mut cost.tree, || piece.iter().for_each(|leaf| tree.push(Digest::of_parts, *leaf)));
        let mut signed = timed(&mut cost.checkpoints, || {
            let size = tree.leaves();
            let root = tree.root_at(Digest::of_parts, size).expect("a root");
            let signed = SignedCheckpoint::sign::<RealSuite>(Checkpoint { origin: origin.clone(), size, root }, &key);
            let signed = signed.expect("a name");
            write_private(&folder.join("newest"), signed.to_string().as_bytes(), Existing::Replace).expect("a disk");
            signed
        });
        for (name, own) in &members {
            let (note, proof) = timed(&mut cost.checkpoints, || {
                let from = seen.as_ref().map_or(0, |seen| seen.size);
                let proof = tree.consistency(Digest::of_parts, from, tree.leaves()).unwrap_or_default();
                (signed.bare().to_string(), proof)
            });
            let cosigned = timed(&mut cost.cosigning, || {
                let mut shown = SignedCheckpoint::parse(note.as_bytes()).expect("a note");
                shown.verify::<RealSuite>(&key.verifying_key()).expect("the coordinator's");
                if let Some(seen) = &seen {
                    shown.checkpoint().follows(seen, &proof).expect("the same journal");
                }
                let signature = NoteSignature::by_witness::<RealSuite>(name, own, shown.checkpoint(), 1);
                let signature = signature.expect("a name");
                shown.add(signature.clone());
                write_private(&folder.join("seen"), shown.to_string().as_bytes(), Existing::Replace).expect("a disk");
                signature
            });
            timed(&mut cost.checkpoints, || {
                let named = NoteKey::new(name, SignatureKind::Witness, &own.verifying_key()).expect("a name");
                cosigned.witnessed::<RealSuite>(&named, signed.checkpoint()).expect("its own");
                signed.add(cosigned);
            });
        }
        timed(&mut cost.checkpoints, || {
            write_private(&folder.join("newest"), signed.to_string().as_bytes(), Existing::Replace).expect("a disk");
        });
        seen = Some(signed.checkpoint().clone());
        count += 1;
    }
    count
}
