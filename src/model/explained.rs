//! Why the registry did not do what was asked, as the executable says it.

use tributary_coordinator::registry::RegistryError;

use crate::exit::Failure;

pub(crate) fn explained(error: RegistryError) -> Failure {
    match error {
        RegistryError::Settings(faults) => Failure::settings(faults),
        other => Failure::failed(other),
    }
}
