//! What a plugin asks for: its permissions in the kernel's terms, and what its declaration implies.

use objectos_protocol::kernel::plugin_document::PluginDocument;
use objectos_protocol::kernel::{PermissionAction, PluginPermission, ResourceType};

use super::Capability;

/// One thing a plugin asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ask {
    pub capability: Capability,
    pub scope: String,
    /// The plugin cannot run without it.
    pub required: bool,
    /// Follows from the declaration and is granted unless denied.
    pub implied: bool,
    /// Id of the permission in the manifest.
    pub permission: Option<String>,
    /// What the author says it is for.
    pub purpose: String,
}

impl Ask {
    /// The rule that would grant it.
    #[must_use]
    pub fn rule(&self) -> String {
        spelt(self.capability, &self.scope)
    }
}

/// The rule that grants a capability for a scope.
pub(super) fn spelt(capability: Capability, scope: &str) -> String {
    match (capability, scope) {
        (Capability::System, _) => "system".to_owned(),
        (_, "*") => capability.to_string(),
        _ => format!("{capability}:{scope}"),
    }
}

/// Everything a document asks for, permissions first.
#[must_use]
pub fn asked_by(document: &PluginDocument) -> Vec<Ask> {
    let mut asks = Vec::new();
    for permission in &document.security.permissions.permissions {
        for capability in capabilities(permission) {
            explicit(permission, capability, &mut asks);
        }
    }
    let declaration = &document.objectos;
    let services = &declaration.services;
    for used in &services.uses {
        asks.push(implied(Capability::ServiceUse, &used.name, !used.optional));
    }
    asks.extend(
        services
            .provides
            .iter()
            .map(|provided| implied(Capability::ServiceProvide, &provided.name, false)),
    );
    asks.extend(
        declaration
            .hooks
            .runs
            .iter()
            .map(|name| implied(Capability::HookRun, name, false)),
    );
    asks.extend(
        declaration
            .hooks
            .handles
            .iter()
            .map(|name| implied(Capability::HookHandle, name, false)),
    );
    asks.extend(
        declaration
            .events
            .publishes
            .iter()
            .map(|pattern| implied(Capability::EventPublish, pattern, false)),
    );
    asks.extend(
        declaration
            .events
            .handles
            .iter()
            .map(|pattern| implied(Capability::EventHandle, pattern, false)),
    );
    asks
}

fn implied(capability: Capability, scope: &str, required: bool) -> Ask {
    Ask {
        capability,
        scope: scope.to_owned(),
        required,
        implied: true,
        permission: None,
        purpose: String::new(),
    }
}

fn explicit(permission: &PluginPermission, capability: Capability, asks: &mut Vec<Ask>) {
    let named = permission
        .filter
        .as_ref()
        .map(|filter| filter.resource_ids.as_slice())
        .unwrap_or_default();
    let whole = matches!(capability, Capability::System | Capability::PrincipalSet);
    let scopes = if named.is_empty() || whole {
        vec!["*".to_owned()]
    } else {
        named.to_vec()
    };
    let purpose = permission
        .justification
        .as_ref()
        .filter(|text| !text.is_empty())
        .unwrap_or(&permission.description);
    for scope in scopes {
        asks.push(Ask {
            capability,
            scope,
            required: permission.required,
            implied: false,
            permission: Some(permission.id.clone()),
            purpose: purpose.clone(),
        });
    }
}

/// The capabilities a permission means, each once, in order of its actions.
fn capabilities(permission: &PluginPermission) -> Vec<Capability> {
    let mut found = Vec::new();
    for action in &permission.actions {
        for capability in meaning(permission.resource, *action) {
            if !found.contains(capability) {
                found.push(*capability);
            }
        }
    }
    found
}

fn meaning(resource: ResourceType, action: PermissionAction) -> &'static [Capability] {
    use Capability as C;
    use PermissionAction as A;
    use ResourceType as R;
    let reads = matches!(action, A::Read | A::Export);
    match resource {
        R::DataObject | R::DataRecord | R::DataField => match action {
            A::Read | A::Export => &[C::ObjectRead],
            A::Create | A::Update | A::Delete | A::Import | A::Share => &[C::ObjectWrite],
            A::Execute => &[C::ObjectRead, C::ObjectWrite],
            A::Manage | A::Configure | A::Admin => &[C::ObjectManage],
        },
        R::SystemService => match action {
            A::Create | A::Manage | A::Configure => &[C::ServiceProvide],
            A::Admin => &[C::ServiceUse, C::ServiceProvide],
            A::Read | A::Update | A::Delete | A::Execute | A::Share | A::Export | A::Import => &[C::ServiceUse],
        },
        R::SystemApi if action == A::Admin => &[C::System],
        R::SystemApi if action == A::Manage => &[C::PrincipalSet],
        R::SystemApi => &[C::ApiUse],
        R::SystemConfig if reads => &[C::ConfigRead],
        R::SystemConfig => &[C::ConfigWrite],
        R::SystemPlugin if reads => &[C::PluginRead],
        R::SystemPlugin => &[C::PluginManage],
        R::StorageFile if reads => &[C::FileRead],
        R::StorageFile if matches!(action, A::Manage | A::Admin) => &[C::FileRead, C::FileWrite],
        R::StorageFile => &[C::FileWrite],
        R::StorageDatabase => &[C::DatabaseConnect],
        R::NetworkHttp | R::NetworkWebsocket => match action {
            A::Manage | A::Configure | A::Admin => &[C::NetworkListen],
            A::Create | A::Read | A::Update | A::Delete | A::Execute | A::Share | A::Export | A::Import => {
                &[C::NetworkConnect]
            }
        },
        R::ProcessSpawn if matches!(action, A::Manage | A::Configure | A::Admin) => &[C::ProcessSignal],
        R::ProcessSpawn => &[C::ProcessSpawn],
        R::ProcessEnv => &[C::EnvironmentRead],
        R::UiView | R::UiDashboard | R::UiReport => &[C::InterfaceUse],
    }
}
