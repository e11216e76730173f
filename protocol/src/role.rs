//! Who may do what: one table of role, action and object, from which every check and every test is made.
//!
//! A role is given by the roster, signed offline; a certificate alone gives none. Nothing that weakens a guarantee has one author: what one role
//! may propose another one approves.

use serde::{Deserialize, Serialize};

/// What a person may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Role {
    /// Runs the coordinator: its machine, its certificates, its backups. Decides nothing about data.
    PlatformOperator,
    /// Writes plans, and answers for what their models are for.
    PlanOwner,
    /// Answers for what is spent of the customers' privacy.
    PrivacyOfficer,
    /// Judges models, and had no part in making them.
    ModelValidator,
    /// Owns the data of branches, and grants their use.
    BranchOwner,
    /// Runs branches' daemons.
    BranchOperator,
    /// Checks the evidence.
    Auditor,
    /// Uses what was trained.
    ModelUser,
    /// Looks for a supervisor: is shown evidence, and does nothing else.
    Inspector,
}

/// What a person does to an object, by a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Action {
    /// Puts a plan forward.
    ProposePlan,
    /// Lets a proposed plan run.
    ApprovePlan,
    /// Ends a proposed plan before it runs.
    RejectPlan,
    /// Stops a plan until it is resumed.
    PausePlan,
    /// Lets a paused plan go on; two roles must.
    ResumePlan,
    /// Ends a plan for good.
    AbortPlan,
    /// Puts a year of spending forward.
    ProposeYear,
    /// Lets a year of spending count.
    ApproveYear,
    /// Stops everything in the federation.
    Freeze,
    /// Lets a frozen federation go on; two roles must.
    Thaw,
    /// Allows a branch's customers more loss of privacy than its policy did; two roles must.
    RaiseCap,
    /// Makes a model the one that branches use, or one that is compared with it; two roles must.
    PromoteModel,
    /// Makes an earlier model the one that branches use again; two roles must.
    RollBackModel,
    /// Ends the use of a model; two roles must.
    RetireModel,
    /// Has every branch delete a model and refuse it from then on; two roles must.
    WithdrawModel,
    /// Answers for the report on a model's gates.
    ValidateModel,
    /// Sets points of a model's scorecard in the place of its own; two roles must.
    ChangePoints,
    /// Tells of an incident: that it began, or what is known of it.
    ReportIncident,
    /// Says that an incident is over; another person than the one who told that it began.
    CloseIncident,
    /// Is shown evidence, for a supervisor.
    Inspect,
    /// Answers for a report of attacks on a model.
    ReportAttacks,
}

/// Which objects of its kind an action reaches. A plan is a person's own if that person proposed it, or whose deputy the person is; so are its models. A branch is, if it lies in
/// the scope of the person's role; the federation is everybody's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reach {
    /// Its own alone.
    Own,
    /// Those of others alone.
    Foreign,
    /// All of them.
    Any,
}

