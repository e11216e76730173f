//! Rows about people: who stands by the plan, and who may order what.

use alloc::vec::Vec;

use super::{Moment, OVER, Row};
use crate::digest::Digest;
use crate::plan::{Approvals, Attestation};
use crate::role::{Action, Role};
use crate::roster::Roster;
use crate::round::cast::{self, counting_plan};
use crate::round::{CoordinatorEvent, Orders, Standing, order_digest};

pub(super) const APPROVED: &str = "sessions and rounds begin while two people of the roster in force stand by the plan";

/// A roster with other people in force: the plan's privacy officer has lost the role.
pub(super) fn revoked(moment: &mut Moment) {
    let mut people = cast::people();
    people.remove(0);
    let roster = cast::roster(9).roster;
    let entries = roster.entries().to_vec();
    moment.record.roster = Some(Roster::new(1, Digest::ZERO, entries, Vec::new(), people).expect("a roster"));
}

/// Nobody is known to stand by the plan.
pub(super) fn unapproved(moment: &mut Moment) {
    moment.record.approvals = None;
}

const WHOSE: &str = "an order is of somebody in the roster in force whose role it is";
const NEWS: &str = "an order changes something: nobody stops twice, and whoever agrees does so once for a role";
pub(super) const ORDERED: &str = "nothing begins while somebody's order stops the plan or the federation";

const ENDED: &str = "nothing is ordered of a plan that an order has ended";

fn abort() -> Attestation {
    let plan = counting_plan().digest();
    cast::attestation(cast::APPROVER, Role::PrivacyOfficer, Action::AbortPlan, plan)
}

pub(super) fn aborted(moment: &mut Moment) {
    moment.record.apply(&CoordinatorEvent::OrderTaken { order: abort() });
}

fn pause() -> Attestation {
    let plan = counting_plan().digest();
    cast::attestation(cast::APPROVER, Role::PrivacyOfficer, Action::PausePlan, plan)
}

fn orders(moment: &mut Moment, change: fn(&mut Attestation)) {
    let mut order = pause();
    moment.instead(CoordinatorEvent::OrderTaken { order: order.clone() });
    change(&mut order);
    moment.event = CoordinatorEvent::OrderTaken { order };
}

pub(super) fn ordered(moment: &mut Moment) {
    moment.record.apply(&CoordinatorEvent::OrderTaken { order: pause() });
}

pub(in super::super) const ORDER_TAKEN: &[Row] = &[
    (OVER, is!(SessionOpened), |moment| {
        orders(moment, |_| {});
        moment.record.finished = Some(true);
    }),
    (WHOSE, is!(SessionOpened), |moment| orders(moment, |order| order.subject.0[0] ^= 1)),
    (WHOSE, is!(SessionOpened), |moment| orders(moment, |order| order.federation.0[0] ^= 1)),
    (WHOSE, is!(SessionOpened), |moment| orders(moment, |order| order.role = Role::PlatformOperator)),
    (WHOSE, is!(SessionOpened), |moment| orders(moment, |order| order.action = Action::ApprovePlan)),
    (WHOSE, is!(SessionOpened), |moment| {
        orders(moment, |_| {});
        revoked(moment);
    }),
    (NEWS, is!(SessionOpened), |moment| {
        orders(moment, |_| {});
        ordered(moment);
    }),
    (NEWS, is!(SessionOpened), |moment| {
        ordered(moment);
        let subject = order_digest(&pause());
        let order = cast::attestation(cast::APPROVER, Role::PrivacyOfficer, Action::ResumePlan, subject);
        moment.instead(CoordinatorEvent::OrderTaken { order: order.clone() });
        moment.record.apply(&CoordinatorEvent::OrderTaken { order });
    }),
    (NEWS, is!(SessionOpened), |moment| {
        for at in 1..17 {
            moment.record.apply(&CoordinatorEvent::OrderTaken { order: Attestation { at, ..pause() } });
        }
        // However many stop it, one more may end it.
        moment.instead(CoordinatorEvent::OrderTaken { order: abort() });
        let freeze = cast::attestation(cast::APPROVER, Role::PrivacyOfficer, Action::Freeze, cast::federation());
        moment.event = CoordinatorEvent::OrderTaken { order: freeze };
    }),
    (NEWS, is!(SessionOpened), |moment| {
        orders(moment, |_| {});
        moment.record.orders.lifted.insert(order_digest(&pause()));
    }),
    (ENDED, is!(SessionOpened), |moment| {
        orders(moment, |_| {});
        aborted(moment);
    }),
    (ENDED, is!(SessionOpened), |moment| {
        moment.instead(CoordinatorEvent::OrderTaken { order: abort() });
        aborted(moment);
    }),
    (WHOSE, is!(SessionOpened), |moment| {
        aborted(moment);
        let subject = order_digest(&abort());
        let order = cast::attestation(cast::PROPOSER, Role::PlanOwner, Action::ResumePlan, subject);
        moment.event = CoordinatorEvent::OrderTaken { order };
    }),
];

const CARRIED: &str = "orders are carried over once, before the first roster";
const WHOLE: &str = "what is carried over stops this plan or the federation, and was not lifted";

/// The run before this one ended with its plan paused and the federation frozen, and what was lifted in it.
fn carried() -> Orders {
    let freeze = cast::attestation(cast::APPROVER, Role::PrivacyOfficer, Action::Freeze, cast::federation());
    let standing = [pause(), freeze].map(|order| (order_digest(&order), Standing { order, agreed: Vec::new() }));
    Orders { standing: standing.into(), lifted: [Digest::ZERO].into() }
}

