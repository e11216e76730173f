//! That every plan goes on: none waits for ever beside another one, and whoever is late is let in.

use std::collections::BTreeSet;

use tributary_protocol::ids::{ClientId, RunId};

use super::{Judge, client_of};

/// A run that nothing hinders commits a round within so many virtual milliseconds.
const STARVES_MS: u64 = 120_000;

/// Whoever is ready joins within so many virtual milliseconds, where nothing is broken.
const JOINS_MS: u64 = 1_500;

impl Judge {
    /// Whether it is time to look whether a run has starved.
    pub(crate) fn may_starve(&self) -> bool {
        self.now >= self.progress.due
    }

    /// Looks for runs that did not come forward for too long since the world was healed. Where too few are left for a run nobody promises that.
    pub(crate) fn starves(&mut self, healed_at: u64, hindered: &BTreeSet<RunId>) {
        let since = |at: &u64| healed_at.max(*at).saturating_add(STARVES_MS);
        let late = self.progress.since.iter().find(|(run, at)| since(at) < self.now && !hindered.contains(*run));
        if let Some((run, at)) = late {
            let text = format!("{run}: nothing since {at} ms");
            self.object("no plan starves beside another one", text);
        }
        self.progress.due = self.progress.since.values().map(since).min().unwrap_or(0).max(self.now + 1_000);
    }

    /// A run is over in a world in which nothing was broken: whoever was ready long before has taken part in it.
    pub(super) fn late_ones_joined(&mut self, run: RunId) {
        let Some(terms) = self.terms.get(&run) else { return };
        let long_ready = |(_, at): &(&ClientId, &u64)| at.saturating_add(JOINS_MS) < self.now;
        let ready = terms.ready.iter().filter(long_ready).map(|(client, _)| *client);
        let usual = |client: &ClientId| self.odd != Some(*client) && terms.ungranted != Some(*client);
        let outside = ready.filter(usual).find(|client| !self.joined.contains(&(run, *client)));
        if let Some(client) = outside {
            self.object("whoever is ready late joins the run", format!("client {client}, {run}"));
        }
    }

    /// Keys are to be agreed on among these: before the first round as many as the plan wants, and nobody who has not joined.
    pub(super) fn gathers(&mut self, run: RunId, candidates: &[ClientId], first: bool) {
        let wanted = self.terms.get(&run).map_or(0, |terms| terms.ready_min as usize);
        if first && candidates.len() < wanted {
            let text = format!("{run}: {} of {wanted}", candidates.len());
            self.object("no run starts before as many are ready as its plan wants", text);
        }
        let joined = |client: &&ClientId| self.joined.contains(&(run, **client)) || self.is_cheat(**client);
        if let Some(client) = candidates.iter().find(|client| !joined(client)) {
            self.object("nobody is asked for keys that has not joined", format!("client {client}, {run}"));
        }
    }

    /// A client promises to take part in a run: its data are ready.
    pub(super) fn joins(&mut self, index: usize, run: RunId) {
        let client = client_of(index);
        let ready = self.terms.get(&run).and_then(|terms| terms.ready.get(&client)).copied().unwrap_or(0);
        if ready > self.now {
            self.object("nobody joins whose data are not ready", format!("client {client}, {run}: at {ready} ms"));
        }
        self.joined.insert((run, client));
    }
}
