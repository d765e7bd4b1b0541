//! Ownership and sharing: whose records a subject reaches by owning them, by the org-wide default, by its role, by rules, by
//! shares, by territories, or through the parent record.
//!
//! Sets of people are not listed here but looked up by the query (`$inRecords`), so that they are right at the moment of the
//! query, and a plan stays small however many people there are.

use objectos_plugin_api::contracts::permissions::Operation;
use serde_json::{Value, json};

use super::{Effect, PARENTS_MAX, Planner, Step, StepKind};
use crate::model::{Level, Openness, OrgDefault, Recipient, Shared, TERRITORY_OBJECTS};
use crate::rows::Rows;
use crate::subject::describe;

const USER_ROLES: &str = "sys_user_role";
const GROUP_MEMBERS: &str = "sys_group_member";
const TEAM_MEMBERS: &str = "sys_team_member";
const SHARES: &str = "sys_record_share";

impl<'a> Planner<'a> {
    /// The rows that ownership and sharing open for an operation that a set allows.
    pub(super) fn shared_rows(&mut self, object: &str, operation: Operation, depth: usize) -> Rows {
        let default = self.model.org_default(object);
        match default.openness {
            Openness::ControlledByParent => return self.parent_rows(object, operation, depth, &default),
            Openness::PublicFull => return self.open(object, &default),
            Openness::PublicReadWrite if matches!(operation, Operation::Read | Operation::Update) => {
                return self.open(object, &default);
            }
            Openness::PublicRead if operation == Operation::Read => return self.open(object, &default),
            _ => {}
        }
        let needed = Level::needed(operation);
        let mut parts = Vec::new();
        if !self.subject.guest {
            parts.push(self.owned(&default));
            if default.hierarchy {
                parts.push(self.below());
            }
            parts.push(self.shares(object, needed));
            parts.push(self.territories(object, needed));
        }
        parts.push(self.rules(object, needed));
        Rows::any(parts)
    }

    fn open(&mut self, object: &str, default: &OrgDefault) -> Rows {
        self.share_step(
            StepKind::OrgDefault,
            object,
            Rows::All,
            format!("records of `{object}` are open to everybody whom a permission set lets"),
            default.source.clone(),
        )
    }

    fn owned(&mut self, default: &OrgDefault) -> Rows {
        let rows = Rows::test("owner_id", "$eq", self.subject.id.as_str());
        let text = "records that the principal owns".to_owned();
        self.share_step(StepKind::Ownership, "owner_id", rows, text, default.source.clone())
    }

    /// Records of holders of lower roles.
    fn below(&mut self) -> Rows {
        let below = self.model.roles_below(self.subject.roles.iter().map(String::as_str));
        if below.is_empty() {
            return Rows::None;
        }
        let names: Vec<&str> = below.into_iter().collect();
        let rows = self.owned_by_roles(&names);
        let text = format!("records of holders of the roles below: {}", names.join(", "));
        self.share_step(
            StepKind::Hierarchy,
            "roles",
            rows,
            text,
            crate::problem::Source::BuiltIn,
        )
    }

    fn owned_by_roles(&self, roles: &[&str]) -> Rows {
        if self.model.catalogue.object(USER_ROLES).is_none() {
            return Rows::None;
        }
        let holders = Rows::all([
            Rows::test("role", "$in", json!(roles)),
            self.not_expired(),
            self.in_organization(USER_ROLES),
        ]);
        Rows::in_records("owner_id", USER_ROLES, "user", holders)
    }

    /// `expires_at` lies ahead, or there is none. The plan is made anew when the next one passes.
    fn not_expired(&self) -> Rows {
        Rows::any([
            Rows::test("expires_at", "$null", true),
            Rows::test("expires_at", "$gt", crate::moment::text(self.now_ms)),
        ])
    }

    /// The shares that count: those that have not ended; where only lasting ones do, those of no link and without an end.
    fn counting(&self) -> Rows {
        if !self.lasting {
            return self.not_expired();
        }
        Rows::test("link", "$null", true).and(Rows::test("expires_at", "$null", true))
    }

