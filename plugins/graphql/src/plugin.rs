//! GraphQL behind the kernel: reads the configuration and answers the routes. It holds nothing but the schema, so a new
//! version takes nothing over.

use objectos_plugin_api::{Plugin, Registry, Result, Setup, contracts::data::DataClient, plugin};
use std::sync::Arc;

use crate::{config::Limits, keeper::Keeper, request::Door};

/// Where operations are sent.
const POST: [&str; 2] = ["POST /graphql", "POST /api/v1/graphql"];
/// Where queries are asked, and tried.
const GET: [&str; 2] = ["GET /graphql", "GET /api/v1/graphql"];

/// `objectos.graphql`.
#[derive(Debug)]
pub struct GraphqlPlugin {
    door: Door,
}

#[plugin]
impl Plugin for GraphqlPlugin {
    async fn init(setup: Setup) -> Result<Self> {
        let limits = Limits::read(&setup)?;
        Ok(Self {
            door: Door {
                keeper: Keeper::new(&setup.host, limits)?,
                data: DataClient::open(&setup.host)?,
                limits,
            },
        })
    }

    fn register(self: &Arc<Self>, registry: &mut Registry<Self>) {
        for route in POST {
            registry.route(route, |plugin, context, request| async move {
                plugin.door.post(&context, &request).await
            });
        }
        for route in GET {
            registry.route(route, |plugin, context, request| async move {
                plugin.door.get(&context, &request).await
            });
        }
    }
}