/// The table: what each role may do. What is not here nobody may do.
pub const DUTIES: &[(Role, Action, Reach)] = &[
    (Role::PlatformOperator, Action::Freeze, Reach::Any),
    (Role::PlatformOperator, Action::Thaw, Reach::Any),
    (Role::PlanOwner, Action::ProposePlan, Reach::Own),
    (Role::PlanOwner, Action::PausePlan, Reach::Own),
    (Role::PlanOwner, Action::ResumePlan, Reach::Own),
    (Role::PlanOwner, Action::AbortPlan, Reach::Own),
    (Role::PlanOwner, Action::ProposeYear, Reach::Own),
    (Role::PrivacyOfficer, Action::ApprovePlan, Reach::Foreign),
    (Role::PrivacyOfficer, Action::RejectPlan, Reach::Foreign),
    (Role::PrivacyOfficer, Action::PausePlan, Reach::Any),
    (Role::PrivacyOfficer, Action::ResumePlan, Reach::Foreign),
    (Role::PrivacyOfficer, Action::AbortPlan, Reach::Any),
    (Role::PrivacyOfficer, Action::ApproveYear, Reach::Foreign),
    (Role::PrivacyOfficer, Action::Freeze, Reach::Any),
    (Role::PrivacyOfficer, Action::Thaw, Reach::Any),
    (Role::PrivacyOfficer, Action::RaiseCap, Reach::Any),
    (Role::PlanOwner, Action::PromoteModel, Reach::Own),
    (Role::PlanOwner, Action::RollBackModel, Reach::Own),
    (Role::PlanOwner, Action::RetireModel, Reach::Own),
    (Role::PlanOwner, Action::WithdrawModel, Reach::Own),
    (Role::PlanOwner, Action::ChangePoints, Reach::Own),
    (Role::PrivacyOfficer, Action::RollBackModel, Reach::Any),
    (Role::PrivacyOfficer, Action::RetireModel, Reach::Any),
    (Role::PrivacyOfficer, Action::WithdrawModel, Reach::Any),
    (Role::ModelValidator, Action::PromoteModel, Reach::Foreign),
    (Role::ModelValidator, Action::RollBackModel, Reach::Foreign),
    (Role::ModelValidator, Action::RetireModel, Reach::Foreign),
    (Role::ModelValidator, Action::WithdrawModel, Reach::Foreign),
    (Role::ModelValidator, Action::ValidateModel, Reach::Foreign),
    (Role::ModelValidator, Action::ChangePoints, Reach::Foreign),
    (Role::ModelValidator, Action::ReportAttacks, Reach::Foreign),
    (Role::BranchOwner, Action::RaiseCap, Reach::Own),
    (Role::PlatformOperator, Action::ReportIncident, Reach::Any),
    (Role::PlatformOperator, Action::CloseIncident, Reach::Any),
    (Role::PlanOwner, Action::ReportIncident, Reach::Any),
    (Role::PrivacyOfficer, Action::ReportIncident, Reach::Any),
    (Role::PrivacyOfficer, Action::CloseIncident, Reach::Any),
    (Role::ModelValidator, Action::ReportIncident, Reach::Any),
    (Role::Auditor, Action::ReportIncident, Reach::Any),
    (Role::Inspector, Action::Inspect, Reach::Any),
];

/// Pairs of roles that one person may not have: the second judges what the first makes. An inspector has no other role, because a supervisor
/// takes no part.
pub const CONFLICTS: &[(Role, Role)] = &[
    (Role::PlanOwner, Role::PrivacyOfficer),
    (Role::PlanOwner, Role::ModelValidator),
    (Role::PlatformOperator, Role::Inspector),
    (Role::PlanOwner, Role::Inspector),
    (Role::PrivacyOfficer, Role::Inspector),
    (Role::ModelValidator, Role::Inspector),
    (Role::BranchOwner, Role::Inspector),
    (Role::BranchOperator, Role::Inspector),
    (Role::Auditor, Role::Inspector),
    (Role::ModelUser, Role::Inspector),
];

impl Role {
    /// Every role, in the order of their numbers.
    pub const ALL: [Self; 9] = [
        Self::PlatformOperator,
        Self::PlanOwner,
        Self::PrivacyOfficer,
        Self::ModelValidator,
        Self::BranchOwner,
        Self::BranchOperator,
        Self::Auditor,
        Self::ModelUser,
        Self::Inspector,
    ];

    /// The word in files and on screens.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::PlatformOperator => "platform-operator",
            Self::PlanOwner => "plan-owner",
            Self::PrivacyOfficer => "privacy-officer",
            Self::ModelValidator => "model-validator",
            Self::BranchOwner => "branch-owner",
            Self::BranchOperator => "branch-operator",
            Self::Auditor => "auditor",
            Self::ModelUser => "model-user",
            Self::Inspector => "inspector",
        }
    }

    /// The role of a word.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.name() == name)
    }

    /// Stable number in what is signed.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::PlatformOperator => 1,
            Self::PlanOwner => 2,
            Self::PrivacyOfficer => 3,
            Self::ModelValidator => 4,
            Self::BranchOwner => 5,
            Self::BranchOperator => 6,
            Self::Auditor => 7,
            Self::ModelUser => 8,
            Self::Inspector => 9,
        }
    }

    /// Whether it is about branches: its scope names them, or an organisation's.
    #[must_use]
    pub const fn is_of_branches(self) -> bool {
        matches!(self, Self::BranchOwner | Self::BranchOperator)
    }

    /// Whether it may let something run, be spent or be used that could not before, and that others put forward: whoever signs a roster is shown
    /// such a role before all others.
    #[must_use]
    pub fn may_approve(self) -> bool {
        let approving = |action: Action, reach: Reach| {
            use Action::{ApprovePlan, ApproveYear, PromoteModel, RaiseCap};
            matches!(action, ApprovePlan | ApproveYear | RaiseCap) || (action == PromoteModel && reach != Reach::Own)
        };
        DUTIES.iter().any(|(role, duty, reach)| *role == self && approving(*duty, *reach))
    }

    /// Whether one person may not have both.
    #[must_use]
    pub fn conflicts_with(self, other: Self) -> bool {
        CONFLICTS.iter().any(|(one, another)| [(self, other), (other, self)].contains(&(*one, *another)))
    }

    /// Whether the table lets it do so to an object that is its own, or is not.
    #[must_use]
    pub fn may(self, action: Action, own: bool) -> bool {
        DUTIES.iter().any(|(role, duty, reach)| {
            let reaches = match reach {
                Reach::Own => own,
                Reach::Foreign => !own,
                Reach::Any => true,
            };
            *role == self && *duty == action && reaches
        })
    }
}

