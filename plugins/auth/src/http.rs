//! The plugin's side of HTTP: bodies, cookies, origins, answers. Knows the wire, not the store.

pub(crate) mod body;
pub(crate) mod cookie;
pub(crate) mod origin;
pub(crate) mod percent;
pub(crate) mod reply;

pub(crate) use body::Body;
pub(crate) use reply::Reply;
