//! A second copy in a file elsewhere: one line for each entry, synced.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use tributary_storage::files::{folder_of, sync_file};

use super::entry::{Line, whole};
use super::way::{SinkFault, Way};

pub(super) struct FileWay {
    path: PathBuf,
}

impl FileWay {
    pub(super) fn to(path: PathBuf) -> Self {
        Self { path }
    }
}

impl Way for FileWay {
    fn target(&self) -> String {
        format!("file {}", self.path.display())
    }

    /// The file is opened anew each time: somebody may have moved it away, because it was long.
    fn deliver(&mut self, lines: &[Line]) -> Result<(), SinkFault> {
        if self.path.exists() && !self.path.metadata().map_err(SinkFault::Disk)?.is_file() {
            return Err(SinkFault::NoFile);
        }
        append(&self.path, lines).map_err(SinkFault::Disk)
    }
}

fn append(path: &Path, lines: &[Line]) -> std::io::Result<()> {
    let mut options = OpenOptions::new();
    options.append(true).read(true).create(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    let mut file = options.open(path)?;
    if file.metadata()?.len() == 0 {
        // Its name stays before anything is in it: after a fault the next attempt finds it empty, and does the same.
        File::open(folder_of(path)).and_then(|folder| sync_file(&folder))?;
    }
    if lines.is_empty() {
        return sync_file(&file);
    }
    let mut text = whole(lines, |line| format!("{line}\n"));
    if !ends_its_line(&mut file)? {
        // A crash cut a line short, which stays as it is: nothing is taken out of this file. Its entry comes again.
        text.insert(0, '\n');
    }
    file.write_all(text.as_bytes())?;
    sync_file(&file)
}

fn ends_its_line(file: &mut File) -> std::io::Result<bool> {
    if file.metadata()?.len() == 0 {
        return Ok(true);
    }
    let mut last = [0];
    file.seek(SeekFrom::End(-1))?;
    file.read_exact(&mut last)?;
    Ok(last == *b"\n")
}