    /// What counts everywhere, or in the organisation that the subject works in. Where an object has no such field all does.
    fn in_organization(&self, object: &str) -> Rows {
        let info = self.model.catalogue.object(object);
        if !info.is_some_and(|info| info.fields.contains_key("organization")) {
            return Rows::All;
        }
        let here = self
            .subject
            .tenant
            .as_deref()
            .map(|tenant| Rows::test("organization", "$eq", tenant));
        Rows::any(std::iter::once(Rows::test("organization", "$null", true)).chain(here))
    }

    fn rules(&mut self, object: &str, needed: Level) -> Rows {
        let model = self.model;
        let mut parts = Vec::new();
        for rule in model
            .rules
            .iter()
            .filter(|rule| rule.object == object && rule.level >= needed)
        {
            if !self.subject.is_one_of(&rule.recipient, model) {
                continue;
            }
            let rows = match &rule.shared {
                Shared::Matching(condition) => self.condition(condition, None, &rule.source),
                Shared::OwnedBy(owners) => self.owned_by(owners),
            };
            let text = format!(
                "the sharing rule `{}` opens records to {} ({})",
                rule.name,
                describe(&rule.recipient),
                rule.level.name()
            );
            parts.push(self.share_step(StepKind::Rule, &rule.name, rows, text, rule.source.clone()));
        }
        Rows::any(parts)
    }

    /// Records of some owners.
    fn owned_by(&self, owners: &Recipient) -> Rows {
        let has = |object: &str| self.model.catalogue.object(object).is_some();
        match owners {
            Recipient::User(user) => Rows::test("owner_id", "$eq", user.as_str()),
            Recipient::Role(role) => self.owned_by_roles(&[role]),
            Recipient::RoleAndSubordinates(role) => {
                let mut roles: Vec<&str> = self.model.roles_below([role.as_str()]).into_iter().collect();
                roles.push(role);
                self.owned_by_roles(&roles)
            }
            Recipient::Group(group) if has(GROUP_MEMBERS) => self.owned_by_group(group),
            Recipient::Team(team) if has(TEAM_MEMBERS) => {
                let members = Rows::test(self.team_field("team_id", "team"), "$eq", team.as_str());
                Rows::in_records("owner_id", TEAM_MEMBERS, self.team_field("user_id", "user"), members)
            }
            _ => Rows::None,
        }
    }

    fn owned_by_group(&self, group: &str) -> Rows {
        let tenant = self.subject.tenant.as_deref();
        let within = self.model.groups_within(group, tenant);
        let names: Vec<&str> = within.iter().copied().collect();
        let members = Rows::all([
            Rows::test("group", "$in", json!(names)),
            Rows::test("member_type", "$eq", "user"),
            self.in_organization(GROUP_MEMBERS),
        ]);
        let inner = self
            .model
            .group_members
            .iter()
            .filter(|member| within.contains(member.group.as_str()) && member.counts_in(tenant));
        let others = inner.filter_map(|member| match &member.member {
            Recipient::Group(_) => None,
            other => Some(self.owned_by(other)),
        });
        Rows::any(std::iter::once(Rows::in_records("owner_id", GROUP_MEMBERS, "member", members)).chain(others))
    }

    fn team_field<'f>(&self, first: &'f str, second: &'f str) -> &'f str {
        let members = self.model.catalogue.object(TEAM_MEMBERS);
        if members.is_some_and(|object| object.fields.contains_key(first)) {
            first
        } else {
            second
        }
    }

