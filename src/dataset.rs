//! `tributary client dataset check`: what a branch's files hold, on its own screen.

use std::path::Path;

use serde_json::{Value, json};
use tributary_client::cli::{CheckedFile, check_dataset};
use tributary_client::data::FileError;
use tributary_client::error::ClientError;

use crate::exit::{Exit, Failure};

/// Reads every file as a run would, and shows all that it would say.
///
/// # Errors
/// If settings or schema have faults. A file that a run would not use is an exit code.
pub(crate) fn check(config: &Path, json: bool) -> Result<Exit, Failure> {
    let files = check_dataset(config).map_err(|error| match error {
        ClientError::Settings(faults) => Failure::settings(faults),
        other => Failure::failed(other),
    })?;
    let usable = files.iter().all(CheckedFile::is_usable);
    if json {
        let list: Vec<Value> = files.iter().map(described).collect();
        crate::json::print(&json!({ "usable": usable, "files": list }));
    } else {
        files.iter().for_each(show);
        println!(
            "{}",
            if usable { "a run would use this" } else { "a run would not use this, and stop before it connects" }
        );
    }
    Ok(if usable { Exit::Done } else { Exit::Failed })
}

fn show(file: &CheckedFile) {
    println!("{}, schema {}", file.key, file.schema);
    match &file.loaded {
        Ok(loaded) => {
            println!("{}", loaded.report);
            for remark in &loaded.remarks {
                println!("{}: {}", if remark.stops { "STOPS" } else { "WARNING" }, remark.text);
            }
        }
        Err(fault) => println!("STOPS: {fault}"),
    }
}

fn described(file: &CheckedFile) -> Value {
    let (report, remarks, faults) = match &file.loaded {
        Ok(loaded) => (json!(loaded.report), json!(loaded.remarks), Value::Null),
        Err(FileError::Faults(faults)) => {
            let faults = json!({ "count": faults.count, "first": faults.told, "stopped": faults.stopped });
            (Value::Null, json!([]), faults)
        }
        Err(fault) => {
            let first = json!([{ "row": null, "column": null, "text": fault.to_string() }]);
            (Value::Null, json!([]), json!({ "count": 1, "first": first, "stopped": true }))
        }
    };
    json!({
        "key": file.key,
        "file": file.file,
        "schema": file.schema,
        "usable": file.is_usable(),
        "report": report,
        "remarks": remarks,
        "faults": faults,
    })
}