/// Changes what is carried over, which would be in order.
fn carries(moment: &mut Moment, change: fn(&mut Orders)) {
    let mut orders = carried();
    moment.instead(CoordinatorEvent::OrdersCarried { orders: orders.clone() });
    change(&mut orders);
    moment.event = CoordinatorEvent::OrdersCarried { orders };
}

/// Another order stands in place of those that are carried over.
fn stands(moment: &mut Moment, change: fn(&mut Attestation)) {
    carries(moment, |_| {});
    let CoordinatorEvent::OrdersCarried { orders } = &mut moment.event else { panic!("they are carried") };
    let mut order = pause();
    change(&mut order);
    orders.standing = [(order_digest(&order), Standing { order, agreed: Vec::new() })].into();
}

/// So many agree that whatever stands is lifted.
fn agree(orders: &mut Orders, count: usize) {
    let agreed = [Role::PlanOwner, Role::PrivacyOfficer].map(|role| (cast::staff(cast::PROPOSER), role));
    orders.standing.values_mut().for_each(|stop| stop.agreed = agreed[..count].to_vec());
}

/// So many pauses stand, and these orders.
fn stand(orders: &mut Orders, pauses: u64, others: &[Attestation]) {
    let standing = (0..pauses).map(|at| Attestation { at, ..pause() }).chain(others.iter().cloned());
    let standing = standing.map(|order| (order_digest(&order), Standing { order, agreed: Vec::new() }));
    orders.standing = standing.collect();
}

pub(in super::super) const ORDERS_CARRIED: &[Row] = &[
    (CARRIED, is!(SessionOpened), |moment| moment.event = CoordinatorEvent::OrdersCarried { orders: carried() }),
    (CARRIED, is!(RosterAdopted), |moment| carries(moment, |orders| *orders = Orders::default())),
    (CARRIED, is!(RosterAdopted), |moment| {
        carries(moment, |_| {});
        moment.record.orders = carried();
    }),
    (WHOLE, is!(RosterAdopted), |moment| stands(moment, |order| order.subject.0[0] ^= 1)),
    (WHOLE, is!(RosterAdopted), |moment| stands(moment, |order| order.federation.0[0] ^= 1)),
    (WHOLE, is!(RosterAdopted), |moment| stands(moment, |order| order.action = Action::Freeze)),
    (WHOLE, is!(RosterAdopted), |moment| {
        stands(moment, |order| (order.action, order.subject.0[0]) = (Action::AbortPlan, order.subject.0[0] ^ 1));
    }),
    (WHOLE, is!(RosterAdopted), |moment| stands(moment, |order| order.action = Action::ResumePlan)),
    (WHOLE, is!(RosterAdopted), |moment| {
        carries(moment, |orders| orders.standing.values_mut().for_each(|stop| stop.order.at += 1));
    }),
    (WHOLE, is!(RosterAdopted), |moment| {
        carries(moment, |orders| orders.lifted.extend(orders.standing.keys().copied().collect::<Vec<_>>()));
    }),
    // One of two is not what it is called.
    (WHOLE, is!(RosterAdopted), |moment| {
        carries(moment, |orders| orders.standing.values_mut().take(1).for_each(|stop| stop.order.at += 1));
    }),
    // One has agreed already, and a second one would have lifted it.
    (WHOLE, is!(RosterAdopted), |moment| {
        carries(moment, |orders| agree(orders, 1));
        assert_eq!(moment.record.check(&moment.event), Ok(()));
        carries(moment, |orders| agree(orders, 2));
    }),
    // Sixteen stand at most, beside one that ends the plan.
    (WHOLE, is!(RosterAdopted), |moment| {
        carries(moment, |orders| stand(orders, 16, &[]));
        assert_eq!(moment.record.check(&moment.event), Ok(()));
        carries(moment, |orders| stand(orders, 17, &[]));
    }),
    (WHOLE, is!(RosterAdopted), |moment| {
        carries(moment, |orders| stand(orders, 16, &[abort()]));
        assert_eq!(moment.record.check(&moment.event), Ok(()));
        carries(moment, |orders| stand(orders, 17, &[abort()]));
    }),
];

const OTHERS: &str = "other people of the roster in force stand by the plan";

/// The plan's owner has proposed it anew, a second later.
fn shown(moment: &mut Moment, change: fn(&mut Approvals)) {
    let mut approvals = cast::approvals(&counting_plan());
    approvals.proposal.at += 1;
    moment.instead(CoordinatorEvent::ApprovalsShown { approvals: approvals.clone().into() });
    change(&mut approvals);
    moment.event = CoordinatorEvent::ApprovalsShown { approvals: approvals.into() };
}

pub(in super::super) const APPROVALS_SHOWN: &[Row] = &[
    (OTHERS, is!(SessionOpened), |moment| shown(moment, |approvals| approvals.proposal.at = 0)),
    (OTHERS, is!(SessionOpened), |moment| shown(moment, |approvals| approvals.proposal.subject.0[0] ^= 1)),
    (OTHERS, is!(SessionOpened), |moment| {
        shown(moment, |approvals| {
            approvals.proposal.federation.0[0] ^= 1;
            approvals.approval.federation = approvals.proposal.federation;
        });
    }),
    (OTHERS, is!(SessionOpened), |moment| {
        shown(moment, |_| {});
        revoked(moment);
    }),
    (OTHERS, is!(SessionOpened), |moment| {
        shown(moment, |_| {});
        moment.record.roster = None;
    }),
];