impl Action {
    /// Every action, in the order of their numbers.
    pub const ALL: [Self; 21] = [
        Self::ProposePlan,
        Self::ApprovePlan,
        Self::RejectPlan,
        Self::PausePlan,
        Self::ResumePlan,
        Self::AbortPlan,
        Self::ProposeYear,
        Self::ApproveYear,
        Self::Freeze,
        Self::Thaw,
        Self::RaiseCap,
        Self::PromoteModel,
        Self::RollBackModel,
        Self::RetireModel,
        Self::WithdrawModel,
        Self::ValidateModel,
        Self::ChangePoints,
        Self::ReportIncident,
        Self::CloseIncident,
        Self::Inspect,
        Self::ReportAttacks,
    ];

    /// The word in files and on screens.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ProposePlan => "propose-plan",
            Self::ApprovePlan => "approve-plan",
            Self::RejectPlan => "reject-plan",
            Self::PausePlan => "pause-plan",
            Self::ResumePlan => "resume-plan",
            Self::AbortPlan => "abort-plan",
            Self::ProposeYear => "propose-year",
            Self::ApproveYear => "approve-year",
            Self::Freeze => "freeze",
            Self::Thaw => "thaw",
            Self::RaiseCap => "raise-cap",
            Self::PromoteModel => "promote-model",
            Self::RollBackModel => "roll-back-model",
            Self::RetireModel => "retire-model",
            Self::WithdrawModel => "withdraw-model",
            Self::ValidateModel => "validate-model",
            Self::ChangePoints => "change-points",
            Self::ReportIncident => "report-incident",
            Self::CloseIncident => "close-incident",
            Self::Inspect => "inspect",
            Self::ReportAttacks => "report-attacks",
        }
    }

    /// The action of a word.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|action| action.name() == name)
    }

    /// Stable number in what is signed.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::ProposePlan => 1,
            Self::ApprovePlan => 2,
            Self::RejectPlan => 3,
            Self::PausePlan => 4,
            Self::ResumePlan => 5,
            Self::AbortPlan => 6,
            Self::ProposeYear => 7,
            Self::ApproveYear => 8,
            Self::Freeze => 9,
            Self::Thaw => 10,
            // 11 and 12 were grants: the key that owns a branch's budget signs those, and no role.
            Self::RaiseCap => 13,
            Self::PromoteModel => 14,
            Self::RollBackModel => 15,
            Self::RetireModel => 16,
            Self::WithdrawModel => 17,
            Self::ValidateModel => 18,
            Self::ChangePoints => 19,
            Self::ReportIncident => 20,
            Self::CloseIncident => 21,
            Self::Inspect => 22,
            Self::ReportAttacks => 23,
        }
    }
}

/// For people.
impl core::fmt::Display for Role {
    fn fmt(&self, out: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        out.write_str(self.name())
    }
}