    /// Records that somebody shared by hand.
    fn shares(&mut self, object: &str, needed: Level) -> Rows {
        if self.model.catalogue.object(SHARES).is_none() {
            return Rows::None;
        }
        let subject = self.subject;
        let with = |kind: &str, names: Value| {
            Rows::test("recipient_type", "$eq", kind).and(Rows::test("recipient", "$in", names))
        };
        let mut recipients = vec![with("user", json!([subject.id]))];
        let above = self.model.roles_above(subject.roles.iter().map(String::as_str));
        for (kind, names) in [
            ("group", json!(subject.groups)),
            ("team", json!(subject.teams)),
            ("role", json!(subject.roles)),
            ("role_and_subordinates", json!(above)),
            ("territory", json!(subject.territories)),
        ] {
            if names.as_array().is_some_and(|names| !names.is_empty()) {
                recipients.push(with(kind, names));
            }
        }
        let shares = Rows::all([
            Rows::test("object", "$eq", object),
            Rows::test("access_level", "$in", json!(needed.sufficient())),
            Rows::any(recipients),
            self.counting(),
        ]);
        let rows = Rows::in_records("id", SHARES, "record", shares);
        let text = "records that were shared with the principal".to_owned();
        self.share_step(StepKind::Share, SHARES, rows, text, crate::problem::Source::BuiltIn)
    }

    /// Accounts of the subject's territories, and opportunities and cases of those.
    fn territories(&mut self, object: &str, needed: Level) -> Rows {
        let Some(which) = TERRITORY_OBJECTS.iter().position(|name| *name == object) else {
            return Rows::None;
        };
        let model = self.model;
        let mut parts = Vec::new();
        for name in &self.subject.territories {
            let Some(territory) = model
                .territories
                .get(name)
                .filter(|territory| territory.access[which] >= needed)
            else {
                continue;
            };
            let Some(condition) = &territory.accounts else { continue };
            let accounts = self.condition(condition, None, &territory.source);
            let rows = match which {
                0 => accounts,
                _ => {
                    let fields = model.catalogue.object(object).map(|object| &object.fields);
                    let field = fields.into_iter().flatten().find_map(|(name, field)| {
                        (field.reference.as_deref() == Some(TERRITORY_OBJECTS[0])).then_some(name)
                    });
                    field.map_or(Rows::None, |field| {
                        Rows::in_records(field, TERRITORY_OBJECTS[0], "id", accounts)
                    })
                }
            };
            let text = format!("records of the territory `{name}` ({})", territory.access[which].name());
            parts.push(self.share_step(StepKind::Territory, name, rows, text, territory.source.clone()));
        }
        Rows::any(parts)
    }

    /// Whoever reaches the parent record reaches its children; to change them, the parent must be one that may be changed.
    fn parent_rows(&mut self, object: &str, operation: Operation, depth: usize, default: &OrgDefault) -> Rows {
        let parent = self
            .model
            .catalogue
            .object(object)
            .and_then(|object| object.parent.clone());
        let (Some((field, parent)), true) = (parent, depth < PARENTS_MAX) else {
            let text = format!("the parent that controls `{object}` cannot be found");
            self.refuse(StepKind::Fault, object, text, default.source.clone());
            return Rows::None;
        };
        let asked = match operation {
            Operation::Read => Operation::Read,
            _ => Operation::Update,
        };
        let rows = self
            .quietly(|planner| planner.rows(&parent, asked, depth + 1))
            .unwrap_or(Rows::None);
        let rows = match rows {
            Rows::All => Rows::test(&field, "$null", false),
            rows => Rows::in_records(&field, &parent, "id", rows),
        };
        let text = format!(
            "records whose `{field}` the principal may {}",
            if asked == Operation::Read { "read" } else { "edit" }
        );
        self.share_step(StepKind::Parent, &parent, rows, text, default.source.clone())
    }

    /// A child may only be put below a parent that may be changed.
    pub(super) fn parent_check(&mut self, object: &str, operation: Operation) -> Rows {
        let default = self.model.org_default(object);
        if default.openness != Openness::ControlledByParent {
            return Rows::All;
        }
        if self
            .grants(object, operation)
            .iter()
            .any(|(_, grant)| grant.modify_all || grant.older)
        {
            return Rows::All;
        }
        self.parent_rows(object, Operation::Update, 0, &default)
    }

    fn share_step(
        &mut self,
        kind: StepKind,
        name: &str,
        rows: Rows,
        text: String,
        source: crate::problem::Source,
    ) -> Rows {
        self.step(Step {
            kind,
            name: name.to_owned(),
            effect: Effect::Allows,
            rows: rows.clone(),
            text,
            source,
        });
        rows
    }
}
