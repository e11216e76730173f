//! Actions in words, for the owner who signs them.

use tributary_texts::{Language, Said, actions as words, mapping};

use super::{Actions, Rule, Stage};
use crate::data::Wanted;

impl Actions {
    /// What they say, a line each.
    #[must_use]
    pub fn said(&self) -> Vec<Said> {
        let mut lines = vec![words::actions_of(self.schema)];
        lines.push(match &self.branch {
            Some(branch) => mapping::for_branch(branch),
            None => words::for_any_branch(),
        });
        lines.extend((1..).zip(&self.stages).flat_map(|(number, stage): (usize, _)| self.of_stage(number, stage)));
        lines.push(words::else_none());
        lines
    }

    fn of_stage(&self, number: usize, stage: &Stage) -> Vec<Said> {
        let name = format!("{:?}", stage.name);
        let conditions: Vec<Said> =
            stage.conditions.iter().map(|own| self.of_condition(own.subject, &own.rule)).collect();
        let when = match conditions.as_slice() {
            [] => words::everybody(),
            all => Said::joined(all, "; "),
        };
        let both = |said: &Said| [Language::Chinese, Language::English].map(|language| said.text(language).to_owned());
        let [action, notice] = [&stage.action, &stage.notice].map(both);
        let [action_zh, action_en] = action;
        let [notice_zh, notice_en] = notice;
        vec![words::stage(number, name, when), words::action(action_zh, action_en), words::notice(notice_zh, notice_en)]
    }

    fn of_condition(&self, subject: usize, rule: &Rule) -> Said {
        let of = match self.wanted().get(subject) {
            Some(Wanted::Schema(column)) => words::of_schema(format!("{column:?}")),
            Some(Wanted::Table(column)) => words::of_table(format!("{column:?}")),
            None => Said::empty(),
        };
        match rule {
            Rule::Missing(true) => words::is_missing(of),
            Rule::Missing(false) => words::is_there(of),
            Rule::Number(Some(from), Some(below)) => words::from_below(of, from, below),
            Rule::Number(Some(from), None) => words::from(of, from),
            Rule::Number(None, Some(below)) => words::below(of, below),
            Rule::Number(None, None) => words::is_there(of),
            Rule::Is(codes) => {
                words::is_one_of(of, codes.iter().map(|code| format!("{code:?}")).collect::<Vec<_>>().join(", "))
            }
        }
    }
}