/// For people.
impl core::fmt::Display for Action {
    fn fmt(&self, out: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        out.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use alloc::collections::BTreeSet;
    use alloc::format;
    use alloc::string::String;
    use alloc::vec::Vec;

    use super::*;

    /// Frozen: numbers and words stand in signed bodies and in files.
    #[test]
    fn numbers_and_words_are_stable_and_lead_back() {
        for (number, role) in (1..).zip(Role::ALL) {
            assert_eq!((role.number(), Role::of_name(role.name())), (number, Some(role)));
        }
        for (number, action) in (1..11).chain(13..).zip(Action::ALL) {
            assert_eq!((action.number(), Action::of_name(action.name())), (number, Some(action)));
        }
        assert_eq!((Role::of_name("admin"), Action::of_name("approve")), (None, None));
        // The other words stand in the matrix.
        assert_eq!([Role::BranchOperator, Role::ModelUser].map(Role::name), ["branch-operator", "model-user"]);
    }

    /// The whole matrix as an approver reads it: whoever changes a duty changes this text too.
    #[test]
    fn the_matrix_is_this_one() {
        let mut lines: Vec<String> = Vec::new();
        for role in Role::ALL {
            for action in Action::ALL {
                let reach = match (role.may(action, true), role.may(action, false)) {
                    (true, true) => "any",
                    (true, false) => "own",
                    (false, true) => "foreign",
                    (false, false) => continue,
                };
                lines.push(format!("{role} {action} {reach}"));
            }
        }
        let expected = "platform-operator freeze any\nplatform-operator thaw any\nplatform-operator report-incident any\n\
            platform-operator close-incident any\nplan-owner propose-plan own\nplan-owner pause-plan own\n\
            plan-owner resume-plan own\nplan-owner abort-plan own\nplan-owner propose-year own\nplan-owner promote-model own\n\
            plan-owner roll-back-model own\nplan-owner retire-model own\nplan-owner withdraw-model own\nplan-owner change-points own\n\
            plan-owner report-incident any\nprivacy-officer approve-plan foreign\n\
            privacy-officer reject-plan foreign\nprivacy-officer pause-plan any\nprivacy-officer resume-plan foreign\n\
            privacy-officer abort-plan any\nprivacy-officer approve-year foreign\nprivacy-officer freeze any\nprivacy-officer thaw any\n\
            privacy-officer raise-cap any\nprivacy-officer roll-back-model any\nprivacy-officer retire-model any\n\
            privacy-officer withdraw-model any\nprivacy-officer report-incident any\nprivacy-officer close-incident any\n\
            model-validator promote-model foreign\nmodel-validator roll-back-model foreign\n\
            model-validator retire-model foreign\nmodel-validator withdraw-model foreign\n\
            model-validator validate-model foreign\nmodel-validator change-points foreign\n\
            model-validator report-incident any\nmodel-validator report-attacks foreign\n\
            branch-owner raise-cap own\nauditor report-incident any\n\
            inspector inspect any";
        assert_eq!(lines.join("\n"), expected);
    }

    /// A supervisor's inspector is shown evidence and does nothing else, in no other role either.
    #[test]
    fn an_inspector_looks_and_does_nothing_else() {
        for role in Role::ALL {
            let inspects = role == Role::Inspector;
            assert_eq!(role.may(Action::Inspect, true) || role.may(Action::Inspect, false), inspects, "{role}");
            assert_eq!(role.conflicts_with(Role::Inspector), !inspects, "{role}");
            let either = |other: &Role| role.conflicts_with(*other) == other.conflicts_with(role);
            assert!(Role::ALL.iter().all(either), "{role}: whichever of two is asked");
        }
        for action in Action::ALL.into_iter().filter(|action| *action != Action::Inspect) {
            assert!(!Role::Inspector.may(action, true) && !Role::Inspector.may(action, false), "{action}");
        }
        assert!(!Role::Inspector.may_approve() && !Role::Inspector.is_of_branches());
    }

    /// What lets more be spent or learned takes two roles, and none of the pairs may be one person's.
    #[test]
    fn nothing_that_weakens_a_guarantee_has_one_role() {
        let roles =
            |action| Role::ALL.into_iter().filter(move |role| role.may(action, true) || role.may(action, false));
        for (made, judged) in [(Action::ProposePlan, Action::ApprovePlan), (Action::ProposeYear, Action::ApproveYear)] {
            for maker in roles(made) {
                assert!(!maker.may(judged, true) && !maker.may(judged, false));
                assert!(roles(judged).all(|judge| maker.conflicts_with(judge)), "{maker} {judged}");
            }
        }
        let of_models = [
            Action::PromoteModel,
            Action::RollBackModel,
            Action::RetireModel,
            Action::WithdrawModel,
            Action::ChangePoints,
        ];
        for action in [Action::ResumePlan, Action::Thaw, Action::RaiseCap].into_iter().chain(of_models) {
            assert!(roles(action).collect::<BTreeSet<_>>().len() >= 2, "{action}");
        }
        let approving: Vec<Role> = Role::ALL.into_iter().filter(|role| role.may_approve()).collect();
        assert_eq!(approving, [Role::PrivacyOfficer, Role::ModelValidator, Role::BranchOwner]);
        // Whoever made a model does not let it be used alone, nor with another hat on.
        let promoting: Vec<Role> = roles(Action::PromoteModel).collect();
        assert_eq!(promoting, [Role::PlanOwner, Role::ModelValidator]);
        assert!(Role::PlanOwner.conflicts_with(Role::ModelValidator));
        assert!(!Role::PlanOwner.conflicts_with(Role::PlanOwner) && !Role::Auditor.conflicts_with(Role::PlanOwner));
    }
}
