//! Needs that nobody left standing meets.

use std::sync::Arc;

use objectos_protocol::kernel::plugin_document::nearest;
use semver::Version;

use super::wiring::{Field, Need, NeedKind, Wiring, needs};
use super::{Cause, ResolveRequest, Verdict, Verdicts};
use crate::package::{Candidate, RefusalReason};

/// Every plugin with an unmet need, for its first one.
pub(super) fn unmet(field: &Field<'_>, wiring: &Wiring, verdicts: &Verdicts) -> Verdicts {
    let look = Look {
        candidates: field.candidates,
        wiring,
        verdicts,
        request: field.request,
    };
    let mut found = Verdicts::new();
    for index in &wiring.active {
        let required = needs(&field.candidates[*index])
            .into_iter()
            .filter(|need| !need.optional);
        let first = required.into_iter().find_map(|need| match need.kind {
            NeedKind::Plugin => look.plugin(&need),
            NeedKind::Service => look.service(&need),
        });
        if let Some(verdict) = first {
            found.insert(*index, verdict);
        }
    }
    found
}

struct Look<'a> {
    candidates: &'a [Arc<Candidate>],
    wiring: &'a Wiring,
    verdicts: &'a Verdicts,
    request: &'a ResolveRequest<'a>,
}

impl Look<'_> {
    fn plugin(&self, need: &Need) -> Option<Verdict> {
        let named = |index: &usize| self.candidates[*index].id() == need.name;
        if let Some(index) = self.wiring.active.iter().copied().find(|index| named(index)) {
            let found = &self.candidates[index];
            if !need.range.matches(&found.version()) {
                return Some(Verdict::of(RefusalReason::PluginRange {
                    wanted: need.name.clone(),
                    range: need.range.clone(),
                    found: found.version(),
                    path: found.path.clone(),
                }));
            }
            let capability = need.lacking(found)?;
            let implements = &found.document.capabilities.implements;
            return Some(Verdict::of(RefusalReason::CapabilityMissing {
                wanted: need.name.clone(),
                capability: capability.to_owned(),
                path: found.path.clone(),
                implements: implements.iter().map(|known| known.protocol.id.clone()).collect(),
            }));
        }
        if let Some(index) = self.verdicts.keys().copied().find(|index| named(index)) {
            return Some(self.refused(need, Cause::Candidate(index)));
        }
        let earlier = self
            .request
            .refused
            .iter()
            .position(|refusal| refusal.plugin.as_deref() == Some(&need.name));
        if let Some(index) = earlier {
            return Some(self.refused(need, Cause::Earlier(index)));
        }
        let ids = self.candidates.iter().map(|candidate| candidate.id());
        Some(Verdict::of(RefusalReason::PluginMissing {
            wanted: need.name.clone(),
            range: need.range.clone(),
            nearest: nearest(&need.name, ids).map(str::to_owned),
        }))
    }

    fn service(&self, need: &Need) -> Option<Verdict> {
        let of_kernel = self
            .request
            .kernel_services
            .iter()
            .find(|provided| provided.name == need.name);
        let mut offered: Vec<String> = Vec::new();
        if let Some(provided) = of_kernel {
            if need.range.matches(&provided.version) {
                return None;
            }
            offered.push(format!("{} by the kernel", provided.version));
        }
        for (index, version) in self.wiring.providers.get(&need.name).into_iter().flatten() {
            if need.range.matches(version) {
                return None;
            }
            let provider = &self.candidates[*index];
            offered.push(format!(
                "{version} by `{}` from {}",
                provider.id(),
                provider.path.display()
            ));
        }
        if !offered.is_empty() {
            return Some(Verdict::of(RefusalReason::ServiceRange {
                service: need.name.clone(),
                range: need.range.clone(),
                offered,
            }));
        }
        if let Some(cause) = self.refused_provider(need) {
            return Some(self.refused(need, cause));
        }
        Some(Verdict::of(RefusalReason::ServiceMissing {
            service: need.name.clone(),
            range: need.range.clone(),
            nearest: nearest(&need.name, self.service_names()).map(str::to_owned),
        }))
    }

    fn refused_provider(&self, need: &Need) -> Option<Cause> {
        let offers = |name: &str, version: &Version| name == need.name && need.range.matches(version);
        let candidate = self.verdicts.keys().copied().find(|index| {
            let candidate = &self.candidates[*index];
            let provides = &candidate.document.objectos.services.provides;
            candidate.grants.may_provide_service(&need.name)
                && provides
                    .iter()
                    .any(|provided| offers(&provided.name, &provided.version))
        });
        let earlier = || {
            self.request
                .refused
                .iter()
                .position(|refusal| refusal.provides.contains(&need.name))
        };
        candidate
            .map(Cause::Candidate)
            .or_else(|| earlier().map(Cause::Earlier))
    }

    fn refused(&self, need: &Need, cause: Cause) -> Verdict {
        let plugin = match cause {
            Cause::Candidate(index) => self.candidates[index].id().to_owned(),
            Cause::Earlier(index) => self.request.refused[index].plugin.clone().unwrap_or_default(),
        };
        let reason = RefusalReason::DependencyRefused {
            what: need.described(),
            plugin,
        };
        Verdict {
            reason,
            rival: None,
            cause: Some(cause),
        }
    }

    fn service_names(&self) -> impl Iterator<Item = &str> {
        let of_kernel = self
            .request
            .kernel_services
            .iter()
            .map(|provided| provided.name.as_str());
        of_kernel.chain(self.wiring.providers.keys().map(String::as_str))
    }
}
